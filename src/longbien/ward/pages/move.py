"""Coming in and moving: the pages where a bed is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import msgspec
from starlette.responses import Response

from longbien.base import clock
from longbien.base.errors import Conflict, Invalid, LongbienError, NotFound, PreconditionFailed
from longbien.base.ids import FHIR_ID, new_id
from longbien.record.store import Store
from longbien.web.chart import record as r
from longbien.web.desk import people, visits
from longbien.web.page import Call, page
from longbien.web.pages.search import address

from .. import beds, codes, rules
from ..board import Card, build, isolated
from ..places import Bed, Ward
from ..reads import Lying, WardNow, ward_now
from .at import BEDS, at, moment, once, opened, store

_decode = msgspec.json.Decoder().decode


def choices(found: WardNow, who: Lying | None, sex: str, call: Call) -> list[SimpleNamespace]:
    """The beds of a ward that may be taken, by room: what speaks against each, and which is the best."""
    view = build(found, call.now, call.w, call.lang)
    alone = isolated(who) if who else ""
    out = []
    for room in view.rooms:
        free = [c for c in room.cards if c.state in ("free", "cleaning") or (c.state == "reserved" and c.waits is not None)]
        if free:
            out.append(
                SimpleNamespace(name=room.name, sex=room.sex, beds=[_choice(c, room.cards, who, sex, alone, call) for c in free])
            )
    return out


def _choice(card: Card, room: list[Card], who: Lying | None, sex: str, alone: str, call: Call) -> SimpleNamespace:
    w = call.w
    kept = card.waits if card.waits is not None and (who is None or card.waits.stay["id"] != who.stay["id"]) else None
    against = []
    others = {c.lies.person.sex for c in room if c.lies and (who is None or c.lies is not who)}
    if card.bed.sex and sex and card.bed.sex != sex:
        against.append(w("a room for women") if card.bed.sex == "female" else w("a room for men"))
    elif sex and others and others != {sex}:
        against.append(w("men lie in this room") if sex == "female" else w("women lie in this room"))
    if alone and others:
        against.append(w("others lie in this room"))
    elif any(c.lies and (who is None or c.lies is not who) and isolated(c.lies) for c in room):
        against.append(w("somebody isolated lies in this room"))
    if card.state == "cleaning":
        against.append(w("being cleaned"))
    return SimpleNamespace(
        bed=card.bed, against=against, kept=kept, taken=kept is not None, ours=card.waits is not None and not kept
    )


async def _stay(call: Call, id_: str) -> tuple[Store, int, Mapping[str, Any]]:
    """The visit that is asked about. Raises NotFound."""
    if not FHIR_ID.match(id_):
        raise NotFound("There is no such stay.")
    made = store(call, "moving between beds")
    stored = await made.read("Encounter", id_)
    stay = _decode(stored.body)
    if stay.get("status") not in rules.OPEN:
        raise NotFound("This stay is over.")
    return made, stored.version, stay


async def _shown(call: Call, id_: str, wanted: str, *, status: int = 200, said: str = "", wrong: str = "") -> Response:
    """The page of a move: where the patient lies, which beds are free. said: what went wrong as a whole; wrong: with the time."""
    made, version, stay = await _stay(call, id_)
    person = r.person(_decode((await made.read("Patient", r.reference_id(stay.get("subject")))).body))
    known = await at(call, wanted)
    own = known.places.beds.get(rules.lies(stay)[0])
    ward = known.places.wards[own.ward] if own is not None and not wanted else known.here
    scope = call.scope("moving between beds")
    found = await ward_now(call.engine, scope, ward, call.now)
    before = (
        found if own is None or own.ward == ward.id else await ward_now(call.engine, scope, known.places.wards[own.ward], call.now)
    )
    who = before.lying.get(id_)
    given = {k: call.field(k, 64) for k in ("bed", "taken")} if call.form is not None else {}
    return call.html(
        "ward/move.html", status, nav="ward", ward=ward, wards=list(known.places.wards.values()), who=person, stay=stay,
        from_bed=own, since=rules.lies(stay)[1], version=version, rooms=choices(found, who, person.sex, call), said=said,
        wrong=wrong, given=given, alone=isolated(who) if who else "",
    )  # fmt: skip


@page(BEDS, "TREAT")
async def move(call: Call) -> Response:
    return await _shown(call, call.query.get("stay", ""), call.query.get("ward", ""))


@page(BEDS, "TREAT")
async def moved(call: Call) -> Response:
    """Move somebody; or keep a bed for them (act=keep); or lay who was promised one into it."""
    w, id_ = call.w, call.field("stay", 64)
    made, version, stay = await _stay(call, id_)
    known = await at(call, call.field("ward", 64))
    bed = known.places.beds.get(call.field("bed", 64))
    if bed is None:
        return await _shown(call, id_, known.here.id, status=422, said=w("Choose a bed."))
    when = moment(call, call.field("taken", 40))
    if when is None:
        return await _shown(
            call, id_, known.here.id, status=422, wrong=w("A time that has passed, for example 06:10 or 23/11 06:10.")
        )
    seen = call.field("version", 9)
    if seen.isdigit() and int(seen) != version:
        return await _shown(
            call, id_, known.here.id, status=409, said=w("Somebody else has changed this stay meanwhile. Look again.")
        )
    ward = known.places.wards[bed.ward]
    try:
        if call.field("act", 8) == "keep":
            await beds.keep(made, (version, stay), bed, ward, when)
        else:
            await beds.transfer(made, (version, stay), bed, ward, when, call.now)
    except (Conflict, PreconditionFailed, Invalid) as error:
        said, wrong = refused(error, bed, call)
        return await _shown(call, id_, known.here.id, status=409 if isinstance(error, Conflict) else 422, said=said, wrong=wrong)
    if known.places.beds.get(rules.lies(stay)[0]) is not None:
        beds.tell(made, known.places.wards[known.places.beds[rules.lies(stay)[0]].ward])
    act = "kept" if call.field("act", 8) == "keep" else "moved"
    return call.go(f"/ward?ward={ward.id}&done={act}#bed-{bed.id}")


def refused(error: LongbienError, bed: Bed, call: Call) -> tuple[str, str]:
    """(as a whole, beside the time) what went wrong, in the reader's words."""
    w = call.w
    if error.code == beds.TAKEN:
        return w("Bed %(bed)s has just been taken by somebody else. These are free:", bed=bed.label), ""
    if error.code == "future":
        return "", w("A time that has passed, for example 06:10 or 23/11 06:10.")
    if error.code == "before":
        return "", w("The patient came, or was moved, later than that.")
    if error.code == "same":
        return w("The patient lies in that bed already."), ""
    if isinstance(error, PreconditionFailed):
        return w("Somebody else has changed this stay meanwhile. Look again."), ""
    return w("This cannot be recorded") + ": " + "; ".join(w(i.text) for i in error.issues[:3]), ""


# --- admission


@page(BEDS, "TREAT")
async def waiting(call: Call) -> Response:
    """Who may be admitted: the emergency room's and the clinics' patients of now, and who has a bed kept."""
    known = await at(call)
    scope = call.scope("admission")
    start = clock.local(call.now).replace(hour=0, minute=0, second=0, microsecond=0)
    found = [x for x in await visits(call.engine, scope, start, call.lang) if x[3] and not x[1].inpatient]
    found.sort(key=lambda x: (x[1].kind != "EMER", x[1].start))
    persons = await people(call.engine, scope, [x[0] for x in found])
    rows = [
        SimpleNamespace(who=persons[pat][0], visit=visit, kept=known.places.beds.get(rules.promised(body)[0]), id=str(body["id"]))
        for pat, visit, body, _ in found[:100]
        if pat in persons
    ]
    return call.html("ward/waiting.html", nav="ward", ward=known.ward, rows=rows, address=lambda id_: address(call, id_))


async def doctors(call: Call, ward: Ward) -> list[tuple[str, str]]:
    """(practitioner id, name) of the doctors who work in a ward."""
    made = store(call, "the ward's doctors")
    if not made.scope.may_search("PractitionerRole"):
        return []
    roles = await made.search("PractitionerRole", [("location", f"Location/{ward.id}"), ("active", "true"), ("_count", "100")])
    found = [_decode(e.body) for e in roles.entries]
    named = [x for x in found if r.code_of(x.get("code")) in ("doctor", "head")]
    return sorted((r.reference_id(x.get("practitioner")), str(r.first(x, "practitioner", "display") or "")) for x in named)


async def _visit_before(call: Call, made: Store, patient: str) -> tuple[int, Mapping[str, Any]] | None:
    """The visit that an admission follows: one at this facility that runs, the emergency room's first."""
    asked = [("patient", f"Patient/{patient}"), ("status", "arrived,triaged,in-progress"), ("_count", "20")]
    found = await made.search("Encounter", asked)
    bodies = [(e.version, _decode(e.body)) for e in found.entries]
    here = [x for x in bodies if r.reference_id(x[1].get("serviceProvider")) == call.actor.organization]
    return next(iter(sorted(here, key=lambda x: (rules.inpatient(x[1]), r.first(x[1], "class", "code") != "EMER"))), None)


async def _form(call: Call, patient: str, *, status: int = 200, errors: dict[str, str] | None = None, said: str = "") -> Response:
    reason = await opened(call, patient)
    made = Store(call.engine, call.scope(reason))
    person = r.person(_decode((await made.read("Patient", patient)).body))
    before = await _visit_before(call, made, patient)
    if before is not None and rules.inpatient(before[1]) and rules.lies(before[1])[0]:
        return call.go(f"/ward/move?stay={before[1]['id']}")
    typed = call.form is not None
    known = await at(call, call.field("ward", 64) if typed else "")
    found = await ward_now(call.engine, call.scope(reason), known.here, call.now)
    who = found.lying.get(str(before[1]["id"])) if before else None
    values = {k: call.field(k) for k in ("bed", "taken", "reason", "doctor")}
    if not typed:
        values |= {"bed": call.query.get("bed", "") or (rules.promised(before[1])[0] if before else "")}
        values |= {"reason": r.concept(before[1].get("reasonCode"), call.lang) if before else ""}
    kind = r.first(before[1], "class", "code") if before else ""
    return call.html(
        "ward/admit.html", status, nav="ward", ward=known.here, wards=list(known.places.wards.values()), who=person,
        rooms=choices(found, who, person.sex, call), doctors=await doctors(call, known.here), values=values, errors=errors or {},
        said=said, once=once(call) if typed else new_id(), before=before[1] if before else None, emergency=kind == "EMER",
    )  # fmt: skip


@page(BEDS, "TREAT")
async def admission(call: Call) -> Response:
    return await _form(call, call.request.path_params["id"])


@page(BEDS, "TREAT")
async def admit(call: Call) -> Response:
    w, patient = call.w, call.request.path_params["id"]
    reason = await opened(call, patient)
    made = Store(call.engine, call.scope(reason))
    known = await at(call, call.field("ward", 64))
    if call.field("act", 8) == "look":  # another ward was chosen: the same form, its beds
        return await _form(call, patient)
    bed, when, errors = known.places.beds.get(call.field("bed", 64)), moment(call, call.field("taken", 40)), dict[str, str]()
    before = await _visit_before(call, made, patient)
    if bed is None or bed.ward != known.here.id:
        errors["bed"] = w("Choose a bed.")
    if when is None:
        errors["taken"] = w("A time that has passed, for example 06:10 or 23/11 06:10.")
    elif before is not None and rules.wrong_time(before[1], when, call.now) == "before":
        errors["taken"] = w("The patient came to the visit before later than that.")
    why = call.field("reason", 500)
    if not why:
        errors["reason"] = w("Say why the patient is admitted.")
    if errors or bed is None or when is None:
        return await _form(call, patient, status=422, errors=errors)
    doctor = next((d for d in await doctors(call, known.here) if d[0] == call.field("doctor", 64)), None)
    said = beds.Admission(
        patient, bed, known.here, when, why,
        {"reference": f"Practitioner/{doctor[0]}", "display": doctor[1]} if doctor else None,
        before, await _order(made, patient), _source(before),
    )  # fmt: skip
    id_ = once(call)
    facility = {"reference": f"Organization/{call.actor.organization}"}
    try:
        await beds.admit(made, said, id_, facility)
    except Conflict as error:
        if error.code == beds.TAKEN:
            return await _form(call, patient, status=409, said=refused(error, bed, call)[0])
        # the same form sent twice: it is written already
    except (PreconditionFailed, Invalid) as error:
        return await _form(call, patient, status=422, said=refused(error, bed, call)[0])
    return call.go(f"/ward?ward={known.here.id}&done=admitted#bed-{bed.id}")


def _source(before: tuple[int, Mapping[str, Any]] | None) -> str:
    """Hospitalization.admitSource, as the demo city and the forms call it."""
    kind = r.first(before[1], "class", "code") if before else ""
    return {"EMER": "Khoa Cấp cứu", "AMB": "Khoa Khám bệnh"}.get(str(kind or ""), "")


async def _order(made: Store, patient: str) -> tuple[int, Mapping[str, Any]] | None:
    """The order of admission that waits, if there is one."""
    if not made.scope.may_search("ServiceRequest") or not made.scope.may("update", "ServiceRequest"):
        return None
    asked = [("patient", f"Patient/{patient}"), ("status", "active"), ("code", codes.ADMISSION)]
    found = await made.search("ServiceRequest", asked)
    return next(((e.version, _decode(e.body)) for e in found.entries), None)
