"""How far the record of a visit has come: draft, active, closed, archived, destroyed. Pure.

Source: TT 13/2025/TT-BYT with the guide CV 365/TTYQG-GPQLCL: after a record is closed nothing in it is changed; what is still to be
said is added, with its reason. Draft and active are what the Encounter says; the later ones stand in Provenances of the visit,
which are never changed or taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .papers import CODES, addendum_reason

Resource = Mapping[str, Any]
STATES = "https://longbien.org/fhir/CodeSystem/record-state"
DRAFT, ACTIVE, CLOSED, ARCHIVED, DESTROYED = "draft", "active", "closed", "archived", "destroyed"
AFTER = {ACTIVE: CLOSED, CLOSED: ARCHIVED, ARCHIVED: DESTROYED}
"""What may follow what."""

CONTENT = frozenset(
    [
        "AllergyIntolerance",
        "CarePlan",
        "ClinicalImpression",
        "Composition",
        "Condition",
        "DeviceRequest",
        "DiagnosticReport",
        "Encounter",
        "Goal",
        "ImagingStudy",
        "Immunization",
        "Media",
        "MedicationAdministration",
        "MedicationRequest",
        "MedicationStatement",
        "NutritionOrder",
        "Observation",
        "Procedure",
        "QuestionnaireResponse",
        "RiskAssessment",
        "ServiceRequest",
        "Specimen",
    ]
)
"""Types of which the record of a visit consists. Bills, tasks, messages, appointments and dispensing go on after it."""
LATE = frozenset(("DiagnosticReport", "Observation", "ImagingStudy", "Specimen", "Media"))
"""What answers an order of the visit may still come in: the order is its reason."""


def begun(encounter: Resource) -> str:
    """draft or active, of a visit that was not closed."""
    return DRAFT if encounter.get("status") in ("planned", "arrived", "triaged") else ACTIVE


def encounter_of(resource: Resource) -> str:
    """The id of the visit that a resource belongs to; "" where it names none."""
    if resource.get("resourceType") == "Encounter":
        return str(resource.get("id") or "")
    named = resource.get("encounter") or resource.get("context") or {}
    reference = str(named.get("reference") or "") if isinstance(named, Mapping) else ""
    return reference.removeprefix("Encounter/") if reference.startswith("Encounter/") else ""


def refusal(state: str, resource: Resource | None, version: int) -> str:
    """Why this write into the record of a closed visit is refused; "" where it may go on. version: as it will be."""
    if state == DESTROYED:
        return "The record of this visit was destroyed: nothing is added to it."
    if resource is None:
        return "The record of this visit is closed: nothing in it is deleted."
    if version > 1:
        if resource.get("resourceType") == "Composition" and _is_paper(resource):
            return "" if addendum_reason(resource) else "The record of this visit is closed: what stands in it is not changed."
        return "The record of this visit is closed: what stands in it is not changed."
    if addendum_reason(resource):
        return ""
    if resource.get("resourceType") in LATE and resource.get("basedOn"):
        return ""
    return "The record of this visit is closed: say why this is added (extension addendum-reason)."


def _is_paper(resource: Resource) -> bool:
    return any(c.get("system") == CODES for c in (resource.get("type") or {}).get("coding") or ())


def said_state(provenance: Resource) -> str:
    """The state that a Provenance brings a visit into; "" where it is about something else."""
    codings = (provenance.get("activity") or {}).get("coding") or ()
    return next((str(c.get("code")) for c in codings if c.get("system") == STATES), "")


def visits_of(provenance: Resource) -> list[str]:
    """The ids of the visits that it is about."""
    targets: Sequence[Any] = provenance.get("target") or ()
    found = (str(t.get("reference") or "") for t in targets if isinstance(t, Mapping))
    return [r.removeprefix("Encounter/") for r in found if r.startswith("Encounter/")]


def may_follow(now: str, wanted: str) -> bool:
    return AFTER.get(now) == wanted
