"""/cashier: who is ready to pay, one bill with its code, cash and card, the receipt."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from starlette.responses import Response, StreamingResponse

from longbien.base import clock
from longbien.base.errors import Conflict, Invalid, NotFound
from longbien.base.ids import FHIR_ID, new_id
from longbien.base.words import mark
from longbien.fhir import json
from longbien.record.store import Store
from longbien.web.chart.record import person
from longbien.web.page import Call, page
from longbien.web.pages.live import events

from ...charges import bills as charged
from ...charges.permissions import ISSUE
from ...charges.reads import Q as C
from ...charges.view import by_group
from .. import bills, desk, matching, papers, paying, qr, view
from ..accounts import banks
from ..permissions import TAKE
from ..shifts import Q
from ..terminals import Typed
from .shared import dong, facility, facility_name, said, shift, show, store

LISTED, LATELY = 60, 12
TO_ISSUE, DAYS = 20, timedelta(days=3)
PAID_BY = {
    "payment-transfer": mark("QR"),
    "payment-cash": mark("cash"),
    "payment-card": mark("card"),
    "payment-held": mark("QR"),
    "deposit-used": mark("deposit"),
}


@page(TAKE, "HPAYMT")
async def board(call: Call) -> Response:
    """Without a bill: the list. With ?bill=: the list and that bill. With ?q=: looked up first."""
    typed = call.query.get("q", "").strip()[:60]
    chosen = call.query.get("bill", "")
    if typed and not chosen:
        chosen = await _looked(call, typed)
        if chosen:
            return call.go(f"/cashier?bill={chosen}")
    return await _page(call, chosen, typed=typed)


async def _looked(call: Call, typed: str) -> str:
    """A bill's number or a reference, as scanned or typed; "" where there is none here."""
    db, wanted = call.engine.db, typed.upper().replace(" ", "")
    row = await db.fetchrow(bills.Q.by_number, wanted)
    if row is None:
        found = await db.fetch(bills.Q.by_reference, [wanted])
        row = next((r for r in found if r["invoice"]), None)
    return str(row["invoice"]) if row is not None and row["facility"] == facility(call) else ""


async def _page(call: Call, chosen: str, *, typed: str = "", error: str = "", status: int = 200) -> Response:
    db, place = call.engine.db, facility(call)
    own = store(call, "the cashier's list")
    now, request = await bills.current(call.engine, chosen, call.actor.number) if FHIR_ID.match(chosen) else (None, None)
    open_ = [bills.bill(r) for r in await db.fetch(bills.Q.open, place, LISTED)]
    count = await db.fetchval(bills.Q.open_count, place)
    ready = await view.whose(own, open_)
    if typed:
        words = typed.casefold().split()
        named = [x for x in ready if all(t in x.person.name.casefold() for t in words)]
        ready = named or ready
    one = await view.one(store(call, "a bill at the cashier's"), chosen) if chosen else None
    if one is not None:
        _mine(call, one)
        one = replace(one, bill=now or one.bill)  # the bill and its reference as of one moment
    return await show(
        call,
        "desk.html",
        "cashier",
        status,
        ready=ready,
        count=count,
        hidden=len(open_) - len(ready),
        lately=await _lately(call, own),
        to_issue=await _to_issue(call, own),
        one=one,
        typed=typed,
        error=error,
        shift=await shift(call),
        once=new_id(),
        PAID_BY=PAID_BY,
        kinds=matching.KINDS,
        **(await _chosen(call, one, request) if one else _nothing()),
    )


async def _to_issue(call: Call, own: Store) -> list[view.Ended]:
    """Whose visit ended lately and has no bill yet, for who may issue one."""
    if not call.actor.may(ISSUE):
        return []
    return await view.ended(own, await call.engine.db.fetch(C.to_issue, facility(call), clock.now() - DAYS, TO_ISSUE))


def _nothing() -> dict[str, Any]:
    return {"request": None, "code": "", "bank": None, "receipts": (), "found": (), "groups": ()}


async def _chosen(call: Call, one: view.Whose, request: bills.Request | None) -> dict[str, Any]:
    db = call.engine.db
    place = await db.fetchrow(bills.Q.account_of, one.bill.facility)
    bank = {
        "name": banks()[request.bin].short if request and request.bin in banks() else "",
        "holder": place["holder"] if place else "",
    }
    receipts = await db.fetch(Q.receipts_of, one.bill.invoice)
    found = [r for r in await db.fetch(Q.exceptions, one.bill.facility, 200) if r["invoice"] == one.bill.invoice]
    code = qr.svg(request.text(one.bill.number), call.w("Code to pay this bill")) if request else ""
    groups = await _groups(call, one)
    return {"request": request, "code": code, "bank": bank, "receipts": receipts, "found": found, "groups": groups}


async def _groups(call: Call, one: view.Whose) -> list[Any]:
    """The bill's lines by kind of cost, where they are still what was billed."""
    if not one.bill.encounter or not one.invoice.get("lineItem"):
        return []
    opened = await charged.opened(store(call, "a bill at the cashier's"), one.bill.encounter)
    same = opened.invoice is not None and opened.invoice.get("id") == one.bill.invoice and not opened.stale
    return by_group(opened.bill, call.w) if same else []


async def _lately(call: Call, own: Store) -> list[tuple[Any, view.Whose]]:
    """What was paid last today, with whose it was."""
    rows = await call.engine.db.fetch(bills.Q.paid, facility(call), clock.local(call.now).date(), LATELY, list(paying.TAKEN))
    found = [b for r in rows if (b := await bills.one(call.engine.db, r["invoice"]))]
    names = {x.bill.invoice: x for x in await view.whose(own, list({b.invoice: b for b in found}.values()))}
    return [(r, names[r["invoice"]]) for r in rows if r["invoice"] in names]


@page(TAKE, "HPAYMT")
async def cash(call: Call) -> Response:
    invoice = call.request.path_params["invoice"]
    one = await view.one(store(call, "cash for a bill"), invoice)
    drawer = await shift(call)
    try:
        _mine(call, one)
        if drawer is None:
            raise Conflict("This shift is closed: open another.")
        amount = dong(call, "amount", one.bill.owed)
        once = call.field("once", 64)
        if not FHIR_ID.match(once):
            raise Invalid("An amount is a whole number of dong.")
        number = await desk.cash(call.engine, invoice, amount, drawer, once, call.now)
    except (Invalid, Conflict) as why:
        return await _page(call, invoice, error=said(call, why), status=why.status)
    return call.go(f"/cashier?bill={invoice}&receipt={number}&done=paid")


def _mine(call: Call, one: view.Whose) -> None:
    if one.bill.facility != facility(call):
        raise NotFound("This bill is another facility's.")


@page(TAKE, "HPAYMT")
async def card(call: Call) -> Response:
    invoice = call.request.path_params["invoice"]
    one = await view.one(store(call, "a card for a bill"), invoice)
    terminal = Typed(call.field("terminal", 40), call.field("rrn", 20), call.field("approval", 20), call.field("tail", 10))
    try:
        _mine(call, one)
        once = call.field("once", 64)
        if not FHIR_ID.match(once):
            raise Invalid("An amount is a whole number of dong.")
        amount = dong(call, "amount", one.bill.owed)
        number = await desk.card(call.engine, invoice, amount, terminal, call.actor.number, once, call.now)
    except (Invalid, Conflict) as why:
        return await _page(call, invoice, error=said(call, why), status=why.status)
    return call.go(f"/cashier?bill={invoice}&receipt={number}&done=paid")


@page(TAKE, "HPAYMT")
async def live(call: Call) -> Response:
    """News of the patient of one bill, so that the page sees the money come."""
    one = await view.one(store(call, "waiting for a bill's money"), call.request.path_params["invoice"])
    if await call.door.why(call.actor, one.patient) is None:
        raise NotFound("This bill is not open to you.")
    if call.request.method == "HEAD":
        return Response()
    return StreamingResponse(events(call, one.patient), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@page(TAKE, "HPAYMT")
async def slip(call: Call) -> Response:
    """The paper to pay by."""
    one = await view.one(store(call, "a slip to pay by"), call.request.path_params["invoice"])
    _, request = await bills.current(call.engine, one.bill.invoice, call.actor.number)
    if request is None:
        raise NotFound("There is nothing to pay on this bill, or no account to pay to.")
    place = await call.engine.db.fetchrow(bills.Q.account_of, one.bill.facility)
    made = await papers.slip(await facility_name(call), one, request, place["holder"] if place else "", call.now)
    return pdf(made, f"{one.bill.number}")


@page(TAKE, "HPAYMT")
async def receipt(call: Call) -> Response:
    """The receipt of one entry that took money, as often as it is wanted."""
    text = call.request.path_params["receipt"]
    row = await call.engine.db.fetchrow(Q.receipt, int(text)) if text.isdigit() and len(text) < 18 else None
    if row is None or row["amount"] is None or row["facility"] != facility(call):
        raise NotFound("There is no such receipt here.")
    own = store(call, "a receipt")
    if row["invoice"]:
        one = await view.one(own, row["invoice"])
        return pdf(await papers.receipt(await facility_name(call), one.person, row, one.bill.owed, call.now), text)
    visit = json.loads((await own.read("Encounter", row["encounter"])).body)
    patient = str((visit.get("subject") or {}).get("reference") or "").rpartition("/")[2]
    who = person(json.loads((await own.read("Patient", patient)).body))
    return pdf(await papers.receipt(await facility_name(call), who, row, None, call.now), text)


def pdf(made: bytes, name: str) -> Response:
    return Response(made, media_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{name}.pdf"'})
