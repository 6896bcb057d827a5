"""Phrases that a specialty writes often, offered beside the long fields. Data: tables/phrases.csv (form, field, both languages);
"*" is every form. Pure but reading its own table."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from .tree import Form


@cache
def _rows() -> tuple[tuple[str, str, str, str], ...]:
    path = Path(__file__).parent / "tables" / "phrases.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return tuple((r["form"], r["field"], r["vi"], r["en"]) for r in csv.DictReader(file))


def of(form: Form, lang: str) -> Mapping[str, Sequence[str]]:
    """linkId -> phrases, the form's own before those of every form. A record is written in Vietnamese: both languages of the page
    get the Vietnamese phrase."""
    out: dict[str, list[str]] = {}
    for whose in (form.id, "*"):
        for form_id, link, vi, _ in _rows():
            if form_id == whose and form.item(link) is not None:
                out.setdefault(link, []).append(vi)
    return out
