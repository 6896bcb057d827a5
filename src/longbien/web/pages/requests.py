"""The records office: what patients ask by law, what is due, whose it is, and the answer with its letter."""

from __future__ import annotations

import json
from datetime import date
from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from ...access.rights import correcting, filing, letters, request, restricting, workdays
from ...access.roles import ANSWER
from ...base import clock
from ...base.errors import Conflict, Invalid, LongbienError, NotFound
from ...record.store import Store
from ..chart.record import person
from ..page import Call, page
from .frame import place_names

FIELDS = ("name", "birthDate", "phone", "address")


def _store(call: Call) -> Store:
    return Store(call.engine, call.door.scope(call.actor, "PATRQT", reason="requests of patients"))


def _place(call: Call) -> str:
    if call.actor.organization is None:
        raise NotFound("This account works at no facility.")
    return call.actor.organization


async def _people(store: Store, ids: set[str]) -> dict[str, Any]:
    """Who these patients are, of those that the scope opens."""
    if not ids:
        return {}
    found = await store.search("Patient", [("_id", ",".join(sorted(ids))), ("_count", "500")])
    return {e.id: person(json.loads(e.body)) for e in found.matches}


@page(ANSWER, "PATRQT")
async def worklist(call: Call) -> Response:
    store, place = _store(call), _place(call)
    await place_names(call, {place})
    past = call.query.get("show") == "past"
    asked = await filing.worklist(store, place, open_only=not past)
    people = await _people(store, {r.patient for r in asked})
    today = clock.local(call.now).date()
    rows = [_row(r, people.get(r.patient), today, call) for r in asked]
    groups = [
        ("late", call.w("Overdue"), [r for r in rows if r.overdue]),
        ("now", call.w("Due today and tomorrow"), [r for r in rows if not r.overdue and r.open and r.left <= 1]),
        ("later", call.w("Later"), [r for r in rows if not r.overdue and r.open and r.left > 1]),
        ("past", call.w("Answered"), [r for r in rows if not r.open]),
    ]
    return call.html(
        "requests/worklist.html", nav="requests", groups=groups, n=len(rows), past=past, done=call.query.get("done", ""),
        unknown=not workdays.known(today),
    )  # fmt: skip


def _row(one: request.Request, who: Any, today: date, call: Call) -> SimpleNamespace:
    return SimpleNamespace(
        id=one.id,
        kind=call.w(request.KINDS[one.kind][1]),
        who=who.name if who else "–",
        asker=one.asker,
        channel=call.w("phone") if one.channel == "phone" else call.w("paper"),
        state=call.w(request.STATES.get(one.status, one.status)),
        status=one.status,
        text=one.text,
        filed=one.filed,
        due=one.next_due,
        left=(one.next_due - today).days,
        next=call.w("confirm receipt") if one.status == "requested" else call.w("answer"),
        overdue=one.overdue(today),
        open=one.open,
    )


@page(ANSWER, "PATRQT")
async def one(call: Call) -> Response:
    return await _one(call)


async def _one(call: Call, error: str = "", status: int = 200) -> Response:
    store = _store(call)
    found, _ = await filing.one(store, call.request.path_params["id"])
    if found.facility != _place(call):
        raise NotFound("There is no such request.")
    who = person(json.loads((await store.read("Patient", found.patient)).body))
    today = clock.local(call.now).date()
    return call.html(
        "requests/one.html", status, nav="requests", r=found, row=_row(found, who, today, call), who=who,
        closed=await restricting.running(call.engine.db, found.patient), fields=FIELDS, error=error,
        text=call.field("text", 4000), value=call.field("value", 400), field=call.field("field", 20),
        steps=[SimpleNamespace(at=s.at, who=s.who, act=s.act, text=s.said) for s in found.steps],
        acts={"acknowledge": call.w("confirmed receipt"), "extend": call.w("put off"), "grant": call.w("granted"),
              "refuse": call.w("refused"), "cancel": call.w("taken back"), "amend": call.w("amended the record")},
    )  # fmt: skip


@page(ANSWER, "PATRQT")
async def answer(call: Call) -> Response:
    id_, act, text = call.request.path_params["id"], call.field("act", 20), call.field("text", 4000)
    try:
        if act == "correct":
            await correcting.correct(call.door, call.actor, id_, call.field("field", 20), call.field("value", 400), text)
        elif act == "restrict":
            await restricting.restrict(call.door, call.actor, id_, text)
        elif act == "lift":
            found, _ = await filing.one(_store(call), id_)
            await restricting.lift(call.door, call.actor, found.patient, text)
        else:
            await filing.answer(call.door, call.actor, id_, act, text)
    except Invalid as wrong:
        return await _one(call, _said(call, wrong), 422)
    except Conflict:
        return await _one(call, call.w("Somebody answered meanwhile. Look at the state below."), 409)
    return call.go(f"/requests/{id_}" if act in ("acknowledge", "extend") else "/requests?done=1")


def _said(call: Call, wrong: LongbienError) -> str:
    known = {
        "An answer needs its reason, in words that the patient understands.": call.w(
            "An answer needs its reason, in words that the patient understands."
        ),
        "Say why the record is opened again.": call.w("Say why the record is opened again."),
        "Say what it shall be.": call.w("Say what it shall be."),
        "A name has at least a family name and a given name.": call.w("A name has at least a family name and a given name."),
        "A birth date is written as year-month-day.": call.w("A birth date is written as year-month-day."),
        "Nobody living was born then.": call.w("Nobody living was born then."),
        "A telephone number has 10 digits.": call.w("A telephone number has 10 digits."),
        "Say who signed the request.": call.w("Say who signed the request."),
        "Say in a few words what it is about.": call.w("Say in a few words what it is about."),
        "A request cannot have come in the future.": call.w("A request cannot have come in the future."),
    }
    return known.get(wrong.text) or call.w("This cannot be recorded. Check what is written.")


# ---- on paper -------------------------------------------------------------------------------------------------------


@page(ANSWER, "PATRQT")
async def paper(call: Call) -> Response:
    return await _paper(call)


async def _paper(call: Call, error: str = "", status: int = 200) -> Response:
    kinds = [(k, call.w(title)) for k, (_, title, _) in request.KINDS.items()]
    return call.html(
        "requests/new.html", status, nav="requests", kinds=kinds, error=error, number=call.field("number", 40),
        kind=call.field("kind", 20), text=call.field("text", 4000), asker=call.field("asker", 200),
        came=call.field("came", 10) or clock.local(call.now).date().isoformat(),
    )  # fmt: skip


@page(ANSWER, "PATRQT")
async def take(call: Call) -> Response:
    store = _store(call)
    number = "".join(c for c in call.field("number", 40) if c.isalnum()) or "-"
    found = await store.search("Patient", [("identifier", number), ("_count", "2")])
    try:
        came = date.fromisoformat(call.field("came", 10))
    except ValueError:
        return await _paper(call, call.w("Say on which day it came."), 422)
    if len(found.matches) != 1:
        return await _paper(call, call.w("Nobody of this facility has that number."), 422)
    try:
        made = await filing.on_paper(
            call.door,
            call.actor,
            found.matches[0].id,
            call.field("kind", 20),
            call.field("text", 4000),
            came,
            call.field("asker", 200),
        )
    except Invalid as wrong:
        return await _paper(call, _said(call, wrong), 422)
    return call.go(f"/requests/{made.id}")


@page(ANSWER, "PATRQT")
async def letter(call: Call) -> Response:
    """The letter about the last step, as a PDF to be printed and signed."""
    store, place = _store(call), _place(call)
    found, _ = await filing.one(store, call.request.path_params["id"])
    if found.facility != place or found.status not in letters.SUBJECTS:
        raise NotFound("There is no letter about this request.")
    who = person(json.loads((await store.read("Patient", found.patient)).body))
    await place_names(call, {place})
    pdf = await letters.printed(found, who.name, who.address, call.request.app.state.places.get(place, place), call.now)
    await filing.note_line(call.engine, store.scope, found.patient, f"letter about Task/{found.id}")
    headers = {"Content-Disposition": f'inline; filename="thu-{found.id}.pdf"', "Cache-Control": "no-store"}
    return Response(pdf, media_type="application/pdf", headers=headers)
