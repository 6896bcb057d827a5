"""A death: its time, the chain of causes, and what is asked back. Pure.

The chain is that of the international medical certificate of cause of death (WHO, ICD-10 volume 2, 4.1.3): line a is what led to it
directly, each line below what brought about the line above; the lowest line filled in is the underlying cause. What the record of
treatment wants besides (circular 32/2023/TT-BYT, items 26 to 29): from illness, accident of treatment or other; within or after 24
hours of admission; post-mortem examination."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from longbien.base import clock
from longbien.base.words import mark

LINES = ("a", "b", "c", "d")
UNITS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
}
UNIT_WORDS = {"minute": ("phút", mark("minutes")), "hour": ("giờ", mark("hours")), "day": ("ngày", mark("days")),
              "month": ("tháng", mark("months")), "year": ("năm", mark("years"))}  # fmt: skip
MANNERS = {
    "illness": ("Do bệnh", mark("Illness")),
    "treatment": ("Do tai biến điều trị", mark("Accident of treatment")),
    "other": ("Khác", mark("Other")),
}
PLACES = {"here": ("Tại cơ sở", mark("In this facility")), "outside": ("Ngoại viện", mark("Outside the hospital"))}
HOW_DYING = re.compile(r"(R(?!9[5-9])\d\d|I46|I50\.9|J96)")
"""Codes that tell how somebody died, not of what (WHO, ICD-10 volume 2: ill-defined and modes of dying)."""
AHEAD = timedelta(minutes=5)
UNDO_WITHIN = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Cause:
    """One line of the chain: ICD-10 code, its words, how long it lasted (number and unit; "" unknown)."""

    line: str
    code: str
    text: str
    number: int = 0
    unit: str = ""

    @property
    def lasted(self) -> timedelta | None:
        return self.number * UNITS[self.unit] if self.number and self.unit in UNITS else None


@dataclass(slots=True)
class Death:
    at: datetime
    place: str = "here"
    manner: str = "illness"
    chain: list[Cause] = field(default_factory=list)
    others: str = ""
    autopsy: bool = False
    told: str = ""
    confirmed: bool = False


def underlying(chain: Sequence[Cause]) -> Cause | None:
    """The lowest line that is filled in: what statistics count."""
    return max(chain, key=lambda c: c.line, default=None)


def chain_errors(chain: Sequence[Cause]) -> dict[str, str]:
    """Errors by line (marked messages): a first line, no gap, and nothing that begins after what it brought about."""
    errors: dict[str, str] = {}
    by = {c.line: c for c in chain}
    if "a" not in by:
        errors["a"] = mark("What led to death directly?")
    last = max((LINES.index(c.line) for c in chain), default=-1)
    for n in range(1, last):
        if LINES[n] not in by:
            errors[LINES[n]] = mark("A line is left out in the chain.")
    above: timedelta | None = None
    for line in LINES:
        lasted = by[line].lasted if line in by else None
        if lasted is not None:
            if above is not None and lasted < above:
                errors[line] = mark("It lasted shorter than what it brought about. Are the lines in the right order?")
            above = lasted
    return errors


def only_a_mode(chain: Sequence[Cause]) -> bool:
    """Does the chain end in how somebody died and not in what of? Asked back once, not refused: sometimes nothing more is known."""
    last = underlying(chain)
    return last is not None and HOW_DYING.match(last.code) is not None


def time_error(at: datetime, now: datetime, birth: str, admitted: datetime | None) -> str:
    """What is wrong with the time, as a marked message, or ""."""
    if at > now + AHEAD:
        return mark("This time has not come yet.")
    if birth and f"{clock.local(at):%Y-%m-%d}"[: len(birth)] < birth:
        return mark("That is before the patient was born.")
    if admitted is not None and at < admitted:
        return mark("That is before the admission. Did the patient die before arriving? Then choose: outside the hospital.")
    return ""


def within_a_day(at: datetime, admitted: datetime | None) -> bool | None:
    """Within 24 hours of admission; None where there was none."""
    return None if admitted is None else at - admitted <= timedelta(hours=24)


def cause_line(c: Cause) -> str:
    """a) Suy hô hấp (J96.0), 2 giờ"""
    lasted = f", {c.number} {UNIT_WORDS[c.unit][0]}" if c.number and c.unit in UNIT_WORDS else ""
    return f"{c.line}) {c.text} ({c.code}){lasted}"


def read_chain(values: Mapping[str, str]) -> list[tuple[str, str, str, str, str]]:
    """(line, code, typed, number, unit) of the lines where something was typed."""
    found = []
    for line in LINES:
        code, typed = values.get(f"cause.{line}.code", "").strip(), values.get(f"cause.{line}", "").strip()
        if code or typed:
            found.append(
                (line, code, typed, values.get(f"cause.{line}.n", "").strip(), values.get(f"cause.{line}.unit", "").strip())
            )
    return found
