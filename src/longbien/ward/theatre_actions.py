"""What staff do with a theatre: put an operation on the list, go through the three pauses, write what was done. And what must be
true at the commit: one operation per theatre and time."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from longbien.base import clock
from longbien.base.errors import Conflict, PreconditionFailed
from longbien.base.ids import key64
from longbien.base.sql import queries
from longbien.base.words import mark
from longbien.fhir import json
from longbien.fhir import systems as s
from longbien.record.change import Change, Create, Guarded, Update
from longbien.record.store import Store
from longbien.record.types import number
from longbien.web.chart import record as r
from longbien.web.entries import Writer

from .discharge_actions import TAKEN, found
from .discharge_compose import html_of
from .discharge_read import PAPER, stable, version
from .discharge_resources import SCT, author, concept
from .theatre_rules import ANAESTHESIA, BY_KEY, CLASSES, LONGEST, STEPS, Booking, Note, overlaps

Q = queries(__file__, "sql/theatre.sql")
Resource = dict[str, Any]
SERVICE = s.BASE + "/CodeSystem/appointment-category"
QUESTIONNAIRE = s.BASE + "/Questionnaire/surgical-safety-"
TAKEN_THEATRE = "theatre-taken"
"""Code of the Conflict that says that another operation has the theatre then."""
BUSY = mark("Another operation has this theatre at that time. Choose another time or another theatre.")
GONE = frozenset({"cancelled", "noshow", "entered-in-error", "waitlist", "proposed"})


def is_operation(appointment: Mapping[str, Any]) -> bool:
    return any(r.code_of(c, SERVICE) == "theatre" for c in appointment.get("serviceCategory") or ())


def place_of(appointment: Mapping[str, Any]) -> str:
    """The theatre: the participant that is a Location."""
    for p in appointment.get("participant") or ():
        reference = str(r.first(p, "actor", "reference") or "")
        if reference.startswith("Location/"):
            return reference.removeprefix("Location/")
    return ""


def span(appointment: Mapping[str, Any]) -> tuple[datetime, datetime] | None:
    start, end = r.moment(appointment.get("start")), r.moment(appointment.get("end"))
    return (start, end) if start and end else None


async def one_at_a_time(engine: Any, scope: Any, change: Guarded, connection: Any) -> Resource | None:
    """Guard of Appointment: a theatre holds one operation at a time, whoever writes: the pages, an app, an import."""
    made = change.resource
    if made is None or made.get("status") in GONE or not is_operation(made):
        return made
    place, when = place_of(made), span(made)
    if not place or when is None:
        return made
    await connection.execute(Q.one_at_a_time, key64(f"theatre/{place}"))
    term = key64(f"Appointment.location|Location/{place}")
    rows = await connection.fetch(Q.booked, number("Appointment"), term, when[0] - LONGEST, when[1], change.rid)
    for row in rows:
        other: Resource = json.loads(await engine.unpack(row["body"]))
        theirs = span(other)
        if other.get("status") not in GONE and is_operation(other) and theirs is not None and overlaps(when, theirs):
            raise Conflict(f"Location/{place} is taken by another operation then.", code=TAKEN_THEATRE)
    return made


@dataclass(slots=True)
class Operation:
    """One entry of the list, as read: the appointment, its order, the pauses done, what was written."""

    appointment: Resource
    order: Resource | None
    pauses: dict[str, Resource]
    procedure: Resource | None
    note: Resource | None

    @property
    def id(self) -> str:
        return str(self.appointment["id"])

    @property
    def done(self) -> set[str]:
        return {k for k, x in self.pauses.items() if x.get("status") == "completed"}

    @property
    def what(self) -> str:
        return str(self.appointment.get("description") or "")


def actors(appointment: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """role -> (Practitioner id, name)."""
    out = {}
    for p in appointment.get("participant") or ():
        code = r.code_of(p.get("type"))
        if str(r.first(p, "actor", "reference") or "").startswith("Practitioner/") and code:
            out[code] = (r.reference_id(p.get("actor")), str(r.first(p, "actor", "display") or ""))
    return out


def _person(id_: str, display: str, code: str, words: str) -> Resource:
    kind = concept(s.PARTICIPATION, code, words)
    return {"type": [kind], "actor": {"reference": f"Practitioner/{id_}", "display": display}, "status": "accepted"}


def booking(b: Booking, id_: str, order: str, place: str, names: Mapping[str, str], w: Writer, now: datetime) -> Resource:
    """The Appointment of an operation. `place`: the theatre's name; `names`: Practitioner id -> name."""
    people = [_person(b.surgeon, names.get(b.surgeon, ""), "PPRF", "primary performer")]
    if b.anaesthetist:
        people.append(_person(b.anaesthetist, names.get(b.anaesthetist, ""), "SPRF", "secondary performer"))
    return {
        "resourceType": "Appointment",
        "id": id_,
        "status": "booked",
        "serviceCategory": [concept(SERVICE, "theatre", "Theatre", "Phẫu thuật")],
        "priority": 1 if b.urgent else 5,
        "description": b.what,
        "start": clock.instant(b.start),
        "end": clock.instant(b.end),
        "minutesDuration": b.minutes,
        "created": clock.instant(now),
        "comment": b.before or "–",
        "basedOn": [{"reference": f"ServiceRequest/{order}"}],
        "participant": [
            {"actor": {"reference": f"Patient/{w.patient}"}, "status": "accepted"},
            {"actor": {"reference": f"Location/{b.theatre}", "display": place}, "status": "accepted"},
            *people,
        ],
    }


def ordered(b: Booking, id_: str, w: Writer, now: datetime) -> Resource:
    """The order of an operation that nobody had ordered yet."""
    out: Resource = {
        "resourceType": "ServiceRequest",
        "id": id_,
        "status": "active",
        "intent": "order",
        "category": [concept(SCT, "387713003", "Surgical procedure", "Phẫu thuật, thủ thuật")],
        "priority": "urgent" if b.urgent else "routine",
        "code": {"text": b.what},
        "subject": {"reference": f"Patient/{w.patient}"},
        "authoredOn": clock.instant(now),
        "requester": author(w),
    }
    if b.before:
        out["reasonCode"] = [{"text": b.before}]
    if w.encounter:
        out["encounter"] = {"reference": f"Encounter/{w.encounter}"}
    return out


async def book(
    store: Store, b: Booking, once: str, order: str, place: str, names: Mapping[str, str], w: Writer, now: datetime
) -> str:
    """Put it on the list; gives the Appointment's id. `once`: the form's token: twice is once. Raises Conflict (theatre-taken)."""
    changes: list[Change] = []
    if not order:
        made = ordered(b, stable("or", once), w, now)
        order = str(made["id"])
        changes.append(Create(made, id=order))
    appointment = booking(b, stable("op", once), order, place, names, w, now)
    changes.append(Create(appointment, id=appointment["id"]))
    try:
        await store.commit(changes)
    except Conflict as why:
        if why.code == TAKEN_THEATRE:
            raise Conflict(BUSY, code=TAKEN_THEATRE) from why
        if await found(store, "Appointment", appointment["id"]) is None:
            raise
    return str(appointment["id"])


async def move(store: Store, op: Operation, start: datetime, theatre: str, place: str) -> None:
    """To another time or theatre. Raises Conflict."""
    made = deepcopy(op.appointment)
    minutes = int(made.get("minutesDuration") or 60)
    made |= {"start": clock.instant(start), "end": clock.instant(start + timedelta(minutes=minutes))}
    for p in made["participant"]:
        if str(r.first(p, "actor", "reference") or "").startswith("Location/"):
            p["actor"] = {"reference": f"Location/{theatre}", "display": place}
    await _put(store, made, op.appointment)


async def cancel(store: Store, op: Operation, why: str) -> None:
    await _put(store, {**op.appointment, "status": "cancelled", "cancelationReason": {"text": why}}, op.appointment)


async def _put(store: Store, made: Resource, before: Resource) -> None:
    try:
        await store.commit([Update(made, if_match=version(before))])
    except (PreconditionFailed, Conflict) as why:
        raise Conflict(BUSY if why.code == TAKEN_THEATRE else TAKEN) from why


async def operation(store: Store, id_: str) -> Operation | None:
    """One entry with all that belongs to it. None where there is none that the reader may see."""
    appointment = await found(store, "Appointment", id_)
    if appointment is None or not is_operation(appointment):
        return None
    order = next((r.reference_id(x) for x in appointment.get("basedOn") or ()), "")
    pauses = {}
    for step in STEPS:
        if (x := await found(store, "QuestionnaireResponse", stable("sc", id_, step.key))) is not None:
            pauses[step.key] = x
    return Operation(
        appointment, await found(store, "ServiceRequest", order) if order else None, pauses,
        await found(store, "Procedure", stable("pr", id_)), await found(store, "Composition", stable("surgery", id_)),
    )  # fmt: skip


def pause(op: Operation, step: str, answers: Mapping[str, str], remarks: Mapping[str, str], w: Writer, now: datetime) -> Resource:
    """One pause as a QuestionnaireResponse: each item yes, no or does not apply, a remark where there is one."""
    items = []
    for a in BY_KEY[step].asks:
        answer: list[Resource] = [{"valueCoding": {"system": QUESTIONNAIRE + "answer", "code": answers[a.key]}}]
        if remark := remarks.get(a.key, "").strip():
            answer.append({"valueString": remark[:500]})
        items.append({"linkId": a.key, "text": a.vi, "answer": answer})
    out: Resource = {
        "resourceType": "QuestionnaireResponse",
        "id": stable("sc", op.id, step),
        "questionnaire": QUESTIONNAIRE + step,
        "status": "completed",
        "subject": {"reference": f"Patient/{w.patient}"},
        "authored": clock.instant(now),
        "author": author(w),
        "item": items,
    }
    if op.order is not None:
        out["basedOn"] = [{"reference": f"ServiceRequest/{op.order['id']}"}]
        if op.order.get("encounter"):
            out["encounter"] = op.order["encounter"]
    return out


async def check(
    store: Store, op: Operation, step: str, answers: Mapping[str, str], remarks: Mapping[str, str], w: Writer, now: datetime
) -> None:
    """Complete one pause. Raises Conflict where somebody else has."""
    made = pause(op, step, answers, remarks, w, now)
    before = op.pauses.get(step)
    try:
        await store.commit([Update(made, if_match=version(before)) if before else Create(made, id=made["id"])])
    except (PreconditionFailed, Conflict) as why:
        raise Conflict(TAKEN) from why


def procedure(op: Operation, n: Note, w: Writer) -> Resource:
    people = actors(op.appointment)
    performers = [
        {
            "function": concept(s.PARTICIPATION, code, words),
            "actor": {"reference": f"Practitioner/{people[code][0]}", "display": people[code][1]},
        }
        for code, words in (("PPRF", "primary performer"), ("SPRF", "secondary performer"))
        if code in people
    ]
    order = op.order or {}
    out: Resource = {
        "resourceType": "Procedure",
        "id": stable("pr", op.id),
        "status": "completed",
        "category": concept(SCT, "387713003", "Surgical procedure", "Phẫu thuật, thủ thuật"),
        "code": order.get("code") or {"text": op.what},
        "subject": {"reference": f"Patient/{w.patient}"},
        "performedPeriod": {"start": clock.instant(n.start), "end": clock.instant(n.end)},
        "recorder": author(w),
        "performer": performers,
        "location": {"reference": f"Location/{place_of(op.appointment)}"},
        "note": [{"text": x} for x in (n.texts["method"], n.texts["steps"]) if x],
    }
    if order:
        out["basedOn"] = [{"reference": f"ServiceRequest/{order['id']}"}]
        if order.get("encounter"):
            out["encounter"] = order["encounter"]
    if n.texts["before"]:
        out["reasonCode"] = [{"text": n.texts["before"]}]
    if n.texts["complications"]:
        out["complication"] = [{"text": n.texts["complications"]}]
    return out


def paper(op: Operation, n: Note, w: Writer) -> Resource:
    """The operation note as the records room prints it: sections by the codes of its table."""
    people = actors(op.appointment)
    start, end = clock.local(n.start), clock.local(n.end)
    t = n.texts
    when = f"{start:%H} giờ {start:%M} phút, ngày {start:%d} tháng {start:%m} năm {start:%Y} (xong {end:%H} giờ {end:%M} phút)"
    lines = [
        ("when", "Phẫu thuật, thủ thuật lúc", when), ("before", "Chẩn đoán trước phẫu thuật", t["before"]),
        ("after", "Chẩn đoán sau phẫu thuật", t["after"]), ("method", "Phương pháp phẫu thuật", t["method"]),
        ("class", "Loại phẫu thuật", CLASSES[n.grade][0]), ("anaesthesia", "Phương pháp vô cảm", ANAESTHESIA[n.anaesthesia][0]),
        ("surgeon", "Bác sĩ phẫu thuật", people.get("PPRF", ("", ""))[1]),
        ("anaesthetist", "Bác sĩ gây mê hồi sức", people.get("SPRF", ("", ""))[1]), ("steps", "Trình tự phẫu thuật", t["steps"]),
        ("drain", "Dẫn lưu", "; ".join(x for x in (t["drain"], t["packing"] and f"bấc: {t['packing']}") if x)),
        ("drain-out", "Ngày rút", t["drain_out"]), ("stitches-out", "Ngày cắt chỉ", t["stitches_out"]),
        ("blood", "Lượng máu mất", t["blood"]), ("complications", "Tai biến, biến chứng", t["complications"]),
        ("other", "Khác", "\n".join(x for x in (t["other"], n.without and f"Bảng kiểm an toàn chưa đủ: {n.without}") if x)),
    ]  # fmt: skip
    out: Resource = {
        "resourceType": "Composition",
        "id": stable("surgery", op.id),
        "status": "preliminary",
        "type": concept(PAPER, "surgery", "Phiếu phẫu thuật, thủ thuật"),
        "subject": {"reference": f"Patient/{w.patient}"},
        "date": clock.instant(n.end),
        "author": [author(w)],
        "title": "Phiếu phẫu thuật, thủ thuật",
        "event": [{"period": {"start": clock.instant(n.start), "end": clock.instant(n.end)}}],
        "section": [
            {"title": title, "code": {"coding": [{"system": PAPER, "code": c}]}, "text": {"status": "generated", "div": html_of(x)}}
            for c, title, x in lines
            if x
        ],
        "custodian": {"reference": f"Organization/{w.organization}"},
    }
    if op.order is not None and op.order.get("encounter"):
        out["encounter"] = op.order["encounter"]
    return out


async def write(store: Store, op: Operation, n: Note, w: Writer) -> None:
    """What was done, all of it or nothing: Procedure, the paper, the order completed, the appointment fulfilled. Written again it
    replaces the earlier note as a new version, until it is signed. Raises Conflict."""
    if op.note is not None and op.note.get("status") in ("final", "amended"):
        raise Conflict(SIGNED)
    changes: list[Change] = []
    for made, before in ((procedure(op, n, w), op.procedure), (paper(op, n, w), op.note)):
        changes.append(Update(made, if_match=version(before)) if before else Create(made, id=made["id"]))
    if op.order is not None and op.order.get("status") == "active":
        changes.append(Update({**op.order, "status": "completed"}, if_match=version(op.order)))
    if op.appointment.get("status") != "fulfilled":
        changes.append(Update({**op.appointment, "status": "fulfilled"}, if_match=version(op.appointment)))
    try:
        await store.commit(changes)
    except (PreconditionFailed, Conflict) as why:
        raise Conflict(TAKEN) from why


SIGNED = mark("The operation note is signed. A correction is an addendum to it.")
