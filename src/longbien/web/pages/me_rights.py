"""What a patient may ask for, on the phone: requests with their clocks, and a copy of the whole record."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from ...access import carers
from ...access.rights import clocks, filing, request, restricting
from ...access.roles import ME
from ...base import clock
from ...base.errors import Conflict, Invalid, NotFound
from ...base.words import Words
from ..chart.record import person
from ..me.shell import Whom, whom
from ..page import Call, page
from .me import show

ASKED = ("view", "copy", "correct", "restrict", "withdraw", "erase")


def shown(one: request.Request, w: Words, call: Call) -> SimpleNamespace:
    """A request as its patient reads it."""
    today = clock.local(call.now).date()
    return SimpleNamespace(
        id=one.id,
        title=w(request.KINDS[one.kind][1]),
        text=one.text,
        state=w(request.STATES.get(one.status, one.status)),
        status=one.status,
        open=one.open,
        filed=one.filed,
        due=one.next_due if one.open else None,
        overdue=one.overdue(today),
        outcome=one.outcome,
        law=one.answer,
        may_cancel=one.may("cancel") and one.channel == "phone",
    )


@page(ME, "PATRQT")
async def requests(call: Call) -> Response:
    one = await whom(call)
    asked = await filing.of_patient(one.store, one.id)
    closed = await restricting.running(call.engine.db, one.id)
    return show(
        call, one, "me/requests.html", "record", asked=[shown(r, call.w, call) for r in asked], kinds=_kinds(call.w), closed=closed,
        done=call.query.get("done", ""),
    )  # fmt: skip


def _kinds(w: Words) -> list[SimpleNamespace]:
    return [SimpleNamespace(code=k, title=w(request.KINDS[k][1]), hint=w(request.KINDS[k][2])) for k in ASKED]


@page(ME, "PATRQT")
async def ask(call: Call) -> Response:
    """The form for one kind of request."""
    return await _form(call, await whom(call), call.query.get("kind", ""), about=call.query.get("about", "")[:64])


async def _form(
    call: Call, one: Whom, kind: str, *, text: str = "", about: str = "", facility: str = "", error: str = "", status: int = 200
) -> Response:
    if kind not in request.KINDS:
        raise NotFound("There is no such request.")
    places = await filing.facilities(one.store, one.id)
    term = None if not places else clocks.due(kind, clock.local(call.now).date())
    return show(
        call, one, "me/ask.html", "record", kind=kind, title=call.w(request.KINDS[kind][1]), text=text, about=about, places=places,
        facility=facility or (places[0][0] if places else ""), error=error, term=term, status=status,
    )  # fmt: skip


@page(ME, "PATRQT")
async def file(call: Call) -> Response:
    one = await whom(call)
    kind, text, facility, about = (call.field(n, 4000) for n in ("kind", "text", "facility", "about"))
    try:
        await filing.file(call.door, call.actor, one.id, facility, kind, text, asker=await _asker(call, one), about=about[:64])
    except Invalid as wrong:
        return await _form(call, one, kind, text=text, about=about, facility=facility, error=_said(wrong, call.w), status=422)
    except Conflict:
        error = call.w("Many requests are open already. Wait for an answer first.")
        return await _form(call, one, kind, text=text, about=about, facility=facility, error=error, status=409)
    return call.go(one.to("/me/requests", done="sent"))


def _said(wrong: Invalid, w: Words) -> str:
    if "few words" in wrong.text:
        return w("Say in a few words what it is about.")
    if "at most" in wrong.text:
        return w("That is too long. Say it in fewer words.")
    return w("This cannot be sent. Check what is written.")


async def _asker(call: Call, one: Whom) -> dict[str, Any]:
    """Who asks, as a Reference: the patient, or the relative through whom the record is open."""
    if one.own:
        return {"reference": f"Patient/{one.id}", "display": one.person.name}
    relation = next((c for c in await carers.of(call.engine.db, call.actor) if c.patient == one.id), None)
    if relation is None or relation.basis[0] != "RelatedPerson":
        return {"reference": f"Patient/{one.id}", "display": call.actor.name}
    relative = person(json.loads((await one.store.read(*relation.basis)).body))
    return {"reference": "/".join(relation.basis), "display": relative.name or call.actor.name}


@page(ME, "PATRQT")
async def take_back(call: Call) -> Response:
    one = await whom(call)
    await filing.take_back(call.door, call.actor, call.request.path_params["id"])
    return call.go(one.to("/me/requests", done="back"))
