"""The prescription alone: in the visit before it is signed, or in the place of one that is signed."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from ...base.errors import Conflict, Invalid, PreconditionFailed
from ...base.ids import new_id
from ...web.page import Call, page
from .. import actions, forms, judge, phrases, readings, view
from ..judge import Judged
from ..permissions import VISIT
from ..view import Desk
from .visit import _context, _encounter, done, lean, opened, signing


@page(VISIT, "TREAT")
async def prescribe(call: Call) -> Response:
    patient = call.request.path_params["id"]
    got = await opened(call, patient)
    if isinstance(got, Response):
        return got
    shell, one = got
    if one is None:
        return call.html("chart.html", **shell, middle="clinic/none.html", once=new_id(), inpatient=shell["chart"].stay is not None)
    if one.own and not one.typed.lines:
        one.typed.lines = [x for r in one.own if (x := readings.line(r.body, one.formulary))]
    return await _page(call, shell, one)


async def _page(
    call: Call, shell: dict[str, Any], one: Desk, judged: Judged | None = None, error: str = "", status: int = 200, once: str = ""
) -> Response:
    judged = judged or await judge.judge(call, one.store, one.patient, one.life.person, one.typed, one.formulary, whole=False)
    if "weight" not in one.typed.texts and (kg := shell["chart"].facts.get("weight")):
        one.typed.texts["weight"] = str(kg[0])
    context = await _context(call, one, judged, error)
    shell["toast"] = done(call.query.get("done", ""), call)
    return call.html(
        "chart.html", status, **shell, **context, middle="clinic/prescribe.html", encounter=_encounter(call, one),
        once=once or new_id(),
        saved=one.saved, rx_page=True, signed=bool(one.own), closed=one.note is not None,
    )  # fmt: skip


@page(VISIT, "TREAT")
async def sign(call: Call) -> Response:
    """Sign the prescription of a visit whose note is signed: the new one replaces what was signed before."""
    patient = call.request.path_params["id"]
    one = await lean(call, patient)
    one.typed = forms.read(view.form(call))
    back = f"/patients/{patient}/visit?encounter={one.encounter.id}"
    if call.field("discard", 2):
        await view.drop(call, one)
        return call.go(back)
    if one.note is None:  # one signature for the visit and its prescription
        await view.keep(call, one)
        return call.go(back)
    judged = await judge.judge(call, one.store, patient, one.life.person, one.typed, one.formulary, whole=False)
    error = call.w("Not signed yet: see what is marked ✕.") if judged.stopped else ""
    if not judged.written:
        error = error or call.w("No drug is written yet.")
    if not error:
        try:
            given = await signing(call, one, judged)
            await actions.replace_prescription(
                one.store, view.writer(call, patient, one.encounter.id), given, one.encounter, one.own, call.now
            )
        except (Conflict, PreconditionFailed):
            error = call.w("Somebody else prescribed at the same time. Look at it, then sign again.")
        except Invalid as why:
            error = call.w("This cannot be recorded") + ": " + "; ".join(i.text for i in why.issues[:3])
    if error:
        one.saved = await view.keep(call, one)
        context = await _context(call, one, judged, error)
        return call.html(
            "clinic/fields.html", 422, **context, person=one.life.person, rx_page=True, encounter=_encounter(call, one)
        )
    await view.drop(call, one)
    await phrases.note_use(call.engine.db, call.actor.number, "drug", {x.drug.code: readings.keep(x.line) for x in judged.written})
    return call.go(f"{back}&done=prescribed")
