"""A room's queue for who works there, and the board over its door, which shows numbers and nobody's name."""

from __future__ import annotations

from hashlib import blake2b
from types import SimpleNamespace
from typing import Any

import msgspec
from starlette.responses import Response

from ...access.roles import CHART
from ...base import clock
from ...base.errors import NotFound
from ...base.ids import FHIR_ID, new_id
from ...record.life import named
from ...record.store import Store
from ...web.desk import people as persons
from ...web.page import NOBODY_PURPOSE, OPEN, Call, page
from .. import actions, lobby, rules
from ..actions import InLine, Moved
from ..lobby import Queue
from ..permissions import QUEUE, RECEIVE
from ..rooms import Facility
from ..shapes import Room
from .desk import author, here

_decode = msgspec.json.Decoder().decode
NEXT = 4
"""Numbers that a board shows as the next ones."""


def _room(call: Call, place: Facility) -> Room:
    return place.room(call.request.path_params["location"])


@page(QUEUE, "TREAT")
async def queue(call: Call) -> Response:
    place = await here(call)
    return await _page(call, place, _room(call, place))


async def _page(call: Call, place: Facility, room: Room, *, error: str = "", status: int = 200) -> Response:
    found = (await lobby.queues(call.engine, [room], call.now))[room.id]
    everybody = [*found.line, *found.called, *found.inside, *found.missed, *found.done]
    mark = _mark(found)
    if call.part and call.request.headers.get("x-by-itself") == "1" and call.query.get("mark") == mark:
        return Response(status_code=204, headers={"X-Mark": mark})
    names = await persons(call.engine, call.scope(f"queue of {room.id}"), list({t.pat for t in everybody}))

    def shown(t: rules.Ticket, minutes: int | None = None) -> SimpleNamespace:
        known = names.get(t.pat)
        return SimpleNamespace(t=t, who=known[0] if known else None, minutes=minutes, age=_age(call, known))

    w = call.w
    template = "reception/queue_body.html" if call.part else "reception/queue.html"
    return call.html(
        template,
        status,
        {"X-Mark": mark},
        nav="reception" if call.actor.may(RECEIVE) else "queue",
        room=room,
        rooms=[r for r in place.rooms if r.id != room.id],
        all_rooms=place.rooms,
        line=[shown(t, m) for t, m in zip(found.line, found.waits, strict=True)],
        called=[shown(t) for t in found.called],
        inside=[shown(t) for t in found.inside],
        missed=[shown(t) for t in found.missed],
        done=[shown(t) for t in reversed(found.done)][:20],
        seen=len(found.done),
        each=round(found.each.total_seconds() / 60),
        mark=mark,
        error=error,
        once=new_id(),
        charts=call.actor.may(CHART),
        letters={rules.PRIORITY: w("seen first"), rules.BOOKED: w("by appointment"), rules.ORDINARY: ""},
    )


def _age(call: Call, known: Any) -> str:
    if not known:
        return ""
    return " ".join(x for x in (call.w.sex(known[0].sex).lower(), call.w.age(known[0].birth, clock.local(call.now).date())) if x)


def _mark(found: Queue) -> str:
    """What a page shows, in short: the same mark, the same page. Waits are left out of it but for their minutes."""
    parts = [f"{t.task}{t.state}" for t in (*found.line, *found.called, *found.inside, *found.missed)]
    parts += [str(len(found.done)), *map(str, found.waits)]
    return blake2b("|".join(parts).encode(), digest_size=8).hexdigest()


@page(QUEUE, "TREAT")
async def act(call: Call) -> Response:
    """One act on the queue: the next one, or something with one number."""
    place = await here(call)
    room = _room(call, place)
    store, who = Store(call.engine, call.scope(f"queue of {room.id}")), author(call)
    what, task = call.field("act", 20), call.field("task", 64)
    try:
        if what in ("next", "finish-next"):
            given = await actions.call_next(store, who, room, call.now, finish=task if what == "finish-next" else "")
            if given is None:
                return await _page(call, place, room, error=call.w("Nobody waits.") if what == "next" else "")
        elif what == "move":
            to = place.room(call.field("to", 64))
            await actions.transfer(store, who, room, _task(task), to, _once(call), call.now)
        elif what in rules.MOVES:
            await actions.move(store, who, room, _task(task), what, call.now)
        else:
            raise NotFound("There is no such act.")
    except Moved:
        text = call.w("This number has been moved on in the meantime. Here is the queue as it is now.")
        return await _page(call, place, room, error=text, status=409)
    except InLine:
        return await _page(call, place, room, error=call.w("This patient waits in that room already."), status=409)
    return call.go(f"/rooms/{room.id}/queue")


def _task(given: str) -> str:
    if not FHIR_ID.match(given):
        raise NotFound("There is no such number.")
    return given


def _once(call: Call) -> str:
    given = call.field("once", 64)
    return given if FHIR_ID.match(given) and len(given) <= 48 else new_id()


@page(OPEN, NOBODY_PURPOSE)
async def display(call: Call) -> Response:
    """The board over a door. Needs nobody: it holds numbers, never a name or an illness."""
    room = await of_directory(call, call.request.path_params["location"])
    found = (await lobby.queues(call.engine, [room], call.now))[room.id]
    waits = list(zip(found.line, found.waits, strict=True))[:NEXT]
    mark = _mark(found)
    template = "reception/display_body.html" if call.part else "reception/display.html"
    return call.html(
        template,
        200,
        {"X-Mark": mark},
        room=room,
        now_called=[t.label for t in found.called][:3],
        inside=[t.label for t in found.inside][:3],
        next=[SimpleNamespace(label=t.label, minutes=m, first=t.letter == rules.PRIORITY) for t, m in waits],
        missed=[t.label for t in found.missed][-4:],
        each=round(found.each.total_seconds() / 60),
        mark=mark,
    )


async def of_directory(call: Call, id_: str) -> Room:
    """A consulting room by its id. The directory is nobody's record. Raises NotFound."""
    if not FHIR_ID.match(id_):
        raise NotFound("There is no such room.")
    body = (await named(call.engine, "Location", [id_])).get(id_)
    if body is None:
        raise NotFound("There is no such room.")
    place = _decode(body)
    kinds = [c.get("code") for c in (place.get("physicalType") or {}).get("coding") or ()]
    if "ro" not in kinds:
        raise NotFound("There is no such room.")
    owner = str((place.get("managingOrganization") or {}).get("reference") or "").rpartition("/")[2]
    department = (await named(call.engine, "Organization", [owner])).get(owner)
    name = str(_decode(department).get("name") or "") if department else ""
    return Room(id_, str(place.get("name") or id_), owner, name)
