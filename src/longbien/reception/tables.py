"""The reception's tables, read once. What each is and whose: tables/README.md."""

from __future__ import annotations

import csv
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent / "tables"


class Ward(NamedTuple):
    """A ward, commune or special zone since 1 July 2025; `province` is a code of `provinces`."""

    code: str
    name: str
    province: str


class Line(NamedTuple):
    """Why a visit is covered, and which share of the card's own rate is paid, in per cent."""

    code: str
    vi: str
    en: str
    percent: int

    def name(self, lang: str) -> str:
        return self.vi if lang == "vi" else self.en


class InsuranceObject(NamedTuple):
    """The two letters of a card: `level` 1 to 5 and `percent` as is usual for it, None where that differs."""

    code: str
    name: str
    level: int | None
    percent: int | None


def _rows(name: str) -> list[dict[str, str]]:
    with (HERE / f"{name}.csv").open(encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


@cache
def wards() -> dict[str, Ward]:
    return {r["code"]: Ward(r["code"], r["name"], r["province"]) for r in _rows("wards")}


@cache
def provinces() -> dict[str, str]:
    return {r["code"]: r["name"] for r in _rows("provinces")}


@cache
def old_wards() -> tuple[tuple[str, str, bool], ...]:
    """(name of an old ward of Hanoi, code of the new one, whether all of it went there)."""
    return tuple((r["old"], r["ward"], r["share"] == "whole") for r in _rows("old_wards_hanoi"))


@cache
def objects() -> dict[str, InsuranceObject]:
    def number(text: str) -> int | None:
        return int(text) if text.isdigit() else None

    return {
        r["code"]: InsuranceObject(r["code"], r["name"], number(r["level"]), number(r["percent"]))
        for r in _rows("insurance_objects")
    }


@cache
def ethnic_groups() -> dict[str, str]:
    return {r["code"]: r["name"] for r in _rows("ethnic_groups")}


@cache
def occupations() -> dict[str, str]:
    return {r["code"]: r["name"] for r in _rows("occupations")}


@cache
def lines(day: date) -> dict[str, Line]:
    """The lines as they hold on `day`, by code, in the decision's order."""
    here = day.isoformat()
    return {
        r["code"]: Line(r["code"], r["vi"], r["en"], int(r["percent"]))
        for r in _rows("insurance_lines")
        if r["from"] <= here and (not r["until"] or here <= r["until"])
    }
