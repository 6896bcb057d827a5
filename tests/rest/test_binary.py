"""Binary as bytes, in and out."""

from __future__ import annotations

import base64
import gzip
import json
import secrets
from typing import Any

import httpx
import pytest

PDF = b"%PDF-1.4 \x00\xff\xfe not really"
FHIR = {"Accept": "application/fhir+json"}


def says(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"


async def posted(client: httpx.AsyncClient, content: bytes = PDF, kind: str = "application/pdf", **more: str) -> str:
    answer = await client.post("/fhir/Binary", content=content, headers={"Content-Type": kind, **more})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"].endswith("/_history/1")
    return f"/fhir/Binary/{answer.json()['id']}"


async def test_bytes_in_are_the_bytes_out(client: httpx.AsyncClient) -> None:
    at = await posted(client)
    for accept in ("*/*", "application/pdf", "application/*", "text/html, */*;q=0.1", "image/png;q=0.9, application/pdf;q=0.2"):
        answer = await client.get(at, headers={"Accept": accept})
        assert answer.content == PDF and answer.headers["content-type"] == "application/pdf", accept
        assert answer.headers["etag"] == 'W/"1"' and "last-modified" in answer.headers
        assert answer.headers["content-disposition"] == "attachment" and "sandbox" in answer.headers["content-security-policy"]
    assert (await client.get(f"{at}/_history/1", headers={"Accept": "application/pdf"})).content == PDF
    head = await client.head(at)
    assert head.content == b"" and head.headers["content-length"] == str(len(PDF))
    assert (await client.get(at, headers={"If-None-Match": 'W/"1"'})).status_code == 304


async def test_fhir_is_given_to_who_asks_for_it(client: httpx.AsyncClient) -> None:
    at = await posted(client)
    for accept in ("application/fhir+json", "application/json", "application/fhir+json, */*;q=0.5"):
        found = (await client.get(at, headers={"Accept": accept})).json()
        assert found["contentType"] == "application/pdf" and base64.b64decode(found["data"]) == PDF
    assert (await client.get(f"{at}?_format=json")).json()["resourceType"] == "Binary"
    xml = await client.get(at, headers={"Accept": "application/fhir+xml"})
    assert xml.text.startswith("<Binary") or "<Binary" in xml.text[:200]
    says(await client.get(at, headers={"Accept": "image/png"}), 406)
    says(await client.get(at, headers={"Accept": "image/png"} | {"Accept": "application/pdf;q=0"}), 406)
    bundle = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [{"request": {"method": "GET", "url": at.removeprefix("/fhir/")}}],
    }
    entry = (await client.post("/fhir", json=bundle)).json()["entry"][0]
    assert entry["resource"]["resourceType"] == "Binary"


async def test_bytes_replace_bytes(client: httpx.AsyncClient) -> None:
    at = f"/fhir/Binary/b-{secrets.token_hex(4)}"
    assert (await client.put(at, content=b"one", headers={"Content-Type": "text/plain; charset=utf-8"})).status_code == 201
    changed = await client.put(at, content=b"two", headers={"Content-Type": "text/csv", "If-Match": 'W/"1"'})
    assert changed.status_code == 200
    says(await client.put(at, content=b"three", headers={"Content-Type": "text/csv", "If-Match": 'W/"1"'}), 412)
    now = await client.get(at)
    assert now.content == b"two" and now.headers["content-type"] == "text/csv"
    assert (await client.get(f"{at}/_history/1")).headers["content-type"] == "text/plain; charset=utf-8"
    says(await client.patch(at, json={"resourceType": "Parameters"}), 405)
    assert (await client.delete(at)).status_code == 204
    says(await client.get(at), 410)


async def test_the_resource_itself_is_still_taken(client: httpx.AsyncClient) -> None:
    resource = {"resourceType": "Binary", "contentType": "text/plain", "data": base64.b64encode(b"xin chao").decode()}
    for kind in ("application/fhir+json", "application/json"):
        made = await client.post("/fhir/Binary", content=json.dumps(resource), headers={"Content-Type": kind})
        assert (await client.get(f"/fhir/Binary/{made.json()['id']}")).text == "xin chao"
    says(await client.post("/fhir/Binary", content="{}", headers={"Content-Type": "application/fhir+json"}), 400)
    xml = '<Binary xmlns="http://hl7.org/fhir"><contentType value="text/plain"/><data value="YQ=="/></Binary>'
    for kind in ("application/fhir+xml", "application/xml", "text/xml"):
        made = await client.post("/fhir/Binary", content=xml, headers={"Content-Type": kind})
        assert (await client.get(f"/fhir/Binary/{made.json()['id']}")).text == "a", kind


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("application/json", b'{"a": 1}'),
        ("text/xml", b"<ClinicalDocument xmlns='urn:hl7-org:v3'/>"),
        ("image/png", b"\x89PNG\r\n\x1a\n" + bytes(range(256))),
    ],
)
async def test_json_and_xml_that_are_no_binary_are_content(client: httpx.AsyncClient, kind: str, content: bytes) -> None:
    answer = await client.get(await posted(client, content, kind), headers={"Accept": "*/*"})
    assert answer.content == content and answer.headers["content-type"] == kind


async def test_packed_and_empty_bodies(client: httpx.AsyncClient) -> None:
    at = await posted(client, gzip.compress(PDF * 200), **{"Content-Encoding": "gzip"})
    assert (await client.get(at, headers={"Accept-Encoding": "gzip"})).content == PDF * 200
    nothing = await client.get(await posted(client, b"", "text/plain"))
    assert nothing.status_code == 200 and nothing.content == b""


async def test_the_security_context_is_kept_or_refused(client: httpx.AsyncClient) -> None:
    patient = f"Patient/{(await client.post('/fhir/Patient', json={'resourceType': 'Patient'})).json()['id']}"
    for text in (patient, f"http://hanoi.test/fhir/{patient}"):
        at = await posted(client, **{"X-Security-Context": text})
        assert (await client.get(at, headers=FHIR)).json()["securityContext"] == {"reference": patient}
    headers: dict[str, Any] = {"Content-Type": "application/pdf"}
    for wrong, status in (("nonsense", 400), ("http://elsewhere.test/fhir/Patient/1", 400), ("Patient/never-was", 422)):
        says(await client.post("/fhir/Binary", content=PDF, headers=headers | {"X-Security-Context": wrong}), status)


async def test_any_content_type_is_a_4xx_at_worst(client: httpx.AsyncClient) -> None:
    for kind in (
        "x",
        "text/html\x01",
        "a" * 300,
        ";",
        "text/plain;;;",
        "application/fhir+json; fhirVersion=9",
        "image/svg+xml\tx",
        "é/é",
    ):
        answer = await client.post("/fhir/Binary", content=PDF, headers={"Content-Type": kind.encode("latin-1")})
        assert answer.status_code in (201, 400, 415, 422), (kind, answer.text)
        if answer.status_code == 201:
            assert (await client.get(f"/fhir/Binary/{answer.json()['id']}")).status_code == 200
