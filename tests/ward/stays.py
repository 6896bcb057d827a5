"""A stay for tests: a patient in a bed with diagnoses, drugs, results and notes, of a facility that exists."""

# ruff: noqa: E501 - a resource on a line stays on it
from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from longbien.app import guard
from longbien.base import clock
from longbien.fhir import systems as s
from longbien.record.change import Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.ward.discharge_read import Stay, stay
from longbien.web.entries import Writer

HERE = "stay-hospital"


def bed(name: str) -> str:
    """The bed of a patient of these tests: everybody has their own."""
    return f"{name}-bed"


def code(system_: str, code_: str, text: str) -> dict[str, Any]:
    return {"coding": [{"system": system_, "code": code_, "display": text}], "text": text}


def store_of(engine: Engine) -> Store:
    return Store(engine, system("tests"))


async def house(engine: Engine) -> None:
    """The facility, its bed, its people."""
    people: list[dict[str, Any]] = [
        {"resourceType": "Practitioner", "id": f"stay-doctor-{n}", "name": [{"text": f"BS. {n}"}]} for n in "ab"
    ]
    guard(engine)
    await store_of(engine).commit([
        Update({"resourceType": "Organization", "id": HERE, "name": "Bệnh viện Thử"}),
        *(Update(p) for p in people),
    ])  # fmt: skip


async def a_stay(engine: Engine, name: str, start: datetime, **more: Any) -> str:
    """A patient called `name` who came at `start`: pneumonia and high blood pressure, an injected and a swallowed drug, a chest film
    that is awaited, potassium at 6 then 4, notes of two days. Gives the patient's id."""
    who, visit = {"reference": f"Patient/{name}"}, {"reference": f"Encounter/{name}-e"}
    doctor = {"reference": "Practitioner/stay-doctor-a", "display": "BS. a"}

    def at(hours: float) -> str:
        return clock.instant(start + timedelta(hours=hours))

    def condition(n: int, icd: str, text: str) -> dict[str, Any]:
        return {
            "resourceType": "Condition", "id": f"{name}-c{n}", "subject": who, "encounter": visit, "recordedDate": at(1),
            "clinicalStatus": {"coding": [{"system": s.CONDITION_CLINICAL, "code": "active"}]}, "code": code(s.ICD10_VN, icd, text),
        }  # fmt: skip

    def drug(n: int, text: str, route: str, sig: str) -> dict[str, Any]:
        return {
            "resourceType": "MedicationRequest", "id": f"{name}-m{n}", "status": "active", "intent": "order", "subject": who,
            "encounter": visit, "authoredOn": at(1), "medicationCodeableConcept": {"text": text},
            "dosageInstruction": [{"text": sig, "route": {"text": route}, "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
                                   "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "viên"}}]}],
        }  # fmt: skip

    def potassium(n: int, value: Any, hours: float) -> dict[str, Any]:
        return {
            "resourceType": "Observation", "id": f"{name}-o{n}", "status": "final", "subject": who, "encounter": visit,
            "effectiveDateTime": at(hours), "code": code("http://loinc.org", "2823-3", "Kali"),
            "valueQuantity": {"value": value, "unit": "mmol/L", "system": s.UCUM, "code": "mmol/L"},
        }  # fmt: skip

    def note(n: int, hours: float, said: str) -> dict[str, Any]:
        return {
            "resourceType": "Composition", "id": f"{name}-n{n}", "status": "final", "subject": who, "encounter": visit, "date": at(hours),
            "type": code("http://loinc.org", "11506-3", "Progress note"), "author": [doctor], "title": "Tờ điều trị",
            "section": [{"title": "Diễn biến", "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{said}</p></div>'}}],
        }  # fmt: skip

    encounter: dict[str, Any] = {
        "resourceType": "Encounter", "id": f"{name}-e", "status": "in-progress", "class": {"system": s.ACT_CODE, "code": "IMP"},
        "subject": who, "period": {"start": at(0)}, "reasonCode": [{"text": "Sốt, ho"}],
        "serviceProvider": {"reference": f"Organization/{HERE}"},
        "participant": [{"type": [code(s.PARTICIPATION, "ATND", "attender")], "individual": doctor}],
        "location": [{"location": {"reference": f"Location/{bed(name)}", "display": "P.1 · 01"}, "status": "active", "period": {"start": at(0)}}],
        "diagnosis": [{"condition": {"reference": f"Condition/{name}-c1", "display": "Viêm phổi"}, "rank": 1,
                       "use": code(s.DIAGNOSIS_ROLE, "AD", "Admission diagnosis")}],
        **more,
    }  # fmt: skip
    place = {
        "resourceType": "Location",
        "id": bed(name),
        "status": "active",
        "name": "P.1 · 01",
        "physicalType": code(s.LOCATION_PHYSICAL, "bd", "Bed"),
    }
    await store_of(engine).commit([Update(place)])
    await store_of(engine).commit([
        Update({"resourceType": "Patient", "id": name, "name": [{"text": f"Trần Văn {name}"}], "gender": "male", "birthDate": "1960-02-03"}),
        Update(encounter), Update(condition(1, "J18.9", "Viêm phổi")), Update(condition(2, "I10", "Tăng huyết áp")),
        Update(drug(1, "Ceftriaxon 1 g", "Tiêm tĩnh mạch", "Tiêm tĩnh mạch 1 lọ/lần, ngày 2 lần")),
        Update(drug(2, "Amlodipin 5 mg", "Uống", "Uống 1 viên/lần, ngày 2 lần")),
        Update(potassium(1, 6, 2)), Update(potassium(2, 4, 20)), Update(note(1, 3, "Còn sốt")), Update(note(2, 27, "Đỡ ho")),
        Update({
            "resourceType": "ServiceRequest", "id": f"{name}-s", "status": "active", "intent": "order", "subject": who, "encounter": visit,
            "authoredOn": at(4), "code": {"text": "X-quang ngực"}, "category": [code("http://snomed.info/sct", "363679005", "Imaging")],
        }),
    ])  # fmt: skip
    return name


async def read(engine: Engine, patient: str) -> Stay:
    return await stay(store_of(engine), patient, HERE, {})


def writer(patient: str, n: str = "a") -> Writer:
    return Writer(patient, f"stay-doctor-{n}", f"BS. {n}", HERE, f"{patient}-e")
