"""Specimens to take: the round's list, a label scanned, a whole order form taken."""

from __future__ import annotations

from starlette.responses import Response

from ..base.errors import NotFound
from ..base.ids import FHIR_ID
from ..record.store import Store
from ..web.page import Call, page
from ..web.pages.write import opened
from . import catalogue, collecting
from .advice import found
from .permissions import COLLECT, ROUND
from .rules import group


def _house(call: Call) -> Store:
    return Store(call.engine, call.scope("specimens to take"))


@page(ROUND, "TREAT")
async def listed(call: Call) -> Response:
    return await _listed(call)


async def _listed(call: Call, *, status: int = 200, error: str = "", said: str = "", number: str = "") -> Response:
    store = _house(call)
    index = await catalogue.fresh(call.engine, store.scope)
    rows = await collecting.waiting(store, index, call.w, call.now)
    return call.html(
        "orders/collect.html", status, nav="collect", rows=rows, tubes=sum(len(r.tubes) for r in rows), error=error, said=said,
        number=number, done=call.query.get("done", ""),
    )  # fmt: skip


@page(ROUND, "TREAT")
async def scan(call: Call) -> Response:
    """POST /orders/collect: the number on a label, as a scanner types it. Takes this one tube and says whose it is."""
    number = "".join(c for c in call.field("number", 40) if c.isalnum())
    house = _house(call)
    index = await catalogue.fresh(call.engine, house.scope)
    hit = collecting.with_number(await collecting.waiting(house, index, call.w, call.now), number)
    if hit is None:
        text = call.w("No tube with this number is to be taken here: taken already, cancelled, or of another patient's list.")
        return await _listed(call, status=422, error=text, number=number)
    who, tube = hit
    store = Store(call.engine, call.scope(await opened(call, who.patient)))
    await collecting.take(store, [tube], call.actor.practitioner or "", call.actor.name, call.now)
    return await _listed(
        call, said=call.w("Taken: %(name)s, %(what)s", name=who.name, what=f"{tube.specimen} ({', '.join(tube.tests)})")
    )


@page(COLLECT, "TREAT")
async def form(call: Call) -> Response:
    """POST /patients/{id}/orders/{form}/collected: all tubes of one order form."""
    patient, key = call.request.path_params["id"], call.request.path_params["form"]
    store = Store(call.engine, call.scope(await opened(call, patient)))
    index = await catalogue.fresh(call.engine, store.scope)
    orders = [o for o in await found(store, "ServiceRequest", patient, ("status", "active")) if group(o) == key]
    if not orders or not FHIR_ID.match(key):
        raise NotFound("There is no such order form.")
    left = collecting.tubes(orders, await found(store, "Specimen", patient), index, call.lang)
    if left:
        await collecting.take(store, left, call.actor.practitioner or "", call.actor.name, call.now)
    back = "/orders/collect" if call.field("back", 10) == "collect" else f"/patients/{patient}/orders"
    return call.go(f"{back}?done=collected")
