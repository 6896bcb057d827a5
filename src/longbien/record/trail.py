"""The trail: who did what to whom, why, when, from where. A read's answer leaves only after its line is durable.

Reads are written by group commit: lines that arrive while one batch is being committed go together in the next; there is no
timer, so a lone reader waits for one commit only. A write's line goes in the write's own transaction (write.py). Every second
the settled lines are sealed into a hash chain (audit_seal in 0001)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from longbien.base import log
from longbien.base.db import Connection, Database
from longbien.base.errors import LongbienError, Unavailable

from .scope import Scope

_log = log.get(__name__)

KINDS = ("read", "vread", "history", "search", "create", "update", "delete", "operation", "page", "print", "export", "import",
         "sign-in", "sign-out", "purpose", "token", "refused", "account", "trail")  # fmt: skip
"""Position is the number stored; only ever append."""
PURPOSES = (
    "",
    "TREAT",
    "ETREAT",
    "HPAYMT",
    "HOPERAT",
    "PUBHLTH",
    "HRESCH",
    "PATRQT",
    "HSYSADMIN",
    "HDIRECT",
    "CAREMGT",
)
"""Codes of HL7 v3 PurposeOfUse; position is the number stored; only ever append."""
SUCCESS, REFUSED, FAILED = 0, 4, 8

_INSERT = "SELECT record_audit($1::audit_in[])"


class Line(NamedTuple):
    """One row of `audit`, in the order of the SQL type audit_in."""

    actor: int
    org: int | None
    pat: int | None
    rid: int | None
    ver: int | None
    type: int | None
    action: bytes
    kind: int
    outcome: int
    purpose: int
    n: int
    addr: str | None
    why: str | None


_ACTION = {"read": b"R", "vread": b"R", "history": b"R", "page": b"R", "print": b"R", "export": b"R", "create": b"C",
           "import": b"C", "update": b"U", "delete": b"D"}  # fmt: skip


def line(scope: Scope, kind: str, *, pat: int | None = None, rid: int | None = None, ver: int | None = None,
         type: int | None = None, outcome: int = SUCCESS, n: int = 1, why: str | None = None) -> Line:  # fmt: skip
    """A line for what `scope`'s actor did. `why` defaults to the scope's reason; cut at 1,000 characters."""
    text = (scope.reason if why is None else why).replace("\0", "")[:1000]
    purpose = PURPOSES.index(scope.purpose) if scope.purpose in PURPOSES else 0
    return Line(scope.actor, scope.org, pat, rid, ver, type, _ACTION.get(kind, b"E"), KINDS.index(kind), outcome, purpose, n,
                scope.address, text)  # fmt: skip


class Trail:
    """One per process. `write` returns once its lines are on disk."""

    def __init__(self, db: Database):
        self._db = db
        self._waiting: list[tuple[Sequence[Line], asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = False

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._flush_for_ever()), asyncio.create_task(self._seal_for_ever())]

    async def close(self) -> None:
        self._closed = True
        self._wake.set()
        if self._tasks:
            await asyncio.wait(self._tasks[:1], timeout=5)
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task
        self._refuse(Unavailable("The server is stopping."))

    async def write(self, lines: Sequence[Line]) -> None:
        """Durable when this returns. Raises Unavailable or StorageFull when it cannot be: then the answer must not leave."""
        if self._closed:
            raise Unavailable("The server is stopping.")
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((lines, done))
        self._wake.set()
        await done

    def _refuse(self, why: BaseException) -> None:
        for _, done in self._waiting:
            if not done.done():
                done.set_exception(why)
        self._waiting = []

    async def _flush_for_ever(self) -> None:
        while not (self._closed and not self._waiting):
            try:
                async with self._db.connection() as connection:
                    await self._flush_on(connection)
            except LongbienError as error:
                self._refuse(error)
                await asyncio.sleep(0.05)
            if not self._waiting and not self._closed:
                self._wake.clear()
                await self._wake.wait()

    async def _flush_on(self, connection: Connection) -> None:
        """Batches until there is nothing left to write; the connection is given back in a quiet moment only."""
        while True:
            if not self._waiting:
                if self._closed:
                    return
                self._wake.clear()
                try:
                    await asyncio.wait_for(self._wake.wait(), 5)
                except TimeoutError:
                    return
                continue
            batch, self._waiting = self._waiting, []
            try:
                await connection.execute(_INSERT, [one for lines, _ in batch for one in lines])
            except BaseException:
                self._waiting = batch + self._waiting
                raise
            for _, done in batch:
                if not done.done():
                    done.set_result(None)

    async def _seal_for_ever(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            try:
                await seal(self._db)
            except LongbienError as error:
                _log.warning("the trail could not be sealed: %s", error.text)


async def seal(db: Database) -> int | None:
    """Append a block over the lines that have settled; its number, or None when there was nothing to seal."""
    number: int | None = await db.fetchval("SELECT audit_seal()")
    return number


async def verify(db: Database) -> list[str]:
    """Recompute the whole chain. Gives what is wrong, in sentences; empty when the trail is intact."""
    wrong: list[str] = []
    prev, expected, upto = b"", 1, 0
    async with db.transaction() as connection:
        async for b in connection.cursor("SELECT n, xlo, xhi, count, prev, hash FROM audit_block ORDER BY n", timeout=600):
            if b["n"] != expected:
                wrong.append(f"Block {expected} is missing.")
            if b["prev"] != prev:
                wrong.append(f"Block {b['n']} does not follow from the block before it.")
            if b["xlo"] != upto:
                wrong.append(f"Block {b['n']} does not begin where the block before it ended.")
            found = await connection.fetchrow(
                "SELECT count, hash FROM audit_digest($1, $2, $3)", b["xlo"], b["xhi"], b["prev"], timeout=600
            )
            if found["hash"] != b["hash"]:
                more = found["count"] - b["count"]
                what = "lines were changed" if more == 0 else f"{abs(more)} lines were {'added' if more > 0 else 'removed'}"
                wrong.append(f"Block {b['n']}: {what}.")
            prev, expected, upto = b["hash"], b["n"] + 1, b["xhi"]
    return wrong
