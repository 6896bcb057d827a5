"""Who a secret belongs to, remembered for at most a second: so the hot path asks the database once a second and process, and a
permission that is taken away is gone everywhere within that second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from .actor import Actor

SECONDS = 1.0
ROOM = 20_000


class _Known(NamedTuple):
    actor: Actor | None
    asked: float


class Fresh:
    def __init__(self, ask: Callable[[bytes], Awaitable[Actor | None]]):
        self._ask = ask
        self._known: dict[bytes, _Known] = {}
        self._asking: dict[bytes, asyncio.Task[Actor | None]] = {}

    async def get(self, digest: bytes) -> Actor | None:
        """Raises what asking raises (Unavailable when the database is away: then nobody comes in on an old answer)."""
        known = self._known.get(digest)
        if known is not None and time.monotonic() - known.asked < SECONDS:
            return known.actor
        asking = self._asking.get(digest)
        if asking is None:
            asking = self._asking[digest] = asyncio.create_task(self._refresh(digest))
        return await asyncio.shield(asking)

    def forget(self, digest: bytes) -> None:
        self._known.pop(digest, None)
        self._asking.pop(digest, None)

    async def _refresh(self, digest: bytes) -> Actor | None:
        asked = time.monotonic()  # before the question: the answer may be as old as that
        try:
            actor = await self._ask(digest)
            if self._asking.get(digest) is asyncio.current_task():
                self._remember(digest, _Known(actor, asked))
            return actor
        finally:
            if self._asking.get(digest) is asyncio.current_task():
                del self._asking[digest]

    def _remember(self, digest: bytes, known: _Known) -> None:
        if len(self._known) >= ROOM:
            old = time.monotonic() - SECONDS
            self._known = {k: v for k, v in self._known.items() if v.asked > old}
            if len(self._known) >= ROOM:
                self._known.clear()
        self._known[digest] = known
