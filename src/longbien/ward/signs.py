"""Vital signs as the ward looks at them: Observations -> one value a sign and moment. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from longbien.base import clock
from longbien.base.ids import key64
from longbien.base.words import mark
from longbien.web.chart import record as r

from .codes import LEVEL, OXYGEN

Observation = Mapping[str, Any]
KEYS = {
    "8867-4": "pulse", "8310-5": "temperature", "9279-1": "breaths", "59408-5": "spo2", "2708-6": "spo2", "8480-6": "systolic",
    "8462-4": "diastolic", OXYGEN: "oxygen", LEVEL: "level", "29463-7": "weight", "72514-3": "pain", "14743-9": "glucose",
}  # fmt: skip
"""LOINC code -> the name of the sign here (that of the chart's form for vital signs, where it has it)."""
PANEL = "85354-9"
TITLES: dict[str, tuple[str, str]] = {
    "systolic": (mark("Systolic"), "mmHg"), "diastolic": (mark("Diastolic"), "mmHg"), "pulse": (mark("Pulse"), "/min"),
    "temperature": (mark("Temperature"), "°C"), "breaths": (mark("Breathing rate"), "/min"), "spo2": ("SpO₂", "%"),
    "oxygen": (mark("Oxygen"), "L/min"), "level": ("ACVPU", ""), "pain": (mark("Pain"), "0-10"), "weight": (mark("Weight"), "kg"),
    "glucose": (mark("Capillary glucose"), "mmol/L"),
}  # fmt: skip
LEVELS: tuple[tuple[str, str, str], ...] = (
    ("A", "LA", mark("Alert")), ("C", "LC", mark("New confusion")), ("V", "LV", mark("Responds to voice")),
    ("P", "LP", mark("Responds to pain")), ("U", "LU", mark("Unresponsive")),
)  # fmt: skip
"""ACVPU, as NEWS2 has it (Royal College of Physicians 2017)."""
SLOTS = (2, 6, 10, 14, 18, 22)
"""The hours of the ward's rounds of vital signs."""


@dataclass(frozen=True, slots=True)
class Sign:
    key: str
    value: Decimal | str
    at: datetime
    by: str = ""
    id: str = ""


def of(observations: Iterable[Observation]) -> list[Sign]:
    """Every sign in these Observations, newest first; those entered in error do not count."""
    out = []
    for o in observations:
        at = r.moment(o.get("effectiveDateTime") or r.first(o, "effectivePeriod", "start"))
        if at is None or o.get("status") in ("entered-in-error", "cancelled"):
            continue
        by, id_ = str(r.first(o, "performer", "display") or ""), str(o.get("id") or "")
        for part in (o, *(o.get("component") or ())):
            codes = [str(c.get("code")) for c in (part.get("code") or {}).get("coding") or ()]
            key = next((KEYS[c] for c in codes if c in KEYS), "")
            value = _value(part, key)
            if key and value is not None:
                out.append(Sign(key, value, at, by, id_))
    return sorted(out, key=lambda s: s.at, reverse=True)


def _value(part: Mapping[str, Any], key: str) -> Decimal | str | None:
    if key == "level":
        text = str(part.get("valueString") or r.code_of(part.get("valueCodeableConcept")) or "")[-1:].upper()
        return text if text in {x[0] for x in LEVELS} else None
    value = r.first(part, "valueQuantity", "value")
    return None if value is None else Decimal(str(value))


def newest(signs: Iterable[Sign]) -> dict[str, Sign]:
    """The latest of each."""
    out: dict[str, Sign] = {}
    for s in signs:
        if s.key not in out or s.at > out[s.key].at:
            out[s.key] = s
    return out


def slot(now: datetime) -> datetime:
    """The round of vital signs that is on at `now`: the nearest of the ward's hours (02, 06, 10, ...), across midnight too."""
    here = clock.local(now)
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    hours = [midnight + timedelta(hours=h, days=d) for d in (-1, 0, 1) for h in SLOTS]
    return min(hours, key=lambda t: abs(t - here))


def token(stay: str, at: datetime) -> str:
    """What the ids of one round's values of one patient begin with: two nurses who chart the same round meet at the commit."""
    return f"vs-{key64(f'{stay}/{clock.instant(at)}') & (2**63 - 1):x}"
