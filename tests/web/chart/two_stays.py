"""A patient who lay here a year ago, was seen in between, and lies here now."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from hospital_app import HOSPITAL
from longbien.base import clock
from longbien.fhir import systems as s

PATIENT = "nb-hai"
ROLES = ("doctor", "nurse", "head")
WHO = {"reference": f"Patient/{PATIENT}"}


def visit(id_: str, kind: str, start: datetime, end: datetime | None, *conditions: str) -> dict[str, Any]:
    period = {"start": clock.instant(start), **({"end": clock.instant(end)} if end else {})}
    return {
        "resourceType": "Encounter", "id": id_, "status": "finished" if end else "in-progress",
        "class": {"system": s.ACT_CODE, "code": kind}, "subject": WHO, "period": period, "reasonCode": [{"text": f"Lý do {id_}"}],
        "serviceProvider": {"reference": f"Organization/{HOSPITAL}"},
        **({"diagnosis": named} if (named := [{"condition": {"reference": f"Condition/{c}"}, "rank": n + 1} for n, c in enumerate(conditions)]) else {}),  # noqa: E501
    }  # fmt: skip


def condition(id_: str, of: str, icd: str, text: str, system: str = s.ICD10) -> dict[str, Any]:
    return {
        "resourceType": "Condition", "id": id_, "subject": WHO, "encounter": {"reference": f"Encounter/{of}"},
        "clinicalStatus": {"coding": [{"system": s.CONDITION_CLINICAL, "code": "active"}]},
        "code": {"coding": [{"system": system, "code": icd, "display": text}], "text": text},
    }  # fmt: skip


def potassium(id_: str, at: datetime, value: float) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": id_, "status": "final", "subject": WHO, "effectiveDateTime": clock.instant(at),
        "code": {"coding": [{"system": s.LOINC, "code": "2823-3", "display": "Potassium"}]},
        "valueQuantity": {"value": value, "unit": "mmol/L", "system": s.UCUM, "code": "mmol/L"},
    }  # fmt: skip


def drug(id_: str, code: str, name: str, mg: int, start: datetime, end: datetime | None) -> dict[str, Any]:
    period = {"start": clock.instant(start), **({"end": clock.instant(end)} if end else {})}
    return {
        "resourceType": "MedicationRequest", "id": id_, "status": "completed" if end else "active", "intent": "order",
        "subject": WHO, "authoredOn": clock.instant(start),
        "medicationCodeableConcept": {"coding": [{"system": s.ATC, "code": code}], "text": name},
        "dosageInstruction": [{"text": f"{mg} mg", "doseAndRate": [{"doseQuantity": {"value": mg, "unit": "mg"}}]}],
        "dispenseRequest": {"validityPeriod": period},
    }  # fmt: skip


def people() -> list[dict[str, Any]]:
    now = clock.now()
    old, here = now - timedelta(days=365), now - timedelta(days=3)
    left = old + timedelta(days=6)
    return [
        {"resourceType": "Organization", "id": HOSPITAL, "name": "Bệnh viện Sông Hồng"},
        *({"resourceType": "Practitioner", "id": f"nv-{r}", "name": [{"text": f"BS. {r}"}]} for r in ROLES),
        {"resourceType": "Patient", "id": PATIENT, "name": [{"text": "Trần Văn Hải"}], "gender": "male", "birthDate": "1950-02-03"},
        {"resourceType": "Patient", "id": "nb-moi", "name": [{"text": "Lê Mới"}], "gender": "male", "birthDate": "1990-02-03"},
        visit("stay-old", "IMP", old, left, "c-heart"),
        visit("seen", "AMB", now - timedelta(days=100), now - timedelta(days=100, hours=-1)),
        visit("stay-now", "IMP", here, None, "c-lung", "c-heart-2"),
        {**visit("once", "IMP", here, None), "subject": {"reference": "Patient/nb-moi"}},
        condition("c-heart", "stay-old", "I10", "Tăng huyết áp"),
        condition("c-heart-2", "stay-now", "I10", "Tăng huyết áp"),
        condition("c-lung", "stay-now", "J18.9", "Viêm phổi"),
        drug("d-1", "C08CA01", "Amlodipin", 5, old, left),
        drug("d-2", "C08CA01", "Amlodipin", 10, here, None),
        drug("d-3", "C09CA01", "Losartan", 50, old, left),
        potassium("k-1", old + timedelta(hours=4), 5.6),
        potassium("k-2", old + timedelta(days=2), 4.1),
        potassium("k-3", here + timedelta(hours=4), 3.1),
    ]  # fmt: skip
