"""The price lists: looked up, and renewed from a spreadsheet that is judged before anything is written."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace

from starlette.responses import Response

from longbien.access import drafts
from longbien.base import clock
from longbien.base.errors import Invalid, TooLarge
from longbien.base.fold import fold
from longbien.base.words import mark
from longbien.record.store import Store
from longbien.web.form import TEXT, Files
from longbien.web.page import Call, page

from . import pricing, tariff, tariff_file
from .permissions import TARIFF
from .view import GROUPS, amount

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORM = "tariff"
SHOWN = 60
COLUMN_NAMES = {
    "kind": mark("Kind"), "code": mark("Code"), "price": mark("Price"), "insured": mark("Insurance price"),
    "demand": mark("Price on demand"), "group": mark("Group of costs"), "begins": mark("From"), "ends": mark("Until"),
}  # fmt: skip
KIND_NAMES = {
    "lab": mark("Laboratory"), "imaging": mark("Imaging"), "drug": mark("Drug"), "service": mark("Service"),
    "supply": mark("Supply"),
}  # fmt: skip


def _store(call: Call) -> Store:
    return Store(call.engine, call.scope("the price lists"))


@page(TARIFF, "HOPERAT")
async def listed(call: Call) -> Response:
    """GET /tariff?q=&kind="""
    return await _show(call)


async def _show(call: Call, *, error: str = "", judged: tariff_file.Judged | None = None, status: int = 200) -> Response:
    store, w = _store(call), call.w
    today, facility = clock.local(call.now).date(), call.actor.organization or ""
    prices = await tariff.fresh(store.engine, store.scope)
    asked, kind = fold(call.query.get("q", "")), call.query.get("kind", "")
    here = [p for p in prices.all() if p.facility in ("", facility) and p.runs(today) and (not kind or p.kind == kind)]
    found = [p for p in here if not asked or asked in fold(p.name) or asked == fold(p.code)]
    found = [p for p in found if prices.price(p.kind, p.code, facility, today) is p]
    found.sort(key=lambda p: (p.kind, fold(p.name)))
    return call.html(
        "billing/charges/tariff.html", status, nav="tariff", error=error, q=call.query.get("q", ""), kind=kind, total=len(found),
        rows=[_row(p, call) for p in found[:SHOWN]], kinds=[(k, w(t)) for k, t in KIND_NAMES.items()],
        said=call.query.get("done", ""),
        n=call.query.get("n", "") if call.query.get("n", "").isdecimal() else "", shown=SHOWN,
        judged=_preview(judged, prices, facility, call) if judged else None,
    )  # fmt: skip


def _row(p: tariff.Price, call: Call) -> SimpleNamespace:
    w = call.w
    return SimpleNamespace(
        kind=w(KIND_NAMES[p.kind]), code=p.code, name=p.name, unit=p.unit.lower(), group=w(GROUPS.get(p.group, GROUPS["19"])),
        price=amount(p.price, w), insured=amount(p.insured, w) if p.insured else "–",
        demand=amount(p.demand, w) if p.demand is not None else "–", begins=p.begins, ends=p.ends, demo=p.demo,
        own=bool(p.facility),
    )  # fmt: skip


def _preview(judged: tariff_file.Judged, prices: tariff.Tariff, facility: str, call: Call) -> SimpleNamespace:
    w = call.w
    changes = []
    for p in judged.prices[:SHOWN]:
        was = prices.price(p.kind, p.code, facility, p.begins)
        before = amount(was.price, w) if was else "–"
        up = None if was is None or not was.price else round(100 * (p.price - was.price) / was.price)
        changes.append(SimpleNamespace(row=_row(p, call), before=before, up=up))
    faults = [
        SimpleNamespace(row=f.row, column=w(COLUMN_NAMES.get(f.column, f.column)), text=w(f.text, **f.values))
        for f in judged.faults
    ]
    return SimpleNamespace(changes=changes, n=len(judged.prices), same=judged.same, faults=faults[:SHOWN], wrong=len(faults))


@page(TARIFF, "HOPERAT", files=Files(1, 5 << 20, (XLSX, TEXT)))
async def look(call: Call) -> Response:
    """POST /tariff/preview: file. Judges a spreadsheet; nothing is written to the price list."""
    try:
        given = await call.file("file")
        if given is None:
            return await _show(call, error=call.w("Choose a spreadsheet first."), status=422)
        judged = await pricing.preview(_store(call), given[1], _facility(call))
    except TooLarge:
        return await _show(call, error=call.w("The file is larger than 5 MB."), status=413)
    except Invalid as why:
        return await _show(call, error=_said(why, call), status=422)
    if not judged.faults:
        kept = json.dumps({"data": base64.b64encode(given[1]).decode(), "facility": _facility(call)})
        await drafts.save(call.engine.db, call.actor, None, FORM, kept)
    return await _show(call, judged=judged, status=422 if judged.faults else 200)


def _facility(call: Call) -> str:
    return call.actor.organization or ""


def _said(why: Invalid, call: Call) -> str:
    if "missing:" in why.text:
        named = why.text.partition("missing:")[2].strip(" .").split(", ")
        return call.w(
            "The first row must name the columns. Missing: %(columns)s.",
            columns=", ".join(call.w(COLUMN_NAMES.get(n, n)) for n in named),
        )
    return {
        "The spreadsheet is empty.": call.w("The spreadsheet is empty."),
        "This file is of none of the kinds that are taken here.": call.w("Only xlsx and csv (UTF-8) are taken."),
    }.get(why.text, call.w("This file cannot be read as a spreadsheet."))


@page(TARIFF, "HOPERAT")
async def write(call: Call) -> Response:
    """POST /tariff: what was looked at last is judged again and written."""
    kept = await drafts.load(call.engine.db, call.actor, None, FORM)
    if kept is None:
        return call.go("/tariff")
    said = json.loads(kept[0])
    store = _store(call)
    judged = await pricing.preview(store, base64.b64decode(said["data"]), said["facility"])
    if judged.faults:
        return await _show(call, judged=judged, status=409, error=call.w("The price list changed meanwhile. Look again."))
    n = await pricing.write(store, judged)
    await drafts.drop(call.engine.db, call.actor, None, FORM)
    return call.go(f"/tariff?done=written&n={n}")
