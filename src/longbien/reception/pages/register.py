"""Somebody new: the form that the cards fill in, checked while it is typed, with who may be the same person beside it."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

from starlette.responses import JSONResponse, Response

from ...base import clock
from ...base.errors import Conflict, Invalid
from ...base.ids import new_id
from ...record.store import Store
from ...web.chart.record import person
from ...web.page import Call, page
from .. import actions, addresses, cards, finding, knowing, lobby, registering, rules, shapes, tables
from ..actions import SamePerson, Wanted
from ..cards import Cards
from ..finding import Found
from ..identity import CERTAIN, PROBABLE
from ..permissions import RECEIVE
from ..registering import Draft
from ..rooms import Facility
from .desk import NEEDS, author, here, near, once, priority_of

ASK_BACK = (CERTAIN, PROBABLE)
"""Grades of likeness that are asked about before somebody new is made."""


def _today(call: Call) -> date:
    return clock.local(call.now).date()


def _kind(call: Call) -> str:
    given = call.query.get("kind", "") if call.request.method == "GET" else call.field("kind", 20)
    return given if given in registering.KINDS else ""


@page(RECEIVE, "HOPERAT")
async def form(call: Call) -> Response:
    """The empty form."""
    values = {"ethnicity": "01", "birth": call.w.date(call.now) if _kind(call) == registering.NEWBORN else ""}
    return await _page(call, await here(call), _kind(call), Cards(), values)


@page(RECEIVE, "HOPERAT")
async def begin(call: Call) -> Response:
    """The form as the scanned cards fill it in."""
    on_desk = cards.cards(call.field("citizen", 2000), call.field("insurance", 2000))
    return await _page(call, await here(call), "", on_desk, {"ethnicity": "01", **registering.of_cards(on_desk)})


def _values(call: Call) -> dict[str, str]:
    return {name: call.field(name, 500) for name in registering.FIELDS}


@page(RECEIVE, "HOPERAT")
async def check(call: Call) -> Response:
    """What is wrong with what is typed so far, and who may be the same person: {faults, doubts, alike}."""
    draft = registering.read(_values(call), _kind(call), new_id(), call.now, _today(call))
    alike = await _alike(call, draft) if _kind(call) != registering.UNIDENTIFIED else []
    w = call.w
    html = call.piece("reception/alike_beside.html", alike=[(person(f.patient), f.likeness) for f in alike], cards=None)
    said = {
        "faults": {k: w(v) for k, v in draft.faults.items()},
        "doubts": {k: w(v) for k, v in draft.doubts.items()},
        "alike": html,
    }
    return JSONResponse(said, headers={"Cache-Control": "no-store"})


async def _alike(call: Call, draft: Draft) -> list[Found]:
    if not draft.patient.get("name") and not draft.patient.get("identifier"):
        return []
    return await finding.alike(call.door.finding(call.actor), draft.patient, near(call))


@page(RECEIVE, "HOPERAT")
async def wards(call: Call) -> Response:
    """Wards and communes for what is typed: {wards: [names with their province]}."""
    found = [addresses.shown(w.code) for w in addresses.find(call.query.get("q", "")[:100])]
    return JSONResponse({"wards": found}, headers={"Cache-Control": "no-store"})


@page(RECEIVE, "HOPERAT")
async def register(call: Call) -> Response:
    """Make the patient, and with a room chosen the visit and its number."""
    place, kind, values = await here(call), _kind(call), _values(call)
    on_desk = cards.cards(call.field("citizen", 2000), call.field("insurance", 2000))
    token = once(call)
    draft = registering.read(values, kind, f"{token}-p", call.now, _today(call))
    if draft.faults:
        return await _page(call, place, kind, on_desk, values, draft=draft, status=422)
    if not call.field("sure", 2) and kind != registering.UNIDENTIFIED:
        alike = [f for f in await _alike(call, draft) if f.likeness and f.likeness.grade in ASK_BACK]
        if alike:
            return await _page(call, place, kind, on_desk, values, draft=draft, alike=alike, ask=True, status=409)
    store = Store(call.engine, call.scope("registering a new patient"))
    wanted = _wanted(call, place, kind, draft, token)
    others, temporary = list(draft.others), kind
    if wanted is None and draft.cover is not None:
        others.append(shapes.coverage(draft.cover, f"{token}-c", draft.patient["id"]))
    try:
        given = await actions.register(
            store, call.door.finding(call.actor), author(call), place, draft.patient, others, wanted, call.now, temporary=temporary
        )
    except SamePerson as first:
        there = await finding.standing(call.door.finding(call.actor), first.patient)
        text = call.w("Somebody with this number is in the record already: it was not registered twice.")
        return await _page(call, place, kind, on_desk, values, draft=draft, alike=[there], error=text, status=409)
    except Conflict:  # the same form sent twice, without a room
        return call.go(f"/reception/patients/{draft.patient['id']}?done=registered")
    except Invalid as why:
        text = call.w("This cannot be recorded") + ": " + "; ".join(i.text for i in why.issues[:3])
        return await _page(call, place, kind, on_desk, values, draft=draft, error=text, status=422)
    return call.go(f"/reception?given={given.task}" if given.task else f"/reception/patients/{given.patient}?done=registered")


def _wanted(call: Call, place: Facility, kind: str, draft: Draft, token: str) -> Wanted | None:
    emergency = kind == registering.UNIDENTIFIED
    room = next((r for r in place.rooms if r.id == call.field("room", 64)), None)
    if emergency:
        room = place.emergency or room
    if room is None:
        return None
    needs = call.form.getlist("need") if call.form is not None else []
    return Wanted(
        token,
        room,
        priority_of(call) or registering.priority(draft, _today(call)),
        tuple(c for c, _ in NEEDS if c in needs),
        call.field("reason", 500),
        "EMER" if emergency else "AMB",
        cover=draft.cover,
        line=registering.line(draft, place.code, _today(call), emergency=emergency),
    )


async def _page(
    call: Call,
    place: Facility,
    kind: str,
    on_desk: Cards,
    values: dict[str, str],
    *,
    draft: Draft | None = None,
    alike: list[Found] | None = None,
    ask: bool = False,
    error: str = "",
    status: int = 200,
) -> Response:
    queues = await lobby.queues(call.engine, place.rooms, call.now)
    order = sorted(place.rooms, key=lambda r: r.kind != knowing.GENERAL)
    w = call.w
    return call.html(
        "reception/register.html",
        status,
        nav="reception",
        place=place,
        kind=kind,
        cards=on_desk,
        v={**dict.fromkeys(registering.FIELDS, ""), **values},
        faults={k: w(m) for k, m in (draft.faults if draft else {}).items()},
        doubts={k: w(m) for k, m in (draft.doubts if draft else {}).items()},
        alike=[(person(f.patient), f.likeness) for f in alike or ()],
        ask=ask,
        error=error,
        once=once(call) if draft else new_id(),
        rooms=[queues[r.id] for r in order],
        priorities=rules.PRIORITIES,
        needs=NEEDS,
        sexes=registering.SEXES,
        ethnic_groups=tables.ethnic_groups(),
        occupations=tables.occupations(),
        relations=shapes.RELATIONS,
        choices=registering.choices(values),
        emergency=place.emergency,
        priority=call.field("priority", 20) if draft else "",
        titles={
            "": w("Register somebody new"),
            "newborn": w("Register a newborn"),
            "unidentified": w("Unidentified emergency patient"),
        },
        limits=SimpleNamespace(name=1000),
    )
