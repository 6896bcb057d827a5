"""The codes that the ward writes, each with whose they are."""

from __future__ import annotations

from typing import Any

from longbien.fhir import systems as s

Resource = dict[str, Any]

BED_STATUS = s.HL7.replace("CodeSystem/", "CodeSystem/v2-") + "0116"
"""HL7 v2 table 0116, Location.operationalStatus: H housekeeping, U unoccupied, C closed, K contaminated, I isolated."""
CLEANING, CLEAN, CLOSED, CONTAMINATED = "H", "U", "C", "K"
BED_WORDS = {"C": "Closed", "H": "Housekeeping", "U": "Unoccupied", "K": "Contaminated", "I": "Isolated"}

TASK = "https://longbien.org/fhir/CodeSystem/task"
NURSING = "nursing"  # Task.code: something that a nurse does by a time
FLUID = s.BASE + "/CodeSystem/fluid"
DIET = s.DIET
NOT_GIVEN = s.BASE + "/CodeSystem/not-given"
PAPER = "https://longbien.org/fhir/CodeSystem/paper"
HANDOVER = s.BASE + "/CodeSystem/handover"
SNOMED = "http://snomed.info/sct"
ADMISSION = "32485007"  # SNOMED CT Hospital admission: a ServiceRequest with it waits for a bed
NURSING_ORDER = "9632001"  # SNOMED CT Nursing procedure: category of what a nurse is told to do
EXT_DUE = s.BASE + "/StructureDefinition/administration-due"
"""On a MedicationAdministration: the moment of the order's timing that it answers (valueDateTime)."""
EXT_SCANNED = s.BASE + "/StructureDefinition/administration-scanned"
"""Whether wristband and drug were scanned at the bedside (valueBoolean)."""
EXT_ROOM_SEX = s.BASE + "/StructureDefinition/room-sex"
"""On a Location: for whom the room is (valueCode male, female)."""
LEVEL = "67775-7"  # LOINC Level of responsiveness: ACVPU
OXYGEN = "3151-8"  # LOINC Inhaled oxygen flow rate


def concept(system: str, code: str, display: str, text: str = "") -> Resource:
    """A CodeableConcept with one coding."""
    return {"coding": [{"system": system, "code": code, "display": display}], "text": text or display}


def performers(by: Resource, second: Resource | None) -> list[Resource]:
    """MedicationAdministration.performer: who gave it, and who looked at it too."""
    function = concept("http://terminology.hl7.org/CodeSystem/med-admin-perform-function", "verifier", "Verifier")
    return [{"actor": by}] if second is None else [{"actor": by}, {"function": function, "actor": second}]
