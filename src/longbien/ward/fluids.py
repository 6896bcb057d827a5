"""What goes in and comes out: Observations of fluids, and their sums by shift and day. Pure.

The day of fluids begins at 06:00, as do the shifts here (06-14, 14-22, 22-06)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from longbien.base import clock
from longbien.base.words import mark
from longbien.base.words import words as spoken
from longbien.web.chart import record as r

from .codes import FLUID, Resource, concept

CATEGORY = "fluid-balance"
KINDS: tuple[tuple[str, str, str, str], ...] = (
    ("in-oral", "in", mark("By mouth"), "Fluid intake oral"),
    ("in-iv", "in", mark("Infusion"), "Fluid intake intravenous"),
    ("in-tube", "in", mark("By tube"), "Fluid intake by tube"),
    ("in-blood", "in", mark("Blood products"), "Blood products given"),
    ("out-urine", "out", mark("Urine"), "Urine output"),
    ("out-drain", "out", mark("Drains"), "Drain output"),
    ("out-vomit", "out", mark("Vomit"), "Vomit output"),
    ("out-stool", "out", mark("Stool"), "Stool output"),
)
"""(code, in or out, words, display)"""
MOST = 5000
"""Millilitres of one entry that a slip of the finger would be."""
DAY_BEGINS = 6
SHIFT = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Entry:
    code: str
    way: str
    ml: Decimal
    at: datetime
    by: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Sum:
    """From `begin` (included) to `end`: what went in and came out, and the difference."""

    begin: datetime
    end: datetime
    into: Decimal
    out: Decimal

    @property
    def balance(self) -> Decimal:
        return self.into - self.out


def entries(observations: Iterable[Mapping[str, Any]]) -> list[Entry]:
    """The fluids among these Observations, newest first."""
    ways = {code: way for code, way, *_ in KINDS}
    out = []
    for o in observations:
        code = r.code_of(o.get("code"), FLUID)
        at, value = r.moment(o.get("effectiveDateTime")), r.first(o, "valueQuantity", "value")
        if code in ways and at is not None and value is not None and o.get("status") not in ("entered-in-error", "cancelled"):
            by = str(r.first(o, "performer", "display") or "")
            out.append(Entry(code, ways[code], Decimal(str(value)), at, by, str(o.get("id") or "")))
    return sorted(out, key=lambda e: e.at, reverse=True)


def shift(now: datetime) -> datetime:
    """When the shift that is on at `now` began."""
    day = fluid_day(now)
    return day + SHIFT * ((clock.local(now) - day) // SHIFT)


def fluid_day(now: datetime) -> datetime:
    here = clock.local(now)
    begin = here.replace(hour=DAY_BEGINS, minute=0, second=0, microsecond=0)
    return begin if here >= begin else begin - timedelta(days=1)


def total(found: Iterable[Entry], begin: datetime, end: datetime) -> Sum:
    inside = [e for e in found if begin <= e.at < end]
    return Sum(
        begin,
        end,
        sum((e.ml for e in inside if e.way == "in"), Decimal(0)),
        sum((e.ml for e in inside if e.way == "out"), Decimal(0)),
    )


def sums(found: Iterable[Entry], now: datetime) -> tuple[list[Sum], Sum, Sum]:
    """(the shifts of the fluid day so far, that day, the day before)."""
    listed, day = list(found), fluid_day(now)
    shifts = [total(listed, day + SHIFT * n, day + SHIFT * (n + 1)) for n in range(3) if day + SHIFT * n <= now]
    return shifts, total(listed, day, day + SHIFT * 3), total(listed, day - SHIFT * 3, day)


def observation(code: str, ml: Decimal, at: datetime, now: datetime, patient: str, stay: str, by: Resource, id_: str) -> Resource:
    """One entry as it is written."""
    display, words = next((d, w) for c, _, w, d in KINDS if c == code)
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "category": [concept(FLUID, CATEGORY, "Fluid balance")],
        "code": concept(FLUID, code, display, spoken("vi")(words)),
        "subject": {"reference": f"Patient/{patient}"},
        "encounter": {"reference": f"Encounter/{stay}"},
        "effectiveDateTime": clock.instant(at),
        "issued": clock.instant(now),
        "performer": [by],
        "valueQuantity": {"value": ml, "unit": "mL", "system": "http://unitsofmeasure.org", "code": "mL"},
    }
