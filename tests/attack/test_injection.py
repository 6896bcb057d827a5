"""Code where data belongs: SQL, markup, headers, paths; and shapes that cost more than they weigh."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import logging
import time
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hospitals import City, concept, encounter, form_token, patient

from longbien.app import App
from longbien.base.errors import Invalid
from longbien.fhir import definitions
from longbien.fhir import json as fhir_json
from longbien.fhir.validate import validate
from longbien.importer.source import sources, units
from longbien.record.change import Manner, Update
from longbien.record.scope import system
from longbien.record.search.parse import param
from longbien.record.store import Store

pytestmark = pytest.mark.asyncio(loop_scope="session")
# ruff: noqa: E501 - what is sent stands as it is sent
SQL = (
    "'; DROP TABLE head; --",
    "$1",
    "1) OR (1=1",
    "\\'; SELECT pg_sleep(9) --",
    "%_%",
    "\\",
    "x' UNION SELECT 1 --",
    "{allowed}",
    "{terms}",
)
SCRIPT = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'><svg/onload=alert(3)>{{7*7}}${7*7}"


async def rows(app: App) -> int:
    n: int = await app.state.engine.db.fetchval("SELECT count(*) FROM head")
    return n


async def test_sql_in_any_parameter_is_a_value(app: App, machine: Any, city: City) -> None:
    full = await machine()
    there = await rows(app)
    wrong = []
    for type_ in ("Patient", "Observation", "Encounter"):
        names = [c for c in definitions.search_params(type_) if param(type_, c)]
        for code in names:
            for value in SQL[:4] + SQL[-2:]:
                answer = await full.get(f"/fhir/{type_}", params={code: value})
                if answer.status_code >= 500:
                    wrong.append((type_, code, value, answer.status_code, answer.text[:150]))
        for value in SQL:
            for name in ("_sort", "_include", "_elements", "_type", "_page", "_total", "_count", "_has:Observation:patient:" + value, value, "patient." + value,
                         f"subject:{value}", f"code:{value}", "code:" + value.replace(" ", "")):  # fmt: skip
                answer = await full.get(f"/fhir/{type_}", params={name: value})
                if answer.status_code >= 500:
                    wrong.append((type_, name, value, answer.status_code, answer.text[:150]))
    assert not wrong
    assert await rows(app) == there


async def test_sql_in_addresses_headers_and_cookies_is_a_value(app: App, machine: Any, who: Any, city: City) -> None:
    full, doctor = await machine(), await who("doctor")
    there = await rows(app)
    for value in SQL:
        quoted = "".join(f"%{b:02x}" for b in value.encode())
        for url in (f"/fhir/{quoted}", f"/fhir/Patient/{quoted}", f"/fhir/Patient/p-a/_history/{quoted}", f"/fhir/Patient/{quoted}/Observation",
                    f"/fhir/Patient/p-a/_history?_since={quoted}", f"/fhir/AuditEvent?patient={quoted}", f"/fhir/AuditEvent?agent={quoted}&date={quoted}"):  # fmt: skip
            assert (await full.get(url)).status_code < 500, url
        for url in (f"/patients/{quoted}", f"/patients/p-a/{quoted}", f"/patients/p-a/labs/{quoted}", f"/patients/p-a/read/{quoted}/{quoted}", f"/search?q={quoted}",
                    f"/patients/p-a/who-saw?days={quoted}&before={quoted}", f"/patients/p-a?span={quoted}&done={quoted}&panel={quoted}&news={quoted}",
                    f"/today?page={quoted}&whose={quoted}", f"/terms/icd10?q={quoted}", f"/patients/p-a/notes?from={quoted}&to={quoted}&page={quoted}"):  # fmt: skip
            assert (await doctor.get(url)).status_code < 500, url
        for header in (
            "If-Match",
            "If-None-Match",
            "If-Modified-Since",
            "If-None-Exist",
            "Prefer",
            "Accept",
            "Accept-Encoding",
            "User-Agent",
        ):
            made = {"resourceType": "Basic", "code": {"text": "x"}}
            assert (await full.post("/fhir/Basic", json=made, headers={header: value})).status_code < 500, header
    assert await rows(app) - there <= len(SQL) * 8


@pytest.mark.parametrize(
    "number", ["-1", "0", "99999999999999999999999999", "1e9", "NaN", "Infinity", "٣", "１", " 1", "1_000", "0x10"]
)
async def test_numbers_of_any_kind_break_no_page(who: Any, city: City, number: str) -> None:
    doctor = await who("doctor")
    for url in ("/today?page=", "/patients/p-a/who-saw?days=", "/patients/p-a/who-saw?before=", "/patients/p-a/notes?page=", "/patients/p-a/labs/x1?page=",
                "/fhir/Patient?_count=", "/fhir/Patient/p-a/_history?_count=", "/fhir/Patient/p-a/_history?_below=", "/fhir/Patient/p-a/_history/", "/fhir/Observation?date=",
                "/fhir/Observation?value-quantity=", "/patients/p-a/notes?from="):  # fmt: skip
        assert (await doctor.get(url + number)).status_code < 500, url


async def hostile(app: App) -> None:
    """A patient of hospital a, every text of whom is markup."""
    who = {"reference": "Patient/p-x"}
    div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{"x" * 3}</p></div>'
    text = concept(SCRIPT, "4548-4")
    text["coding"][0] |= {"system": "http://loinc.org", "display": SCRIPT}
    link = "javascript:alert(1)"
    base = "http://terminology.hl7.org/CodeSystem"
    made: list[dict[str, Any]] = [
        {**patient("p-x", SCRIPT, SCRIPT[:20]), "address": [{"text": SCRIPT, "line": [SCRIPT]}]},
        {**encounter("x-visit", "p-x", "bv-a"), "reasonCode": [text], "type": [text],
         "location": [{"location": {"reference": "Location/x-bed", "display": SCRIPT}}], "serviceProvider": {"reference": "Organization/bv-a", "display": SCRIPT},
         "participant": [{"individual": {"reference": "Practitioner/x-dr", "display": SCRIPT}}]},
        {"resourceType": "Location", "id": "x-bed", "name": SCRIPT}, {"resourceType": "Practitioner", "id": "x-dr", "name": [{"text": SCRIPT}]},
        {"resourceType": "Observation", "id": "x-o", "status": "final", "code": text, "subject": who, "effectiveDateTime": "2026-11-20T08:00:00+07:00",
         "valueQuantity": {"value": 7, "unit": SCRIPT, "system": "http://unitsofmeasure.org", "code": "%"}, "note": [{"text": SCRIPT}],
         "referenceRange": [{"text": SCRIPT}]},
        {"resourceType": "Observation", "id": "x-p", "status": "final", "code": {"text": SCRIPT}, "subject": who, "effectiveDateTime": "2026-11-20T08:00:00+07:00",
         "valueString": SCRIPT},
        {"resourceType": "Condition", "id": "x-c", "code": text, "subject": who, "note": [{"text": SCRIPT}],
         "clinicalStatus": {"coding": [{"system": f"{base}/condition-clinical", "code": "active"}]}},
        {"resourceType": "AllergyIntolerance", "id": "x-a", "patient": who, "code": {"text": SCRIPT}, "reaction": [{"manifestation": [{"text": SCRIPT}]}],
         "criticality": "high", "clinicalStatus": {"coding": [{"system": f"{base}/allergyintolerance-clinical", "code": "active"}]}},
        {"resourceType": "MedicationRequest", "id": "x-m", "status": "active", "intent": "order", "medicationCodeableConcept": {"text": SCRIPT}, "subject": who,
         "authoredOn": "2026-11-20", "requester": {"display": SCRIPT}, "dosageInstruction": [{"text": SCRIPT}]},
        {"resourceType": "Composition", "id": "x-n", "status": "final", "type": text, "subject": who, "date": "2026-11-20", "author": [{"display": SCRIPT}],
         "title": SCRIPT, "section": [{"title": SCRIPT, "text": {"status": "generated", "div": div.replace("xxx", SCRIPT.replace("<", "&lt;").replace('"', "&quot;"))}}]},
        {"resourceType": "DocumentReference", "id": "x-d", "status": "current", "subject": who, "description": SCRIPT, "date": "2026-11-20T00:00:00Z",
         "content": [{"attachment": {"contentType": "text/plain", "title": SCRIPT, "url": link, "data": base64.b64encode(SCRIPT.encode()).decode()}},
                     {"attachment": {"contentType": "text/html", "title": SCRIPT, "url": link}}]},
        {"resourceType": "DiagnosticReport", "id": "x-r", "status": "final", "code": text, "subject": who, "conclusion": SCRIPT, "effectiveDateTime": "2026-11-20",
         "presentedForm": [{"contentType": "text/html", "title": SCRIPT, "url": link}]},
        {"resourceType": "ImagingStudy", "id": "x-i", "status": "available", "subject": who, "description": SCRIPT, "started": "2026-11-20T00:00:00Z",
         "modality": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CT", "display": SCRIPT}]},
    ]  # fmt: skip
    # past the validator, which refuses active HTML: as if it had come in before the rule
    await Store(app.state.engine, system("hostile")).commit([Update(r) for r in made], Manner(checked=True))


async def test_markup_in_every_text_of_a_record_stays_text(app: App, who: Any, city: City) -> None:
    await hostile(app)
    doctor = await who("doctor")
    await doctor.post("/patients/p-x/drafts/note", data={"csrf": form_token(doctor), "subjective": SCRIPT})
    entries = [("Condition", "x-c"), ("Composition", "x-n"), ("DocumentReference", "x-d"), ("DiagnosticReport", "x-r"), ("Observation", "x-o"), ("Observation", "x-p"),
               ("Encounter", "x-visit"), ("MedicationRequest", "x-m"), ("ImagingStudy", "x-i"), ("AllergyIntolerance", "x-a")]  # fmt: skip
    urls = [
        "",
        "?panel=note",
        "/labs",
        "/nursing",
        "/notes",
        "/drugs",
        "/imaging",
        "/visits",
        "/problems",
        "/who-saw",
        "/labs/4548-4",
        "?news=all",
    ]
    urls += [f"/read/{t}/{i}{q}" for t, i in entries for q in ("", "?part=1")]
    seen = 0
    for url in [f"/patients/p-x{u}" for u in urls] + [
        "/today",
        "/today?whose=place",
        "/search?q=img+src",
        f"/search?q={SCRIPT[:60]}",
        "/search?q=script&part=1",
    ]:
        answer = await doctor.get(url)
        assert answer.status_code == 200, (url, answer.status_code)
        seen += "onerror" in answer.text
        for bad in ("<img src=x", "<script>alert", "<svg/onload", 'href="javascript', "${49}", ">49<"):
            assert bad not in answer.text, (url, bad)
    assert seen > 15  # it is shown, as text


async def test_markup_in_the_question_and_the_reason_stays_text(app: App, who: Any, city: City) -> None:
    doctor, nurse = await who("doctor"), await who("nurse", "a", 3)
    form = {"csrf": form_token(nurse), "purpose": "TREAT", "reason": "hội chẩn " + SCRIPT}
    assert (await nurse.post("/patients/p-b/purpose", data=form)).status_code == 303
    theirs = await who("doctor", "b")
    wrong = await doctor.post("/patients/p-b/purpose", data={"csrf": form_token(doctor), "purpose": "TREAT", "reason": "<script>"})
    for text in ((await theirs.get("/patients/p-b/who-saw")).text, (await nurse.get("/patients/p-b")).text, wrong.text,
                 (await doctor.get("/sign-in", params={"next": "/" + SCRIPT})).text, (await doctor.get("/search", params={"q": SCRIPT})).text):  # fmt: skip
        assert "<img src=x" not in text and "<script>alert" not in text
    refused = await doctor.post("/sign-in", data={"name": SCRIPT, "password": "x"})
    assert "<img src=x" not in refused.text and "<script>alert" not in refused.text


@pytest.mark.parametrize("div", [
    "<script>alert(1)</script>", '<img src="x" onerror="alert(1)"/>', '<a href="javascript:alert(1)">x</a>', '<iframe src="http://evil.test"></iframe>',
    '<object data="x"></object>', "<style>*{}</style>", '<p onclick="alert(1)">x</p>', '<svg onload="alert(1)"></svg>', '<form action="x"></form>',
    '<a href="&#106;avascript:alert(1)">x</a>', '<base href="http://evil.test"/>', '<link href="x"/>', "<!ENTITY x>", '<img src="data:text/html,x"/>',
])  # fmt: skip
async def test_a_narrative_with_code_in_it_is_refused_or_never_shown_as_markup(who: Any, city: City, div: str) -> None:
    doctor = await who("doctor")
    made = {"resourceType": "ClinicalImpression", "status": "completed", "subject": {"reference": "Patient/p-a"},
            "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{div}</div>'}}  # fmt: skip
    answer = await doctor.post("/fhir/ClinicalImpression", json=made)
    if answer.status_code != 201:
        assert answer.status_code == 422
        return
    page = await doctor.get(f"/patients/p-a/read/ClinicalImpression/{answer.json()['id']}")
    assert page.status_code == 200 and 'alert(1)"' not in page.text and div not in page.text


async def test_a_header_cannot_be_broken_by_an_id_or_a_host(machine: Any) -> None:
    full = await machine()
    for bad in ("x\r\nSet-Cookie: a=b", "x%0d%0aSet-Cookie:a=b", "é", "x\ny"):
        answer = await full.put("/fhir/Basic/x", json={"resourceType": "Basic", "id": bad, "code": {"text": "x"}})
        assert answer.status_code in (400, 422) and "set-cookie" not in answer.headers
    answer = await full.get("/fhir/Patient/%0d%0aSet-Cookie:%20a=b")
    assert answer.status_code == 404 and "set-cookie" not in answer.headers


@pytest.mark.parametrize("name", ["../app.py", "..%2f..%2fapp.py", "%2e%2e/%2e%2e/app.py", "/etc/passwd", "....//app.py", "..\\..\\app.py", "%00", "app.css%00.js", "../static",
                                  ".", "", "x" * 5000, "%c0%ae%c0%ae/app.py", "../templates/chart.html"])  # fmt: skip
async def test_static_files_are_the_static_folder_alone(anonymous: Any, name: str) -> None:
    answer = await anonymous.get(f"/static/0/{name}")
    assert answer.status_code == 404


DEEP = '{"a":' * 5000 + "1" + "}" * 5000
TRICKS = [
    '{"resourceType":"Patient","gender":"male","gender":"female"}', '{"resourceType":"Patient","multipleBirthInteger":1e999999999}',
    '{"resourceType":"Observation","valueQuantity":{"value":1e999999999999999999999}}', "[" * 100_000, DEEP, '{"resourceType":["Patient"]}',
    '{"resourceType":"Patient","__proto__":{"active":true}}', '{"resourceType":"Patient","constructor":{"x":1}}', '{"resourceType":"Patient","name":"x\\u0000"}',
    '{"resourceType":"Patient","id":{"a":1}}', '{"resourceType":"Patient","birthDate":NaN}', '{"resourceType":"Patient","active":Infinity}', "null", "1", '"x"', "",
    '{"resourceType":"Patient","name":[{"text":"\\ud800"}]}', "\ufeff\ufeff{}", '{"resourceType":"Patient","name":[' + ",".join("{}" for _ in range(20_000)) + "]}",
    '{"resourceType":"Patient","extension":' + '[{"url":"x","extension":' * 60 + "[]" + "}]" * 60 + "}",
    '{"resourceType":"Patient","multipleBirthInteger":' + "9" * 100_000 + "}", '{"resourceType":"Bundle","type":"batch","entry":{"a":1}}',
]  # fmt: skip


@pytest.mark.parametrize("n", range(len(TRICKS)))
async def test_json_that_is_a_trick_is_refused_in_words_and_in_time(machine: Any, n: int) -> None:
    full = await machine()
    began = time.perf_counter()
    for url in ("/fhir/Patient", "/fhir", "/fhir/Observation"):
        answer = await full.post(
            url, content=TRICKS[n].encode("utf-8", "surrogatepass"), headers={"Content-Type": "application/fhir+json"}
        )
        assert 400 <= answer.status_code < 500, (url, answer.status_code)
        assert answer.json()["resourceType"] == "OperationOutcome"
    assert time.perf_counter() - began < 5


async def test_packed_bodies_have_their_bound_when_unpacked(machine: Any) -> None:
    full = await machine()
    bomb = gzip.compress(b" " * (80 << 20), 9)
    assert len(bomb) < 100_000
    answer = await full.post(
        "/fhir/Patient", content=bomb, headers={"Content-Type": "application/fhir+json", "Content-Encoding": "gzip"}
    )
    assert answer.status_code == 413
    for bad in (b"x", bomb[:50], gzip.compress(b"{}") + b"more"):
        answer = await full.post(
            "/fhir/Patient", content=bad, headers={"Content-Type": "application/fhir+json", "Content-Encoding": "gzip"}
        )
        assert answer.status_code == 400


async def test_packed_imports_are_read_in_parts_and_a_line_has_its_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("longbien.importer.source.LARGEST", 1 << 20)
    for name, pack in (
        ("x.ndjson.gz", gzip.compress),
        ("x.ndjson.zst", zstandard.ZstdCompressor().compress),
        ("x.json.gz", gzip.compress),
    ):
        bomb = tmp_path / name
        bomb.write_bytes(pack(b" " * (64 << 20)))
        with pytest.raises(Invalid, match=r"larger|longer"):
            for _ in units(sources([bomb])[0]):
                pass


EVIL_TEXTS = ["a" * 50_000, "a" * 50_000 + "!", " " * 50_000 + "x", "-" * 50_000, "1" * 50_000 + ".", "http://" + "a/" * 20_000 + "#", "urn:uuid:" + "0" * 50_000,
              "T" * 50_000, "2026-" * 9_000, "<" * 50_000, "<a " * 15_000, "&" * 50_000, "(" * 50_000, "%" * 50_000, "." * 50_000, "/" * 50_000, "\\" * 50_001]  # fmt: skip


@pytest.mark.parametrize("n", range(len(EVIL_TEXTS)))
async def test_no_text_makes_validation_or_a_search_slow(who: Any, city: City, n: int) -> None:
    evil = EVIL_TEXTS[n]
    fields = {
        "resourceType": "Observation", "id": evil, "status": evil, "effectiveDateTime": evil, "issued": evil, "valueString": evil, "implicitRules": evil,
        "language": evil, "code": {"coding": [{"system": evil, "code": evil, "display": evil}], "text": evil}, "subject": {"reference": evil},
        "performer": [{"reference": f"http://x/{evil}"}], "meta": {"versionId": evil, "lastUpdated": evil, "profile": [evil]}, "referenceRange": [{"text": evil}],
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{evil}</div>'}, "note": [{"text": evil, "authorString": evil}],
        "extension": [{"url": evil, "valueDecimal": evil}, {"url": evil, "valueBase64Binary": evil}, {"url": evil, "valueOid": evil}, {"url": evil, "valueUrl": evil}],
    }  # fmt: skip
    began = time.perf_counter()
    assert validate(fields)
    assert time.perf_counter() - began < 2, "validation"
    doctor = await who("doctor")
    began = time.perf_counter()
    asked = dict.fromkeys(
        (
            "_id",
            "code",
            "date",
            "patient",
            "subject",
            "value-quantity",
            "value-string",
            "_lastUpdated",
            "performer",
            "code-value-quantity",
        ),
        evil,
    )
    for code, value in asked.items():
        answer = await doctor.post("/fhir/Observation/_search", data={code: value})
        assert answer.status_code in (200, 400), (code, answer.status_code, answer.text[:200])
    assert time.perf_counter() - began < 8, "search"
    began = time.perf_counter()
    page = await doctor.get("/search", params={"q": evil[:4000]})
    assert page.status_code == 200 and time.perf_counter() - began < 3


async def test_searches_that_ask_too_much_are_bounded(machine: Any, city: City) -> None:
    full = await machine()
    many = ",".join(f"http://x|{n}" for n in range(1000))
    questions: list[list[tuple[str, str]]] = [
        [("code", many)], [("code", many)] * 60, [("code", many)] * 61, [("code", ",".join("x" * 2001))], [("patient." * 40 + "name", "x")],
        [("_has:Observation:patient:" * 30 + "_has:Observation:patient:code", "x")], [("_include", "*"), ("_revinclude", "*"), ("_include:iterate", "*")],
        [("value-string", ",".join(f"x{n}" for n in range(2000)))] * 20, [("_sort", "date," * 500)], [("_include", "Observation:patient")] * 230, [("x", "y")] * 999,
    ]  # fmt: skip
    for question in questions:
        began = time.perf_counter()
        answer = await full.post("/fhir/Observation/_search", content="&".join(f"{k}={v}" for k, v in question),
                                 headers={"Content-Type": "application/x-www-form-urlencoded"})  # fmt: skip
        assert answer.status_code in (200, 400, 413, 429), (answer.status_code, answer.text[:300])
        assert time.perf_counter() - began < 10, question[:1]
    answer = await full.post(
        "/fhir/Observation/_search",
        content=b"code=" + b"x," * (2 << 20),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status_code == 413
    entry = {"request": {"method": "GET", "url": "Observation?code=" + "x," * 100_000}}
    answer = await full.post("/fhir", json={"resourceType": "Bundle", "type": "batch", "entry": [entry]})
    assert answer.json()["entry"][0]["response"]["status"].startswith("400")


async def test_others_are_served_while_a_heavy_bundle_is_looked_at(machine: Any, city: City) -> None:
    """A large transaction gives the loop back between its resources."""
    full = await machine()
    entries = [{"resource": {**encounter("", "p-a", "bv-a"), "id": f"bulk-{n}", "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">' + "<p>x</p>" * 200 + "</div>"}},
                "request": {"method": "PUT", "url": f"Encounter/bulk-{n}"}} for n in range(400)]  # fmt: skip
    entries[-1]["resource"]["status"] = "nonsense"  # type: ignore[index]
    heavy = asyncio.create_task(full.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries}))
    slowest = 0.0
    while not heavy.done():
        began = time.perf_counter()
        await full.get("/healthz")
        slowest = max(slowest, time.perf_counter() - began)
        await asyncio.sleep(0)
    assert (await heavy).status_code == 422 and slowest < 2


async def test_content_types_are_not_confused(machine: Any) -> None:
    full = await machine()
    for kind in ("text/html", "application/xml", "application/fhir+xml", "multipart/form-data; boundary=x", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-7",
                 "application/json-patch+json"):  # fmt: skip
        answer = await full.post("/fhir/Patient", content='{"resourceType":"Patient"}', headers={"Content-Type": kind})
        assert answer.status_code == (400 if "xml" in kind else 415), kind  # JSON that is called XML cannot be read
    made = await full.post(
        "/fhir/Binary",
        json={"resourceType": "Binary", "contentType": "text/html", "data": base64.b64encode(SCRIPT.encode()).decode()},
    )
    for accept in ("text/html", "*/*", "application/fhir+json"):
        answer = await full.get(f"/fhir/Binary/{made.json()['id']}", headers={"Accept": accept})
        assert answer.headers["x-content-type-options"] == "nosniff"
        if accept == "application/fhir+json":
            assert answer.headers["content-type"].startswith("application/fhir+json")
        else:  # the standard wants the bytes: to be saved, and run by no browser here
            assert answer.headers["content-disposition"] == "attachment" and answer.text == SCRIPT
            assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


async def test_a_line_of_a_log_cannot_be_made_up(who: Any, anonymous: Any, caplog: pytest.LogCaptureFixture) -> None:
    forged = "x%0a2026-11-23 INFO longbien forged"
    with caplog.at_level(logging.DEBUG):
        doctor = await who("doctor")
        for url in (f"/patients/{forged}", f"/fhir/Patient/{forged}", f"/fhir/{forged}", f"/search?q={forged}"):
            await doctor.get(url)
        await anonymous.post("/sign-in", data={"name": "x\n2026 INFO longbien forged", "password": "x"})
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("longbien")]
    assert not [m for m in ours if "forged" in m]


async def test_what_is_written_as_json_is_read_as_the_same_json() -> None:
    text = json.dumps({"a": SCRIPT, "b": ["</script>", "\u2028", "\x7f"]})
    assert fhir_json.loads(fhir_json.dumps(fhir_json.loads(text))) == json.loads(text)
