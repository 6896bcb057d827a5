"""The handover sheet of a ward: composed of the record, edited, kept, printed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
from starlette.responses import Response

from longbien.base.errors import Conflict, Invalid, LongbienError, PreconditionFailed
from longbien.base.ids import FHIR_ID
from longbien.base.paper import printed
from longbien.record import trail
from longbien.record.change import Create, Update
from longbien.record.store import Store
from longbien.record.types import number
from longbien.web.chart import record as r
from longbien.web.page import Call, page

from .. import fluids, rules
from .. import handover as sbar
from ..reads import Lying, WardNow, ward_now
from .at import NURSING, At, at, lying, opened, staff, store

PAPER = Path(__file__).parents[1] / "paper"
_decode = msgspec.json.Decoder().decode


async def _kept(call: Call, found: WardNow) -> dict[str, tuple[int, dict[str, Any]]]:
    """By the stay's id: the handover of this shift that is kept already, with its version."""
    shift = fluids.shift(call.now)
    ids = {sbar.record_id(x, shift): x for x, who in found.lying.items() if who.bed}
    made = store(call, "the handover")
    if not ids or not made.scope.may_search("Composition"):
        return {}
    page_ = await made.search("Composition", [("_id", ",".join(ids)), ("_count", "200")])
    return {ids[e.id]: (e.version, _decode(e.body)) for e in page_.entries if e.id in ids}


async def _rows(call: Call) -> tuple[At, list[SimpleNamespace]]:
    known = await at(call)
    found = await ward_now(call.engine, call.scope("the handover"), known.here, call.now)
    kept = await _kept(call, found)
    rows = []
    for bed in known.here.beds:
        who = found.in_bed(bed.id)
        if who is None:
            continue
        version, there = kept.get(str(who.stay["id"]), (0, {}))
        parts = sbar.parts_of(there) if there else sbar.composed(who, call.now, call.w, call.lang)
        by, when = str(r.first(there, "author", "display") or ""), r.moment(there.get("date"))
        rows.append(
            SimpleNamespace(
                bed=bed, who=who, parts=parts, version=version, by=by, when=when, day=rules.day_of_stay(who.start, call.now)
            )
        )
    return known, rows


@page(NURSING, "TREAT")
async def show(call: Call) -> Response:
    known, rows = await _rows(call)
    return _html(call, known, rows)


def _html(call: Call, known: At, rows: list[SimpleNamespace], status: int = 200, said: str = "", wrong: str = "") -> Response:
    shift = fluids.shift(call.now)
    return call.html(
        "ward/handover.html", status, nav="ward", ward=known.here, wards=list(known.places.wards.values()), rows=rows,
        parts=sbar.PARTS,
        shift=(shift, shift + fluids.SHIFT), said=said, wrong=wrong, kept=sum(1 for x in rows if x.version),
    )  # fmt: skip


@page(NURSING, "TREAT")
async def keep(call: Call) -> Response:
    """Keep one patient's handover. Who meets somebody else's is shown it."""
    patient = call.field("patient", 64)
    reason = await opened(call, patient)
    who: Lying = await lying(call, patient)
    made = Store(call.engine, call.scope(reason))
    parts = {key: call.field(key, 4000) for key, _, _ in sbar.PARTS}
    seen = call.field("version", 9)
    one = sbar.composition(who, parts, fluids.shift(call.now), call.now, staff(call), call.actor.organization or "", call.w)
    try:
        if not any(parts.values()):
            raise Invalid("Nothing is written.", code="empty")
        if seen.isdigit() and int(seen):
            await made.commit([Update(one, if_match=int(seen))])
        else:
            await made.commit([Create(one, id=str(one["id"]))])
    except (Conflict, PreconditionFailed, Invalid) as error:
        known, rows = await _rows(call)
        return _html(call, known, rows, 409 if not isinstance(error, Invalid) else 422, _words(call, error), patient)
    ward = call.field("ward", 64)
    return call.go(f"/ward/handover{f'?ward={ward}' if FHIR_ID.match(ward) else ''}#h-{who.stay['id']}")


def _words(call: Call, error: LongbienError) -> str:
    w = call.w
    if error.code == "empty":
        return w("Nothing is written yet.")
    if isinstance(error, Invalid):
        return w("This cannot be recorded") + ": " + "; ".join(i.text for i in error.issues[:3])
    return w("Somebody else has kept this handover meanwhile: theirs is shown. Change it and keep it again.")


@page(NURSING, "TREAT")
async def sheet(call: Call) -> Response:
    """The whole sheet on paper."""
    w = call.w
    known, rows = await _rows(call)
    shift, when = fluids.shift(call.now), f"{w.date(call.now)} {w.time(call.now)}"
    today = call.now.date()
    data = {
        "lang": w.lang,
        "title": w("Handover") + ": " + known.here.title,
        "line": f"{w.date(call.now)} · {w.time(shift)}–{w.time(shift + fluids.SHIFT)}",
        "foot": w("Printed %(when)s by %(name)s. Keep it as safe as the record itself.", when=when, name=call.actor.name),
        "hands": [w("Hands over"), w("Takes over")],
        "heads": [w("Bed"), w("Patient"), *(f"{letter}: {w(title)}" for _, title, letter in sbar.PARTS)],
        "rows": [
            [x.bed.number, f"{x.who.person.name}, {w.age(x.who.person.birth, today)}", *(x.parts.of(p[0]) for p in sbar.PARTS)]
            for x in rows
        ],
    }  # fmt: skip
    scope = call.scope("the handover on paper")
    await call.engine.trail.write([trail.line(scope, "print", pat=x.who.pat, type=number("Composition")) for x in rows])
    pdf = await printed(PAPER / "handover.typ", data)
    return Response(pdf, media_type="application/pdf", headers={"Content-Disposition": 'inline; filename="handover.pdf"'})
