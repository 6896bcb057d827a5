"""What the ward prints for one patient: the wristband, labels."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import Response

from longbien.base import clock
from longbien.base.paper import printed
from longbien.record import trail
from longbien.record.types import number
from longbien.web.page import Call, page

from .. import labels, mar
from ..reads import Lying
from .at import WARD, at, lying, opened

PAPER = Path(__file__).parents[1] / "paper"


async def _printed(call: Call, kind: str, copies: int) -> Response:
    who: Lying = await lying(call, call.request.path_params["id"])
    known = await at(call)
    bed = known.places.beds.get(who.bed)
    ward = known.places.wards.get(bed.ward) if bed else None
    place = " · ".join(x for x in (ward.title if ward else "", bed.label if bed else "") if x)
    allergic = bool(mar.allergies(who, call.lang))
    given = labels.data(who.patient, place, allergic, kind, copies, clock.local(call.now).date(), call.w)
    scope = call.scope(await opened(call, who.id))
    await call.engine.trail.write([trail.line(scope, "print", pat=who.pat, type=number("Patient"))])
    pdf = await printed(PAPER / "wristband.typ", given)
    return Response(pdf, media_type="application/pdf", headers={"Content-Disposition": f'inline; filename="{kind}.pdf"'})


@page(WARD, "TREAT")
async def wristband(call: Call) -> Response:
    return await _printed(call, "band", 1)


@page(WARD, "TREAT")
async def label(call: Call) -> Response:
    asked = call.query.get("n", "4")
    return await _printed(call, "label", int(asked) if asked.isdigit() and len(asked) < 4 else 4)
