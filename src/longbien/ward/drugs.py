"""Giving drugs: what is written of a dose, once; and what is checked at the commit, whoever writes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from longbien.base import clock
from longbien.base.errors import Conflict, Invalid
from longbien.base.ids import key64, patient_key
from longbien.record.change import Create, Guarded, Update
from longbien.record.scope import Scope
from longbien.record.store import Store
from longbien.record.types import number
from longbien.web.chart import record as r

from . import rounds
from .places import Q
from .reads import Lying

_decode = msgspec.json.Decoder().decode
Resource = dict[str, Any]
TWICE = "given-twice"
"""Code of the Conflict that says that this dose was given already."""


async def once_only(engine: Any, scope: Scope, change: Guarded, connection: Any) -> Resource | None:
    """Guard of MedicationAdministration: a dose is given once, and one as needed not before its interval is over nor above what
    the order allows in a day. Two nurses with the same dose wait for each other here. Raises Conflict (given-twice, too-soon,
    too-much)."""
    a = change.resource
    order = r.reference_id((a or {}).get("request"))
    if a is None or a.get("status") != "completed" or not order:
        return a
    at = r.moment(a.get("effectiveDateTime") or r.first(a, "effectivePeriod", "start"))
    patient = r.reference_id(a.get("subject"))
    if at is None or not patient:
        return a
    await connection.execute(Q.one_at_a_time, key64(f"give/{order}"))
    term = key64(f"MedicationAdministration.request|MedicationRequest/{order}")
    since = at - timedelta(hours=48)
    rows = await connection.fetch(Q.given, patient_key(patient), number("MedicationAdministration"), term, since, change.rid)
    others = [_decode(b) for b in await engine.unpack_all([x["body"] for x in rows])]
    done = [x for x in others if x.get("status") == "completed"]
    due = rounds.due_of(a)
    if due is not None:
        if any(rounds.due_of(x) == due for x in done):
            raise Conflict(f"This dose of MedicationRequest/{order} was given already.", code=TWICE)
        return a
    row = await connection.fetchrow(Q.place, number("MedicationRequest"), order)
    line = rounds.line(_decode(await engine.unpack(row["body"])), "vi") if row else None
    if line is not None and line.kind == "needed":
        rounds.fill(line, done, at, at, at)
        if (why := rounds.may_give(line, None, at)) in ("too-soon", "too-much"):
            raise Conflict(f"MedicationRequest/{order} may not be given again yet.", code=why)
    return a


async def write(
    store: Store, lying: Lying, line: rounds.Line, due: datetime | None, at: datetime, by: Resource, *, once: str,
    reason: str = "", said: str = "", scanned: bool = False, second: Resource | None = None,
) -> None:  # fmt: skip
    """Write down what became of a dose: given, or why not. Who gives what was held or refused before replaces that. `second`: who
    looked at it too. Raises Invalid (too-early, ended, hold), Conflict (given-twice, too-soon, too-much)."""
    if not reason and (why := rounds.may_give(line, due, at)):
        raise Invalid("This dose may not be given now.", code=why)
    id_ = rounds.record_id(line.id, due) if due is not None else once
    made = rounds.administration(
        line, lying.stay, lying.id, due, at, by, id_=id_, reason=reason, said=said, scanned=scanned, second=second
    )  # fmt: skip
    try:
        await store.commit([Create(made, id=id_)])
    except Conflict as error:
        if error.code != "duplicate":
            raise
        await _again(store, id_, made, line)


async def _again(store: Store, id_: str, made: Resource, line: rounds.Line) -> None:
    """Something is written of this dose. The very same, sent twice, is done; what was not given may be given now; else Conflict."""
    there = await store.read("MedicationAdministration", id_)
    before = _decode(there.body)
    alike = all(before.get(k) == made.get(k) for k in ("status", "effectiveDateTime", "performer"))
    if alike:
        return
    if before.get("status") == "completed":
        raise Conflict(f"This dose of MedicationRequest/{line.id} was given already.", code=TWICE)
    await store.commit([Update(made, if_match=there.version)])


async def undo(store: Store, lying: Lying, id_: str, by: Resource, now: datetime) -> None:
    """What was written by mistake is marked so (entered-in-error); the dose is open again. Only who wrote it, within the hour."""
    there = await store.read("MedicationAdministration", id_)
    before = _decode(there.body)
    written = there.updated
    mine = r.first(before, "performer", "actor", "reference") == by.get("reference")
    if r.reference_id(before.get("subject")) != lying.id or not mine or now - written > timedelta(hours=1):
        raise Invalid("Only who wrote it takes it back, within the hour.", code="business-rule")
    marked = {**before, "status": "entered-in-error"}
    await store.commit([Update(marked, if_match=there.version)])


def window(now: datetime) -> tuple[datetime, datetime]:
    """What the sheet shows: from 12 hours back to 14 on."""
    return clock.local(now) - timedelta(hours=12), clock.local(now) + timedelta(hours=14)
