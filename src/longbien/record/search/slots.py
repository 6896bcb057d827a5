"""Slots: which parameter of a type lies in the head row itself (code, date, value, patient), and a parameter's bit of presence."""

from __future__ import annotations

from functools import cache

from longbien.fhir import definitions

from . import registry

CODE = {
    "Encounter": "type",
    "Immunization": "vaccine-code",
    "ImagingStudy": "modality",
    "Composition": "type",
    "DocumentReference": "type",
    "Specimen": "type",
    "Appointment": "service-type",
    "Claim": "use",
}
"""The hot token parameter of a type, where it is not `code`."""

DATE = {
    "Account": "period", "AllergyIntolerance": "date", "Appointment": "date", "Basic": "created", "Bundle": "timestamp",
    "ChargeItem": "occurrence", "Claim": "created", "ClaimResponse": "created", "Communication": "sent",
    "CommunicationRequest": "authored", "Condition": "onset-date", "Contract": "issued", "CoverageEligibilityRequest": "created",
    "CoverageEligibilityResponse": "created", "DetectedIssue": "identified", "DeviceRequest": "authored-on",
    "DocumentManifest": "created", "ExplanationOfBenefit": "created", "Goal": "start-date", "ImagingStudy": "started",
    "Media": "created", "Medication": "expiration-date", "MedicationAdministration": "effective-time",
    "MedicationDispense": "whenhandedover", "MedicationRequest": "authoredon", "MedicationStatement": "effective",
    "NutritionOrder": "datetime", "Patient": "birthdate", "PaymentNotice": "created", "PaymentReconciliation": "created",
    "Person": "birthdate", "Provenance": "recorded", "QuestionnaireResponse": "authored", "RelatedPerson": "birthdate",
    "RequestGroup": "authored", "ServiceRequest": "authored", "Slot": "start", "Specimen": "collected", "Task": "authored-on",
    "TestReport": "issued", "VisionPrescription": "datewritten",
}  # fmt: skip
"""The main date of a type, where it is not `date`."""

FALLBACK = {"Condition": "recorded-date", "MedicationDispense": "whenprepared", "DiagnosticReport": "issued", "Goal": "target-date"}
"""What orders a row whose main date is missing. It is still searched through ix_date."""

QUANTITY = {"Observation": "value-quantity"}
_MAIN_PATIENT = ("patient", "subject", "beneficiary")


def code_param(type_: str) -> str | None:
    name = CODE.get(type_, "code")
    param = definitions.search_params(type_).get(name)
    return name if param and param.kind == "token" else None


def date_param(type_: str) -> str | None:
    name = DATE.get(type_, "date")
    param = definitions.search_params(type_).get(name)
    return name if param and param.kind == "date" else None


def quantity_param(type_: str) -> str | None:
    return QUANTITY.get(type_)


@cache
def bits(type_: str) -> dict[str, int]:
    """A parameter's bit in terms[1], which says what a resource has values for. R4's parameters are frozen, so bits do not move."""
    left_out = {"_id", "_lastUpdated", "_content", "_query", "_text"}
    codes = sorted(
        c for c, p in definitions.search_params(type_).items() if p.kind not in ("composite", "special") and c not in left_out
    )
    return {code: 1 << n for n, code in enumerate(codes)}


@cache
def patient_params(type_: str) -> tuple[str, ...]:
    """The compartment's parameters of a type, the one that head.pat is taken from first."""
    listed = definitions.compartment("Patient").get(type_, ())
    if type_ == "Patient":
        return ()
    main = [c for c in _MAIN_PATIENT if c in listed]
    return tuple(main[:1] + [c for c in listed if c not in main[:1]])


@cache
def by_pat(type_: str) -> frozenset[str]:
    """Reference parameters whose value for a patient is head.pat, so that no term is kept: those on the same element as the first
    of patient_params (Observation: subject and patient)."""
    codes = patient_params(type_)
    if not codes:
        return frozenset()
    params = definitions.search_params(type_)

    def own(code: str) -> str:
        parts = [p.strip() for p in params[code].expression.split(" | ") if p.strip().startswith(type_ + ".")]
        return parts[0].split(".where(resolve()")[0] if len(parts) == 1 else ""

    element = own(codes[0])
    if not element or element.count(".") != 1 or definitions.structure(type_).elements[element.partition(".")[2]].max != 1:
        return frozenset()  # Account.subject, Provenance.target may name several patients: terms and rows of ref for each
    return frozenset(c for c, p in params.items() if p.kind == "reference" and own(c) == element)


@cache
def references(type_: str) -> frozenset[str]:
    """Every reference parameter of a type."""
    return frozenset(c for c, p in definitions.search_params(type_).items() if p.kind == "reference")


def canonical(type_: str, code: str) -> bool:
    """Whether a reference parameter looks at canonical urls (or uris that name a definition)."""
    return registry.canonical(type_, code) if "~" in code else _canonical(type_, code)


@cache
def _canonical(type_: str, code: str) -> bool:
    elements = definitions.structure(type_).elements
    for part in definitions.search_params(type_)[code].expression.split(" | "):
        path = part.strip().strip("()").split(" as ")[0].split(".where(")[0].removeprefix(type_ + ".")
        element = elements.get(path) or elements.get(path + "[x]")
        if element is not None and any(t.code in ("canonical", "uri") for t in element.types):
            return True
    return False
