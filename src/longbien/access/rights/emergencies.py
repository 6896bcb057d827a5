"""Broken glasses as their patient sees them: who, why, until when, how often they looked, and what the review found."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from longbien.base.errors import NotFound
from longbien.base.ids import patient_key
from longbien.base.sql import queries

from ..actor import Actor
from ..door import Door

Q = queries(__file__, "../sql/rights.sql")


class Emergency(NamedTuple):
    """until: its end, or when it was ended before. verdict: accept, report, or "" while the review goes on. organization: id."""

    number: int
    name: str
    role: str
    organization: str | None
    reason: str
    begins: datetime
    until: datetime
    seen: int
    verdict: str


async def of_patient(door: Door, actor: Actor, patient: str) -> list[Emergency]:
    """Newest first. Raises NotFound for a record that is not open to the actor (asking for it is part of asking who saw, which is a
    line of the trail)."""
    if await door.why(actor, patient) is None:
        raise NotFound("This record is not open to you.")
    return [Emergency(*r.values()) for r in await door.engine.db.fetch(Q.emergencies, patient_key(patient))]
