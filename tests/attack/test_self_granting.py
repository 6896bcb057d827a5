"""Opening a record to oneself: by an encounter, an appointment, a referral or a care team at one's own facility, and by time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hospitals import SECRET, City, encounter, form_token, lines, newest, patient

from longbien.app import App
from longbien.base import clock
from longbien.base.ids import patient_key
from longbien.record.change import Update
from longbien.record.index import rows
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.record.trail import KINDS

pytestmark = pytest.mark.asyncio(loop_scope="session")
# ruff: noqa: E501 - answers and resources stand as they are


def giving(of: str, hospital: str) -> list[dict[str, Any]]:
    """Every kind of resource that puts a patient under a facility's care."""
    who, org, now = {"reference": f"Patient/{of}"}, {"reference": f"Organization/{hospital}"}, clock.instant(clock.now())
    visit = encounter("", of, hospital)
    del visit["id"]
    return [
        visit,
        {"resourceType": "EpisodeOfCare", "status": "active", "patient": who, "managingOrganization": org},
        {"resourceType": "CareTeam", "status": "active", "subject": who, "managingOrganization": [org]},
        {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": who, "performer": [org], "authoredOn": now},
    ]  # fmt: skip


async def a_patient(app: App, id_: str, hospital: str | None = "bv-b") -> str:
    """Somebody of hospital b, for one test alone."""
    made = [patient(id_, "Trần Văn Kín", "00107777" + str(len(id_)).zfill(4))]
    if hospital:
        made.append(encounter(f"{id_}-encounter", id_, hospital))
    await Store(app.state.engine, system("a patient more")).commit([Update(r) for r in made])
    return id_


async def state_purpose(browser: Any, of: str, purpose: str = "TREAT") -> None:
    form = {"csrf": form_token(browser), "purpose": purpose, "reason": "hội chẩn theo yêu cầu của bệnh viện bạn"}
    assert (await browser.post(f"/patients/{of}/purpose", data=form)).status_code == 303


@pytest.mark.parametrize("role", ["doctor", "nurse", "clerk", "head", "laboratory", "imaging", "pharmacist", "records", "cashier"])
async def test_nobody_puts_a_foreign_patient_under_their_own_care(who: Any, city: City, role: str) -> None:
    browser = await who(role)
    for resource in giving("p-b", "bv-a"):
        for answer in (
            await browser.post(f"/fhir/{resource['resourceType']}", json=resource),
            await browser.put(f"/fhir/{resource['resourceType']}/mine-1", json={**resource, "id": "mine-1"}),
            await browser.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": [
                {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"]}}]}),
        ):  # fmt: skip
            assert answer.status_code == 403, (resource["resourceType"], answer.text)
    assert (await browser.get("/fhir/Patient/p-b")).status_code in (403, 404)


@pytest.mark.parametrize("role", ["doctor", "head", "laboratory", "imaging"])
async def test_a_stated_purpose_does_not_become_care(app: App, who: Any, city: City, role: str) -> None:
    """It lasts some hours and opens the record to one person; an encounter would open it to the whole facility, for months."""
    of = await a_patient(app, f"p-purpose-{role}")
    browser = await who(role)
    await state_purpose(browser, of)
    assert (await browser.get(f"/fhir/Patient/{of}")).status_code == 200
    for resource in giving(of, "bv-a"):
        answer = await browser.post(f"/fhir/{resource['resourceType']}", json=resource)
        assert answer.status_code == 403, (resource["resourceType"], answer.text)
    colleague = await who("nurse")
    assert (await colleague.get(f"/fhir/Patient/{of}")).status_code == 404


@pytest.mark.parametrize("role", ["clerk", "nurse"])
async def test_reception_registers_whom_it_has_opened_by_a_purpose_and_the_record_says_so(
    app: App, who: Any, city: City, role: str
) -> None:
    of = await a_patient(app, f"p-reception-{role}")
    browser = await who(role)
    await state_purpose(browser, of, "HOPERAT" if role == "clerk" else "TREAT")
    before = await newest(app.state.engine)
    answer = await browser.post("/fhir/Encounter", json=giving(of, "bv-a")[0])
    assert answer.status_code == 201, answer.text
    assert (await (await who("doctor")).get(f"/fhir/Patient/{of}")).status_code == 200
    told = [x for x in await lines(app.state.engine, pat=patient_key(of)) if x["seq"] > before and x["kind"] == KINDS.index("care")]
    assert len(told) == 1 and told[0]["why"] and told[0]["rid"]
    page = await (await who("doctor")).get(f"/patients/{of}/who-saw?days=1")
    assert "ghi nhận người bệnh vào cơ sở chăm sóc" in page.text


async def test_a_new_patient_is_registered_in_one_commit_by_those_who_receive_people(who: Any, city: City) -> None:
    for role in ("clerk", "nurse", "doctor"):
        browser = await who(role)
        new = patient("", f"Người Mới {role}", "00108888" + str(len(role)).zfill(4))
        del new["id"]
        visit = giving("x", "bv-a")[0] | {"subject": {"reference": "urn:uuid:0c0bd9d0-1b12-4d1a-8a53-6f3b3f3c1f01"}}
        entries = [
            {"fullUrl": "urn:uuid:0c0bd9d0-1b12-4d1a-8a53-6f3b3f3c1f01", "resource": new, "request": {"method": "POST", "url": "Patient"}},
            {"resource": visit, "request": {"method": "POST", "url": "Encounter"}},
        ]  # fmt: skip
        answer = await browser.post("/fhir", json={"resourceType": "Bundle", "type": "transaction", "entry": entries})
        assert answer.status_code == 200, answer.text


async def test_care_cannot_be_borrowed_for_a_second_patient_of_one_resource(who: Any, city: City) -> None:
    """An appointment of an own patient that also names a foreign one opens nothing of the foreign one's."""
    doctor = await who("doctor")
    now = clock.instant(clock.now())
    both = [{"actor": {"reference": f"Patient/{p}"}, "status": "accepted"} for p in ("p-a", "p-b")]
    resource = {"resourceType": "Appointment", "status": "booked", "start": now, "end": now, "participant": both}
    answer = await doctor.post("/fhir/Appointment", json=resource)
    assert answer.status_code in (201, 403, 422)
    assert (await doctor.get("/fhir/Patient/p-b")).status_code == 404
    assert (await doctor.get("/fhir/Observation/p-b-observation")).status_code == 404


async def test_a_revoked_referral_and_a_mistaken_visit_open_nothing(app: App, who: Any, city: City) -> None:
    of = await a_patient(app, "p-cancelled")
    store = Store(app.state.engine, system("cancelled"))
    referral = giving(of, "bv-a")[3]
    mistaken = {**encounter("wrong-1", of, "bv-a"), "status": "entered-in-error"}
    old = {**referral, "id": "done-1", "status": "completed", "authoredOn": "2020-01-01T08:00:00+07:00"}
    await store.commit([Update({**referral, "id": "revoked-1", "status": "revoked"}), Update(mistaken), Update(old)])
    assert (await (await who("doctor")).get(f"/fhir/Patient/{of}")).status_code == 404


async def test_an_appointment_opens_the_record_for_its_day_and_not_for_ever() -> None:
    def cares(**more: Any) -> Any:
        who = [{"actor": {"reference": r}, "status": "accepted"} for r in ("Patient/p-a", "Organization/bv-a")]
        return rows({"resourceType": "Appointment", "id": "x", "status": "booked", "participant": who, **more}).cares

    ((_, lo, hi),) = cares(start="2026-01-01T08:00:00+07:00", end="2026-01-01T09:00:00+07:00")
    assert (lo.year, hi.year, hi.day) == (2026, 2026, 1)
    assert cares(start="2026-01-01T08:00:00+07:00", status="cancelled") == []


async def test_a_live_stream_ends_with_the_right_to_see(app: App, who: Any, city: City) -> None:
    """Also while news come all the time."""
    of = await a_patient(app, "p-live")
    engine = app.state.engine
    nurse = await who("nurse", "a", 5)
    await state_purpose(nurse, of)
    sent: list[bytes] = []
    ended = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await ended.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message.get("body", b""))

    headers = [(b"host", b"hanoi.test"), (b"cookie", f"longbien={nurse.cookies['longbien']}".encode())]
    scope = {"type": "http", "method": "GET", "path": f"/patients/{of}/live", "raw_path": b"", "query_string": b"", "headers": headers,
             "scheme": "http", "client": ("127.0.0.1", 1), "server": ("hanoi.test", 80), "http_version": "1.1", "asgi": {"version": "3.0"}}  # fmt: skip
    stream = asyncio.create_task(app(scope, receive, send))
    store = Store(engine, system("news"))

    async def news(n: int) -> None:
        await store.commit([Update({**patient(of, f"Trần Văn Kín {n}", "001077770000")})])
        await asyncio.sleep(0.2)

    for n in range(20):
        await news(n)
        if b"changed" in b"".join(sent):
            break
    assert b"event: changed" in b"".join(sent)
    await engine.db.execute("INSERT INTO purpose_end (number) SELECT number FROM purpose_grant WHERE pat = $1", patient_key(of))
    for n in range(30):
        await news(n)
        if stream.done():
            break
    ended.set()
    assert stream.done(), "the stream goes on after the right has ended"
    await stream


async def test_news_of_a_foreign_patient_are_not_given(who: Any, city: City) -> None:
    for role in ("doctor", "nurse", "records", "cashier", "it"):
        answer = await (await who(role)).get("/patients/p-b/live")
        assert answer.status_code in (403, 404) and SECRET not in answer.text


async def test_a_draft_is_its_writers_alone(who: Any, city: City) -> None:
    mine, theirs = await who("doctor"), await who("doctor", "a", 7)
    kept = await mine.post("/patients/p-a/drafts/note", data={"csrf": form_token(mine), "subjective": "nháp-riêng-tư"})
    assert kept.status_code == 200, kept.text
    assert "nháp-riêng-tư" in (await mine.get("/patients/p-a?panel=note")).text
    assert "nháp-riêng-tư" not in (await theirs.get("/patients/p-a?panel=note")).text
