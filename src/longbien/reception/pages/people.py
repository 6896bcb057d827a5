"""One patient's papers at the desk: numbers of a whole life, carers, cards; and giving a name to who had none."""

from __future__ import annotations

from contextlib import suppress
from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from ...base import clock
from ...base.errors import Conflict, NotFound, PreconditionFailed
from ...base.ids import FHIR_ID, new_id
from ...fhir import json
from ...record.change import Create, Update
from ...record.people import replaced_by
from ...web.chart.record import human, person
from ...web.page import Call, page
from .. import cards, cover, finding, identity, joining, knowing, registering, shapes
from ..identity import KINDS, OF_SYSTEM
from ..permissions import MERGE, RECEIVE
from .desk import here

NAMELESS = ("anonymous", "temp")
"""Uses of a name that stands for one that is not known, or not given, yet."""


def _id(call: Call) -> str:
    given: str = call.request.path_params["id"]
    if not FHIR_ID.match(given):
        raise NotFound("There is no such patient.")
    return given


@page(RECEIVE, "HOPERAT")
async def papers(call: Call) -> Response:
    return await _page(call, _id(call))


async def _page(
    call: Call,
    id_: str,
    *,
    errors: dict[str, str] | None = None,
    values: dict[str, str] | None = None,
    other: Any = None,
    status: int = 200,
) -> Response:
    place = await here(call)
    store = await knowing.store_for(call, id_)
    there = await store.read("Patient", id_)
    body = json.loads(there.body)
    after = replaced_by(body)
    who = person(body)
    w, day = call.w, clock.local(call.now).date()
    numbers = [_number(i, call) for i in body.get("identifier") or ()]
    covers = [
        cover.of_resource(json.loads(e.body)) for e in (await store.search("Coverage", [("_count", "20")], patient=id_)).matches
    ]
    carers = [json.loads(e.body) for e in (await store.search("RelatedPerson", [("_count", "20")], patient=id_)).matches]
    names = body.get("name") or []
    first: dict[str, Any] = next((n for n in names if n.get("use") not in ("old", "nickname")), {})
    return call.html(
        "reception/people.html",
        status,
        nav="reception",
        who=who,
        id=id_,
        after=after,
        version=there.version,
        numbers=numbers,
        nameless=first.get("use") in NAMELESS,
        names=[(human([n]), str(n.get("use") or "")) for n in names],
        addresses=[(str(a.get("text") or ""), str(a.get("use") or "")) for a in body.get("address") or ()],
        covers=[(c, c.state(day)) for c in covers],
        carers=[_carer(c) for c in carers],
        contacts=[_carer({**c, "name": [c.get("name") or {}]}) for c in body.get("contact") or ()],
        relations=shapes.RELATIONS,
        errors=errors or {},
        v=values or {},
        other=other,
        sexes=registering.SEXES,
        merges=[dict(r) for r in await call.engine.db.fetch(joining.Q.of_patient, id_)] if call.actor.may(MERGE) else [],
        merges_may=call.actor.may(MERGE),
        once=new_id(),
        place=place,
        toast={
            "registered": w("Registered."),
            "emergency": w("Taken in at the emergency department."),
            "named": w("The name and number are kept."),
            "carer": w("Kept."),
        }.get(call.query.get("done", ""), ""),
    )


def _number(identifier: dict[str, Any], call: Call) -> SimpleNamespace:
    kind = OF_SYSTEM.get(str(identifier.get("system") or ""))
    text = str((identifier.get("type") or {}).get("text") or "")
    period = identifier.get("period") or {}
    return SimpleNamespace(
        title=call.w(kind.title) if kind else text,
        value=str(identifier.get("value") or ""),
        old=identifier.get("use") == "old",
        temporary=identifier.get("use") == "temp",
        until=str(period.get("end") or ""),
    )


def _carer(body: dict[str, Any]) -> SimpleNamespace:
    relation: dict[str, Any] = next((r for r in body.get("relationship") or ()), {})
    return SimpleNamespace(
        id=str(body.get("id") or ""),
        name=human(body.get("name")),
        relation=str(relation.get("text") or ""),
        phone=next((str(t.get("value") or "") for t in body.get("telecom") or ()), ""),
        active=body.get("active", True),
    )


@page(RECEIVE, "HOPERAT")
async def identify(call: Call) -> Response:
    """The name and the citizen's number of who had none: typed, or from a scanned card. A number that somebody has leads to
    joining."""
    id_ = _id(call)
    store = await knowing.store_for(call, id_)
    values = {k: call.field(k, 2000) for k in ("scan", "name", "birth", "sex", "citizen_id")}
    errors: dict[str, str] = {}
    if values["scan"]:
        on_desk = cards.cards("", "", values["scan"])
        if on_desk.citizen is None:
            errors["scan"] = call.w(on_desk.error or "A citizen card's code begins with its 12 digits.")
        else:
            values |= {k: x for k, x in registering.of_cards(on_desk).items() if k in values}
    today = clock.local(call.now).date()
    draft = registering.read(values, "", id_, call.now, today)
    errors |= {k: call.w(v) for k, v in draft.faults.items() if k in values}
    numbers = draft.patient["identifier"]
    if not errors:
        for i in numbers:
            there = [f for f in await finding.by_number(call.door.finding(call.actor), i["system"], i["value"]) if f.id != id_]
            if there:
                return await _page(call, id_, values=values, other=person(there[0].patient), status=409)
    if errors:
        return await _page(call, id_, errors=errors, values=values, status=422)
    known = await store.read("Patient", id_)
    body = json.loads(known.body)
    try:
        await store.commit([Update(_named(body, draft.patient), if_match=known.version)])
    except (PreconditionFailed, Conflict):
        errors["name"] = call.w("Somebody else has just changed this record. Look once more.")
        return await _page(call, id_, errors=errors, values=values, status=409)
    return call.go(f"/reception/patients/{id_}?done=named")


def _named(body: dict[str, Any], said: dict[str, Any]) -> dict[str, Any]:
    """The Patient with a real name and number; what stood for them is kept as old."""
    past = [{**n, "use": "old"} if n.get("use") in (*NAMELESS, "official", None) else n for n in body.get("name") or ()]
    out = {**body, "name": [*said["name"], *past], "birthDate": said["birthDate"], "gender": said["gender"]}
    kept = [{**i, "use": "old"} if i.get("use") == "temp" else i for i in body.get("identifier") or ()]
    if said["identifier"]:
        citizen = KINDS["citizen"].system
        kept = [{**i, "use": "old"} if i.get("system") == citizen else i for i in kept]
        kept = [i for i in kept if i.get("value") != said["identifier"][0]["value"]]
    out["identifier"] = [*said["identifier"], *kept]
    return out


@page(RECEIVE, "HOPERAT")
async def add_carer(call: Call) -> Response:
    """Somebody who cares for the patient, or is called in need; once each form."""
    id_ = _id(call)
    store = await knowing.store_for(call, id_)
    name, telephone = identity.name_of(call.field("carer_name", 300)), call.field("carer_telephone", 40)
    errors: dict[str, str] = {}
    if not name or len(name) > identity.LONGEST_NAME:
        errors["carer_name"] = call.w("Say the name.")
    if fault := identity.telephone_fault(telephone):
        errors["carer_telephone"] = call.w(fault)
    values = {"carer_name": name, "carer_telephone": telephone, "carer_relation": call.field("carer_relation", 10)}
    if errors:
        return await _page(call, id_, errors=errors, values=values, status=422)
    token = call.field("once", 64)
    made = shapes.carer(
        token if FHIR_ID.match(token) else new_id(),
        id_,
        identity.human_name(name),
        identity.telephone(telephone) or "",
        values["carer_relation"] if values["carer_relation"] in shapes.RELATION_NAMES else "FAMMEMB",
    )
    with suppress(Conflict):  # the same form sent twice
        await store.commit([Create(made, id=made["id"])])
    return call.go(f"/reception/patients/{id_}?done=carer")


@page(RECEIVE, "HOPERAT")
async def end_carer(call: Call) -> Response:
    """Somebody cares no more: kept, and marked as past."""
    id_, carer = _id(call), call.request.path_params["carer"]
    store = await knowing.store_for(call, id_)
    there = await store.read("RelatedPerson", carer if FHIR_ID.match(carer) else "x")
    body = json.loads(there.body)
    if str((body.get("patient") or {}).get("reference")) != f"Patient/{id_}":
        raise NotFound("There is no such carer.")
    period = {**(body.get("period") or {}), "end": clock.local(call.now).date().isoformat()}
    await store.commit([Update({**body, "active": False, "period": period}, if_match=there.version)])
    return call.go(f"/reception/patients/{id_}?done=carer")
