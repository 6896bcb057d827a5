"""PATCH: both kinds, at an instance and by a condition, in bundles; nothing lost among many, never a 500."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import random
import secrets
from typing import Any

import httpx

SYSTEM = "http://longbien.test/patch"
JSON_PATCH = {"content-type": "application/json-patch+json"}


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "gender": "male", "name": [{"text": "Nguyễn Văn An"}], **more}


def operation(type: str, path: str, value: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"name": "type", "valueCode": type}, {"name": "path", "valueString": path}]
    parts += [{"name": k, "valueString" if isinstance(v, str) else "valueInteger": v} for k, v in more.items()]
    return {"name": "operation", "part": [*parts, *([{"name": "value", **value}] if value is not None else [])]}


def parameters(*operations: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(operations)}


FEMALE = parameters(operation("replace", "Patient.gender", {"valueCode": "female"}))


async def made(client: httpx.AsyncClient, **more: Any) -> str:
    answer = await client.post("/fhir/Patient", json=patient(**more))
    assert answer.status_code == 201, answer.text
    return f"/fhir/Patient/{answer.json()['id']}"


async def json_patch(client: httpx.AsyncClient, at: str, patch: Any, **headers: str) -> httpx.Response:
    return await client.patch(at, content=json.dumps(patch), headers=JSON_PATCH | headers)


def says(answer: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    issue: dict[str, Any] = answer.json()["issue"][0]
    assert code is None or issue["code"] == code, issue
    return issue


async def test_json_patch_makes_a_version(client: httpx.AsyncClient) -> None:
    at = await made(client)
    answer = await json_patch(client, at, [{"op": "replace", "path": "/gender", "value": "female"}])
    assert answer.status_code == 200 and answer.json()["gender"] == "female" and answer.headers["etag"] == 'W/"2"'
    assert answer.headers["location"].endswith("/_history/2") and "last-modified" in answer.headers
    assert (await client.get(at)).content == answer.content
    assert (await client.get(f"{at}/_history/1")).json()["gender"] == "male"


async def test_fhirpath_patch_makes_a_version(client: httpx.AsyncClient) -> None:
    at = await made(client)
    answer = await client.patch(at, json=FEMALE, headers={"content-type": "application/fhir+json"})
    assert answer.status_code == 200 and answer.json()["gender"] == "female" and answer.json()["meta"]["versionId"] == "2"
    added = parameters(operation("add", "Patient.name[0]", {"valueString": "An"}, name="given"))
    assert (await client.patch(at, json=added)).json()["name"] == [{"text": "Nguyễn Văn An", "given": ["An"]}]


async def test_decimals_and_order_are_kept(client: httpx.AsyncClient) -> None:
    body = (
        '{"resourceType":"Observation","status":"final","note":[{"text":"a"}],"code":{"text":"K"},'
        '"valueQuantity":{"unit":"mmol/L","value":4.10}}'
    )
    stored = await client.post("/fhir/Observation", content=body, headers={"content-type": "application/fhir+json"})
    at = f"/fhir/Observation/{stored.json()['id']}"
    answer = await json_patch(client, at, [{"op": "add", "path": "/note/-", "value": {"text": "b"}}])
    tail = (
        b'"status":"final","note":[{"text":"a"},{"text":"b"}],"code":{"text":"K"},"valueQuantity":{"unit":"mmol/L","value":4.10}}'
    )
    assert answer.content.endswith(tail)


async def test_prefer_and_if_match(client: httpx.AsyncClient) -> None:
    at = await made(client)
    minimal = await client.patch(at, json=FEMALE, headers={"Prefer": "return=minimal", "If-Match": 'W/"1"'})
    assert minimal.status_code == 200 and minimal.content == b"" and minimal.headers["etag"] == 'W/"2"'
    told = await client.patch(at, json=FEMALE, headers={"Prefer": "return=OperationOutcome"})
    assert told.json()["resourceType"] == "OperationOutcome" and "updated" in told.text
    says(await client.patch(at, json=FEMALE, headers={"If-Match": 'W/"1"'}), 412)
    says(await client.patch(at, json=FEMALE, headers={"If-Match": 'W/"x"'}), 412)
    says(await client.patch(at, json=FEMALE, headers={"If-Match": "3"}), 400)
    assert (await client.get(at)).json()["meta"]["versionId"] == "3"


async def test_what_cannot_be_patched(client: httpx.AsyncClient) -> None:
    at = await made(client)
    says(await client.patch("/fhir/Patient/never-was", json=FEMALE), 404)
    says(await json_patch(client, at, [{"op": "test", "path": "/gender", "value": "female"}]), 422, "processing")
    says(await json_patch(client, at, [{"op": "replace", "path": "/gender", "value": "blue"}]), 422)
    says(await json_patch(client, at, [{"op": "replace", "path": "/id", "value": "other"}]), 422)
    says(await json_patch(client, at, [{"op": "replace", "path": "/resourceType", "value": "Group"}]), 422)
    says(await json_patch(client, at, [{"op": "replace", "path": "", "value": 1}]), 422)
    says(await json_patch(client, at, {"op": "add"}), 400)
    says(await client.patch(at, content=b"", headers=JSON_PATCH), 400)
    says(await client.patch(at, content=b"[{", headers=JSON_PATCH), 400)
    says(await client.patch(at, json=patient()), 400)
    says(await client.patch(at, content=b"<diff/>", headers={"content-type": "application/xml-patch+xml"}), 415)
    says(await client.patch(at, content=b"{}", headers={"content-type": "application/merge-patch+json"}), 415)
    says(await client.patch("/fhir/AuditEvent/1", json=FEMALE), 405)
    assert (await client.get(at)).json()["meta"]["versionId"] == "1"
    assert (await client.delete(at)).status_code == 204
    says(await client.patch(at, json=FEMALE), 410)


async def test_a_narrative_made_from_what_changed_is_taken_out(client: httpx.AsyncClient) -> None:
    text = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">nam</div>'}
    assert "text" not in (await client.patch(await made(client, text=text), json=FEMALE)).json()
    own = await made(client, text=text | {"status": "additional"})
    says(await client.patch(own, json=FEMALE), 422, "business-rule")


async def test_nothing_is_lost_when_many_patch_at_once(client: httpx.AsyncClient) -> None:
    """Without If-Match each is applied to what is there then: every name arrives, and no version is skipped."""
    at = await made(client)

    async def add(n: int) -> None:
        kind = [{"op": "add", "path": "/name/-", "value": {"text": f"name {n}"}}]
        body = parameters(operation("add", "Patient", {"valueHumanName": {"text": f"name {n}"}}, name="name"))
        answer = await (json_patch(client, at, kind) if n % 2 else client.patch(at, json=body))
        assert answer.status_code == 200, answer.text

    await asyncio.gather(*(add(n) for n in range(24)))
    end = (await client.get(at)).json()
    assert {n["text"] for n in end["name"]} == {"Nguyễn Văn An", *(f"name {n}" for n in range(24))}
    assert end["meta"]["versionId"] == "25"


async def test_patches_and_updates_at_once_lose_nothing(client: httpx.AsyncClient) -> None:
    """Updates take no turn among the patches: those start again on what they find."""
    at = await made(client)

    async def patched(n: int) -> None:
        answer = await json_patch(client, at, [{"op": "add", "path": "/name/-", "value": {"text": f"name {n}"}}])
        assert answer.status_code == 200, answer.text

    async def updated() -> None:
        for _ in range(4):
            now = (await client.get(at)).json() | {"gender": "other"}
            answer = await client.put(at, json=now, headers={"If-Match": f'W/"{now["meta"]["versionId"]}"'})
            assert answer.status_code in (200, 409, 412)

    await asyncio.gather(updated(), *(patched(n) for n in range(8)))
    assert {f"name {n}" for n in range(8)} < {n["text"] for n in (await client.get(at)).json()["name"]}


async def test_a_conditional_patch(client: httpx.AsyncClient) -> None:
    value = secrets.token_hex(6)
    condition = f"/fhir/Patient?identifier={SYSTEM}|{value}"
    says(await client.patch(condition, json=FEMALE), 404)
    await made(client, identifier=[{"system": SYSTEM, "value": value}])
    answer = await client.patch(condition, json=FEMALE)
    assert answer.status_code == 200 and answer.json()["gender"] == "female"
    says(await client.patch(condition, json=FEMALE, headers={"If-Match": 'W/"1"'}), 412)
    assert (await client.patch(condition, json=FEMALE, headers={"If-Match": 'W/"2"'})).status_code == 200
    await made(client, identifier=[{"system": SYSTEM, "value": value}])
    says(await client.patch(condition, json=FEMALE), 412, "multiple-matches")
    says(await client.patch("/fhir/Patient", json=FEMALE), 400)
    says(await client.patch("/fhir/Patient?colour=red", json=FEMALE), 400)


def entry(url: str, resource: dict[str, Any], **more: str) -> dict[str, Any]:
    return {"resource": resource, "request": {"method": "PATCH", "url": url, **more}}


def binary(patch: Any) -> dict[str, Any]:
    data = base64.b64encode(json.dumps(patch).encode()).decode()
    return {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}


async def bundled(client: httpx.AsyncClient, type: str, *entries: dict[str, Any]) -> httpx.Response:
    return await client.post("/fhir", json={"resourceType": "Bundle", "type": type, "entry": list(entries)})


async def test_patches_in_bundles(client: httpx.AsyncClient) -> None:
    for type in ("transaction", "batch"):
        value = secrets.token_hex(6)
        first, second = await made(client), await made(client, identifier=[{"system": SYSTEM, "value": value}])
        answer = await bundled(
            client,
            type,
            entry(first.removeprefix("/fhir/"), FEMALE),
            entry(f"Patient?identifier={SYSTEM}|{value}", binary([{"op": "replace", "path": "/gender", "value": "other"}])),
            {"request": {"method": "GET", "url": first.removeprefix("/fhir/")}},
        )
        assert answer.status_code == 200, answer.text
        one, two, read = answer.json()["entry"]
        assert one["response"]["status"] == two["response"]["status"] == "200 OK" and one["response"]["etag"] == 'W/"2"'
        assert read["resource"]["gender"] == "female"
        assert (await client.get(second)).json()["gender"] == "other"


async def test_a_patch_in_a_transaction_may_point_to_what_it_creates(client: httpx.AsyncClient) -> None:
    at, urn = await made(client), "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"
    point = parameters(operation("add", "Patient", {"valueReference": {"reference": urn}}, name="managingOrganization"))
    organisation = {"resourceType": "Organization", "name": "x"}
    answer = await bundled(
        client,
        "transaction",
        entry(at.removeprefix("/fhir/"), point),
        {"fullUrl": urn, "resource": organisation, "request": {"method": "POST", "url": "Organization"}},
    )
    assert answer.status_code == 200, answer.text
    place = answer.json()["entry"][1]["response"]["location"].split("/_history")[0]
    assert (await client.get(at)).json()["managingOrganization"] == {"reference": place}


async def test_wrong_patches_in_a_transaction_undo_it(client: httpx.AsyncClient) -> None:
    at = await made(client)
    here = at.removeprefix("/fhir/")
    other = {"resource": patient(), "request": {"method": "POST", "url": "Patient"}}
    wrong: list[tuple[dict[str, Any], int]] = [
        (entry(here, parameters(operation("replace", "Patient.birthDate", {"valueDate": "2020"}))), 422),
        (entry(here, parameters(operation("replace", "Patient.gender", {"valueCode": "blue"}))), 422),
        (entry(here, patient()), 400),
        (entry(here, {"resourceType": "Binary", "contentType": "text/plain", "data": "YQ=="}), 400),
        (entry(here, binary([]) | {"data": "%%%"}), 400),
        ({"request": {"method": "PATCH", "url": here}}, 400),
        (entry("Patient/never-was", FEMALE), 404),
        (entry(f"Patient?identifier={secrets.token_hex(5)}", FEMALE), 404),
        (entry(here, FEMALE, ifMatch='W/"7"'), 412),
    ]
    for one, status in wrong:
        assert "entry[1]" in str(says(await bundled(client, "transaction", other, one), status)["expression"])
    assert (await client.get(at)).json()["meta"]["versionId"] == "1"
    twice = await bundled(client, "transaction", entry(here, FEMALE), {"request": {"method": "DELETE", "url": here}})
    assert "twice" in says(twice, 400)["details"]["text"]


async def test_transactions_that_patch_the_same_at_once_lose_nothing(client: httpx.AsyncClient) -> None:
    first, second = [(await made(client)).removeprefix("/fhir/") for _ in range(2)]

    async def add(n: int) -> None:
        name = parameters(operation("add", "Patient", {"valueHumanName": {"text": f"name {n}"}}, name="name"))
        pair = (first, second) if n % 2 else (second, first)
        answer = await bundled(client, "transaction", *(entry(p, name) for p in pair))
        assert answer.status_code == 200, answer.text

    await asyncio.gather(*(add(n) for n in range(10)))
    for at in (first, second):
        assert len((await client.get(f"/fhir/{at}")).json()["name"]) == 11


def _mangled(value: Any, r: random.Random) -> Any:
    if r.random() < 0.1:
        return r.choice(
            [None, 1, -1, "", "x", [], {}, True, "Patient.name", "/name/0/given", {"reference": "Patient/x"}, 10**30, "-"]
        )
    if isinstance(value, dict):
        return {k: _mangled(v, r) for k, v in value.items()}
    return [_mangled(v, r) for v in value] if isinstance(value, list) else value


async def test_mangled_patches_are_never_a_500(client: httpx.AsyncClient) -> None:
    at, r = await made(client), random.Random(3)
    good = [
        [{"op": "add", "path": "/name/0/given", "value": ["a"]}, {"op": "move", "from": "/name/0", "path": "/name/-"}],
        [{"op": "copy", "from": "/name", "path": "/contact"}, {"op": "remove", "path": "/gender"}],
    ]
    fhir = [FEMALE, parameters(operation("insert", "Patient.name", {"valueHumanName": {"text": "x"}}, index=0))]
    for n in range(300):
        if n % 2:
            answer = await json_patch(client, at, _mangled(copy.deepcopy(good[n // 2 % 2]), r))
        else:
            answer = await client.patch(at, json=_mangled(fhir[n // 2 % 2], r))
        assert answer.status_code in (200, 400, 422), answer.text
        if answer.status_code != 200:
            assert answer.json()["issue"][0]["details"]["text"]


async def test_a_patch_in_xml_answered_in_xml(client: httpx.AsyncClient) -> None:
    at = await made(client)
    body = """<Parameters xmlns="http://hl7.org/fhir"><parameter><name value="operation"/>
      <part><name value="type"/><valueCode value="replace"/></part>
      <part><name value="path"/><valueString value="Patient.gender"/></part>
      <part><name value="value"/><valueCode value="female"/></part></parameter></Parameters>"""
    xml = {"content-type": "application/fhir+xml", "accept": "application/fhir+xml"}
    answer = await client.patch(at, content=body, headers=xml)
    assert answer.status_code == 200 and '<gender value="female"/>' in answer.text
    refused = await client.patch(at, content=body.replace("Patient.gender", "Patient.colour"), headers=xml)
    assert refused.status_code == 422 and "<OperationOutcome" in refused.text
