"""What codes are called, in both languages: the record's own CodeSystems, kept in memory and read again when their version changes.

Diagnoses are found in the whole ICD-10 of the record by words in any order, with or without tones, by abbreviations or by code;
what hospitals here code most (codes/problems.csv) comes first. A record without that CodeSystem has only those, and says so."""

from __future__ import annotations

import asyncio
import csv
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import msgspec

from ..base import garbage
from ..base.fold import fold
from ..base.sql import queries
from ..base.words import toned
from ..fhir import systems as s
from ..record.store import Store
from ..record.types import number

Q = queries(__file__, "sql/terms.sql")
OURS = Path(__file__).parent / "codes" / "problems.csv"
REFRESH = 30.0
"""Seconds until it is asked again whether a code system has changed."""
NAMED = (
    s.ICD10_VN,
    s.LAB,
    s.VITAL,
    s.DRUG,
    s.IMAGING,
    s.SERVICE,
    s.DIET,
    s.NURSING,
    s.FLAG,
    s.NOTE_TYPE,
    s.ALLERGEN,
    s.VACCINE,
    s.STAFF_ROLE,
)
"""The systems whose names the pages show."""
NO_DIAGNOSIS = {"chapter", "group"}


class Tongue(str):
    """A language ("vi", "en") that knows what codes are called in it."""

    names: Mapping[tuple[str, str], str]

    def __new__(cls, lang: str, names: Mapping[tuple[str, str], str]) -> Tongue:
        made = super().__new__(cls, lang)
        made.names = names
        return made


_NO_NAMES: Mapping[tuple[str, str], str] = {}


class Term(NamedTuple):
    """A diagnosis. `system`: the code system it is written with. `keys`: everything it is found by, folded, between spaces."""

    code: str
    vi: str
    en: str
    keys: str
    common: bool
    system: str = s.ICD10

    def name(self, lang: str) -> str:
        return self.vi if lang == "vi" else (self.en or self.vi)


class _Designation(msgspec.Struct, gc=False):
    value: str = ""
    language: str = ""


class _Property(msgspec.Struct, gc=False):
    code: str = ""
    valueString: str = ""  # noqa: N815 - the standard's name


class Concept(msgspec.Struct, gc=False):
    """One concept of a CodeSystem, as far as the pages need it."""

    code: str
    display: str = ""
    designation: list[_Designation] = []
    property: list[_Property] = []
    concept: list[Concept] = []

    def english(self) -> str:
        return next((d.value for d in self.designation if d.language.startswith("en")), "")

    def kind(self) -> str:
        return next((p.valueString for p in self.property if p.code == "kind"), "")


class CodeSystem(msgspec.Struct, gc=False):
    url: str = ""
    language: str = ""
    concept: list[Concept] = []


_read = msgspec.json.Decoder(CodeSystem).decode


def flat(concepts: Iterable[Concept]) -> list[Concept]:
    """A hierarchy's concepts in one list, parents before children."""
    found: list[Concept] = []
    waiting = list(concepts)[::-1]
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting += one.concept[::-1]
    return found


def _keys(code: str, vi: str, en: str, aliases: str = "") -> str:
    return f" {fold(code)} {fold(vi)} {fold(en)} {aliases} "


class Common(NamedTuple):
    vi: str
    en: str
    aliases: str


@cache
def common() -> dict[str, Common]:
    """code -> what hospitals here code most, with the abbreviations that staff use."""
    with OURS.open(encoding="utf-8", newline="") as f:
        rows = list(csv.DictReader(f))
    return {r["code"]: Common(r["vi"], r["en"], (r["aliases"] or "").replace(";", " ")) for r in rows}


@cache
def built_in() -> tuple[Term, ...]:
    return tuple(Term(code, c.vi, c.en, _keys(code, c.vi, c.en, c.aliases), True) for code, c in common().items())


def diagnoses(concepts: Iterable[Concept]) -> tuple[Term, ...]:
    """The terms of an ICD-10 code system; its chapters and groups are no diagnoses. About 0.2 s for 12,000."""
    found = []
    for c in concepts:
        if c.kind() in NO_DIAGNOSIS or "-" in c.code:
            continue
        known, en = common().get(c.code), c.english()
        aliases = f"{known.aliases} {fold(known.vi)}" if known else ""
        found.append(Term(c.code, c.display, en, _keys(c.code, c.display, en, aliases), known is not None, s.ICD10_VN))
    return tuple(found)


class Terms:
    """The code systems of the record, in one process."""

    def __init__(self) -> None:
        self._versions: dict[str, int] = {}
        self._asked = float("-inf")
        self._lock = asyncio.Lock()
        self._english: dict[tuple[str, str], str] = _world(built_in())
        self.icd10: tuple[Term, ...] = built_in()
        self.by_code: dict[str, Term] = {t.code: t for t in built_in()}
        self.whole = False
        """Is the record's own ICD-10 there?"""

    def tongue(self, lang: str) -> Tongue:
        """`lang` with the names of codes in it. Resources carry Vietnamese; English comes from the designations."""
        return Tongue(lang, self._english if lang == "en" else _NO_NAMES)

    @property
    def due(self) -> bool:
        """Is it time to ask whether a code system has changed?"""
        return time.monotonic() - self._asked > REFRESH

    async def fresh(self, store: Store) -> Terms:
        """Itself, read again with a reader's store where a code system has changed."""
        if self.due:
            async with self._lock:
                if self.due:
                    await self._look(store)
                    self._asked = time.monotonic()
        return self

    async def _look(self, store: Store) -> None:
        rows = await store.engine.db.fetch(Q.versions, number("CodeSystem"))
        versions = {r["id"]: r["ver"] for r in rows}
        if versions == self._versions:
            return
        page = await store.search("CodeSystem", [("url", ",".join(NAMED)), ("_count", "50")])
        bodies = [e.body for e in page.entries]
        self._english, icd10 = await asyncio.to_thread(_digest, bodies)
        self.whole = bool(icd10)
        self.icd10 = icd10 or built_in()
        self.by_code = {t.code: t for t in self.icd10}
        self._versions = versions
        garbage.settle(garbage.SERVING)  # thousands of terms that stay: not to be walked again with every collection

    def find(self, text: str, limit: int = 12) -> list[Term]:
        return find(self.icd10, text, limit)


def _world(terms: Iterable[Term]) -> dict[tuple[str, str], str]:
    """The same diagnoses by WHO's own system: records from elsewhere are written with it, with a display in either language."""
    return {(s.ICD10, t.code): t.en for t in terms if t.en}


def _digest(bodies: Sequence[bytes]) -> tuple[dict[tuple[str, str], str], tuple[Term, ...]]:
    english: dict[tuple[str, str], str] = {}
    icd10: tuple[Term, ...] = ()
    for body in bodies:
        try:
            read = _read(body)
        except msgspec.ValidationError:
            continue  # imported unchecked and not of the standard's shape: its names are not shown
        concepts = flat(read.concept)
        for c in concepts:
            if name := (c.english() or (c.display if read.language.startswith("en") else "")):
                english[read.url, c.code] = name
        if read.url == s.ICD10_VN:
            icd10 = diagnoses(concepts)
    return {**_world(icd10 or built_in()), **english}, icd10


def find(terms: Sequence[Term], text: str, limit: int = 12) -> list[Term]:
    """The terms that hold every word of `text` as the beginning of one of theirs: exact codes, then common ones, then exact tones
    and short ones first."""
    words = fold(text).split()[:8]
    if not words:
        return []
    starts = [f" {w}" for w in words]
    found = [t for t in terms if all(w in t.keys for w in starts)]
    tones = toned(text)
    whole = " ".join(words)
    marked = tones != whole

    def rank(t: Term) -> tuple[bool | int | str, ...]:
        code = t.code.lower()
        return (
            code != words[0],
            not code.startswith(words[0]),
            not t.common,
            marked and tones not in toned(t.vi),
            f" {whole}" not in t.keys,
            len(t.vi),
            t.code,
        )

    return sorted(found, key=rank)[:limit]
