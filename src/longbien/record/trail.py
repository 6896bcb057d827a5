"""The trail: who did what to whom, why, when, from where. A read's answer leaves only after its line is durable.

Reads are written by group commit: lines that arrive while one batch is being committed go together in the next; there is no
timer, so a lone reader waits for one commit only. A write's line goes in the write's own transaction (write.py). Every second
the settled lines are sealed into a hash chain (audit_seal). The chain shows what was changed; that its end was cut off shows only
against a block noted elsewhere (`newest`, `verify(..., noted=)`): the log gets one every hour."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from longbien.base import log
from longbien.base.db import Connection, Database, ours
from longbien.base.errors import Invalid, LongbienError, Unavailable

from . import chain
from .scope import Scope

_log = log.get(__name__)

KINDS = ("read", "vread", "history", "search", "create", "update", "delete", "operation", "page", "print", "export", "import",
         "sign-in", "sign-out", "purpose", "token", "refused", "account", "trail", "care", "glass", "review",
         "consent")  # fmt: skip
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
_INSERT_SEVERAL = "SELECT record_audit_of($1::audit_in[], $2::int[], $3::int8[], $4::int[])"
LARGEST_BATCH = 2000
"""Lines that are committed together at most, give or take the last writer's."""
FULL_BLOCK = 20000 // 2
"""A block of more lines may not be the last of what is waiting."""


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
    text = _storable(scope.reason if why is None else why, 1000)
    purpose = PURPOSES.index(scope.purpose) if scope.purpose in PURPOSES else 0
    return Line(scope.actor, scope.org, pat, rid, ver, type, _ACTION.get(kind, b"E"), KINDS.index(kind), outcome, purpose, n,
                None if scope.address is None else _storable(scope.address, 100), text)  # fmt: skip


def _storable(text: str, longest: int) -> str:
    """What the database can hold: one bad character must not cost the line."""
    return text.replace("\0", "")[:longest].encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True)
class Several:
    """`line` for each of these patients, with so many resources: what they have in common goes to the database once."""

    line: Line
    people: Mapping[int | None, int]

    def __len__(self) -> int:
        return len(self.people)

    def __iter__(self) -> Iterator[Line]:
        return (self.line._replace(pat=pat, n=n) for pat, n in self.people.items())


Lines = Sequence[Line] | Several
_Waiting = tuple[Lines, asyncio.Future[None]]


class Trail:
    """One per process. `write` returns once its lines are on disk."""

    def __init__(self, db: Database):
        self._db = db
        self._waiting: list[_Waiting] = []
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

    async def write_of(self, nobody: Line, people: Mapping[int | None, int]) -> None:
        """A line for each of these patients and how many resources of each; `nobody` where there are none. As write."""
        await self.write(
            Several(nobody, people) if len(people) > 1 else [nobody._replace(pat=p, n=n) for p, n in people.items()] or [nobody]
        )

    async def write(self, lines: Lines) -> None:
        """Durable when this returns. Raises Unavailable or StorageFull when it cannot be: then the answer must not leave."""
        if self._closed or not self._tasks:
            raise Unavailable("The server is stopping." if self._closed else "The trail is not open yet.")
        if not lines:
            return
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
            except Exception as error:  # whatever it is: who waits must hear of it, and the next must be served
                if not isinstance(error, LongbienError):
                    _log.exception("the trail could not be written")
                self._refuse(error if isinstance(error, LongbienError) else Unavailable("The trail could not be written."))
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
                    async with asyncio.timeout(5):
                        await self._wake.wait()
                except TimeoutError:
                    return
                continue
            batch = self._take()
            try:
                await self._write_batch(connection, batch)
            except BaseException:
                self._waiting = batch + self._waiting
                raise

    def _take(self) -> list[_Waiting]:
        size = n = 0
        while n < len(self._waiting) and size < LARGEST_BATCH:
            size += len(self._waiting[n][0])
            n += 1
        batch, self._waiting = self._waiting[:n], self._waiting[n:]
        return batch

    async def _write_batch(self, connection: Connection, batch: list[_Waiting]) -> None:
        """Raises when the database is away or full. A line that cannot be stored is refused to its own writer only."""
        try:
            await connection.execute(*_statement([lines for lines, _ in batch]))
        except Exception as error:
            mine = ours(error)
            if mine is not None and not isinstance(mine, Invalid):
                raise
            if len(batch) > 1:
                for one in batch:
                    await self._write_batch(connection, [one])
                return
            _log.error("a line cannot be written to the trail: %s", type(error).__name__)
            if not batch[0][1].done():
                batch[0][1].set_exception(mine or Unavailable("The trail could not be written."))
            return
        for _, done in batch:
            if not done.done():
                done.set_result(None)

    async def _seal_for_ever(self) -> None:
        told, turn = time.monotonic(), 0
        while True:
            await asyncio.sleep(1.0)
            try:
                await catch_up(self._db)
                turn += 1
                if turn % 10 == 0:
                    await seal_versions(self._db, 5)
                if time.monotonic() - told > 3600:
                    told = time.monotonic()
                    _log.info("the trail's newest block is %s", await newest(self._db))
            except LongbienError as error:
                _log.warning("the trail could not be sealed: %s", error.text)
            except Exception:
                _log.exception("the trail could not be sealed")
                await asyncio.sleep(60)


def _statement(batch: Sequence[Lines]) -> tuple[Any, ...]:
    """The statement that writes these, and its values."""
    if not any(isinstance(lines, Several) for lines in batch):
        return _INSERT, [one for lines in batch for one in lines]
    common: list[Line] = []
    which: list[int] = []
    pats: list[int | None] = []
    ns: list[int] = []
    for lines in batch:
        if isinstance(lines, Several):
            common.append(lines.line)
            which += [len(common)] * len(lines)
            pats += lines.people.keys()
            ns += lines.people.values()
        else:
            for one in lines:
                common.append(one)
                which.append(len(common))
                pats.append(one.pat)
                ns.append(one.n)
    return _INSERT_SEVERAL, common, which, pats, ns


Noted = chain.Mark
"""A block as it was at some time, to be kept outside the database."""


async def write_now(db: Database, lines: Sequence[Line]) -> None:
    """For who keeps no Trail open (a command): durable when this returns."""
    await db.execute(_INSERT, list(lines))


async def seal(db: Database) -> int | None:
    """Append a block over the lines that have settled; its number, or None when there was nothing to seal (or another process is
    sealing). A block has at most 20,000 lines, or those of one transaction."""
    number: int | None = await db.fetchval("SELECT audit_seal()")
    return number


async def catch_up(db: Database, most: int = 50) -> int | None:
    """Seal until nothing is left over, at most `most` blocks. Gives the last block's number."""
    last = None
    for _ in range(most):
        number = await seal(db)
        if number is None:
            break
        last = number
        if await db.fetchval("SELECT count FROM audit_block WHERE n = $1", number) < FULL_BLOCK:
            break
    return last


async def seal_versions(db: Database, most: int = 50) -> None:
    """The same for the chain of versions, until nothing is left over or `most` blocks were made."""
    for _ in range(most):
        if await db.fetchval("SELECT ver_seal()") is None:
            break


async def newest(db: Database) -> Noted | None:
    """The chain's end: note it where the database's owner cannot reach (checkpoint.py signs it)."""
    return await chain.end(db, chain.TRAIL)


async def verify(db: Database, *, noted: Noted | None = None) -> list[str]:
    """Recompute both chains and hold trail and version log against each other (chain.verify). Gives what is wrong, in sentences
    (the first thousand); empty when all is intact. `noted`: a block that was written down earlier must still be there."""
    return (await chain.verify(db, noted=[chain.Mark(*noted)] if noted else [])).wrong
