"""What a patient may ask for, on the phone: requests with their clocks, and a copy of the whole record."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from ...access import carers
from ...access.rights import clocks, copying, filing, request, restricting
from ...access.roles import ME
from ...base import clock
from ...base.errors import Conflict, Invalid, NotFound, TooMany
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


# ---- a copy of everything -------------------------------------------------------------------------------------------

KEY = "record-copy"
"""The cookie that holds `<id>.<key>` of the newest copy: only this browser can open what was made."""


def _key(call: Call) -> tuple[str, str]:
    id_, _, key = (call.request.cookies.get(KEY) or "").partition(".")
    return id_, key


@page(ME, "PATRQT")
async def copies(call: Call) -> Response:
    one = await whom(call)
    made = await copying.of(call.door, call.actor, one.id)
    newest = made[0] if made else None
    mine, _ = _key(call)
    own = newest is not None and newest.id == mine
    return show(
        call, one, "me/copy.html", "record", newest=newest, mine=own, error="",
        waiting=newest is not None and newest.state == "waiting", gone=call.query.get("done") == "gone",
    )  # fmt: skip


@page(ME, "PATRQT")
async def copy(call: Call) -> Response:
    """Ask for one."""
    one = await whom(call)
    try:
        id_, key = await copying.ask(call.door, call.actor, one.id, call.w.lang)
    except TooMany:
        made = await copying.of(call.door, call.actor, one.id)
        error = call.w("That is enough copies for one day. Try again tomorrow.")
        return show(
            call, one, "me/copy.html", "record", newest=made[0] if made else None, mine=False, error=error, waiting=False,
            gone=False, status=429,
        )  # fmt: skip
    response = call.go(one.to("/me/copy"))
    safe = call.request.url.scheme == "https"
    told = f"{id_}.{key}"
    response.set_cookie(KEY, told, max_age=86400, path="/me/copy", httponly=True, samesite="strict", secure=safe)
    return response


@page(ME, "PATRQT")
async def fetch(call: Call) -> Response:
    """The file itself, once."""
    one = await whom(call)
    id_, key = call.request.path_params["id"], ""
    if _key(call)[0] == id_:
        key = _key(call)[1]
    try:
        packed = await copying.fetch(call.door, call.actor, id_, key)
    except NotFound:
        return call.go(one.to("/me/copy", done="gone"))
    headers = {"Content-Disposition": f'attachment; filename="ho-so-{clock.local(call.now):%Y-%m-%d}.zip"'}
    return Response(packed, media_type="application/zip", headers=headers)
