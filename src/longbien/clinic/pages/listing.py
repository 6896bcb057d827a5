"""The doctor's list: who waits, who is called, who is back from the laboratory; one key calls the next. Kept up to date by
itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any

from starlette.responses import Response, StreamingResponse

from ...base.errors import LongbienError
from ...base.ids import FHIR_ID
from ...base.words import Words
from ...record.live import News
from ...web.page import Call, page
from ...web.pages.frame import place_names
from .. import acts, worklist
from ..permissions import CLINIC, VISIT
from ..worklist import Row
from .visit import done

BEAT, LOOK = 15.0, 4.0
"""Seconds between signs of life; between looks for visits that this page does not know of yet."""
MOST = 400


def states(w: Words) -> dict[str, str]:
    return {
        "called": w("called"),
        "in": w("being seen"),
        "results": w("results are back"),
        "asked": w("waits for results"),
        "waiting": w("waits"),
        "missed": w("missed the call"),
        "booked": w("booked"),
        "done": w("done"),
    }


def _groups(rows: Sequence[Row], w: Words) -> list[SimpleNamespace]:
    of = (
        (w("With the doctor"), ("called", "in", "results")),
        (w("Waits for results"), ("asked",)),
        (w("Waiting"), ("waiting", "missed")),
        (w("Booked for today"), ("booked",)),
        (w("Seen already"), ("done",)),
    )
    return [SimpleNamespace(title=t, rows=[r for r in rows if r.state in s][:MOST]) for t, s in of]


def _whose(call: Call) -> str:
    asked = call.query.get("whose", "") or "mine"
    return asked if asked in ("mine", "all") or FHIR_ID.match(asked) else "mine"


@page(CLINIC, "TREAT")
async def listing(call: Call) -> Response:
    w, whose = call.w, _whose(call)
    await place_names(call, {call.actor.organization} if call.actor.organization else set())
    rows = await worklist.read(call, whose)
    waiting = worklist.waiting(await worklist.read(call, whose, audited=False, strict=True) if whose == "mine" else rows)
    context: dict[str, Any] = {
        "groups": _groups(rows, w),
        "states": states(w),
        "total": len(rows),
        "calls": call.actor.may(VISIT),
    }
    if call.part:
        return call.html("clinic/rows.html", **context)
    toast = done(call.query.get("done", ""), call)
    choices = await _choices(call, whose, rows)
    return call.html(
        "clinic/list.html",
        nav="clinic",
        whose=whose,
        waiting=waiting[0] if waiting else None,
        choices=choices,
        toast=toast,
        **context,
    )


async def _choices(call: Call, whose: str, rows: Sequence[Row]) -> list[SimpleNamespace]:
    """Mine, the room that is looked at, all."""
    w = call.w
    out = [SimpleNamespace(key="mine", title=w("My clinic"), n=len(rows) if whose == "mine" else None)]
    rooms = {r.location: r.place for r in rows if r.location}
    if whose not in ("mine", "all"):
        out.append(SimpleNamespace(key=whose, title=rooms.get(whose, w("Room")), n=len(rows)))
    elif whose == "all":
        out += [
            SimpleNamespace(key=k, title=t, n=sum(r.location == k for r in rows))
            for k, t in sorted(rooms.items(), key=lambda x: x[1])
        ][:5]
    out.append(SimpleNamespace(key="all", title=w("All clinics"), n=len(rows) if whose == "all" else None))
    return out


@page(VISIT, "TREAT")
async def call_next(call: Call) -> Response:
    """The next who waits is called in; their visit opens."""
    return await acts.call_next(call)


@page(CLINIC, "TREAT")
async def live(call: Call) -> Response:
    if call.request.method == "HEAD":
        return Response()
    return StreamingResponse(_events(call, _whose(call)), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _events(call: Call, whose: str) -> AsyncIterator[str]:
    """`changed` when something of somebody on the list changed, or somebody came onto it. It holds nothing: what may be seen is
    decided when it is asked for."""
    queue: asyncio.Queue[int] = asyncio.Queue(50)

    def heard(news: News) -> None:
        if not queue.full():
            queue.put_nowait(news.pat)

    stops = [call.engine.live.listen(r.pat, heard) for r in await worklist.read(call, whose, audited=False)]
    try:
        yield "retry: 3000\n\n"
        mark = await worklist.pulse(call)
        quiet = 0.0
        while True:
            try:
                await asyncio.wait_for(queue.get(), LOOK)
                changed = True
            except TimeoutError:
                changed = False
                quiet += LOOK
            if not changed and (new := await worklist.pulse(call)) != mark:
                mark, changed = new, True
                for stop in stops:
                    stop()
                stops = [call.engine.live.listen(r.pat, heard) for r in await worklist.read(call, whose, audited=False)]
            if quiet >= BEAT or changed:
                if not await _still(call):
                    return
                quiet = 0.0
                yield "event: changed\ndata: list\n\n" if changed else ": here\n\n"
    finally:
        for stop in stops:
            stop()


async def _still(call: Call) -> bool:
    try:
        return (await call.door.actor(call.request, touch=False)).may(CLINIC)
    except LongbienError:
        return False
