"""The starter tables (`tables/*.csv`), read once each. What each holds and how sure it is: `tables/README.md`."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "tables"
Row = dict[str, str]


@cache
def rows(name: str) -> tuple[Row, ...]:
    """Every row of tables/`name`.csv, in file order."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as f:
        return tuple(csv.DictReader(f))


@cache
def by(name: str, column: str = "code") -> dict[str, Row]:
    """First row for each value of `column`."""
    found: dict[str, Row] = {}
    for r in rows(name):
        found.setdefault(r[column], r)
    return found


def number(text: str) -> float | None:
    """A cell as number; None where it is empty or is words."""
    try:
        return float(text)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Band:
    """The reference range of one test for one sex and age span (days, upper end exclusive), with critical limits."""

    sex: str
    age_from: int
    age_to: int
    low: float | None
    high: float | None
    critical_low: float | None
    critical_high: float | None
    low_text: str
    high_text: str

    def fits(self, sex: str, age_days: int) -> bool:
        return self.sex in ("all", sex) and self.age_from <= age_days < self.age_to

    def interpret(self, value: float) -> str:
        """HH, H, N, L or LL (v3-ObservationInterpretation). The critical limits themselves are critical."""
        if self.critical_high is not None and value >= self.critical_high:
            return "HH"
        if self.critical_low is not None and value <= self.critical_low:
            return "LL"
        if self.high is not None and value > self.high:
            return "H"
        if self.low is not None and value < self.low:
            return "L"
        return "N"


def _days(text: str, default: int) -> int:
    return int(text) if text else default


@cache
def bands(code: str) -> tuple[Band, ...]:
    """All reference bands of a laboratory test, in the table's order: the first that fits is the one."""
    return tuple(
        Band(
            r["sex"],
            _days(r["age_from_days"], 0),
            _days(r["age_to_days_exclusive"], 99999),
            number(r["ref_low"]),
            number(r["ref_high"]),
            number(r["critical_low"]),
            number(r["critical_high"]),
            r["ref_low"],
            r["ref_high"],
        )
        for r in rows("labs")
        if r["code"] == code
    )


@cache
def band(code: str, sex: str, age_days: int) -> Band | None:
    """The band of `code` for sex 'M'/'F' and age in days; None where the table has none."""
    return next((b for b in bands(code) if b.fits(sex, age_days)), None)


def weights(section: str, band_key: str | None = None) -> Iterator[tuple[str, str, str, float]]:
    """(key, band, sex, value) of one section of epidemiology.csv, numbers only."""
    for r in rows("epidemiology"):
        if r["section"] == section and (band_key is None or r["band"] == band_key):
            value = number(r["value"])
            if value is not None:
                yield r["key"], r["band"], r["sex"], value
