"""The field tables of decision 3176/QĐ-BYT (29/10/2024) as dated data: tables/*.csv. What changed since is a dated row of
amendments.csv, with its source and how sure it is; nothing about a field is written in code.

fields.csv: table, seq (the order that a working Hanoi sender uses), annex (the order of the annex), field, type, max (characters),
decimals (places after the point), form (minute yyyymmddHHMM, day yyyymmdd, birth: unknown parts zeros; plural and list: several
with `;` between), needed (see `needed`), codes (list of codes.csv), same (must say what that table says).
Not sure: what the portal's check file of decision 4750 calls required is taken as such; conditions in words became
conditions here."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

Row = dict[str, str]
Claim = dict[str, list[Row]]
"""One claim: its rows by table ("XML1": [one], "XML2": [...], ...); a row's values by field name."""
Order = Literal["sender", "annex"]
BEGINS = date(2025, 1, 1)
"""Decision 3176 is used by everybody from this day; earlier days get the tables as of it."""
TABLES = ("XML0", *(f"XML{n}" for n in range(1, 16)))


@dataclass(frozen=True, slots=True)
class Field:
    """max: characters (None: no limit). decimals: places a number may have (None: no number). needed: "" never, "always", or a
    condition (`needed`)."""

    table: str
    name: str
    type: str
    max: int | None
    decimals: int | None
    form: str
    needed: str
    codes: str
    same: str
    seq: int
    annex: int


@dataclass(frozen=True, slots=True)
class Wrapper:
    """The elements around a table's rows; list and item are "" where the root is the one row."""

    root: str
    list: str
    item: str
    title: str


def rows(name: str) -> list[dict[str, str]]:
    with (Path(__file__).parent / "tables" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def wrappers() -> Mapping[str, Wrapper]:
    return {r["table"]: Wrapper(r["root"], r["list"], r["item"], r["title"]) for r in rows("wrappers")}


@cache
def _base() -> tuple[Field, ...]:
    return tuple(
        Field(
            r["table"], r["field"], r["type"], int(r["max"]) if r["max"] else None, int(r["decimals"]) if r["decimals"] else None,
            r["form"], r["needed"], r["codes"], r["same"], int(r["seq"]), int(r["annex"]),
        )
        for r in rows("fields")
    )  # fmt: skip


@cache
def _changes() -> tuple[tuple[str, str, str, str, date], ...]:
    return tuple((r["table"], r["field"], r["attribute"], r["value"], date.fromisoformat(r["from"])) for r in rows("amendments"))


@cache
def _days() -> tuple[date, ...]:
    """The days on which something changes, for one answer a span of time."""
    return tuple(sorted({BEGINS, *(c[4] for c in _changes())}))


def fields(table: str, day: date, order: Order = "sender") -> tuple[Field, ...]:
    """The fields of a table ("XML0" to "XML15") in force on `day`, in the order of writing. Raises KeyError for another table."""
    if table not in TABLES:
        raise KeyError(table)
    since = max((d for d in _days() if d <= day), default=BEGINS)
    return _fields(table, since, order)


@cache
def _fields(table: str, since: date, order: Order) -> tuple[Field, ...]:
    found = [_as_of(f, since) for f in _base() if f.table == table]
    return tuple(sorted(found, key=lambda f: f.seq if order == "sender" else f.annex))


def _as_of(field: Field, day: date) -> Field:
    for table, name, attribute, value, since in _changes():
        if (table, name) == (field.table, field.name) and since <= day:
            known: str | int = int(value) if attribute in ("max", "decimals") else value
            field = replace(field, **{attribute: known})  # type: ignore[arg-type]
    return field


@lru_cache(512)
def named(table: str, day: date) -> Mapping[str, Field]:
    return {f.name: f for f in fields(table, day)}


@lru_cache(512)
def codes(name: str, day: date) -> Mapping[str, str]:
    """The codes of a list in force on `day`, with what they mean in Vietnamese; {} where none is known for that day."""
    return {
        r["code"]: r["vi"]
        for r in _codes()
        if r["codes"] == name and r["from"] <= day.isoformat() and (not r["until"] or day.isoformat() <= r["until"])
    }


@cache
def _codes() -> list[dict[str, str]]:
    return rows("codes")


@cache
def labels() -> Mapping[tuple[str, str], str]:
    """(table, field) -> what the field holds, in a few Vietnamese words of the decision's own."""
    return {(r["table"], r["field"]): r["vi"] for r in rows("labels")}


def holds(condition: str, row: Mapping[str, str]) -> bool:
    """Whether a condition of the tables holds of a row: `FIELD` (filled in), `!FIELD` (empty), `FIELD=a|b`, `FIELD!=a|b`; several
    with blanks between must all hold; "always" always, "" never."""
    if condition in ("", "always"):
        return bool(condition)
    return all(_part(part, row) for part in condition.split())


def _part(part: str, row: Mapping[str, str]) -> bool:
    if "!=" in part:
        name, _, values = part.partition("!=")
        return row.get(name, "") not in values.split("|")
    if "=" in part:
        name, _, values = part.partition("=")
        return row.get(name, "") in values.split("|")
    return not row.get(part[1:]) if part.startswith("!") else bool(row.get(part))
