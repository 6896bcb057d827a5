"""Is a drug safe beside the others, in this kidney, in this pregnancy? Pure rules over typed inputs; texts by `w`.

Tables: tables/interactions.csv (384 pairs of ATC prefixes; its severe pairs compared with the ONC high-priority list, Phansalkar
et al., JAMIA 2012;19:735), tables/duplicate_classes.csv (therapeutic duplication by WHO ATC level 4, and wider groups). Kidney and
pregnancy: what the catalogue says of the drug (MedicationKnowledge drug-renal-rules, drug-pregnancy). All of general knowledge as
of 2026-11: a hospital's pharmacy must approve them before clinical use.

What interrupts is what the tables call contraindicated, and a major interaction the first time: a pair that this patient has been
given before is told quietly (fewer alerts, and those read). What is not known is said to be not checked."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

from ..base.department import Verdict
from ..base.words import Words, mark

TABLES = Path(__file__).parent / "tables"
INTERACTIONS, CLASSES, CATALOGUE = "interactions 2026-11", "duplicate_classes 2026-11", "drugs 2026-11"
Level = Literal["stop", "warn", "note"]
GRAVER: dict[Level, int] = {"note": 0, "warn": 1, "stop": 2}
MILDER: dict[Level, Level] = {"stop": "warn", "warn": "note", "note": "note"}
KIDNEY_OLD = timedelta(days=365)
"""An eGFR older than this says nothing of the kidney now."""
ADULT = 18
"""Under this age eGFR by CKD-EPI does not hold (KDIGO 2024), and the catalogue's bands are those of adults."""
FERTILE = range(12, 51)
NOT_SYSTEMIC = ("D", "S")
"""ATC groups of what is put on skin or into eye and ear: their codes meet no pair."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Drugs with one of the prefixes `a` against drugs with one of `b`. `mode`: interrupt, interrupt-once, passive; `until_days`:
    it is contraindicated only below this age in days (0: at any)."""

    id: str
    a: tuple[str, ...]
    b: tuple[str, ...]
    severity: str
    mode: str
    mechanism: tuple[str, str]  # (vi, en)
    management: tuple[str, str]
    until_days: int = 0


@dataclass(frozen=True, slots=True)
class Class:
    """Two drugs with one of the prefixes do the same."""

    atc: tuple[str, ...]
    name: tuple[str, str]
    level: Level
    note: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Drug:
    """A drug of a draft, or one that is taken. `facts`: of the catalogue (None: it does not know the drug)."""

    name: str
    atc: tuple[str, ...] = ()
    id: str = ""
    facts: Facts | None = None

    @property
    def systemic(self) -> tuple[str, ...]:
        return tuple(c for c in self.atc if not c.startswith(NOT_SYSTEMIC))


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when a drug of this ATC code was taken."""

    atc: str
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """What the catalogue says. `kidney`: (below this eGFR, what then), the lowest first; `pregnancy`: its code, "" not said."""

    kidney: tuple[tuple[float, str], ...] = ()
    pregnancy: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    """Of the patient. `age_days`, `years`: None where no birth date says. `egfr`: (ml/min/1.73 m2, when); `pregnant`: the condition
    that says so; `nursing`: likewise a birth or breast-feeding of the last year."""

    age_days: int | None = None
    years: int | None = None
    female: bool = False
    egfr: tuple[float, datetime] | None = None
    pregnant: str = ""
    nursing: bool = False


def _split(text: str) -> tuple[str, ...]:
    return tuple(x for x in text.split(";") if x)


def _rows(name: str) -> list[dict[str, str]]:
    with (TABLES / name).open(encoding="utf-8", newline="") as f:
        return list(csv.DictReader(f))


@cache
def pairs() -> tuple[Pair, ...]:
    return tuple(
        Pair(r["id"], _split(r["a_atc"]), _split(r["b_atc"]), r["severity"], r["mode"], (r["mechanism_vi"], r["mechanism_en"]),
             (r["management_vi"], r["management_en"]), int(r["until_days"] or 0))
        for r in _rows("interactions.csv")
    )  # fmt: skip


@cache
def classes() -> tuple[Class, ...]:
    return tuple(
        Class(_split(r["atc"]), (r["name_vi"], r["name_en"]),
              "stop" if r["action"] == "block" else "warn", (r["note_vi"], r["note_en"]))
        for r in _rows("duplicate_classes.csv")
    )  # fmt: skip


@lru_cache(4096)
def pairs_of(one: str, other: str) -> tuple[Pair, ...]:
    """The pairs that two ATC codes meet, either way round. One ingredient with itself is none."""
    if one == other:
        return ()
    return tuple(
        p for p in pairs()
        if (one.startswith(p.a) and other.startswith(p.b)) or (one.startswith(p.b) and other.startswith(p.a))
    )  # fmt: skip


@lru_cache(4096)
def classes_of(one: str, other: str) -> tuple[Class, ...]:
    """The classes that two different ATC codes share. The same drug twice is told by rules.duplicates."""
    return () if one == other else tuple(c for c in classes() if one.startswith(c.atc) and other.startswith(c.atc))


_BAND = re.compile(r"\s*eGFR\s*<\s*(\d+(?:[.,]\d+)?)\s*:\s*(.+)")


@lru_cache(1024)
def kidney(text: str) -> tuple[tuple[float, str], ...]:
    """`eGFR<45: giảm liều;eGFR<30: chống chỉ định` -> ((30, "chống chỉ định"), (45, "giảm liều")). Other words are left out."""
    found = [(float(m[1].replace(",", ".")), m[2].strip()) for part in text.split(";") if (m := _BAND.match(part))]
    return tuple(sorted(found))


def check(
    drafts: Sequence[Drug | None], taken: Iterable[Drug], before: Iterable[Span], body: Body, now: datetime, w: Words
) -> list[Verdict]:  # fmt: skip
    """`drafts`: None where a draft is no drug; `taken`: what the patient takes now; `before`: the courses of the last year,
    those that go on with them."""
    known, running = list(before), list(taken)
    out: list[Verdict] = []
    for n, draft in enumerate(drafts):
        if draft is None:
            continue
        others = [d for d in (*drafts[:n], *(t for t in running if t.id != draft.id or not t.id)) if d is not None]
        found = [*_kidney(n, draft, body, now, w), *_pregnancy(n, draft, body, w)]
        if draft.id and any(t.id == draft.id for t in running):  # signed already, and asked about at the bedside
            found = [replace(v, level=MILDER[v.level]) for v in found]
        out += [*_beside(n, draft, others, known, body, w), *found]
    return out + _unknown(drafts, running, body, w)


# ---- beside other drugs ------------------------------------------------------------------------------------------------


def _beside(n: int, draft: Drug, others: Sequence[Drug], known: Sequence[Span], body: Body, w: Words) -> list[Verdict]:
    out: list[Verdict] = []
    told: set[tuple[str, ...]] = set()
    for other in others:
        if not other.systemic or other.systemic in told:
            continue
        told.add(other.systemic)
        met = [(a, b) for a in draft.systemic for b in other.systemic]
        settled = any(together(a, b, known) for a, b in met)
        found = [x for a, b in met for x in pairs_of(a, b)]
        if found:
            worst = max(found, key=lambda p: GRAVER[_level(p, body)])
            out.append(_interaction(n, worst, other, settled, body, w))
        same = [c for a, b in met for c in classes_of(a, b)]
        if same and not (found and GRAVER[out[-1].level] == GRAVER["stop"]):
            out.append(_duplicate(n, max(same, key=lambda c: GRAVER[c.level]), other, settled, w))
    return out


def together(one: str, other: str, known: Sequence[Span]) -> bool:
    """Were the two taken at the same time before?"""
    ones, others = [x for x in known if x.atc == one], [x for x in known if x.atc == other]
    return any(x.begin <= y.end and y.begin <= x.end for x in ones for y in others)


def _level(p: Pair, body: Body) -> Level:
    if p.until_days and body.age_days is not None and body.age_days >= p.until_days:
        return "warn"
    levels: dict[str, Level] = {"interrupt": "stop", "interrupt-once": "stop"}
    return levels.get(p.mode, "note")


def _own(two: tuple[str, str], w: Words) -> str:
    return two[0] if w.lang == "vi" else two[1]


SEVERITY = {
    "contraindicated": mark("Contraindicated with %(name)s"),
    "major": mark("Serious interaction with %(name)s"),
    "moderate": mark("Interaction with %(name)s"),
}


def _interaction(n: int, p: Pair, other: Drug, settled: bool, body: Body, w: Words) -> Verdict:
    level = _level(p, body)
    said = SEVERITY["major" if p.severity == "contraindicated" and level != "stop" else p.severity]
    reason = " ".join(f"{_own(x, w)}." for x in (p.mechanism, p.management) if _own(x, w))
    if settled:
        level = MILDER[level] if p.mode == "interrupt" else "note"
    return Verdict(level, w(said, name=other.name), reason, f"{INTERACTIONS} {p.id}", n)


def _duplicate(n: int, c: Class, other: Drug, settled: bool, w: Words) -> Verdict:
    text = w("Same group as %(name)s: %(group)s", name=other.name, group=_own(c.name, w))
    return Verdict(MILDER[c.level] if settled else c.level, text, _own(c.note, w), CLASSES, n)


# ---- in this kidney, in this pregnancy ---------------------------------------------------------------------------------

FORBIDS = ("chống chỉ định", "không dùng")


def _kidney(n: int, draft: Drug, body: Body, now: datetime, w: Words) -> list[Verdict]:
    bands = draft.facts.kidney if draft.facts else ()
    if not bands:
        return []
    if body.years is not None and body.years < ADULT:
        return [Verdict("note", w("Kidney dose not checked: the rules are those of adults."), "", CATALOGUE, n)]
    if body.egfr is None or now - body.egfr[1] > KIDNEY_OLD:
        return [Verdict("note", w("Kidney dose not checked: no eGFR of the last year."), _bands(bands), CATALOGUE, n)]
    value, when = body.egfr
    met = next((b for b in bands if value < b[0]), None)
    if met is None:
        return []
    level: Level = "stop" if met[1].lower().startswith(FORBIDS) else "warn"
    text = w(
        "Kidney: eGFR %(value)s on %(when)s, below %(limit)s:", value=w.number(value, 0), when=w.date(when), limit=w.number(met[0])
    )
    return [Verdict(level, text, met[1], CATALOGUE, n)]


def _bands(bands: Sequence[tuple[float, str]]) -> str:
    return "; ".join(f"eGFR < {limit:g}: {text}" for limit, text in reversed(bands))


PREGNANCY: dict[str, tuple[Level, str]] = {
    "contraindicated": ("stop", mark("Pregnant: this drug is not to be used in pregnancy")),
    "avoid-t1": ("warn", mark("Pregnant: to be avoided in the first three months")),
    "avoid-from-20w": ("warn", mark("Pregnant: to be avoided from week 20 on, never in the last three months")),
    "avoid-near-term": ("warn", mark("Pregnant: to be avoided near term")),
    "caution": ("note", mark("Pregnant: only where the benefit outweighs the risk")),
}
"""Code of the catalogue -> what it means while pregnant; may-use says nothing. In which week the patient is, the rules do not
know."""


def _pregnancy(n: int, draft: Drug, body: Body, w: Words) -> list[Verdict]:
    code = draft.facts.pregnancy if draft.facts else ""
    if body.pregnant:
        if code in PREGNANCY:
            level, said = PREGNANCY[code]
            return [Verdict(level, w(said), body.pregnant, CATALOGUE, n)]
        if not code:
            return [Verdict("note", w("Pregnancy not checked: the catalogue does not say."), body.pregnant, CATALOGUE, n)]
    elif code == "contraindicated" and body.female and body.years in FERTILE:
        return [Verdict("note", w("Not to be used in pregnancy; none is recorded: ask."), "", CATALOGUE, n)]
    return []


# ---- what could not be looked at ---------------------------------------------------------------------------------------


def _unknown(drafts: Sequence[Drug | None], running: Sequence[Drug], body: Body, w: Words) -> list[Verdict]:
    out: list[Verdict] = []
    at = [n for n, d in enumerate(drafts) if d is not None]
    for n in at:
        draft = drafts[n]
        if draft is not None and not draft.atc:
            out.append(Verdict("note", w("Interactions not checked: this drug has no ATC code."), "", INTERACTIONS, n))
        if draft is not None and draft.facts is None:
            out.append(Verdict("note", w("Kidney dose and pregnancy not checked: not in the catalogue."), "", CATALOGUE, n))
    uncoded = list(dict.fromkeys(d.name for d in running if not d.atc and d.name))
    if at and uncoded:
        text = w("Not compared with %(what)s: without an ATC code.", what=", ".join(uncoded[:5]))
        out.append(Verdict("note", text, "", INTERACTIONS, at[0]))
    if at and body.nursing:
        out.append(Verdict("note", w("Breast-feeding is not checked: the catalogue says nothing of it."), "", CATALOGUE, at[0]))
    return out
