"""The rules as dated data: tables/rules.csv. A hospital's own list replaces the rows marked as examples.

code; kind: what checks it (checks.CHECKS); level: stop | warn | note; when: order (asked before signing, and again when the visit
is over) or closed (when it is over); params: key=value with commas between values; vi, en: the reason, with %(values)s."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal, cast

TABLE = Path(__file__).parent / "tables" / "rules.csv"
Level = Literal["stop", "warn", "note"]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row. example: it stands for a list that was not at hand. begins, ends: days, both included; ends None: none."""

    code: str
    kind: str
    level: Level
    when: str
    params: Mapping[str, tuple[str, ...]]
    vi: str
    en: str
    source_vi: str
    source: str
    sure: str
    example: bool
    begins: date
    ends: date | None

    def many(self, key: str) -> tuple[str, ...]:
        return self.params.get(key, ())

    def number(self, key: str, default: int = 0) -> int:
        return int(self.params[key][0]) if key in self.params else default

    def runs(self, day: date) -> bool:
        return self.begins <= day and (self.ends is None or day <= self.ends)

    def text(self, lang: str) -> str:
        return self.vi if lang == "vi" else self.en

    def said_by(self, lang: str) -> str:
        """The source in the reader's language."""
        return self.source_vi if lang == "vi" else self.source


def _rule(row: Mapping[str, str]) -> Rule:
    pairs = (p.partition("=") for p in row["params"].split())
    return Rule(
        row["code"], row["kind"], cast(Level, row["level"]), row["when"], {k: tuple(v.split(",")) for k, _, v in pairs}, row["vi"],
        row["en"], row["source_vi"], row["source"], row["sure"], row["example"] == "1", date.fromisoformat(row["from"]),
        date.fromisoformat(row["to"]) if row["to"] else None,
    )  # fmt: skip


@cache
def table() -> tuple[Rule, ...]:
    with TABLE.open(encoding="utf-8", newline="") as f:
        return tuple(_rule(row) for row in csv.DictReader(f))


@cache
def by_code() -> Mapping[str, Rule]:
    return {r.code: r for r in table()}


@cache
def running(day: date, when: str | None = None) -> tuple[Rule, ...]:
    """The rules in force that day; `when`: of this moment alone."""
    return tuple(r for r in table() if r.runs(day) and when in (None, r.when))
