"""DELETE [base]/[type]?criteria: one, many, none, too many; and If-Match: *."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any

import httpx
import pytest

from longbien.app import App
from longbien.record import conditional


def says(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.json()["issue"][0]["code"] == code


async def made(client: httpx.AsyncClient, n: int) -> tuple[str, list[str]]:
    value = secrets.token_hex(6)
    body: dict[str, Any] = {"resourceType": "Patient", "identifier": [{"value": value}]}
    return f"/fhir/Patient?identifier={value}", [(await client.post("/fhir/Patient", json=body)).json()["id"] for _ in range(n)]


async def test_all_that_match_go_in_one_commit(client: httpx.AsyncClient, app: App) -> None:
    at, ids = await made(client, 5)
    answer = await client.delete(at)
    assert answer.status_code == 204 and answer.content == b"" and "etag" not in answer.headers
    for id_ in ids:
        assert (await client.get(f"/fhir/Patient/{id_}")).status_code == 410
    commits = await app.state.engine.db.fetch(
        "SELECT xid FROM ver v JOIN head h USING (rid) WHERE h.id = ANY($1) AND v.op = 3", ids
    )
    assert len(commits) == 5 and len({r["xid"] for r in commits}) == 1


async def test_one_and_none(client: httpx.AsyncClient) -> None:
    at, _ = await made(client, 1)
    assert (await client.delete(at)).headers["etag"] == 'W/"2"'
    assert (await client.delete(at)).status_code == 204
    told = await client.delete(at, headers={"Prefer": "return=OperationOutcome"})
    assert told.status_code == 200 and "nothing to delete" in told.text
    at, _ = await made(client, 3)
    assert "3 Patient" in (await client.delete(at, headers={"Prefer": "return=OperationOutcome"})).text


async def test_more_than_one_commit_should_take_are_refused_whole(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conditional, "MOST_DELETED", 3)
    at, ids = await made(client, 4)
    says(await client.delete(at), 412, "too-costly")
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [{"request": {"method": "DELETE", "url": at[6:]}}]}
    says(await client.post("/fhir", json=bundle), 412, "too-costly")
    assert (await client.get(at)).json()["total"] == len(ids)


async def test_if_match_means_one(client: httpx.AsyncClient) -> None:
    at, _ = await made(client, 2)
    says(await client.delete(at, headers={"If-Match": 'W/"1"'}), 412, "conflict")
    at, _ = await made(client, 1)
    says(await client.delete(at, headers={"If-Match": 'W/"2"'}), 412, "conflict")
    assert (await client.delete(at, headers={"If-Match": 'W/"1"'})).status_code == 204


async def test_several_at_once_all_end_well(client: httpx.AsyncClient) -> None:
    at, ids = await made(client, 4)
    answers = await asyncio.gather(*(client.delete(at) for _ in range(6)), *(client.delete(f"/fhir/Patient/{i}") for i in ids))
    assert {a.status_code for a in answers} == {204}


async def test_if_match_any_wants_something_there(client: httpx.AsyncClient) -> None:
    """RFC 9110: `*` is false where there is no current representation."""
    any_ = {"If-Match": "*"}
    body = {"resourceType": "Patient", "id": f"any-{secrets.token_hex(4)}"}
    at = f"/fhir/Patient/{body['id']}"
    says(await client.put(at, json=body, headers=any_), 412, "conflict")
    assert (await client.put(at, json=body)).status_code == 201
    assert (await client.put(at, json=body, headers=any_)).status_code == 200
    patch = {"resourceType": "Parameters"}
    assert (await client.patch(at, json=patch, headers=any_)).status_code == 200
    assert (await client.delete(at, headers=any_)).status_code == 204
    says(await client.put(at, json=body, headers=any_), 412, "conflict")
