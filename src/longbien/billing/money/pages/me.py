"""/me/bill/{invoice}/pay: a patient pays from the phone: the code, the account to copy, and "paid" the moment the money is
there."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from longbien.access.roles import ME
from longbien.base.errors import NotFound
from longbien.record.store import Store
from longbien.web.me.shell import whom
from longbien.web.page import Call, page
from longbien.web.pages.frame import place_names
from longbien.web.pages.live import events
from longbien.web.pages.me import show

from .. import bills, papers, qr, view
from ..accounts import banks
from ..settings import MoneySettings
from ..shifts import Q
from .desk import pdf


@page(ME, "PATRQT")
async def pay(call: Call) -> Response:
    one = await whom(call)
    bill = await _bill(one.store, one.id, call)
    db, settings = call.engine.db, MoneySettings.read()
    now, request = await bills.current(call.engine, bill.bill.invoice)  # both as of one moment
    bill = replace(bill, bill=now or bill.bill)
    place = await db.fetchrow(bills.Q.account_of, bill.bill.facility)
    held = [r for r in await db.fetch(Q.exceptions, bill.bill.facility, 200) if r["invoice"] == bill.bill.invoice]
    text = request.text(bill.bill.number) if request else ""
    simulator = settings.simulator if call.request.app.state.demo and settings.simulator else ""
    await place_names(call, {bill.bill.facility})
    return show(
        call,
        one,
        "billing/money/me_pay.html",
        "home",
        back="/me",
        bill=bill.bill,
        sums=bill.sums,
        request=request,
        code=qr.svg(text, call.w("Code to pay this bill")) if text else "",
        bank=banks().get(request.bin) if request else None,
        holder=place["holder"] if place else "",
        held=held,
        facility=call.request.app.state.places.get(bill.bill.facility, ""),
        receipts=await db.fetch(Q.receipts_of, bill.bill.invoice),
        simulator=f"{simulator}/?qr={quote(text)}" if simulator and text else "",
        app=_link(settings.pay_link, request),
    )


def _link(template: str, request: bills.Request | None) -> str:
    if not template or request is None:
        return ""
    said = {"{bin}": request.bin, "{account}": request.account, "{amount}": str(request.amount), "{reference}": request.reference}
    for name, value in said.items():
        template = template.replace(name, value)
    return template


async def _bill(store: Store, patient: str, call: Call) -> view.Whose:
    """The bill, where it is this patient's. Raises NotFound."""
    found = await view.one(store, call.request.path_params["invoice"])
    if found.patient != patient:
        raise NotFound("This bill is somebody else's.")
    return found


@page(ME, "PATRQT")
async def picture(call: Call) -> Response:
    """The code as a picture that the phone keeps, for the bank's app to open."""
    one = await whom(call)
    bill = await _bill(one.store, one.id, call)
    _, request = await bills.current(call.engine, bill.bill.invoice)
    if request is None:
        raise NotFound("There is nothing to pay on this bill.")
    named = f'attachment; filename="{bill.bill.number}.png"'
    return Response(qr.png(request.text(bill.bill.number)), media_type="image/png", headers={"Content-Disposition": named})


@page(ME, "PATRQT")
async def live(call: Call) -> Response:
    one = await whom(call)
    await _bill(one.store, one.id, call)
    if call.request.method == "HEAD":
        return Response()
    return StreamingResponse(events(call, one.id), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@page(ME, "PATRQT")
async def receipt(call: Call) -> Response:
    """The receipt of one payment of this bill."""
    one = await whom(call)
    bill = await _bill(one.store, one.id, call)
    text = call.request.path_params["receipt"]
    row = await call.engine.db.fetchrow(Q.receipt, int(text)) if text.isdigit() and len(text) < 18 else None
    if row is None or row["invoice"] != bill.bill.invoice:
        raise NotFound("There is no such receipt.")
    await place_names(call, {bill.bill.facility})
    name = call.request.app.state.places.get(bill.bill.facility, "")
    return pdf(await papers.receipt(name, bill.person, row, bill.bill.owed, call.now), f"receipt-{text}")
