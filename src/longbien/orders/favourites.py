"""What a member of staff orders most, and what they pinned: a habit of theirs, no part of anybody's record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..access.actor import Actor
from ..base.sql import queries
from ..record.engine import Engine

Q = queries(__file__, "sql/orders.sql")
PINNED = 1000
"""A pinned one counts as ordered so often more."""


async def counts(engine: Engine, actor: Actor) -> Mapping[str, int]:
    """Definition id -> how often; the most frequent first."""
    rows = await engine.db.fetch(Q.habits, actor.number)
    return {r["definition"]: r["n"] + (PINNED if r["pinned"] else 0) for r in rows}


async def ordered(engine: Engine, actor: Actor, definitions: Iterable[str]) -> None:
    """Count what was signed."""
    ids = sorted(set(definitions))
    if ids:
        await engine.db.execute(Q.ordered, actor.number, ids)


async def pin(engine: Engine, actor: Actor, definition: str, on: bool) -> None:
    await engine.db.execute(Q.pin, actor.number, definition[:100], on)
