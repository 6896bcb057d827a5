"""The dated rules of the charges (tables/*.csv). What each is, and how sure: tables/README.md."""

from __future__ import annotations

import csv
from datetime import date
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "tables"
Row = dict[str, str]


@cache
def rows(name: str) -> tuple[Row, ...]:
    """Every row of tables/`name`.csv, in file order."""
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as f:
        return tuple(csv.DictReader(f))


def runs(row: Row, day: date) -> bool:
    return (not row.get("from") or row["from"] <= day.isoformat()) and (not row.get("until") or day.isoformat() <= row["until"])


@cache
def value(name: str, key: str, day: date, column: str = "value") -> str:
    """The value of a rule on a day, by the first column; "" where there is none."""
    found = (r for r in rows(name) if next(iter(r.values())) == key and runs(r, day))
    return next((r[column] for r in found), "")


def hours(key: str, day: date) -> int:
    return int(value("bed_days", key, day) or 0)


def bed_service(department: str, operated: bool, day: date) -> str:
    """The code of the bed-day service for a bed of a department (its kind)."""
    column = "after_operation" if operated else "plain"
    return value("beds", department, day, column) or value("beds", "*", day, column)


@cache
def group_order() -> dict[str, int]:
    return {r["group"]: int(r["order"]) for r in rows("groups")}


def packages(day: date) -> list[Row]:
    return [r for r in rows("packages") if runs(r, day)]


def facility(code: str, day: date) -> Row | None:
    return next((r for r in rows("facilities") if r["code"] == code and runs(r, day)), None)
