"""Looking up what can be ordered. Other rooms ask the same address: see docs/house.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from ..web.page import Call, page
from . import catalogue, favourites
from .definitions import Item
from .kinds import KINDS, OFFERED
from .permissions import LOOK_UP

MOST = 30


@page(LOOK_UP, "TREAT")
async def search(call: Call) -> Response:
    """GET /orders/search?q=&kind=&icd=&limit= -> {items: [...]}. kind: of KINDS or `set`, several by commas; icd: the patient's
    diagnoses (ICD-10, by commas), which decide among equals. It tells nothing of any patient."""
    index = await catalogue.fresh(call.engine, call.scope("catalogue"))
    asked = [k for k in call.query.get("kind", "")[:100].split(",") if k in KINDS or k == "set"]
    digits = call.query.get("limit", "")
    limit = min(int(digits), MOST) if digits.isdigit() and len(digits) < 4 else 12
    icd = [c for c in call.query.get("icd", "")[:400].split(",") if c]
    own = await favourites.counts(call.engine, call.actor)
    kinds = asked or (*OFFERED, "set")
    found = index.search(call.query.get("q", "")[:100], call.now, kinds=kinds, limit=limit, favours=icd, own=own)
    return JSONResponse({"items": [told(i, call) for i in found]}, headers={"Cache-Control": "no-store"})


def told(item: Item, call: Call) -> Mapping[str, Any]:
    """An item as the browser and other rooms get it. `code`: a CodeableConcept for medicationCodeableConcept or
    ServiceRequest.code; `dosage`: the usual dose of an adult as FHIR Dosage; `unit`: what is counted when it is handed out."""
    kind = KINDS.get(item.kind)
    return {
        "id": item.id,
        "kind": item.kind,
        "kind_title": call.w(kind.title) if kind else call.w("Order set"),
        "key": item.key,
        "name": item.name(call.lang),
        "name_vi": item.vi,
        "code": item.code,
        "definition": f"{item.url}|{item.business}" if item.business else item.url,
        "dose": item.dose,
        "dosage": item.dosage,
        "child": item.child,
        "unit": item.unit,
        "form": item.usage if item.kind == "drug" else "",
        "note": item.usage if item.kind in ("imaging", "set") else item.specimen,
        "group": item.group,
        "high_alert": item.high_alert,
        "n": len(item.parts),
    }
