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


async def test_the_normative_mode_leaves_out_what_is_for_trial_use(anonymous: httpx.AsyncClient) -> None:
    full = (await anonymous.get("/fhir/metadata")).json()
    said = (await anonymous.get("/fhir/metadata?mode=normative")).json()
    assert "security" in full["rest"][0] and "security" not in said["rest"][0]
    patient = next(r for r in said["rest"][0]["resource"] if r["type"] == "Patient")
    assert not {"conditionalDelete", "updateCreate", "versioning", "searchInclude"} & patient.keys()
    assert {"interaction", "searchParam"} <= patient.keys()
    terminology = (await anonymous.get("/fhir/metadata?mode=terminology")).json()
    assert terminology["resourceType"] == "TerminologyCapabilities"


async def test_every_interaction_that_it_names_is_there(client: httpx.AsyncClient) -> None:
    """By doing it. What is not named is refused as not supported."""
    said = (await client.get("/fhir/metadata")).json()
    system = {i["code"] for i in said["rest"][0]["interaction"]}
    assert system == {"transaction", "batch", "search-system", "history-system"}
    assert said["patchFormat"] == ["application/json-patch+json", "application/fhir+json", "application/fhir+xml"]
    for resource in said["rest"][0]["resource"]:
        type_ = resource["type"]
        codes = {i["code"] for i in resource["interaction"]}
        asked = {
            "read": ("GET", f"{type_}/none", (404,)), "vread": ("GET", f"{type_}/none/_history/1", (404,)),
            "history-instance": ("GET", f"{type_}/none/_history", (404,)), "history-type": ("GET", f"{type_}/_history", (200,)),
            "search-type": ("GET", f"{type_}?_count=1", (200,)), "create": ("POST", type_, (400,)),
            "update": ("PUT", f"{type_}/none", (400,)), "patch": ("PATCH", f"{type_}/none", (400,)),
            "delete": ("DELETE", f"{type_}/none", (204,)),
        }  # fmt: skip
        assert codes <= asked.keys()
        json = {"content-type": "application/fhir+json"}
        for code, (method, url, status) in asked.items():
            answer = await client.request(method, f"/fhir/{url}", content=b"" if method[0] == "P" else None, headers=json)
            assert answer.status_code in (status if code in codes else (404, 405)), (code, url, answer.text)
        if "create" in codes:
            assert resource["conditionalDelete"] == "multiple" and resource["conditionalRead"] == "full-support"
    only = {r["type"] for r in said["rest"][0]["resource"] if "patch" not in {i["code"] for i in r["interaction"]}}
    assert only == {"AuditEvent", "Binary"}
