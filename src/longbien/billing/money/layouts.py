"""Layouts of banks' CSV statements, as data (tables/layouts.csv)."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path

from longbien.wire.bank_statement import Columns

TABLES = Path(__file__).parent / "tables"


@cache
def layouts() -> dict[str, Columns]:
    with (TABLES / "layouts.csv").open(encoding="utf-8", newline="") as file:
        return {r["layout"]: _columns(r) for r in csv.DictReader(file)}


def _columns(r: dict[str, str]) -> Columns:
    given = {k: v for k, v in r.items() if k in Columns.__slots__ and v and k not in ("dates", "out")}
    if r["dates"]:
        return Columns(**given, dates=tuple(r["dates"].split("|")))
    return Columns(**given)


@cache
def titles(lang: str) -> tuple[tuple[str, str], ...]:
    """(layout, what it is called) in one language."""
    with (TABLES / "layouts.csv").open(encoding="utf-8", newline="") as file:
        return tuple((r["layout"], r["title_vi" if lang == "vi" else "title_en"]) for r in csv.DictReader(file))
