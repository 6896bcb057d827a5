"""Live news inside the house: after a commit, every process hears which patient's record changed (LISTEN/NOTIFY).

Best effort and small: who needs certainty reads the version log (outbox.py). The news holds keys, never content."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import asyncpg

from longbien.base import log
from longbien.base.db import Database
from longbien.base.errors import LongbienError

_log = log.get(__name__)
CHANNEL = "longbien_live"
ASK_EVERY = 20
"""Seconds between questions whether the line still holds."""
PAUSE = 0.01
"""Seconds after some news in which more is gathered: under load a hundred notices a second, not one for each commit."""
_NOTIFY = "SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, m) FROM unnest($2::text[]) m"
"""News that a crash loses was for pages that the crash has closed: its commit need not wait for the disk."""


class News(NamedTuple):
    """`type` "": some news may have been missed, so anything of this patient may have changed."""

    pat: int
    type: str
    id: str
    version: int


Listener = Callable[[News], None]


class Live:
    def __init__(self, db: Database):
        self._db = db
        self._listeners: dict[int, set[Listener]] = defaultdict(set)
        self._out: list[str] = []
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._closed = False

    def start(self, *, hears: bool = True) -> None:
        """`hears=False`: it tells others and listens to nobody, as a process without pages does."""
        self._tasks = [asyncio.create_task(self._send()), *([asyncio.create_task(self._receive())] if hears else ())]

    async def close(self) -> None:
        self._closed = True  # a cancellation can be lost: what a broken connection says on the way out replaces it
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def listen(self, pat: int, listener: Listener) -> Callable[[], None]:
        """Call `listener` with each News of this patient; gives the function that ends it. The listener must not block."""
        self._listeners[pat].add(listener)

        def stop() -> None:
            self._listeners[pat].discard(listener)
            if not self._listeners[pat]:
                del self._listeners[pat]

        return stop

    def tell(self, news: Iterable[News]) -> None:
        """Send soon; never waits, never fails."""
        self._out.extend(f"{n.pat} {n.type} {n.id} {n.version}" for n in news)
        if len(self._out) > 10_000:
            del self._out[:-1000]
        self._wake.set()

    async def _send(self) -> None:
        while not self._closed:
            await self._wake.wait()
            self._wake.clear()
            batch, self._out = self._out, []
            try:
                await self._db.execute(_NOTIFY, CHANNEL, batch)
                await asyncio.sleep(PAUSE)
            except LongbienError as error:
                _log.warning("live news lost: %s", error.text)
                await asyncio.sleep(1)

    def _heard(self, connection: Any, pid: int, channel: str, payload: str) -> None:
        pat, type_, id_, version = payload.split(" ")
        news = News(int(pat), type_, id_, int(version))
        for listener in tuple(self._listeners.get(news.pat, ())):
            listener(news)

    def _missed(self) -> None:
        for pat, listeners in tuple(self._listeners.items()):
            for listener in tuple(listeners):
                listener(News(pat, "", "", 0))

    async def _receive(self) -> None:
        first = True
        while not self._closed:
            try:
                async with self._db.connection(search=True) as connection:
                    await connection.add_listener(CHANNEL, self._heard)
                    if not first:
                        self._missed()
                    first = False
                    try:
                        for beat in itertools.count(1):
                            await asyncio.sleep(1)
                            if connection.is_closed():
                                break
                            if beat % ASK_EVERY == 0:  # a line that was cut in silence shows only when it is used
                                await connection.execute("SELECT 1")
                    finally:
                        if not connection.is_closed():
                            await connection.remove_listener(CHANNEL, self._heard)
            except (LongbienError, asyncpg.PostgresError) as error:
                _log.warning("live news interrupted: %s", error)
            await asyncio.sleep(1)
