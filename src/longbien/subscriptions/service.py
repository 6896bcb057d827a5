"""The background work of subscriptions, in one worker process at a time: whoever holds the lock in the database. A worker that dies
loses it at once, and another (or the same, started again) goes on where it was."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from longbien.access.door import Door
from longbien.base import log
from longbien.base.db import ours
from longbien.base.errors import LongbienError
from longbien.base.outside import Outside
from longbien.base.sql import queries
from longbien.record.engine import Engine
from longbien.record.live import CHANNEL
from longbien.record.store import Store

from .matcher import Matcher
from .read import Sub
from .sender import Sender
from .settings import SubscriptionSettings

Q = queries(__file__, "sql/subscriptions.sql")
_log = log.get(__name__)
LEAD = 714003
"""The advisory lock."""
NAP = 1.0
"""Seconds between looks when nothing is heard (news are told of patients' records only, and may be missed)."""
SETTLING = 5
"""Quick looks after some news: what was committed may still wait for an older transaction to settle."""
AT_ONCE = 200
"""Subscribers that are called at the same time."""


class Service:
    """`house`: the record as the system itself."""

    def __init__(
        self, engine: Engine, door: Door, house: Store, outside: Outside | None = None, settings: SubscriptionSettings | None = None
    ):
        self.engine = engine
        self.settings = settings or SubscriptionSettings.read()
        self.outside = outside or Outside()
        self.matcher = Matcher(engine, door)
        self.sender = Sender(engine, door, house, self.outside, self.settings)
        self._heard = asyncio.Event()
        self._queued = asyncio.Event()
        self._serving: dict[int, asyncio.Task[None]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. A database that is away is waited for."""
        ending = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                led = asyncio.create_task(self._try_to_lead())
                await asyncio.wait([led, ending], return_when=asyncio.FIRST_COMPLETED)
                led.cancel()
                (why,) = await asyncio.gather(led, return_exceptions=True)
                if isinstance(why, Exception):
                    _tell("subscriptions", why)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(asyncio.shield(ending), NAP)
        finally:
            ending.cancel()
            await self.outside.close()

    async def _try_to_lead(self) -> None:
        async with self.engine.db.connection(search=True) as connection:
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LEAD):
                return
            await connection.add_listener(CHANNEL, self._on_news)
            try:
                async with asyncio.TaskGroup() as group:
                    for loop in (self._match, self._send, self._keep):
                        group.create_task(loop())
                    group.create_task(_hold(connection))
            finally:
                for task in self._serving.values():
                    task.cancel()
                await asyncio.gather(*self._serving.values(), return_exceptions=True)
                if not connection.is_closed():
                    with contextlib.suppress(Exception):
                        await connection.remove_listener(CHANNEL, self._on_news)
                        await connection.execute("SELECT pg_advisory_unlock($1)", LEAD)

    def _on_news(self, *_: Any) -> None:
        self._heard.set()

    # -- loops --------------------------------------------------------------------------------------------------------

    async def _match(self) -> None:
        quick = 0
        while True:
            self._heard.clear()
            found = await _once("matching", self.matcher.step)
            for broken in self.matcher.broken:
                await self._break(broken.watch.rid, broken.why)
            if found:
                self._queued.set()
                continue
            if quick and await _wait(self._heard, 0.05):
                quick = SETTLING
            elif quick:
                quick -= 1
            elif await _wait(self._heard, NAP):
                quick = SETTLING

    async def _break(self, rid: int, why: LongbienError) -> None:
        row = await self.engine.db.fetchrow(Q.one, rid)
        if row is not None:
            text = f"The criteria could not be asked, so events may be missing: {why.text}"
            await self.sender.say(Sub.of(row), "error", text)

    async def _send(self) -> None:
        while True:
            self._queued.clear()
            for row in await _once("sending", lambda: self.engine.db.fetch(Q.due)) or ():
                rid = row["rid"]
                if rid not in self._serving and len(self._serving) < AT_ONCE:
                    self._serving[rid] = asyncio.create_task(self._serve(rid))
            await _wait(self._queued, 0.3)

    async def _serve(self, rid: int) -> None:
        try:
            await self.sender.serve(rid)
        except Exception as why:  # this subscriber's trouble is not the others'
            _tell("a subscriber could not be served", why)
            await asyncio.sleep(NAP)
        finally:
            self._serving.pop(rid, None)

    async def _keep(self) -> None:
        """What time alone brings: ends, old age, forgetting."""
        while True:
            await _once("keeping", self.keep)
            await asyncio.sleep(10)

    async def keep(self) -> None:
        db = self.engine.db
        for row in await db.fetch(Q.over):
            one = await db.fetchrow(Q.one, row["rid"])
            if one is not None:
                await self.sender.say(Sub.of(one), "off", None)
                await db.execute(Q.keep_waiting, row["rid"])
        for rid in {r["sub"] for r in await db.fetch(Q.too_old, self.settings.hours)}:
            one = await db.fetchrow(Q.one, rid)
            if one is not None:
                await self.sender.say(Sub.of(one), "error", "Events could not be told in time; they are among the dead letters.")
        await db.execute(Q.forget, self.settings.keep_days)
        await db.execute(Q.forget_tickets)


async def _hold(connection: Any) -> None:
    """Whoever lost the connection lost the lock."""
    while True:
        await asyncio.sleep(2)
        await connection.execute("SELECT 1")


async def _wait(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


async def _once(what: str, do: Callable[[], Awaitable[Any]]) -> Any:
    """One round; what goes wrong in it is told and tried again."""
    try:
        return await do()
    except Exception as why:
        _tell(what, why)
        await asyncio.sleep(NAP)
        return None


def _tell(what: str, why: BaseException) -> None:
    mine = ours(why)
    if mine is not None:
        _log.warning("%s: %s", what, mine.text)
    else:
        _log.error("%s failed", what, exc_info=why)
