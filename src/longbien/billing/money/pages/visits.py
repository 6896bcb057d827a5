"""/cashier/visits/{encounter}: how one visit stands: bills, deposits, refunds; a deposit is taken here, a refund asked for."""

from __future__ import annotations

from starlette.responses import Response

from longbien.base.errors import Conflict, Invalid, NotFound
from longbien.base.ids import FHIR_ID, new_id
from longbien.fhir import json
from longbien.web.chart.record import Person, person
from longbien.web.page import Call, page

from .. import accounts, bills, desk, qr, refunds
from ..permissions import TAKE
from ..refunds import Wanted
from ..shifts import Q
from ..terminals import Typed
from .shared import dong, facility, said, shift, show, store


async def _whose(call: Call, reason: str) -> tuple[str, str, Person]:
    """(encounter, patient, person). Raises NotFound; of another facility's visit too."""
    encounter = call.request.path_params["encounter"]
    if not FHIR_ID.match(encounter):
        raise NotFound("There is no such visit.")
    own = store(call, reason)
    body = json.loads((await own.read("Encounter", encounter)).body)
    if str((body.get("serviceProvider") or {}).get("reference") or "") != f"Organization/{facility(call)}":
        raise NotFound("This visit is another facility's.")
    patient = str((body.get("subject") or {}).get("reference") or "").rpartition("/")[2]
    return encounter, patient, person(json.loads((await own.read("Patient", patient)).body))


@page(TAKE, "HPAYMT")
async def visit(call: Call) -> Response:
    return await _page(call)


async def _page(call: Call, error: str = "", status: int = 200) -> Response:
    encounter, patient, who = await _whose(call, "how a visit stands")
    db = call.engine.db
    waiting = await db.fetch(bills.Q.deposit_requests, encounter)
    codes = [
        (r, qr.svg(bills.Request(r["reference"], r["amount"], r["bin"], r["account"]).text(), call.w("Code for a deposit")))
        for r in waiting[:1]
    ]
    return await show(
        call,
        "visit.html",
        "cashier",
        status,
        encounter=encounter,
        who=who,
        error=error,
        once=new_id(),
        shift=await shift(call),
        banks=accounts.banks().values(),
        standing=await accounts.standing(store(call, "how a visit stands"), patient, encounter),
        bills=await bills.of_visit(db, encounter),
        moves=await db.fetch(Q.deposits_of, encounter),
        refunds=await db.fetch(Q.refunds_of, "deposit", encounter),
        codes=codes,
    )


@page(TAKE, "HPAYMT")
async def deposit(call: Call) -> Response:
    """Cash, card, or a code to pay by."""
    encounter, _, _ = await _whose(call, "a deposit")
    way, drawer, once = call.field("way", 10), await shift(call), call.field("once", 64)
    number: int | None = None
    try:
        amount = dong(call, "amount")
        if not 0 < amount < 10**11 or not FHIR_ID.match(once):
            raise Invalid("An amount is a whole number of dong.", status=422)
        if way == "qr":
            async with call.engine.db.transaction() as connection:
                await bills.ask_deposit(connection, facility(call), encounter, amount, call.actor.number)
        elif way == "card":
            terminal = Typed(call.field("terminal", 40), call.field("rrn", 20), call.field("approval", 20), call.field("tail", 10))
            number = await desk.deposit(
                call.engine, facility(call), encounter, amount, call.actor.number, once, call.now, terminal=terminal
            )
        elif drawer is None:
            raise Conflict("This shift is closed: open another.")
        else:
            number = await desk.deposit(
                call.engine, facility(call), encounter, amount, call.actor.number, once, call.now, shift=drawer
            )
    except (Invalid, Conflict) as why:
        return await _page(call, said(call, why), why.status)
    return call.go(f"/cashier/visits/{encounter}?done=deposit" + (f"&receipt={number}" if number else ""))


@page(TAKE, "HPAYMT")
async def refund(call: Call) -> Response:
    """Ask for a refund of what is kept for this visit."""
    encounter, _, _ = await _whose(call, "a refund")
    try:
        wanted = Wanted(
            facility(call),
            "deposit",
            encounter,
            dong(call, "amount"),
            call.field("way", 10),
            call.field("reason", 500),
            call.field("bin", 6),
            call.field("account", 19).replace(" ", ""),
            call.field("holder", 60),
        )
        await refunds.ask(call.engine, wanted, call.actor.number)
    except (Invalid, Conflict) as why:
        return await _page(call, said(call, why), why.status)
    return call.go("/cashier/refunds?done=asked")
