"""What the reception does: receive somebody who was here before, register somebody new, move numbers through a queue. Each act is
one transaction: the visit and its number, or neither.

Two desks at once: whoever wants the next number of a room waits for the other (a lock on room and day); whoever registers the same
citizen's number waits too, and is then shown the one who was first (SamePerson)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ..base import clock
from ..base.errors import Conflict, NotFound, PreconditionFailed
from ..base.ids import key64, patient_key
from ..fhir import json
from ..fhir import systems as s
from ..record import conditional
from ..record.change import Change, Create, Manner, Update
from ..record.inside import inside, lock
from ..record.store import Store
from . import registering, rules, shapes, tickets
from .cover import Cover
from .rooms import Facility
from .shapes import Author, Resource, Room
from .tickets import Q


class SamePerson(Conflict):
    """Somebody has this number already: `patient` is the id of the one who was first."""

    def __init__(self, patient: str):
        super().__init__("A patient with this number is in the record already.", code="duplicate")
        self.patient = patient


class InLine(Conflict):
    """The patient has a number of this room today that is not over: `task`."""

    def __init__(self, task: str):
        super().__init__("This patient has a number of this room already.", code="duplicate")
        self.task = task


class Moved(Conflict):
    """The number is not where it was thought to be any more: somebody else was first."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody comes for. once: the form's token, so that sending it twice gives one number. cover: the card to be written
    into the record with the visit (new or renewed), None where nothing changed; coverage: the id of the Coverage of this visit.
    booked: when the appointment is."""

    once: str
    room: Room
    priority: str | None = None
    needs: tuple[str, ...] = ()
    reason: str = ""
    kind: str = "AMB"
    cover: Cover | None = None
    coverage: str = ""
    line: str | None = None
    appointment: str = ""
    booked: datetime | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """A number that was given. `patient`, `encounter`, `task`: ids."""

    patient: str
    encounter: str
    task: str
    label: str


def today(now: datetime) -> date:
    """The day of the queues: of Hanoi's wall clock, so that a number after midnight begins the new day."""
    return clock.local(now).date()


async def receive(
    store: Store, who: Author, place: Facility, patient: str, wanted: Wanted, now: datetime, *, also: Sequence[Change] = ()
) -> Given:
    """A patient of the record arrives: visit, number, and the insurance card where it says something new. Raises InLine (a number
    of this room is running), NotFound (the record is not open), Conflict. also: what is learned on the way (a number, a
    telephone)."""
    async with inside(store) as within:
        again = await _twice(within, wanted.once)
        if again is not None:
            return again
        await _no_second(within, patient, wanted.room, now)
        changes = [*also, *await _arrival(within, who, place, patient, wanted, now)]
        await within.commit(changes)
        return _given(changes, patient)


async def register(
    store: Store,
    finding: Store,
    who: Author,
    place: Facility,
    patient: Resource,
    others: Sequence[Resource],
    wanted: Wanted | None,
    now: datetime,
    *,
    temporary: str = "",
) -> Given:
    """Somebody whom the record does not know: the Patient, who cares for them, and with `wanted` the visit and its number.
    `finding`: to look in the whole city for the same number. temporary: a kind of number of the house's own that is given too
    (registering.KINDS). Raises SamePerson (with who was first), Conflict."""
    numbers = [i for i in patient.get("identifier") or () if i.get("system") and i.get("value") and i.get("use") != "old"]
    async with inside(store) as within:
        if wanted is not None and (again := await _twice(within, wanted.once)) is not None:
            return again
        conditions = [[("identifier", f"{i['system']}|{i['value']}")] for i in numbers]
        await lock(within, [conditional.key("Patient", c) for c in conditions])
        await _nobody_yet(Store(within.engine, finding.scope), conditions)
        if not any(i.get("system") == s.PATIENT_NUMBER for i in patient.get("identifier") or ()):
            number = await _count(within, f"patient/{place.id}")
            made: Resource = {"use": "usual", "system": s.PATIENT_NUMBER, "value": f"{place.mark}{number:07d}"}
            made["type"] = {"coding": [{"system": s.IDENTIFIER_TYPE, "code": "MR"}], "text": "Mã người bệnh"}
            patient = {**patient, "identifier": [*(patient.get("identifier") or ()), made]}
        if temporary:
            day = today(now)
            n = await _count(within, f"{temporary}/{place.id}/{day:%y%m%d}")
            made = registering.temporary(temporary, place.mark, day, n)
            patient = {**patient, "identifier": [made, *(patient.get("identifier") or ())]}
        patient = {**patient, "managingOrganization": {"reference": f"Organization/{place.id}", "display": place.name}}
        changes: list[Change] = [Create(patient, id=patient["id"]), *(Create(x, id=x["id"]) for x in others)]
        if wanted is not None:
            changes += await _arrival(within, who, place, patient["id"], wanted, now)
        await within.commit(changes)
        return _given(changes, patient["id"])


async def _count(within: Store, series: str) -> int:
    return int(await within.engine.db.fetchval(Q.count, series))


async def _nobody_yet(city: Store, conditions: Sequence[list[tuple[str, str]]]) -> None:
    for condition in conditions:
        for found in await conditional.matches(city, "Patient", condition):
            raise SamePerson(found)


async def _twice(within: Store, once: str) -> Given | None:
    """The same form sent again: what it gave the first time."""
    row = await within.engine.db.fetchrow(Q.one, once)
    if row is None:
        return None
    task = json.loads((await within.read("Task", once)).body)
    return _of_task(task)


def _of_task(task: Resource) -> Given:
    return Given(
        _id(task.get("for")), _id(task.get("focus") or task.get("encounter")), str(task["id"]), str(task.get("description") or "")
    )


def _id(reference: Any) -> str:
    return str((reference or {}).get("reference") or "").rpartition("/")[2]


def _given(changes: Sequence[Change], patient: str) -> Given:
    for c in changes:
        if isinstance(c, Create) and c.resource["resourceType"] == "Task":
            return _of_task({**c.resource, "id": c.id})
    visit = next((c.id or "" for c in changes if isinstance(c, Create) and c.resource["resourceType"] == "Encounter"), "")
    return Given(patient, visit, "", "")


async def _no_second(within: Store, patient: str, room: Room, now: datetime) -> None:
    rows = await within.engine.db.fetch(Q.of_patient, patient_key(patient), today(now))
    for row in rows:
        if row["place"] == room.id and row["state"] in ("waiting", "called", "inside", "missed"):
            raise InLine(row["task"])


async def _label(within: Store, room: Room, letter: str, day: date) -> str:
    """The next number of a room's series; whoever else wants one waits until this is done."""
    await lock(within, [key64(f"queue/{room.id}/{day}")])
    last = await within.engine.db.fetchval(Q.given, room.id, day, letter)
    return rules.label(letter, int(last) + 1)


async def _arrival(within: Store, who: Author, place: Facility, patient: str, wanted: Wanted, now: datetime) -> list[Change]:
    """The visit, its number, the card, the appointment that is kept."""
    day = today(now)
    running = await _visit_number(within, place, day)
    coverage = wanted.coverage
    changes: list[Change] = []
    if wanted.cover is not None:
        card = shapes.coverage(wanted.cover, wanted.cover.id or f"{wanted.once}-c", patient)
        coverage = card["id"]
        changes.append(Update(card, if_match=wanted.cover.version) if wanted.cover.version else Create(card, id=card["id"]))
    visit = shapes.visit(
        f"{wanted.once}-v",
        patient,
        wanted.room,
        who,
        now,
        number=running,
        reason=wanted.reason,
        kind=wanted.kind,
        priority=wanted.priority,
        coverage=coverage,
        line=wanted.line,
        appointment=wanted.appointment,
    )
    changes.append(Create(visit, id=visit["id"]))
    if wanted.appointment:
        changes += await _kept(within, wanted.appointment)
    if wanted.kind == "EMER":  # emergencies do not queue
        return changes
    letter = rules.letter(wanted.priority, wanted.booked is not None)
    label = await _label(within, wanted.room, letter, day)
    turn = rules.turn(now, wanted.booked)
    number = shapes.ticket(
        wanted.once,
        patient,
        visit["id"],
        wanted.room,
        who,
        now,
        label=label,
        day=day.isoformat(),
        priority=wanted.priority,
        needs=wanted.needs,
        turn=turn if turn != now else None,
    )
    return [*changes, Create(number, id=number["id"])]


async def _visit_number(within: Store, place: Facility, day: date) -> str:
    n = await _count(within, f"visit/{place.id}/{day:%y%m%d}")
    return f"{place.mark}{day:%y%m%d}{n:05d}"


async def _kept(within: Store, appointment: str) -> list[Change]:
    """The appointment, now arrived. Raises Conflict for one that is not to come any more."""
    there = await within.read("Appointment", appointment)
    body = json.loads(there.body)
    if body.get("status") not in ("booked", "pending", "proposed"):
        raise Conflict("This appointment is not to come any more.")
    return [Update({**body, "status": "arrived"}, if_match=there.version)]


# ---- the queue -------------------------------------------------------------------------------------------------------


async def move(store: Store, who: Author, room: Room, task: str, act: str, now: datetime) -> Given:
    """Do `act` (rules.MOVES, but for "move") to a number of this room. Raises Moved where it is not in a state for it any more,
    NotFound."""
    async with inside(store) as within:
        await lock(within, [key64(f"queue/{room.id}/{today(now)}")])
        return await _move(within, who, room, task, act, now)


async def _move(within: Store, who: Author, room: Room, task: str, act: str, now: datetime) -> Given:
    there = await within.read("Task", task)
    body = json.loads(there.body)
    if not tickets.is_ticket(body) or _id(body.get("location")) != room.id:
        raise NotFound("There is no such number in this room.")
    state = rules.OF_TASK.get(str(body.get("status")), "")
    if act not in rules.MOVES or not rules.may(act, state):
        raise Moved("This number has been moved on in the meantime.")
    to = rules.MOVES[act][1]
    made = shapes.ticket_in(body, to, who, now)
    if act == "back":
        line = await waiting(within, room, now)
        own = tickets.ticket(tickets.row_of(body)._asdict())
        made["restriction"] = {"period": {"start": _fine(rules.back(line, own, now))}}
    changes: list[Change] = [Update(made, if_match=there.version)]
    changes += await _visit_follows(within, _id(body.get("focus")), act, now)
    try:
        await within.commit(changes)
    except PreconditionFailed:
        raise Moved("This number has been moved on in the meantime.") from None
    return _of_task(body)


def _fine(moment: datetime) -> str:
    """A FHIR dateTime with microseconds: who stands behind whom must not be rounded away."""
    return moment.astimezone(clock.HANOI).isoformat(timespec="microseconds")


async def _visit_follows(within: Store, encounter: str, act: str, now: datetime) -> list[Change]:
    """Entering begins the visit, leaving ends it; whatever the clinic has made of it since stays."""
    wanted = {"enter": ("arrived", "in-progress"), "leave": ("arrived", "cancelled")}.get(act)
    if wanted is None or not encounter:
        return []
    there = await within.read("Encounter", encounter)
    body = json.loads(there.body)
    if body.get("status") != wanted[0]:
        return []
    return [Update(shapes.with_status(body, wanted[1], now), if_match=there.version)]


async def waiting(within: Store, room: Room, now: datetime) -> list[rules.Ticket]:
    """Who waits in a room, in the order in which they will be called."""
    rows = [tickets.ticket(r) for r in await within.engine.db.fetch(Q.of_rooms, [room.id], today(now))]
    return order(rows, now)


def order(rows: Sequence[rules.Ticket], now: datetime) -> list[rules.Ticket]:
    called = sorted((t for t in rows if t.called is not None), key=lambda t: t.called or now, reverse=True)
    return rules.line([t for t in rows if t.state == "waiting"], [t.letter for t in called], now)


async def call_next(store: Store, who: Author, room: Room, now: datetime, *, finish: str = "") -> Given | None:
    """Call the next number of a room; None when nobody waits. finish: the number that is done with it, in the same act. Two who
    call at once get two numbers."""
    async with inside(store) as within:
        await lock(within, [key64(f"queue/{room.id}/{today(now)}")])
        if finish:
            await _move(within, who, room, finish, "finish", now)
        for t in await waiting(within, room, now):
            try:
                return await _move(within, who, room, t.task, "call", now)
            except NotFound:  # this record is not open to who calls (a walled one): the next
                continue
        return None


async def transfer(store: Store, who: Author, room: Room, task: str, to: Room, once: str, now: datetime) -> Given:
    """Send a number to another room: it ends here and gets the next number there, standing in line as of when it was first given.
    The visit goes along. Raises Moved, InLine, NotFound."""
    day = today(now)
    async with inside(store) as within:
        again = await _twice(within, once)
        if again is not None:
            return again
        await lock(within, [key64(f"queue/{r.id}/{day}") for r in (room, to)])
        there = await within.read("Task", task)
        body = json.loads(there.body)
        if not tickets.is_ticket(body) or _id(body.get("location")) != room.id:
            raise NotFound("There is no such number in this room.")
        if not rules.may("move", rules.OF_TASK.get(str(body.get("status")), "")):
            raise Moved("This number has been moved on in the meantime.")
        patient, encounter = _id(body.get("for")), _id(body.get("focus"))
        await _no_second(within, patient, to, now)
        row = tickets.row_of(body)
        priority = next((_code(i) for i in body.get("input") or () if (i.get("type") or {}).get("text") == "priority"), None)
        needs = tuple(_code(i) or "" for i in body.get("input") or () if (i.get("type") or {}).get("text") == "need")
        label = await _label(within, to, row.letter, day)
        made = shapes.ticket(
            once, patient, encounter, to, who, now, label=label, day=day.isoformat(), priority=priority, needs=needs, turn=row.came
        )
        made["partOf"] = [{"reference": f"Task/{task}"}]
        visit = await within.read("Encounter", encounter)
        changes: list[Change] = [
            Update(shapes.ticket_in(body, "left", who, now), if_match=there.version),
            Create(made, id=once),
            Update(shapes.moved_to(json.loads(visit.body), to, now), if_match=visit.version),
        ]
        await within.commit(changes, Manner())
        return _of_task({**made, "id": once})


def _code(entry: Resource) -> str | None:
    codings = (entry.get("valueCodeableConcept") or {}).get("coding") or ()
    return next((str(c.get("code")) for c in codings), None)
