"""How full the rooms are, from the table of numbers: who waits, how long it takes, whose turn it is. No record is opened for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Any, NamedTuple

from ..record.engine import Engine
from . import actions, rules, tickets
from .rules import Ticket
from .shapes import Room
from .tickets import Q


class Queue(NamedTuple):
    """One room now. line: who waits, in order; each: the room's pace; waits: minutes until each of the line is called; minutes:
    until somebody who comes now would be."""

    room: Room
    line: list[Ticket]
    called: list[Ticket]
    inside: list[Ticket]
    missed: list[Ticket]
    done: list[Ticket]
    each: timedelta
    waits: list[int]
    minutes: int

    def wait_of(self, task: str) -> int | None:
        return next((m for t, m in zip(self.line, self.waits, strict=True) if t.task == task), None)

    def before(self, task: str) -> int | None:
        """How many go before this one."""
        return next((n for n, t in enumerate(self.line) if t.task == task), None)


async def queues(engine: Engine, rooms: Sequence[Room], now: datetime) -> dict[str, Queue]:
    """By the room's id."""
    day, ids = actions.today(now), [r.id for r in rooms]
    rows: dict[str, list[Ticket]] = defaultdict(list)
    for row in await engine.db.fetch(Q.of_rooms, ids, day):
        rows[row["place"]].append(tickets.ticket(row))
    usual = _usual(await engine.db.fetch(Q.before, ids, day))
    return {r.id: queue(r, rows[r.id], usual.get(r.id), now) for r in rooms}


def _usual(rows: Sequence[Any]) -> dict[str, timedelta]:
    """What the rooms took on the days before: the middle of their days."""
    days: dict[tuple[str, Any], list[tuple[datetime, datetime]]] = defaultdict(list)
    for row in rows:
        days[row["place"], row["day"]].append((row["came"], row["called"]))
    of: dict[str, list[float]] = defaultdict(list)
    for (place, _), calls in days.items():
        if len(calls) >= 5:
            of[place].append(rules.pace(calls).total_seconds())
    return {place: timedelta(seconds=median(found)) for place, found in of.items()}


def queue(room: Room, rows: Sequence[Ticket], usual: timedelta | None, now: datetime) -> Queue:
    each = rules.pace([(t.came, t.called) for t in rows if t.called is not None], usual)
    by: dict[str, list[Ticket]] = defaultdict(list)
    for t in rows:
        by[t.state].append(t)
    for state in ("called", "inside"):
        by[state].sort(key=lambda t: t.called or t.came, reverse=True)
    line = actions.order(rows, now)
    busy = max((t.called for t in (*by["called"], *by["inside"]) if t.called), default=None)
    since = now - busy if busy is not None else None
    waits = [rules.wait(n, each, since) for n in range(len(line))]
    return Queue(room, line, by["called"], by["inside"], by["missed"], by["done"], each, waits, rules.wait(len(line), each, since))
