"""Appointments: the times of a room through the week, who is booked, booking, moving, cancelling; checking in leads to the desk."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from types import SimpleNamespace

from starlette.responses import Response

from ...base import clock
from ...base.errors import Conflict, NotFound, PreconditionFailed
from ...base.ids import FHIR_ID, new_id, patient_key
from ...record.store import Store
from ...web.chart.record import moment, person
from ...web.desk import people as persons
from ...web.page import Call, page
from ...web.times import TimesSettings
from .. import booking, finding, knowing, reminders
from ..booking import Asked, NoTime, Taken
from ..permissions import APPOINT, RECEIVE
from ..rooms import Facility
from ..settings import ReceptionSettings
from ..shapes import Room
from .desk import here

WEEK = 7
HOUR = "%Y-%m-%dT%H:%M"


def _day(call: Call) -> date:
    today = clock.local(call.now).date()
    try:
        given = date.fromisoformat(call.query.get("day", "") or call.field("day", 10))
    except ValueError:
        return today
    return given if today - timedelta(days=366) <= given <= today + booking.AHEAD else today


def _room(call: Call, place: Facility) -> Room:
    given = call.query.get("room", "") or call.field("room", 64)
    known = next((r for r in place.rooms if r.id == given), None)
    if known is None and not place.rooms:
        raise NotFound("This facility has no consulting rooms.")
    return known or next((r for r in place.rooms if r.kind == knowing.GENERAL), place.rooms[0])


def _patient(call: Call) -> str:
    given = call.query.get("patient", "") or call.field("patient", 64)
    return given if FHIR_ID.match(given) else ""


@page(APPOINT, "HOPERAT")
async def day(call: Call) -> Response:
    return await _page(call)


async def _page(call: Call, *, error: str = "", status: int = 200) -> Response:
    place, settings, hours = await here(call), ReceptionSettings.read(), TimesSettings.read()
    room, shown, patient = _room(call, place), _day(call), _patient(call)
    moving = call.query.get("move", "") or call.field("move", 64)
    store = Store(call.engine, call.scope("appointments of a room"))
    today = clock.local(call.now).date()
    times = await booking.times(store, room, shown, hours.minutes, hours.capacity, call.now)
    listed = await _listed(call, store, room, shown)
    first = max(today, shown - timedelta(days=shown.weekday()))
    week = [first + timedelta(days=n) for n in range(WEEK)]
    who = None
    if patient:
        who = person((await finding.standing(call.door.finding(call.actor), patient)).patient)
    w = call.w
    said = {"booked": w("The appointment is booked."), "moved": w("The appointment has another time."),
            "cancelled": w("The appointment is cancelled; its place is free again.")}  # fmt: skip
    return call.html(
        "reception/appointments.html",
        status,
        nav="appointments",
        place=place,
        room=room,
        rooms=place.rooms,
        day=shown,
        week=week,
        times=[
            SimpleNamespace(start=t.start, value=t.start.strftime(HOUR), free=t.free, taken=t.taken, past=t.start <= call.now)
            for t in times
        ],
        listed=listed,
        who=who,
        patient=patient,
        moving=next((x for x in listed if x.id == moving), None) if moving else None,
        move=moving,
        once=new_id(),
        error=error,
        reminds=bool(settings.channels),
        receives=call.actor.may(RECEIVE),
        before=max(today, shown - timedelta(days=WEEK)),
        after=shown + timedelta(days=WEEK),
        toast=said.get(call.query.get("done", ""), ""),
    )


async def _listed(call: Call, store: Store, room: Room, shown: date) -> list[SimpleNamespace]:
    found = await booking.of_room(store, room, shown)
    names = await persons(call.engine, store.scope, list({patient_key(booking.patient_of(b)) for b, _ in found}))
    states = {r["appointment"]: r for r in await call.engine.db.fetch(reminders.Q.of, [str(b["id"]) for b, _ in found])}
    out = []
    for body, version in found:
        id_ = booking.patient_of(body)
        known = names.get(patient_key(id_))
        out.append(
            SimpleNamespace(
                id=str(body["id"]),
                version=version,
                patient=id_,
                name=known[0].name if known else "",
                start=moment(body.get("start")),
                timed=booking.timed(body),
                status=str(body.get("status") or ""),
                open=body.get("status") in booking.OPEN,
                reason=next((str(r.get("text") or "") for r in body.get("reasonCode") or ()), ""),
                reminder=states.get(str(body["id"])),
            )
        )
    return out


def _start(call: Call) -> datetime | None:
    try:
        return datetime.strptime(call.field("start", 16), HOUR).replace(tzinfo=clock.HANOI)
    except ValueError:
        return None


def _asked(call: Call, room: Room, start: datetime) -> Asked:
    settings = TimesSettings.read()
    token = call.field("once", 64)
    return Asked(
        room,
        start,
        token if FHIR_ID.match(token) and len(token) <= 48 else new_id(),
        settings.minutes,
        settings.capacity,
        call.field("reason", 300),
        not call.field("silent", 2),
    )


def _back(room: Room, start: datetime | None, done: str, day_: str = "") -> str:
    shown = clock.local(start).date().isoformat() if start else day_
    return f"/appointments?room={room.id}&day={shown}&done={done}"


async def _said(call: Call, error: Exception) -> Response:
    w = call.w
    if isinstance(error, Taken):
        text = w("Somebody else has just taken the last place of this time. Choose another.")
    elif isinstance(error, NoTime):
        text = w("This time has passed, or the room is closed then. Choose another.")
    else:
        text = w("This appointment was changed in the meantime. Here it is as it is now.")
    return await _page(call, error=text, status=409)


@page(APPOINT, "HOPERAT")
async def book(call: Call) -> Response:
    place = await here(call)
    room, start, patient = _room(call, place), _start(call), _patient(call)
    if start is None or not patient:
        return await _page(call, error=call.w("Choose a patient and a time."), status=422)
    there = await finding.standing(call.door.finding(call.actor), patient)
    if not await knowing.open_for(call, there.id, "Đặt lịch hẹn khám cho người bệnh"):
        return await _page(call, error=call.w(knowing.CLOSED), status=403)
    store = await knowing.store_for(call, there.id)
    try:
        await booking.book(store, there.id, _asked(call, room, start), call.now)
    except (Taken, NoTime, Conflict, PreconditionFailed) as why:
        return await _said(call, why)
    return call.go(_back(room, start, "booked"))


@page(APPOINT, "HOPERAT")
async def move(call: Call) -> Response:
    place = await here(call)
    room, start, id_ = _room(call, place), _start(call), _appointment(call)
    if start is None:
        return await _page(call, error=call.w("Choose a time."), status=422)
    store = Store(call.engine, call.scope("appointments of a room"))
    try:
        await booking.move(store, id_, _asked(call, room, start), call.now)
    except (Taken, NoTime, Conflict, PreconditionFailed) as why:
        return await _said(call, why)
    return call.go(_back(room, start, "moved"))


@page(APPOINT, "HOPERAT")
async def cancel(call: Call) -> Response:
    place = await here(call)
    room, id_ = _room(call, place), _appointment(call)
    store = Store(call.engine, call.scope("appointments of a room"))
    try:
        await booking.cancel(store, id_, call.field("reason", 300))
    except (Conflict, PreconditionFailed) as why:
        return await _said(call, why)
    return call.go(_back(room, None, "cancelled", _day(call).isoformat()))


def _appointment(call: Call) -> str:
    given: str = call.request.path_params["appointment"]
    if not FHIR_ID.match(given):
        raise NotFound("There is no such appointment.")
    return given
