"""The rules run again over a visit: those of order time as of each order's own day, and those that need the whole visit."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from longbien.base import clock
from longbien.record.store import Store
from longbien.web.chart import record as r

from . import facts, reading, tables
from .checks import Found, check
from .facts import Case, Span
from .reading import found

Resource = dict[str, Any]
_decode = msgspec.json.Decoder().decode


async def audit(store: Store, encounter: str) -> list[Found]:
    """Everything that the rules find in a visit, as far as the scope shows it; `about` is Type/id, "" for the visit itself. []
    for a visit that no insurance card covers. Raises NotFound."""
    visit: Resource = _decode((await store.read("Encounter", encounter)).body)
    patient = r.reference_id(visit.get("subject"))
    begin = facts.period(visit)[0]
    if not patient or begin is None:
        return []
    covers = (await reading.chart(store, patient, ("Coverage",)))["Coverage"]
    if not reading.insured(covers, clock.local(begin).date()):
        return []
    return judged(await case(store, visit, patient))


def judged(whole: Case) -> list[Found]:
    """Each order by the rules of its own day, then the visit by those of its end."""
    out: list[Found] = []
    for o in whole.orders:
        rest = [x for x in (*whole.orders, *whole.past) if x.ref != o.ref]
        rules = tables.running(clock.local(o.at).date(), "order")
        out += check(rules, replace(whole, orders=[o], past=rest))
    day = clock.local(whole.end or whole.begin or clock.now()).date()
    return out + (check(tables.running(day, "closed"), whole) if whole.end else [])


async def case(store: Store, visit: Resource, patient: str) -> Case:
    """All of a visit, for the rules. Orders before it count as past."""
    id_ = str(visit["id"])
    drugs, services, conditions, specimens, reports, procedures, observations = await asyncio.gather(
        found(store, "MedicationRequest", patient, ("encounter", f"Encounter/{id_}")),
        found(store, "ServiceRequest", patient, ("_sort", "-authored")),
        found(store, "Condition", patient),
        found(store, "Specimen", patient),
        found(store, "DiagnosticReport", patient, ("encounter", f"Encounter/{id_}")),
        found(store, "Procedure", patient, ("encounter", f"Encounter/{id_}")),
        found(store, "Observation", patient, ("code", _wanted())),
    )
    whole = built(visit, drugs, services, conditions, specimens, reports, procedures, observations)
    office = r.reference_id(visit.get("serviceProvider"))
    who = {*(o.who for o in whole.orders), *(w for x in whole.operations for w in x.who)}
    whole.level, whole.staff, whole.other_operations = await asyncio.gather(
        reading.level(store.engine, office, reading.today()), reading.staff(store.engine, who), _others(store, whole.operations)
    )
    return whole


def built(
    visit: Resource, drugs: Sequence[Resource], services: Sequence[Resource], conditions: Sequence[Resource],
    specimens: Sequence[Resource], reports: Sequence[Resource], procedures: Sequence[Resource], observations: Sequence[Resource],
) -> Case:  # fmt: skip
    """The case of a visit, of one patient's resources: drugs, reports and procedures of this visit, all else as it stands in the
    record. Without the directory: level, staff and other patients' operations are not known. Pure."""
    begin, end = facts.period(visit)
    standing = [x for x in services if facts.counts(x)]
    mine = [x for x in standing if r.reference_id(x.get("encounter")) == visit["id"]]
    past = [facts.order(x) for x in standing if r.reference_id(x.get("encounter")) != visit["id"]]
    operations = [x for x in map(facts.operation, procedures) if x is not None and x.who]
    return Case(
        [facts.order(x) for x in (*(d for d in drugs if facts.counts(d)), *mine)], past, _diagnoses(visit, conditions), "",
        [x for x in map(facts.result, observations) if x is not None], {}, begin, end, _main(visit),
        facts.steps(mine, specimens, reports), facts.beds(visit), operations,
    )  # fmt: skip


def _wanted() -> str:
    """The results that some rule of the table asks for."""
    return ",".join(sorted({f"http://loinc.org|{c}" for x in tables.table() for c in x.many("loinc")}))


def _diagnoses(visit: Mapping[str, Any], conditions: Sequence[Resource]) -> frozenset[str]:
    named = {r.reference_id(d.get("condition")) for d in visit.get("diagnosis") or ()}
    mine = [c for c in conditions if c.get("id") in named or r.reference_id(c.get("encounter")) == visit["id"]]
    return frozenset().union(*(facts.icd(c) for c in mine), frozenset())


def _main(visit: Mapping[str, Any]) -> str:
    """The Condition that is the main diagnosis: of use DD, or ranked first."""
    listed = visit.get("diagnosis") or ()
    first = [d for d in listed if r.code_of(d.get("use")) in ("DD", "")] or [d for d in listed if d.get("rank") == 1]
    return next((i for d in first if (i := r.reference_id(d.get("condition")))), "")


async def _others(store: Store, operations: Sequence[Span]) -> list[Span]:
    """What the same surgeons did on the same days, on anybody."""
    asked = {(w, clock.local(x.begin).date()) for x in operations for w in x.who}
    pages = await asyncio.gather(
        *(
            found(store, "Procedure", None, ("performer", f"Practitioner/{who}"), ("date", day.isoformat()))
            for who, day in sorted(asked)
        )
    )
    every = {str(x["id"]): x for page in pages for x in page}
    return [s for s in map(facts.operation, every.values()) if s is not None]
