"""/cashier/refunds: what was asked for, approved by a second person, paid; the transfer file for the bank."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from longbien.base.errors import Conflict, Invalid, NotFound
from longbien.fhir import json
from longbien.web.chart.record import person
from longbien.web.page import Call, page

from .. import accounts, papers, refunds, view
from ..permissions import TAKE
from ..shifts import Q
from .desk import pdf
from .shared import facility, facility_name, said, shift, show, store

LISTED = 60


@page(TAKE, "HPAYMT")
async def listed(call: Call) -> Response:
    return await _page(call)


async def _page(call: Call, error: str = "", status: int = 200) -> Response:
    db = call.engine.db
    rows = await db.fetch(Q.refunds, facility(call), LISTED)
    return await show(
        call,
        "refunds.html",
        "refunds",
        status,
        rows=rows,
        files=await db.fetch(Q.files, facility(call)),
        error=error,
        own=call.actor.number,
        shift=await shift(call),
        banks=accounts.banks(),
        unsent=any(r["way"] == "transfer" and r["approved"] and r["file"] is None for r in rows),
    )


def _number(call: Call, name: str = "refund") -> int:
    text = call.request.path_params[name]
    if not text.isdigit() or len(text) > 17:
        raise NotFound("There is no such refund.")
    return int(text)


@page(TAKE, "HPAYMT")
async def answer(call: Call) -> Response:
    try:
        yes = call.field("answer", 10) == "yes"
        await refunds.answer(
            call.engine, _number(call), facility(call), call.actor.number, yes, call.field("reason", 500), call.now
        )
    except (Invalid, Conflict) as why:
        return await _page(call, said(call, why), why.status)
    return call.go("/cashier/refunds?done=answered")


@page(TAKE, "HPAYMT")
async def paid(call: Call) -> Response:
    """In cash, out of the drawer of this shift."""
    drawer, number = await shift(call), _number(call)
    try:
        if drawer is None:
            raise Conflict("This shift is closed: open another.")
        await refunds.pay_cash(call.engine, number, drawer, call.now)
    except (Invalid, Conflict) as why:
        return await _page(call, said(call, why), why.status)
    return call.go("/cashier/refunds?done=paid")


@page(TAKE, "HPAYMT")
async def make_file(call: Call) -> Response:
    await refunds.make_file(call.engine, facility(call), call.actor.number)
    return call.go("/cashier/refunds?done=file")


@page(TAKE, "HPAYMT")
async def file(call: Call) -> Response:
    number = _number(call, "file")
    body = await call.engine.db.fetchval(Q.file, number, facility(call))
    if body is None:
        raise NotFound("There is no such file here.")
    named = f'attachment; filename="refunds-{number}.csv"'
    return Response(bytes(body), media_type="text/csv", headers={"Content-Disposition": named})


@page(TAKE, "HPAYMT")
async def paper(call: Call) -> Response:
    row = await call.engine.db.fetchrow(Q.refund, _number(call))
    if row is None or row["facility"] != facility(call):
        raise NotFound("There is no such refund here.")
    return pdf(await papers.refund(await facility_name(call), await _who(call, row), row, call.now), f"refund-{row['number']}")


async def _who(call: Call, row: Any) -> Any:
    """Whose it is, as far as the record says so; of money that nobody could place, nobody's."""
    own = store(call, "a refund slip")
    if row["source"] == "deposit":
        visit = json.loads((await own.read("Encounter", row["subject"])).body)
        patient = str((visit.get("subject") or {}).get("reference") or "").rpartition("/")[2]
        return person(json.loads((await own.read("Patient", patient)).body))
    notice = await call.engine.db.fetchrow(Q.exception, int(row["subject"]))
    if notice is not None and notice["invoice"]:
        return (await view.one(own, notice["invoice"])).person
    return person({})
