"""The trail shown as AuditEvent."""

from __future__ import annotations

from dataclasses import replace

import httpx

from longbien.access.tokens import create_token
from longbien.app import App
from longbien.fhir.validate import validate
from longbien.record import trail
from longbien.record.scope import system


async def test_who_did_what_to_a_patient_newest_first(client: httpx.AsyncClient) -> None:
    made = (await client.post("/fhir/Patient", json={"resourceType": "Patient"})).json()
    address = f"/fhir/Patient/{made['id']}"
    await client.get(address)
    await client.put(address, json=made)
    await client.get(f"/fhir/Patient?_id={made['id']}")
    await client.delete(address)
    found = (await client.get(f"/fhir/AuditEvent?patient=Patient/{made['id']}")).json()
    events = [e["resource"] for e in found["entry"]]
    assert [e["action"] for e in events] == ["D", "E", "U", "R", "C"]
    assert [e["subtype"][0]["code"] for e in events] == ["delete", "search-type", "update", "read", "create"]
    for e in events:
        assert [i for i in validate(e) if i.severity in ("error", "fatal")] == []
        assert e["outcome"] == "0" and e["agent"][0]["name"] == "rest tests" and e["agent"][0]["altId"]
        assert e["entity"][0]["what"]["reference"] == f"Patient/{made['id']}"
    one = await client.get(f"/fhir/AuditEvent/{events[0]['id']}")
    assert one.json() == events[0]


async def test_it_narrows_and_pages(client: httpx.AsyncClient) -> None:
    made = (await client.post("/fhir/Patient", json={"resourceType": "Patient"})).json()
    for _ in range(4):
        await client.get(f"/fhir/Patient/{made['id']}")
    base = f"/fhir/AuditEvent?patient={made['id']}"
    seen: list[str] = []
    next_: str | None = f"{base}&action=R&date=ge2026-01-01&_count=3"
    while next_:
        page = (await client.get(next_)).json()
        seen += [e["resource"]["id"] for e in page.get("entry", [])]
        next_ = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
    # Looking at the trail is in the trail too: the second page sees that the first was looked at, as kind trail.
    assert len(seen) == len(set(seen)) >= 4
    assert "entry" not in (await client.get(f"{base}&date=lt2020")).json()
    assert "entry" not in (await client.get(f"{base}&agent=Practitioner/nobody")).json()
    for wrong in ("date=soon", "agent=Patient/1", "patient=Observation/1", "patient=", "_below=x", "_count=x", "date=xx2026"):
        assert (await client.get(f"/fhir/AuditEvent?{wrong}")).status_code == 400, wrong
    strict = await client.get(f"{base}&colour=red", headers={"Prefer": "handling=strict"})
    assert strict.status_code == 400
    assert (await client.get("/fhir/AuditEvent/0")).status_code == 404
    assert (await client.get("/fhir/AuditEvent/nonsense")).status_code == 404


async def test_only_who_may_read_it(app: App) -> None:
    token = await create_token(app.state.engine, "narrow", "system/Patient.rs")
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x", headers=headers) as narrow:
        assert (await narrow.get("/fhir/AuditEvent")).status_code == 403
        assert (await narrow.get("/fhir/AuditEvent/1")).status_code == 403
        assert (await narrow.get("/fhir/Observation/1")).status_code == 403
        assert (await narrow.get("/fhir/Observation")).status_code == 403
        assert (await narrow.post("/fhir/Patient", json={"resourceType": "Patient"})).status_code == 403
        assert (await narrow.get("/fhir/Patient?_id=1")).status_code == 200


async def test_it_is_searched_by_post_too(client: httpx.AsyncClient) -> None:
    made = (await client.post("/fhir/Patient", json={"resourceType": "Patient"})).json()
    form = {"patient": made["id"], "action": "C", "_count": "1"}
    found = (await client.post("/fhir/AuditEvent/_search", data=form)).json()
    assert [e["resource"]["action"] for e in found["entry"]] == ["C"]
    wrong = await client.post("/fhir/AuditEvent/_search", data={"date": "nonsense"})
    assert wrong.status_code == 400 and wrong.json()["resourceType"] == "OperationOutcome"


async def test_it_is_searched_by_type_and_by_what_was_touched(client: httpx.AsyncClient) -> None:
    made = (await client.post("/fhir/Patient", json={"resourceType": "Patient"})).json()
    other = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": f"Patient/{made['id']}"},
    }
    seen = (await client.post("/fhir/Observation", json=other)).json()
    await client.get(f"/fhir/Observation/{seen['id']}")
    await client.get(f"/fhir/Observation?patient={made['id']}")

    async def kinds(query: str) -> list[str]:
        found = (await client.get(f"/fhir/AuditEvent?{query}")).json()
        events = [e["resource"] for e in found.get("entry", [])]
        for e in events:
            assert [i for i in validate(e) if i.severity in ("error", "fatal")] == []
        return [e["subtype"][0]["code"] for e in events]

    assert await kinds(f"entity=Observation/{seen['id']}") == ["read", "create"]
    assert set(await kinds(f"entity=Patient/{made['id']}")) >= {"create", "read", "search-type"}
    mine = f"patient={made['id']}"
    assert await kinds(f"{mine}&subtype=http://hl7.org/fhir/restful-interaction|read") == ["read"]
    assert await kinds(f"{mine}&subtype=read,search-type") == ["search-type", "read"]
    assert "read" in await kinds(f"{mine}&type=rest") and await kinds(f"{mine}&type=http://nowhere|rest") == []
    assert await kinds(f"{mine}&type=110101") and await kinds(f"{mine}&type=http://dicom.nema.org/resources/ontology/DCM|")
    assert await kinds("entity=Observation/nobody") == []
    assert (await client.get("/fhir/AuditEvent?entity=somebody")).status_code == 400


async def test_every_kind_of_line_is_a_valid_event(client: httpx.AsyncClient, app: App) -> None:
    scope = system("test")
    await app.state.engine.trail.write([trail.line(scope, kind, why="said") for kind in trail.KINDS])
    await app.state.engine.trail.write([trail.line(replace(scope, purpose=p), "read")
                                        for p in trail.PURPOSES])  # fmt: skip
    found = (await client.get("/fhir/AuditEvent?_count=60")).json()
    for e in (e["resource"] for e in found["entry"]):
        assert [i for i in validate(e) if i.severity in ("error", "fatal")] == [], e
    told = [e["resource"]["purposeOfEvent"][0] for e in found["entry"] if "purposeOfEvent" in e["resource"]]
    assert {p["coding"][0]["code"] for p in told} >= {"TREAT", "ETREAT", "HPAYMT", "PATRQT"}
