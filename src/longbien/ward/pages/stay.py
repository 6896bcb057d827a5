"""The stay of one patient, a section of the chart: the bed, warning score, fluids, tasks, diet, care team, treatment sheet."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
from starlette.responses import Response

from longbien.access.roles import CHART
from longbien.base import clock
from longbien.base.errors import Conflict, Invalid, NotFound, PreconditionFailed
from longbien.record.change import Change, Create, Update
from longbien.record.store import Store
from longbien.web import entries
from longbien.web.chart import record as r
from longbien.web.page import Call, page
from longbien.web.pages.frame import frame

from .. import care, codes, fluids, rules
from ..board import diet_of, fasting, isolated, tasks, years
from ..early import ADULT, score
from ..reads import Lying, patient_now
from .at import NURSING, at, lying, moment, once, opened, staff

_decode = msgspec.json.Decoder().decode
BACK = timedelta(hours=54)
"""Today's and yesterday's fluid day."""


@page(CHART, "TREAT")
async def stay(call: Call) -> Response:
    return await _page(call)


async def _page(call: Call, *, status: int = 200, errors: Mapping[str, str] | None = None) -> Response:
    patient = call.request.path_params["id"]
    shell = await frame(call, patient, "stay")
    if isinstance(shell, Response):
        return shell
    made = Store(call.engine, call.scope(shell["reason"]))
    found = await patient_now(call.engine, made.scope, patient, call.now, back=BACK)
    if found is None or not rules.inpatient(found.stay) or not found.bed:
        return call.html("chart.html", **shell, middle="ward/no-stay.html")
    known = await at(call)
    listed = fluids.entries(found.all("Observation"))
    shifts, day, before = fluids.sums(listed, call.now)
    charted = found.charted
    diet = diet_of(found)
    values = {k: call.field(k) for k in ("ml", "kind", "taken", "what", "due", "course", "orders", "said")} if call.form else {}
    given: dict[str, Any] = {
        "stay": found,
        "bed": known.places.beds.get(found.bed),
        "places": [_place(x) for x in reversed(found.stay.get("location") or [])],
        "day": rules.day_of_stay(found.start, call.now),
        "alone": isolated(found),
        "early": score(found.all("Observation"), charted, years(found, call.now), call.now, call.w),
        "child": (years(found, call.now) or 99) < ADULT,
        "fluids": [x for x in listed if x.at >= fluids.fluid_day(call.now)],
        "kinds": fluids.KINDS,
        "shifts": shifts,
        "fluid_day": day,
        "fluid_before": before,
        "tasks": [SimpleNamespace(due=d, task=t, words=words_of(t)) for d, t in tasks(found)],
        "usual": care.USUAL,
        "diets": care.DIETS,
        "diet": diet,
        "diet_words": r.concept((diet or {}).get("code"), call.lang),
        "fasts": fasting(found),
        "diet_code": r.code_of((diet or {}).get("code"), codes.DIET),
        "team": _team(found),
        "own": f"Practitioner/{call.actor.practitioner}",
        "sheet_rows": await _sheets(made, found, call),
        "once": once(call),
        "writes": call.actor.may(NURSING),
        "errors": errors or {},
        "values": values,
    }
    return call.html("chart.html", status, **{**shell, **given, "toast": _said(call)}, middle="ward/stay.html")


def words_of(task: Mapping[str, Any]) -> str:
    """What a nursing task says."""
    return str(task.get("description") or "") or r.concept(task.get("code"))


def _said(call: Call) -> str:
    w = call.w
    return {
        "fluid": w("The fluid is written down."), "task": w("The task is added."), "done": w("Done."),
        "diet": w("The diet is ordered."), "team": w("The care team is changed."),
        "sheet": w("The entry is signed; its orders are given."),
    }.get(call.query.get("done", ""), "")  # fmt: skip


def _place(spot: Mapping[str, Any]) -> SimpleNamespace:
    start, end = r.moment(r.first(spot, "period", "start")), r.moment(r.first(spot, "period", "end"))
    return SimpleNamespace(name=str(r.first(spot, "location", "display") or ""), start=start, end=end, status=spot.get("status"))


def _team(found: Lying) -> list[tuple[str, str, str]]:
    """(role, name, reference) of the stay's own care team."""
    return [
        (r.concept(p.get("role")), str(r.first(p, "member", "display") or ""), str(r.first(p, "member", "reference") or ""))
        for t in found.here("CareTeam")
        for p in t.get("participant") or ()
    ]


async def _sheets(made: Store, found: Lying, call: Call) -> list[care.Sheet]:
    """The treatment sheet: notes and orders of this stay."""
    encounter = ("encounter", f"Encounter/{found.stay['id']}")
    notes: list[Mapping[str, Any]] = []
    orders: list[Mapping[str, Any]] = []
    for kind, into, sort in (
        ("Composition", notes, "-date"),
        ("ServiceRequest", orders, "-authored"),
        ("MedicationRequest", orders, "-authoredon"),
    ):
        if made.scope.may_search(kind):
            page_ = await made.search(kind, [encounter, ("_sort", sort), ("_count", "60")])
            into += [_decode(e.body) for e in page_.entries]
    return care.sheets(notes, orders, call.lang)


# --- acts: each writes and goes back


async def _fluid(call: Call, found: Lying, made: Store) -> dict[str, str]:
    w, errors = call.w, dict[str, str]()
    ml, when = entries.number(call.field("ml", 12)), moment(call, call.field("taken", 40))
    if ml is None or not 0 < ml <= fluids.MOST:
        errors["ml"] = w("From %(low)s to %(high)s.", low="1", high=w.number(fluids.MOST))
    if when is None:
        errors["taken"] = w("A time that has passed, for example 06:10 or 23/11 06:10.")
    if call.field("kind", 20) not in {k[0] for k in fluids.KINDS}:
        errors["kind"] = w("Choose what it was.")
    if errors or ml is None or when is None:
        return errors
    made_of = fluids.observation(
        call.field("kind", 20), ml, when, call.now, found.id, str(found.stay["id"]), staff(call), once(call)
    )
    return await _commit(made, [Create(made_of, id=made_of["id"])])


async def _commit(made: Store, changes: list[Change]) -> dict[str, str]:
    try:
        await made.commit(changes)
    except Conflict as error:
        if error.code != "duplicate":  # the same form sent twice is written already
            raise
    return {}


async def _task(call: Call, found: Lying, made: Store) -> dict[str, str]:
    w, what = call.w, call.field("what", 200)
    due = _due(call, call.field("due", 40))
    errors = {}
    if not what:
        errors["what"] = w("Say what is to be done.")
    if due is None:
        errors["due"] = w("A time of today or tomorrow, for example 14:30.")
    if errors or due is None:
        return errors
    one = care.task(what, due, call.now, found.id, str(found.stay["id"]), staff(call), once(call))
    return await _commit(made, [Create(one, id=one["id"])])


def _due(call: Call, text: str) -> datetime | None:
    """A time to come: 14:30 today, or tomorrow where that has passed; "" in an hour."""
    here = clock.local(call.now)
    if not text.strip():
        return here + timedelta(hours=1)
    hours, _, minutes = text.strip().replace("g", ":").replace("h", ":").partition(":")
    if not (hours.isdigit() and int(hours) < 24 and (minutes or "0").isdigit() and int(minutes or 0) < 60):
        return None
    at_ = here.replace(hour=int(hours), minute=int(minutes or 0), second=0, microsecond=0)
    return at_ if at_ >= here - timedelta(minutes=5) else at_ + timedelta(days=1)


async def _done(call: Call, found: Lying, made: Store) -> dict[str, str]:
    """A task is done; one of an order that recurs begets the next. Somebody else may have done it: that is fine."""
    stored = await made.read("Task", call.field("task", 64))
    task = _decode(stored.body)
    if stored.pat != found.pat or r.code_of(task.get("code"), codes.TASK) != codes.NURSING:
        raise NotFound("There is no such task.")
    if task.get("status") == "completed":
        return {}
    changes: list[Change] = [Update(care.done(task, call.now, staff(call)), if_match=stored.version)]
    if order := r.reference_id(task.get("basedOn")):
        asked = _decode((await made.read("ServiceRequest", order)).body)
        if (then := care.following(task, asked, call.now, once(call))) is not None:
            changes.append(Create(then, id=then["id"]))
    try:
        return await _commit(made, changes)
    except PreconditionFailed:
        return {}


async def _diet(call: Call, found: Lying, made: Store) -> dict[str, str]:
    code = call.field("diet", 20)
    if code not in {c for c, *_ in care.DIETS}:
        return {"diet": call.w("Choose a diet.")}
    changes: list[Change] = []
    for before in found.here("ServiceRequest"):
        if care.is_diet(before) and before.get("status") == "active":
            version = int(str(r.first(before, "meta", "versionId") or 0))
            changes.append(Update({**before, "status": "completed"}, if_match=version))
    one = care.diet(code, call.field("said", 200), call.now, found.id, str(found.stay["id"]), staff(call), once(call))
    try:
        return await _commit(made, [*changes, Create(one, id=one["id"])])
    except PreconditionFailed:
        return {"diet": call.w("Somebody else has changed the diet meanwhile. Look again.")}


async def _team_act(call: Call, found: Lying, made: Store) -> dict[str, str]:
    """Join the care team, or leave it (leave: a reference)."""
    mine = staff(call)
    teams = found.here("CareTeam")
    role = call.actor.known_role
    title = role.vi if role else ""
    if not teams:
        new = {
            "resourceType": "CareTeam", "id": once(call), "status": "active", "name": "Nhóm chăm sóc",
            "subject": {"reference": f"Patient/{found.id}"}, "encounter": {"reference": f"Encounter/{found.stay['id']}"},
            "participant": [{"role": [{"text": title}], "member": mine}],
            "managingOrganization": [{"reference": f"Organization/{call.actor.organization}"}],
        }  # fmt: skip
        return await _commit(made, [Create(new, id=str(new["id"]))])
    leave = call.field("leave", 100)
    after = care.parted(teams[0], leave) if leave else care.joined(teams[0], title, mine)
    version = int(str(r.first(teams[0], "meta", "versionId") or 0))
    try:
        return await _commit(made, [Update(after, if_match=version)])
    except PreconditionFailed:
        return {"team": call.w("Somebody else has changed the care team meanwhile. Look again.")}


async def _sheet(call: Call, found: Lying, made: Store) -> dict[str, str]:
    """The day's entry: the course, and orders to the nurses, a line each, which become ServiceRequests and tasks at once."""
    w, course, orders = call.w, call.field("course", 8000), call.field("orders", 4000)
    lines = [x.strip() for x in orders.split("\n") if x.strip()][:20]
    if not course and not lines:
        return {"course": w("Nothing is written yet.")}
    token, by, stay_id = once(call), staff(call), str(found.stay["id"])
    changes: list[Change] = []
    entries_: list[dict[str, Any]] = []
    for n, what in enumerate(lines):
        order = care.nursing_order(what[:200], call.now, found.id, stay_id, by, f"{token}-o{n}")
        id_ = str(order["id"])
        first = care.task(what[:200], care.first_due(order, call.now), call.now, found.id, stay_id, by, care.first_id(id_), id_)
        changes += [Create(order, id=order["id"]), Create(first, id=first["id"])]
        entries_.append({"reference": f"ServiceRequest/{order['id']}"})
    written = care.sheet(course, orders, entries_, call.now, found.id, stay_id, by, call.actor.organization or "", token)
    return await _commit(made, [*changes, Create(written, id=token)])


ACTS = {"fluid": _fluid, "task": _task, "done": _done, "diet": _diet, "team": _team_act, "sheet": _sheet}


@page(NURSING, "TREAT")
async def act(call: Call) -> Response:
    """fluid, task, done, diet, team, sheet."""
    what, patient = call.request.path_params["act"], call.request.path_params["id"]
    if what not in ACTS:
        raise NotFound("There is no such act.")
    made = Store(call.engine, call.scope(await opened(call, patient)))
    found = await lying(call, patient, back=BACK)
    try:
        errors = await ACTS[what](call, found, made)
    except Invalid as error:
        errors = {what: call.w("This cannot be recorded") + ": " + "; ".join(i.text for i in error.issues[:3])}
    if errors:
        return await _page(call, status=422, errors=errors)
    back = call.field("back", 20)
    return call.go(f"/ward/{back}" if back == "handover" else f"/patients/{patient}/stay?done={what}#{what}")
