"""What the desk knows of whoever stands before it: the cards in hand, the person in the record, the insurance, the rooms that are
likely. Reads only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import msgspec

from ..access import purpose
from ..base import clock
from ..base.errors import Forbidden, Invalid, NotFound
from ..base.fold import fold
from ..base.ids import patient_key
from ..base.words import mark
from ..fhir import systems as s
from ..record.store import Store
from ..web.chart.record import Person, moment, person
from ..web.page import Call
from . import actions, cover, identity, rules, tickets
from .cards import Cards
from .cover import Cover
from .finding import Found
from .rooms import Facility
from .shapes import Room

_decode = msgspec.json.Decoder().decode
Resource = dict[str, Any]
GENERAL = "KKB"
"""The kind of department whose room takes whoever does not know where to go (khoa Khám bệnh)."""
SCANNED = "Thẻ được quét tại quầy: người bệnh có mặt, tiếp đón vào khám"
PRESENT = "Người bệnh có mặt tại quầy, tiếp đón vào khám"
CLOSED = mark("This record is closed at the patient’s wish. The records office can open it.")


@dataclass
class Booking:
    """An appointment of today, or near it, in one of our rooms."""

    id: str
    start: datetime
    room: Room
    reason: str


@dataclass
class Known:
    """One person as the desk shows them. opened: the record is; closed: it cannot be. card: the insurance to go by, as it will be
    written; renews: it says something new. visits: how many there were. running: numbers of today that are not over, by room id."""

    found: Found
    person: Person
    opened: bool = False
    closed: bool = False
    card: Cover | None = None
    renews: bool = False
    old_card: Cover | None = None
    visits: int | None = None
    last: datetime | None = None
    bookings: list[Booking] = field(default_factory=list)
    rooms: list[Room] = field(default_factory=list)
    running: dict[str, rules.Ticket] = field(default_factory=dict)
    carers: list[tuple[str, str, str]] = field(default_factory=list)
    differs: list[tuple[str, str, str]] = field(default_factory=list)
    learned: str = ""
    priority: str | None = None
    old_address: str = ""
    network: str = ""

    @property
    def id(self) -> str:
        return self.found.id


async def open_for(call: Call, patient: str, reason: str) -> bool:
    """State why the record is opened, where it is not open yet. False where nothing opens it (closed at the patient's wish)."""
    if await call.door.why(call.actor, patient) is not None:
        return True
    try:
        await purpose.state_purpose(call.engine, call.actor, patient, "HOPERAT", reason, settings=call.door.settings)
    except (Forbidden, Invalid):
        return False
    return await call.door.why(call.actor, patient) is not None


async def known(call: Call, place: Facility, found: Found, on_desk: Cards) -> Known:
    """Everything the desk shows of this person, as far as the record is open."""
    day = clock.local(call.now).date()
    out = Known(found, person(found.patient))
    out.priority = rules.priority_by_age(out.person.birth, day)
    out.old_address = next((str(a.get("text") or "") for a in found.patient.get("address") or () if a.get("use") == "old"), "")
    out.differs = _differs(found.patient, on_desk, day)
    if on_desk.citizen and not any(i.get("value") == on_desk.citizen.number for i in found.patient.get("identifier") or ()):
        out.learned = on_desk.citizen.number
    reason = await call.door.why(call.actor, found.id)
    if reason is None and on_desk:
        out.opened = await open_for(call, found.id, SCANNED)
        out.closed = not out.opened
    else:
        out.opened = reason is not None
    card = cover.of_card(on_desk.insurance) if on_desk.insurance else None
    if out.opened:
        store = Store(call.engine, call.scope(reason or SCANNED))
        await _history(store, place, out, call.now)
        await _insurance(store, out, card, day)
        out.bookings = await bookings(store, place, found.id, call.now)
        out.carers = await _carers(store, found)
        out.network = await _facility(store, out.card.network) if out.card and out.card.network != place.code else ""
    else:
        out.card, out.renews = card, card is not None
    out.rooms = _likely(place, out)
    return out


async def _history(store: Store, place: Facility, out: Known, now: datetime) -> None:
    page = await store.search("Encounter", [("_count", "1"), ("_sort", "-date"), ("_total", "accurate")], patient=out.id)
    out.visits = page.total
    for entry in page.matches:
        out.last = moment((_decode(entry.body).get("period") or {}).get("start"))
    rows = await store.engine.db.fetch(tickets.Q.of_patient, patient_key(out.id), actions.today(now))
    out.running = {r["place"]: tickets.ticket(r) for r in rows if r["state"] in ("waiting", "called", "inside", "missed")}
    seen = await store.engine.db.fetch(tickets.Q.rooms_of, patient_key(out.id), [r.id for r in place.rooms])
    order = [r["place"] for r in seen]
    if not order:
        page = await store.search("Encounter", [("_count", "10"), ("_sort", "-date"), ("class", "AMB")], patient=out.id)
        for entry in page.matches:
            spots = _decode(entry.body).get("location") or ()
            order.extend(str((x.get("location") or {}).get("reference") or "").rpartition("/")[2] for x in spots)
    by = {r.id: r for r in place.rooms}
    out.rooms = [by[x] for x in dict.fromkeys(order) if x in by]


async def _insurance(store: Store, out: Known, card: Cover | None, day: date) -> None:
    page = await store.search("Coverage", [("_count", "20")], patient=out.id)
    there = [cover.of_resource(_decode(e.body), e.version) for e in page.matches]
    best = cover.best(there, day)
    if card is None:
        out.card = best
        return
    same = next((c for c in there if c.social == card.social and c.status == "active"), None)
    if same is None:
        out.card, out.renews, out.old_card = card, True, best
    elif cover.renews(card, same):
        out.card, out.renews, out.old_card = cover.merged(card, same), True, same
    else:
        out.card = same


async def bookings(store: Store, place: Facility, patient: str, now: datetime) -> list[Booking]:
    """Appointments of today that have not been kept, in our rooms."""
    day = clock.local(now).date()
    asked = [
        ("date", f"ge{day}T00:00:00+07:00"),
        ("date", f"le{day}T23:59:59+07:00"),
        ("status", "booked,pending"),
        ("_count", "20"),
    ]
    page = await store.search("Appointment", asked, patient=patient)
    by = {r.id: r for r in place.rooms}
    out = []
    for entry in page.matches:
        body = _decode(entry.body)
        start = moment(body.get("start"))
        spots = (str((p.get("actor") or {}).get("reference") or "").rpartition("/")[2] for p in body.get("participant") or ())
        room = next((by[x] for x in spots if x in by), None)
        if start is not None and room is not None:
            reason = next((str(r.get("text") or "") for r in body.get("reasonCode") or ()), "")
            out.append(Booking(str(body["id"]), start, room, reason))
    return sorted(out, key=lambda b: b.start)


async def _facility(store: Store, code: str) -> str:
    """The name of a facility by the ministry's code, "" for one that the directory does not hold."""
    if not code:
        return ""
    page = await store.search("Organization", [("identifier", f"{s.FACILITY_CODE}|{code}"), ("_count", "1")])
    return next((str(_decode(e.body).get("name") or "") for e in page.matches), "")


async def _carers(store: Store, found: Found) -> list[tuple[str, str, str]]:
    """(name, relation, telephone) of who cares for the patient or is called in need."""
    out = []
    page = await store.search("RelatedPerson", [("active", "true"), ("_count", "10")], patient=found.id)
    for body in [*(_decode(e.body) for e in page.matches), *(found.patient.get("contact") or ())]:
        names = body.get("name") or {}
        name = person({"name": names if isinstance(names, list) else [names]}).name
        relation = next((str(r.get("text") or "") for r in body.get("relationship") or ()), "")
        phone = next((str(t.get("value") or "") for t in body.get("telecom") or ()), "")
        if name:
            out.append((name, relation, phone))
    return out[:3]


def _differs(patient: Resource, on_desk: Cards, day: date) -> list[tuple[str, str, str]]:
    """(what, on the card, in the record) where a card says otherwise than the record: for the clerk to see, never taken over."""
    there = person(patient)
    out = []
    for card in (on_desk.citizen, on_desk.insurance):
        if card is None:
            continue
        name = identity.name_of(card.name)
        if name and fold(name) != fold(there.name):
            out.append((mark("Name"), name, there.name))
        if card.birth and there.birth and card.birth != there.birth and not there.birth.startswith(card.birth):
            out.append((mark("Born"), card.birth, there.birth))
    return list(dict.fromkeys(out))


def _likely(place: Facility, out: Known) -> list[Room]:
    """Rooms to offer first: of the appointment, those of the last visits, the general one; then all others by their doors."""
    first = [b.room for b in out.bookings] + out.rooms
    first += [r for r in place.rooms if r.kind == GENERAL]
    return list(dict.fromkeys([*first, *place.rooms]))


async def store_for(call: Call, patient: str) -> Store:
    """The record of one patient. Raises NotFound where it is not open."""
    reason = await call.door.why(call.actor, patient)
    if reason is None:
        no = NotFound("This record is not open to you.")
        await call.door.refused(call.actor, no, patient=patient)
        raise no
    return Store(call.engine, call.scope(reason))
