"""The theatre: the day's list by room, what waits to be put on it, and each operation with its pauses and its note."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from longbien.access.roles import Permission
from longbien.base import clock
from longbien.base.errors import Conflict, Invalid, NotFound
from longbien.base.ids import FHIR_ID, key64, new_id
from longbien.base.words import mark
from longbien.fhir import json
from longbien.fhir.systems import PLACE_KIND
from longbien.record.store import Store
from longbien.record.types import number
from longbien.web import departments
from longbien.web.chart import record as r
from longbien.web.desk import people, scoped
from longbien.web.entries import Writer
from longbien.web.page import Call, page, route
from longbien.web.pages.frame import frame
from longbien.web.pages.write import opened

from . import theatre_actions as act
from .discharge_actions import found
from .discharge_form import moment
from .discharge_read import stable
from .discharge_resources import SCT
from .discharge_view import Blank
from .theatre_actions import Q
from .theatre_rules import ANAESTHESIA, BY_KEY, CLASSES, STEPS, TEXTS, next_step, parse_booking, parse_note, step_errors

THEATRE = Permission(
    "theatre", mark("See the theatre’s list, go through the safety checklist"), frozenset({"nurse", "doctor", "head"})
)
OPERATE = Permission("operate", mark("Put operations on the list and write operation notes"), frozenset({"doctor", "head"}))
BOOKING = ("what", "theatre", "day", "time", "minutes", "surgeon", "anaesthetist", "urgent", "before", "order")
NOTE = (*TEXTS, "start_day", "start_time", "end_day", "end_time", "anaesthesia", "grade", "without")


async def theatres(call: Call) -> list[tuple[str, str]]:
    """(id, name) of the theatres of the reader's facility: Locations of kind theatre that it manages."""
    store = Store(call.engine, call.scope("theatres"))
    kind = ("type", f"{PLACE_KIND}|theatre")
    found = await store.search("Location", [kind, ("organization", f"Organization/{call.actor.organization}"), ("_count", "100")])
    places = [json.loads(e.body) for e in found.entries]
    return sorted(((str(p["id"]), str(p.get("name") or p["id"])) for p in places), key=lambda x: x[1])


async def surgeons(call: Call) -> list[tuple[str, str]]:
    """(Practitioner id, name) of the facility's doctors."""
    store = Store(call.engine, call.scope("staff"))
    asked = [
        ("organization", f"Organization/{call.actor.organization}"),
        ("role", "doctor,head"),
        ("active", "true"),
        ("_count", "300"),
    ]
    found = await store.search("PractitionerRole", asked)
    out = {}
    for e in found.entries:
        who = json.loads(e.body).get("practitioner") or {}
        out[r.reference_id(who)] = str(who.get("display") or "")
    return sorted(out.items(), key=lambda x: x[1].split()[-1:])


def _day(call: Call) -> date:
    try:
        return date.fromisoformat(call.query.get("day", ""))
    except ValueError:
        return clock.local(call.now).date()


async def _of_day(call: Call, rooms: list[tuple[str, str]], day: date) -> list[SimpleNamespace]:
    """The operations of a day with their patients and how far each has come."""
    start = datetime(day.year, day.month, day.day, tzinfo=clock.HANOI)
    scope = call.scope("theatre list")
    terms = [key64(f"Appointment.location|Location/{id_}") for id_, _ in rooms]
    sql, args = scoped(scope, Q.day, number("Appointment"), terms, start, start + timedelta(days=1))
    rows = await call.engine.db.fetch(sql, *args, search=True)
    bodies = [json.loads(b) for b in await call.engine.unpack_all([x["body"] for x in rows])]
    shown = [
        (row["pat"], a) for row, a in zip(rows, bodies, strict=True) if act.is_operation(a) and a.get("status") not in act.GONE
    ]
    who = await people(call.engine, scope, list({pat for pat, _ in shown}))
    ids = [str(a["id"]) for _, a in shown]
    pauses = await _known(call, scope, "QuestionnaireResponse", [stable("sc", i, s.key) for i in ids for s in STEPS])
    notes = await _known(call, scope, "Composition", [stable("surgery", i) for i in ids])
    out = []
    for pat, a in shown:
        if pat not in who or (when := act.span(a)) is None:
            continue
        done = {s.key for s in STEPS if pauses.get(stable("sc", str(a["id"]), s.key), {}).get("status") == "completed"}
        person, staff = who[pat][0], act.actors(a)
        out.append(
            SimpleNamespace(
                id=a["id"],
                patient=person.id,
                name=person.name,
                age=call.w.age(person.birth, day),
                sex=call.w.sex(person.sex),
                start=when[0],
                end=when[1],
                what=a.get("description") or "",
                room=act.place_of(a),
                surgeon=staff.get("PPRF", ("", ""))[1],
                urgent=a.get("priority") == 1,
                done=done,
                next=next_step(done),
                note=notes.get(stable("surgery", str(a["id"]))),
                late=when[0] < call.now and not done and a.get("status") == "booked",
            )
        )
    return out


async def _known(call: Call, scope: Any, type_: str, ids: list[str]) -> dict[str, dict[str, Any]]:
    if not ids or not scope.may_read(type_):
        return {}
    sql, args = scoped(scope, Q.known, number(type_), ids)
    rows = await call.engine.db.fetch(sql, *args, search=True)
    return {row["id"]: json.loads(b) for row, b in zip(rows, await call.engine.unpack_all([x["body"] for x in rows]), strict=True)}


async def _waiting(call: Call, booked: set[str]) -> list[SimpleNamespace]:
    """Procedures ordered here that are not on the list."""
    scope = call.scope("theatre list")
    if scope.org is None or not scope.may_read("ServiceRequest"):
        return []
    category, status = key64(f"ServiceRequest.category|{SCT}|387713003"), key64("ServiceRequest.status=active")
    sql, args = scoped(scope, Q.waiting, number("ServiceRequest"), category, status, scope.org)
    rows = await call.engine.db.fetch(sql, *args, search=True)
    bodies = [json.loads(b) for b in await call.engine.unpack_all([x["body"] for x in rows])]
    who = await people(call.engine, scope, list({x["pat"] for x in rows}))
    return [
        SimpleNamespace(
            id=o["id"],
            patient=who[row["pat"]][0].id,
            name=who[row["pat"]][0].name,
            what=r.concept(o.get("code"), call.lang),
            urgent=o.get("priority") in ("urgent", "asap", "stat"),
            since=r.moment(o.get("authoredOn")),
        )
        for row, o in zip(rows, bodies, strict=True)
        if row["pat"] in who and o["id"] not in booked
    ]


async def _booked(call: Call, rooms: list[tuple[str, str]]) -> set[str]:
    """Orders that stand on a list of the last days or of what is to come."""
    scope = call.scope("theatre list")
    terms = [key64(f"Appointment.location|Location/{id_}") for id_, _ in rooms]
    sql, args = scoped(scope, Q.day, number("Appointment"), terms, call.now - timedelta(days=30), call.now + timedelta(days=366))
    rows = await call.engine.db.fetch(sql, *args, search=True)
    bodies = [json.loads(b) for b in await call.engine.unpack_all([x["body"] for x in rows])]
    return {r.reference_id(x) for a in bodies if a.get("status") not in act.GONE for x in a.get("basedOn") or ()}


async def ahead(call: Call, shell: Any) -> dict[str, Any] | None:
    """Strip of an inpatient's chart: the operations of today and to come, and the way to the list."""
    here = shell["chart"].stay
    if here is None or not here.inpatient or here.place != (call.actor.organization or "") or not call.actor.may(THEATRE):
        return None
    store = Store(call.engine, call.scope(shell["reason"]))
    since = clock.local(call.now).replace(hour=0, minute=0, second=0, microsecond=0)
    asked = [
        ("patient", f"Patient/{shell['person'].id}"), ("service-category", f"{act.SERVICE}|theatre"),
        ("date", f"ge{since.isoformat()}"),
        ("status", "booked,arrived,fulfilled"), ("_sort", "date"), ("_count", "4"),
    ]  # fmt: skip
    found = [json.loads(e.body) for e in (await store.search("Appointment", asked)).entries]
    rows = [SimpleNamespace(id=a["id"], at=when[0], what=str(a.get("description") or "")) for a in found if (when := act.span(a))]
    return {"operations": rows, "may_book": call.actor.may(OPERATE)}


@page(THEATRE, "TREAT")
async def listed(call: Call) -> Response:
    """The list of a day, a column a theatre."""
    rooms, day = await theatres(call), _day(call)
    found = await _of_day(call, rooms, day)
    columns = [SimpleNamespace(id=i, name=n, rows=[x for x in found if x.room == i]) for i, n in rooms]
    today = clock.local(call.now).date()
    return call.html(
        "ward/theatre.html",
        nav="theatre",
        columns=columns,
        day=day,
        is_today=day == today,
        before=day - timedelta(days=1),
        after=day + timedelta(days=1),
        waiting=await _waiting(call, await _booked(call, rooms)),
        steps=STEPS,
        may_book=call.actor.may(OPERATE),
        toast=call.w("The operation is on the list.") if call.query.get("done") == "booked" else "",
    )


# --- putting an operation on the list


async def _form(call: Call, values: Mapping[str, str], errors: Mapping[str, str], refused: str = "", status: int = 200) -> Response:
    shell = await frame(call, call.request.path_params["id"], "operation")
    if isinstance(shell, Response):
        return shell
    if call.part:
        return call.html("ward/discharge-part.html", **shell)
    rooms, here = await theatres(call), clock.local(call.now)
    life = shell["life"]
    problem = next((p.name for p in life.problems if p.active), "")
    at = (here + timedelta(hours=1)).replace(minute=0)
    given = Blank(
        {
            "day": f"{at:%d/%m/%Y}",
            "time": f"{at:%H:%M}",
            "minutes": "60",
            "surgeon": call.actor.practitioner or "",
            "before": problem,
        }
    )
    given |= {k: v for k, v in values.items() if v}
    day = moment(given["day"], "12:00")
    taken = await _of_day(call, rooms, clock.local(day).date()) if day else []
    return call.html(
        "chart.html",
        status,
        **shell,
        middle="ward/theatre-book.html",
        values=Blank(given),
        errors=errors,
        refused=refused,
        rooms=rooms,
        surgeons=await surgeons(call),
        taken=taken,
        once=values.get("once") or new_id(),
    )


@page(OPERATE, "TREAT")
async def book_form(call: Call) -> Response:
    given = {}
    if FHIR_ID.match(order := call.query.get("order", "")):
        store = Store(call.engine, call.scope(await opened(call, call.request.path_params["id"])))
        asked = await found(store, "ServiceRequest", order)
        if asked is not None:
            given = {"order": order, "what": r.concept(asked.get("code")), "before": r.concept(asked.get("reasonCode"))}
            given["urgent"] = "1" if asked.get("priority") in ("urgent", "asap", "stat") else ""
    return await _form(call, given, {})


@page(OPERATE, "TREAT")
async def book(call: Call) -> Response:
    """Put it on the list: who comes second for a theatre and time is told."""
    patient = call.request.path_params["id"]
    reason = await opened(call, patient)
    store = Store(call.engine, call.scope(reason))
    values = {k: call.field(k, 500) for k in BOOKING}
    once = call.field("once", 48)
    once = once if FHIR_ID.match(once) else new_id()
    rooms, names = dict(await theatres(call)), dict(await surgeons(call))
    b, errors = parse_booking(values, call.now, set(rooms), call.w)
    if b.surgeon and b.surgeon not in names:
        errors["surgeon"] = call.w("Who operates?")
    if errors:
        return await _form(call, {**values, "once": once}, errors, status=422)
    order = values["order"] if FHIR_ID.match(values["order"]) else ""
    w = await _writer(call, patient, store)
    try:
        await act.book(store, b, once, order, rooms[b.theatre], names, w, call.now)
    except Conflict as why:
        return await _form(call, {**values, "once": once}, {"when": call.w(why.text)}, status=409)
    except Invalid as why:
        said = "; ".join(i.text for i in why.issues[:3])
        return await _form(call, {**values, "once": once}, {}, call.w("This cannot be recorded") + ": " + said, 422)
    return call.go(f"/theatre?day={clock.local(b.start):%Y-%m-%d}&done=booked")


async def _writer(call: Call, patient: str, store: Store) -> Writer:
    """Who writes, in the stay that runs."""
    asked = [("subject", f"Patient/{patient}"), ("status", "in-progress"), ("_sort", "-date")]
    running = [json.loads(e.body) for e in (await store.search("Encounter", asked)).entries]
    mine = next((e for e in running if r.reference_id(e.get("serviceProvider")) == call.actor.organization), None)
    actor = call.actor
    return Writer(patient, actor.practitioner or "", actor.name, actor.organization or "", str(mine["id"]) if mine else "")


# --- one operation


async def _operation(call: Call, store: Store) -> act.Operation:
    op = await act.operation(store, call.request.path_params["op"])
    patients = {r.reference_id(p.get("actor")) for p in (op.appointment.get("participant") or ())} if op else set()
    if op is None or call.request.path_params["id"] not in patients:
        raise NotFound("There is no such operation.")
    return op


async def _show(
    call: Call, values: Mapping[str, str], errors: Mapping[str, str], refused: str = "", status: int = 200, step: str = ""
) -> Response:
    shell = await frame(call, call.request.path_params["id"], "operation")
    if isinstance(shell, Response):
        return shell
    if call.part:
        return call.html("ward/discharge-part.html", **shell)
    op = await _operation(call, Store(call.engine, call.scope(shell["reason"])))
    when = act.span(op.appointment)
    given = Blank(_note_values(op, when))
    given |= {k: v for k, v in values.items() if v}
    text = {
        "checked": call.w("The pause is recorded."),
        "written": call.w("The operation note is written. It waits for a signature."),
        "moved": call.w("Moved."),
    }.get(call.query.get("done", ""), "")
    return call.html(
        "chart.html",
        status,
        **{**shell, "toast": text},
        middle="ward/theatre-operation.html",
        op=op,
        when=when,
        steps=STEPS,
        errors=errors,
        refused=refused,
        step=step or call.query.get("step") or next_step(op.done),
        answered={k: _answers(x) for k, x in op.pauses.items()},
        typed=Blank(values if step else {}),
        values=Blank(given),
        staff=act.actors(op.appointment),
        rooms=await theatres(call),
        classes=[(k, call.w(m)) for k, (_, m) in CLASSES.items()],
        ways=[(k, call.w(m)) for k, (_, m) in ANAESTHESIA.items()],
        parsed=r.moment,
        may_write=call.actor.may(OPERATE),
        complete=not next_step(op.done),
        allergies=shell["life"].allergies,
        prints=any(getattr(x, "path", "").startswith("/papers/") for d in departments.HOUSE for x in d.routes),
    )


def _note_values(op: act.Operation, when: tuple[datetime, datetime] | None) -> dict[str, str]:
    """The note's fields before anybody types: as planned, or as written last."""
    out = {"anaesthesia": "1", "before": str(op.appointment.get("comment") or "").strip("–"), "method": op.what}
    period = (op.procedure or {}).get("performedPeriod") or {}
    start, end = r.moment(period.get("start")), r.moment(period.get("end"))
    start, end = (start, end) if start and end else when or (None, None)
    if start and end:
        a, b = clock.local(start), clock.local(end)
        out |= {"start_day": f"{a:%d/%m/%Y}", "start_time": f"{a:%H:%M}", "end_day": f"{b:%d/%m/%Y}", "end_time": f"{b:%H:%M}"}
    return out


def _answers(x: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """item -> (answer, remark)."""
    out = {}
    for i in x.get("item") or ():
        given = i.get("answer") or ()
        code = next((str(r.first(a, "valueCoding", "code")) for a in given if "valueCoding" in a), "")
        out[str(i.get("linkId"))] = (code, next((str(a["valueString"]) for a in given if "valueString" in a), ""))
    return out


@page(THEATRE, "TREAT")
async def operation(call: Call) -> Response:
    return await _show(call, {}, {})


@page(THEATRE, "TREAT")
async def check(call: Call) -> Response:
    """Complete one of the three pauses."""
    patient, step = call.request.path_params["id"], call.request.path_params["step"]
    if step not in BY_KEY:
        raise NotFound("There is no such step.")
    store = Store(call.engine, call.scope(await opened(call, patient)))
    op = await _operation(call, store)
    answers = {a.key: call.field(f"a.{a.key}", 5) for a in BY_KEY[step].asks}
    remarks = {a.key: call.field(f"r.{a.key}", 500) for a in BY_KEY[step].asks}
    errors = {k: call.w(v) for k, v in step_errors(BY_KEY[step], answers, remarks, op.done).items()}
    typed = {**{f"a.{k}": v for k, v in answers.items()}, **{f"r.{k}": v for k, v in remarks.items()}}
    if errors:
        return await _show(call, typed, errors, errors.get("step", ""), 422, step)
    w = Writer(patient, call.actor.practitioner or "", call.actor.name, call.actor.organization or "")
    try:
        await act.check(store, op, step, answers, remarks, w, call.now)
    except Conflict as why:
        return await _show(call, typed, {}, call.w(why.text), 409, step)
    return call.go(f"/patients/{patient}/operation/{op.id}?done=checked")


@page(OPERATE, "TREAT")
async def note(call: Call) -> Response:
    """Write the operation note."""
    patient = call.request.path_params["id"]
    store = Store(call.engine, call.scope(await opened(call, patient)))
    op = await _operation(call, store)
    values = {k: call.field(k, 8000) for k in NOTE}
    n, errors = parse_note(values, call.now, op.done, call.w)
    if errors:
        return await _show(call, values, errors, status=422)
    w = Writer(patient, call.actor.practitioner or "", call.actor.name, call.actor.organization or "")
    try:
        await act.write(store, op, n, w)
    except Conflict as why:
        return await _show(call, values, {}, call.w(why.text), 409)
    except Invalid as why:
        return await _show(
            call, values, {}, call.w("This cannot be recorded") + ": " + "; ".join(i.text for i in why.issues[:3]), 422
        )
    return call.go(f"/patients/{patient}/operation/{op.id}?done=written")


@page(OPERATE, "TREAT")
async def change(call: Call) -> Response:
    """Move an operation to another time or theatre, or take it off the list."""
    patient = call.request.path_params["id"]
    store = Store(call.engine, call.scope(await opened(call, patient)))
    op = await _operation(call, store)
    if call.field("act", 10) == "cancel":
        if not (why := call.field("why", 300)):
            return await _show(call, {}, {"why": call.w("Why is it taken off the list?")}, status=422)
        await act.cancel(store, op, why)
        return call.go("/theatre")
    start, rooms = moment(call.field("day", 12), call.field("time", 8)), dict(await theatres(call))
    if start is None or call.field("theatre", 64) not in rooms:
        return await _show(call, {}, {"move": call.w("Choose a theatre, a day and a time.")}, status=422)
    try:
        await act.move(store, op, start, call.field("theatre", 64), rooms[call.field("theatre", 64)])
    except Conflict as why:
        return await _show(call, {}, {"move": call.w(why.text)}, status=409)
    return call.go(f"/patients/{patient}/operation/{op.id}?done=moved")


ROUTES = [
    route("/theatre", listed),
    route("/patients/{id}/operation", book_form),
    route("/patients/{id}/operation", book, ["POST"]),
    route("/patients/{id}/operation/{op}", operation),
    route("/patients/{id}/operation/{op}/check/{step}", check, ["POST"]),
    route("/patients/{id}/operation/{op}/note", note, ["POST"]),
    route("/patients/{id}/operation/{op}/change", change, ["POST"]),
]
