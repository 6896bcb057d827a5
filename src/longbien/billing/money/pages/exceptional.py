"""/cashier/exceptions: money that the machine could not place, and statement files of the bank."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.responses import Response

from longbien.base.errors import Conflict, Invalid, LongbienError, NotFound
from longbien.base.words import mark
from longbien.web.form import Files
from longbien.web.page import Call, page

from .. import accounts, bills, exceptions, layouts, matching, notices, refunds, view
from ..exceptions import Choice
from ..permissions import TAKE
from ..refunds import Wanted
from ..shifts import Q
from .shared import facility, said, show, store

LISTED = 100
LARGEST = 20 << 20
KINDS = ("csv", "mt940", "camt053")
WAYS = {
    "bill": mark("Put to the bill"),
    "deposit": mark("Keep as the visit's deposit"),
    "fee": mark("It was a bank charge"),
    "refund-out": mark("It was this refund"),
}
STATEMENTS = Files(1, LARGEST, ("text/plain",))


@page(TAKE, "HPAYMT")
async def listed(call: Call) -> Response:
    return await _page(call)


async def _page(call: Call, error: str = "", status: int = 200, note: str = "") -> Response:
    db, place = call.engine.db, facility(call)
    rows = await db.fetch(Q.exceptions, place, LISTED)
    own = store(call, "exceptions of payments")
    named = {r["invoice"] for r in rows if r["invoice"]}
    found = [b for i in named if (b := await bills.one(db, i))]
    alike = {
        r["number"]: await db.fetch(Q.alike, place, r["held"]) if r["side"] == "suspense" and not r["invoice"] else () for r in rows
    }
    more = [b for i in {x["invoice"] for a in alike.values() for x in a} - named if (b := await bills.one(db, i))]
    people = {x.bill.invoice: x for x in await view.whose(own, [*found, *more])}
    ours = await db.fetch(bills.Q.accounts, place)
    waiting = [r for r in await db.fetch(Q.refunds, place, 60) if r["approved"] and r["paid"] is None and r["way"] == "transfer"]
    return await show(
        call,
        "exceptions.html",
        "exceptions",
        status,
        rows=rows,
        people=people,
        alike=alike,
        kinds=matching.KINDS,
        error=error,
        note=note,
        banks=accounts.banks(),
        refunds=waiting,
        unread=await db.fetch(Q.unread, call.now - timedelta(days=7)),
        layouts=layouts.titles(call.w.lang),
        accounts=ours,
        held=await notices.held(call.engine, [r["number"] for r in ours]),
        maker=call.actor.number,
    )


@page(TAKE, "HPAYMT")
async def resolve(call: Call) -> Response:
    """One click: to a bill, to a deposit, a charge, a refund that went out; or a refund is asked for."""
    text = call.request.path_params["notice"]
    if not text.isdigit() or len(text) > 17:
        raise NotFound("There is no such notice.")
    try:
        await _done(call, int(text), call.field("act", 20))
    except (Invalid, Conflict) as why:
        return await _page(call, said(call, why), why.status)
    return call.go("/cashier/exceptions?done=resolved")


async def _done(call: Call, number: int, act: str) -> None:
    place, by = facility(call), call.actor.number
    row = await call.engine.db.fetchrow(Q.exception, number)
    if row is None or row["facility"] not in (place, ""):
        raise NotFound("There is no such notice here.")
    if act == "refund":
        wanted = Wanted(
            place,
            "suspense",
            str(number),
            row["held"],
            call.field("way", 10) or "transfer",
            call.field("reason", 500),
            call.field("bin", 6),
            call.field("account", 19).replace(" ", ""),
            call.field("holder", 60),
        )
        await refunds.ask(call.engine, wanted, by)
        return
    choice = await _choice(call, row, act)
    await exceptions.resolve(call.engine, number, place, choice, by, call.now)


async def _choice(call: Call, row: Any, act: str) -> Choice:
    """Which bill or visit: the one that was chosen, typed by its number, or named by the payment itself."""
    typed = call.field("number", 40).upper()
    invoice, encounter = call.field("invoice", 64) or row["invoice"] or "", row["encounter"] or ""
    if typed:
        named = await call.engine.db.fetchrow(bills.Q.by_number, typed)
        if named is None or named["facility"] != facility(call):
            raise Conflict("There is no such bill here.")
        invoice, encounter = named["invoice"], named["encounter"]
    elif act == "deposit" and call.field("invoice", 64) and (b := await bills.one(call.engine.db, invoice)):
        if b.facility != facility(call):
            raise Conflict("There is no such bill here.")
        encounter = b.encounter
    if act in ("bill", "deposit") and invoice:
        await view.one(store(call, "a payment put to a bill"), invoice)  # is it open to this reader?
    refund = call.field("refund", 17)
    return Choice(act, invoice, encounter, int(refund) if refund.isdigit() else 0, call.field("reason", 500))


@page(TAKE, "HPAYMT")
async def statement(call: Call) -> Response:
    """A statement file, as text that was put into the form or a file of it."""
    kind, layout, number = call.field("kind", 10), call.field("layout", 40), call.field("account", 10)
    rows = {str(r["number"]): r for r in await call.engine.db.fetch(bills.Q.accounts, facility(call))}
    body = call.field("text", 1 << 20).encode()
    if kind not in KINDS or number not in rows or not body:
        return await _page(call, call.w("Choose the account and the kind, and put the statement in."), 422)
    form = notices.statement_form(kind, rows[number]["bin"], rows[number]["account"], layout if kind == "csv" else "")
    try:
        found = notices.parse(form, body)
    except LongbienError as why:
        return await _page(call, call.w("This statement cannot be read: %(why)s", why=why.text), 422)
    delivered = await notices.deliver(call.engine, f"file {number}", "file", form, body, call.actor.number)
    if delivered is None:
        return await _page(call, note=call.w("This statement was read before: nothing is new."))
    return await _page(call, note=call.w("The statement is kept: %(n)s movements. A colleague has to release it.", n=len(found)))


@page(TAKE, "HPAYMT")
async def release(call: Call) -> Response:
    """A colleague's statement is believed, or is not."""
    text = call.request.path_params["delivery"]
    ours = [r["number"] for r in await call.engine.db.fetch(bills.Q.accounts, facility(call))]
    known = {str(h.number) for h in await notices.held(call.engine, ours)}
    if text not in known:
        return await _page(call, call.w("Somebody has decided about this statement already."), 409)
    try:
        await notices.release(call.engine, int(text), call.actor.number, call.field("act", 10) == "take")
    except Conflict as why:
        return await _page(call, said(call, why), why.status)
    return call.go("/cashier/exceptions?done=resolved")
