"""Results as a patient reads them: one card for each day's tests, what needs attention first, values named in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from ...base.clock import local
from ...base.words import Words
from ...fhir.systems import LOINC
from ..chart.record import code_of, concept, first, moment
from .words import plain

Resource = Mapping[str, Any]
HIGH, LOW = frozenset({"H", "HH", "HU", ">"}), frozenset({"L", "LL", "LU", "<"})
ODD = frozenset({"A", "AA", "POS", "DET", "R"})


@dataclass(frozen=True, slots=True)
class Value:
    """One measured value. level: "" within its limits, "hi", "lo", "odd". low, high: its limits, as numbers. before: the value
    before this one."""

    id: str
    code: str
    name: str
    term: str
    text: str
    unit: str
    number: float | None
    level: str
    low: float | None
    high: float | None
    at: datetime
    before: Value | None = None


@dataclass(slots=True)
class Morning:
    """What was measured on one day. `pictures`: reports of imaging as (id, title, conclusion)."""

    day: date
    values: list[Value] = field(default_factory=list)

    @property
    def odd(self) -> list[Value]:
        return [v for v in self.values if v.level]

    @property
    def fine(self) -> list[Value]:
        return [v for v in self.values if not v.level]


@dataclass(frozen=True, slots=True)
class Report:
    id: str
    at: datetime
    title: str
    said: str
    by: str


def _quantity(x: Any) -> float | None:
    try:
        return float(x) if x is not None else None
    except (TypeError, ValueError):
        return None


def value(r: Resource, w: Words, lang: str) -> Value | None:
    """An Observation of a laboratory; None for what cannot be read, was cancelled or is an error."""
    at = moment(r.get("effectiveDateTime") or first(r, "effectivePeriod", "start") or r.get("issued"))
    if at is None or r.get("status") in ("entered-in-error", "cancelled", "registered"):
        return None
    loinc = code_of(r.get("code"), LOINC)
    term = concept(r.get("code"), lang)
    q = r.get("valueQuantity") or {}
    raw = q.get("value")
    text = w.number(raw) if raw is not None else str(r.get("valueString") or concept(r.get("valueCodeableConcept"), lang))
    if not text:
        return None
    mark = code_of(r.get("interpretation"))
    level = "hi" if mark in HIGH else "lo" if mark in LOW else "odd" if mark in ODD else ""
    low, high = (_quantity(first(r, "referenceRange", side, "value")) for side in ("low", "high"))
    return Value(
        str(r.get("id", "")), loinc or code_of(r.get("code")), plain(loinc, lang) or term, term, text, str(q.get("unit") or ""),
        _quantity(raw), level, low, high, at,
    )  # fmt: skip


def mornings(resources: Iterable[Resource], w: Words, lang: str) -> list[Morning]:
    """By day, newest first; within a day what is outside its limits first. Each value knows the one before it."""
    values = sorted((v for r in resources if (v := value(r, w, lang))), key=lambda v: v.at)
    last: dict[str, Value] = {}
    days: dict[date, Morning] = {}
    for v in values:
        before = last.get(v.code)
        last[v.code] = v
        linked = replace(v, before=before)
        days.setdefault(local(v.at).date(), Morning(local(v.at).date())).values.append(linked)
    for one in days.values():
        one.values.sort(key=lambda v: (not v.level, v.name))
    return sorted(days.values(), key=lambda m: m.day, reverse=True)


def reports(resources: Iterable[Resource], lang: str) -> list[Report]:
    """Reports in words (imaging, endoscopy ...), newest first; sheets of laboratory values say nothing in words: left out."""
    out = []
    for r in resources:
        at = moment(r.get("effectiveDateTime") or first(r, "effectivePeriod", "start") or r.get("issued"))
        said = str(r.get("conclusion") or "")
        if at is None or not said or r.get("status") in ("entered-in-error", "cancelled", "registered", "partial"):
            continue
        by = str(first(r, "resultsInterpreter", "display") or first(r, "performer", "display") or "")
        out.append(Report(str(r.get("id", "")), at, concept(r.get("code"), lang), said, by))
    return sorted(out, key=lambda x: x.at, reverse=True)
