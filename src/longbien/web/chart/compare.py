"""Two stays or visits of one patient side by side: diagnoses, drugs, key results. Pure.

What belongs to an episode: the diagnoses made in it; the drugs that were taken at some time of it; the values of its days (an
outpatient visit has the whole day: results come back after the patient has left)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...base.clock import local
from ...base.words import Words
from . import measures
from .model import LAB_ORDER, measured, merged
from .record import DrugOrder, Life, Note, Problem, Visit
from .since import Measured

NEVER = frozenset({"cancelled", "entered-in-error", "draft"})


@dataclass(frozen=True, slots=True)
class Side:
    """One value of one measure in an episode: `text` the last one, `flag` its css classes, `course` the first one where there were
    several ("151 → 142, 6 values")."""

    text: str
    flag: str = ""
    course: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    name: str
    unit: str
    left: Side | None
    right: Side | None
    change: str = ""  # of the last values, right minus left


@dataclass(frozen=True, slots=True)
class Same:
    """A diagnosis or a drug in either episode. `mark`: "both", "changed", "left" or "right" (only there)."""

    name: str
    left: str
    right: str
    mark: str


@dataclass(frozen=True, slots=True)
class Episode:
    visit: Visit
    begin: datetime
    end: datetime
    length: timedelta | None  # None: goes on
    papers: tuple[Note, ...]
    pictures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    left: Episode
    right: Episode
    diagnoses: list[Same]
    drugs: list[Same]
    results: list[Result]


def choose(visits: Sequence[Visit], left: str, right: str) -> tuple[Visit, Visit] | None:
    """The two that are meant; what is not said is the latest and, before it, the next of its kind (a stay with a stay), the earlier
    one left. None: there are no two. An id that is none of this patient's counts as not said."""
    known = sorted(visits, key=lambda v: v.start, reverse=True)
    if len(known) < 2:
        return None
    by = {v.id: v for v in known}
    one = by.get(right) or next((v for v in known if v.inpatient and v.id != left), None) or next(v for v in known if v.id != left)
    other = by.get(left) if left != one.id else None
    other = other or _before(known, one)
    return (other, one) if other.start <= one.start else (one, other)


def _before(known: Sequence[Visit], one: Visit) -> Visit:
    """The next earlier one of its kind; else the next earlier one that is not its own beginning (the emergency room an hour before
    the ward); else the neighbour."""
    rest = [v for v in known if v.id != one.id]
    alike = [v for v in rest if v.inpatient == one.inpatient and v.start <= one.start]
    earlier = [v for v in rest if (v.end or v.start) <= one.start - timedelta(days=1)]
    return next(iter(alike or earlier or rest))


def compare(
    life: Life, left: Visit, right: Visit, named: Mapping[str, Sequence[str]], w: Words, now: datetime
) -> Comparison:  # fmt: skip
    """`named`: visit -> ids of the Conditions that the visit itself names, the main one first."""
    sides = (_episode(life, left, now), _episode(life, right, now))
    return Comparison(*sides, _diagnoses(life, sides, named), _drugs(life, sides), _results(life, sides, w, now))


def _episode(life: Life, visit: Visit, now: datetime) -> Episode:
    begin, end = visit.start, visit.end or (now if visit.open or visit.inpatient else visit.start)
    if not visit.inpatient:
        begin = local(begin).replace(hour=0, minute=0, second=0, microsecond=0)
        end = max(end, begin + timedelta(days=1) - timedelta(seconds=1))
    papers = sorted((n for n in life.notes if begin <= n.time <= end), key=lambda n: n.time, reverse=True)
    pictures = [i.title or i.modality for i in sorted(life.images, key=lambda i: i.time) if begin <= i.time <= end]
    ended = visit.end - visit.start if visit.end else None
    return Episode(visit, begin, end, ended, tuple(papers[:6]), tuple(dict.fromkeys(pictures)))


def _diagnoses(life: Life, sides: tuple[Episode, Episode], named: Mapping[str, Sequence[str]]) -> list[Same]:
    by = {p.id: p for p in life.problems}
    found: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for n, side in enumerate(sides):
        ids = [*named.get(side.visit.id, ()), *(p.id for p in life.problems if p.visit == side.visit.id)]
        for problem in (by[i] for i in dict.fromkeys(ids) if i in by):
            key = problem.code or problem.name
            names.setdefault(key, problem.name)
            found.setdefault(key, ["", ""])[n] = _coded(problem)
    return [_same(names[k], a, b) for k, (a, b) in found.items()]


def _coded(p: Problem) -> str:
    return p.code or "✓"


def _same(name: str, left: str, right: str) -> Same:
    mark = "left" if not right else "right" if not left else "both" if left == right else "changed"
    return Same(name, left, right, mark)


def _drugs(life: Life, sides: tuple[Episode, Episode]) -> list[Same]:
    """By drug: the last dose of each episode. What both have first, then what changed, came or went."""
    doses: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for n, side in enumerate(sides):
        for order in sorted((d for d in life.drugs if _taken(d, side)), key=lambda d: d.start):
            names[order.key] = order.name
            doses.setdefault(order.key, ["", ""])[n] = order.dose or "✓"
    rank = {"changed": 0, "right": 1, "left": 2, "both": 3}
    return sorted((_same(names[k], a, b) for k, (a, b) in doses.items()), key=lambda s: (rank[s.mark], s.name))


def _taken(order: DrugOrder, side: Episode) -> bool:
    return order.status not in NEVER and order.start <= side.end and (order.end is None or order.end >= side.begin)


def _results(life: Life, sides: tuple[Episode, Episode], w: Words, now: datetime) -> list[Result]:
    """Every measure that either has: what changes a dose first, vital signs last."""
    series = [s for s in merged(life.series) if s.code != measures.DIASTOLIC]
    below = next((s for s in merged(life.series) if s.code == measures.DIASTOLIC), None)
    diastolic = dict(zip(below.times, below.values, strict=True)) if below else {}
    order = {c: i for i, c in enumerate(LAB_ORDER)}
    rows = []
    for s in series:
        m = measured(s, life, now, w)
        pair = s.code == measures.SYSTOLIC
        left, right = (_side(m, side, w, diastolic if pair else None) for side in sides)
        if left is None and right is None:
            continue
        name = w("Blood pressure") if pair else m.name
        change = "" if pair else _change(m, sides, w)
        rank = (m.vital or pair, order.get(s.code, 99), not (left and right), name)
        rows.append((rank, Result(name, m.series.unit, left, right, change)))
    return [r for _, r in sorted(rows, key=lambda x: x[0])]


def _within(m: Measured, side: Episode) -> list[int]:
    return [i for i, t in enumerate(m.series.times) if side.begin <= t <= side.end]


def _side(m: Measured, side: Episode, w: Words, diastolic: Mapping[datetime, float] | None) -> Side | None:
    at = _within(m, side)
    if not at:
        return None

    def said(i: int) -> str:
        text = w.number(m.series.values[i], m.decimals)
        low = (diastolic or {}).get(m.series.times[i])
        return text if diastolic is None else f"{text}/{w.number(low, 0) if low is not None else '–'}"

    css = {"": "", "up": "flag", "dn": "flag lo", "cr up": "flag crit", "cr dn": "flag crit lo"}
    flag = css[m.limits.flag(m.series.values[at[-1]])]
    course = w("%(first)s at first, %(n)s values", first=said(at[0]), n=w.number(len(at))) if len(at) > 1 else ""
    return Side(said(at[-1]), flag, course)


def _change(m: Measured, sides: tuple[Episode, Episode], w: Words) -> str:
    first, last = (_within(m, side) for side in sides)
    if not first or not last:
        return ""
    step = round(m.series.values[last[-1]] - m.series.values[first[-1]], m.decimals if m.decimals is not None else 6)
    return w.signed(step, m.decimals) if step else "="
