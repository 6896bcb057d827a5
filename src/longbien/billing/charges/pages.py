"""The bill of a visit: what was charged, who pays what and why; issued with one press, printed, and taken up again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from longbien.base.errors import Conflict, Invalid, NotFound
from longbien.base.ids import FHIR_ID
from longbien.base.words import mark
from longbien.record.store import Store
from longbien.web.chart.record import person
from longbien.web.page import Call, page
from longbien.web.pages.write import opened as reason_for

from ..money.permissions import TAKE
from . import bills, printing, shapes, view
from .permissions import BILL, ISSUE, TARIFF

VISITS = 12
KINDS = {"IMP": mark("Stay"), "EMER": mark("Emergency"), "VR": mark("Video visit")}
OUT_PATIENT = mark("Out-patient visit")
_decode = msgspec.json.Decoder().decode
Resource = dict[str, Any]


async def store_for(call: Call, patient: str) -> Store:
    """The record as the reader may see it, for this patient. Raises NotFound."""
    return Store(call.engine, call.scope(await reason_for(call, patient)))


async def visits(store: Store, patient: str) -> list[Resource]:
    """The latest visits of a patient that are or were, the newest first."""
    page_ = await store.search("Encounter", [("_sort", "-date"), ("_count", str(VISITS))], patient=patient)
    found = [_decode(x.body) for x in page_.matches]
    return [e for e in found if e.get("status") not in ("cancelled", "entered-in-error", "planned")]


def chosen(listed: Sequence[Resource], asked: str, organization: str | None) -> str:
    """Which visit is shown: the one asked for; else one that runs here, a stay before others; else the latest here."""
    if asked:
        if not FHIR_ID.match(asked):
            raise NotFound("There is no such visit.")
        return asked
    here = [e for e in listed if organization is None or shapes.reference_id(e.get("serviceProvider")) == organization] or listed
    running = [e for e in here if e.get("status") != "finished"]
    stays = [e for e in running if (e.get("class") or {}).get("code") == "IMP"]
    first = next(iter(stays or running or list(here)), None)
    if first is None:
        raise NotFound("This patient has no visit yet.")
    return str(first["id"])


def ours(call: Call, found: bills.Opened) -> bills.Opened:
    """Who makes bills makes and sees those of his own facility: what a patient had elsewhere is no business of this desk. Raises
    NotFound."""
    if call.actor.may(ISSUE) and call.actor.organization and found.read.facility != call.actor.organization:
        raise NotFound("This visit is another facility’s.")
    return found


def here(call: Call, listed: Sequence[Resource]) -> list[Resource]:
    """The visits that the reader may choose from."""
    own = call.actor.organization if call.actor.may(ISSUE) else None
    return [e for e in listed if not own or shapes.reference_id(e.get("serviceProvider")) == own]


def visit_line(e: Mapping[str, Any], call: Call) -> SimpleNamespace:
    """A visit in one line: what, where, when, how it stands."""
    period = e.get("period") or {}
    begin, end = shapes.moment(period.get("start")), shapes.moment(period.get("end"))
    kind = str((e.get("class") or {}).get("code"))
    place = str((e.get("serviceType") or {}).get("text") or (e.get("serviceProvider") or {}).get("display") or "")
    bed = next((str(x["location"].get("display") or "") for x in e.get("location") or () if x.get("status") == "active"), "")
    return SimpleNamespace(
        id=str(e["id"]), kind=call.w(KINDS.get(kind, OUT_PATIENT)), place=place, bed=bed, begin=begin, end=end,
        open=e.get("status") != "finished", facility=str((e.get("serviceProvider") or {}).get("display") or ""),
        number=next((str(i.get("value")) for i in e.get("identifier") or ()), ""),
    )  # fmt: skip


@page(BILL, "HPAYMT")
async def bill(call: Call) -> Response:
    """GET /patients/{id}/bill?encounter=&by=group|day&open=&page="""
    return await show(call)


async def show(call: Call, *, error: str = "", status: int = 200) -> Response:
    patient = call.request.path_params["id"]
    store = await store_for(call, patient)
    listed = here(call, await visits(store, patient))
    which = chosen(listed, call.query.get("encounter", "") or call.field("encounter", 64), call.actor.organization)
    found = ours(call, await bills.opened(store, which))
    if found.bill.visit.patient != patient:
        raise NotFound("This visit is not this patient’s.")
    return call.html("billing/charges/bill.html", status, **context(call, found, listed), error=error, nav="cashier")


def context(call: Call, found: bills.Opened, listed: Sequence[Resource]) -> dict[str, Any]:
    """What the bill's template is made from. Pure."""
    w, by = call.w, "day" if call.query.get("by") == "day" else "group"
    parts = view.by_day(found.bill, w) if by == "day" else view.by_group(found.bill, w)
    open_ = next((p for p in parts if p.key == call.query.get("open")), None)
    n = int(call.query["page"]) if call.query.get("page", "").isdecimal() and len(call.query["page"]) < 5 else 1
    unpriced, doubtful = view.holding(found.bill)
    invoice = found.invoice
    return {
        "person": person(found.read.patient),
        "visit": visit_line(found.read.encounter, call),
        "visits": [visit_line(e, call) for e in listed],
        "parts": parts,
        "by": by,
        "open": open_,
        "rows": view.rows(open_, found.bill, w, n) if open_ else [],
        "page": n,
        "pages": -(-len(open_.lines) // view.SHOWN) if open_ else 1,
        "sums": view.sums(found.bill, w),
        "amount": lambda x: view.amount(x, w),
        "cards": found.bill.visit.cards,
        "invoice": SimpleNamespace(
            id=str(invoice["id"]), number=shapes.bill_number(invoice), at=shapes.moment(invoice.get("date")),
            paid=invoice.get("status") == "balanced"
        ) if invoice else None,
        "stale": found.stale,
        "unpriced": unpriced,
        "doubtful": doubtful,
        "demo_prices": view.demo(found.bill.shares),
        "may_issue": call.actor.may(ISSUE),
        "takes": call.actor.may(TAKE),
        "may_price": call.actor.may(TARIFF),
        "past": [
            SimpleNamespace(number=shapes.bill_number(x), at=shapes.moment(x.get("date")))
            for x in found.read.invoices
            if x.get("status") == "cancelled" and shapes.bill_encounter(x) == found.read.id
        ],
        "encounter": found.read.id,
        "request_done": call.query.get("done", ""),
    }  # fmt: skip


@page(ISSUE, "HPAYMT")
async def issue(call: Call) -> Response:
    """POST /patients/{id}/bill/issue: encounter. Issues the bill as it stands; sent twice it is one bill."""
    patient, encounter = call.request.path_params["id"], call.field("encounter", 64)
    store = await store_for(call, patient)
    if not FHIR_ID.match(encounter):
        raise NotFound("There is no such visit.")
    if ours(call, await bills.opened(store, encounter)).bill.visit.patient != patient:
        raise NotFound("This visit is not this patient’s.")
    by = {"reference": f"Practitioner/{call.actor.practitioner}", "display": call.actor.name} if call.actor.practitioner else None
    try:
        await bills.issue(store, encounter, by)
    except Invalid as why:
        said = {
            "There is nothing on this bill yet.": call.w("There is nothing on this bill yet."),
            "The stay has not ended: its bed days are not charged yet.": call.w(
                "The stay has not ended, so its bed days still count. Until then print the provisional bill."
            ),
        }.get(why.text, call.w("This bill cannot be issued as it is."))
        return await show(call, error=said, status=422)
    except Conflict:
        return await show(call, error=call.w("Another desk is at this bill. Look at it again."), status=409)
    return call.go(f"/patients/{patient}/bill?encounter={quote(encounter)}&done=issued")


@page(BILL, "HPAYMT")
async def paper(call: Call) -> Response:
    """GET /patients/{id}/bill.pdf?encounter=&form=bill|statement: the bill by group and by day, or the statement 01/KBCB."""
    patient = call.request.path_params["id"]
    store = await store_for(call, patient)
    which = chosen(here(call, await visits(store, patient)), call.query.get("encounter", ""), call.actor.organization)
    found = ours(call, await bills.opened(store, which))
    if found.bill.visit.patient != patient:
        raise NotFound("This visit is not this patient’s.")
    form = "statement" if call.query.get("form") == "statement" else "bill"
    pdf = await printing.printed(call, found, form)
    headers = {"Content-Disposition": f'inline; filename="{form}-{found.read.id}.pdf"', "Cache-Control": "no-store"}
    return Response(pdf, media_type="application/pdf", headers=headers)
