"""The records office: whose term has ended, the minutes of a destruction and its two signatures. Nothing is destroyed from here."""

from __future__ import annotations

from types import SimpleNamespace

from starlette.responses import Response

from ...access.rights import destroying, retention
from ...access.roles import RETENTION
from ...base import clock
from ...base.errors import Conflict, NotFound, NotSupported
from ..page import Call, page
from .frame import place_names


@page(RETENTION, "HOPERAT")
async def over(call: Call) -> Response:
    return await _over(call)


async def _over(call: Call, error: str = "", status: int = 200) -> Response:
    today = clock.local(call.now).date()
    found = await destroying.over(call.door, call.actor, today)
    rows = [
        SimpleNamespace(encounter=r.encounter, patient=r.patient, kind=k.term.name, ended=k.ended, until=k.until) for r, k in found
    ]
    return call.html(
        "requests/retention.html", status, nav="requests", rows=rows, terms=retention.terms().values(), error=error,
        minutes=await destroying.minutes(call.door, call.actor), mine=call.actor.number,
    )  # fmt: skip


@page(RETENTION, "HOPERAT")
async def propose(call: Call) -> Response:
    try:
        await destroying.propose(call.door, call.actor, clock.local(call.now).date())
    except Conflict:
        return await _over(call, call.w("There is no record whose term has ended."), 409)
    return call.go("/retention")


def _number(call: Call) -> int:
    text = call.request.path_params["number"]
    if not text.isdigit() or len(text) > 9:
        raise NotFound("There are no such minutes.")
    return int(text)


@page(RETENTION, "HOPERAT")
async def act(call: Call) -> Response:
    number, what = _number(call), call.request.path_params["act"]
    try:
        if what == "sign":
            await destroying.sign(call.door, call.actor, number)
        elif what == "carry-out":
            await destroying.carry_out(call.door, call.actor, number)
        else:
            raise NotFound("There is no such step.")
    except Conflict:
        return await _over(call, call.w("Two different persons sign, each once."), 409)
    except NotSupported:
        return await _over(call, call.w("This version destroys nothing: the records stay as they are."), 409)
    return call.go("/retention")


@page(RETENTION, "HOPERAT")
async def minutes(call: Call) -> Response:
    place = call.actor.organization or ""
    await place_names(call, {place})
    pdf = await destroying.printed(call.door, call.actor, _number(call), call.request.app.state.places.get(place, place))
    return Response(pdf, media_type="application/pdf", headers={"Content-Disposition": "inline; filename=bien-ban.pdf"})
