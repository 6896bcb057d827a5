"""$everything: whole, in pages, within the asker's scope."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from longbien.access.tokens import create_token
from longbien.app import App

BASE = "http://hanoi.test"


def ids(bundle: dict[str, Any], mode: str | None = None) -> list[str]:
    entries = [e for e in bundle.get("entry", ()) if mode is None or e["search"]["mode"] == mode]
    return [f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in entries]


async def put(client: httpx.AsyncClient, resource: dict[str, Any]) -> None:
    answer = await client.put(f"/fhir/{resource['resourceType']}/{resource['id']}", json=resource)
    assert answer.status_code in (200, 201), answer.text


def observation(id_: str, patient: str, day: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": id_, "status": "final", "code": {"text": "Kali"},
        "subject": {"reference": f"Patient/{patient}"}, "effectiveDateTime": day, **more,
    }  # fmt: skip


async def fill(client: httpx.AsyncClient) -> None:
    await put(client, {"resourceType": "Organization", "id": "ev-hospital", "name": "Bệnh viện"})
    await put(client, {"resourceType": "Practitioner", "id": "ev-doctor", "name": [{"text": "Bác sĩ"}]})
    role = {"resourceType": "PractitionerRole", "id": "ev-role", "practitioner": {"reference": "Practitioner/ev-doctor"}}
    await put(client, role)
    for one in ("ev-1", "ev-2"):
        org = {"reference": "Organization/ev-hospital"}
        await put(client, {"resourceType": "Patient", "id": one, "gender": "female", "managingOrganization": org})
        await put(client, {
            "resourceType": "Encounter", "id": f"{one}-visit", "status": "finished", "subject": {"reference": f"Patient/{one}"},
            "class": {"code": "AMB"}, "period": {"start": "2026-03-01", "end": "2026-03-02"},
        })  # fmt: skip
        for n, day in enumerate(("2025-01-05", "2026-03-01", "2026-11-20")):
            more: dict[str, Any] = {"encounter": {"reference": f"Encounter/{one}-visit"}} if n == 1 else {}
            if n == 2:
                more["performer"] = [{"reference": "PractitionerRole/ev-role"}]
            await put(client, observation(f"{one}-obs-{n}", one, day, **more))


OWN = ["Patient/ev-1", "Encounter/ev-1-visit", "Observation/ev-1-obs-0", "Observation/ev-1-obs-1", "Observation/ev-1-obs-2"]


async def test_a_patients_whole_record_and_what_it_refers_to(client: httpx.AsyncClient) -> None:
    await fill(client)
    found = (await client.get("/fhir/Patient/ev-1/$everything")).json()
    assert found["type"] == "searchset" and ids(found, "match") == OWN
    assert set(ids(found, "include")) == {"Organization/ev-hospital", "PractitionerRole/ev-role", "Practitioner/ev-doctor"}
    assert [link["relation"] for link in found["link"]] == ["self"]
    assert (await client.post("/fhir/Patient/ev-1/$everything")).json().keys() == found.keys()


async def test_pages_are_the_whole_also_while_something_is_written(client: httpx.AsyncClient) -> None:
    await fill(client)
    page = (await client.get("/fhir/Patient/ev-1/$everything?_count=2")).json()
    seen = ids(page, "match")
    assert len(seen) == 3, "the patient and two more"
    await put(client, observation("ev-1-obs-0", "ev-1", "2025-01-06"))
    while link := next((x["url"] for x in page["link"] if x["relation"] == "next"), None):
        page = (await client.get(link.removeprefix(BASE))).json()
        seen += ids(page, "match")
    assert sorted(seen) == sorted(OWN)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("_type=Observation", OWN[2:]),
        ("_type=Observation,Patient", [OWN[0], *OWN[2:]]),
        ("start=2026-03-01", [OWN[0], OWN[1], OWN[3], OWN[4]]),
        ("start=2026-03-02&end=2026-10", [OWN[0], OWN[1]]),
        ("end=2025", [OWN[0], OWN[2]]),
        ("_since=2099-01-01", []),
        ("_since=2001-01-01", OWN),
    ],
)
async def test_what_is_asked_for_narrows_it(client: httpx.AsyncClient, asked: str, expected: list[str]) -> None:
    await fill(client)
    found = (await client.get(f"/fhir/Patient/ev-1/$everything?{asked}")).json()
    assert sorted(ids(found, "match")) == sorted(expected)


async def test_an_encounter_and_everybody(client: httpx.AsyncClient) -> None:
    await fill(client)
    visit = (await client.get("/fhir/Encounter/ev-1-visit/$everything")).json()
    assert ids(visit, "match") == ["Encounter/ev-1-visit", "Observation/ev-1-obs-1"]
    assert "Patient/ev-1" in ids(visit, "include") and "Patient/ev-2" not in ids(visit)
    seen: list[str] = []
    url: str | None = "/fhir/Patient/$everything?_count=3"
    while url:
        page = (await client.get(url.removeprefix(BASE))).json()
        seen += ids(page, "match")
        url = next((x["url"] for x in page["link"] if x["relation"] == "next"), None)
    assert {i for i in seen if "ev-" in i} == {*OWN, *(i.replace("ev-1", "ev-2") for i in OWN)} and len(seen) == len(set(seen))


async def test_nobody_sees_more_through_it_and_each_look_is_in_the_trail(app: App, client: httpx.AsyncClient) -> None:
    await fill(client)
    token = await create_token(app.state.engine, "only observations", "system/Observation.read system/Patient.read")
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE, headers=headers) as narrow:
        found = (await narrow.get("/fhir/Patient/ev-1/$everything")).json()
        assert sorted(ids(found)) == sorted([OWN[0], *OWN[2:]])
        assert (await narrow.get("/fhir/Encounter/ev-1-visit/$everything")).status_code == 403
    lines = await app.state.engine.db.fetch("SELECT why, n FROM audit WHERE kind = 7 AND why LIKE '%ev-1/$everything%'")
    assert lines and lines[-1]["n"] == 4


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("Patient/nobody/$everything", 404),
        ("Patient/ev-1/$everything?_type=Nothing", 400),
        ("Patient/ev-1/$everything?_count=0", 400),
        ("Patient/ev-1/$everything?_count=x", 400),
        ("Patient/ev-1/$everything?_since=yesterday", 400),
        ("Patient/ev-1/$everything?start=soon", 400),
        ("Patient/ev-1/$everything?start=2026&end=2024", 400),
        ("Patient/ev-1/$everything?_after=-5", 400),
        ("Observation/x/$everything", 404),
        ("Encounter/$everything", 404),
        ("$everything", 404),
    ],
)
async def test_wrong_questions(client: httpx.AsyncClient, path: str, status: int) -> None:
    await fill(client)
    answer = await client.get(f"/fhir/{path}")
    assert answer.status_code == status and answer.json()["resourceType"] == "OperationOutcome"
    strict = await client.get("/fhir/Patient/ev-1/$everything?colour=red", headers={"Prefer": "handling=strict"})
    assert strict.status_code == 400
