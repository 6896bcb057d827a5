"""Discharge on the chart: the rail below it, the page where a stay ends, and taking that back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from longbien.access.roles import Permission
from longbien.base.department import Verdict
from longbien.base.errors import Conflict, Invalid, NotFound
from longbien.base.ids import FHIR_ID
from longbien.base.words import mark
from longbien.fhir import json
from longbien.record.store import Store
from longbien.web import departments
from longbien.web.chart import record as r
from longbien.web.chart.record import Visit
from longbien.web.entries import Writer
from longbien.web.page import Call, page, route
from longbien.web.pages.frame import frame, place_names
from longbien.web.pages.write import opened

from . import discharge_actions as act
from . import discharge_read as read
from . import discharge_view as view
from .discharge_form import Kept, parse
from .discharge_read import Stay, stable, stay, version
from .discharge_resources import taken_home, typed
from .discharge_rules import UNDO_WITHIN, Awaited, Standing, State, bill

PREPARE = Permission("discharge-prepare", mark("Prepare a discharge"), frozenset({"nurse", "doctor", "head"}))
DISCHARGE = Permission("discharge", mark("End an inpatient stay"), frozenset({"doctor", "head"}))
PERMISSIONS = {p.code: p.title for p in (PREPARE, DISCHARGE)}
PREFIXES = ("dx.", "drug.", "go.", "s.", "follow_", "end_")
NAMES = frozenset({"result", "kind", "destination", "why_referred", "transport"})
MOST = 400


async def rail(call: Call, shell: Any) -> dict[str, Any] | None:
    """The rail of an inpatient stay that runs at the reader's own facility. On the discharge page itself it is exact; elsewhere it
    is made of what the chart has read, and of the shared draft."""
    here: Visit | None = shell["chart"].stay
    if here is None or not here.inpatient or here.place != (call.actor.organization or "") or not call.actor.may(PREPARE):
        return None
    patient = shell["person"].id
    exact = getattr(call.request.state, "standing", None)
    if exact is not None:
        return view.rail_view(exact, patient, here.leaves, call.w, call.now)
    kept, (state, charges) = await asyncio.gather(
        _draft(call, shell["reason"], here.id), _bill(call, shell["reason"], patient, here.id)
    )
    life = shell["life"]
    running = [d for d in life.drugs if d.status == "active"]
    problems = [p for p in life.problems if p.active]
    awaited = [Awaited(p.id, p.title, p.ordered, p.due, p.owner) for p in life.pending if p.ordered >= here.start]
    decided = sum(1 for k in kept if k.startswith("drug.") and k.count(".") == 1) if kept.get(view.DECIDED) else 0
    day = kept.get("follow_day", "")
    doctor = next((name for _, name in life.team), "")
    s = Standing(
        problems[0].name if problems else "", len(problems), awaited, len(running), min(decided, len(running)), 0,
        call.now if kept.get(view.DECIDED) else None, day[:5], (), doctor, state, charges,
    )  # fmt: skip
    return view.rail_view(s, patient, here.leaves, call.w, call.now)


async def _draft(call: Call, reason: str, encounter: str) -> dict[str, str]:
    store = Store(call.engine, call.scope(reason))
    if not store.scope.may_read("Task"):
        return {}
    found = await store.search("Task", [("_id", stable("dc", encounter))])
    return next((typed(json.loads(e.body)) for e in found.entries), {})


async def _bill(call: Call, reason: str, patient: str, encounter: str) -> tuple[State, int]:
    """How the bill of a stay stands, and how many charges it has, as far as the reader may see."""
    store = Store(call.engine, call.scope(reason))
    if not store.scope.may_search("Invoice"):
        return "unconnected", 0
    n, found = await asyncio.gather(
        read.charges(store, encounter), store.search("Invoice", [("status", "issued,balanced"), ("_count", "50")], patient=patient)
    )
    return bill([x for e in found.entries if read.bill_of(x := json.loads(e.body)) == encounter], n), n


async def _stay(call: Call, reason: str) -> tuple[Store, Stay]:
    """The stay, read once a request."""
    known: tuple[Store, Stay] | None = getattr(call.request.state, "stay", None)
    if known is None:
        call.request.state.stay = known = await _read(call, reason)
    return known


async def _read(call: Call, reason: str) -> tuple[Store, Stay]:
    store = Store(call.engine, call.scope(reason))
    places = await place_names(call, {call.actor.organization} if call.actor.organization else set())
    asked = call.query.get("stay", "") or call.field("stay", 64)
    one = await stay(store, call.request.path_params["id"], call.actor.organization, places, asked if FHIR_ID.match(asked) else "")
    return store, one


def _writer(call: Call, one: Stay) -> Writer:
    actor = call.actor
    return Writer(call.request.path_params["id"], actor.practitioner or "", actor.name, actor.organization or "", one.id)


@page(PREPARE, "TREAT")
async def discharge(call: Call) -> Response:
    """The page where a stay ends; what has ended is shown as it was ended."""
    patient = call.request.path_params["id"]
    shell = await _framed(call, patient)
    if isinstance(shell, Response):
        return shell
    if call.part:  # what is being typed is never replaced by what others write meanwhile
        return call.html("ward/discharge-part.html", **shell)
    store, one = await _stay(call, shell["reason"])
    if not one.open:
        return await _ended(call, shell, store, one)
    return await _show(call, shell, one, {}, typed(one.draft()))


async def _framed(call: Call, patient: str) -> dict[str, Any] | Response:
    if not FHIR_ID.match(patient):
        raise NotFound("There is no such patient.")
    reason = await call.door.why(call.actor, patient)
    if reason is not None and not call.part:
        try:
            _, one = await _stay(call, reason)
        except NotFound:
            pass
        else:
            call.request.state.standing = view.standing(one, typed(one.draft()))
    return await frame(call, patient, "discharge")


async def _show(
    call: Call, shell: dict[str, Any], one: Stay, errors: dict[str, str], kept: dict[str, str], *, status: int = 200,
    refused: str = "",
) -> Response:  # fmt: skip
    made = view.composed(one, call.now)
    draft = one.draft()
    values = view.fields(one, kept, made, call.now)
    store, _ = await _stay(call, shell["reason"])
    names = {p.id: p.title for p in shell["life"].pending}  # in the reader's language
    text = {
        "saved": call.w("Kept for everybody on this stay."),
        "undone": call.w("The discharge is taken back; the stay goes on."),
    }.get(call.query.get("done", ""), "")
    return call.html(
        "chart.html", status, **{**shell, "toast": text}, middle="ward/discharge.html", stay=one, made=made,
        values=values, errors=errors, refused=refused,
        diagnoses=view.diagnosis_rows(one, call.lang),
        awaited=[replace(a, title=names.get(a.id, a.title)) for a in one.awaited()],
        drugs=view.drug_rows(one, call.lang), people=view.people(one), may_finish=call.actor.may(DISCHARGE),
        verdicts=await _asked(call, store, one, _chosen(one, values)), seen=version(draft) if draft else 0,
        kept_by=str((draft or {}).get("owner", {}).get("display") or "") if draft else "",
        kept_at=r.updated(draft) if draft else None, me_id=call.actor.practitioner or "", **view.choices(call.w),
    )  # fmt: skip


async def _ended(call: Call, shell: dict[str, Any], store: Store, one: Stay) -> Response:
    done = await act.finished_by(store, one)
    text = call.w("The stay has ended. The papers wait for signatures.") if call.query.get("done") == "finished" else ""
    return call.html(
        "chart.html", **{**shell, "toast": text}, middle="ward/discharge-ended.html", stay=one, how=view.ended(one, call.w),
        papers=view.paper_rows(one), drugs=[_line(d, call.lang) for d in view.home_drugs(one)], done=done,
        may_undo=bool(done and call.actor.may(DISCHARGE) and call.now - done[1] < UNDO_WITHIN),
        until=done[1] + UNDO_WITHIN if done else None, prints=_prints(),
    )  # fmt: skip


def _line(d: dict[str, Any], lang: str) -> SimpleNamespace:
    days = r.first(d, "dispenseRequest", "expectedSupplyDuration", "value")
    count = r.first(d, "dispenseRequest", "quantity", "value")
    return SimpleNamespace(
        name=r.concept(d.get("medicationCodeableConcept"), lang), sig=r.first(d, "dosageInstruction", "text") or "", days=days,
        count=count,
    )  # fmt: skip


def _prints() -> bool:
    """Is there a room here that prints and signs papers?"""
    return any(getattr(x, "path", "").startswith("/papers/") for d in departments.HOUSE for x in d.routes)


def _typed(call: Call) -> dict[str, str]:
    given = call.form.items() if call.form is not None else ()
    names = [k for k, v in given if isinstance(v, str) and (k in NAMES or k.startswith(PREFIXES))]
    return {k: call.field(k) for k in names[:MOST]}


@page(PREPARE, "TREAT")
async def save(call: Call) -> Response:
    """Keep what was prepared, or end the stay."""
    patient = call.request.path_params["id"]
    reason = await opened(call, patient)
    store, one = await _stay(call, reason)
    back = f"/patients/{patient}/discharge"
    if not one.open:
        return call.go(back + "?done=finished")
    values = _typed(call)
    digits = call.field("seen", 9)
    seen = int(digits) if digits.isdigit() else 0
    if call.field("act", 10) == "merge":

        async def latest() -> tuple[Stay, dict[str, str]]:
            _, fresh = await _read(call, reason)
            return fresh, view.fields(fresh, typed(fresh.draft()), view.composed(fresh, call.now), call.now)

        await act.merge(store, latest, values, _writer(call, one), call.now)
        return call.go(back)
    if call.field("act", 10) != "finish":
        if looked := call.actor.name if call.actor.may(DISCHARGE) else typed(one.draft()).get(view.DECIDED, ""):
            values[view.DECIDED] = looked
        try:
            await act.keep(store, one, values, seen, _writer(call, one), call.now)
        except Conflict as why:
            return await _again(call, one, values, {}, call.w(why.text))
        return call.go(back + "?done=saved")
    if not call.actor.may(DISCHARGE):
        return await _again(call, one, values, {}, call.w("A doctor ends the stay. What you prepared can be kept."))
    return await _finish(call, store, one, values)


async def _finish(call: Call, store: Store, one: Stay, values: dict[str, str]) -> Response:
    out, errors = parse(values, one, call.now, call.w, call.terms.by_code)
    out.override = call.field("override", 500)
    if errors:
        return await _again(call, one, values, errors, call.w("The stay cannot end like this yet: see what is marked below."))
    verdicts = await _asked(call, store, one, out.drugs)
    stopped = [id_ for id_, said in verdicts.items() if any(v.level == "stop" for v in said)]
    if stopped and not out.override:
        text = call.w("A drug to take home is advised against. Change it, or say why it is right.")
        return await _again(call, one, values, {"override": text}, text)
    for id_ in stopped:
        out.drugs[id_] = replace(out.drugs[id_], note=f"Kê dù có cảnh báo: {out.override}")
    if out.follow_up:
        out.follow_up_room = await act.consulting_room(store, one)
    try:
        await act.finish(store, one, out, values, _writer(call, one), call.now)
    except Conflict as why:
        return await _again(call, one, values, {}, call.w(why.text))
    except Invalid as why:
        said = "; ".join(i.text for i in why.issues[:3]) or why.text
        return await _again(call, one, values, {}, call.w("This cannot be recorded") + ": " + said)
    await act.told(store, call.actor.organization, one.encounter)
    return call.go(f"/patients/{call.request.path_params['id']}/discharge?stay={one.id}&done=finished")


async def _asked(call: Call, store: Store, one: Stay, kept: Mapping[str, Kept]) -> dict[str, list[Verdict]]:
    """What the house's advisers say of the drugs that go home, by the inpatient order that each goes on from."""
    w = _writer(call, one)
    going = [d for d in one.drugs() if (k := kept.get(str(d["id"]))) and k.home]
    if not going:
        return {}
    found: dict[str, list[Verdict]] = {}
    for v in await departments.advise(call, store, w.patient, [taken_home(one, d, kept[str(d["id"])], w, call.now) for d in going]):
        found.setdefault(str(going[v.about]["id"]), []).append(v)
    return found


def _chosen(one: Stay, values: Mapping[str, str]) -> dict[str, Kept]:
    """The drugs as the form has them, right or wrong: to ask about before anything is ended."""
    out = {}
    for d in one.drugs():
        id_ = str(d["id"])
        days = values.get(f"drug.{id_}.days", "")
        out[id_] = Kept(
            values.get(f"drug.{id_}") == "home", int(days) if days.isdigit() else 7, values.get(f"drug.{id_}.sig") or "–"
        )
    return out


async def _again(call: Call, one: Stay, values: dict[str, str], errors: dict[str, str], refused: str) -> Response:
    """The page as it was typed, with what is wrong beside each field."""
    call.request.state.standing = view.standing(one, typed(one.draft()))
    shell = await frame(call, call.request.path_params["id"], "discharge")
    if isinstance(shell, Response):
        return shell
    return await _show(call, shell, one, errors, values, status=422, refused=refused)


@page(DISCHARGE, "TREAT")
async def undo(call: Call) -> Response:
    """Take a discharge back."""
    patient = call.request.path_params["id"]
    reason = await opened(call, patient)
    store, one = await _stay(call, reason)
    if one.open:
        return call.go(f"/patients/{patient}/discharge")
    try:
        await act.undo(store, one, call.now)
    except Conflict as why:
        raise Conflict(call.w(why.text)) from why
    await act.told(store, call.actor.organization, one.encounter)
    return call.go(f"/patients/{patient}/discharge?done=undone")


ROUTES = [
    route("/patients/{id}/discharge", discharge),
    route("/patients/{id}/discharge", save, ["POST"]),
    route("/patients/{id}/discharge/undo", undo, ["POST"]),
]
