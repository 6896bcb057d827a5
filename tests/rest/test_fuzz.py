"""Junk at every door: never a 500, always an OperationOutcome, and the server still works afterwards."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import random
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from longbien.app import App
from longbien.fhir import definitions, xml
from longbien.fhir import json as fhir_json

EXAMPLES = int(os.environ.get("LONGBIEN_FUZZ", "60"))
"""Requests a test; set LONGBIEN_FUZZ for a long run."""
QUICK = settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
NASTY = [
    "",
    " ",
    "\0",
    "'",
    '"',
    "'; DROP TABLE head; --",
    "<script>alert(1)</script>",
    "%",
    "%00",
    "\\",
    "$1",
    "{allowed}",
    "*",
    "|",
    "||",
    "$",
    "a" * 5000,
    "\ud7ff",
    "\uffff",
    "‮",
    "Nguyễn",
    "1e400",
    "-1",
    "9" * 30,
    "NaN",
    "2026-02-30",
    "0000",
    "9999-12-31T23:59:60Z",
    "../..",
    "http://[",
    "urn:uuid:",
    "Patient/",
    "Patient/1/_history/",
    "#",
    "null",
    "true",
    "ge",
    "eq2026",
    "1|2|3",
    ",",
    "\\,",
    "_",
    "\r\nX: y",
]
METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "BREW"]
texts = st.one_of(st.sampled_from(NASTY), st.text(max_size=40))
types = st.sampled_from(
    ["Patient", "Observation", "Encounter", "Bundle", "Binary", "AuditEvent", "Parameters", "Group", "Nonsense"]
)
segments = st.one_of(types, texts, st.sampled_from(["_history", "_search", "metadata", "$validate", "1", "x-1", "Patient"]))
params = st.lists(
    st.tuples(
        st.one_of(
            st.sampled_from(sorted(definitions.search_params("Patient")) + sorted(definitions.search_params("Observation"))),
            st.sampled_from(
                [
                    "_count",
                    "_sort",
                    "_include",
                    "_revinclude",
                    "_summary",
                    "_elements",
                    "_total",
                    "_page",
                    "_since",
                    "_below",
                    "_format",
                    "_pretty",
                    "_has:Observation:patient:code",
                    "subject:Patient.name",
                    "code:in",
                    "name:exact",
                    "identifier:missing",
                    "_lastUpdated",
                    "patient",
                    "agent",
                    "date",
                    "action",
                    "outcome",
                    "mode",
                ]
            ),
            texts,
        ),
        texts,
    ),
    max_size=4,
)
header_values = st.one_of(
    st.sampled_from(
        [
            "*",
            'W/"1"',
            'W/"99999999999999999999"',
            '"',
            "W/",
            "text/html",
            "application/fhir+json",
            "application/fhir+xml",
            "text/xml;q=0.5, application/json;q=0.4",
            "application/json;q=0",
            "gzip",
            "identifier=x|1",
            "Patient?name=a",
            "return=minimal",
            "handling=strict",
            "return=;;=",
            "0",
            "-1",
            "abc",
        ]
    ),
    st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=255), max_size=30),
)
headers = st.dictionaries(
    st.sampled_from(
        [
            "Accept",
            "Content-Type",
            "Prefer",
            "If-Match",
            "If-None-Match",
            "If-None-Exist",
            "If-Modified-Since",
            "Accept-Encoding",
            "Content-Encoding",
            "Content-Length",
            "Host",
            "X-Forwarded-For",
            "Cookie",
        ]
    ),
    header_values,
    max_size=4,
)
junk = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts, st.sampled_from([10**400, -0.0, 1e-320])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=12,
)


class Caller:
    """Sends from a test that is not asynchronous, on the loop that the application runs on."""

    def __init__(self, app: App, given: httpx.Headers):
        self.app = app
        self.headers = given

    async def raw(self, method: str, path: str, query: bytes, more: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """As a server would hand it over: what an HTTP client would not send goes through too."""
        sent = {
            k.lower().encode("latin-1", "replace"): v.encode("latin-1", "replace")
            for k, v in {**self.headers, "accept-encoding": "", **more}.items()
        }
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": quote(path).encode(),
            "query_string": query,
            "scheme": "http",
            "headers": list(sent.items()),
            "client": ("10.0.0.9", 1),
            "http_version": "1.1",
            "server": ("x", 80),
        }
        got: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            got.append(message)

        await asyncio.wait_for(self.app(scope, receive, send), 30)
        for _, value in got[0]["headers"]:
            assert b"\r" not in value and b"\n" not in value
        return got[0]["status"], got[1]["body"]


@pytest.fixture
def caller(app: App, client: httpx.AsyncClient) -> Caller:
    return Caller(app, client.headers)


def fine(status: int, body: bytes, what: Any) -> None:
    assert status < 500 or status == 501, (status, what)
    if status >= 400 and body and body[:2] != b"\x1f\x8b":  # HEAD, or packed because the fuzz asked for it
        said = xml.loads(body) if body[:1] == b"<" else json.loads(body)
        assert said["resourceType"] == "OperationOutcome", what


def each(strategy: st.SearchStrategy[Any], n: int = EXAMPLES, of: int = 0) -> list[Any]:
    """`n` examples, the same each run."""
    found: list[Any] = []

    @seed(of)
    @settings(QUICK, max_examples=n)
    @given(strategy)
    def collect(example: Any) -> None:
        found.append(example)

    collect()
    return found


async def test_any_method_at_any_address_with_any_header(caller: Caller) -> None:
    for method, parts, query, more, body in each(
        st.tuples(st.sampled_from(METHODS), st.lists(segments, max_size=5), params, headers, st.binary(max_size=60)), EXAMPLES * 4
    ):
        path = "/fhir/" + "/".join(parts)
        asked = "&".join(f"{quote(k, errors='replace')}={quote(v, errors='replace')}" for k, v in query).encode()
        status, answer = await caller.raw(method, path, asked, more, body)
        fine(status, answer, (method, path, query, more, body))


async def test_any_search(caller: Caller) -> None:
    for type_, query, strict in each(st.tuples(types, params, st.booleans()), EXAMPLES * 4, 1):
        asked = "&".join(f"{quote(k, errors='replace')}={quote(v, errors='replace')}" for k, v in query).encode()
        more = {"Prefer": "handling=strict"} if strict else {}
        status, answer = await caller.raw("GET", f"/fhir/{type_}", asked, more, b"")
        fine(status, answer, (type_, query))
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        status, answer = await caller.raw("POST", f"/fhir/{type_}/_search", b"", more | form, asked)
        fine(status, answer, (type_, query))


async def test_any_query_bytes(caller: Caller) -> None:
    for query in each(st.binary(max_size=80), EXAMPLES, 2):
        fine(*await caller.raw("GET", "/fhir/Patient", query, {}, b""), query)


async def test_any_json_as_a_resource_or_a_bundle(caller: Caller) -> None:
    for value in each(junk, EXAMPLES * 2, 3):
        body = json.dumps(value).encode()
        for method, path in (("POST", "/fhir/Patient"), ("POST", "/fhir"), ("PUT", "/fhir/Patient/fuzz")):
            fine(*await caller.raw(method, path, b"", {}, body), value)


def _mutated(value: Any, r: random.Random) -> Any:
    """A copy with one place replaced by junk, repeated, or gone."""
    value = copy.deepcopy(value)
    at = value
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            return value
        key = r.choice(keys)
        if isinstance(at[key], dict | list) and at[key] and r.random() < 0.75:
            at = at[key]
            continue
        choice = r.random()
        if choice < 0.15:
            del at[key]
        elif choice < 0.3:
            at[key] = [at[key]]
        else:
            at[key] = r.choice(
                [*NASTY, None, 1, -1.5, 10**25, [], {}, [None], {"a": 1}, True, {"reference": "x"}, {"resourceType": "Patient"}]
            )
        return value


GOOD: list[dict[str, Any]] = [
    {
        "resourceType": "Patient",
        "id": "fuzz",
        "meta": {"profile": ["http://x/y"], "tag": [{"system": "http://x", "code": "y"}]},
        "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">a</div>'},
        "identifier": [{"system": "http://x", "value": "1", "period": {"start": "2020"}}],
        "name": [{"family": "A", "given": ["B"]}],
        "birthDate": "1950-01-01",
        "_birthDate": {"extension": [{"url": "http://x", "valueDateTime": "1950-01-01T10:00:00+07:00"}]},
        "contained": [{"resourceType": "Organization", "id": "o", "name": "x"}],
        "managingOrganization": {"reference": "#o"},
    },
    {
        "resourceType": "Observation",
        "id": "fuzz",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "1-8"}]},
        "effectivePeriod": {"start": "2020-01-01T00:00:00Z", "end": "2021"},
        "valueQuantity": {"value": 1.50, "unit": "g", "code": "g", "system": "http://unitsofmeasure.org"},
        "component": [{"code": {"text": "x"}, "valueInteger": 3}],
        "referenceRange": [{"low": {"value": 1}}],
    },
]
BUNDLE: dict[str, Any] = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [
        {
            "fullUrl": "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a",
            "resource": {"resourceType": "Patient"},
            "request": {"method": "POST", "url": "Patient", "ifNoneExist": "identifier=http://x|fuzz"},
        },
        {
            "resource": {
                "resourceType": "Observation",
                "status": "final",
                "code": {"text": "x"},
                "subject": {"reference": "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"},
            },
            "request": {"method": "POST", "url": "Observation"},
        },
        {
            "request": {"method": "PUT", "url": "Patient/fuzz", "ifMatch": 'W/"1"'},
            "resource": {"resourceType": "Patient", "id": "fuzz"},
        },
        {"request": {"method": "DELETE", "url": "Observation?code=zzz"}},
        {
            "request": {"method": "PATCH", "url": "Patient?identifier=http://x|fuzz", "ifMatch": 'W/"2"'},
            "resource": {
                "resourceType": "Parameters",
                "parameter": [
                    {
                        "name": "operation",
                        "part": [
                            {"name": "type", "valueCode": "add"},
                            {"name": "path", "valueString": "Patient.name.where(family = 'A')"},
                            {"name": "name", "valueString": "given"},
                            {"name": "value", "valueString": "B"},
                        ],
                    }
                ],
            },
        },
        {"request": {"method": "GET", "url": "Patient?_count=1"}},
    ],
}


async def test_good_resources_with_one_thing_wrong(caller: Caller) -> None:
    r = random.Random(7)
    for n in range(EXAMPLES * 6):
        value = _mutated(GOOD[n % 2], r)
        body = json.dumps(value).encode()
        type_ = GOOD[n % 2]["resourceType"]
        fine(*await caller.raw("PUT", f"/fhir/{type_}/fuzz", b"", {}, body), value)


async def test_good_bundles_with_one_thing_wrong(caller: Caller) -> None:
    r = random.Random(8)
    for n in range(EXAMPLES * 4):
        value = _mutated(BUNDLE | {"type": ("transaction", "batch")[n % 2]}, r)
        status, body = await caller.raw("POST", "/fhir", b"", {}, json.dumps(value).encode())
        fine(status, body, value)
        if status == 200:
            for e in json.loads(body).get("entry", []):
                assert not e["response"]["status"].startswith("500"), (value, e)


async def test_good_xml_with_some_bytes_wrong(caller: Caller) -> None:
    r = random.Random(9)
    scraps = [
        b"",
        b"<",
        b">",
        b"/>",
        b'"',
        b"&",
        b"\0",
        b"\xff",
        b"<!DOCTYPE x>",
        b"<x/>",
        b"<?x?>",
        b"]]>",
        b"&#0;",
        b"x",
        b'xmlns=""',
    ]
    more = {"Content-Type": "application/fhir+xml", "Accept": "application/fhir+xml"}
    for n in range(EXAMPLES * 4):
        body = xml.dumps(fhir_json.loads(json.dumps(GOOD[n % 2])), pretty=bool(n % 3))
        for _ in range(r.randint(1, 2)):
            begun = r.randrange(len(body))
            body = body[:begun] + r.choice(scraps) + body[begun + r.choice([0, 1, 1, 5, 40]) :]
        status, answer = await caller.raw("PUT", f"/fhir/{GOOD[n % 2]['resourceType']}/fuzz", b"", more, body)
        fine(status, answer, body)
        assert not answer or answer[:5] == b"<?xml", body


async def test_it_still_works(client: httpx.AsyncClient) -> None:
    assert (await client.get("/readyz")).status_code == 200
    assert (await client.post("/fhir/Patient", json={"resourceType": "Patient"})).status_code == 201
