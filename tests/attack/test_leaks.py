"""A doctor of hospital a, and hospital b's patient: every way of asking, and none of them says that there is anything."""

from __future__ import annotations

import base64
import json
from typing import Any

import httpx
import pytest
from hospitals import BASE, NAME, NUMBER, SECRET, City, concept, encounter, form_token, lines, newest, records, tells

from longbien.access.roles import ROLES
from longbien.app import App
from longbien.base.ids import patient_key
from longbien.fhir import definitions
from longbien.record.search.parse import param

pytestmark = pytest.mark.asyncio(loop_scope="session")


def same(one: httpx.Response, other: httpx.Response, id_: str, unknown: str) -> bool:
    """Whether two answers say the same, but for the id that was asked for."""
    return one.status_code == other.status_code and one.text.replace(id_, "ID") == other.text.replace(unknown, "ID")


async def test_what_is_hidden_and_what_is_not_there_get_one_answer(who: Any, city: City) -> None:
    doctor = await who("doctor")
    wrong = []
    for type_, id_ in city.of["b"].items():
        unknown = "x" * len(id_)
        for tail in ("", "/_history", "/_history/1", "/_history/2", "/_history/99"):
            for headers in (
                {},
                {"If-None-Match": 'W/"1"'},
                {"If-None-Match": "*"},
                {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
            ):
                for method in ("GET", "HEAD"):
                    hidden = await doctor.request(method, f"/fhir/{type_}/{id_}{tail}", headers=headers)
                    absent = await doctor.request(method, f"/fhir/{type_}/{unknown}{tail}", headers=headers)
                    if not same(hidden, absent, id_, unknown) or hidden.status_code in (200, 304):
                        wrong.append((method, type_, tail, headers, hidden.status_code, absent.status_code, hidden.text[:200]))
    assert not wrong


async def test_writing_to_what_is_hidden_says_no_more_than_to_what_is_not_there(who: Any, city: City) -> None:
    doctor = await who("doctor")
    wrong = []
    for type_, id_ in city.of["b"].items():
        unknown = "y" * len(id_)
        if type_ == "Coverage":
            continue  # a doctor writes none
        body = next((r for r in records("p-a", "x") if r["resourceType"] == type_), None) or encounter("", "p-a", "bv-a")
        if type_ == "Patient":
            body = {"resourceType": "Patient"}
        for headers in ({"If-Match": 'W/"1"'}, {"If-Match": 'W/"7"'}):
            for method in ("PUT", "DELETE"):
                got = []
                for one in (id_, unknown):
                    content = json.dumps({**body, "id": one}) if method == "PUT" else ""
                    got.append(await doctor.request(
                        method, f"/fhir/{type_}/{one}", headers={"Content-Type": "application/fhir+json", **headers}, content=content))  # fmt: skip # noqa: E501
                if not same(got[0], got[1], id_, unknown):
                    wrong.append(
                        (method, type_, headers, got[0].status_code, got[0].text[:160], got[1].status_code, got[1].text[:160])
                    )
        deleted = await doctor.delete(f"/fhir/{type_}/{id_}")
        absent = await doctor.delete(f"/fhir/{type_}/{unknown}")
        if not same(deleted, absent, id_, unknown):
            wrong.append(("DELETE", type_, {}, deleted.status_code, deleted.text[:160], absent.status_code, absent.text[:160]))
    assert not wrong


def _guesses(type_: str, code: str, kind: str) -> list[str]:
    """What somebody who suspects something would ask for."""
    return {
        "token": ["http://longbien.test/codes|x1", "x1", NUMBER, f"http://longbien.test/cccd|{NUMBER}", "final", "active", "p-b-observation"],  # noqa: E501
        "string": [NAME, SECRET, "Đặng"],
        "reference": ["Patient/p-b", "p-b", "Encounter/p-b-encounter"],
        "date": ["ge2000-01-01", "1981-05-04"],
        "uri": ["http://longbien.test/codes"],
        "number": ["ge0"],
        "quantity": ["ge0"],
    }.get(kind, [])  # fmt: skip


@pytest.mark.parametrize("type_", ["Patient", "Observation", "Condition", "Encounter", "MedicationRequest", "DocumentReference", "Task",  # noqa: E501
                                   "ServiceRequest", "AllergyIntolerance", "RelatedPerson", "Appointment", "DiagnosticReport"])  # fmt: skip # noqa: E501
async def test_no_search_parameter_of_any_kind_finds_the_patient(who: Any, city: City, type_: str) -> None:
    doctor = await who("doctor")
    wrong, asked = [], 0
    for code, p in definitions.search_params(type_).items():
        if param(type_, code) is None:
            continue
        for value in _guesses(type_, code, p.kind):
            for more in ({}, {"_summary": "count"}):
                found = await doctor.get(f"/fhir/{type_}", params={code: value, "_total": "accurate", **more})
                asked += 1
                if found.status_code >= 500 or tells(json.dumps(_without_links(found), ensure_ascii=False)) or _ids(found):
                    wrong.append((code, value, found.status_code, found.text[:200]))
                if more and found.status_code == 200 and found.json()["total"] > _visible(type_):
                    wrong.append((code, value, found.json()["total"]))
    assert asked > 20 and not wrong


def _without_links(found: httpx.Response) -> dict[str, Any]:
    """The answer without what repeats the question."""
    return {k: v for k, v in found.json().items() if k != "link" and found.status_code == 200}


def _visible(type_: str) -> int:
    """How many of this type the doctor of hospital a may see at most: those of p-a and p-both (and what these tests wrote)."""
    return 2 + 20 * (type_ in ("Observation", "Encounter", "Condition"))


def _ids(found: httpx.Response) -> str:
    if found.status_code != 200:
        return ""
    return " ".join(
        e["resource"]["id"]
        for e in found.json().get("entry", ())
        if e["resource"]["id"].startswith("p-b-") or e["resource"]["id"] == "p-b"
    )


ROUNDABOUT = [
    ("Patient", {"_has:Observation:patient:code": "x1", "_summary": "count"}, 2),
    ("Patient", {"_has:Condition:patient:code": "x1", "_summary": "count"}, 2),
    ("Observation", {"patient.name": "Đặng", "_summary": "count"}, 0),
    ("Observation", {"patient.identifier": NUMBER, "_summary": "count"}, 0),
    ("Observation", {"subject:Patient.birthdate": "1981-05-04", "_summary": "count"}, 30),
    ("Patient", {"_id": "p-b", "_revinclude": "Observation:patient"}, 0),
    ("Patient", {"_id": "p-b,p-a", "_revinclude": "Observation:patient"}, None),
    ("Organization", {"_id": "bv-b", "_revinclude": "Encounter:service-provider"}, None),
    ("Organization", {"_revinclude": "*", "_id": "bv-b"}, None),
    ("Organization", {"_id": "bv-b", "_revinclude:iterate": "Encounter:service-provider", "_include:iterate": "Encounter:patient"}, None),  # noqa: E501
    ("Patient", {"_sort": "-birthdate", "_total": "estimate"}, None),
    ("Observation", {"_sort": "-date", "_elements": "subject"}, None),
    ("Observation", {"_lastUpdated": "ge2000", "_summary": "true"}, None),
    ("Patient", {"_has:Observation:patient:_has:Task:focus:status": "requested", "_summary": "count"}, 2),
]  # fmt: skip


@pytest.mark.parametrize(("type_", "params", "most"), ROUNDABOUT)
async def test_no_way_round_finds_the_patient(who: Any, city: City, type_: str, params: dict[str, str], most: int | None) -> None:
    doctor = await who("doctor")
    for found in (
        await doctor.get(f"/fhir/{type_}", params=params),
        await doctor.post(f"/fhir/{type_}/_search", data=params),
    ):
        assert found.status_code < 500
        if found.status_code != 200:
            continue
        asked = json.dumps(params, ensure_ascii=False)
        body = json.loads(found.text)
        body.pop("link", None)
        text = json.dumps(body, ensure_ascii=False)
        assert not tells(text) or (NUMBER in asked and not tells(text.replace(NUMBER, "")))
        assert not _ids(found)
        if most is not None:
            assert body.get("total", 0) <= most


async def test_a_compartment_and_the_whole_system_show_nothing_of_the_patient(who: Any, city: City) -> None:
    doctor = await who("doctor")
    for url in ("/fhir/Patient/p-b/*", "/fhir/Patient/p-b/Observation", "/fhir/Patient/p-b/Encounter?_include=*", "/fhir?_lastUpdated=ge2000",  # noqa: E501
                "/fhir?_id=p-b,p-b-observation", "/fhir?_type=Patient,Observation&_count=1000"):  # fmt: skip
        found = await doctor.get(url)
        assert found.status_code in (200, 400, 403), url
        assert not tells(found.text) and not _ids(found), url


async def test_a_page_marker_of_somebody_else_opens_nothing(who: Any, city: City) -> None:
    theirs, mine = await who("doctor", "b"), await who("doctor")
    first = (await theirs.get("/fhir/Observation?_count=1")).json()
    marker = next(link["url"] for link in first["link"] if link["relation"] == "next").partition("/fhir")[2]
    found = await mine.get("/fhir" + marker)
    assert found.status_code == 200 and not tells(found.text)


@pytest.mark.parametrize("marker", [
    "[]", "[1]", "[null,null]", '["",NaN,1]', '["","x",1]', '["","2026-01-01T00:00:00",99999999999999999999999]', '["","2026-01-01",1.5]',  # noqa: E501
    '["","2026-01-01T00:00:00+00:00","1; DROP TABLE head"]', '["",{"a":1},[1]]', '["","9999-12-31T23:59:59-23:59",1]', "[" * 1500, '["-date",1,1]',  # noqa: E501
    '["","2026-01-01T00:00:00+00:00",true]', '["","2026-01-01T00:00:00+00:00",null]',
])  # fmt: skip
async def test_a_page_marker_that_was_made_up_is_refused_in_words(who: Any, city: City, marker: str) -> None:
    doctor = await who("doctor")
    for type_ in ("Observation", "Patient"):
        for sort in ("", "&_sort=_id", "&_sort=-_lastUpdated"):
            sent = base64.urlsafe_b64encode(marker.encode()).decode().rstrip("=")
            found = await doctor.get(f"/fhir/{type_}?_page={sent}{sort}")
            assert found.status_code in (200, 400), found.text
            assert not tells(found.text)


async def test_a_reference_cannot_be_used_to_ask_what_exists(who: Any, city: City) -> None:
    """An own patient's resource that names somebody else's: hidden and absent get the same no."""
    doctor = await who("doctor")
    for type_, id_ in (("Encounter", "p-b-encounter"), ("Patient", "p-b"), ("Observation", "p-b-observation")):
        got = []
        for one in (id_, "z" * len(id_)):
            observation = {
                "resourceType": "Observation", "status": "final", "code": concept("x"), "subject": {"reference": "Patient/p-a"},
                "extension": [{"url": "http://longbien.test/any", "valueReference": {"reference": f"{type_}/{one}"}}],
            }  # fmt: skip
            got.append(await doctor.post("/fhir/Observation", json=observation))
        assert got[0].status_code == 422 and same(got[0], got[1], id_, "z" * len(id_)), (got[0].text, got[1].text)


async def test_writing_about_a_hidden_and_about_an_absent_patient_get_one_answer(who: Any, city: City) -> None:
    for role in ("doctor", "nurse", "clerk"):
        browser = await who(role)
        for made in (encounter("", "p-x", "bv-a"), records("p-x", "x")[-1]):
            body = {k: v for k, v in made.items() if k != "id"}
            texts = [json.dumps(body).replace("p-x", one) for one in ("p-b", "p-0")]
            got = [await browser.post(f"/fhir/{made['resourceType']}", content=t) for t in texts]
            assert got[0].status_code == 403 and same(got[0], got[1], "p-b", "p-0"), (role, got[0].text, got[1].text)


CONDITIONS = ["identifier=http://longbien.test/cccd|" + NUMBER, "_id=p-b", "name=" + NAME]


@pytest.mark.parametrize("condition", CONDITIONS)
async def test_conditional_writes_do_not_tell_whom_they_hide(who: Any, city: City, condition: str) -> None:
    doctor = await who("doctor")
    missing = condition.replace(NUMBER, "009999999999").replace("p-b", "p-q").replace(NAME, "Không Ai Cả")

    async def ask(question: str) -> list[tuple[int, bool]]:
        found = []
        answer = await doctor.request("DELETE", "/fhir/Patient", params=httpx.QueryParams(question))
        found.append((answer.status_code, tells(answer.text)))
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": [
            {"request": {"method": "DELETE", "url": f"Patient?{question}"}},
            {"request": {"method": "GET", "url": f"Patient?{question}&_summary=count"}},
        ]}  # fmt: skip
        answer = await doctor.post("/fhir", json=bundle)
        found += [
            (int(e["response"]["status"][:3]), '"total":0' in json.dumps(e, separators=(",", ":"))) for e in answer.json()["entry"]
        ]
        observation = {
            "resourceType": "Observation",
            "status": "final",
            "code": concept("x"),
            "subject": {"reference": f"Patient?{question}"},
        }
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [
            {"resource": observation, "request": {"method": "POST", "url": "Observation"}}]}  # fmt: skip
        answer = await doctor.post("/fhir", json=bundle)
        return [*found, (answer.status_code, "Nothing matches" in answer.text)]

    assert await ask(condition) == await ask(missing)


async def test_a_resource_cannot_be_moved_to_another_patient(who: Any, machine: Any, city: City) -> None:
    """Its earlier versions would go with it. What was filed wrongly is marked as entered in error, and written anew."""
    doctor = await who("doctor", "a", 1)
    made = (await doctor.post("/fhir/Observation", json=_note("p-a"))).json()
    for target in ("p-b", "p-both"):
        moved = await doctor.put(f"/fhir/Observation/{made['id']}", json={**made, "subject": {"reference": f"Patient/{target}"}})
        assert moved.status_code in (403, 409, 422), moved.text
    assert (await doctor.get(f"/fhir/Observation/{made['id']}")).json()["subject"] == {"reference": "Patient/p-a"}
    assert (await doctor.delete(f"/fhir/Observation/{made['id']}")).status_code == 403  # nobody deletes: it is marked as in error
    assert (await (await machine()).delete(f"/fhir/Observation/{made['id']}")).status_code == 204
    again = await doctor.put(f"/fhir/Observation/{made['id']}", json={**made, "subject": {"reference": "Patient/p-both"}})
    assert again.status_code in (403, 409, 422), again.text


async def test_earlier_versions_stay_with_the_patient_they_were_about(who: Any, machine: Any, city: City) -> None:
    """A machine may move a resource (an import, a merge): who sees the new patient does not see what the old one's said."""
    full, doctor = await machine(), await who("doctor")
    made = (await full.post("/fhir/Observation", json={**_note("p-b"), "valueString": SECRET})).json()
    moved = await full.put(
        f"/fhir/Observation/{made['id']}", json={**made, "subject": {"reference": "Patient/p-a"}, "valueString": "khác"}
    )
    assert moved.status_code == 200
    assert (await doctor.get(f"/fhir/Observation/{made['id']}")).status_code == 200
    assert (await doctor.get(f"/fhir/Observation/{made['id']}/_history/1")).status_code == 404
    history = await doctor.get(f"/fhir/Observation/{made['id']}/_history")
    assert history.status_code == 200 and not tells(history.text)


async def test_moving_a_resource_is_told_in_both_records(app: App, machine: Any, city: City) -> None:
    full = await machine()
    made = (await full.post("/fhir/Observation", json=_note("p-b"))).json()
    before = await newest(app.state.engine)
    await full.put(f"/fhir/Observation/{made['id']}", json={**made, "subject": {"reference": "Patient/p-a"}})
    told = {x["pat"] for x in await lines(app.state.engine) if x["seq"] > before and x["action"] == b"U"}
    assert told == {patient_key("p-a"), patient_key("p-b")}


def _note(of: str) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": "final", "code": concept("x"), "subject": {"reference": f"Patient/{of}"}}


async def test_an_entry_is_read_only_on_the_page_of_its_own_patient(who: Any, city: City) -> None:
    doctor = await who("doctor")
    own = await doctor.get("/patients/p-a/read/Condition/p-a-condition")
    assert own.status_code == 200
    for patient, entry in (
        ("p-a", "p-both-condition"),
        ("p-a", "p-b-condition"),
        ("p-b", "p-a-condition"),
        ("p-b", "p-b-condition"),
    ):
        answer = await doctor.get(f"/patients/{patient}/read/Condition/{entry}")
        assert answer.status_code in (403, 404) and "lời-both" not in answer.text and SECRET not in answer.text, (patient, entry)


@pytest.mark.parametrize("tail", ["", "/labs", "/notes", "/drugs", "/imaging", "/visits", "/problems", "/nursing", "/who-saw", "/live", "/labs/x1",  # noqa: E501
                                  "/read/Observation/p-b-observation"])  # fmt: skip
async def test_the_pages_of_a_foreign_patient_show_nothing_clinical(who: Any, city: City, tail: str) -> None:
    for role in (
        "doctor",
        "nurse",
        "laboratory",
        "pharmacist",
        "cashier",
        "clerk",
        "it",
        "director",
        "analyst",
        "records",
        "insurance",
    ):
        browser = await who(role)
        answer = await browser.get(f"/patients/p-b{tail}")
        assert answer.status_code in (403, 404), (role, tail, answer.status_code)
        assert SECRET not in answer.text and NUMBER not in answer.text, (role, tail)


@pytest.mark.parametrize("patient", ["p-b", "p-gone", "p-nobody"])
@pytest.mark.parametrize("path", ["seen", "acknowledge", "write/note", "write/allergy", "drafts/note"])
async def test_the_forms_of_a_foreign_patient_take_nothing(who: Any, city: City, patient: str, path: str) -> None:
    doctor = await who("doctor")
    form = {"csrf": form_token(doctor), "text": "ghi chú", "result": "p-b-observation", "substance": "x"}
    answer = await doctor.post(f"/patients/{patient}/{path}", data=form)
    assert answer.status_code in (403, 404) and not tells(answer.text)


async def test_types_are_held_for_every_role(who: Any, city: City) -> None:
    """What a role's table does not name is refused at every verb, also inside a batch and by way of _include."""
    wrong = []
    for role in ("clerk", "cashier", "it", "director", "analyst", "laboratory", "pharmacist", "insurance", "nurse", "records"):
        browser = await who(role)
        table = ROLES[role]
        for type_ in city.of["a"]:
            reads = table.reads is None or type_ in table.reads
            for url in (f"/fhir/{type_}", f"/fhir/{type_}/p-a-x", f"/fhir/{type_}/p-a-x/_history", f"/fhir/Patient/p-a/{type_}"):
                answer = await browser.get(url)
                if not reads and answer.status_code != 403:
                    wrong.append((role, url, answer.status_code))
            if table.writes is not None and type_ not in table.writes:
                for method, url in (
                    ("POST", f"/fhir/{type_}"),
                    ("PUT", f"/fhir/{type_}/p-a-x"),
                    ("DELETE", f"/fhir/{type_}/p-a-x"),
                ):
                    answer = await browser.request(
                        method, url, json={"resourceType": type_, "id": "p-a-x", "subject": {"reference": "Patient/p-a"}}
                    )
                    if answer.status_code not in (403, 422):
                        wrong.append((role, method, url, answer.status_code, answer.text[:100]))
        everything = await browser.get("/fhir?_lastUpdated=ge2000&_count=1000&_include=*&_revinclude=*")
        got = {e["resource"]["resourceType"] for e in everything.json().get("entry", ())} - {"OperationOutcome"}
        if table.reads is not None and not got <= table.reads:
            wrong.append((role, "everything", got - table.reads))
    assert not wrong


@pytest.mark.parametrize("role", ["doctor", "nurse", "it", "records", "clerk"])
async def test_nobody_reads_the_trail_by_fhir_but_who_may(who: Any, city: City, role: str) -> None:
    browser = await who(role)
    for url in ("/fhir/AuditEvent", "/fhir/AuditEvent/1", "/fhir/AuditEvent?patient=p-b", "/fhir?_type=AuditEvent"):
        assert (await browser.get(url)).status_code == 403


async def test_a_machine_gets_what_its_scope_says_and_no_more(machine: Any, city: City) -> None:
    narrow = await machine("system/Patient.rs")
    for url in ("/fhir/Observation", "/fhir/Observation/p-b-observation", "/fhir/AuditEvent", "/fhir/Patient?_revinclude=Observation:patient",  # noqa: E501
                "/fhir/Patient/p-b/Observation", "/fhir/Patient?_has:Observation:patient:code=x1", "/fhir?_type=Observation"):  # fmt: skip # noqa: E501
        assert (await narrow.get(url)).status_code == 403, url
    for url in ("/fhir/Patient/p-b/*", "/fhir?_lastUpdated=ge2000", "/fhir/Patient?_include=*"):
        answer = await narrow.get(url)
        assert answer.status_code == 200 and SECRET not in answer.text
    assert (await narrow.post("/fhir/Patient", json={"resourceType": "Patient"})).status_code == 403
    entries = [
        {"request": {"method": "GET", "url": "Observation/p-b-observation"}},
        {"request": {"method": "GET", "url": "Patient/p-b/Observation"}},
        {"resource": _note("p-b"), "request": {"method": "POST", "url": "Observation"}},
        {"request": {"method": "DELETE", "url": "Patient/p-b"}},
        {"request": {"method": "GET", "url": "AuditEvent"}},
    ]
    batch = (await narrow.post("/fhir", json={"resourceType": "Bundle", "type": "batch", "entry": entries})).json()
    assert [e["response"]["status"][:3] for e in batch["entry"]] == ["403"] * 5
    for entry in entries:
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
        assert (await narrow.post("/fhir", json=bundle)).status_code == 403
    writer = await machine("system/Observation.write")
    assert (await writer.get("/fhir/Observation/p-b-observation")).status_code == 403
    for answer in (
        await writer.post("/fhir/Observation", json=_note("p-b"), headers={"If-None-Exist": "code=x1"}),
        await writer.put("/fhir/Observation?code=x1", json=_note("p-b")),
        await writer.delete("/fhir/Observation?code=x1"),
    ):
        assert answer.status_code == 403 and SECRET not in answer.text


async def test_care_that_has_ended_long_ago_opens_nothing(who: Any, city: City) -> None:
    doctor, records_office = await who("doctor"), await who("records")
    assert (await doctor.get("/fhir/Patient/p-gone")).status_code == 404
    assert (await records_office.get("/fhir/Patient/p-gone")).status_code == 200
    assert BASE  # the record's office keeps the archive: care-ever
