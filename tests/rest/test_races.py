"""Several write the same at once: without a condition the last one stands and nobody is refused, with one exactly one wins."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx

MANY = 12


def patient(id: str, n: int) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id, "name": [{"text": f"{n}"}]}


async def versions(client: httpx.AsyncClient, id: str) -> list[str]:
    return [
        e["resource"]["meta"]["versionId"] for e in (await client.get(f"/fhir/Patient/{id}/_history?_count=1000")).json()["entry"]
    ]


async def test_nobody_is_refused_who_asks_for_nothing(client: httpx.AsyncClient) -> None:
    """Also where the resource is not there yet: one creates, the others replace."""
    answers = await asyncio.gather(*(client.put("/fhir/Patient/race-1", json=patient("race-1", n)) for n in range(MANY)))
    assert Counter(a.status_code for a in answers) == {201: 1, 200: MANY - 1}
    assert await versions(client, "race-1") == [str(n) for n in range(MANY, 0, -1)]
    assert sorted(int(a.json()["meta"]["versionId"]) for a in answers) == list(range(1, MANY + 1))


async def test_of_those_who_match_one_version_one_wins_and_the_others_are_told_why(client: httpx.AsyncClient) -> None:
    await client.put("/fhir/Patient/race-2", json=patient("race-2", 0))
    match = {"If-Match": 'W/"1"'}
    answers = await asyncio.gather(
        *(client.put("/fhir/Patient/race-2", json=patient("race-2", n), headers=match) for n in range(MANY))
    )
    assert Counter(a.status_code for a in answers) == {200: 1, 412: MANY - 1}
    new = {"If-None-Match": "*"}
    answers = await asyncio.gather(
        *(client.put("/fhir/Patient/race-3", json=patient("race-3", n), headers=new) for n in range(MANY))
    )
    assert Counter(a.status_code for a in answers) == {201: 1, 412: MANY - 1}
    assert await versions(client, "race-3") == ["1"]


async def test_deletes_and_updates_at_once(client: httpx.AsyncClient) -> None:
    await client.put("/fhir/Patient/race-4", json=patient("race-4", 0))
    both = [client.delete("/fhir/Patient/race-4") for _ in range(4)]
    answers = await asyncio.gather(*both, *(client.put("/fhir/Patient/race-4", json=patient("race-4", n)) for n in range(4)))
    assert {a.status_code for a in answers} <= {200, 201, 204}


async def test_transactions_on_the_same_resources_are_all_done(client: httpx.AsyncClient) -> None:
    def bundle(n: int) -> dict[str, Any]:
        ids = [f"race-tx-{i}" for i in range(3)]
        entry = [
            {"resource": patient(i, n), "request": {"method": "PUT", "url": f"Patient/{i}"}} for i in (ids if n % 2 else ids[::-1])
        ]
        return {"resourceType": "Bundle", "type": "transaction", "entry": entry}

    answers = await asyncio.gather(*(client.post("/fhir", json=bundle(n)) for n in range(6)))
    assert [a.status_code for a in answers] == [200] * 6, [a.text[:300] for a in answers]
    for i in range(3):
        assert await versions(client, f"race-tx-{i}") == [str(n) for n in range(6, 0, -1)]
