"""Diagnoses by Vietnamese words: ICD-10 codes found from words in any order, with or without tones, abbreviations, or a code.

The list is codes/problems.csv (what hospitals here code most); a full national list, one CSV with the columns code, vi, en and
optionally aliases, may be given with LONGBIEN_ICD10."""

from __future__ import annotations

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ..base.config import Settings, setting
from ..base.fold import fold
from ..base.words import toned

OURS = Path(__file__).parent / "codes" / "problems.csv"


class TermSettings(Settings):
    icd10: Path | None = setting(
        "LONGBIEN_ICD10", None, "A CSV file with all ICD-10 codes (columns code, vi, en); the common ones are built in."
    )


class Term(NamedTuple):
    code: str
    vi: str
    en: str
    keys: str  # everything it is found by, folded, with a space at both ends
    common: bool

    def name(self, lang: str) -> str:
        return self.vi if lang == "vi" else (self.en or self.vi)


def _read(path: Path, common: bool) -> list[Term]:
    out = []
    with path.open(encoding="utf-8-sig", newline="") as f:
        for row in csv.DictReader(f):
            vi, en = row.get("vi") or row.get("name_vi") or "", row.get("en") or row.get("name_en") or ""
            keys = " ".join((fold(row["code"]), fold(vi), fold(en), (row.get("aliases") or "").replace(";", " ")))
            out.append(Term(row["code"], vi, en, f" {keys} ", common))
    return out


@cache
def table(more: Path | None = None) -> dict[str, Term]:
    """code -> Term; the common ones win."""
    found = {t.code: t for t in (_read(more, False) if more else ())}
    found.update({t.code: t for t in _read(OURS, True)})
    return found


def find(text: str, *, more: Path | None = None, limit: int = 12) -> list[Term]:
    """The terms that hold every word of `text` as the beginning of one of theirs: exact codes, then exact tones, then common and
    short ones first."""
    words = fold(text).split()[:8]
    if not words:
        return []
    found = [t for t in table(more).values() if all(f" {w}" in t.keys for w in words)]
    tones = toned(text)
    whole = " ".join(words)

    def rank(t: Term) -> tuple[bool, bool, bool, bool, bool, int, str]:
        code = t.code.lower()
        return (
            code != words[0],
            not code.startswith(words[0]),
            tones not in toned(t.vi),
            f" {whole}" not in t.keys,
            not t.common,
            len(t.vi),
            t.code,
        )

    return sorted(found, key=rank)[:limit]
