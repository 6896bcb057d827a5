"""The doctor's list: the outpatients of today at this facility, in the order of the queue, each with where they are now."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from ..base import clock
from ..base.ids import key64
from ..base.sql import queries
from ..record.scope import Scope
from ..record.types import number
from ..web import desk, turns
from ..web.chart.record import code_of, concept, first, moment, reference_id
from ..web.desk import scoped
from ..web.page import Call
from ..web.pages.today import _post as own_post
from . import codes
from .readings import of_today

Q = queries(__file__, "sql/clinic.sql")
_decode = msgspec.json.Decoder().decode
KINDS = frozenset({"AMB", "EMER", "VR"})
_TICKET = key64(f"Task.code|{codes.TASK}|{codes.TICKET}")
WAITING = frozenset({"arrived", "triaged"})
NEVER = datetime(1, 1, 1, tzinfo=UTC)
LINE_EVERY = 600.0
"""Seconds within which a list that keeps itself up to date leaves one line for each of its persons, not one at every look."""
ORDER = ("called", "in", "results", "asked", "waiting", "missed", "booked", "done")
_CATEGORIES = ("108252007", "363679005", "laboratory", "imaging", "LAB", "RAD")


@dataclass(slots=True)
class Row:
    """One visit. state: one of ORDER. ticket: as it is called (A012), "" without one. turn: where it stands among those who wait.
    asked, answered: what was ordered in it, and how much of that has come."""

    encounter: str
    patient: str
    pat: int
    name: str
    age: str
    time: datetime
    reason: str
    status: str
    place: str
    location: str
    mine: bool
    state: str = ""
    ticket: str = ""
    turn: datetime = NEVER
    stands: int = 0
    called: datetime | None = None
    asked: int = 0
    answered: int = 0
    since: datetime | None = None
    pending: list[str] = field(default_factory=list)


_lines: dict[tuple[int, int], float] = {}


def _unlined(scope: Scope, pats: Sequence[int]) -> bool:
    """Is there somebody on this list of whom no line was left lately for this reader?"""
    now = time.monotonic()
    if len(_lines) > 50_000:
        _lines.clear()
    new = [p for p in pats if _lines.get((scope.actor, p), -LINE_EVERY) + LINE_EVERY < now]
    for p in new:
        _lines[scope.actor, p] = now
    return bool(new)


async def read(call: Call, whose: str = "mine", audited: bool = True, *, strict: bool = False) -> list[Row]:
    """Today's outpatients: of the reader and their department ("mine"), of one room (a Location's id), or all ("all"). Where
    none are "mine" all are shown, but for `strict`: who calls the next calls nobody else's."""
    scope = call.scope("today's outpatients of the facility")
    start = clock.local(call.now).replace(hour=0, minute=0, second=0, microsecond=0)
    found = [
        x for x in await desk.visits(call.engine, scope, start, call.lang)
        if x[1].kind in KINDS and of_today(x[1], call.now)
    ]  # fmt: skip
    mine = [x for x in found if _attends(x[2], call.actor.practitioner)]
    if whose == "mine":
        rooms = {location(x[2])[0] for x in mine} - {""}
        department = (await own_post(call)).department
        own = {x[1].id for x in mine}
        ours = [
            x for x in found
            if x[1].id in own or location(x[2])[0] in rooms or (department and concept(x[2].get("serviceType")) == department)
        ]  # fmt: skip
        found = ours if strict else ours or found
    elif whose != "all":
        found = [x for x in found if location(x[2])[0] == whose]
    pats = list({x[0] for x in found})
    by_itself = call.request.headers.get("x-by-itself") == "1"
    people = await desk.people(call.engine, scope, pats, audited=_unlined(scope, pats) or (audited and not by_itself))
    rows = [_row(call, x, people[x[0]][0]) for x in found if x[0] in people]
    await _tickets(call, scope, rows, start)
    await _asked(call, scope, rows, start)
    return sorted(rows, key=lambda r: (ORDER.index(r.state), r.stands, r.turn, r.time))


def location(encounter: Mapping[str, Any]) -> tuple[str, str]:
    """(id, name) of the room of a visit; ("", "") where none is named."""
    found = [x for x in encounter.get("location") or () if x.get("status") != "completed"]
    one = (found[-1] if found else {}).get("location") or {}
    return reference_id(one), str(one.get("display") or "")


def _attends(encounter: Mapping[str, Any], practitioner: str | None) -> bool:
    return practitioner is not None and any(
        reference_id(p.get("individual")) == practitioner for p in encounter.get("participant") or ()
    )


def _row(call: Call, cared: desk.Cared, person: Any) -> Row:
    pat, visit, e, _ = cared
    w, today = call.w, clock.local(call.now).date()
    years = w.age(person.birth, today).removesuffix(" " + w("%(n)s y", n="").strip())
    where = location(e)
    state = {"arrived": "waiting", "triaged": "waiting", "in-progress": "in", "onleave": "in", "finished": "done"}.get(
        visit.status, "booked"
    )
    since = moment(((e.get("statusHistory") or [{}])[-1].get("period") or {}).get("end")) or visit.start
    return Row(
        visit.id, person.id, pat, person.name, " ".join(x for x in (w.sex(person.sex).lower(), years) if x), visit.start,
        concept(e.get("reasonCode"), call.lang) or visit.title, visit.status, where[1], where[0],
        _attends(e, call.actor.practitioner), state, turn=visit.start, since=since,
    )  # fmt: skip


async def _tickets(call: Call, scope: Scope, rows: Sequence[Row], start: datetime) -> None:
    """Numbers and their states, where reception gives them; a missed call stands behind those who wait."""
    if not rows:
        return
    if not scope.may_read("Task"):
        for n, row in enumerate(line([r for r in rows if r.state == "waiting"], (), call.now)):
            row.stands = n
        return
    sql, args = scoped(scope, Q.tickets, list({r.pat for r in rows}), number("Task"), start, _TICKET)
    found = await call.engine.db.fetch(sql, *args, search=True)
    tasks = [_decode(b) for b in await call.engine.unpack_all([r["body"] for r in found])]
    by = {reference_id(t.get("encounter")): t for t in tasks if t.get("status") not in ("cancelled", "entered-in-error")}
    for row in rows:
        if (task := by.get(row.encounter)) is None:
            continue
        row.ticket = str(task.get("description") or "")
        if row.state == "waiting":
            row.state = {"received": "called", "on-hold": "missed"}.get(str(task.get("status")), "waiting")
        turn = moment(first(task, "restriction", "period", "start")) or moment(task.get("authoredOn"))
        row.turn = turn or row.turn
        row.called = moment(first(task, "executionPeriod", "start"))
    for n, row in enumerate(line([r for r in rows if r.state == "waiting"], _recent(rows), call.now)):
        row.stands = n


def _recent(rows: Sequence[Row]) -> list[str]:
    """Letters of the numbers called last, the newest first."""
    called = sorted((r for r in rows if r.called and r.ticket), key=lambda r: r.called or r.time, reverse=True)
    return [r.ticket[:1] for r in called]


def line(waiting: Sequence[Row], recent: Sequence[str], now: datetime) -> list[Row]:
    """In which order those who wait are called: by the rule of the reception's own queue (web/turns.py)."""
    here = sorted(waiting, key=lambda r: (r.turn, r.time))
    return turns.line(here, recent, now, letter=lambda r: r.ticket[:1], turn=lambda r: r.turn)


async def _asked(call: Call, scope: Scope, rows: Sequence[Row], start: datetime) -> None:
    """Of those in the room: what was ordered and how much of it is there; so it shows who waits for results and whose are ready."""
    inside = {r.encounter: r for r in rows if r.state == "in"}
    if not inside or not scope.may_read("ServiceRequest") or not scope.may_read("DiagnosticReport"):
        return
    types = [number("ServiceRequest"), number("DiagnosticReport")]
    sql, args = scoped(scope, Q.asked, [r.pat for r in inside.values()], types, start - timedelta(hours=1))
    found = await call.engine.db.fetch(sql, *args, search=True)
    bodies = [_decode(b) for b in await call.engine.unpack_all([x["body"] for x in found])]
    answered = {reference_id(b) for x in bodies if x["resourceType"] == "DiagnosticReport" for b in x.get("basedOn") or ()}
    for x in bodies:
        row = inside.get(reference_id(x.get("encounter")))
        if row is None or x["resourceType"] != "ServiceRequest" or x.get("status") not in ("active", "completed"):
            continue
        if code_of(x.get("category")) not in _CATEGORIES:
            continue
        row.asked += 1
        if x.get("status") == "completed" or x.get("id") in answered:
            row.answered += 1
        else:
            row.pending.append(concept(x.get("code"), call.lang) or str(first(x, "code", "text") or ""))
    for row in inside.values():
        if row.asked:
            row.state = "results" if row.answered == row.asked else "asked"


def waiting(rows: Sequence[Row]) -> list[Row]:
    """Who may be called, the next first: those who wait in their turn, then those who missed their call."""
    return [r for r in rows if r.state == "waiting"] + [r for r in rows if r.state == "missed"]


async def pulse(call: Call) -> str:
    """A mark that changes when a visit of today at this facility does."""
    scope = call.scope("has today's list changed")
    if scope.org is None:
        return ""
    start = clock.local(call.now).replace(hour=0, minute=0, second=0, microsecond=0)
    sql, args = scoped(scope, Q.pulse, scope.org, start, start + timedelta(days=1), number("Encounter"))
    row = await call.engine.db.fetchrow(sql, *args)
    return f"{row['n']} {row['at']}" if row else ""
