"""The desk: one box for a card or a name, the person, the rooms; one touch gives the visit and its number."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
from starlette.responses import Response

from ...base import clock
from ...base.errors import Conflict, NotFound, PreconditionFailed
from ...base.ids import FHIR_ID, new_id
from ...base.paper import printed
from ...base.words import mark
from ...record import people
from ...record.change import Change, Update
from ...record.people import Nearby, replaced_by
from ...record.store import Store
from ...web.chart.record import person
from ...web.desk import people as persons
from ...web.page import Call, page
from ...web.pages.search import best, enough, is_exact
from .. import actions, cards, cover, finding, identity, knowing, lobby, rooms, rules, shapes, tables, tickets
from ..actions import Given, InLine, Wanted
from ..cards import Cards
from ..finding import Found
from ..knowing import Known
from ..permissions import RECEIVE
from ..rooms import Facility
from ..shapes import Author

_decode = msgspec.json.Decoder().decode
PAPER = Path(__file__).parents[1] / "paper"
NEEDS = (("wheelchair", mark("Wheelchair")), ("interpreter", mark("Interpreter")))
LISTED = 12
LONGEST_REASON = 500


def author(call: Call) -> Author:
    a = call.actor
    return Author(a.practitioner or "", a.name, a.organization or "")


async def here(call: Call) -> Facility:
    """The facility of who is signed in. Raises NotFound."""
    return await rooms.facility(Store(call.engine, call.scope("own place of work")), call.actor.organization or "")


def near(call: Call) -> Nearby:
    found: Nearby = call.request.app.state.nearby
    return found


@page(RECEIVE, "HOPERAT")
async def desk(call: Call) -> Response:
    """Empty, or with the number that was just given."""
    place = await here(call)
    given = call.query.get("given", "")
    number = await _given(call, place, given) if FHIR_ID.match(given) else None
    return await _page(call, place, Cards(), given=number)


@page(RECEIVE, "HOPERAT")
async def ask(call: Call) -> Response:
    """A card was scanned, a name was typed, somebody was chosen."""
    place = await here(call)
    typed = call.field("q", 4000)
    scanned = cards.looks_scanned(typed)
    on_desk = cards.cards(call.field("citizen", 2000), call.field("insurance", 2000), typed if scanned else "")
    chosen = call.field("patient", 64)
    city = call.door.finding(call.actor)
    if typed and not scanned:
        return await _search(call, place, on_desk, typed)
    if on_desk.error or not (on_desk or chosen):
        return await _page(call, place, on_desk, typed=typed if on_desk.error else "")
    found: Found | None = None
    if on_desk:
        candidates = await finding.by_card(city, on_desk.citizen, on_desk.insurance)
        found = candidates[0] if len(candidates) == 1 else None
        if len(candidates) > 1:
            return await _page(call, place, on_desk, several=candidates)
    if found is None and chosen and FHIR_ID.match(chosen):
        found = await finding.standing(city, chosen)
    if found is None:
        return await _unknown(call, place, on_desk)
    return await _page(call, place, on_desk, known=await knowing.known(call, place, found, on_desk))


async def _unknown(call: Call, place: Facility, on_desk: Cards) -> Response:
    """Nobody has these numbers: who is alike, and the way to the form."""
    asked = of_cards(on_desk)
    alike = await finding.alike(call.door.finding(call.actor), asked, near(call))
    return await _page(call, place, on_desk, alike=alike, unknown=True)


def of_cards(on_desk: Cards) -> dict[str, Any]:
    """What the cards say, as a Patient, for looking who is like it."""
    card = on_desk.citizen or on_desk.insurance
    if card is None:
        return {}
    asked: dict[str, Any] = {"name": [{"text": identity.name_of(card.name)}], "birthDate": card.birth, "gender": card.sex}
    return asked


async def _search(call: Call, place: Facility, on_desk: Cards, typed: str) -> Response:
    city, asked = call.door.finding(call.actor), people.read(typed)
    rows: list[people.Person] = []
    if enough(asked):
        rows, _ = await people.find(city.engine, city.scope, asked, near(call))
    shown = [x for x in best(rows, asked) if not replaced_by(_decode(x.body))][:LISTED]
    if enough(asked):
        await people.shown(city.engine, city.scope, shown)
    listed = [SimpleNamespace(p=person(_decode(x.body)), twin=x.twin) for x in shown]
    listed.sort(key=lambda f: not is_exact(f.p, asked) if asked.words else False)
    return await _page(call, place, on_desk, typed=typed, listed=listed, terms=asked.words, asked=enough(asked))


async def _page(
    call: Call,
    place: Facility,
    on_desk: Cards,
    *,
    typed: str = "",
    listed: list[Any] | None = None,
    terms: tuple[str, ...] = (),
    known: Known | None = None,
    several: list[Found] | None = None,
    alike: list[Found] | None = None,
    unknown: bool = False,
    given: Any = None,
    asked: bool = True,
    error: str = "",
    values: dict[str, Any] | None = None,
    status: int = 200,
) -> Response:
    w, day = call.w, clock.local(call.now).date()
    queues = await lobby.queues(call.engine, place.rooms, call.now)
    order = known.rooms if known else list(place.rooms)
    template = "reception/desk_body.html" if call.part else "reception/desk.html"
    line = _line(known, place, day) if known else None
    return call.html(
        template,
        status,
        nav="reception",
        place=place,
        cards=on_desk,
        typed=typed,
        listed=listed,
        terms=terms,
        asked=asked,
        known=known,
        several=[person(f.patient) for f in several or ()],
        alike=[(person(f.patient), f.likeness) for f in alike or ()],
        unknown=unknown,
        given=given,
        error=error or (w(on_desk.error) if on_desk.error else ""),
        note=w(on_desk.note),
        rooms=[queues[r.id] for r in order],
        waiting=sum(len(q.line) for q in queues.values()),
        once=new_id(),
        priorities=rules.PRIORITIES,
        needs=NEEDS,
        lines=tables.lines(day).values(),
        line=line,
        pays=cover.pays(known.card, line, day) if known else None,
        cover_state=known.card.state(day) if known and known.card else "",
        values=values or {},
        lately=[] if call.part else await _lately(call, place),
        label=rules.label,
    )


def _line(known: Known, place: Facility, day: Any) -> str | None:
    if not known.opened and known.card is None:  # nobody has looked yet: that is not "without insurance"
        return None
    return cover.line(known.card, place.code, day, follow_up=bool(known.bookings))


async def _lately(call: Call, place: Facility) -> list[Any]:
    """The numbers given last, with whose they are: what a clerk looks up when somebody asks again."""
    found = await call.engine.db.fetch(tickets.Q.lately, [r.id for r in place.rooms], actions.today(call.now))
    names = await persons(call.engine, call.scope("numbers given lately"), list({r["pat"] for r in found}))
    return [
        SimpleNamespace(
            label=rules.label(r["letter"], r["number"]),
            name=names[r["pat"]][0].name,
            at=r["came"],
            task=r["task"],
            room=place.room(r["place"]).short,
            state=r["state"],
        )
        for r in found
        if r["pat"] in names
    ]


async def _given(call: Call, place: Facility, task: str) -> Any:
    """The number that was given, as the slip shows it; None where it is not ours."""
    try:
        return await slip(call, place, task)
    except NotFound:
        return None


async def slip(call: Call, place: Facility, task: str) -> SimpleNamespace:
    """What stands on the slip. Raises NotFound."""
    store = Store(call.engine, call.scope("a number of the queue"))
    body = _decode((await store.read("Task", task)).body)
    if not tickets.is_ticket(body):
        raise NotFound("There is no such number.")
    row = tickets.row_of(body)
    room = place.room(row.place)
    queue = (await lobby.queues(call.engine, [room], call.now))[room.id]
    who = person(_decode((await store.read("Patient", str(body["for"]["reference"]).rpartition("/")[2])).body))
    before, minutes = queue.before(task), queue.wait_of(task)
    return SimpleNamespace(
        task=task,
        label=rules.label(row.letter, row.number),
        room=room,
        name=who.name,
        patient=who.id,
        came=row.came,
        before=before,
        minutes=minutes,
        at=call.now + timedelta(minutes=minutes) if minutes is not None else None,
        first=row.letter == rules.PRIORITY,
        booked=row.letter == rules.BOOKED,
        state=row.state,
        facility=place.name,
    )


# ---- receiving -------------------------------------------------------------------------------------------------------


@page(RECEIVE, "HOPERAT")
async def receive(call: Call) -> Response:
    """A room was chosen: the visit, its number, the card, in one act."""
    place = await here(call)
    patient, on_desk = call.field("patient", 64), cards.cards(call.field("citizen", 2000), call.field("insurance", 2000))
    if not FHIR_ID.match(patient):
        raise NotFound("There is no such patient.")
    found = await finding.standing(call.door.finding(call.actor), patient)
    if not await knowing.open_for(call, found.id, knowing.SCANNED if on_desk else knowing.PRESENT):
        return await _page(call, place, on_desk, error=call.w(knowing.CLOSED), status=403)
    known = await knowing.known(call, place, found, on_desk)
    here_ = (*place.rooms, *((place.emergency,) if place.emergency else ()))
    room = next((r for r in here_ if r.id == call.field("room", 64)), None)
    telephone = call.field("telephone", 40)
    values = {"telephone": telephone, "reason": call.field("reason", LONGEST_REASON)}
    fault = identity.telephone_fault(telephone)
    if room is None or fault:
        return await _page(call, place, on_desk, known=known, error=call.w(fault or "Choose a room."), values=values, status=422)
    store = await knowing.store_for(call, found.id)
    try:
        given = await actions.receive(
            store,
            author(call),
            place,
            found.id,
            _wanted(call, place, known, room),
            call.now,
            also=_learned(known, on_desk, telephone),
        )
    except InLine as there:
        return call.go(f"/reception?given={there.task}&again=1")
    except (PreconditionFailed, Conflict):
        known = await knowing.known(call, place, await finding.standing(call.door.finding(call.actor), patient), on_desk)
        text = call.w("Somebody else has just changed this record. Look once more, then choose the room.")
        return await _page(call, place, on_desk, known=known, error=text, values=values, status=409)
    return _after(call, given)


def _after(call: Call, given: Given) -> Response:
    return call.go(f"/reception?given={given.task}" if given.task else f"/reception/patients/{given.patient}?done=emergency")


def once(call: Call) -> str:
    given = call.field("once", 64)
    return given if FHIR_ID.match(given) and len(given) <= 48 else new_id()


def priority_of(call: Call) -> str | None:
    given = call.field("priority", 20)
    return given if given in rules.BY_CODE else None


def _wanted(call: Call, place: Facility, known: Known, room: shapes.Room) -> Wanted:
    day = clock.local(call.now).date()
    emergency = place.emergency is not None and room.id == place.emergency.id
    line = "2" if emergency and known.card else call.field("line", 10)
    booking = next((b for b in known.bookings if b.room.id == room.id), None)
    chosen = line if line in tables.lines(day) else _line(known, place, day)
    needs = call.form.getlist("need") if call.form is not None else []
    return Wanted(
        once(call),
        room,
        priority_of(call),
        tuple(c for c, _ in NEEDS if c in needs),
        call.field("reason", LONGEST_REASON),
        "EMER" if emergency else "AMB",
        cover=known.card if known.renews else None,
        coverage=known.card.id if known.card else "",
        line=chosen,
        appointment=booking.id if booking else "",
        booked=booking.start if booking else None,
    )


def _learned(known: Known, on_desk: Cards, telephone: str) -> list[Change]:
    """What the Patient gains on the way: a citizen's number that the record did not have, another telephone."""
    patient = dict(known.found.patient)
    if known.learned and on_desk.citizen:
        patient["identifier"] = identity.known_now(patient, on_desk.citizen)
    number = identity.telephone(telephone)
    if number and number != identity.telephone(known.person.phone):
        old = [{**t, "use": "old"} if t.get("system") == "phone" else t for t in patient.get("telecom") or ()]
        patient["telecom"] = [
            {"system": "phone", "value": number, "use": "mobile", "rank": 1},
            *({k: v for k, v in t.items() if k != "rank"} for t in old),
        ]
    return [Update(patient, if_match=known.found.version)] if patient != known.found.patient else []


@page(RECEIVE, "HOPERAT")
async def paper(call: Call) -> Response:
    """The slip as it is printed: 80 mm wide."""
    place = await here(call)
    s, w = await slip(call, place, call.request.path_params["task"]), call.w
    data = {
        "lang": call.w.lang,
        "title": w("Number %(label)s", label=s.label),
        "facility": s.facility,
        "label": s.label,
        "name": s.name,
        "room": s.room.name,
        "department": s.room.department_name,
        "wait": w("About %(n)s minutes, %(before)s before you", n=s.minutes, before=s.before) if s.minutes is not None else "",
        "at": w("expected at %(time)s", time=w.time(s.at)) if s.at else "",
        "came": f"{w.date(s.came)} {w.time(s.came)}",
        "first": w("seen first") if s.first else w("by appointment") if s.booked else "",
        "hint": w("Your number is called, not your name. Missed it? Tell the nurse at the door; no new number is needed."),
    }
    made = await printed(PAPER / "ticket.typ", data)
    return Response(made, media_type="application/pdf", headers={"Content-Disposition": 'inline; filename="so.pdf"'})
