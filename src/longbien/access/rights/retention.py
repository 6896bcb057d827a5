"""How long a record is kept: by what kind of record it is, counted from the end of the year in which the care ended. Pure; terms
are dated data (tables/retention.csv). Where a record is of several kinds, the longest term counts."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from longbien.base import clock
from longbien.base.words import parse_instant

TABLE = Path(__file__).parent / "tables" / "retention.csv"
Resource = Mapping[str, Any]


class Term(NamedTuple):
    """years: None for ever."""

    kind: str
    since: date
    years: int | None
    name: str
    law: str


@cache
def terms() -> dict[str, Term]:
    """By kind; of several rows of one kind the latest that holds today is the last of the file."""
    with TABLE.open(encoding="utf-8", newline="") as f:
        rows = csv.DictReader(f)
        return {
            r["kind"]: Term(r["kind"], date.fromisoformat(r["from"]), int(r["years"]) if r["years"] else None, r["name"], r["law"])
            for r in rows
        }


def codes(condition: Resource) -> list[str]:
    return [
        str(c.get("code") or "")
        for c in (condition.get("code") or {}).get("coding") or ()
        if "icd" in str(c.get("system", "")).lower()
    ]


def kinds(encounter: Resource, conditions: Iterable[Resource] = (), *, adverse: bool = False) -> list[str]:
    """Every kind of record that a visit is: `record` always, but for a mere health check."""
    found = []
    icd = [c for x in conditions for c in codes(x)]
    leaving = (encounter.get("hospitalization") or {}).get("dischargeDisposition") or {}
    if adverse:
        found.append("adverse")
    if any(c.startswith("Z94") for c in icd):
        found.append("transplant")
    if any(c.get("code") == "exp" for c in leaving.get("coding") or ()):
        found.append("death")
    if any("V01" <= c[:3] <= "V99" or c.startswith("Y96") for c in icd):  # transport accidents; Y96: at work
        found.append("accident")
    if any(c.startswith("F") for c in icd):
        found.append("psychiatric")
    check = bool(icd) and all(c[:3] in ("Z00", "Z02", "Z10") for c in icd)
    found.append("check" if check and not found else "record")
    return found


class Kept(NamedTuple):
    """until: the last day on which the record must be kept; None for ever."""

    term: Term
    ended: date
    until: date | None

    def over(self, today: date) -> bool:
        return self.until is not None and self.until < today


def kept(encounter: Resource, conditions: Iterable[Resource] = (), *, adverse: bool = False) -> Kept | None:
    """None for a visit that goes on, or whose end is not known: nothing ends before care does."""
    end = str((encounter.get("period") or {}).get("end") or "")
    if encounter.get("status") not in ("finished", "cancelled", "entered-in-error") or not end:
        return None
    try:
        day = clock.local(parse_instant(end)).date()
    except ValueError:
        return None
    of = [terms()[k] for k in kinds(encounter, conditions, adverse=adverse)]
    longest = max(of, key=lambda t: (t.years is None, t.years or 0))
    return Kept(longest, day, None if longest.years is None else date(day.year + longest.years, 12, 31))
