"""The people of the orders' tests, and one act of the order box."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx

from hospital_app import HOSPITAL
from longbien.base import clock
from longbien.fhir import systems as s

ROLES = ("doctor", "nurse", "head", "it", "pharmacist")
ADULT, CHILD = "nb-lua", "nb-be"


def encounter(id_: str, of: str, kind: str) -> dict[str, Any]:
    return {
        "resourceType": "Encounter", "id": id_, "status": "in-progress",
        "class": {"system": s.ACT_CODE, "code": kind},
        "subject": {"reference": f"Patient/{of}"}, "period": {"start": clock.instant(clock.now() - timedelta(hours=3))},
        "serviceProvider": {"reference": f"Organization/{HOSPITAL}"},
    }  # fmt: skip


def allergy(id_: str, of: str, text: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "AllergyIntolerance", "id": id_, "patient": {"reference": f"Patient/{of}"}, "code": {"text": text},
        "clinicalStatus": {"coding": [{"system": s.ALLERGY_CLINICAL, "code": "active"}]},
        "verificationStatus": {"coding": [{"system": s.ALLERGY_VERIFICATION, "code": "confirmed"}]}, "criticality": "high",
        "reaction": [{"manifestation": [{"text": "phản vệ độ II"}]}], **more,
    }  # fmt: skip


def people() -> list[dict[str, Any]]:
    year = clock.local(clock.now()).year
    return [
        {"resourceType": "Organization", "id": HOSPITAL, "name": "Bệnh viện Sông Hồng"},
        *({"resourceType": "Practitioner", "id": f"nv-{r}", "name": [{"text": f"BS. {r}"}]} for r in ROLES),
        {"resourceType": "Patient", "id": ADULT, "name": [{"text": "Trần Thị Lụa"}], "gender": "female",
         "birthDate": f"{year - 67}-03-02"},
        {"resourceType": "Patient", "id": CHILD, "name": [{"text": "Lê Bé"}], "gender": "male",
         "birthDate": f"{year - 4}-01-02"},
        encounter("lk-lua", ADULT, "IMP"),
        encounter("lk-be", CHILD, "AMB"),
        allergy("du-1", ADULT, "Penicillin"),
    ]  # fmt: skip


async def act(client: httpx.AsyncClient, patient: str, what: str, **fields: str) -> httpx.Response:
    """One act of the order box, as the script sends it."""
    data = {"csrf": client.token, "act": what, **fields}  # type: ignore[attr-defined]
    return await client.post(f"/patients/{patient}/order", data=data, headers={"X-Part": "1"})
