"""The table of numbers, kept true by every write of a ticket's Task, whoever makes it and through whichever door: this room's
pages, another department, FHIR. A number that a room has given on a day already is refused there, in the Task's own
transaction."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any, NamedTuple

from longbien.base import clock
from longbien.base.errors import Invalid
from longbien.base.ids import patient_key
from longbien.base.sql import queries
from longbien.base.words import parse_instant
from longbien.fhir import systems as s
from longbien.record.change import Guarded, Resource
from longbien.record.scope import Scope

from . import rules
from .shapes import TASKS, TICKET

Q = queries(__file__, "sql/queue.sql")
_VALUE = re.compile(r"(?P<place>[A-Za-z0-9\-.]{1,64})\.(?P<day>\d{4}-\d{2}-\d{2})\.(?P<letter>[A-Z])(?P<number>\d{1,5})", re.A)


class Row(NamedTuple):
    """A row of reception_ticket."""

    task: str
    place: str
    day: date
    letter: str
    number: int
    pat: int
    state: str
    turn: datetime
    came: datetime
    called: datetime | None
    ended: datetime | None


def is_ticket(task: Resource) -> bool:
    codings = (task.get("code") or {}).get("coding") or ()
    return any(c.get("system") == TASKS and c.get("code") == TICKET for c in codings)


def row_of(task: Resource) -> Row:
    """What the table holds of a ticket's Task. Raises Invalid for a Task that says it is a ticket and is none."""
    value = next((str(i.get("value")) for i in task.get("identifier") or () if i.get("system") == s.QUEUE_TICKET), "")
    found = _VALUE.fullmatch(value)
    whose = str((task.get("for") or {}).get("reference") or "").rpartition("Patient/")[2]
    state = rules.OF_TASK.get(str(task.get("status")), "left" if task.get("status") == "entered-in-error" else "")
    if not found or not whose or not state:
        text = "A queue ticket needs its number (room.day.B07), its patient, and a status of the queue's."
        raise Invalid(text, code="business-rule", status=422)
    came = _moment(task.get("authoredOn")) or clock.now()
    period = task.get("executionPeriod") or {}
    turn = _moment(((task.get("restriction") or {}).get("period") or {}).get("start"))
    try:
        day = date.fromisoformat(found["day"])
    except ValueError:
        raise Invalid("The ticket's day is no day.", code="value", status=422) from None
    return Row(
        str(task["id"]), found["place"], day, found["letter"], int(found["number"]), patient_key(whose), state, turn or came,
        came, _moment(period.get("start")), _moment(period.get("end")),
    )  # fmt: skip


def _moment(text: Any) -> datetime | None:
    try:
        return parse_instant(text) if isinstance(text, str) and text else None
    except ValueError:
        return None


async def guard(engine: Any, scope: Scope, change: Guarded, connection: Any) -> Resource | None:
    """Asked of every write of a Task. Raises Overtaken for a number that was given already, Invalid for a broken ticket."""
    task = change.resource
    if task is not None and is_ticket(task):
        await connection.execute(Q.put, *row_of({**task, "id": change.id}))
    return task


async def remember(store: Any, task: Resource) -> None:
    """The same after the fact, for tickets that were brought in without asking (an import)."""
    if is_ticket(task):
        await store.engine.db.execute(Q.put, *row_of(task))


def ticket(row: Any) -> rules.Ticket:
    """A row as the rules speak of it."""
    return rules.Ticket(
        row["task"], row["letter"], row["number"], row["state"], row["turn"], row["came"], row["called"], row["ended"], row["pat"]
    )
