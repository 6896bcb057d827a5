"""The chart's section of orders: from ordered to done, cancelling, printing; and what the patient sees of it."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
from starlette.responses import Response

from ..access.roles import CHART
from ..base.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionFailed
from ..base.ids import FHIR_ID
from ..record.store import Store
from ..web.page import Call, page
from ..web.pages.frame import frame
from ..web.pages.write import opened
from . import actions, catalogue, listing, printing, rules
from .advice import found
from .kinds import KINDS
from .permissions import BOX, COLLECT, ORDER, PRINT
from .rules import STAGES
from .settings import kinds, may_order

MOST = 200
_decode = msgspec.json.Decoder().decode
SHOWN_TO_PATIENTS = timedelta(days=14)


def _done(call: Call) -> str:
    """What is said after an action."""
    return {
        "orders": call.w("The orders are signed."),
        "collected": call.w("The specimens are taken."),
        "cancelled": call.w("The order is cancelled."),
        "undone": call.w("Taken back."),
    }.get(call.query.get("done", ""), "")


@page(CHART, "TREAT")
async def orders(call: Call) -> Response:
    return await _orders(call)


async def _orders(call: Call, *, status: int = 200, error: str = "", about: str = "", why: str = "") -> Response:
    shell = await frame(call, call.request.path_params["id"], "orders")
    if isinstance(shell, Response):
        return shell
    scope = call.scope(shell["reason"])
    index = await catalogue.fresh(call.engine, scope)
    listed = await listing.read(call.engine, scope, shell["person"].id, call.lang, index)
    past = call.query.get("show") == "past"
    kind = call.query.get("kind", "")
    counts = [(k, call.w(KINDS[k].title), sum(o.kind == k and not o.over for o in listed)) for k in KINDS]
    kept = [o for o in listed if (o.over == past) and (not kind or o.kind == kind)]
    shell["toast"] = _done(call)
    shell["undo"] = {"entry": call.query["undo"]} if call.query.get("undo") else {}
    return call.html(
        "chart.html", status, **shell, middle="orders/list.html", sheets_of=listing.forms(kept[:MOST], call.w), past=past,
        kind=kind,
        kinds=[c for c in counts if c[2] or c[0] == kind], total=len(kept), open_n=sum(not o.over for o in listed),
        past_n=sum(o.over for o in listed), orderable=kinds(call.actor),
        every=call.actor.may(ORDER), may_print=call.actor.may(PRINT),
        may_collect=call.actor.may(COLLECT),
        error=error, about=about, why=why, most=MOST,
    )  # fmt: skip


@page(BOX, "TREAT")
async def cancel(call: Call) -> Response:
    """POST /patients/{id}/orders/cancel: order=Type/id, why. The loser of two is told."""
    patient = call.request.path_params["id"]
    reason = await opened(call, patient)
    ref, why = call.field("order", 100), call.field("why", 500)
    type_, _, id_ = ref.partition("/")
    if type_ not in listing.ORDERS or not FHIR_ID.match(id_):
        raise NotFound("There is no such order.")
    store = Store(call.engine, call.scope(reason))
    if not may_order(call.actor, rules.kind_of(_decode((await store.read(type_, id_)).body))):
        raise Forbidden("A doctor orders this, and cancels it.")
    try:
        await actions.cancel(store, patient, type_, id_, why, call.now)
    except (Conflict, PreconditionFailed):
        return await _orders(
            call, status=409, error=call.w("Somebody changed this order meanwhile. Look at its state."), about=ref, why=why
        )
    except Invalid as wrong:
        said = {
            "Say why it is cancelled.": call.w("Say why it is cancelled."),
            "This order is over already.": call.w("This order is over already."),
        }.get(wrong.text, call.w("This cannot be recorded. Check what is written."))
        return await _orders(call, status=422, error=said, about=ref, why=why)
    return call.go(f"/patients/{patient}/orders?done=cancelled")


# ---- on paper ----------------------------------------------------------------------------------------------------------


@page(PRINT, "TREAT")
async def form(call: Call) -> Response:
    """GET /patients/{id}/orders/{form}.pdf: the order form (phiếu chỉ định) of one signing."""
    return await _printed(call, "form")


@page(PRINT, "TREAT")
async def labels(call: Call) -> Response:
    """GET /patients/{id}/orders/{form}/labels.pdf: one label for each tube."""
    return await _printed(call, "labels")


async def _printed(call: Call, what: str) -> Response:
    patient, key = call.request.path_params["id"], call.request.path_params["form"]
    reason = await opened(call, patient)
    scope = call.scope(reason)
    listed = await listing.read(call.engine, scope, patient, "vi", await catalogue.fresh(call.engine, scope))
    kept = [o for o in listed if o.form == key and o.stage.key != "cancelled"]
    if not kept or "@" in key:
        raise NotFound("There is no such order form.")
    pdf = await printing.printed(call, patient, reason, key, kept, what)
    headers = {"Content-Disposition": f'inline; filename="{what}-{key}.pdf"', "Cache-Control": "no-store"}
    return Response(pdf, media_type="application/pdf", headers=headers)


# ---- the patient's own page ----------------------------------------------------------------------------------------------


async def mine(call: Call, shell: Any) -> dict[str, Any] | None:
    """What is ordered for the reader and how far it has come, in plain words. Drugs stand in their own list."""
    one = shell["whom"]
    since = ("authored", f"ge{call.now - SHOWN_TO_PATIENTS:%Y-%m-%d}")
    requests = await found(one.store, "ServiceRequest", one.id, since, ("_sort", "-authored"))
    if not requests:
        return None
    others: list[Any] = []
    for type_ in ("DiagnosticReport", "ImagingStudy", "Procedure", "Specimen"):
        others += await found(one.store, type_, one.id, _newer(type_, call))
    listed = listing.orders(requests, others, call.lang, await catalogue.fresh(call.engine, one.store.scope))
    waiting = [o for o in listed if not o.over and o.kind in ("lab", "imaging", "procedure", "consult")]
    ready = [o for o in listed if o.stage.key == "result" and o.stage.at and call.now - o.stage.at < timedelta(days=3)]
    shown = [*waiting, *ready][:8]
    if not shown:
        return None
    rows = [SimpleNamespace(name=o.name, kind=call.w(KINDS[o.kind].plain), state=call.w(STAGES[o.stage.key][1]), at=o.stage.at, icon={"lab": "flask", "imaging": "image"}.get(o.kind, "note"), ready=o.stage.key == "result") for o in shown]  # noqa: E501  # fmt: skip
    return {"rows": rows, "to": one.to, "more": len(waiting) + len(ready) - len(shown)}


def _newer(type_: str, call: Call) -> tuple[str, str]:
    """Only what was made since the orders that are shown."""
    name = {"ImagingStudy": "started", "Specimen": "collected"}.get(type_, "date")
    return name, f"ge{call.now - SHOWN_TO_PATIENTS:%Y-%m-%d}"


__all__ = ["cancel", "form", "labels", "mine", "orders"]
