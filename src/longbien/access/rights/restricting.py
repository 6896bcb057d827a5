"""Closing a record at its patient's wish, also instead of erasing it while retention runs. What closes is a rule of rows.py
(RestrictedRows); an emergency opens before it, the patient's own reading does, and records officers see a stub."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from longbien.base.db import Database
from longbien.base.errors import Conflict, Invalid, NotFound
from longbien.base.ids import patient_key
from longbien.base.sql import queries
from longbien.record import trail
from longbien.record.scope import Scope
from longbien.record.store import Store

from ..actor import Actor
from ..door import Door
from . import filing
from .request import Request

Q = queries(__file__, "../sql/rights.sql")


class Restriction(NamedTuple):
    number: int
    task: str
    reason: str
    begins: datetime


async def running(db: Database, patient: str) -> Restriction | None:
    """The restriction of this record, if one runs."""
    row = await db.fetchrow(Q.restriction, patient_key(patient))
    return Restriction(*row.values()) if row else None


async def restrict(door: Door, actor: Actor, id_: str, text: str) -> Request:
    """Grant a request to restrict, or to erase where erasing has to wait: the record is closed from now on. The line in the trail
    and the row come before the answer, so that who is told is told the truth. Raises as filing.answer does."""
    store = Store(door.engine, filing.deciding(door, actor, "closing a record at its patient's wish"))
    found, _ = await filing.one(store, id_)
    if found.facility != actor.organization:
        raise NotFound("There is no such request.")
    if found.kind not in ("restrict", "erase"):
        raise Invalid("This request does not ask to close the record.", code="value")
    if not found.may("grant"):
        raise Conflict("This request is over.")
    if len(" ".join(text.split())) < 5:
        raise Invalid("An answer needs its reason, in words that the patient understands.", code="required")
    if await running(door.engine.db, found.patient) is None:
        await _line(door, store.scope, found.patient, f"restricted: Task/{id_}")
        await door.engine.db.execute(
            Q.restrict, patient_key(found.patient), found.patient, id_, " ".join(text.split()), actor.number
        )
    return await filing.answer(door, actor, id_, "grant" if found.kind == "restrict" else "refuse", text)


async def lift(door: Door, actor: Actor, patient: str, reason: str) -> None:
    """Open the record again, at the patient's wish or because the reason is gone. Raises Forbidden, Conflict, Invalid, NotFound."""
    scope = filing.deciding(door, actor, "opening a restricted record again")
    await Store(door.engine, scope).read("Patient", patient)
    said = " ".join(reason.split())
    if len(said) < 5:
        raise Invalid("Say why the record is opened again.", code="required")
    now = await running(door.engine.db, patient)
    if now is None:
        raise Conflict("This record is not restricted.")
    await _line(door, scope, patient, f"restriction {now.number} lifted: {said}")
    await door.engine.db.execute(Q.restriction_end, now.number, said, actor.number)


async def _line(door: Door, scope: Scope, patient: str, why: str) -> None:
    await door.engine.trail.write([trail.line(scope, "operation", pat=patient_key(patient), why=why)])
