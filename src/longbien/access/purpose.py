"""A stated purpose: a clinician of another facility opens one patient's record for some hours, saying why. Kept and audited.

One mechanism of two strengths (table purpose_grant): a stated purpose opens what the patient does not keep back; a broken glass
(glass.py, strength 2) opens that too, tells the patient and is reviewed."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from longbien.base.errors import Forbidden, Invalid, NotFound
from longbien.base.ids import FHIR_ID, patient_key
from longbien.base.sql import queries
from longbien.record import trail
from longbien.record.engine import Engine
from longbien.record.types import number

from .actor import Actor
from .policy import scope
from .roles import STATE_PURPOSE
from .settings import AccessSettings

Q = queries(__file__, "sql/access.sql")
SHORTEST, LONGEST = 10, 500
"""Letters and digits that a reason needs at least; characters it may have at most."""


class Grant(NamedTuple):
    number: int
    purpose: str
    reason: str
    begins: datetime
    until: datetime
    strength: int = 1


async def state_purpose(
    engine: Engine, actor: Actor, patient_id: str, purpose: str, reason: str, *, settings: AccessSettings
) -> Grant:  # fmt: skip
    """Open the patient's record to `actor` for settings.purpose_hours. The reason in the actor's own words. The trail line is
    durable before the grant is. Raises Forbidden (no clinical duty, or not this purpose), Invalid (no real reason), NotFound."""
    if not actor.may(STATE_PURPOSE):
        raise Forbidden(f"{actor.name} has no clinical duty and may not open a record by stating a purpose.")
    said = own_words(reason)
    own = scope(actor, purpose, settings=settings, reason=said)
    pat, rid = await known(engine, patient_id)
    await engine.trail.write([trail.line(own, "purpose", pat=pat, rid=rid, type=number("Patient"), why=f"{purpose}: {said}")])
    row = await engine.db.fetchrow(Q.purpose_new, actor.number, pat, purpose, said, settings.purpose_hours * 3600)
    assert row is not None
    return Grant(row["number"], purpose, said, row["begins"], row["until"])


def own_words(reason: str) -> str:
    """The reason, spaces single. Raises Invalid where it says nothing."""
    said = " ".join(reason.replace("\0", "").split())
    letters = [c for c in said if c.isalnum()]
    if len(letters) < SHORTEST or len({c.casefold() for c in letters}) < 4 or len(said) < SHORTEST:
        raise Invalid(f"Say why in words of your own: at least {SHORTEST} letters.", code="value")
    if len(said) > LONGEST:
        raise Invalid(f"Say why in at most {LONGEST} characters.", code="value")
    return said


async def known(engine: Engine, patient_id: str) -> tuple[int, int]:
    """(key, rid) of a patient. Raises NotFound."""
    if not FHIR_ID.match(patient_id):
        raise NotFound(f"Patient/{patient_id[:64]} is not known.")
    pat = patient_key(patient_id)
    rid = await engine.db.fetchval("SELECT rid FROM head WHERE pat = $1 AND type = $2 AND NOT deleted", pat, number("Patient"))
    if rid is None:
        raise NotFound(f"Patient/{patient_id} is not known.")
    return pat, rid


async def stated(engine: Engine, actor: Actor, patient_id: str) -> Grant | None:
    """The purpose that runs for this patient, the strongest and longest, if any."""
    row = await engine.db.fetchrow(Q.purpose_open, actor.number, patient_key(patient_id))
    return Grant(*row.values()) if row else None


async def end_purpose(engine: Engine, actor: Actor, patient_id: str, *, settings: AccessSettings) -> None:
    """End what was stated for this patient, before its time."""
    pat = patient_key(patient_id)
    await engine.db.execute(Q.purpose_end, actor.number, pat)
    await engine.trail.write([trail.line(scope(actor, settings=settings), "purpose", pat=pat, why="stated purpose ended")])
