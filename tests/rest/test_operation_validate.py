"""$validate, and what holds for the calling of every operation."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

GOOD: dict[str, Any] = {"resourceType": "Patient", "gender": "female"}
BAD: dict[str, Any] = {"resourceType": "Patient", "gender": "F"}


def parameters(**given: Any) -> dict[str, Any]:
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": name, ("resource" if isinstance(value, dict) else "valueCode"): value} for name, value in given.items()
        ],
    }


def worst(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    return "error" if any(i["severity"] in ("error", "fatal") for i in outcome["issue"]) else "fine"


async def test_a_resource_is_judged_and_nothing_is_written(client: httpx.AsyncClient) -> None:
    assert worst(await client.post("/fhir/Patient/$validate", json=GOOD)) == "fine"
    assert worst(await client.post("/fhir/Patient/$validate", json=BAD)) == "error"
    assert worst(await client.post("/fhir/$validate", json=parameters(resource=BAD))) == "error"
    assert worst(await client.post("/fhir/Patient/$validate", json=parameters(mode="create", resource=GOOD))) == "fine"
    assert (await client.get("/fhir/Patient?_summary=count")).json()["total"] == 0


async def test_what_is_stored_is_judged_by_its_address(client: httpx.AsyncClient) -> None:
    made = (await client.post("/fhir/Patient", json=GOOD)).json()
    assert worst(await client.get(f"/fhir/Patient/{made['id']}/$validate")) == "fine"
    assert (await client.get("/fhir/Patient/nobody/$validate")).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("Patient/$validate", {"resourceType": "Observation"}, 400),
        ("Patient/$validate", parameters(mode="guess", resource=GOOD), 400),
        ("Patient/$validate", parameters(mode="create"), 400),
        ("Patient/$validate", {"resourceType": "Parameters", "parameter": "x"}, 400),
        ("Patient/$validate", {"resourceType": "Parameters", "parameter": [{"name": "resource"}]}, 400),
        ("Patient/$validate", {"resourceType": "Parameters", "parameter": [{"valueCode": "x"}]}, 400),
        ("Patient/$nothing", GOOD, 404),
        ("Nothing/$validate", GOOD, 404),
        ("Patient/a/b/$validate", GOOD, 404),
    ],
)
async def test_a_wrong_call_says_what_is_wrong(client: httpx.AsyncClient, path: str, body: Any, status: int) -> None:
    answer = await client.post(f"/fhir/{path}", json=body)
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert (await client.put(f"/fhir/{path}", json=body)).status_code in (404, 405)
