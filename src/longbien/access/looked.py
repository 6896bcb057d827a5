"""When somebody last looked at a patient: for "since you last looked"."""

from __future__ import annotations

from datetime import datetime

from longbien.base.db import Database
from longbien.base.ids import patient_key
from longbien.base.sql import queries

from .actor import Actor

Q = queries(__file__, "sql/access.sql")


async def look(db: Database, actor: Actor, patient_id: str) -> datetime | None:
    """Note that `actor` looks now; give when the visit before this one was (looks within half an hour are one visit), or None."""
    before: datetime | None = await db.fetchval(Q.looked, actor.number, patient_key(patient_id))
    return before
