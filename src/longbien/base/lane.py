"""A lane: some of a pool's connections kept out for single statements.

Taking a connection from asyncpg's pool and giving it back costs about 65 µs of CPU (timeout, shield, weak references), twice
as much as the statement itself; here it costs 1 µs. A connection goes back to the pool when anything unusual happened to it."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import Any

import asyncpg


def _give_up(turn: asyncio.Future[Any]) -> None:
    if not turn.done():
        turn.set_exception(TimeoutError("no connection came free"))


def _lost(connection: Any) -> bool:
    """Closed; or taken back by the pool, as it does the moment a connection breaks."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True


class Lane:
    def __init__(self, pool: Any, size: int, patience: float):
        self._pool = pool
        self._size = size
        self._patience = patience
        self._idle: list[Any] = []
        self._lent = 0
        self._waiting: deque[asyncio.Future[Any]] = deque()

    async def run(self, method: str, sql: str, args: tuple[Any, ...]) -> Any:
        """`connection.method(sql, *args)` on one of the connections. Raises what the driver raises; TimeoutError when none comes
        free."""
        connection = self._idle.pop() if self._idle else await self._next()
        while _lost(connection):  # lost while it lay idle: nothing was sent yet, so nobody needs to know
            await self._back(connection, whole=False)
            connection = self._idle.pop() if self._idle else await self._next()
        try:
            found = await getattr(connection, method)(sql, *args)
        except asyncpg.PostgresError:
            await self._back(connection, whole=not _lost(connection))
            raise
        except BaseException as error:
            if isinstance(error, TimeoutError):  # it says nothing: asking it politely to stop would wait once more
                with suppress(asyncpg.InterfaceError):
                    connection.terminate()
            await self._back(connection, whole=False)
            raise
        if self._size == 0:
            await self._back(connection, whole=False)
        elif self._waiting:
            self._hand_over(connection)
        else:
            self._idle.append(connection)
        return found

    async def close(self) -> None:
        """Give every idle connection back, so that the pool can close."""
        self._size = 0
        self._wake(everybody=True)
        while self._idle:
            await self._back(self._idle.pop(), whole=False)

    async def _next(self) -> Any:
        if self._lent < self._size:
            self._lent += 1
            try:
                return await self._pool.acquire(timeout=self._patience)
            except BaseException:
                self._lent -= 1
                self._wake()
                raise
        if self._size == 0:
            raise asyncpg.InterfaceError("the pool is closing")
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[Any] = loop.create_future()
        self._waiting.append(turn)
        giving_up = loop.call_later(self._patience, _give_up, turn)
        try:
            given = await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None and turn.result() is not None:
                self._hand_over(turn.result())  # it came in the very moment of the cancellation
            raise
        finally:
            giving_up.cancel()
        return given if given is not None else await self._next()

    async def _back(self, connection: Any, *, whole: bool) -> None:
        """After a fault: `whole` connections stay here, others go to the pool, which mends or replaces them."""
        if whole:
            self._hand_over(connection)
            return
        self._lent -= 1
        self._wake()
        try:
            await self._pool.release(connection)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError):
            with suppress(asyncpg.InterfaceError):  # the pool has taken it back already
                connection.terminate()

    def _hand_over(self, connection: Any) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(connection)
                return
        self._idle.append(connection)

    def _wake(self, *, everybody: bool = False) -> None:
        """A place is free: let the first who waits take a connection from the pool."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                if not everybody:
                    return
