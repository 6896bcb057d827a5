"""Questions about the database as a whole, each by a connection of its own: for commands, not for serving."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from .db import translated


def ask(url: str, sql: str, *values: Any) -> Any:
    """One value. Raises our errors: Unavailable when the database cannot be reached."""

    async def one() -> Any:
        async with translated():
            connection = await asyncpg.connect(url, timeout=10)
            try:
                return await connection.fetchval(sql, *values)
            finally:
                await connection.close()

    return asyncio.run(one())


def is_empty(url: str) -> bool:
    """Whether the record holds no resource yet."""
    return not ask(url, "SELECT EXISTS (SELECT FROM head)")
