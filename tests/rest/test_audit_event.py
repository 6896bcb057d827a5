"""The trail shown as AuditEvent."""

from __future__ import annotations

import httpx

from longbien.access.tokens import create_token
from longbien.app import App
from longbien.fhir.validate import validate


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
