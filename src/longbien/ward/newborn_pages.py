"""Pages of a birth: recorded in the mother's chart; the two charts show each other; the band is printed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.responses import Response

from longbien.access.roles import CHART, Permission
from longbien.base import clock
from longbien.base.errors import Conflict, Invalid, NotFound
from longbien.base.paper import printed
from longbien.base.words import mark, words
from longbien.fhir import json
from longbien.fhir.systems import PATIENT_NUMBER
from longbien.record.store import Store
from longbien.web.chart import record as r
from longbien.web.chart.model import age_days
from longbien.web.entries import Writer
from longbien.web.page import Call, page, route
from longbien.web.pages.frame import frame, place_names
from longbien.web.pages.write import opened

from . import newborn_actions as act
from .discharge_actions import found, take_back
from .discharge_read import Stay, stable, stay
from .discharge_rules import UNDO_WITHIN
from .discharge_view import Blank
from .newborn_rules import APGAR_MINUTES, SEXES, WAYS, low_weight, parse, premature

BIRTH = Permission("birth", mark("Record a birth"), frozenset({"nurse", "doctor", "head"}))
BAND = Path(__file__).parent / "paper" / "newborn-band.typ"
NAMES = (
    "day", "time", "sex", "grams", "length", "head", "weeks", "days", "way", "apgar1", "apgar5", "apgar10", "order", "of", "alive",
    "note",
)  # fmt: skip
TOO_LATE = mark("This birth was recorded too long ago to be taken back. The records room corrects it.")
INFANT = 400
FERTILE = (12 * 365, 55 * 365)


async def family(call: Call, shell: Any) -> dict[str, Any] | None:
    """Strip of the chart: a mother's children born in this house, an infant's mother. Asked only of whom it can be true."""
    person, life = shell["person"], shell["life"]
    age = age_days(person.birth, call.now)
    store = Store(call.engine, call.scope(shell["reason"]))
    if not store.scope.may_read("Encounter") or not store.scope.may_read("Patient"):
        return None
    if age <= INFANT:
        return await _mother(call, store, life)
    here = shell["chart"].stay
    births = person.sex == "female" and FERTILE[0] <= age <= FERTILE[1]
    may = bool(births and here and here.inpatient and here.place == (call.actor.organization or "") and call.actor.may(BIRTH))
    children = await _children(store, life) if births and any(p.code.startswith("Z37") for p in life.problems) else []
    return {"children": children, "mother": None, "may_record": may} if children or may else None


async def _children(store: Store, life: r.Life) -> list[tuple[str, str, str]]:
    """(id, name, sex) of children whose stay is part of one of these visits."""
    stays = ",".join(f"Encounter/{v.id}" for v in life.visits if v.inpatient)
    if not stays:
        return []
    page_ = await store.search("Encounter", [("part-of", stays)])
    ids = list(dict.fromkeys(r.reference_id(json.loads(e.body).get("subject")) for e in page_.entries))
    out = []
    for id_ in ids:
        child = await found(store, "Patient", id_)
        if child is not None and child.get("active", True):
            out.append((id_, r.human(child.get("name")), str(child.get("gender") or "")))
    return out


async def _mother(call: Call, store: Store, life: r.Life) -> dict[str, Any] | None:
    for v in life.visits:
        if not v.inpatient:
            continue
        mine = await found(store, "Encounter", v.id)
        whole = r.reference_id((mine or {}).get("partOf"))
        hers = await found(store, "Encounter", whole) if whole else None
        id_ = r.reference_id((hers or {}).get("subject"))
        mother = await found(store, "Patient", id_) if id_ else None
        if mother is not None:
            return {"children": [], "mother": (id_, r.human(mother.get("name"))), "may_record": False}
    return None


async def _stay(call: Call, reason: str) -> tuple[Store, Stay]:
    store = Store(call.engine, call.scope(reason))
    one = await stay(store, call.request.path_params["id"], call.actor.organization, {})
    if not one.open:
        raise NotFound("The mother has no inpatient stay here that runs.")
    return store, one


async def _show(call: Call, values: Mapping[str, str], errors: Mapping[str, str], refused: str = "", status: int = 200) -> Response:
    shell = await frame(call, call.request.path_params["id"], "birth")
    if isinstance(shell, Response):
        return shell
    if call.part:
        return call.html("ward/discharge-part.html", **shell)
    store, one = await _stay(call, shell["reason"])
    here = clock.local(call.now)
    given = Blank(
        {"day": f"{here:%d/%m/%Y}", "time": f"{here:%H:%M}", "way": "normal", "order": "1", "of": "1", "alive": "1", **values}
    )
    text = {"undone": call.w("The birth is taken back."), "dead": call.w("Recorded in the mother’s chart.")}
    return call.html(
        "chart.html", status, **{**shell, "toast": text.get(call.query.get("done", ""), "")}, middle="ward/newborn.html",
        values=given, errors=errors, refused=refused, stay=one, minutes=APGAR_MINUTES,
        children=await _children(store, shell["life"]),
        sexes=[(k, call.w(m)) for k, (_, m) in SEXES.items()], ways=[(k, call.w(m)) for k, (_, m) in WAYS.items()],
    )  # fmt: skip


@page(BIRTH, "TREAT")
async def birth(call: Call) -> Response:
    return await _show(call, {}, {})


@page(BIRTH, "TREAT")
async def record(call: Call) -> Response:
    """Begin the child's record, and go there."""
    patient = call.request.path_params["id"]
    store, one = await _stay(call, await opened(call, patient))
    values = {k: call.field(k, 1000) for k in NAMES}
    b, errors = parse(values, call.now, one.visit.start, call.w)
    if errors:
        return await _show(call, values, errors, status=422)
    w = Writer(patient, call.actor.practitioner or "", call.actor.name, call.actor.organization or "", one.id)
    try:
        id_ = await act.record(store, one, b, w, call.now)
    except Conflict as why:
        return await _show(call, values, {}, call.w(why.text), 409)
    except Invalid as why:
        return await _show(
            call, values, {}, call.w("This cannot be recorded") + ": " + "; ".join(i.text for i in why.issues[:3]), 422
        )
    return call.go(f"/patients/{id_}/newborn" if id_ else f"/patients/{patient}/birth?done=dead")


@page(CHART, "TREAT")
async def newborn(call: Call) -> Response:
    """The beginning of a child's record: what was recorded, the band, the mother."""
    shell = await frame(call, call.request.path_params["id"], "newborn")
    if isinstance(shell, Response):
        return shell
    store = Store(call.engine, call.scope(shell["reason"]))
    told = await _born(call, store)
    return call.html(
        "chart.html", **shell, middle="ward/newborn-born.html", **told, may_undo=call.actor.may(BIRTH), apgar_sheet=_sheet(call)
    )


def _sheet(call: Call) -> str:
    """Where the score is filled in item by item, "" where this house has no forms."""
    known = {getattr(x, "path", "") for x in call.request.app.routes}
    return (
        f"/patients/{call.request.path_params['id']}/forms/score-apgar" if "/patients/{id}/forms/{questionnaire}" in known else ""
    )


async def _born(call: Call, store: Store) -> dict[str, Any]:
    id_ = call.request.path_params["id"]
    child = await found(store, "Patient", id_)
    relatives = await store.search("Encounter", [("subject", f"Patient/{id_}")])
    mine = next((e for one in relatives.entries if (e := json.loads(one.body)).get("partOf")), None)
    if child is None or mine is None:
        raise NotFound("This is not a child born in this house.")
    hers = await found(store, "Encounter", r.reference_id(mine["partOf"]))
    mother = await found(store, "Patient", r.reference_id((hers or {}).get("subject"))) if hers else None
    seen = await store.search("Observation", [("encounter", f"Encounter/{mine['id']}"), ("_count", "50")])
    values = {r.code_of(o.get("code")): o for e in seen.entries if (o := json.loads(e.body)).get("status") != "entered-in-error"}
    grams = round(float(r.first(values.get("29463-7"), "valueQuantity", "value") or 0) * 1000)
    weeks = float(r.first(values.get("11884-4"), "valueQuantity", "value") or 0)
    born = r.moment(r.first(child, "_birthDate", "extension", "valueDateTime")) or call.now
    apgar = [(m, x.get("valueInteger")) for m, (c, _) in act.APGAR.items() if (x := values.get(c))]
    return {
        "child": child, "born": born, "grams": grams, "weeks": weeks, "apgar": apgar, "early": premature(int(weeks)),
        "light": low_weight(grams),
        "mother": (mother["id"], r.human(mother.get("name"))) if mother else None, "mother_body": mother, "her_visit": hers,
        "order": child.get("multipleBirthInteger") or 1,
    }  # fmt: skip


@page(CHART, "TREAT")
async def band(call: Call) -> Response:
    """The newborn's band, in Vietnamese: child and mother together."""
    id_ = call.request.path_params["id"]
    store = Store(call.engine, call.scope(await opened(call, id_)))
    told, vi = await _born(call, store), words("vi")
    places = await place_names(call, {call.actor.organization} if call.actor.organization else set())
    child, mother = told["child"], told["mother_body"] or {}
    data = {
        "title": "Vòng tay sơ sinh", "name": r.human(child.get("name")), "sex": SEXES.get(str(child.get("gender")), ("", ""))[0],
        "born_label": "Sinh", "born": f"{vi.time(told['born'])} {vi.date(told['born'])}", "weight": f"{told['grams']} g",
        "number": _number(child), "mother_label": "Mẹ", "mother": r.human(mother.get("name")), "mother_number": _number(mother),
        "facility": places.get(call.actor.organization or "", ""),
        "bed": str(r.first(told["her_visit"], "location", "location", "display") or ""),
    }  # fmt: skip
    return Response(await printed(BAND, data), media_type="application/pdf", headers={"Content-Disposition": "inline"})


def _number(patient: Mapping[str, Any]) -> str:
    return next((str(i.get("value")) for i in patient.get("identifier") or () if i.get("system") == PATIENT_NUMBER), "")


@page(BIRTH, "TREAT")
async def undo(call: Call) -> Response:
    """A birth recorded by mistake: the child's record is closed, the mother's as it was."""
    id_ = call.request.path_params["id"]
    store = Store(call.engine, call.scope(await opened(call, id_)))
    told = await _born(call, store)
    try:
        await take_back(
            store, stable("pv", f"{told['her_visit']['id']}/{told['order']}", act.CODE), call.now, UNDO_WITHIN, TOO_LATE
        )
    except Conflict as why:
        raise Conflict(call.w(why.text)) from why
    return call.go(f"/patients/{told['mother'][0]}/birth?done=undone")


ROUTES = [
    route("/patients/{id}/birth", birth),
    route("/patients/{id}/birth", record, ["POST"]),
    route("/patients/{id}/newborn", newborn),
    route("/patients/{id}/newborn/band.pdf", band),
    route("/patients/{id}/newborn/undo", undo, ["POST"]),
]
