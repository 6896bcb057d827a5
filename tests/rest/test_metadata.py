"""The CapabilityStatement: valid, and true."""

from __future__ import annotations

import httpx

from longbien.fhir import definitions
from longbien.fhir.validate import validate


async def test_the_statements_are_valid_fhir(anonymous: httpx.AsyncClient) -> None:
    for mode in ("", "?mode=full", "?mode=normative", "?mode=terminology"):
        answer = await anonymous.get(f"/fhir/metadata{mode}")
        assert answer.status_code == 200
        assert [i for i in validate(answer.json()) if i.severity in ("error", "fatal")] == []
    assert (await anonymous.get("/fhir/metadata?mode=nonsense")).status_code == 400
    assert (await anonymous.get("/fhir/metadata", headers={"Accept": "application/fhir+turtle"})).status_code == 406
    assert (await anonymous.post("/fhir/metadata", content=b"{}")).status_code in (401, 405)


async def test_it_names_every_type_and_this_address(anonymous: httpx.AsyncClient) -> None:
    said = (await anonymous.get("/fhir/metadata")).json()
    assert said["fhirVersion"] == "4.0.1" and said["implementation"]["url"] == "http://hanoi.test/fhir"
    named = {r["type"] for r in said["rest"][0]["resource"]}
    assert named == set(definitions.types()) - {"Parameters", "OperationOutcome"}


async def test_what_it_names_is_there(client: httpx.AsyncClient) -> None:
    """Every type answers a search with each parameter it names, and each interaction's address exists."""
    said = (await client.get("/fhir/metadata")).json()
    value = {
        "date": "2026",
        "number": "1",
        "quantity": "1",
        "reference": "x",
        "token": "x",
        "string": "x",
        "uri": "x",
        "composite": "x$x",
        "special": "x",
    }
    strict = {"Prefer": "handling=strict"}
    for resource in said["rest"][0]["resource"]:
        type_ = resource["type"]
        params = {p["name"]: value[p["type"]] for p in resource["searchParam"]}
        for name, text in params.items() if type_ in ("Patient", "Observation", "Encounter", "AuditEvent") else ():
            answer = await client.get(f"/fhir/{type_}", params={name: text, "_count": "1"}, headers=strict)
            issue = answer.json().get("issue", [{}])[0]
            assert answer.status_code == 200 or issue["code"] != "not-supported", (type_, name, answer.text)
            assert answer.status_code < 500
        assert (await client.get(f"/fhir/{type_}?_id=1", headers=strict)).status_code == 200
        assert (await client.get(f"/fhir/{type_}/none")).status_code == 404
