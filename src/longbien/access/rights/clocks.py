"""How long an answer may take, by kind of request and by the day it came. Pure; the terms are dated data (tables/clocks.csv)."""

from __future__ import annotations

import csv
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

from longbien.base.errors import Invalid

from .workdays import after_days, after_working_days

TABLE = Path(__file__).parent / "tables" / "clocks.csv"


class Term(NamedTuple):
    since: date
    receipt: int
    days: int
    extension: int
    law: str


class Due(NamedTuple):
    """receipt: by when the patient is told that the request came in. answer: by when it is answered. extended: by when at the
    latest, where the answer is put off once."""

    receipt: date
    answer: date
    extended: date
    law: str


@cache
def terms() -> dict[str, tuple[Term, ...]]:
    found: dict[str, list[Term]] = {}
    with TABLE.open(encoding="utf-8", newline="") as f:
        for r in csv.DictReader(f):
            term = Term(
                date.fromisoformat(r["from"]), int(r["receipt_working_days"]), int(r["days"]), int(r["extension_days"]), r["law"]
            )
            found.setdefault(r["kind"], []).append(term)
    return {kind: tuple(sorted(rows)) for kind, rows in found.items()}


def due(kind: str, came: date) -> Due:
    """When a request that came on this day is due. Raises Invalid for an unknown kind, and for a day before any rule."""
    holding = [t for t in terms().get(kind, ()) if t.since <= came]
    if not holding:
        raise Invalid(f"There is no term for a request {kind[:40]!r} of {came.isoformat()}.", code="value")
    term = holding[-1]
    return Due(
        after_working_days(came, term.receipt), after_days(came, term.days), after_days(came, term.days + term.extension), term.law
    )
