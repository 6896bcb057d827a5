"""read, vread, create, update, delete, history of one resource."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import httpx

from longbien.base.ids import new_id

NAME = "Nguyễn Thị Hồng Ánh"


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "name": [{"text": NAME}], **more}


async def created(client: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    answer = await client.post("/fhir/Patient", json=patient(**more))
    assert answer.status_code == 201, answer.text
    return answer.json()  # type: ignore[no-any-return]


def says(answer: httpx.Response, status: int, code: str | None = None) -> str:
    """Check that the answer is an OperationOutcome with this status; give its text."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/fhir+json")
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome" and body["issue"]
    if code is not None:
        assert body["issue"][0]["code"] == code, body
    return str(body["issue"][0]["details"]["text"])


async def test_what_is_created_can_be_read_with_its_version_and_time(client: httpx.AsyncClient) -> None:
    answer = await client.post("/fhir/Patient", json=patient(id="mine-is-ignored"))
    made = answer.json()
    assert answer.status_code == 201 and made["id"] != "mine-is-ignored" and made["meta"]["versionId"] == "1"
    assert answer.headers["location"] == f"http://hanoi.test/fhir/Patient/{made['id']}/_history/1"
    assert answer.headers["etag"] == 'W/"1"'
    read = await client.get(f"/fhir/Patient/{made['id']}")
    assert read.status_code == 200 and read.json() == made and read.content == answer.content
    assert read.headers["etag"] == 'W/"1"' and read.headers["last-modified"].endswith("GMT")
    assert read.headers["content-type"] == "application/fhir+json; charset=utf-8"


async def test_a_decimal_keeps_its_digits(client: httpx.AsyncClient) -> None:
    body = (
        '{"resourceType":"Observation","status":"final","code":{"text":"K"},'
        '"valueQuantity":{"value":4.10,"unit":"mmol/L"},"note":[{"text":"a"}]}'
    )
    answer = await client.post("/fhir/Observation", content=body, headers={"content-type": "application/fhir+json"})
    assert answer.status_code == 201, answer.text
    assert b'"value":4.10' in (await client.get(f"/fhir/Observation/{answer.json()['id']}")).content


async def test_head_is_a_read_without_a_body(client: httpx.AsyncClient) -> None:
    made = await created(client)
    read = await client.get(f"/fhir/Patient/{made['id']}")
    head = await client.head(f"/fhir/Patient/{made['id']}")
    assert head.status_code == 200 and head.content == b""
    assert head.headers["content-length"] == read.headers["content-length"]


async def test_who_has_the_version_already_gets_304(client: httpx.AsyncClient) -> None:
    made = await created(client)
    address = f"/fhir/Patient/{made['id']}"
    same = await client.get(address, headers={"If-None-Match": 'W/"1"'})
    assert same.status_code == 304 and same.content == b"" and same.headers["etag"] == 'W/"1"'
    assert (await client.get(address, headers={"If-None-Match": 'W/"2", W/"1"'})).status_code == 304
    assert (await client.get(address, headers={"If-None-Match": 'W/"2"'})).status_code == 200
    stamp = same.headers["last-modified"]
    assert (await client.get(address, headers={"If-Modified-Since": stamp})).status_code == 304
    assert (await client.get(address, headers={"If-Modified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"})).status_code == 200
    assert (await client.get(address, headers={"If-Modified-Since": "yesterday"})).status_code == 200


async def test_update_makes_a_version_and_the_old_one_stays(client: httpx.AsyncClient) -> None:
    made = await created(client)
    address = f"/fhir/Patient/{made['id']}"
    answer = await client.put(address, json=made | {"gender": "female"})
    assert answer.status_code == 200 and answer.json()["meta"]["versionId"] == "2" and answer.headers["etag"] == 'W/"2"'
    assert "gender" not in (await client.get(f"{address}/_history/1")).json()
    assert (await client.get(f"{address}/_history/2")).json()["gender"] == "female"
    says(await client.get(f"{address}/_history/3"), 404, "not-found")
    says(await client.get(f"{address}/_history/first"), 404, "not-found")


async def test_update_creates_under_the_clients_id(client: httpx.AsyncClient) -> None:
    id_ = f"own-{secrets.token_hex(4)}"
    assert (await client.put(f"/fhir/Patient/{id_}", json=patient(id=id_))).status_code == 201
    assert (await client.put(f"/fhir/Patient/{id_}", json=patient(id=id_))).status_code == 200


async def test_update_refuses_another_id_and_another_type(client: httpx.AsyncClient) -> None:
    assert "address" in says(await client.put("/fhir/Patient/a", json=patient(id="b")), 400)
    says(await client.put("/fhir/Patient/a", json=patient()), 400)
    says(await client.put("/fhir/Practitioner/a", json=patient(id="a")), 400)


async def test_if_match_lets_only_the_expected_version_be_replaced(client: httpx.AsyncClient) -> None:
    made = await created(client)
    address = f"/fhir/Patient/{made['id']}"
    assert (await client.put(address, json=made, headers={"If-Match": 'W/"1"'})).status_code == 200
    says(await client.put(address, json=made, headers={"If-Match": 'W/"1"'}), 412, "conflict")
    says(await client.put(address, json=made, headers={"If-Match": 'W/"abc"'}), 412)
    says(await client.put(address, json=made, headers={"If-Match": "2"}), 400)
    says(await client.delete(address, headers={"If-Match": 'W/"1"'}), 412)
    says(await client.put(address, json=made, headers={"If-None-Match": "*"}), 412)
    says(await client.put("/fhir/Patient/none-yet", json=patient(id="none-yet"), headers={"If-Match": 'W/"1"'}), 412)


async def test_no_update_is_lost_when_many_write_with_if_match(client: httpx.AsyncClient) -> None:
    """Each adds one name to what it has read; a refused one reads again. In the end every name is there."""
    made = await created(client)
    address = f"/fhir/Patient/{made['id']}"

    async def add(n: int) -> int:
        for attempt in range(200):
            now = (await client.get(address)).json()
            now["name"].append({"text": f"name {n}"})
            answer = await client.put(address, json=now, headers={"If-Match": f'W/"{now["meta"]["versionId"]}"'})
            if answer.status_code == 200:
                return attempt
            assert answer.status_code in (409, 412), answer.text
        raise AssertionError("never came through")

    await asyncio.gather(*(add(n) for n in range(12)))
    end = (await client.get(address)).json()
    assert {n["text"] for n in end["name"]} == {NAME, *(f"name {n}" for n in range(12))}
    assert end["meta"]["versionId"] == "13"


async def test_delete_is_idempotent_and_the_past_stays(client: httpx.AsyncClient) -> None:
    made = await created(client)
    address = f"/fhir/Patient/{made['id']}"
    first = await client.delete(address)
    assert first.status_code == 204 and first.content == b"" and first.headers["etag"] == 'W/"2"'
    assert (await client.delete(address)).status_code == 204
    assert (await client.delete("/fhir/Patient/never-was")).status_code == 204
    says(await client.get(address), 410, "deleted")
    says(await client.get(f"{address}/_history/2"), 410)
    assert (await client.get(f"{address}/_history/1")).status_code == 200
    back = await client.put(address, json=patient(id=made["id"]))
    assert back.status_code == 201 and back.json()["meta"]["versionId"] == "3"
    told = await client.delete(address, headers={"Prefer": "return=OperationOutcome"})
    assert told.status_code == 200 and "deleted" in told.text


async def test_prefer_says_what_a_write_answers(client: httpx.AsyncClient) -> None:
    minimal = await client.post("/fhir/Patient", json=patient(), headers={"Prefer": "return=minimal"})
    assert minimal.status_code == 201 and minimal.content == b"" and "location" in minimal.headers
    told = await client.post("/fhir/Patient", json=patient(), headers={"Prefer": "return=OperationOutcome"})
    assert told.status_code == 201 and told.json()["resourceType"] == "OperationOutcome"
    whole = await client.post("/fhir/Patient", json=patient(), headers={"Prefer": "return=representation"})
    assert whole.json()["resourceType"] == "Patient"


async def test_history_lists_versions_newest_first_in_pages(client: httpx.AsyncClient) -> None:
    made = await created(client)
    address = f"/fhir/Patient/{made['id']}"
    for _ in range(3):
        await client.put(address, json=made)
    await client.delete(address)
    await client.put(address, json=made)
    seen: list[tuple[str, str, bool]] = []
    next_: str | None = f"{address}/_history?_count=2"
    pages = 0
    while next_:
        page = (await client.get(next_)).json()
        assert page["resourceType"] == "Bundle" and page["type"] == "history"
        seen += [(e["request"]["method"], e["response"]["etag"], "resource" in e) for e in page["entry"]]
        if pages == 0:
            assert page["total"] == 6
        next_ = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
        pages += 1
    assert pages == 3
    assert seen == [("POST", 'W/"6"', True), ("DELETE", 'W/"5"', False), ("PUT", 'W/"4"', True), ("PUT", 'W/"3"', True),
                    ("PUT", 'W/"2"', True), ("POST", 'W/"1"', True)]  # fmt: skip


async def test_history_since_and_count_only(client: httpx.AsyncClient) -> None:
    made = await created(client)
    address = f"/fhir/Patient/{made['id']}"
    await asyncio.sleep(0.02)
    second = (await client.put(address, json=made)).json()
    since = (await client.get(f"{address}/_history", params={"_since": second["meta"]["lastUpdated"]})).json()
    assert [e["resource"]["meta"]["versionId"] for e in since["entry"]] == ["2"]
    none = (await client.get(f"{address}/_history", params={"_since": "2999-01-01"})).json()
    assert "entry" not in none
    count = (await client.get(f"{address}/_history?_summary=count")).json()
    assert count["total"] == 2 and "entry" not in count
    says(await client.get(f"{address}/_history?_since=tomorrow"), 400)
    says(await client.get(f"{address}/_history?_since=2026-13-45"), 400)
    says(await client.get(f"{address}/_history?_count=-1"), 400)
    says(await client.get(f"{address}/_history?colour=red", headers={"Prefer": "handling=strict"}), 400, "not-supported")
    says(await client.get(f"/fhir/Patient/{new_id()}/_history"), 404)
