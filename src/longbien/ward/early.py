"""The early-warning score of who lies in a ward: NEWS2 of what was charted lately, and what it asks for.

The score itself and its table are web.forms'; here stands which values count: each sign's latest within AGE."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from longbien.base.words import Words, mark
from longbien.web.chart import record as r
from longbien.web.forms import scores

from .signs import Sign, newest

AGE = timedelta(hours=14)
"""Older values say nothing of how somebody is now (the longest interval of NEWS2's table is 12 hours)."""
NEXT = {"low": timedelta(hours=12), "low-medium": timedelta(hours=1), "medium": timedelta(hours=1), "high": timedelta(minutes=30)}
"""When signs are due again: NEWS2's table (RCP 2017, chart 4): 0 twelve-hourly, 1-4 four- to six-hourly, 5-6 or a 3 hourly, 7 and
more continuously (here: at latest in half an hour)."""
SHORT = {
    "rr": mark("breathing"), "spo2": "SpO₂", "o2": mark("oxygen"), "sbp": mark("blood pressure"), "hr": mark("pulse"),
    "acvpu": mark("consciousness"), "temp": mark("temperature"),
}  # fmt: skip
ADULT = 16
LEVELS: tuple[scores.Consciousness, ...] = ("A", "C", "V", "P", "U")


@dataclass(frozen=True, slots=True)
class Early:
    """`total` of what is there; `why`: the parts that made it, the gravest first; `missing`: what was not charted; `next`: when
    signs are due again; level: crit, warn or ""."""

    total: int
    complete: bool
    level: str
    why: tuple[str, ...]
    missing: tuple[str, ...]
    advice: str
    at: datetime
    next: datetime
    name: str = "NEWS"


def early(signs: Iterable[Sign], years: int | None, now: datetime, w: Words) -> Early | None:
    """None where the score is not for this patient (under 16 years) or nothing was charted lately."""
    if years is None or years < ADULT:
        return None
    last = {k: s for k, s in newest(signs).items() if s.at > now - AGE}
    keys = {"pulse", "temperature", "breaths", "spo2", "systolic", "level", "oxygen"}
    if not keys & last.keys():
        return None

    def number(key: str) -> float | None:
        return float(last[key].value) if key in last else None

    said = str(last["level"].value) if "level" in last else ""
    level = next((x for x in LEVELS if x == said), None)
    oxygen = None if "oxygen" not in last else float(last["oxygen"].value) > 0
    found = scores.news2(
        breaths=number("breaths"), spo2=number("spo2"), oxygen=oxygen, systolic=number("systolic"), pulse=number("pulse"),
        consciousness=level, temperature=number("temperature"),
    )  # fmt: skip
    parts = sorted((p for p in found.points if p.points), key=lambda p: -(p.points or 0))
    why = tuple(f"{w(SHORT[p.key])} {_value(p.value, w)} (+{p.points})" for p in parts)
    at = max(last[k].at for k in keys & last.keys())
    step = timedelta(hours=6) if found.response == "low" and found.total else NEXT[found.response]
    css = "crit" if found.response == "high" else "warn" if found.response in ("medium", "low-medium") else ""
    missing = tuple(w(SHORT[k]) for k in found.missing)
    return Early(found.total, found.complete, css, why, missing, found.threshold.advice.of(w.lang), at, at + step)


PEWS_NEXT = {"": timedelta(hours=6), "warn": timedelta(hours=2), "crit": timedelta(minutes=30)}
"""When a child is scored again; the table itself names no hours: a ward's policy."""


def score(
    observations: Iterable[Mapping[str, Any]], charted: Iterable[Sign], years: int | None, now: datetime, w: Words
) -> Early | None:
    """The warning score of a patient: NEWS2 of the vital signs for 16 years and over; for children the PEWS that somebody filled
    in (web.forms' sheet), as it needs a look at the child."""
    return pews(observations, now, w) if years is not None and years < ADULT else early(charted, years, now, w)


def pews(observations: Iterable[Mapping[str, Any]], now: datetime, w: Words) -> Early | None:
    """The latest PEWS (Brighton, Monaghan 2005) within AGE; 3 is to watch, 4 and more asks for a doctor."""
    found = [
        (at, o)
        for o in observations
        if r.code_of(o.get("code"), scores.SYSTEM) == "pews" and o.get("status") != "entered-in-error"
        and (at := r.moment(o.get("effectiveDateTime"))) is not None and at > now - AGE
    ]  # fmt: skip
    if not found:
        return None
    at, last = max(found, key=lambda x: x[0])
    value = r.first(last, "valueQuantity", "value")
    total = int(value if value is not None else last.get("valueInteger") or 0)
    meant = scores.threshold(scores.table()["PEWS"], total)
    level = "crit" if total >= 4 else "warn" if total == 3 else ""
    parts = [(r.concept(c.get("code")), c.get("valueInteger")) for c in last.get("component") or ()]
    why = tuple(f"{text} (+{n})" for text, n in parts if n)
    return Early(total, True, level, why, (), meant.advice.of(w.lang) if meant else "", at, at + PEWS_NEXT[level], "PEWS")


def _value(text: str, w: Words) -> str:
    """A value of the score in the reader's way of writing numbers; letters stay."""
    try:
        return w.number(Decimal(text))
    except InvalidOperation:
        return text
