"""What the safety rules ask of the record: the drugs of the last year, kidney, pregnancy, the catalogue's facts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ..base import clock
from ..base.department import Verdict
from ..base.words import Words
from ..fhir import systems as s
from ..record.store import Store
from ..web.chart import record as r
from ..web.chart.bars import UNKNOWN
from ..web.chart.model import age_days
from . import safety
from .safety import Body, Drug, Facts, Span

Resource = dict[str, Any]
_decode = msgspec.json.Decoder().decode
YEAR = timedelta(days=365)
NEVER = frozenset({"cancelled", "entered-in-error", "draft"})
EGFR = f"{s.LOINC}|98979-8,{s.LOINC}|33914-3,{s.LOINC}|62238-1"
"""CKD-EPI 2021, MDRD, CKD-EPI."""
EXT = f"{s.BASE}/StructureDefinition/drug-"
BIRTHS = ("O80", "O81", "O82", "O83", "O84", "O92", "Z37", "Z39")
"""ICD-10: a delivery, its outcome, care of the mother after it, disorders of lactation."""


async def _found(store: Store, type_: str, patient: str | None, *params: tuple[str, str]) -> list[Resource]:
    """As far as the scope shows them; [] of types it may not read."""
    if not store.scope.may_read(type_):
        return []
    page = await store.search(type_, [*params, ("_count", "200")], patient=patient)
    return [_decode(e.body) for e in page.entries if e.mode == "match"]


async def safe(store: Store, patient: str, drafts: Sequence[Resource], w: Words) -> list[Verdict]:
    """An adviser: interactions, duplicates of a class, kidney dose, pregnancy."""
    if not any(d.get("resourceType") == "MedicationRequest" for d in drafts):
        return []
    now = clock.now()
    since = ("authoredon", "ge" + clock.instant(now - YEAR))
    asked = ",".join(sorted({f"{s.DRUG}|{c}" for d in drafts for c in _codes(d, s.DRUG)}))
    orders, running, said, known, body = await asyncio.gather(
        _found(store, "MedicationRequest", patient, since, ("_sort", "-authoredon")),
        _found(store, "MedicationRequest", patient, ("status", "active,on-hold")),
        _found(store, "MedicationStatement", patient, ("status", "active")),
        _found(store, "MedicationKnowledge", None, ("code", asked)) if asked else _none(),
        _body(store, patient, now),
    )
    facts = {c: _facts(k) for k in known for c in _codes(k, s.DRUG)}
    taken = [_drug(x, {}, w) for x in _newest((*running, *said)) if _goes_on(x, now)]
    before = [span for x in (*orders, *running, *said) for span in _spans(x, now)]
    new = [_drug(d, facts, w) if d.get("resourceType") == "MedicationRequest" else None for d in drafts]
    return safety.check(new, taken, before, body, now, w)


async def _none() -> list[Resource]:
    return []


def _newest(found: Iterable[Resource]) -> list[Resource]:
    return sorted(found, key=lambda x: str(x.get("authoredOn") or x.get("dateAsserted") or ""), reverse=True)


def _goes_on(x: Mapping[str, Any], now: datetime) -> bool:
    """Not one whose days are over although nobody ended it."""
    end = r.moment(r.first(x, "dispenseRequest", "validityPeriod", "end") or r.first(x, "effectivePeriod", "end"))
    return end is None or end >= now


def _spans(x: Mapping[str, Any], now: datetime) -> list[Span]:
    """When a prescription was taken; one that never said for how long counts a month, one that runs until now."""
    begin = r.moment(x.get("authoredOn") or r.first(x, "effectivePeriod", "start") or x.get("dateAsserted"))
    if begin is None or x.get("status") in NEVER:
        return []
    end = r.moment(r.first(x, "dispenseRequest", "validityPeriod", "end") or r.first(x, "effectivePeriod", "end"))
    end = end or (now if x.get("status") in ("active", "on-hold") else begin + UNKNOWN)
    return [Span(c, begin, end) for c in _codes(x, s.ATC)]


def _codes(x: Mapping[str, Any], system: str) -> tuple[str, ...]:
    what = x.get("medicationCodeableConcept") or x.get("code") or {}
    return tuple(str(c["code"]) for c in what.get("coding") or () if c.get("system") == system and c.get("code"))


def _drug(x: Mapping[str, Any], facts: Mapping[str, Facts], w: Words) -> Drug:
    what = x.get("medicationCodeableConcept")
    name = r.concept(what, w.lang) or str(r.first(x, "medicationReference", "display") or "")
    known = next((facts[c] for c in _codes(x, s.DRUG) if c in facts), None)
    return Drug(name, _codes(x, s.ATC), str(x.get("id") or ""), known)


def _facts(knowledge: Mapping[str, Any]) -> Facts:
    said = {str(e.get("url")): str(e.get("valueString") or "") for e in knowledge.get("extension") or ()}
    return Facts(safety.kidney(said.get(EXT + "renal-rules", "")), said.get(EXT + "pregnancy", ""))


async def _body(store: Store, patient: str, now: datetime) -> Body:
    people, kidneys, conditions = await asyncio.gather(
        _found(store, "Patient", patient),
        _found(store, "Observation", patient, ("code", EGFR), ("_sort", "-date"), ("date", "ge" + clock.instant(now - YEAR))),
        _found(store, "Condition", patient, ("clinical-status", "active,recurrence,relapse")),
    )
    one = r.person(people[0]) if people else None
    days = age_days(one.birth, now) if one and one.birth else None
    female = bool(one and one.sex != "male")
    problems = [p for c in conditions if (p := r.problem(c, "vi"))] if female else []
    year_ago = (now - YEAR).strftime("%Y-%m-%d")
    return Body(
        days, days * 100 // 36525 if days is not None else None, bool(one and one.sex == "female"), _egfr(kidneys),
        r.pregnancy(problems, now), any(p.code[:3] in BIRTHS and p.onset >= year_ago for p in problems),
    )  # fmt: skip


def _egfr(found: Iterable[Mapping[str, Any]]) -> tuple[float, datetime] | None:
    """The newest that counts."""
    for x in found:
        value, when = r.first(x, "valueQuantity", "value"), r.moment(x.get("effectiveDateTime"))
        if value is not None and when is not None and x.get("status") in ("final", "amended", "corrected"):
            return float(value), when
    return None
