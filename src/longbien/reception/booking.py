"""Appointments: the times of a room, and booking, moving and cancelling one. A time is a FHIR Slot whose id is made of room, time
and place number, so that two desks that want the last place meet in the record: one has it, the other is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from ..base import clock
from ..base.errors import Conflict, NotFound
from ..base.ids import key64
from ..fhir import json
from ..fhir import systems as s
from ..record.change import Change, Create, Update
from ..record.inside import inside, lock
from ..record.store import Store
from ..web import times as times_of
from ..web.chart.record import moment
from ..web.times import USUAL, Taken, Time, hours_of, sessions, starts, times
from . import shapes
from .shapes import Resource, Room

__all__ = [
    "AHEAD",
    "OPEN",
    "USUAL",
    "Asked",
    "NoTime",
    "Taken",
    "Time",
    "book",
    "cancel",
    "follows_up",
    "hours_of",
    "move",
    "of_room",
]
__all__ += ["patient_of", "room_of", "starts", "timed", "times"]
AHEAD = timedelta(days=180)
OPEN = ("proposed", "pending", "booked")
"""States of an appointment that is still to come."""


class NoTime(Conflict):
    """This is no time of the room, or it has passed."""


async def _place(within: Store, room: Room, start: datetime, minutes: int, capacity: int) -> tuple[str, list[Change]]:
    """As times.place; who wants the same time waits here. Raises Taken."""
    await lock(within, [key64(f"slot/{room.id}/{clock.instant(start)}")])
    return await times_of.place(within, room, start, minutes, capacity)


def _check(room: Room, start: datetime, minutes: int, now: datetime) -> None:
    day = clock.local(start).date()
    if start <= now or start > now + AHEAD or start not in starts(sessions(room), day, minutes):
        raise NoTime("This is no time of the room, or it has passed.")


async def _free(within: Store, appointment: Resource) -> list[Change]:
    """Give the places of an appointment back."""
    changes: list[Change] = []
    for x in appointment.get("slot") or ():
        id_ = str(x.get("reference") or "").rpartition("/")[2]
        found = (await within.search("Slot", [("_id", id_)])).matches
        changes.extend(Update({**json.loads(e.body), "status": "free"}, if_match=e.version) for e in found)
    return changes


@dataclass(frozen=True, slots=True)
class Asked:
    """A time that somebody wants. once: the form's token. minutes, capacity: as the house has them."""

    room: Room
    start: datetime
    once: str
    minutes: int
    capacity: int
    reason: str = ""
    remind: bool = True


async def book(store: Store, patient: str, asked: Asked, now: datetime) -> str:
    """Book a time for a patient; gives the Appointment's id. Raises Taken, NoTime, NotFound (the record is not open). The same form
    sent twice books once."""
    async with inside(store) as within:
        if (await within.search("Appointment", [("_id", asked.once)], patient=patient)).matches:
            return asked.once
        _check(asked.room, asked.start, asked.minutes, now)
        taken, changes = await _place(within, asked.room, asked.start, asked.minutes, asked.capacity)
        made = shapes.appointment(
            asked.once, patient, asked.room, asked.start, asked.minutes, now=now, reason=asked.reason, slot=taken
        )
        if not asked.remind:
            made["extension"] = [{"url": EXT_SILENT, "valueBoolean": True}]
        await within.commit([*changes, Create(made, id=asked.once)])
    return asked.once


EXT_SILENT = s.BASE + "/StructureDefinition/no-reminder"


async def move(store: Store, id_: str, asked: Asked, now: datetime) -> None:
    """Give an appointment another time, or its hour where it had only a day (a follow-up from the visit). Raises Taken, NoTime,
    Conflict (it is not to come any more), PreconditionFailed (somebody else changed it)."""
    async with inside(store) as within:
        there = await within.read("Appointment", id_)
        body = json.loads(there.body)
        _still(body)
        _check(asked.room, asked.start, asked.minutes, now)
        here = any(
            str((p.get("actor") or {}).get("reference")) == f"Location/{asked.room.id}" for p in body.get("participant") or ()
        )
        if body.get("slot") and here and moment(body.get("start")) == asked.start:
            return  # the time that it has already
        changes = await _free(within, body)
        taken, more = await _place(within, asked.room, asked.start, asked.minutes, asked.capacity)
        others = [
            p
            for p in body.get("participant") or ()
            if not str((p.get("actor") or {}).get("reference") or "").startswith("Location/")
        ]
        room = {"actor": {"reference": f"Location/{asked.room.id}", "display": asked.room.name}, "status": "accepted"}
        made = {
            **body,
            "status": "booked",
            "start": clock.instant(asked.start),
            "end": clock.instant(asked.start + timedelta(minutes=asked.minutes)),
            "minutesDuration": asked.minutes,
            "slot": [{"reference": f"Slot/{taken}"}],
            "participant": [*others, room],
        }
        await within.commit([*changes, *more, Update(made, if_match=there.version)])


async def cancel(store: Store, id_: str, reason: str) -> None:
    """Cancel an appointment; its place is free again. Raises Conflict where it is not to come any more."""
    async with inside(store) as within:
        there = await within.read("Appointment", id_)
        body = json.loads(there.body)
        _still(body)
        made = {**body, "status": "cancelled", "cancelationReason": {"text": reason or "Người bệnh hủy"}}
        freed = await _free(within, body)
        made.pop("slot", None)
        await within.commit([*freed, Update(made, if_match=there.version)])


def _still(body: Resource) -> None:
    if body.get("status") not in OPEN:
        raise Conflict("This appointment is not to come any more.")


async def of_room(store: Store, room: Room, day: date) -> list[tuple[Resource, int]]:
    """Appointments of a room on a day with their versions, by time: also those that have only a day yet."""
    low, high = (datetime.combine(day + timedelta(days=n), time(0), clock.HANOI) for n in (0, 1))
    asked = [
        ("location", f"Location/{room.id}"),
        ("date", f"ge{clock.instant(low)}"),
        ("date", f"lt{clock.instant(high)}"),
        ("_count", "300"),
    ]
    found = [(json.loads(e.body), e.version) for e in (await store.search("Appointment", asked)).matches]
    return sorted(found, key=lambda x: str(x[0].get("start") or ""))


def timed(appointment: Resource) -> bool:
    """Has it an hour? A follow-up from the visit has only its day until the reception gives it one (appointmentType FOLLOWUP)."""
    return bool(appointment.get("slot")) or not follows_up(appointment)


def follows_up(appointment: Resource) -> bool:
    codings = (appointment.get("appointmentType") or {}).get("coding") or ()
    return any(c.get("code") == "FOLLOWUP" for c in codings)


def patient_of(appointment: Resource) -> str:
    refs = (str((p.get("actor") or {}).get("reference") or "") for p in appointment.get("participant") or ())
    return next((r.rpartition("/")[2] for r in refs if r.startswith("Patient/")), "")


def room_of(appointment: Resource, rooms: Sequence[Room]) -> Room:
    """Raises NotFound for an appointment in no room of ours."""
    refs = {str((p.get("actor") or {}).get("reference") or "").rpartition("/")[2] for p in appointment.get("participant") or ()}
    for room in rooms:
        if room.id in refs:
            return room
    raise NotFound("There is no such appointment here.")
