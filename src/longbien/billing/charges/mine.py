"""The patient's own bill on the phone: what, why, how much."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
from starlette.responses import Response

from longbien.access.roles import ME
from longbien.base.errors import NotFound
from longbien.base.ids import FHIR_ID
from longbien.base.words import mark
from longbien.web.me.shell import Whom, whom
from longbien.web.page import Call, page
from longbien.web.pages.me import show

from . import bills, shapes, view

_decode = msgspec.json.Decoder().decode
BACK = timedelta(days=90)
KINDS = {"IMP": mark("Your stay in hospital"), "EMER": mark("Your emergency visit"), "VR": mark("Your video visit")}
VISIT = mark("Your visit")
PLAIN = {
    "1": mark("Blood and other tests"), "2": mark("Pictures and scans"), "3": mark("Heart, lung and nerve tests"),
    "4": mark("Medicines"),
    "8": mark("Operations"), "13": mark("Seeing the doctor"), "15": mark("Bed"), "18": mark("Small procedures"),
}  # fmt: skip


async def visits(one: Whom) -> list[dict[str, Any]]:
    """The visits of the last months, the newest first."""
    page_ = await one.store.search("Encounter", [("_sort", "-date"), ("_count", "8")], patient=one.id)
    found = [_decode(x.body) for x in page_.matches]
    return [e for e in found if e.get("status") not in ("cancelled", "entered-in-error", "planned")]


def line(e: Mapping[str, Any], call: Call) -> SimpleNamespace:
    period = e.get("period") or {}
    kind = str((e.get("class") or {}).get("code"))
    return SimpleNamespace(
        id=str(e["id"]), title=call.w(KINDS.get(kind, VISIT)), begin=shapes.moment(period.get("start")),
        place=str((e.get("serviceProvider") or {}).get("display") or ""), open=e.get("status") != "finished",
    )  # fmt: skip


@page(ME, "PATRQT")
async def bill(call: Call) -> Response:
    """GET /me/bill?encounter=&open="""
    one = await whom(call)
    listed = await visits(one)
    asked = call.query.get("encounter", "")
    if asked and not FHIR_ID.match(asked):
        raise NotFound("There is no such visit.")
    which = asked or next((str(e["id"]) for e in listed if e.get("status") != "finished"), str(listed[0]["id"]) if listed else "")
    if not which:
        return show(call, one, "billing/charges/me-bill.html", "record", found=None)
    found = await bills.opened(one.store, which)
    if found.bill.visit.patient != one.id:
        raise NotFound("This visit is not this patient’s.")
    parts = view.by_group(found.bill, call.w)
    for p in parts:
        p.title = call.w(PLAIN.get(p.key, view.GROUPS.get(p.key, view.GROUPS["19"])))
    open_ = next((p for p in parts if p.key == call.query.get("open")), None)
    issued = found.invoice is not None and not found.stale
    return show(
        call, one, "billing/charges/me-bill.html", "record", found=found, parts=parts, open=open_,
        rows=view.rows(open_, found.bill, call.w) if open_ else [], sums=view.sums(found.bill, call.w), issued=issued,
        paid=issued and (found.invoice or {}).get("status") == "balanced", visit=line(found.read.encounter, call),
        visits=[line(e, call) for e in listed if str(e["id"]) != which], amount=lambda x: view.amount(x, call.w), encounter=which,
        owes=found.bill.to_pay > 0,
        number=shapes.bill_number(found.invoice) if found.invoice else "", demo_prices=view.demo(found.bill.shares),
    )  # fmt: skip
