"""Days of the law: working days with Vietnam's public holidays, terms that end on a working day. Pure; the days are dated data."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).parent / "tables" / "holidays.csv"
ONE = timedelta(days=1)


class Calendar(NamedTuple):
    """off: holidays; worked: weekend days that are worked in exchange; years: which the table knows."""

    off: frozenset[date]
    worked: frozenset[date]
    years: frozenset[int]


@cache
def calendar() -> Calendar:
    with TABLE.open(encoding="utf-8", newline="") as f:
        rows = [(date.fromisoformat(r["day"]), r["kind"]) for r in csv.DictReader(f)]
    off = frozenset(d for d, kind in rows if kind == "off")
    return Calendar(off, frozenset(d for d, kind in rows if kind == "worked"), frozenset(d.year for d in off))


def works(day: date) -> bool:
    known = calendar()
    return day in known.worked or (day.weekday() < 5 and day not in known.off)


def known(day: date) -> bool:
    """Are the holidays of that day's year in the table? Where not, only weekends count."""
    return day.year in calendar().years


def after_working_days(day: date, n: int) -> date:
    """The n-th working day after `day`, which itself does not count (Civil Code 91/2015/QH13, article 147)."""
    while n:
        day += ONE
        n -= works(day)
    return day


def after_days(day: date, n: int) -> date:
    """The end of a term of n days: `day` itself does not count, and a last day on which nobody works moves to the next on which
    they do (Civil Code, articles 147 and 148)."""
    day += timedelta(days=n)
    while not works(day):
        day += ONE
    return day
