"""The times of a consulting room, for all who book one: the reception's desk, a visit's follow-up, a discharge. A time is a FHIR
Slot whose id is made of room, time and place number, so that whoever wants the last place meets the others in the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Protocol

from ..base import clock
from ..base.config import Settings, setting
from ..base.errors import Conflict
from ..base.ids import key64
from ..fhir import json
from ..record.change import Change, Create, Update
from ..record.store import Store
from .chart.record import moment

Resource = dict[str, Any]


class TimesSettings(Settings):
    minutes: int = setting("LONGBIEN_APPOINTMENT_MINUTES", 15, "Minutes of one appointment.")
    capacity: int = setting("LONGBIEN_APPOINTMENTS_AT_ONCE", 2, "Appointments of one room that begin at the same time.")


class Taken(Conflict):
    """All places of this time are taken."""


class Place(Protocol):
    """A room: id and name of its Location, and its hours (() where the Location says none)."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def hours(self) -> tuple[Session, ...]: ...


@dataclass(frozen=True, slots=True)
class Room:
    id: str
    name: str
    hours: tuple[Session, ...]


Session = tuple[frozenset[str], time, time]
"""(days of the week as FHIR has them, opens, closes)."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
USUAL: tuple[Session, ...] = (
    (frozenset(DAYS[:5]), time(7, 30), time(11, 30)),
    (frozenset(DAYS[:5]), time(13, 30), time(16, 30)),
)
"""Hours of a room whose Location says none."""


@dataclass(frozen=True, slots=True)
class Time:
    """A time of a room: how many places are taken and free."""

    start: datetime
    taken: int
    free: int


def hours_of(location: Resource) -> tuple[Session, ...]:
    """The sessions that a Location says (hoursOfOperation), () where it says none."""
    found = []
    for h in location.get("hoursOfOperation") or ():
        days = frozenset(d for d in h.get("daysOfWeek") or DAYS if d in DAYS)
        try:
            opens = time(0) if h.get("allDay") else time.fromisoformat(str(h["openingTime"]))
            closes = time(23, 59) if h.get("allDay") else time.fromisoformat(str(h["closingTime"]))
        except (KeyError, ValueError):
            continue
        if days and opens < closes:
            found.append((days, opens, closes))
    return tuple(found)


def starts(sessions: Sequence[Session], day: date, minutes: int) -> list[datetime]:
    """When appointments of a day may begin, on Hanoi's clock."""
    out = []
    for days, opens, closes in sessions:
        if DAYS[day.weekday()] not in days:
            continue
        at = datetime.combine(day, opens, clock.HANOI)
        end = datetime.combine(day, closes, clock.HANOI)
        while at + timedelta(minutes=minutes) <= end:
            out.append(at)
            at += timedelta(minutes=minutes)
    return sorted(set(out))


def sessions(room: Place) -> tuple[Session, ...]:
    return room.hours or USUAL


def slot_id(room: str, start: datetime, place: int) -> str:
    key = key64(f"{room}/{start.astimezone(clock.HANOI):%Y%m%d%H%M}") & (2**64 - 1)
    return f"slot-{key:016x}-{place}"


def schedule_id(room: str) -> str:
    return f"schedule-{key64(room) & (2**64 - 1):016x}"


def slot(room: Place, start: datetime, minutes: int, place: int, status: str) -> Resource:
    return {
        "resourceType": "Slot",
        "id": slot_id(room.id, start, place),
        "schedule": {"reference": f"Schedule/{schedule_id(room.id)}"},
        "status": status,
        "start": clock.instant(start),
        "end": clock.instant(start + timedelta(minutes=minutes)),
    }


async def times(store: Store, room: Place, day: date, minutes: int, capacity: int, now: datetime) -> list[Time]:
    """The times of a room on a day, with what is free; past ones have nothing free."""
    low, high = (datetime.combine(day + timedelta(days=n), time(0), clock.HANOI) for n in (0, 1))
    asked = [
        ("schedule", f"Schedule/{schedule_id(room.id)}"),
        ("start", f"ge{clock.instant(low)}"),
        ("start", f"lt{clock.instant(high)}"),
        ("status", "busy"),
        ("_count", "500"),
    ]
    taken: dict[datetime, int] = {}
    for entry in (await store.search("Slot", asked)).matches:
        start = moment(json.loads(entry.body).get("start"))
        if start is not None:
            taken[start] = taken.get(start, 0) + 1
    out = []
    for start in starts(sessions(room), day, minutes):
        n = taken.get(start, 0)
        out.append(Time(start, n, max(0, capacity - n) if start > now else 0))
    return out


async def place(store: Store, room: Place, start: datetime, minutes: int, capacity: int) -> tuple[str, list[Change]]:
    """A free place of a time: (id of its slot, what takes it). Two who found the same one meet at the commit (Conflict,
    PreconditionFailed): ask again. Raises Taken."""
    changes: list[Change] = []
    if not (await store.search("Schedule", [("_id", schedule_id(room.id))])).matches:
        changes.append(Create(_schedule(room), id=schedule_id(room.id)))
    ids = [slot_id(room.id, start, n) for n in range(capacity)]
    there = {e.id: e for e in (await store.search("Slot", [("_id", ",".join(ids))])).matches}
    for n, id_ in enumerate(ids):
        made = slot(room, start, minutes, n, "busy")
        if id_ not in there:
            return id_, [*changes, Create(made, id=id_)]
        if json.loads(there[id_].body).get("status") == "free":
            return id_, [*changes, Update(made, if_match=there[id_].version)]
    raise Taken("All places of this time are taken.")


async def room(store: Store, location: str) -> Room | None:
    """A Location as a room with a schedule; None where it says no hours (then a follow-up has a day and no hour yet)."""
    if not location or not store.scope.may_read("Location"):
        return None
    found = (await store.search("Location", [("_id", location)])).matches
    place_ = json.loads(found[0].body) if found else {}
    hours = hours_of(place_)
    return Room(location, str(place_.get("name") or location), hours) if hours else None


def _schedule(room: Place) -> Resource:
    return {
        "resourceType": "Schedule",
        "id": schedule_id(room.id),
        "active": True,
        "actor": [{"reference": f"Location/{room.id}", "display": room.name}],
    }
