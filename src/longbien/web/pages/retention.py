"""The records office: whose term has ended, the minutes of a destruction, its two signatures, and carrying it out."""

from __future__ import annotations

from types import SimpleNamespace
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from ...access.entry import Locked
from ...access.rights import destroying, retention
from ...access.roles import RETENTION
from ...base import clock
from ...base.errors import Conflict, Invalid, NotFound
from ..page import Call, page
from .frame import place_names


@page(RETENTION, "HOPERAT")
async def over(call: Call) -> Response:
    return await _over(call)


async def _over(call: Call, error: str = "", status: int = 200) -> Response:
    today = clock.local(call.now).date()
    found = await destroying.over(call.door, call.actor, today)
    known = await destroying.states(call.door, [r.encounter for r, _ in found])
    rows = [
        SimpleNamespace(encounter=r.encounter, patient=r.patient, kind=k.term.name, ended=k.ended, until=k.until,
                        archived=known.get(r.encounter) == destroying.ARCHIVED)
        for r, k in found
    ]  # fmt: skip
    listed = await destroying.minutes(call.door, call.actor)
    gone = await destroying.states(call.door, [r.encounter for m in listed for r in m.records])
    return call.html(
        "requests/retention.html", status, nav="requests", rows=rows, terms=retention.terms().values(), error=error,
        minutes=listed, mine=call.actor.number, done=call.query.get("done", ""),
        gone={m.number: sum(gone.get(r.encounter) == destroying.DESTROYED for r in m.records) for m in listed},
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
    number, what, w = _number(call), call.request.path_params["act"], call.w
    try:
        if what == "sign":
            await destroying.sign(call.door, call.actor, number)
        elif what == "carry-out":
            await call.door.entry.lately(call.request)
            today = clock.local(call.now).date()
            await destroying.carry_out(call.door, call.actor, number, call.field("words", 40), today)
            return call.go(f"/retention?done={number}")
        else:
            raise NotFound("There is no such step.")
    except Locked:
        if call.part:
            raise
        return RedirectResponse(f"/unlock?next={quote('/retention')}", 303)
    except Invalid:
        return await _over(call, w("Type the code that stands on the printed minutes. Nothing was destroyed."), 422)
    except destroying.NotYet as why:
        return await _over(call, _against(call, why), 409)
    except Conflict as why:
        text = w("Two different persons sign, each once.")
        if not why.text.startswith(("Two persons", "You signed")):
            text = (
                w("Something changed meanwhile: look at the minutes again.")
                + " "
                + w("What is not marked as destroyed is as it was.")
            )
        return await _over(call, text, 409)
    return call.go("/retention")


def _against(call: Call, why: destroying.NotYet) -> str:
    w = call.w
    said = {
        "The term of a record has not ended.": w("The term of a record has not ended."),
        "A record is not archived yet.": w("A record is not archived yet: archive it first."),
        "The record is restricted at its patient's wish.": w("The record is restricted at its patient's wish."),
        "The patient of a record has an open request.": w("The patient of a record has an open request: answer it first."),
    }[why.text]
    return f"{said} {w('Nothing was destroyed.')} ({', '.join(r.encounter for r in why.records[:5])})"


@page(RETENTION, "HOPERAT")
async def minutes(call: Call) -> Response:
    place = call.actor.organization or ""
    await place_names(call, {place})
    pdf = await destroying.printed(call.door, call.actor, _number(call), call.request.app.state.places.get(place, place))
    return Response(pdf, media_type="application/pdf", headers={"Content-Disposition": "inline; filename=bien-ban.pdf"})
