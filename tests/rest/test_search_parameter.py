"""A SearchParameter's life as a client sees it: stored, indexed in the background, named by the CapabilityStatement, gone."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from longbien.access.tokens import create_token
from longbien.app import App, work
from longbien.base.progress import Progress
from longbien.commands.reindex import again
from longbien.record import reindex

PARAMETER: dict[str, Any] = {
    "resourceType": "SearchParameter", "id": "clan", "url": "http://hanoi.example/fhir/SearchParameter/clan", "name": "clan",
    "status": "active", "description": "The clan's name.", "code": "clan", "base": ["Patient"], "type": "string",
    "expression": "Patient.extension.where(url = 'http://hanoi.example/fhir/clan').value as string",
}  # fmt: skip
STRICT = {"Prefer": "handling=strict"}
PERSON: dict[str, Any] = {
    "resourceType": "Patient", "id": "p1",
    "extension": [{"url": "http://hanoi.example/fhir/clan", "valueString": "Họ Trịnh"}],
}  # fmt: skip


async def named(client: httpx.AsyncClient) -> bool:
    said = (await client.get("/fhir/metadata")).json()
    patient = next(r for r in said["rest"][0]["resource"] if r["type"] == "Patient")
    return any(p["name"] == "clan" and p["definition"] == PARAMETER["url"] for p in patient["searchParam"])


async def state(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/fhir/SearchParameter/clan/$status")
    assert answer.status_code == 200, answer.text
    return {p["name"]: p for p in answer.json()["parameter"]}


async def test_from_stored_to_searchable_by_the_background_work(
    client: httpx.AsyncClient, app: App, record_urls: tuple[str, str]
) -> None:  # fmt: skip
    assert (await client.put("/fhir/Patient/p1", json=PERSON)).status_code == 201
    assert (await client.get("/fhir/Patient?clan=ho", headers=STRICT)).status_code == 400
    assert (await client.put("/fhir/SearchParameter/clan", json=PARAMETER)).status_code == 201
    refused = await client.get("/fhir/Patient?clan=ho", headers=STRICT)
    assert refused.status_code == 503 and "Retry-After" in refused.headers and "being indexed" in refused.text
    lenient = (await client.get("/fhir/Patient?clan=ho")).json()
    assert [i["code"] for e in lenient["entry"] for i in e["resource"].get("issue", ())] == ["incomplete"]
    assert (await state(client))["state"]["valueCode"] == "incomplete"
    assert not await named(client)
    stop = asyncio.Event()
    background = asyncio.create_task(work(record_urls[1], stop))
    for _ in range(400):
        if (await state(client))["state"]["valueCode"] == "complete":
            break
        await asyncio.sleep(0.05)
    stop.set()
    await asyncio.wait_for(background, 20)
    parts = {p["name"]: p for p in (await state(client))["type"]["part"]}
    assert parts["done"]["valueUnsignedInt"] == parts["total"]["valueUnsignedInt"] == 1
    assert await named(client)
    found = (await client.get("/fhir/Patient?clan=ho tr")).json()
    assert [e["resource"]["id"] for e in found["entry"]] == ["p1"]
    assert (await client.get("/fhir/Patient/p1")).headers["etag"] == 'W/"1"', "indexing made no version"


async def test_conditions_by_what_is_not_complete_are_refused_and_make_no_second(client: httpx.AsyncClient) -> None:
    other = {**PARAMETER, "id": "clan2", "code": "clan2", "url": PARAMETER["url"] + "2"}
    assert (await client.put("/fhir/SearchParameter/clan2", json=other)).status_code == 201
    made = await client.post("/fhir/Patient", json=PERSON, headers={"If-None-Exist": "clan2=ho", "Prefer": "handling=lenient"})
    assert made.status_code == 503, made.text
    assert (await client.get("/fhir/Patient?_summary=count")).json()["total"] == 1


async def test_the_command_does_what_is_asked_for_and_what_waits(client: httpx.AsyncClient, record_urls: tuple[str, str]) -> None:
    with Progress("reindex") as bar:
        done, changed = await again(record_urls[1], [], True, bar)
        assert (done, changed) == (1, 1), "what waits: clan2"
        assert (await client.get("/fhir/Patient?clan2=ho")).json()["total"] == 1
        done, changed = await again(record_urls[1], [], False, bar)
    assert (done, changed) == (3, 0)


async def test_wrong_ones_are_refused_naming_the_element(client: httpx.AsyncClient) -> None:
    for element, wrong in {
        "expression": {"expression": "Patient.nosuch", "code": "other"},
        "base": {"base": ["DomainResource"]},
        "code": {"code": "name", "url": "http://x.example/name"},
    }.items():
        answer = await client.put("/fhir/SearchParameter/wrong", json={**PARAMETER, "id": "wrong", **wrong})
        assert answer.status_code == 422, answer.text
        assert answer.json()["issue"][0]["expression"] == [f"SearchParameter.{element}"]
    draft = {**PARAMETER, "id": "wrong", "status": "draft", "expression": "Patient.nosuch"}
    assert (await client.put("/fhir/SearchParameter/wrong", json=draft)).status_code == 201
    answer = (await client.get("/fhir/SearchParameter/wrong/$status")).json()
    assert answer["parameter"] == [{"name": "state", "valueCode": "unused"}]
    assert (await client.get("/fhir/SearchParameter/none/$status")).status_code == 404


async def test_who_may_not_read_definitions_learns_nothing_of_them(app: App) -> None:
    token = await create_token(app.state.engine, "patients only", "system/Patient.rs")
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hanoi.test", headers=headers) as narrow:
        assert (await narrow.get("/fhir/SearchParameter/clan/$status")).status_code == 403
        assert (await narrow.put("/fhir/SearchParameter/clan3", json={**PARAMETER, "id": "clan3"})).status_code == 403


async def test_deleted_it_is_unknown(client: httpx.AsyncClient) -> None:
    assert (await client.delete("/fhir/SearchParameter/clan")).status_code in (200, 204)
    assert (await client.get("/fhir/Patient?clan=ho", headers=STRICT)).status_code == 400
    assert not await named(client)


@pytest.mark.parametrize("name", ["record.reindex"])
def test_the_job_has_its_name_in_the_schema_too(name: str) -> None:
    assert name == reindex.QUEUE
