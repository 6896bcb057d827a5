"""What is true of a queue: whose turn it is, how long it takes, what may happen to a number. Pure.

Who is seen first: law 15/2023/QH15 on examination and treatment, article 3: emergencies, children under 6, pregnant women, severe
and very severe disability, people from 75 years on, people of merit. Emergencies do not queue. Nobody else is starved: after two of
those ahead one of the others is called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from math import ceil
from statistics import median
from typing import NamedTuple

from ..base.words import mark
from ..web import turns
from ..web.turns import BOOKED, ORDINARY, PRIORITY

__all__ = ["BOOKED", "ORDINARY", "PRIORITY"]

RETURNING = 2
"""Behind how many one stands who comes back: from a test, or having missed the call."""
DEFAULT_PACE = timedelta(minutes=8)
SHORTEST, LONGEST = timedelta(minutes=2), timedelta(minutes=60)
MOST_CALLS = 15
"""The pace is that of the latest calls: a room that slows down says so within the hour."""
EARLY = timedelta(minutes=30)
"""Who comes to an appointment that much before it stands in line at once; who comes later than GRACE, as without one."""
GRACE = timedelta(minutes=30)


class Priority(NamedTuple):
    """Somebody whom the law puts first. code: in the Task; title: a marked message."""

    code: str
    title: str


PRIORITIES = (
    Priority("under-6", mark("Child under 6")),
    Priority("from-75", mark("From 75 years on")),
    Priority("pregnant", mark("Pregnant")),
    Priority("disability", mark("Severe disability")),
    Priority("merit", mark("Person of merit")),
)
BY_CODE = {p.code: p for p in PRIORITIES}


class State(NamedTuple):
    """A state of a ticket: `task` is the FHIR Task.status it is kept as (http://hl7.org/fhir/R4/valueset-task-status.html)."""

    code: str
    title: str
    task: str


STATES = {
    s.code: s
    for s in (
        State("waiting", mark("Waiting"), "requested"),
        State("called", mark("Called"), "received"),
        State("inside", mark("In the room"), "in-progress"),
        State("missed", mark("Missed the call"), "on-hold"),
        State("done", mark("Seen"), "completed"),
        State("left", mark("Left"), "cancelled"),
    )
}
OF_TASK = {s.task: s.code for s in STATES.values()}
MOVES: dict[str, tuple[frozenset[str], str]] = {
    "call": (frozenset({"waiting", "missed"}), "called"),
    "again": (frozenset({"called"}), "called"),
    "enter": (frozenset({"waiting", "called", "missed"}), "inside"),
    "miss": (frozenset({"called"}), "missed"),
    "back": (frozenset({"called", "missed", "inside", "done"}), "waiting"),
    "finish": (frozenset({"called", "inside"}), "done"),
    "leave": (frozenset({"waiting", "called", "missed"}), "left"),
    "move": (frozenset({"waiting", "called", "missed", "inside"}), "left"),
}
"""What may be done to a number: from which states, and what it is then."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """One number of one room and day. turn: where it stands among its own; came: when it was given (moments, aware)."""

    task: str
    letter: str
    number: int
    state: str
    turn: datetime
    came: datetime
    called: datetime | None = None
    ended: datetime | None = None
    pat: int = 0

    @property
    def label(self) -> str:
        return label(self.letter, self.number)

    @property
    def ahead(self) -> bool:
        return self.letter in (PRIORITY, BOOKED)


def label(letter: str, number: int) -> str:
    """As it is printed and called: B07, A112."""
    return f"{letter}{number:02d}"


def may(move: str, state: str) -> bool:
    """May this be done to a number in this state?"""
    return state in MOVES[move][0]


def age(birth: str, day: date) -> int | None:
    """Completed years on `day` as far as the birth date is known (of a year alone: as if born on its last day); None without."""
    parts = [int(p) for p in birth.split("-") if p.isdigit()]
    if not parts:
        return None
    month, of_month = (parts[1] if len(parts) > 1 else 12), (parts[2] if len(parts) > 2 else 31)
    return max(0, day.year - parts[0] - ((day.month, day.day) < (month, of_month)))


def priority_by_age(birth: str, day: date) -> str | None:
    """The priority that the age alone gives: children under 6, people who are 75 (15/2023/QH15, article 3)."""
    years = age(birth, day)
    if years is None:
        return None
    return "under-6" if years < 6 else "from-75" if years >= 75 else None


def letter(priority: str | None, booked: bool) -> str:
    """The series of a number: priority beats the appointment, as it never makes somebody wait longer."""
    return PRIORITY if priority else BOOKED if booked else ORDINARY


def turn(came: datetime, booked: datetime | None) -> datetime:
    """Where somebody stands: as of coming; with an appointment as of its time, if they came early enough for it."""
    if booked is None or came > booked + GRACE:
        return came
    return max(booked, came) if came < booked - EARLY else min(booked, came)


def line(waiting: Iterable[Ticket], recent: Sequence[str], now: datetime) -> list[Ticket]:
    """In which order the waiting will be called (web/turns.py). recent: letters of those called last, the newest first."""
    here = sorted(waiting, key=lambda t: (t.turn, t.came, t.number))
    return turns.line(here, recent, now, letter=lambda t: t.letter, turn=lambda t: t.turn)


def pace(calls: Sequence[tuple[datetime, datetime]], usual: timedelta | None = None) -> timedelta:
    """How long the room takes for one: the middle of the times between calls, of those who were waiting already when the one
    before was called (else the room was idle, not slow). calls: (came, called), any order. usual: what the room took on the days
    before; without either, eight minutes."""
    ordered = sorted(calls, key=lambda c: c[1])[-MOST_CALLS - 1 :]
    steps = [
        after[1] - before[1] for before, after in pairwise(ordered)
        if after[0] <= before[1] and after[1] > before[1]
    ]  # fmt: skip
    before = usual or DEFAULT_PACE
    if not steps:
        return before
    middle = timedelta(seconds=median(s.total_seconds() for s in steps))
    if len(steps) < 3:  # one long talk is not the room's pace yet
        middle = (middle * len(steps) + before * (3 - len(steps))) / 3
    return min(max(middle, SHORTEST), LONGEST)


def wait(position: int, each: timedelta, since_call: timedelta | None) -> int:
    """Minutes until the one at `position` (0: next) is called. since_call: how long ago the last was called who is still inside,
    None when the room is free."""
    rest = max(each - since_call, timedelta(0)) if since_call is not None else timedelta(0)
    return ceil((rest + each * position).total_seconds() / 60)


def back(ordered: Sequence[Ticket], returning: Ticket, now: datetime) -> datetime:
    """The turn of somebody who comes back: behind RETURNING of their own kind, never later than one who comes now."""
    same = [t for t in ordered if t.ahead == returning.ahead and t.task != returning.task]
    if not same:
        return now
    stand = same[min(RETURNING, len(same)) - 1].turn + timedelta(microseconds=1)
    return min(stand, now)
