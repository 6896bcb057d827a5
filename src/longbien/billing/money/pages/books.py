"""/cashier/shift and /cashier/day: the drawer, and the proof at the end of the day."""

from __future__ import annotations

from datetime import date

from starlette.responses import Response

from longbien.base import clock
from longbien.base.errors import Conflict, Invalid
from longbien.base.words import mark
from longbien.web.page import Call, page

from .. import accounts, proof, shifts
from ..permissions import BOOKS, TAKE
from ..shifts import Q
from .shared import dong, facility, said, shift, show

TAKEN_BY = {
    "payment-transfer": mark("Bills by transfer"),
    "payment-cash": mark("Bills in cash"),
    "payment-card": mark("Bills by card"),
    "deposit-transfer": mark("Deposits by transfer"),
    "deposit-cash": mark("Deposits in cash"),
    "deposit-card": mark("Deposits by card"),
    "held": mark("Transfers that were not placed at once"),
}
MOVES = {
    "shift-open": mark("float"),
    "shift-close": mark("into the safe"),
    "shift-difference": mark("difference"),
    "payment-cash": mark("bill"),
    "deposit-cash": mark("deposit"),
    "refund-cash": mark("refund"),
}


@page(TAKE, "HPAYMT")
async def drawer(call: Call) -> Response:
    return await _page(call)


async def _page(call: Call, error: str = "", status: int = 200) -> Response:
    mine = await shift(call)
    moves = await call.engine.db.fetch(Q.of_shift, str(mine.number)) if mine else []
    today = await call.engine.db.fetch(Q.shifts, facility(call), *proof.bounds(clock.local(call.now).date()))
    return await show(
        call,
        "shift.html",
        "shift",
        status,
        shift=mine,
        moves=moves,
        notes=shifts.notes(),
        error=error,
        MOVES=MOVES,
        closed=[s for s in today if s["closed"] and s["cashier"] == call.actor.number],
        typed={str(n): call.field(f"n{n}", 7) for n in shifts.notes()} if call.form else {},
        reason=call.field("reason", 500),
    )


@page(TAKE, "HPAYMT")
async def begin(call: Call) -> Response:
    try:
        await shifts.begin(call.engine, facility(call), call.actor.number, call.field("desk", 60), dong(call, "float", 0), call.now)
    except (Invalid, Conflict) as why:
        return await _page(call, said(call, why), why.status)
    return call.go("/cashier/shift?done=open")


@page(TAKE, "HPAYMT")
async def close(call: Call) -> Response:
    mine = await shift(call)
    try:
        if mine is None:
            raise Conflict("This shift is closed already.")
        await shifts.close(call.engine, mine, {n: _notes(call, n) for n in shifts.notes()}, call.field("reason", 500), call.now)
    except (Invalid, Conflict) as why:
        return await _page(call, said(call, why), why.status)
    return call.go("/cashier/shift?done=closed")


def _notes(call: Call, value: int) -> int:
    typed = call.field(f"n{value}", 7) or "0"
    if not (typed.isascii() and typed.isdigit()):
        raise Invalid("A count of notes is a number for each of them.", status=422)
    return int(typed)


@page(BOOKS, "HPAYMT")
async def day(call: Call) -> Response:
    try:
        asked = date.fromisoformat(call.query.get("day", ""))
    except ValueError:
        asked = clock.local(call.now).date()
    made = await proof.proof(call.engine, facility(call), asked)
    return await show(
        call,
        "day.html",
        "day",
        proof=made,
        day=asked,
        accounts=accounts.accounts(),
        TAKEN_BY=TAKEN_BY,
    )
