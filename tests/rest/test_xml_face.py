"""XML at the FHIR face: what JSON can do, in and out, by Accept, _format and Content-Type."""

from __future__ import annotations

import gzip
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from longbien.fhir import json as fhir_json
from longbien.fhir import xml
from longbien.rest import forms, negotiate
from longbien.rest.request import Answer

TYPE = "application/fhir+xml; charset=utf-8"
XML = {"Accept": "application/fhir+xml", "Content-Type": "application/fhir+xml"}
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Trần &amp; <b>Bình</b></div>'},
    "name": [{"family": "Trần", "given": ["Bình"], "_given": [{"id": "g1"}]}],
    "_birthDate": {"extension": [{"url": "http://x/y", "valueString": 'a\n"b"\t<c>'}]},
}


def of(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == TYPE
    assert int(answer.headers["content-length"]) > 0 and "accept" in answer.headers["vary"]
    return xml.loads(answer.content)


def says(answer: httpx.Response, status: int, words: str = "") -> str:
    found = of(answer, status)
    assert found["resourceType"] == "OperationOutcome"
    text = str(found["issue"][0]["details"]["text"])
    assert words in text
    return text


async def test_created_read_updated_and_deleted_in_xml(client: httpx.AsyncClient) -> None:
    made = of(await client.post("/fhir/Patient", content=xml.dumps(PATIENT), headers=XML), 201)
    assert {k: v for k, v in made.items() if k not in ("id", "meta")} == PATIENT
    address = f"/fhir/Patient/{made['id']}"
    as_json = await client.get(address)
    assert as_json.headers["content-type"].startswith("application/fhir+json")
    assert fhir_json.loads(as_json.content) == made == of(await client.get(address, headers=XML))
    made["active"] = True
    changed = of(await client.put(address, content=xml.dumps(made), headers=XML))
    assert changed["meta"]["versionId"] == "2" and changed["active"] is True
    again = await client.get(address, headers={**XML, "If-None-Match": 'W/"2"'})
    assert again.status_code == 304 and not again.content and again.headers["etag"] == 'W/"2"'
    assert of(await client.get(f"{address}/_history/1", headers=XML)) == of(await client.get(f"{address}/_history/1?_format=xml"))
    assert len(of(await client.get(f"{address}/_history?_format=text/xml"))["entry"]) == 2
    assert of(await client.get(f"{address}?_elements=active", headers=XML))["active"] is True
    minimal = await client.put(address, content=xml.dumps(made), headers={**XML, "Prefer": "return=minimal"})
    assert minimal.status_code == 200 and not minimal.content and "content-type" not in minimal.headers
    said = await client.put(address, content=xml.dumps(made), headers={**XML, "Prefer": "return=OperationOutcome"})
    assert of(said)["issue"][0]["severity"] == "information"
    assert (await client.delete(address, headers=XML)).status_code == 204
    says(await client.get(address, headers=XML), 410)


async def test_numbers_keep_their_text_from_xml_to_json_and_back(client: httpx.AsyncClient) -> None:
    given_ = (
        '<Observation xmlns="http://hl7.org/fhir"><status value="final"/><code><text value="K"/></code>'
        '<valueQuantity><value value="4.10"/></valueQuantity></Observation>'
    )
    made = await client.post("/fhir/Observation", content=given_, headers={"Content-Type": "text/xml; charset=UTF-8"})
    assert made.status_code == 201 and b'"value":4.10}' in made.content
    answer = await client.get(made.headers["location"].partition("/_history")[0], headers=XML)
    assert b'<value value="4.10"/>' in answer.content


async def test_a_search_its_pages_and_its_form(client: httpx.AsyncClient) -> None:
    for _ in range(3):
        body = {"resourceType": "Patient", "name": [{"family": "Xmlfamily"}]}
        assert (await client.post("/fhir/Patient", json=body)).status_code == 201
    page = of(await client.get("/fhir/Patient?name=xmlfamily&_count=2&_format=xml&_total=accurate"))
    assert page["type"] == "searchset" and page["total"] == 3 and len(page["entry"]) == 2
    following = next(link["url"] for link in page["link"] if link["relation"] == "next")
    assert "_format=xml" in following and len(of(await client.get(following))["entry"]) == 1
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    asked = await client.post("/fhir/Patient/_search", content="name=xmlfamily&_format=xml", headers=form)
    assert len(of(asked)["entry"]) == 3
    asked = await client.post("/fhir/Patient/_search", content="name=xmlfamily", headers=form | {"Accept": "application/xml"})
    assert len(of(asked)["entry"]) == 3
    asked = await client.post("/fhir/Patient/_search", content="_format=nonsense", headers=form)
    assert asked.status_code == 406
    none = of(await client.get("/fhir/Patient?_id=none&nonsense=1", headers=XML))
    assert none["resourceType"] == "Bundle"


async def test_a_transaction_and_a_batch(client: httpx.AsyncClient) -> None:
    url = "urn:uuid:7d1ad0a5-5f13-4dd4-9d90-2a2b8e7d1a55"
    observation = {
        "resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": url},
    }  # fmt: skip
    entry = [
        {"fullUrl": url, "resource": PATIENT, "request": {"method": "POST", "url": "Patient"}},
        {"resource": observation, "request": {"method": "POST", "url": "Observation"}},
    ]
    both = {"resourceType": "Bundle", "type": "transaction", "entry": entry}
    answer = of(await client.post("/fhir", content=xml.dumps(both), headers={**XML, "Prefer": "return=representation"}))
    assert [e["response"]["status"] for e in answer["entry"]] == ["201 Created"] * 2
    made = answer["entry"][1]["resource"]
    assert made["subject"]["reference"] == f"Patient/{answer['entry'][0]['resource']['id']}"
    reads = [
        {"request": {"method": "GET", "url": f"Observation/{made['id']}"}},
        {"request": {"method": "GET", "url": "Observation/none"}},
        {"request": {"method": "GET", "url": "metadata-is-not-here"}},
    ]
    answer = of(
        await client.post("/fhir", content=xml.dumps({"resourceType": "Bundle", "type": "batch", "entry": reads}), headers=XML)
    )
    assert answer["entry"][0]["resource"] == made
    assert answer["entry"][1]["response"]["outcome"]["resourceType"] == "OperationOutcome"
    refused = {"resourceType": "Bundle", "type": "transaction", "entry": [{**entry[0], "request": {"method": "POST", "url": "No"}}]}
    says(await client.post("/fhir", content=xml.dumps(refused), headers=XML), 400)


async def test_metadata_and_an_operation(client: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    statement = of(await anonymous.get("/fhir/metadata", headers={"Accept": "application/fhir+xml"}))
    assert statement == fhir_json.loads((await anonymous.get("/fhir/metadata")).content)
    assert {"json", "application/fhir+json", "xml", "application/fhir+xml"} == set(statement["format"])
    indented = await anonymous.get("/fhir/metadata?_format=xml&_pretty=true&mode=terminology")
    assert of(indented)["resourceType"] == "TerminologyCapabilities" and b"\n  <url " in indented.content
    given_ = {"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": PATIENT}]}
    for body in (PATIENT, given_):
        assert of(await client.post("/fhir/Patient/$validate", content=xml.dumps(body), headers=XML))["issue"]


async def test_every_refusal_is_xml_too(client: httpx.AsyncClient, anonymous: httpx.AsyncClient) -> None:
    says(await anonymous.get("/fhir/Patient/1", headers=XML), 401)
    says(await client.get("/fhir/Patient/none", headers=XML), 404)
    says(await client.get("/fhir/Patient/none?_format=xml"), 404)
    says(await client.get("/fhir/Nonsense?_format=application/fhir+xml"), 404)
    says(await client.get("/fhir/Patient?birthdate=x", headers=XML), 400)
    says(await client.get("/fhir/Patient?_pretty=maybe", headers=XML), 400, "_pretty")
    says(await client.put("/fhir", headers=XML), 405)
    says(await client.post("/fhir/Patient", content=b"", headers=XML), 400, "empty")
    says(await client.post("/fhir/Patient", content=b"<Patient/>", headers=XML), 400, "namespace")
    wrong = xml.dumps({"resourceType": "Patient", "gender": "unclear"})
    assert "gender" in says(await client.post("/fhir/Patient", content=wrong, headers=XML), 422)
    unknown = b'<Patient xmlns="http://hl7.org/fhir">\n<colour value="red"/></Patient>'
    answer = await client.post("/fhir/Patient", content=unknown, headers={"Content-Type": "application/xml"})
    issue = answer.json()["issue"][0]
    assert answer.status_code == 400 and issue["expression"] == ["Patient.colour"]
    assert "line 2, column 1" in issue["details"]["text"]
    says(await client.post("/fhir/Observation", content=xml.dumps(PATIENT), headers=XML), 400, "Observation")
    doctype = (
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]><Patient xmlns="http://hl7.org/fhir"><id value="&e;"/></Patient>'
    )
    says(await client.post("/fhir/Patient", content=doctype, headers=XML), 400, "DOCTYPE")
    latin = {**XML, "Content-Type": "application/fhir+xml; charset=latin-1"}
    says(await client.post("/fhir/Patient", content=xml.dumps(PATIENT), headers=latin), 415)


async def test_xml_is_packed_indented_and_measured(client: httpx.AsyncClient) -> None:
    long = {**PATIENT, "contact": [{"name": {"text": f"number {n}"}} for n in range(200)]}
    made = of(
        await client.post("/fhir/Patient", content=gzip.compress(xml.dumps(long)), headers={**XML, "Content-Encoding": "gzip"}), 201
    )
    address = f"/fhir/Patient/{made['id']}"
    packed = await client.get(address, headers=XML)
    assert packed.headers["content-encoding"] == "gzip" and xml.loads(packed.content) == made
    plain = await client.get(address, headers={**XML, "Accept-Encoding": "identity"})
    head = await client.head(address, headers={**XML, "Accept-Encoding": "identity"})
    assert head.headers["content-length"] == plain.headers["content-length"] == str(len(plain.content)) and not head.content
    assert head.headers["content-type"] == TYPE
    indented = await client.get(f"{address}?_pretty=true", headers=XML)
    assert b"\n  <contact>\n    <name>\n" in indented.content and of(indented) == made


async def test_what_xml_cannot_say_is_refused_and_json_says_it(client: httpx.AsyncClient) -> None:
    made = await client.post("/fhir/Patient", json={"resourceType": "Patient", "name": [{"text": "a\uffffb"}]})
    assert made.status_code == 201
    address = f"/fhir/Patient/{made.json()['id']}"
    assert "U+FFFF" in says(await client.get(address, headers=XML), 406, "Ask for JSON")
    assert (await client.get(address)).json()["name"][0]["text"] == "a\uffffb"


async def test_what_was_written_is_not_denied_because_xml_cannot_show_it(client: httpx.AsyncClient) -> None:
    patient = {"resourceType": "Patient", "name": [{"text": "a\uffffb"}]}
    headers = {"Accept": "application/fhir+xml", "Prefer": "return=representation"}
    made = await client.post("/fhir/Patient", json=patient, headers=headers)
    assert "It is done" in says(made, 201) and made.headers["etag"] == 'W/"1"'
    assert (await client.get(made.headers["location"])).json()["name"] == patient["name"]
    entry = [{"resource": patient, "request": {"method": "POST", "url": "Patient"}}]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entry}
    assert "It is done" in says(await client.post("/fhir", json=bundle, headers=headers), 200)
    says(await client.post("/fhir/Patient/_search", data={"name": "a\uffffb"}, headers=headers), 406)


async def test_an_answer_of_another_type_stays_as_it_is() -> None:
    page = Answer(200, b"a page", ((b"content-type", b"text/plain"),))
    assert await forms.shaped(page, negotiate.Shape("xml")) is page


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "json"), ("*/*", "json"), ("application/fhir+xml", "xml"), ("text/xml", "xml"), ("application/xml", "xml"),
        ("application/fhir+xml;q=0.5, application/fhir+json;q=0.9", "json"),
        ("application/fhir+xml;q=0.9, application/fhir+json;q=0.5", "xml"),
        ("application/fhir+xml;q=1.0, application/fhir+json;q=1.0, application/xml+fhir;q=0.9", "xml"),
        ("application/fhir+json, application/fhir+xml", "json"), ("application/fhir+json;q=0, */*;q=0.1, text/xml;q=0.2", "xml"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "json"),
        ("application/fhir+xml; fhirVersion=4.0", "xml"), ("application/fhir+xml; fhirVersion=5.0", None),
        ("application/fhir+xml; fhirVersion=5.0, */*", "json"), ("application/fhir+turtle", None),
        ("application/fhir+xml;q=0", None),
        ("application/fhir+xml;q=nonsense", "xml"), ("image/png", None),
    ],
)  # fmt: skip
def test_which_form_an_accept_header_likes_best(accept: str, form: str | None) -> None:
    assert negotiate.accepted(accept.encode()) == form


async def test_any_text_in_xml_becomes_the_same_json(client: httpx.AsyncClient) -> None:
    texts: list[str] = []
    characters = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff") | st.sampled_from("&<>\"'\t\n\r")

    @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.text(characters, min_size=1).filter(str.strip))
    def collect(text: str) -> None:
        texts.append(text)

    collect()
    for text in texts:
        resource = {"resourceType": "Patient", "name": [{"text": text}]}
        made = await client.post("/fhir/Patient", content=xml.dumps(resource), headers={"Content-Type": "application/fhir+xml"})
        same = await client.post("/fhir/Patient", content=fhir_json.dumps(resource))
        assert made.status_code == same.status_code, (text, made.text)
        if made.status_code == 201:
            assert made.json()["name"] == same.json()["name"] == resource["name"]
            assert of(await client.get(f"/fhir/Patient/{made.json()['id']}", headers=XML))["name"] == resource["name"]


async def test_a_patch_in_xml(client: httpx.AsyncClient) -> None:
    made = (await client.post("/fhir/Patient", json={"resourceType": "Patient", "gender": "male"})).json()
    part = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Patient.gender"},
        {"name": "value", "valueCode": "female"},
    ]
    change = {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": part}]}
    answer = await client.patch(f"/fhir/Patient/{made['id']}", content=xml.dumps(change), headers=XML)
    assert of(answer)["gender"] == "female"
    diff = {"Content-Type": "application/xml-patch+xml", "Accept": "application/fhir+xml"}
    says(await client.patch(f"/fhir/Patient/{made['id']}", content=b"<diff/>", headers=diff), 415)


async def test_everything_of_a_patient_and_compartments_in_xml(client: httpx.AsyncClient) -> None:
    made = (await client.post("/fhir/Patient", json=PATIENT)).json()
    observation = {
        "resourceType": "Observation", "status": "final", "code": {"text": "x"},
        "subject": {"reference": f"Patient/{made['id']}"},
    }  # fmt: skip
    await client.post("/fhir/Observation", json=observation)
    for path in (f"Patient/{made['id']}/$everything", f"Patient/{made['id']}/*", "_history?_count=2", "Patient/_history?_count=2"):
        found = of(await client.get(f"/fhir/{path}", headers=XML))
        assert found["resourceType"] == "Bundle" and len(found["entry"]) >= 1, path
