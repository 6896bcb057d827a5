"""Phrases and templates of notes: those of the house by specialty, an account's own, and those that colleagues share.

They are about no patient, so they are no part of the record: a table of this room (migration 0130). A phrase is typed as a point
and its name (.tim) and becomes its text; a template fills the empty fields of a note."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ..base.db import Database, Row
from ..base.sql import queries
from ..base.words import mark
from .codes import TEXTS

Q = queries(__file__, "sql/clinic.sql")
TABLE = Path(__file__).parent / "tables" / "templates.csv"
NAME = re.compile(r"[\w][\w .,()-]{0,59}")
TRIGGER = re.compile(r"[\w]{1,30}")
MOST = 16_000
FIELDS = tuple(t[0] for t in TEXTS)


class Phrase(NamedTuple):
    """kind: phrase or template. key: what a page names it by. content: a text, or of a template its fields."""

    kind: str
    key: str
    name: str
    field: str
    content: Any
    own: bool = False
    shared: bool = False


@cache
def _house() -> tuple[tuple[str, Phrase], ...]:
    with TABLE.open(encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    return tuple(
        (
            r["specialty"],
            Phrase(
                r["kind"], f"h{n}", r["name"], r["field"], json.loads(r["content"]) if r["kind"] == "template" else r["content"]
            ),
        )
        for n, r in enumerate(rows)
    )


def of_house(department: str) -> list[Phrase]:
    """The house's, those of this department first (its id ends in the specialty's code: sn-tm)."""
    mine = department.rpartition("-")[2]
    return [p for _, p in sorted(_house(), key=lambda x: (x[0] != mine, x[0] != ""))]


def _read(row: Row) -> Phrase | None:
    try:
        content = json.loads(row["content"]) if row["kind"] == "template" else row["content"]
    except ValueError:
        return None
    return Phrase(row["kind"], f"o{row['number']}", row["name"], row["field"], content, row["own"], row["shared"])


async def listed(db: Database, account: int, organization: str, department: str) -> list[Phrase]:
    """Own ones, shared ones, the house's."""
    rows = await db.fetch(Q.phrases, account, organization)
    return [p for r in rows if (p := _read(r))] + of_house(department)


def wrong(kind: str, name: str, content: str | Mapping[str, str]) -> dict[str, str]:
    """What is wrong with a new one: field -> marked message."""
    errors = {}
    if kind == "phrase" and not TRIGGER.fullmatch(name):
        errors["name"] = mark("One short word of letters and digits, for example: tim")
    elif kind == "template" and not NAME.fullmatch(name):
        errors["name"] = mark("A name of 1 to 60 letters.")
    if not content or not any(content.values() if isinstance(content, Mapping) else content.strip()):
        errors["content"] = mark("Nothing is written yet.")
    elif len(json.dumps(content)) > MOST:
        errors["content"] = mark("It is too long.")
    return errors


async def add(
    db: Database, account: int, organization: str, kind: str, name: str, field: str, content: str | Mapping[str, str], shared: bool
) -> None:
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    await db.fetchval(Q.phrase_add, account, organization, kind, name, field if field in FIELDS else "", text, shared)


async def drop(db: Database, account: int, number: int) -> bool:
    """Whether it was one of this account's."""
    return await db.fetchval(Q.phrase_drop, number, account) is not None


def filled(texts: Mapping[str, str], template: Phrase) -> dict[str, str]:
    """The texts with a template's in the fields that are empty; what stands there stays, the template's follows it."""
    out = dict(texts)
    for key in FIELDS:
        new = str(template.content.get(key) or "").strip()
        old = out.get(key, "").strip()
        if new and new not in old:
            out[key] = f"{old}\n{new}" if old else new
    return out


async def used(db: Database, account: int, kind: str, count: int = 12) -> Sequence[Row]:
    """What this account writes most: rows of code, uses, content."""
    return await db.fetch(Q.used, account, kind, count)


async def note_use(db: Database, account: int, kind: str, written: Mapping[str, str]) -> None:
    """These were written once more: code -> how ("" for a diagnosis)."""
    if written:
        await db.execute(Q.use, account, kind, list(written), list(written.values()))
