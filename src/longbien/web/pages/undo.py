"""Taking back what was just done: Ctrl Z, or the button beside what was said. What was written is not removed but marked as entered
in error, by whom wrote it, within a few minutes; others may have read it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from starlette.responses import Response

from ...access.roles import CHART
from ...base.errors import Conflict, Forbidden, Gone, NotFound
from ...base.ids import FHIR_ID, patient_key
from ...base.words import parse_instant
from ...record.change import Update
from ...record.store import Store
from ..chart.record import first, reference_id
from ..desk import Q
from ..page import Call, page
from .frame import _decode
from .write import opened

WITHIN = timedelta(minutes=10)
AUTHOR = {
    "Observation": "performer", "Composition": "author", "Task": "owner", "Condition": "recorder", "AllergyIntolerance": "recorder",
    "ServiceRequest": "requester", "MedicationRequest": "requester",
}  # fmt: skip
_VERIFIED = {"Condition": "condition-ver-status", "AllergyIntolerance": "allergyintolerance-verification"}


def in_error(resource: dict[str, Any]) -> dict[str, Any]:
    """The same resource, entered in error. What is in error has no clinical status (con-5, ait-2)."""
    system = _VERIFIED.get(resource["resourceType"])
    if system is None:
        return {**resource, "status": "entered-in-error"}
    coding = {"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": "entered-in-error"}
    return {**{k: v for k, v in resource.items() if k != "clinicalStatus"}, "verificationStatus": {"coding": [coding]}}


@page(CHART, "TREAT")
async def undo(call: Call) -> Response:
    """`seen`: the moment before which everything counts as seen again. `entry`: Type/id of what was written, by commas."""
    patient = call.request.path_params["id"]
    reason = await opened(call, patient)
    if seen := call.field("seen", 40):
        try:
            await call.engine.db.execute(Q.unseen, call.actor.number, patient_key(patient), parse_instant(seen))
        except ValueError:
            raise NotFound("There is nothing to take back.") from None
    store = Store(call.engine, call.scope(reason))
    for entry in call.field("entry", 4000).split(",")[:50]:
        type_, _, id_ = entry.partition("/")
        if type_ in AUTHOR and FHIR_ID.match(id_):
            await _take_back(call, store, patient, type_, id_)
    return call.go("/today?done=undone" if call.field("back", 10) == "today" else f"/patients/{patient}?done=undone")


async def _take_back(call: Call, store: Store, patient: str, type_: str, id_: str) -> None:
    try:
        stored = await store.read(type_, id_)
    except Gone:
        return
    resource = _decode(stored.body)
    whose = {reference_id(resource.get(k)) for k in ("subject", "patient", "for") if resource.get(k)}
    mine = call.actor.practitioner is not None and reference_id(first(resource, AUTHOR[type_])) == call.actor.practitioner
    if patient not in whose or not mine:
        raise Forbidden("Only what you wrote yourself can be taken back.")
    if call.now - stored.updated > WITHIN:
        raise Conflict("This was written too long ago to be taken back.")
    await store.commit([Update(in_error(resource), if_match=stored.version)])
