"""Tidying up behind the writers: terms that still wait outside their index are sorted in every few seconds (migration 0098)."""

from __future__ import annotations

import asyncio

from longbien.base import log
from longbien.base.db import Database
from longbien.base.errors import LongbienError

_log = log.get(__name__)
EVERY = 5.0
"""Seconds. A heavy import fills the list sooner, and then sorts it in itself."""


async def tidy(db: Database) -> int:
    """Gives how many pages were waiting; 0 also where another process is at it."""
    pages: int = await db.fetchval("SELECT record_tidy()")
    return pages


async def for_ever(db: Database) -> None:
    while True:
        await asyncio.sleep(EVERY)
        try:
            await tidy(db)
        except LongbienError as error:
            _log.info("the index could not be tidied: %s", error.text)
        except Exception:
            _log.exception("the index could not be tidied")
            await asyncio.sleep(60)
