"""When somebody last looked at a patient: for "since you last looked"."""

from __future__ import annotations

from datetime import datetime

from longbien.base.db import Database
from longbien.base.ids import patient_key
from longbien.base.sql import queries

from .actor import Actor

Q = queries(__file__, "sql/access.sql")


async def look(db: Database, actor: Actor, patient_id: str, *, news: bool = True) -> datetime | None:
    """When the look before this one was (looks within half an hour are one), or None. `news`: what is new stands on the page, so
    that it counts as seen; else the chart was only opened, and what is new stays new."""
    before: datetime | None = await db.fetchval(Q.looked if news else Q.opened, actor.number, patient_key(patient_id))
    return before
