"""Live updates: the open chart hears that something of its patient changed, and asks for the changed parts itself. The event holds
a type and an id, never content: what may be seen is decided when it is asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from ...access.roles import CHART
from ...base.errors import LongbienError, NotFound
from ...base.ids import FHIR_ID, patient_key
from ...record.live import News
from ..page import Call, page

BEAT = 15.0
"""Seconds between signs of life; with each the right to listen is asked again."""
SURE = 1.0
"""Seconds for which that right is taken for granted when news come: one record may have news all the time."""
WAITING = 200


@page(CHART, "TREAT")
async def live(call: Call) -> Response:
    patient = call.request.path_params["id"]
    if not FHIR_ID.match(patient) or await call.door.why(call.actor, patient) is None:
        raise NotFound("This record is not open to you.")
    if call.request.method == "HEAD":  # is it still open to me?
        return Response()
    return StreamingResponse(events(call, patient), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def events(call: Call, patient: str) -> AsyncIterator[str]:
    """What is new in a patient's record, as server-sent events, for as long as the reader may open it."""
    queue: asyncio.Queue[News] = asyncio.Queue(WAITING)

    def heard(news: News) -> None:
        if not queue.full():
            queue.put_nowait(news)

    stop = call.engine.live.listen(patient_key(patient), heard)
    try:
        yield "retry: 3000\n\n"
        sure = time.monotonic() + SURE
        while True:
            try:
                news = await asyncio.wait_for(queue.get(), BEAT)
            except TimeoutError:
                news = None
            if news is None or time.monotonic() > sure:
                if not await _still(call, patient):
                    return
                sure = time.monotonic() + SURE
            if news is None:
                yield ": here\n\n"
                continue
            yield f"event: changed\ndata: {news.type}/{news.id}\n\n"
    finally:
        stop()


async def _still(call: Call, patient: str) -> bool:
    """Does the listener still have a session and a reason?"""
    try:
        actor = await call.door.actor(call.request, touch=False)  # nobody is at the keyboard
        return await call.door.why(actor, patient) is not None
    except LongbienError:
        return False
