"""Phrases that a specialty writes often, offered beside the long fields. Data: tables/phrases.csv (form, field, both languages;
"*" is every form; usual: a normal finding). Pure but reading its own table."""

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
        return tuple((r["form"], r["field"], r["vi"], r["usual"]) for r in csv.DictReader(file))


def of(form: Form) -> Mapping[str, Sequence[str]]:
    """linkId -> phrases, the form's own before those of every form. A record is written in Vietnamese: both languages of the page
    get the Vietnamese phrase."""
    return _found(form, usual=False)


def usual(form: Form) -> Mapping[str, str]:
    """linkId -> what a normal finding reads like; only of examinations: a plan or a reason is never filled in of itself."""
    return {link: texts[0] for link, texts in _found(form, usual=True).items()}


def _found(form: Form, usual: bool) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for whose in (form.id, "*"):
        for form_id, link, vi, normal in _rows():
            if form_id == whose and form.item(link) is not None and (normal or not usual):
                out.setdefault(link, []).append(vi)
    return out
