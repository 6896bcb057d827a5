"""The dated parameters of the insurance share, read from tables/*.csv. Each row names its source and how sure it is."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent / "tables"
Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Level:
    """A level of benefit. rate: per cent of what is covered that the fund pays. rank: 1 is best for the patient. ratio_limits: the
    ratios (TYLE_TT_BH) and the limit of supplies bind it. outside: scope 3 is covered too."""

    level: int
    rate: Decimal
    rank: int
    ratio_limits: bool
    outside: bool


@cache
def rows(name: str) -> tuple[Row, ...]:
    with (HERE / f"{name}.csv").open(encoding="utf-8", newline="") as f:
        return tuple(csv.DictReader(f))


def within(row: Row, day: date) -> bool:
    """Is the row in force that day? An empty end is none; both days count."""
    text = day.isoformat()
    return row["from"] <= text and (not row["to"] or text <= row["to"])


@cache
def reference_level(day: date) -> Decimal:
    """The reference level in dong. A day before the table begins has its first row's."""
    found = next((r for r in rows("reference_level") if within(r, day)), rows("reference_level")[0])
    return Decimal(found["amount"])


@cache
def parameter(key: str, day: date) -> Decimal | None:
    """One parameter as of a day, None where there is none (the rule does not hold that day)."""
    found = next((r for r in rows("parameters") if r["key"] == key and within(r, day)), None)
    return Decimal(found["value"]) if found else None


@cache
def levels() -> Mapping[int, Level]:
    return {
        int(r["level"]): Level(int(r["level"]), Decimal(r["rate"]), int(r["rank"]), r["ratio_limits"] == "1", r["outside"] == "1")
        for r in rows("levels")
    }


def level(number: int) -> Level:
    """A level; one that is not in the table counts as level 4, the lowest, until the portal has answered."""
    return levels().get(number, levels()[4])


@cache
def inpatient(kind: str) -> bool:
    """Is this MA_LOAI_KCB a stay? Unknown kinds are none."""
    return any(r["kind"] == kind and r["inpatient"] == "1" for r in rows("kinds"))


@cache
def extends(kind: str) -> bool:
    """Does a card that ends during such a visit count for some days more?"""
    return any(r["kind"] == kind and r["extends"] == "1" for r in rows("kinds"))


@cache
def percent(code: str, stay: bool, day: date) -> Decimal | None:
    """What part of the card's own rate MA_DOITUONG_KCB gives, per cent; None: the table does not know the code or the day."""
    for r in rows("objects"):
        if r["code"] == code and r["inpatient"] in ("any", "1" if stay else "0") and within(r, day):
            return Decimal(r["percent"])
    return None


@cache
def full_place(level_: str, before: str, day: date) -> bool:
    """Is care at such a place paid in full, whatever the card's level?"""
    return any(r["level"] == level_ and r["before"] == before and within(r, day) for r in rows("full_places"))


@cache
def supply(group: str, day: date) -> bool:
    """Is MA_NHOM one whose lines of one package have a limit together?"""
    return any(r["group"] == group and within(r, day) for r in rows("supply_groups"))


@cache
def listed(diagnosis: str, name: str) -> bool:
    """Does an ICD-10 code stand on this list (annex I or II of Circular 01/2025)? The lists here are examples: diagnoses.csv."""
    code = diagnosis.replace(".", "").upper()
    return bool(code) and any(r["list"] == name and code.startswith(r["prefix"].replace(".", "")) for r in rows("diagnoses"))
