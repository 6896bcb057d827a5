"""Order forms and specimen labels as PDF: working prints of the ward, no signed papers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from ..base import paper
from ..base.words import words
from ..record.store import Store
from ..web.chart.record import Visit, person, visit
from ..web.page import Call
from ..web.pages.frame import place_names
from ..wire import code128
from . import catalogue
from .advice import found
from .index import Index
from .kinds import KINDS
from .listing import Order, defined

FOLDER = Path(__file__).parent / "paper"
_decode = msgspec.json.Decoder().decode
SHOWN = 8
"""Tests named on a label; of more their number is said."""
PRIORITY = {"urgent": "KHẨN", "at once": "CẤP CỨU"}


async def printed(call: Call, patient: str, reason: str, key: str, orders: Sequence[Order], what: str) -> bytes:
    """`what`: "form" or "labels". Raises Unavailable when the page cannot be set."""
    store = Store(call.engine, call.scope(reason))
    who = person(_decode((await store.read("Patient", patient)).body))
    index = await catalogue.fresh(call.engine, store.scope)
    stays = [v for e in await found(store, "Encounter", patient, ("status", "in-progress,arrived")) if (v := visit(e, {}, "vi"))]
    stay = max(stays, key=lambda v: (v.inpatient, v.start), default=None)
    place = call.actor.organization or ""
    await place_names(call, {place} if place else set())
    w = words("vi")
    shared = {
        "facility": call.request.app.state.places.get(place, ""),
        "name": who.name,
        "sex": w.sex(who.sex),
        "birth": w.date(who.birth),
        "year": who.birth[:4],
        "citizen": w.tail(who.citizen_id) if who.citizen_id else "",
        "insurance": who.insurance,
        "place": _place(stay),
        "by": orders[0].by,
        "at": f"{w.date(orders[0].at)} {w.time(orders[0].at)}" if orders[0].at else "",
        "printed": f"{w.date(call.now)} {w.time(call.now)} · {call.actor.name}",
        "number": key,
        "bars": bars(key),
    }
    rows = labels(orders, index) if what == "labels" else []
    return await paper.printed(FOLDER / f"{what}.typ", {**shared, "labels": rows, "groups": groups(orders, index)})


def _place(stay: Visit | None) -> str:
    return " · ".join(x for x in (stay.ward, stay.bed) if x) if stay else ""


def bars(text: str) -> dict[str, Any]:
    """A Code 128 for the template: width and bars in modules, with the quiet zones of 10 modules."""
    return {
        "width": code128.width(text) + 2 * code128.QUIET,
        "bars": [[x + code128.QUIET, width] for x, width in code128.bars(text)],
    }


def labels(orders: Sequence[Order], index: Index) -> list[dict[str, Any]]:
    """One for each tube: its number as text and bars, what goes into it, what it is for."""
    tubes: dict[str, list[Order]] = {}
    for o in orders:
        if o.kind == "lab" and o.number:
            tubes.setdefault(o.number, []).append(o)
    out = []
    for number, tests in sorted(tubes.items()):
        item = next((i for o in tests if (i := defined(o.resource, index))), None)
        short = [str((o.resource.get("code") or {}).get("text") or o.name) for o in tests]
        out.append(
            {
                "number": number,
                "bars": bars(number),
                "specimen": item.specimen if item else "",
                "tests": ", ".join(sorted(short)[:SHOWN]) + (f" + {len(short) - SHOWN}" if len(short) > SHOWN else ""),
                "urgent": next((PRIORITY[o.priority] for o in tests if o.priority), ""),
            }
        )
    return out


def groups(orders: Sequence[Order], index: Index) -> list[dict[str, Any]]:
    """What is ordered, by kind, for the form; drugs have their own papers."""
    out: list[dict[str, Any]] = []
    for key, kind in KINDS.items():
        if key == "drug":
            continue
        rows = []
        for o in sorted((o for o in orders if o.kind == key), key=lambda o: (o.number, o.name)):
            item = defined(o.resource, index)
            note = " · ".join(x for x in (o.said, item.usage if item and key == "imaging" else item.specimen if item else "") if x)
            rows.append({"name": o.name, "note": note, "number": o.number, "urgent": PRIORITY.get(o.priority, "")})
        if rows:
            out.append({"title": kind.vi, "rows": rows})
    return out
