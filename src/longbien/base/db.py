"""PostgreSQL through asyncpg: two pools, transactions, and the one place where driver errors become ours.

`Database.points` runs statements by key, planned once and for all (plan_cache_mode=force_generic_plan): one plan is right for
every key, and no statement pays for a plan of its own. `Database.searches` replans every statement with its values in
hand (plan_cache_mode=force_custom_plan): a generic plan is blind to array constants and was up to 1,900 times slower.
Nothing is session state (SET LOCAL only), so connections go back to the pool without a reset query.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import asyncpg

from .config import Settings, setting
from .errors import Invalid, LongbienError, Outdated, Overtaken, StorageFull, TooLarge, Unavailable
from .lane import Lane

Connection: TypeAlias = Any
Row: TypeAlias = Any


class DbSettings(Settings):
    pool: int = setting("LONGBIEN_DB_POOL", 8, "Database connections each process keeps for reads and writes by key.")
    search_pool: int = setting("LONGBIEN_DB_SEARCH_POOL", 6, "Database connections each process keeps for searches.")
    statement_timeout: float = setting("LONGBIEN_STATEMENT_TIMEOUT", 30.0, "Seconds that one database statement may run.")
    acquire_timeout: float = setting("LONGBIEN_ACQUIRE_TIMEOUT", 10.0, "Seconds to wait in line for a database connection.")


SILENCE = 5.0
"""Seconds beyond its own limit after which a server that says nothing counts as away (its machine stopped, the line was cut)."""

_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a connection says that was cut off between two messages
    OSError,
    TimeoutError,
    asyncio.TimeoutError,
)


def ours(error: BaseException) -> LongbienError | None:
    """What a driver error means in our tree, or None when it is a fault of our own code."""
    if isinstance(error, LongbienError):
        return error
    if isinstance(error, asyncpg.DataError | asyncpg.CharacterNotInRepertoireError | asyncpg.UntranslatableCharacterError):
        return Invalid(f"A value cannot be stored: {error}")
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        if state in ("LB409", "40001", "40P01"):
            return Overtaken("Somebody else changed this in the meantime. Read it again and repeat.")
        if state == "LB410":
            return Outdated("What can be searched by has just been changed. Repeat the request.")
        if state == "23505":
            return Overtaken("This already exists.", code="duplicate")
        if state == "57014":
            return Unavailable("The database took too long to answer. Narrow the question or try again.", 5)
        if state == "54000":
            return TooLarge("A value is larger than the store can index.")
        if state == "53100":
            return StorageFull("The disk is full: nothing can be written until there is room.")
        if state in ("53200", "53400"):
            return Unavailable("The database has no memory or scratch space left for this. Narrow the question or try again.", 5)
        if state == "25006":
            return Unavailable("The database is read-only at the moment.", 5)
    if isinstance(error, _AWAY) or _dropped(error):
        return Unavailable("The database is not reachable at the moment.", 2)
    return None


def _dropped(error: BaseException) -> bool:
    """A connection that the server has just ended: the driver has read its last word, but has not closed it yet. (Two statements
    at once on one connection, a fault of ours, are an InterfaceError.)"""
    return isinstance(error, asyncpg.InternalClientError) and "cannot switch to state" in str(error)


@asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """Around every use of the driver."""
    try:
        yield
    except Exception as error:
        mine = ours(error)
        if mine is None or mine is error:
            raise
        raise mine from error


async def _no_reset(connection: Connection) -> None:
    return None


class Database:
    def __init__(self, points: asyncpg.Pool, searches: asyncpg.Pool, acquire_timeout: float):
        self.points = points
        self.searches = searches
        self._patience = acquire_timeout
        self._lane = Lane(points, max(1, points.get_max_size() // 2), acquire_timeout)
        # two of the pool's connections are left for transactions (a cursor, the listener for live news)
        self._search_lane = Lane(searches, max(1, searches.get_max_size() - 2), acquire_timeout)

    @classmethod
    async def open(cls, url: str, settings: DbSettings | None = None) -> Database:
        """Open both pools. Raises Unavailable when the server cannot be reached."""
        s = settings or DbSettings.read()
        millis = str(int(s.statement_timeout * 1000))

        def pool(size: int, **more: str) -> Any:
            server = {
                "application_name": "longbien",
                "statement_timeout": millis,
                "timezone": "UTC",
                "jit": "off",
            } | more
            return asyncpg.create_pool(
                url,
                min_size=min(2, size),
                max_size=size,
                statement_cache_size=1000,
                max_cached_statement_lifetime=0,
                max_inactive_connection_lifetime=300,
                reset=_no_reset,
                server_settings=server,
                timeout=10,
                command_timeout=s.statement_timeout + SILENCE,
            )

        async with translated():
            points = await pool(s.pool, plan_cache_mode="force_generic_plan")
            searches = await pool(s.search_pool, plan_cache_mode="force_custom_plan")
        return cls(points, searches, s.acquire_timeout)

    async def close(self) -> None:
        await self._lane.close()
        await self._search_lane.close()
        for pool in (self.points, self.searches):
            try:
                await asyncio.wait_for(pool.close(), 5)
            except TimeoutError:
                pool.terminate()

    @asynccontextmanager
    async def connection(self, *, search: bool = False) -> AsyncIterator[Connection]:
        async with translated():
            pool = self.searches if search else self.points
            async with pool.acquire(timeout=self._patience) as conn:
                try:
                    yield conn
                except TimeoutError:  # it says nothing: asking it politely to stop would wait once more
                    with suppress(asyncpg.InterfaceError):
                        conn.terminate()
                    raise

    @asynccontextmanager
    async def transaction(self, *, search: bool = False) -> AsyncIterator[Connection]:
        """One transaction; rolled back when the block raises."""
        async with self.connection(search=search) as conn, conn.transaction():
            yield conn

    async def fetch(self, sql: str, *args: Any, search: bool = False) -> Sequence[Row]:
        rows: Sequence[Row] = await self._single("fetch", sql, args, self._search_lane if search else self._lane)
        return rows

    async def fetchrow(self, sql: str, *args: Any) -> Row | None:
        return await self._single("fetchrow", sql, args)

    async def fetchval(self, sql: str, *args: Any) -> Any:
        return await self._single("fetchval", sql, args)

    async def execute(self, sql: str, *args: Any) -> str:
        return str(await self._single("execute", sql, args))

    async def _single(self, method: str, sql: str, args: tuple[Any, ...], lane: Lane | None = None) -> Any:
        """One statement outside any transaction: the hot path, so without a context manager."""
        try:
            return await (lane or self._lane).run(method, sql, args)
        except Exception as error:
            mine = ours(error)
            if mine is None or mine is error:
                raise
            raise mine from error
