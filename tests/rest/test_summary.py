"""$summary (the International Patient Summary) and $document."""

from __future__ import annotations

from typing import Any

import httpx

from longbien.fhir.validate import validate

ACTIVE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
RESOLVED = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "resolved"}]}
ALLERGIC = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]}
LAB = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}


async def put(client: httpx.AsyncClient, **resource: Any) -> None:
    answer = await client.put(f"/fhir/{resource['resourceType']}/{resource['id']}", json=resource)
    assert answer.status_code in (200, 201), answer.text


async def fill(client: httpx.AsyncClient) -> None:
    who = {"reference": "Patient/ips-1"}
    await put(client, resourceType="Patient", id="ips-1", name=[{"text": "Trần <b>Hoa</b>"}], birthDate="1950-02-03")
    await put(client, resourceType="Patient", id="ips-2")
    await put(
        client, resourceType="AllergyIntolerance", id="ips-a", patient=who, clinicalStatus=ALLERGIC, code={"text": "Penicillin"}
    )
    await put(client, resourceType="Condition", id="ips-c", subject=who, clinicalStatus=ACTIVE, code={"text": "Tăng huyết áp"})
    await put(client, resourceType="Condition", id="ips-old", subject=who, clinicalStatus=RESOLVED, code={"text": "Viêm phổi"})
    for day, value in (("2026-01-01", 4.1), ("2026-05-01", 5.2)):
        await put(client, resourceType="Observation", id=f"ips-k-{day}", status="final", subject=who, category=[LAB],
                  code={"coding": [{"system": "http://loinc.org", "code": "2823-3"}], "text": "Kali"}, effectiveDateTime=day,
                  valueQuantity={"value": value, "unit": "mmol/L"})  # fmt: skip
    for n, status in enumerate(("active", "stopped")):
        await put(client, resourceType="MedicationRequest", id=f"ips-m-{n}", status=status, intent="order", subject=who,
                  medicationCodeableConcept={"text": f"Thuốc {status}"})  # fmt: skip


def sections(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    composition = document["entry"][0]["resource"]
    assert composition["resourceType"] == "Composition"
    return {s["code"]["coding"][0]["code"]: s for s in composition["section"]}


async def test_what_a_doctor_abroad_needs_to_know(client: httpx.AsyncClient) -> None:
    await fill(client)
    answer = await client.get("/fhir/Patient/ips-1/$summary")
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert [i for i in validate(document) if i.severity in ("error", "fatal")] == []
    found = sections(document)
    entries = {code: [e["reference"] for e in s.get("entry", ())] for code, s in found.items()}
    assert entries == {
        "48765-2": ["AllergyIntolerance/ips-a"],
        "10160-0": ["MedicationRequest/ips-m-0"],
        "11450-4": ["Condition/ips-c"],
        "30954-2": ["Observation/ips-k-2026-05-01"],
    }
    assert "Kali</td><td>5.2 mmol/L</td><td>2026-05-01" in found["30954-2"]["text"]["div"]
    assert "Trần &lt;b&gt;Hoa" in document["entry"][0]["resource"]["text"]["div"]
    urls = {e["fullUrl"] for e in document["entry"]}
    assert "http://hanoi.test/fhir/Patient/ips-1" in urls and len(urls) == len(document["entry"])


async def test_nothing_recorded_is_said(client: httpx.AsyncClient) -> None:
    await fill(client)
    document = (await client.get("/fhir/Patient/ips-2/$summary")).json()
    assert [i for i in validate(document) if i.severity in ("error", "fatal")] == []
    found = sections(document)
    assert set(found) == {"48765-2", "10160-0", "11450-4"}
    assert all(
        s["emptyReason"]["coding"][0]["code"] == "unavailable" and "Không có ghi nhận" in s["text"]["div"] for s in found.values()
    )
    assert (await client.get("/fhir/Patient/nobody/$summary")).status_code == 404
    assert (await client.get("/fhir/Patient/ips-2/$summary?colour=red")).status_code == 400


async def test_a_composition_becomes_a_document_and_may_be_kept(client: httpx.AsyncClient) -> None:
    await fill(client)
    await put(client, resourceType="Practitioner", id="ips-author")
    section = [{"title": "Dị ứng", "entry": [{"reference": "AllergyIntolerance/ips-a"}]}]
    composition = {
        "resourceType": "Composition", "id": "ips-note", "status": "final", "type": {"text": "Tóm tắt"}, "date": "2026-11-24",
        "title": "Tóm tắt", "subject": {"reference": "Patient/ips-1"}, "author": [{"reference": "Practitioner/ips-author"}],
    }  # fmt: skip
    await put(client, **composition, section=section)
    document = (await client.get("/fhir/Composition/ips-note/$document")).json()
    assert [i for i in validate(document) if i.severity in ("error", "fatal")] == []
    found = [f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in document["entry"]]
    assert found[0] == "Composition/ips-note"
    assert set(found[1:]) == {"Patient/ips-1", "Practitioner/ips-author", "AllergyIntolerance/ips-a"}
    kept = await client.post("/fhir/Composition/ips-note/$document?persist=true")
    again = await client.get(kept.headers["location"].removeprefix("http://hanoi.test"))
    assert again.status_code == 200 and again.json()["type"] == "document"
    assert (await client.get("/fhir/Composition/none/$document")).status_code == 404
