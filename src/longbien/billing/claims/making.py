"""The claim of a visit is made of its record, again whenever asked: composed, corrected as the officer said, checked, kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from longbien.access import housework
from longbien.base import clock
from longbien.base.errors import Conflict, Invalid, NotFound, PreconditionFailed
from longbien.base.words import mark
from longbien.fhir import json
from longbien.record.change import Update
from longbien.record.engine import Engine
from longbien.record.store import Store
from longbien.wire.claims_xml import Claim, Fault, check
from longbien.wire.claims_xml.tables import TABLES, named

from . import keeping, month, shapes
from .shapes import Correction, Kept, State

Compose = Callable[[Store, str], Awaitable[Claim]]
"""compose(store, encounter id) -> the rows, out of the record."""
_READ = """Account ActivityDefinition AllergyIntolerance Appointment CarePlan ChargeItem ChargeItemDefinition Claim ClaimResponse
    Composition Condition Coverage Device DiagnosticReport DocumentReference Encounter Immunization Invoice Location Medication
    MedicationAdministration MedicationDispense MedicationRequest NutritionOrder Observation Organization Patient PaymentNotice
    PlanDefinition Practitioner PractitionerRole Procedure Provenance QuestionnaireResponse RelatedPerson ServiceRequest Specimen
    Task"""
READS = frozenset(_READ.split())
WRITES = frozenset({"Claim", "ClaimResponse"})
BY_HAND = ("T_", "THANH_TIEN", "DON_GIA", "SO_LUONG", "TYLE_", "MUC_HUONG")
"""Amounts come from the bill: these fields are not corrected by hand."""
NOT_HERE = mark("Amounts and numbers of the visit are not corrected here: correct the charges, make the claim again.")
KEYS = frozenset({"MA_LK", "STT", "MA_CSKCB"})


def house(engine: Engine) -> Store:
    """The warrant of what makes and sends claims."""
    return housework.store(engine, "claims of closed visits", reads=READS, creates=WRITES, updates=WRITES)


async def find(store: Store, claim: str) -> Kept:
    """A Claim by its id, as far as this store may see it. Raises NotFound."""
    found = await store.read("Claim", claim)
    return shapes.of(json.loads(found.body, strict=False), found.version)


async def _there(store: Store, claim: str) -> Kept | None:
    try:
        return await find(store, claim)
    except NotFound:
        return None


async def make(
    store: Store, encounter: str, compose: Compose, *, corrections: Sequence[Correction] | None = None
) -> tuple[Kept, list[Fault]]:
    """The claim as its record is now, written where anything changed. `corrections`: instead of those that stand. Raises NotFound
    (no such visit), Conflict (somebody made it at the same moment: make it again)."""
    now = clock.now()
    visit = json.loads((await store.read("Encounter", encounter)).body, strict=False)
    before = await _there(store, shapes.claim_id(encounter))
    wanted = list(corrections) if corrections is not None else list(before.corrections if before else ())
    claim, left = shapes.corrected(await compose(store, encounter), wanted)
    applied = [c for c in wanted if c not in left]
    day = clock.local(now).date()
    faults = check(claim, day)
    digest = await keeping.keep_rows(claim)
    state = _state(before, digest, faults)
    name = (claim.get("XML1") or [{}])[0].get("HO_TEN", "")
    made = shapes.resource(visit, claim, faults, digest, _created(before, now), name=name, state=state, corrections=applied,
                           answer=before.answer if before else "", day=day,
                           line=json.dumps(month.line(claim)).decode())  # fmt: skip
    if before is not None and _same(before, digest, state, faults, applied):
        return before, faults
    change = Update(made, if_match=before.version) if before else Update(made, only_new=True)
    stored = (await store.commit([change]))[0]
    return shapes.of(made, stored.version), faults


def _created(before: Kept | None, now: datetime) -> str:
    return str(before.resource.get("created") or "") if before else clock.instant(now)


def _state(before: Kept | None, digest: str, faults: Sequence[Fault]) -> State:
    """What is on its way or was answered stays so until its rows change."""
    if before is not None and before.rows == digest and before.state in ("waiting", "sent", "refused"):
        return before.state
    return "mend" if any(f.level == "stop" for f in faults) else "ready"


def _same(before: Kept, digest: str, state: State, faults: Sequence[Fault], applied: Sequence[Correction]) -> bool:
    stops = sum(f.level == "stop" for f in faults)
    return (before.rows, before.state, before.stops, list(before.corrections)) == (digest, state, stops, list(applied))


async def correct(store: Store, claim: Kept, one: Correction, compose: Compose) -> tuple[Kept, list[Fault]]:
    """An officer corrects one field; its reason is kept with it and goes into the record. A correction of a corrected field takes
    its place; one that says what stood there first takes it back. Raises Invalid."""
    rows = await keeping.rows(claim.rows)
    _may(one, rows)
    standing = [c for c in claim.corrections if (c.table, c.row, c.field) != (one.table, one.row, one.field)]
    old = next((c for c in claim.corrections if c not in standing), None)
    was = old.was if old else rows[one.table][one.row - 1].get(one.field, "")
    wanted = standing if one.value == was else [*standing, replace(one, was=was)]
    return await make(store, claim.visit, compose, corrections=wanted)


def _may(one: Correction, rows: Claim) -> None:
    if one.table not in TABLES or not 0 < one.row <= len(rows.get(one.table, ())):
        raise Invalid(mark("There is no such row in the claim."))
    if one.field not in named(one.table, clock.local(clock.now()).date()):
        raise Invalid(mark("There is no such field in the table."))
    if one.field.startswith(BY_HAND) or one.field in KEYS:
        raise Invalid(NOT_HERE)
    if not one.why:
        raise Invalid(mark("Say why the field is corrected."))


async def retry(act: Callable[[], Awaitable[Any]]) -> Any:
    """What is done on the newest version: again, a few times, when somebody was faster."""
    for left in (3, 2, 1, 0):
        try:
            return await act()
        except (Conflict, PreconditionFailed):
            if not left:
                raise
    raise AssertionError
