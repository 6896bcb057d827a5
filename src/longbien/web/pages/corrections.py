"""What a patient asks to correct, seen by whoever may write the chart: the request, the entries it may mean, and what is added."""

from __future__ import annotations

from types import SimpleNamespace

from starlette.responses import Response

from ...access.rights import amending
from ...access.roles import CHART_WRITE
from ...base.errors import Conflict, Invalid, NotFound, PreconditionFailed
from ...base.ids import FHIR_ID
from ...base.words import mark
from ...fhir import json
from ...record.store import Store
from ..chart.record import concept, first, moment, person
from ..page import Call, page

KINDS = {
    "Composition": mark("Note"), "DiagnosticReport": mark("Report"), "Condition": mark("Diagnosis"),
    "AllergyIntolerance": mark("Allergy"), "Observation": mark("Result or measurement"), "Procedure": mark("Procedure"),
    "ClinicalImpression": mark("Impression"), "MedicationStatement": mark("Medicine taken"), "Immunization": mark("Vaccination"),
}  # fmt: skip
DATES = ("effectiveDateTime", "date", "performedDateTime", "recordedDate", "issued", "occurrenceDateTime")


async def _show(call: Call, patient: str, *, error: str = "", status: int = 200) -> Response:
    if not FHIR_ID.match(patient):
        raise NotFound("There is no such patient.")
    reason = await call.door.why(call.actor, patient)
    if reason is None:
        raise NotFound("There is no such record, or it is not open to you.")
    store = Store(call.engine, call.scope(reason))
    who = person(json.loads((await store.read("Patient", patient)).body))
    asked = await amending.open_requests(store, call.actor, patient)
    wanted = call.request.path_params.get("task") or call.query.get("request", "")
    chosen = next((r for r in asked if r.id == wanted), asked[0] if asked else None)
    found = [_row(e, call) for e in await amending.entries(store, patient)] if chosen else []
    given = {k: call.field(k, 2000) if error else "" for k in ("entry", "said", "reason", "wrong")}
    return call.html(
        "corrections.html", status, id=patient, who=who, asked=asked, chosen=chosen, entries=found, error=error, given=given,
        done=call.query.get("done") == "1",
    )  # fmt: skip


def _row(e: amending.Entry, call: Call) -> SimpleNamespace:
    body = e.body
    when = next((m for d in DATES if (m := moment(body.get(d)))), None)
    value = body.get("valueQuantity") or {}
    words = [
        f"{value.get('value', '')} {value.get('unit', '')}".strip() if value else "",
        concept(body.get("valueCodeableConcept"), call.lang), str(body.get("valueString") or body.get("conclusion") or "")[:160],
    ]  # fmt: skip
    author = next((str(a) for p in ("author", "performer", "recorder", "asserter") if (a := first(body, p, "display"))), "")
    return SimpleNamespace(
        key=f"{e.type}/{e.id}/{e.version}", type=e.type, id=e.id, kind=call.w(KINDS[e.type]), title=amending.title(body),
        words=" · ".join(x for x in words if x), when=call.w.moment(when, call.now) if when else "", author=author,
    )  # fmt: skip


@page(CHART_WRITE, "TREAT")
async def show(call: Call) -> Response:
    """?request= which of several."""
    return await _show(call, call.request.path_params["id"])


@page(CHART_WRITE, "TREAT")
async def amend(call: Call) -> Response:
    patient, task = call.request.path_params["id"], call.request.path_params["task"]
    if not FHIR_ID.match(patient) or not FHIR_ID.match(task):
        raise NotFound("There is no such request.")
    type_, _, rest = call.field("entry", 200).partition("/")
    id_, _, version = rest.partition("/")
    if not (version.isascii() and version.isdigit() and len(version) < 9):
        return await _show(call, patient, error=call.w("Choose the entry that is meant."), status=422)
    try:
        await amending.amend(
            call.door, call.actor, patient, task, (type_, id_, int(version)), call.field("said", 2500), call.field("reason", 2500),
            wrong=call.field("wrong", 3) == "on",
        )  # fmt: skip
    except PreconditionFailed:
        text = call.w("Somebody changed this entry in the meantime. Look at it again below; what you wrote is kept.")
        return await _show(call, patient, error=text, status=412)
    except Conflict:
        return await _show(call, patient, error=call.w("This request is answered already."), status=409)
    except Invalid:
        return await _show(call, patient, error=call.w("Say what is right, and why it is so."), status=422)
    return call.go(f"/patients/{patient}/corrections?request={task}&done=1")
