"""Finding a person as people search: words of the name in any order, with or without tones, year of birth, a number of theirs; a
typing slip in a word is forgiven when nothing fits as written. Ranked: exact tones first.

Statements are built here for 1 to 6 words; every value is bound."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from longbien.base.fold import fold
from longbien.base.ids import key64
from longbien.base.sql import queries

from . import trail
from .engine import Engine
from .scope import Scope
from .search.keys import param_key
from .types import number

Q = queries(__file__, "sql/people.sql")
TOP = "\U0010ffff"
MOST_WORDS = 6
CANDIDATES = 200
REFRESH = 600.0
"""Seconds that the vocabulary of names is kept."""


class Question(NamedTuple):
    """words: as typed. year: a year of birth. numbers: identifiers and phones, as they are stored (letters and digits only)."""

    words: tuple[str, ...]
    year: int | None
    born: tuple[datetime, datetime] | None
    numbers: tuple[str, ...]


class Person(NamedTuple):
    rid: int
    pat: int
    version: int
    body: bytes


def read(text: str) -> Question:
    """What somebody typed. A number of four digits from 1890 to 2099 is a year, dd/mm/yyyy a birth date, eight characters or more
    with mostly digits a number, the rest words of the name."""
    words: list[str] = []
    numbers: list[str] = []
    year: int | None = None
    born: tuple[datetime, datetime] | None = None
    cleaned = re.sub(r"(?<=\d)[ .\-](?=\d{3,4}\b)", "", text.replace("\0", "")[:200])
    for part in re.split(r"[\s,;]+", cleaned):
        day = re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", part)
        if day:
            try:
                start = datetime(int(day[3]), int(day[2]), int(day[1]), tzinfo=UTC)
            except ValueError:
                continue
            born, year = (start, start), start.year
        elif re.fullmatch(r"(18[9]|19\d|20\d)\d", part):
            year = int(part)
        elif sum(c.isdigit() for c in part) >= 8:
            number_ = re.sub(r"[^0-9A-Za-z]", "", part).upper()
            numbers.append("0" + number_[2:] if part.startswith("+84") else number_)
        elif fold(part):
            words.append(part)
    return Question(tuple(words[:MOST_WORDS]), year, born, tuple(numbers[:3]))


def spellings(word: str) -> list[str]:
    """The ways a word may be written with capitals, for exact keys: as typed and with a capital first."""
    return list(dict.fromkeys((word, word.capitalize(), word[:1].upper() + word[1:])))


def _statement(scope: Scope, q: Question, alternatives: Sequence[Sequence[str]]) -> tuple[str, list[Any]]:
    """One condition for every word: the planner begins with the rarest. `alternatives`: for each word the folded beginnings that
    may stand for it."""
    args: list[Any] = []

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    p = bind(param_key("Patient.name"))
    type_ = bind(number("Patient"))
    conditions = [f"h.type = {type_}", "NOT h.deleted", scope.where("h.pat", "h.type", bind)]
    for n, beginnings in enumerate(alternatives):
        ranges = " OR ".join(f"(s{n}.norm >= {bind(b)} AND s{n}.norm < {bind(b + TOP)})" for b in beginnings)
        conditions.append(f"h.rid IN (SELECT s{n}.rid FROM str s{n} WHERE s{n}.p = {p} AND ({ranges}))")
    if q.year is not None:
        low = datetime(q.year, 1, 1, tzinfo=UTC)
        conditions.append(f"h.dlo < {bind(datetime(q.year + 1, 1, 1, tzinfo=UTC))} AND h.dhi > {bind(low)}")
    exact = [key64(f"Patient.name!{s}") for w in q.words for s in spellings(w)]
    sql = (
        "SELECT h.rid, (SELECT count(*) FROM unnest(h.terms) t WHERE t = ANY(" + bind(exact) + "::int8[])) AS exact"
        " FROM head h WHERE " + " AND ".join(conditions) + f" ORDER BY exact DESC, h.rid DESC LIMIT {CANDIDATES + 1}"
    )
    return sql, args


async def find(engine: Engine, scope: Scope, q: Question, near: Nearby | None = None) -> tuple[list[Person], bool]:
    """(people, whether there are more than CANDIDATES), unranked beyond exact words first. One trail line for each person found
    and shown is the caller's (`shown`)."""
    rids: list[int] = []
    if q.numbers:
        keys = [key64(f"Patient.{p}={n}") for n in q.numbers for p in ("identifier", "telecom", "phone")]
        sql, args = _with_scope(scope, Q.by_terms, keys, number("Patient"), CANDIDATES + 1)
        rids = [r["rid"] for r in await engine.db.fetch(sql, *args, search=True)]
    elif q.words:
        sql, args = _statement(scope, q, [[fold(w)] for w in q.words])
        rids = [r["rid"] for r in await engine.db.fetch(sql, *args, search=True)]
        if not rids and near is not None:
            guesses = [await near.words(engine, fold(w)) for w in q.words]
            if all(guesses) and any(g != [fold(w)] for g, w in zip(guesses, q.words, strict=True)):
                sql, args = _statement(scope, q, guesses)
                rids = [r["rid"] for r in await engine.db.fetch(sql, *args, search=True)]
    rows = {r["rid"]: r for r in await engine.db.fetch(Q.show, rids[:CANDIDATES])} if rids else {}
    ordered = [rows[r] for r in rids[:CANDIDATES] if r in rows]
    bodies = await engine.unpack_all([r["body"] for r in ordered])
    return [Person(r["rid"], r["pat"], r["ver"], b) for r, b in zip(ordered, bodies, strict=True)], len(rids) > CANDIDATES


async def shown(engine: Engine, scope: Scope, people: Iterable[Person]) -> None:
    """Put in the trail whom a search showed; durable when this returns."""
    lines = [trail.line(scope, "search", pat=p.pat, rid=p.rid, ver=p.version, type=number("Patient")) for p in people]
    await engine.trail.write(lines or [trail.line(scope, "search", type=number("Patient"), n=0)])


def _with_scope(scope: Scope, sql: str, *values: Any) -> tuple[str, list[Any]]:
    args = list(values)

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    return sql.replace("{allowed}", scope.where("h.pat", "h.type", bind)), args


def one_slip(a: str, b: str) -> bool:
    """Are two words equal but for one letter more, less, other, or two neighbours swapped?"""
    if abs(len(a) - len(b)) > 1:
        return False
    i = 0
    while i < min(len(a), len(b)) and a[i] == b[i]:
        i += 1
    rest_a, rest_b = a[i:], b[i:]
    return rest_a[1:] == rest_b or rest_a == rest_b[1:] or rest_a[1:] == rest_b[1:] or (
        rest_a[:2] == rest_b[1::-1] and rest_a[2:] == rest_b[2:]
    )  # fmt: skip


class Nearby:
    """The words that names are made of, to find what a mistyped one may have meant. One per process."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._read = float("-inf")

    async def words(self, engine: Engine, word: str) -> list[str]:
        """Known words within one slip of `word` (itself, when it begins any), at most 12."""
        if time.monotonic() - self._read > REFRESH:
            rows = await engine.db.fetch(Q.vocabulary, param_key("Patient.name"), search=True)
            self._words, self._read = [r["word"] for r in rows], time.monotonic()
        if any(w.startswith(word) for w in self._words):
            return [word]
        return [w for w in self._words if len(w) > 1 and one_slip(word, w)][:12]
