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


X = "http://hanoi.example/fhir/StructureDefinition/"
BORN: dict[str, Any] = {
    "resourceType": "StructureDefinition", "id": "born", "url": X + "born", "name": "Born", "status": "active", "kind": "resource",
    "abstract": False, "type": "Patient", "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
    "derivation": "constraint",
    "differential": {"element": [{"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1}]},
}  # fmt: skip


def texts(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [i["details"]["text"] for i in answer.json()["issue"] if i["severity"] in ("error", "fatal")]


async def test_a_profile_is_asked_by_address_and_by_parameters(client: httpx.AsyncClient) -> None:
    unknown = await client.post("/fhir/Patient/$validate", json=GOOD, params={"profile": X + "nothing"})
    assert "not known here" in texts(unknown)[0]
    assert (await client.put("/fhir/StructureDefinition/born", json=BORN)).status_code == 201
    assert texts(await client.post("/fhir/Patient/$validate", json=GOOD, params={"profile": X + "born"})) == [
        "birthDate is required"
    ]
    assert texts(
        await client.post("/fhir/Patient/$validate", json=parameters(resource=GOOD, profile=X + "born", mode="profile"))
    ) == ["birthDate is required"]
    assert texts(await client.post("/fhir/Patient/$validate", json=GOOD)) == []
    named = GOOD | {"meta": {"profile": [X + "born"]}}
    assert texts(await client.post("/fhir/$validate", json=named)) == ["birthDate is required"]
    assert (await client.post("/fhir/Patient", json=named)).status_code == 422
    made = (await client.post("/fhir/Patient", json=GOOD)).json()["id"]
    at = f"/fhir/Patient/{made}/$validate"
    assert texts(await client.get(at, params={"profile": X + "born"})) == ["birthDate is required"]
    assert texts(await client.get(at)) == []


async def test_what_a_create_would_say(client: httpx.AsyncClient) -> None:
    nobody = {"resourceType": "Flag", "status": "active", "code": {"text": "x"}, "subject": {"reference": "Patient/nobody"}}
    assert texts(await client.post("/fhir/Flag/$validate", json=nobody)) == []
    assert texts(await client.post("/fhir/Flag/$validate", json=parameters(mode="create", resource=nobody))) == [
        "Patient/nobody is not known."
    ]
    before = (await client.get("/fhir/Patient?_summary=count")).json()["total"]
    assert texts(await client.post("/fhir/Patient/$validate", json=parameters(mode="create", resource=GOOD))) == []
    assert (await client.get("/fhir/Patient?_summary=count")).json()["total"] == before


async def test_what_an_update_and_a_delete_of_the_instance_would_say(client: httpx.AsyncClient) -> None:
    made = (await client.post("/fhir/Patient", json=GOOD)).json()
    at = f"/fhir/Patient/{made['id']}/$validate"
    assert texts(await client.post(at, json=parameters(mode="update", resource=made | {"gender": "male"}))) == []
    assert "but the address says" in texts(await client.post(at, json=parameters(mode="update", resource=made | {"id": "x"})))[0]
    assert texts(await client.post("/fhir/Patient/$validate", json=parameters(mode="update", resource=GOOD))) == [
        "An update needs the resource's id."
    ]
    assert texts(await client.post(at, json=parameters(mode="delete"))) == []
    assert texts(await client.get(at, params={"mode": "delete"})) == []
    there = (await client.get(f"/fhir/Patient/{made['id']}")).json()
    assert (there["meta"]["versionId"], there["gender"]) == ("1", "female")
    assert "not known" in texts(await client.get("/fhir/Patient/nobody/$validate", params={"mode": "delete"}))[0]
    await client.delete(f"/fhir/Patient/{made['id']}")
    assert "already deleted" in texts(await client.post(at, json=parameters(mode="delete")))[0]


async def test_a_profile_that_is_not_loaded_is_told_of(client: httpx.AsyncClient) -> None:
    named = GOOD | {"meta": {"profile": [X + "elsewhere"]}}
    told = await client.post("/fhir/Patient", json=named, headers={"prefer": "return=OperationOutcome"})
    assert told.status_code == 201
    assert [(i["severity"], "not known here" in i["details"]["text"]) for i in told.json()["issue"]] == [
        ("information", False), ("warning", True),
    ]  # fmt: skip
    assert worst(await client.post("/fhir/Patient/$validate", json=named)) == "fine"


async def test_a_definition_is_judged_before_it_is_stored(client: httpx.AsyncClient) -> None:
    bad = BORN | {"differential": {"element": [{"id": "Patient.name:a", "path": "Patient.name", "sliceName": "a", "min": 1}]}}
    assert "no slicing" in texts(await client.post("/fhir/StructureDefinition/$validate", json=bad))[0]
    answer = await client.put("/fhir/StructureDefinition/born", json=bad)
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == ["StructureDefinition.differential.element[0]"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("Patient/$validate", parameters(mode="profile", resource=GOOD)),
        ("Patient/$validate", parameters(mode="delete")),
        ("$validate", parameters(mode="delete")),
        ("Patient/$validate", {"resourceType": "Parameters", "parameter": [{"name": "profile", "valueInteger": 3}]}),
    ],
)
async def test_modes_that_lack_something_say_what(client: httpx.AsyncClient, path: str, body: Any) -> None:
    answer = await client.post(f"/fhir/{path}", json=body)
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"
