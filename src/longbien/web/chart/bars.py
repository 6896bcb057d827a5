"""Drugs as bars: every prescription of one drug on one row, the same dose joined, a change of dose a new bar, a stop a red
edge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .axis import Axis
from .record import DrugOrder

#: A refill that comes within this time continues the bar: people collect late, the course goes on.
REFILL = timedelta(days=45)
#: A finished prescription that never said how long it was for is drawn this long.
UNKNOWN = timedelta(days=30)
STOPPED = ("stopped", "cancelled", "entered-in-error")


@dataclass(frozen=True, slots=True)
class Course:
    """One dose without interruption: from `start` to `end` (None = goes on)."""

    dose: str
    start: datetime
    end: datetime | None
    stopped: bool
    place: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    left: float
    width: float
    text: str
    title: str
    look: str  # css classes: old, new, stop, strong


@dataclass(frozen=True, slots=True)
class DrugRow:
    name: str
    key: str
    now: str  # the dose that runs, or "" when none does
    stopped: bool
    last: datetime
    courses: tuple[Course, ...]

    @property
    def active(self) -> bool:
        return bool(self.courses) and self.courses[-1].end is None


def rows(orders: Sequence[DrugOrder], now: datetime) -> list[DrugRow]:
    """Rows of all drugs: running ones first (newest change first), then the stopped, latest first."""
    by: dict[str, list[DrugOrder]] = {}
    for o in orders:
        if o.status != "entered-in-error":
            by.setdefault(o.key, []).append(o)
    out = [_row(key, sorted(group, key=lambda o: o.start), now) for key, group in by.items()]
    return sorted(out, key=lambda r: (not r.active, -r.last.timestamp(), r.name))


def _end(o: DrugOrder, following: datetime | None, now: datetime) -> datetime | None:
    """When a prescription stopped running. Active without an end: it goes on. Finished without an end: until the next of
    the same drug, at most UNKNOWN."""
    if o.status == "active" and (o.end is None or o.end > now):
        return None
    if o.end is not None:
        return max(o.end, o.start)
    guess = o.start + UNKNOWN
    return min(guess, following, now) if following else min(guess, now)


def _row(key: str, group: list[DrugOrder], now: datetime) -> DrugRow:
    made: list[tuple[Course, list[str]]] = []  # the ids beside: one drug may be prescribed hundreds of times
    for i, o in enumerate(group):
        following = group[i + 1].start if i + 1 < len(group) else None
        end = _end(o, following, now)
        if following and (end is None or end > following) and group[i + 1].dose != o.dose and group[i + 1].status == "active":
            end = following  # a new dose of the same drug takes the place of the old one
        last = made[-1][0] if made else None
        stop = o.status in STOPPED
        if last and last.dose == o.dose and not last.stopped and (last.end is None or o.start - last.end <= REFILL):
            longer = None if last.end is None or end is None else max(last.end, end)
            made[-1][1].append(o.id)
            made[-1] = Course(o.dose, last.start, longer, stop, o.place, ()), made[-1][1]
        else:
            made.append((Course(o.dose, o.start, end, stop, o.place, ()), [o.id]))
    courses = [replace(c, ids=tuple(ids)) for c, ids in made]
    courses.sort(key=lambda c: (c.end is None, c.end or now))
    tail = courses[-1]
    return DrugRow(
        group[-1].name,
        key,
        tail.dose if tail.end is None else "",
        tail.stopped,
        max(c.start if c.end is None else c.end for c in courses),
        tuple(courses),
    )


def draw(row: DrugRow, axis: Axis, stay: datetime | None) -> list[Bar]:
    """The bars of a row that lie on the axis."""
    out = []
    for c in sorted(row.courses, key=lambda c: c.start):
        end = c.end or axis.now
        if end < axis.start:
            continue
        left = axis.x(c.start)
        width = round(max(axis.x(end) - left, 0.4), 2)
        looks = []
        if c.stopped and c.end is not None:
            looks.append("stop")
        if axis.look and c.start > axis.look:
            looks.append("new")
        elif stay and end <= stay:
            looks.append("old")
        out.append(Bar(left, width, c.dose if width > 2.2 else "", c.dose, " ".join(looks)))
    return out
