"""Finding a person as people search: words of the name in any order, with or without tones, year of birth, a number of theirs; a
typing slip in a word is forgiven when nothing fits as written. Ranked: exact tones first.

Asked of the read model `person` (0002), which the commit of a Patient writes (`rows`) and `rebuild` makes anew from the bodies.
No word of Vietnamese is longer than seven letters; of longer ones the first eight count."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice, product
from typing import Any, NamedTuple

from longbien.base.fold import fold
from longbien.base.ids import key64
from longbien.base.sql import queries
from longbien.base.words import toned
from longbien.fhir import json

from . import trail
from .engine import Engine
from .scope import RowSQL, Scope
from .search.keys import param_key
from .types import number

Q = queries(__file__, "sql/people.sql")
TOP = "\U0010ffff"
MOST_WORDS = 6
CANDIDATES = 200
MOST_GUESSES = 12
LONGEST = 8
"""Letters of a word's beginning that are kept; longer words are told apart by the caller's ranking."""
REFRESH = 600.0
"""Seconds that the vocabulary of names is kept."""


class Question(NamedTuple):
    """words: as typed. year: a year of birth. numbers: identifiers and phones, as they are stored (letters and digits only)."""

    words: tuple[str, ...]
    year: int | None
    born: tuple[datetime, datetime] | None
    numbers: tuple[str, ...]


class Person(NamedTuple):
    """twin: somebody else has the same name and birth date."""

    rid: int
    pat: int
    version: int
    body: bytes
    twin: bool = False


class Seen(NamedTuple):
    """open: the scope opens the record. when, where: the last encounter's beginning and facility (its name, or reference)."""

    open: bool
    when: datetime | None
    where: str | None


class Rows(NamedTuple):
    """What the read model keeps of Patients: rows of `person` and `person_number`."""

    people: list[tuple[int, int, int, list[str]]]
    numbers: list[tuple[str, int]]


def replaced_by(patient: Mapping[str, Any]) -> str:
    """The id of the record that stands instead of this one (Patient.link), "" where this one stands."""
    for link in patient.get("link") or ():
        if link.get("type") == "replaced-by":
            return str((link.get("other") or {}).get("reference") or "").rpartition("Patient/")[2]
    return ""


def rows(patients: Iterable[tuple[int, int, dict[str, Any]]]) -> Rows:
    """Of (rid, pat, resource). Pure. A record that another one stands for (Patient.link replaced-by) is nobody to be found: who
    stands has its names and numbers."""
    found = Rows([], [])
    for rid, pat, resource in patients:
        if any(isinstance(x, dict) and x.get("type") == "replaced-by" for x in resource.get("link") or ()):
            continue
        names = [n for n in resource.get("name") or () if isinstance(n, dict)]
        texts = [_full(n) for n in names]
        terms: dict[str, None] = {}
        for text in texts:
            for word in fold(text).split():
                terms |= dict.fromkeys(word[:n] for n in range(1, min(len(word), LONGEST) + 1))
            terms |= dict.fromkeys("=" + word for word in toned(text).split())
        birth = str(resource.get("birthDate") or "")
        if birth:
            terms |= dict.fromkeys((f"y{birth[:4]}", f"d{birth}"))
        same = key64(" ".join(sorted(fold(texts[0]).split() if texts else [])) + "|" + (birth or str(rid)))
        found.people.append((rid, pat, same, list(terms)))
        found.numbers.extend((n[::-1], rid) for n in _numbers(resource))
    return found


def _full(name: dict[str, Any]) -> str:
    parts = [name.get("text"), name.get("family"), *(name.get("given") or ())]
    return " ".join(p for p in parts if isinstance(p, str))


def _numbers(resource: dict[str, Any]) -> list[str]:
    """Identifiers and telephones as they are asked for: letters and digits only, +84 as 0."""
    listed = [*(resource.get("identifier") or ()), *(t for t in resource.get("telecom") or () if t.get("system") != "email")]
    values = [v["value"] for v in listed if isinstance(v, dict) and isinstance(v.get("value"), str)]
    return list(dict.fromkeys(n for v in values if (n := _bare(v))))


def _bare(text: str) -> str:
    letters = re.sub(r"[^0-9A-Za-z]", "", text).upper()[:64]
    return "0" + letters[2:] if text.startswith("+84") else letters


PUT = "record_people({}::bigint[], {}::person[], {}::person_number[])"


async def rebuild(engine: Engine) -> int:
    """Make the read model anew from the bodies; gives how many people. May run while the house works."""
    last, count = 0, 0
    while True:
        found = await engine.db.fetch(Q.patients, number("Patient"), last, 1000)
        if not found:
            return count
        bodies = await engine.unpack_all([r["body"] for r in found])
        made = rows((r["rid"], r["pat"], json.loads(b)) for r, b in zip(found, bodies, strict=True))
        await engine.db.execute("SELECT " + PUT.format("$1", "$2", "$3"), [r["rid"] for r in found], made.people, made.numbers)
        last, count = found[-1]["rid"], count + len(found)


def read(text: str) -> Question:
    """What somebody typed. A number of four digits from 1890 to 2099 is a year, dd/mm/yyyy a birth date, four digits or
    more a number or its last digits, the rest words of the name."""
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
        elif sum(c.isdigit() for c in part) >= 4:
            numbers.append(_bare(part))
        elif fold(part):
            words.append(part)
    return Question(tuple(words[:MOST_WORDS]), year, born, tuple(numbers[:3]))


def _terms(q: Question, beginnings: Sequence[str]) -> list[str]:
    return [*beginnings, *([f"y{q.year}"] if q.year is not None and q.born is None else [])]


def _born(day: datetime) -> list[str]:
    """A birth date matches itself, and the month or the year of those of whom no more is known."""
    return [f"d{day:%Y-%m-%d}", f"d{day:%Y-%m}", f"d{day:%Y}"]


async def _by_words(engine: Engine, scope: Scope, q: Question, terms: list[str]) -> list[int]:
    if q.born is not None:
        sql, args = _with_scope(scope, Q.born, terms, _born(q.born[0]), CANDIDATES + 1)
    else:
        sql, args = _with_scope(scope, Q.by_terms, terms, CANDIDATES + 1)
    return [r["rid"] for r in await engine.db.fetch(sql, *args, search=True)]


async def _named(engine: Engine, scope: Scope, q: Question, near: Nearby | None) -> list[int]:
    """With just these tones first, then however toned and however much of each word, then with a slip of the pen."""
    rids: list[int] = []
    if q.words:
        rids = await _by_words(engine, scope, q, _terms(q, ["=" + toned(w) for w in q.words]))
    if len(rids) <= CANDIDATES:
        folded = [fold(w)[:LONGEST] for w in q.words]
        rids = list(dict.fromkeys(rids + await _by_words(engine, scope, q, _terms(q, folded))))
    if rids or near is None or not q.words:
        return rids
    guesses = [await near.words(engine, fold(w)) for w in q.words]
    if not all(guesses) or all(g == [fold(w)] for g, w in zip(guesses, q.words, strict=True)):
        return []
    for chosen in islice(product(*guesses), MOST_GUESSES):
        rids += await _by_words(engine, scope, q, _terms(q, [w[:LONGEST] for w in chosen]))
        if len(rids) > CANDIDATES:
            break
    return list(dict.fromkeys(rids))


async def _numbered(engine: Engine, scope: Scope, q: Question) -> list[int]:
    """Whose number is this, or ends like this; the words of the question must fit too."""
    rids: list[int] = []
    for number_ in q.numbers:
        rev = number_[::-1]
        sql, args = _with_scope(scope, Q.by_numbers, rev, rev + TOP, [fold(w)[:LONGEST] for w in q.words], CANDIDATES + 1)
        rids += [r["rid"] for r in await engine.db.fetch(sql, *args, search=True)]
    return list(dict.fromkeys(rids))


async def find(engine: Engine, scope: Scope, q: Question, near: Nearby | None = None) -> tuple[list[Person], bool]:
    """(people, whether there are more than CANDIDATES), unranked beyond exact words first. One trail line for each person found
    and shown is the caller's (`shown`)."""
    rids: list[int] = []
    if q.numbers:
        rids = await _numbered(engine, scope, q)
    elif q.words or q.born is not None:
        rids = await _named(engine, scope, q, near)
    rows = {r["rid"]: r for r in await engine.db.fetch(Q.show, rids[:CANDIDATES])} if rids else {}
    ordered = [rows[r] for r in rids[:CANDIDATES] if r in rows]
    bodies = await engine.unpack_all([r["body"] for r in ordered])
    found = [Person(r["rid"], r["pat"], r["ver"], b, r["twin"]) for r, b in zip(ordered, bodies, strict=True)]
    return found, len(rids) > CANDIDATES


async def last_seen(engine: Engine, scope: Scope, pats: Sequence[int]) -> dict[int, Seen]:
    """For those found: whether `scope` opens their record, and if so when and where they last were."""
    values: list[Any] = [list(pats), number("Encounter")]

    def bind(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    sql = Q.seen.replace("{open}", scope.where(RowSQL("q.pat", f"{number('Encounter')}::smallint"), bind))
    sql = sql.replace("{allowed}", scope.where(RowSQL.of("h"), bind))
    rows = await engine.db.fetch(sql, *values)
    found = {r["pat"]: Seen(bool(r["open"]), None, None) for r in rows}
    visits = [r for r in rows if r["body"]]
    for r, body in zip(visits, await engine.unpack_all([r["body"] for r in visits]), strict=True):
        provider = json.loads(body).get("serviceProvider") or {}
        when = r["dlo"] if r["dlo"].tzinfo else None
        found[r["pat"]] = Seen(True, when, provider.get("display") or provider.get("reference"))
    return found


async def shown(engine: Engine, scope: Scope, people: Iterable[Person]) -> None:
    """Put in the trail whom a search showed; durable when this returns."""
    lines = [trail.line(scope, "search", pat=p.pat, rid=p.rid, ver=p.version, type=number("Patient")) for p in people]
    await engine.trail.write(lines or [trail.line(scope, "search", type=number("Patient"), n=0)])


def _with_scope(scope: Scope, sql: str, *values: Any) -> tuple[str, list[Any]]:
    args = list(values)

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    return sql.replace("{allowed}", scope.where(RowSQL("p.pat", f"{number('Patient')}::smallint", "p.rid"), bind)), args


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
