"""The bed board: who lies where, what is due, what waits; kept up to date by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from longbien.access.roles import CHART
from longbien.base.errors import LongbienError, NotFound
from longbien.base.words import Words
from longbien.record.live import News
from longbien.web.page import Call, page
from longbien.web.pages.search import address

from .. import beds, codes
from ..board import Board, Card, build
from ..naming import english
from ..places import Ward
from ..reads import SHIFTS, Lying, ward_now
from .at import BEDS, WARD, at, store

BEAT = 15.0
"""Seconds between signs of life; with each the right to listen is asked again."""


def done(key: str, w: Words) -> str:
    """What an act's success says."""
    return {
        "moved": w("The patient is moved. The bed left is to be cleaned."),
        "kept": w("The bed is kept for the patient."),
        "admitted": w("The patient is admitted."),
    }.get(key, "")


def mine(lying: Lying, practitioner: str | None) -> bool:
    """Does the reader care for this patient by name: of the stay's participants, or of the care team?"""
    mark = f'Practitioner/{practitioner}"' if practitioner else ""
    named = [*(lying.stay.get("participant") or ()), *(p for t in lying.all("CareTeam") for p in t.get("participant") or ())]
    return bool(mark) and any(mark in f"{p}".replace("'", '"') for p in named)


@page(WARD, "TREAT")
async def board(call: Call) -> Response:
    found = await at(call)
    if found.ward is None:
        return call.html("ward/none.html", nav="ward")
    now = await ward_now(call.engine, call.scope("the ward's bed board"), found.ward, call.now, back=SHIFTS)
    await english(store(call, "the ward's bed board"), now.lying.values(), call.lang)
    view = build(now, call.now, call.w, call.lang)
    own = [c for c in view.cards if c.lies and mine(c.lies, call.actor.practitioner)]
    asked = call.query.get("whose", "")
    whose = "mine" if asked == "mine" and own else "ward"
    return call.html(
        "ward/board-part.html" if call.part else "ward/board.html",
        nav="ward", ward=found.ward, wards=list(found.places.wards.values()), own=found.own, board=_of(view, own, whose),
        whose=whose, mine=len(own), moves=call.actor.may(BEDS), charts=call.actor.may(CHART),
        address=lambda id_: address(call, id_), toast=done(call.query.get("done", ""), call.w),
    )  # fmt: skip


def _of(view: Board, own: list[Card], whose: str) -> Board:
    """Only the reader's own patients, with their rooms."""
    if whose == "mine":
        for room in view.rooms:
            room.cards = [c for c in room.cards if c in own]
        view.rooms = [room for room in view.rooms if room.cards]
    return view


@page(WARD, "TREAT")
async def live(call: Call) -> Response:
    found = await at(call)
    if call.request.method == "HEAD":
        return Response()
    return StreamingResponse(_events(call, found.here), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _events(call: Call, ward: Ward) -> AsyncIterator[str]:
    """Says that something of the ward changed, never what. Ends (and is opened anew) when somebody comes or goes."""
    queue: asyncio.Queue[News] = asyncio.Queue(200)

    def heard(news: News) -> None:
        if not queue.full():
            queue.put_nowait(news)

    now = await ward_now(call.engine, call.scope("the ward's bed board"), ward, call.now)
    stops = [call.engine.live.listen(key, heard) for key in {ward.key, *(x.pat for x in now.lying.values())}]
    try:
        yield "retry: 1500\n\n"
        while True:
            try:
                news = await asyncio.wait_for(queue.get(), BEAT)
            except TimeoutError:
                if not await _still(call):
                    return
                yield ": here\n\n"
                continue
            yield "event: changed\ndata: ward\n\n"
            if news.pat == ward.key:
                return
    finally:
        for stop in stops:
            stop()


async def _still(call: Call) -> bool:
    try:
        return (await call.door.actor(call.request, touch=False)).may(WARD)
    except LongbienError:
        return False


@page(BEDS, "TREAT")
async def bed(call: Call) -> Response:
    """One tap: a bed is clean, to be cleaned, closed, in use again."""
    found = await at(call, call.field("ward", 64))
    one = found.places.beds.get(call.request.path_params["bed"])
    code = call.field("status", 1)
    if one is None or one.ward != found.here.id or code not in codes.BED_WORDS:
        raise NotFound("There is no such bed here.")
    await beds.set_status(store(call, "the state of a bed"), one, found.here, code)
    return call.go(f"/ward?ward={found.here.id}")
