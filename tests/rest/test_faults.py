"""Whatever is sent: a 4xx with an OperationOutcome that says what is wrong."""

from __future__ import annotations

import gzip
import json
from typing import Any

import httpx
import pytest

from longbien.app import App
from longbien.base.errors import StorageFull, TooMany, Unavailable
from longbien.rest import faults
from longbien.rest.routes import Fhir
from longbien.rest.settings import RestSettings

JSON = {"content-type": "application/fhir+json"}


def says(answer: httpx.Response, status: int, code: str | None = None) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/fhir+json")
    issue: dict[str, Any] = answer.json()["issue"][0]
    assert answer.json()["resourceType"] == "OperationOutcome"
    if code is not None:
        assert issue["code"] == code, issue
    return issue


def text(issue: dict[str, Any]) -> str:
    return str(issue["details"]["text"])


async def test_nobody_comes_in_without_a_token(anonymous: httpx.AsyncClient) -> None:
    for method, path in (("GET", "/fhir/Patient/1"), ("GET", "/fhir/Patient"), ("POST", "/fhir"), ("GET", "/fhir/no/such/place")):
        answer = await anonymous.request(method, path)
        says(answer, 401, "login")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    says(await anonymous.get("/fhir/Patient/1", headers={"Authorization": "Bearer lb_wrong"}), 401)
    assert (await anonymous.get("/fhir/metadata")).status_code == 200


@pytest.mark.parametrize(
    "path", ["/fhir/Nonsense", "/fhir/Nonsense/1", "/fhir/Patient/1/nonsense", "/fhir/$nonsense", "/fhir/Patient/$everything-else",
             "/fhir/Patient/a_b", "/fhir/Patient/" + "x" * 65, "/fhir/Patient/1/_history/1/2", "/fhir/patient/1",
             "/fhir/Patient/%00", "/fhir/Patient/%FF%FE", "/fhir/Parameters/1", "/fhir/%3Cscript%3E"])  # fmt: skip
async def test_an_unknown_address_is_404(client: httpx.AsyncClient, path: str) -> None:
    says(await client.get(path), 404)


async def test_a_wrong_method_is_405_and_says_which_are_right(client: httpx.AsyncClient) -> None:
    answer = await client.request("BREW", "/fhir/Patient/1")
    says(answer, 405, "not-supported")
    assert "PUT" in answer.headers["allow"]
    says(await client.post("/fhir/Patient/1", json={}), 405)
    says(await client.put("/fhir", json={}), 405)
    says(await client.request("BREW", "/fhir/Patient/1"), 405)
    for answer in (await client.post("/fhir/AuditEvent", json={}), await client.delete("/fhir/AuditEvent/1")):
        says(answer, 405)


async def test_only_json_and_xml_go_in_and_out(client: httpx.AsyncClient) -> None:
    says(await client.get("/fhir/Patient/1", headers={"Accept": "application/fhir+turtle"}), 406)
    says(await client.get("/fhir/Patient/1?_format=ttl"), 406)
    says(await client.get("/fhir/Patient/1", headers={"Accept": "application/fhir+json; fhirVersion=5.0"}), 406)
    says(await client.get("/fhir/Patient/1?_format=json", headers={"Accept": "application/fhir+xml"}), 404)
    says(await client.post("/fhir/Patient", content="<Patient/>", headers={"content-type": "text/html"}), 415)
    latin = {"content-type": "application/fhir+json; charset=latin-1"}
    says(await client.post("/fhir/Patient", content="{}", headers=latin), 415)
    says(await client.post("/fhir/Patient", content="{}", headers=JSON | {"content-encoding": "br"}), 415)


@pytest.mark.parametrize(
    ("body", "status", "part"),
    [
        (b"", 400, "empty"),
        (b"  \n", 400, "empty"),
        (b"{", 400, "line 1, column 2"),
        (b'{"resourceType":"Patient",\n  "gender": male}', 400, "line 2"),
        (b"[]", 400, "object"),
        (b'"x"', 400, "object"),
        (b'{"resourceType":"Patient","gender":"\xff"}', 400, "UTF-8"),
        (b'{"resourceType":"Patient","gender":"a\\u0000b"}', 400, "NUL"),
        (b'{"resourceType":"Patient","multipleBirthInteger":NaN}', 400, ""),
        (b'{"resourceType":"Patient","gender":"male","gender":"female"}', 400, "twice"),
        (b'{"resourceType":"Patient","x":' + b"[" * 5000 + b"]" * 5000 + b"}", 400, "nested"),
        (b'{"resourceType":"Patient","x":' + b"[" * 200_000 + b"]" * 200_000 + b"}", 400, "nested"),
        (b'{"resourceType":"Practitioner"}', 400, "Patient"),
        (b'{"resourceType":5}', 400, "resourceType"),
        (b"{}", 400, "resourceType"),
        (b'{"resourceType":"Patient","colour":"red"}', 422, "colour"),
        (b'{"resourceType":"Patient","birthDate":"1900-02-31"}', 422, ""),
        (b'{"resourceType":"Patient","name":"A"}', 422, "name"),
        (b'{"resourceType":"Patient","id":{"a":1}}', 422, ""),
    ],
)
async def test_a_bad_body_is_refused_with_its_place(client: httpx.AsyncClient, body: bytes, status: int, part: str) -> None:
    issue = says(await client.post("/fhir/Patient", content=body, headers=JSON), status)
    assert part in json.dumps(issue), issue


async def test_an_invalid_resource_names_the_element(client: httpx.AsyncClient) -> None:
    body = {"resourceType": "Observation", "status": "guess", "code": {"text": "x"}}
    issue = says(await client.post("/fhir/Observation", json=body), 422)
    assert issue["expression"] == ["Observation.status"]


async def test_a_reference_to_nothing_is_refused_with_its_place(client: httpx.AsyncClient) -> None:
    body = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "x"},
        "subject": {"reference": "Patient/nobody-here"},
    }
    issue = says(await client.post("/fhir/Observation", json=body), 422, "not-found")
    assert issue["expression"] == ["Observation.subject"] and "nobody-here" in text(issue)


async def test_sql_html_and_control_characters_are_only_text(client: httpx.AsyncClient) -> None:
    nasty = "'; DROP TABLE head; -- </td><b onclick=x> \\ %s $1 {allowed} \u202e"
    made = await client.post("/fhir/Patient", json={"resourceType": "Patient", "name": [{"text": nasty, "family": nasty}]})
    assert made.status_code == 201, made.text
    assert (await client.get(f"/fhir/Patient/{made.json()['id']}")).json()["name"][0]["text"] == nasty
    found = await client.get("/fhir/Patient", params={"name": nasty})
    assert found.status_code == 200
    says(await client.get("/fhir/Patient", params={"birthdate": nasty}), 400)
    active = {"resourceType": "Patient", "name": [{"text": "<script>alert(1)</script>"}]}
    assert says(await client.post("/fhir/Patient", json=active), 422)["expression"] == ["Patient.name[0].text"]


async def test_a_large_body_is_413_before_it_is_read(client: httpx.AsyncClient, app: App) -> None:
    says(await client.post("/fhir/Patient", content=b"{}", headers=JSON | {"content-length": str(1 << 40)}), 413, "too-long")
    small = App(Fhir(RestSettings(max_body=10_000), app.fhir.door))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(small), base_url="http://x", headers=client.headers) as other:

        async def chunks() -> Any:
            for _ in range(100):
                yield b" " * 1000

        says(await other.post("/fhir/Patient", content=chunks(), headers=JSON), 413)
        bomb = gzip.compress(b" " * 5_000_000)
        assert len(bomb) < 10_000
        says(await other.post("/fhir/Patient", content=bomb, headers=JSON | {"content-encoding": "gzip"}), 413)


async def test_a_packed_body_is_unpacked(client: httpx.AsyncClient) -> None:
    packed = JSON | {"content-encoding": "gzip"}
    body = gzip.compress(b'{"resourceType":"Patient"}')
    assert (await client.post("/fhir/Patient", content=body, headers=packed)).status_code == 201
    says(await client.post("/fhir/Patient", content=body[:-5], headers=packed), 400)
    says(await client.post("/fhir/Patient", content=b"not gzip", headers=packed), 400)


async def test_large_answers_are_packed_and_small_ones_not(client: httpx.AsyncClient) -> None:
    made = (await client.post("/fhir/Patient", json={"resourceType": "Patient", "name": [{"text": "x" * 5000}]})).json()
    large = await client.get(f"/fhir/Patient/{made['id']}", headers={"Accept-Encoding": "gzip"})
    assert large.headers["content-encoding"] == "gzip" and int(large.headers["content-length"]) < 1000 and large.json() == made
    plain = await client.get(f"/fhir/Patient/{made['id']}", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.json() == made
    small = (await client.post("/fhir/Patient", json={"resourceType": "Patient"})).json()
    assert "content-encoding" not in (await client.get(f"/fhir/Patient/{small['id']}")).headers


async def test_pretty_and_parts(client: httpx.AsyncClient) -> None:
    made = (await client.post("/fhir/Patient", json={"resourceType": "Patient", "gender": "male", "birthDate": "1950"})).json()
    address = f"/fhir/Patient/{made['id']}"
    assert b'\n  "gender": "male"' in (await client.get(f"{address}?_pretty=true")).content
    says(await client.get(f"{address}?_pretty=maybe"), 400)
    part = (await client.get(f"{address}?_elements=gender")).json()
    assert part["gender"] == "male" and "birthDate" not in part and part["meta"]["tag"][0]["code"] == "SUBSETTED"
    assert (await client.get(f"{address}?_summary=true")).status_code == 200
    says(await client.get(f"{address}?_summary=count"), 400)
    says(await client.get(f"{address}?_summary=perhaps"), 400)


def test_what_is_not_the_clients_fault_says_only_an_incident_number() -> None:
    answer = faults.answer(RuntimeError("Nguyễn Văn A has HIV"))
    assert answer.status == 500
    said = json.loads(answer.body)["issue"][0]["details"]["text"]
    assert "Incident" in said and "Nguyễn" not in said


def test_away_full_and_busy_have_their_own_status() -> None:
    away = faults.answer(Unavailable("The database is not reachable at the moment."))
    assert away.status == 503 and (b"retry-after", b"2") in away.headers
    assert faults.answer(ConnectionRefusedError("x")).status == 503
    assert faults.answer(StorageFull("full")).status == 507
    busy = faults.answer(TooMany("slow down", 7))
    assert busy.status == 429 and (b"retry-after", b"7") in busy.headers


async def test_before_the_house_is_open_it_is_503() -> None:
    closed = App(Fhir(RestSettings()))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(closed), base_url="http://x") as other:
        answer = await other.get("/fhir/Patient/1")
        says(answer, 503)
        assert answer.headers["retry-after"]
