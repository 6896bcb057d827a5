"""Nothing is done without a line, no line holds what it must not, and nobody takes a line back."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import httpx
import pytest
from hospitals import NAME, NUMBER, SECRET, City, concept, encounter, form_token, lines, newest

from longbien.app import App
from longbien.base.errors import Unavailable
from longbien.base.ids import patient_key
from longbien.record import trail

pytestmark = pytest.mark.asyncio(loop_scope="session")
# ruff: noqa: E501 - what is asked stands as it is asked

#: What hospital a's doctor may do, and how: method, address, headers, body.
ALLOWED: list[tuple[str, str, dict[str, str], Any]] = [
    ("GET", "/fhir/Patient/p-a", {}, None), ("HEAD", "/fhir/Patient/p-a", {}, None), ("GET", "/fhir/Patient/p-a", {"If-None-Match": 'W/"1"'}, None),
    ("GET", "/fhir/Patient/p-a?_summary=true", {}, None), ("GET", "/fhir/Patient/p-a?_elements=id", {}, None), ("GET", "/fhir/Patient/p-a/_history/1", {}, None),
    ("GET", "/fhir/Patient/p-a/_history", {}, None), ("GET", "/fhir/Patient/p-a/_history?_summary=count", {}, None),
    ("GET", "/fhir/Observation?patient=p-a", {}, None), ("HEAD", "/fhir/Observation?patient=p-a", {}, None),
    ("GET", "/fhir/Observation?patient=p-a&_summary=count", {}, None), ("GET", "/fhir/Observation?patient=p-a&_count=0", {}, None),
    ("POST", "/fhir/Observation/_search", {"Content-Type": "application/x-www-form-urlencoded"}, "patient=p-a"), ("GET", "/fhir/Patient/p-a/*", {}, None),
    ("GET", "/fhir?_lastUpdated=ge2000", {}, None), ("GET", "/patients/p-a", {}, None), ("HEAD", "/patients/p-a", {}, None), ("GET", "/patients/p-a?part=1", {}, None),
    ("GET", "/patients/p-a/labs", {}, None), ("GET", "/patients/p-a/notes", {}, None), ("GET", "/patients/p-a/labs/4548-4", {}, None), ("GET", "/patients/p-a/who-saw", {}, None),
    ("GET", "/patients/p-a/read/Condition/p-a-condition", {}, None), ("GET", "/patients/p-a/read/Condition/p-a-condition?part=1", {}, None),
    ("GET", "/today", {}, None), ("GET", "/search?q=Nguyễn+Văn+An", {}, None), ("GET", "/search?q=Nguyễn&part=1", {}, None),
    ("GET", "/patients/p-b", {}, None),  # the name on the page that asks for a purpose
]  # fmt: skip


@pytest.mark.parametrize("n", range(len(ALLOWED)))
async def test_no_answer_about_a_patient_leaves_without_its_line(app: App, who: Any, city: City, n: int) -> None:
    method, url, headers, body = ALLOWED[n]
    doctor = await who("doctor")
    before = await newest(app.state.engine)
    answer = await doctor.request(method, url, headers=headers, content=body)
    assert answer.status_code in (200, 304, 403, 404), answer.text
    told = [x for x in await lines(app.state.engine) if x["seq"] > before]
    assert told, "no line"
    assert all(x["actor"] > 0 and x["addr"] for x in told)
    if answer.status_code in (200, 304):
        assert all(x["purpose"] and x["why"] for x in told if x["kind"] != trail.KINDS.index("refused"))


#: What nobody of hospital a may do to hospital b's patient.
REFUSED: list[tuple[str, str, dict[str, str], Any]] = [
    ("GET", "/fhir/Patient/p-b", {}, None), ("HEAD", "/fhir/Patient/p-b", {}, None), ("GET", "/fhir/Patient/p-b/_history", {}, None),
    ("GET", "/fhir/Patient/p-b/_history/1", {}, None), ("PUT", "/fhir/Patient/p-b", {}, {"resourceType": "Patient", "id": "p-b"}), ("DELETE", "/fhir/Patient/p-b", {}, None),
    ("POST", "/fhir/Encounter", {}, {k: v for k, v in encounter("", "p-b", "bv-a").items() if k != "id"}),
    ("POST", "/fhir/Invoice", {}, {"resourceType": "Invoice", "status": "draft", "subject": {"reference": "Patient/p-a"}}),
    ("POST", "/fhir", {}, {"resourceType": "Bundle", "type": "transaction", "entry": [{"request": {"method": "DELETE", "url": "Patient/p-b"}}]}),
    ("POST", "/fhir", {}, {"resourceType": "Bundle", "type": "transaction", "entry": [{"request": {"method": "PUT", "url": "Condition/p-b-condition"}, "resource":
        {"resourceType": "Condition", "id": "p-b-condition", "code": concept("x"), "subject": {"reference": "Patient/p-a"}}}]}),
    ("POST", "/fhir", {}, {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": "Patient/p-b"}}]}),
    ("POST", "/fhir", {}, {"resourceType": "Bundle", "type": "transaction", "entry": [{"request": {"method": "GET", "url": "Patient/p-b"}}]}),
    ("GET", "/fhir/Account", {}, None), ("GET", "/fhir/AuditEvent", {}, None), ("GET", "/fhir/Patient?_revinclude=Account:patient", {}, None),
    ("GET", "/fhir/Patient/nobody-knows-this-id", {}, None), ("GET", "/fhir/Patient/nobody-knows-this-id/_history", {}, None),
]  # fmt: skip


@pytest.mark.parametrize("n", range(len(REFUSED)))
async def test_every_refusal_leaves_a_line(app: App, who: Any, city: City, n: int) -> None:
    method, url, headers, body = REFUSED[n]
    doctor = await who("nurse")
    before = await newest(app.state.engine)
    answer = await doctor.request(method, url, headers=headers, json=body)
    assert answer.status_code in (200, 204, 400, 403, 404, 422), answer.text
    told = [x for x in await lines(app.state.engine, outcome=trail.REFUSED) if x["seq"] > before]
    assert told and all(x["actor"] > 0 for x in told), answer.text
    if "p-b" in url and "Patient" in url:
        assert {x["pat"] for x in told} == {patient_key("p-b")}


async def test_pages_that_a_role_may_not_open_leave_a_line(app: App, who: Any, city: City) -> None:
    for role, url in (
        ("it", "/patients/p-a"),
        ("director", "/search?q=x"),
        ("cashier", "/patients/p-a"),
        ("pharmacist", "/patients/p-a/who-saw"),
    ):
        browser = await who(role)
        before = await newest(app.state.engine)
        assert (await browser.get(url)).status_code == 403
        assert [x for x in await lines(app.state.engine, outcome=trail.REFUSED) if x["seq"] > before], (role, url)


async def test_knocking_leaves_a_line(app: App, anonymous: httpx.AsyncClient) -> None:
    before = await newest(app.state.engine)
    await anonymous.get("/fhir/Patient", headers={"Authorization": "Bearer wrong"})
    await app.state.door.knocks.close()
    assert [x for x in await lines(app.state.engine, actor=-1) if x["seq"] > before]


async def test_writing_by_forms_leaves_lines(app: App, who: Any, city: City) -> None:
    doctor = await who("doctor")
    before = await newest(app.state.engine)
    form = {"csrf": form_token(doctor), "subjective": "đau đầu", "plan": "theo dõi"}
    assert (await doctor.post("/patients/p-a/write/note", data=form)).status_code == 303
    told = [x for x in await lines(app.state.engine, pat=patient_key("p-a")) if x["seq"] > before]
    assert {x["action"] for x in told} >= {b"C"}


async def test_when_the_trail_cannot_be_written_nothing_is_told(
    app: App, who: Any, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cannot(*_: Any) -> None:
        raise Unavailable("The trail could not be written.")

    doctor = await who("doctor")
    await doctor.get("/today")
    monkeypatch.setattr(app.state.engine.trail, "write", cannot)
    for method, url, headers, body in ALLOWED:
        answer = await doctor.request(method, url, headers=headers, content=body)
        assert answer.status_code == 503, (method, url, answer.status_code)
        assert "Nguyễn Văn An" not in answer.text and "lời-a" not in answer.text


ASKING: list[Callable[[httpx.AsyncClient], Awaitable[Any]]] = [
    lambda c: c.get("/fhir/Patient", params={"name": NAME}), lambda c: c.get("/fhir/Patient", params={"name:exact": NAME, "_sort": "name"}),
    lambda c: c.get("/fhir/Patient", params={"identifier": f"http://longbien.test/cccd|{NUMBER}"}), lambda c: c.get("/fhir/Patient", params={"phone": NUMBER}),
    lambda c: c.get("/fhir/Observation", params={"patient.name": NAME}), lambda c: c.get("/fhir/Observation", params={"subject:Patient.identifier": NUMBER}),
    lambda c: c.get("/fhir/Observation", params={"subject:identifier": f"http://longbien.test/cccd|{NUMBER}"}),
    lambda c: c.get("/fhir/Patient", params={"identifier:of-type": f"http://x|MR|{NUMBER}"}), lambda c: c.get("/fhir/Patient", params={"nothing": NAME}),
    lambda c: c.get("/fhir/Patient", params={"_sort": NAME}), lambda c: c.get("/fhir/Patient", params={"_has:RelatedPerson:patient:name": NAME}),
    lambda c: c.get("/fhir/Patient", params={"address": NAME, "general-practitioner": NAME}), lambda c: c.get(f"/fhir/Patient/{NAME}"),
    lambda c: c.get("/fhir", params={"_id": NAME}), lambda c: c.post("/fhir/Patient/_search", data={"name": NAME, "family": NAME, "given": NAME}),
    lambda c: c.post("/fhir/Patient", json={"resourceType": "Patient"}, headers={"If-None-Exist": "identifier=" + NUMBER}),
    lambda c: c.delete("/fhir/Patient", params={"identifier": "x|" + NUMBER}), lambda c: c.get("/search", params={"q": NAME}), lambda c: c.get("/search", params={"q": NUMBER}),
    lambda c: c.get(f"/patients/{NAME}"), lambda c: c.get("/today", params={"whose": NAME}), lambda c: c.get("/terms/icd10", params={"q": NAME}),
]  # fmt: skip


@pytest.mark.parametrize("n", range(len(ASKING)))
async def test_no_name_and_no_number_gets_into_the_trail_or_a_log(
    app: App, who: Any, city: City, n: int, caplog: pytest.LogCaptureFixture
) -> None:
    for role in ("doctor", "clerk"):
        browser = await who(role)
        before = await newest(app.state.engine)
        with caplog.at_level(logging.DEBUG, "longbien"):
            answer = await ASKING[n](browser)
        assert answer.status_code < 500
        told = [dict(x) for x in await lines(app.state.engine) if x["seq"] > before]
        assert not [x for x in told if NAME in str(x) or NUMBER in str(x) or SECRET in str(x)]
        ours = "\n".join(r.getMessage() for r in caplog.records if r.name.startswith("longbien"))
        assert NAME not in ours and NUMBER not in ours


async def test_the_applications_role_can_change_no_log(record_urls: tuple[str, str]) -> None:
    """What an attacker can do who has taken over a web process, and so signs in to the database as it does."""
    connection = await asyncpg.connect(record_urls[1])
    try:
        for table in ("audit", "audit_block", "ver"):
            for sql in (f"UPDATE {table} SET xid = 0" if table != "audit_block" else "UPDATE audit_block SET n = 0", f"DELETE FROM {table}", f"TRUNCATE {table}",
                        f"DROP TABLE {table}", f"ALTER TABLE {table} DISABLE TRIGGER ALL", f"CREATE RULE x AS ON INSERT TO {table} DO INSTEAD NOTHING"):  # fmt: skip
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(sql)
        for sql in ("INSERT INTO audit_block SELECT * FROM audit_block", "INSERT INTO audit (seq, actor, action, kind) OVERRIDING SYSTEM VALUE VALUES (1, 1, 'R', 0)",
                    "INSERT INTO audit (xid, actor, action, kind) VALUES (1, 1, 'R', 0)", "INSERT INTO audit (at, actor, action, kind) VALUES (now(), 1, 'R', 0)",
                    "UPDATE account SET login = 'x'", "DELETE FROM account", "DELETE FROM api_token", "UPDATE api_token SET hash = ''", "UPDATE api_token SET scope = 'system/*.*'",
                    "UPDATE purpose_grant SET until = 'infinity'", "DELETE FROM purpose_grant", "UPDATE session SET account = 1", "UPDATE session SET expires = 'infinity'",
                    "CREATE TABLE x (a int)", "CREATE FUNCTION x() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE SCHEMA x", "SET ROLE postgres",
                    "SET session_replication_role = replica", "ALTER ROLE longbien_app SUPERUSER", "COPY audit TO '/tmp/x'", "SELECT pg_read_file('/etc/passwd')",
                    "SELECT * FROM pg_authid", "COPY (SELECT 1) TO PROGRAM 'id'"):  # fmt: skip
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.GeneratedAlwaysError)):
                await connection.execute(sql)
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute("SELECT lo_import('/etc/passwd')")
    finally:
        await connection.close()


async def test_functions_that_run_as_the_owner_cannot_be_led_astray(record_urls: tuple[str, str]) -> None:
    connection = await asyncpg.connect(record_urls[0])
    try:
        found = await connection.fetch(
            """SELECT p.proname, p.proconfig, has_function_privilege('public', p.oid, 'EXECUTE') AS public FROM pg_proc p
               JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema')"""
        )
        assert found
        for f in found:
            path = [c for c in f["proconfig"] or () if c.startswith("search_path=")]
            assert path == ["search_path=public, pg_temp"], f"{f['proname']}: temporary tables would come before ours"
            assert not f["public"], f"{f['proname']}: anybody may call it"
        assert not await connection.fetchval("SELECT has_schema_privilege('longbien_app', 'public', 'CREATE')")
        assert not await connection.fetchval("SELECT has_schema_privilege('public', 'public', 'CREATE')")
        others = await connection.fetch(
            "SELECT table_name FROM information_schema.table_privileges WHERE grantee = 'PUBLIC' AND table_schema = 'public'"
        )
        assert {x["table_name"] for x in others} <= {"pg_stat_statements", "pg_stat_statements_info"}
    finally:
        await connection.close()


async def test_the_chain_is_whole_after_all_this(app: App) -> None:
    engine = app.state.engine
    await trail.catch_up(engine.db)
    assert await trail.verify(engine.db) == []
