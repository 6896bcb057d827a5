"""Two hospitals, a patient of each, one of both, and one whose care has ended; and what attackers have at hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from longbien.access.roles import ROLES
from longbien.access.sessions import csrf
from longbien.base import clock
from longbien.record.change import Update
from longbien.record.engine import Engine
from longbien.record.scope import system
from longbien.record.store import Store

BASE = "http://hanoi.test"
PASSWORD = "mưa rào tháng bảy"
NAME = "Đặng Thị Bí Mật"
"""The name of hospital b's patient: it must stand in no answer to hospital a, in no log and in no line of the trail."""
NUMBER = "001099887766"
SECRET = "HIV-dương-tính-bí-mật"
"""A word in every clinical resource of hospital b's patient."""


@dataclass
class City:
    """hospital: a, b -> Organization id. patient: a, b, both, gone -> Patient id. of: patient -> type -> resource id."""

    hospital: dict[str, str] = field(default_factory=dict)
    patient: dict[str, str] = field(default_factory=dict)
    of: dict[str, dict[str, str]] = field(default_factory=dict)


def concept(text: str, code: str = "x1") -> dict[str, Any]:
    return {"coding": [{"system": "http://longbien.test/codes", "code": code}], "text": text}


def patient(id_: str, name: str, number: str) -> dict[str, Any]:
    return {
        "resourceType": "Patient", "id": id_, "name": [{"text": name}], "gender": "female", "birthDate": "1981-05-04",
        "identifier": [{"system": "http://longbien.test/cccd", "value": number}],
        "telecom": [{"system": "phone", "value": "0912" + number[-6:]}],
    }  # fmt: skip


def encounter(id_: str, of: str, hospital: str, *, days_ago: int = 0, ended: bool = False) -> dict[str, Any]:
    start = clock.now() - timedelta(days=days_ago)
    period = {"start": clock.instant(start)}
    if ended:
        period["end"] = clock.instant(start + timedelta(days=1))
    return {
        "resourceType": "Encounter", "id": id_, "status": "finished" if ended else "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{of}"}, "period": period,
        "serviceProvider": {"reference": f"Organization/{hospital}"},
    }  # fmt: skip


def records(of: str, word: str) -> list[dict[str, Any]]:
    """One resource of each kind about a patient, `word` in each."""
    who = {"reference": f"Patient/{of}"}
    now = clock.instant(clock.now())
    text = concept(word)
    category = "http://terminology.hl7.org/CodeSystem"
    made: list[dict[str, Any]] = [
        {"resourceType": "Observation", "status": "final", "code": text, "subject": who, "effectiveDateTime": now,
         "valueString": word, "note": [{"text": word}]},
        {"resourceType": "Condition", "code": text, "subject": who,
         "clinicalStatus": {"coding": [{"system": f"{category}/condition-clinical", "code": "active"}]}},
        {"resourceType": "AllergyIntolerance", "patient": who, "code": text,
         "clinicalStatus": {"coding": [{"system": f"{category}/allergyintolerance-clinical", "code": "active"}]}},
        {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "medicationCodeableConcept": text,
         "subject": who, "authoredOn": now},
        {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "code": text, "subject": who, "authoredOn": now},
        {"resourceType": "DiagnosticReport", "status": "final", "code": text, "subject": who, "conclusion": word,
         "effectiveDateTime": now},
        {"resourceType": "DocumentReference", "status": "current", "subject": who, "description": word,
         "content": [{"attachment": {"contentType": "text/plain", "title": word}}]},
        {"resourceType": "ClinicalImpression", "status": "completed", "subject": who, "summary": word},
        {"resourceType": "Task", "status": "requested", "intent": "order", "for": who, "description": word},
        {"resourceType": "Coverage", "status": "active", "beneficiary": who, "payor": [{"display": word}]},
        {"resourceType": "RelatedPerson", "patient": who, "name": [{"text": word}]},
        {"resourceType": "Appointment", "status": "booked", "description": word, "start": now, "end": now,
         "participant": [{"actor": who, "status": "accepted"}]},
    ]  # fmt: skip
    return [{**r, "id": f"{of}-{r['resourceType'].lower()}"} for r in made]


def _there(resource: dict[str, Any], of: str) -> dict[str, Any]:
    """Made in the patient's encounter, and so at its hospital."""
    encounter = {"reference": f"Encounter/{of}-encounter"}
    if resource["resourceType"] == "DocumentReference":
        return {**resource, "context": {"encounter": [encounter]}}
    outside = ("Coverage", "RelatedPerson", "Appointment")
    return resource if resource["resourceType"] in outside else {**resource, "encounter": encounter}


async def build(engine: Engine) -> City:
    made = City({"a": "bv-a", "b": "bv-b"}, {"a": "p-a", "b": "p-b", "both": "p-both", "gone": "p-gone"})
    resources: list[dict[str, Any]] = [{"resourceType": "Organization", "id": h, "name": h} for h in made.hospital.values()]
    resources += [
        {"resourceType": "Practitioner", "id": f"{r}-{h}", "name": [{"text": f"{r} {h}"}]} for r in sorted(ROLES) for h in "ab"
    ]
    names = {"a": ("Nguyễn Văn An", "001011112222"), "b": (NAME, NUMBER), "both": ("Lê Văn Chung", "001033334444"),
             "gone": ("Phạm Thị Xa", "001055556666")}  # fmt: skip
    for key, id_ in made.patient.items():
        resources.append(patient(id_, *names[key]))
        own = [_there(r, id_) for r in records(id_, SECRET if key == "b" else f"lời-{key}")]
        made.of[key] = {r["resourceType"]: r["id"] for r in own} | {"Patient": id_, "Encounter": f"{id_}-encounter"}
        resources += own
    resources += [
        encounter("p-a-encounter", "p-a", "bv-a"),
        encounter("p-b-encounter", "p-b", "bv-b"),
        encounter("p-both-encounter", "p-both", "bv-a"),
        encounter("p-both-encounter-b", "p-both", "bv-b"),
        encounter("p-gone-encounter", "p-gone", "bv-a", days_ago=200, ended=True),
    ]
    store = Store(engine, system("two hospitals"))
    await store.commit([Update(r) for r in resources])
    # a second version, so that there is a history to look for
    second = {**next(r for r in resources if r["id"] == "p-b-observation"), "status": "amended"}
    await store.commit([Update(second)])
    return made


def form_token(client: Any) -> str:
    """What a page of this session carries in its forms."""
    return csrf(client.cookies["longbien"])


def tells(body: str) -> bool:
    """Whether an answer holds anything of hospital b's patient."""
    return any(word in body for word in (NAME, NUMBER, SECRET))


async def lines(engine: Engine, **where: Any) -> list[Any]:
    """Lines of the trail, oldest first."""
    terms = " AND ".join(f"{k} = ${n}" for n, k in enumerate(where, 1)) or "true"
    return list(await engine.db.fetch(f"SELECT * FROM audit WHERE {terms} ORDER BY seq", *where.values()))


async def newest(engine: Engine) -> int:
    seq: int = await engine.db.fetchval("SELECT coalesce(max(seq), 0) FROM audit")
    return seq
