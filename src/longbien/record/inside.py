"""Several steps of the store in one transaction: a Store whose reads see what it has written and nobody else sees yet.

    async with inside(store) as within:
        found = await within.search(...)
        await within.commit([...])
    # committed here, or nothing was done

Trail lines of what was looked at go in with the transaction; where it fails they are written after it all the same."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from longbien.base.db import Connection, Database
from longbien.base.errors import Outdated
from longbien.base.lane import Lane
from longbien.base.sql import queries

from . import parameters
from .engine import Engine
from .live import Live, News
from .recall import Recall
from .store import Store
from .terminology.shelf import Shelf
from .terminology.terms import Terms
from .trail import Line, Lines, Trail

Q = queries(__file__, "sql/inside.sql")


class _OneConnection(Database):
    """A database that is one connection with its transaction open."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._lane = self._search_lane = None  # type: ignore[assignment]  # there is but the one connection

    @asynccontextmanager
    async def connection(self, *, search: bool = False) -> AsyncIterator[Connection]:
        yield self._connection

    @asynccontextmanager
    async def transaction(self, *, search: bool = False) -> AsyncIterator[Connection]:
        yield self._connection

    async def _single(self, method: str, sql: str, args: tuple[Any, ...], lane: Lane | None = None) -> Any:
        return await getattr(self._connection, method)(sql, *args)


class _Kept(Trail):
    """Keeps its lines for the end of the transaction: waiting for the trail's own connection here could wait for ever."""

    def __init__(self) -> None:
        self.lines: list[Line] = []

    async def write(self, lines: Lines) -> None:
        self.lines.extend(lines)


class _Later(Live):
    def __init__(self) -> None:
        self.news: list[News] = []

    def tell(self, news: Iterable[News]) -> None:
        self.news.extend(news)


class _Learned(set[int]):
    """What the engine knows and what this transaction has put in: it is the engine's only once that is committed."""

    def __init__(self, known: set[int]):
        super().__init__()
        self.known = known

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or key in self.known


class _View(Engine):
    within = True

    def __init__(self, engine: Engine, connection: Connection):
        self._engine = engine
        self.db = _OneConnection(connection)
        self._connection = connection
        self.disk = engine.disk
        self.codec = engine.codec
        self.recall = Recall()  # its own: a version that this transaction writes may never come to be
        self.guards = engine.guards
        self.trail = self.kept = _Kept()
        self.live = self.later = _Later()
        self.words = _Learned(engine.words)
        self.shelf = Shelf()  # its own: a version that is rolled back must not be remembered
        self.terminology = Terms(self, self.shelf)
        self.profiles = engine.profiles.copy()

    @property
    def home(self) -> Engine:
        return self._engine

    async def rids(self, n: int, connection: Connection | None = None) -> list[int]:
        return await self._engine.rids(n, connection or self._connection)

    async def _learn(self, number: int) -> None:
        await self._engine._learn(number)


@asynccontextmanager
async def inside(store: Store) -> AsyncIterator[Store]:
    """One transaction around the block. Raises what the block raises, and Conflict, Unavailable, StorageFull at its end."""
    engine = store.engine
    if isinstance(engine, _View):  # already inside
        yield store
        return
    view: _View | None = None
    try:
        async with engine.db.transaction(search=True) as connection:
            view = _View(engine, connection)
            yield Store(view, store.scope)
            if view.kept.lines:
                await connection.execute(Q.lines, view.kept.lines)
    except Exception as error:
        if isinstance(error, Outdated):
            await parameters.fresh(engine.db)  # so that the client's repetition succeeds
        if view is not None and view.kept.lines:
            await engine.trail.write(view.kept.lines)
        raise
    engine.words |= view.words
    engine.live.tell(view.later.news)


@asynccontextmanager
async def snapshot(engine: Engine) -> AsyncIterator[Engine]:
    """The engine with one look at the database: everything read inside sees the same moment. Nothing can be written."""
    async with engine.db.connection(search=True) as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        yield _View(engine, connection)


async def lock(within: Store, keys: Iterable[int]) -> None:
    """Hold these keys (ids.key64) until the transaction ends; in one order, so that nobody waits in a circle."""
    wanted: list[Any] = sorted(set(keys))
    await within.engine.db.execute(Q.lock, wanted)
