"""Trail lines of the door itself: who came in, who was turned away. Lines of strangers are counted together, one line a second and
address, so that knocking costs the house nothing."""

from __future__ import annotations

import asyncio
import getpass
from contextlib import suppress

from longbien.base import log
from longbien.base.db import Database
from longbien.base.errors import LongbienError
from longbien.record import trail
from longbien.record.engine import Engine
from longbien.record.scope import Scope

_log = log.get(__name__)
NOBODY = -1


def by(account: int, *, address: str | None = None, reason: str = "", org: int | None = None) -> Scope:
    """Somebody at the door: an actor for the trail, with no rows at all."""
    return Scope(account, "door", "HSYSADMIN", reason, org=org, address=address)


async def commanded(db: Database, what: str) -> None:
    """The line of what somebody does at the machine itself, past the door: `longbien <what>`, and as which user of the system."""
    who = getpass.getuser()
    await trail.write_now(db, [trail.line(by(0), "operation", n=0, why=f"longbien {what}, by {who} at the machine")])


class Knocks:
    """Refusals of strangers. The first of an address is written at once, those of the next second as one line with their number."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._counts: dict[tuple[str | None, str], int] = {}
        self._closing = asyncio.Event()
        self._writing: set[asyncio.Task[None]] = set()

    def note(self, address: str | None, why: str) -> None:
        key = (address, why)
        if key in self._counts:
            self._counts[key] += 1
            return
        if len(self._counts) >= 1000:  # from very many addresses at once: one line for all of them
            key = (None, "many addresses: " + why)
        self._counts[key] = self._counts.get(key, 0)
        if self._counts[key]:
            self._counts[key] += 1
            return
        task = asyncio.create_task(self._write(key))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write(self, key: tuple[str | None, str]) -> None:
        await self._line(key, 1)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), 1)
        more = self._counts.pop(key, 0)
        if more:
            await self._line(key, more)

    async def _line(self, key: tuple[str | None, str], n: int) -> None:
        scope = by(NOBODY, address=key[0])
        try:
            await self._engine.trail.write([trail.line(scope, "refused", outcome=trail.REFUSED, n=n, why=key[1])])
        except LongbienError as error:
            _log.warning("a refusal could not be written to the trail: %s", error.text)

    async def close(self) -> None:
        """Write what is still only counted."""
        self._closing.set()
        await asyncio.gather(*self._writing, return_exceptions=True)
        self._closing.clear()
