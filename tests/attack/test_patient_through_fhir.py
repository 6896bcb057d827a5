"""A patient and a carer at the FHIR door: every way of asking finds their own record and nothing else; nothing is written."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from hospitals import BASE, NUMBER, PASSWORD, City, lines, newest, tells

from longbien.access.accounts import NewAccount, create
from longbien.app import App

OWN = "p-a"


def client(app: App) -> httpx.AsyncClient:
    """A browser on our own pages."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=BASE, headers={"Origin": BASE})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def patient(app: App, city: City) -> AsyncIterator[httpx.AsyncClient]:
    """Signed in as hospital a's patient, as a browser is."""
    login = f"pt.{secrets.token_hex(4)}"
    await create(
        app.state.engine, app.state.door.hasher, None, NewAccount(login, "Nguyễn Văn An", "patient", patient=OWN), PASSWORD
    )
    async with client(app) as browser:
        answer = await browser.post("/sign-in", data={"name": login, "password": PASSWORD})
        assert answer.status_code == 303 and (await browser.get("/")).headers["location"] == "/me"
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def carer(app: App, city: City) -> AsyncIterator[httpx.AsyncClient]:
    """Signed in as a carer whom nobody has let see anything."""
    login = f"ca.{secrets.token_hex(4)}"
    await create(app.state.engine, app.state.door.hasher, None, NewAccount(login, "Không Ai", "carer"), PASSWORD)
    async with client(app) as browser:
        await browser.post("/sign-in", data={"name": login, "password": PASSWORD})
        yield browser


async def test_their_own_record_is_open(patient: httpx.AsyncClient, city: City) -> None:
    for type_, id_ in city.of["a"].items():
        assert (await patient.get(f"/fhir/{type_}/{id_}")).status_code == 200, type_


@pytest.mark.parametrize("who", ["patient", "carer"])
async def test_no_way_of_asking_finds_another(patient: httpx.AsyncClient, carer: httpx.AsyncClient, city: City, who: str) -> None:
    asking, mine = (patient, set(city.of["a"].values())) if who == "patient" else (carer, set())
    for type_, id_ in city.of["b"].items():
        for url in (f"/fhir/{type_}/{id_}", f"/fhir/{type_}/{id_}/_history", f"/fhir/{type_}/{id_}/_history/1"):
            answer = await asking.get(url)
            assert answer.status_code in (403, 404) and not tells(answer.text), url
        missing = await asking.get(f"/fhir/{type_}/no-such-id")
        hidden = await asking.get(f"/fhir/{type_}/{id_}")
        assert missing.status_code == hidden.status_code, type_
        found = await asking.get(f"/fhir/{type_}?_total=accurate&_count=200")
        if found.status_code == 200:
            ids = {e["resource"]["id"] for e in found.json().get("entry", ()) if e["search"]["mode"] == "match"}
            assert ids <= mine and found.json()["total"] == len(ids), type_
    for url in (
        "/fhir/Patient/p-b/$everything", "/fhir/Patient/$everything", "/fhir/Patient?_has:Observation:patient:status=final",
        "/fhir/Observation?patient.name=Bí", "/fhir/Patient?name=Bí", "/fhir/Patient?_revinclude=Observation:patient&_include=*",
        "/fhir/Encounter?_include=Encounter:subject", "/fhir?_type=Patient,Observation", "/fhir/_history",
        "/fhir/Observation/_history",
        "/fhir/Observation/$lastn?patient=Patient/p-b", "/fhir/Patient/p-b/$summary", "/fhir/Patient/$export", "/fhir/$export",
        "/fhir/AuditEvent?patient=Patient/p-b", "/fhir/Observation?subject=Patient/p-b&_total=accurate",
    ):  # fmt: skip
        answer = await asking.get(url)
        assert answer.status_code < 500 and not tells(answer.text) and "p-b-" not in answer.text, url


async def test_a_number_of_anothers_finds_nobody(patient: httpx.AsyncClient) -> None:
    assert (await patient.get(f"/fhir/Patient?identifier={NUMBER}")).json()["total"] == 0


async def test_nothing_is_written_not_even_into_ones_own_record(patient: httpx.AsyncClient, app: App, city: City) -> None:
    before = await newest(app.state.engine)
    about = {"reference": f"Patient/{OWN}"}
    bodies = (
        {"resourceType": "Task", "status": "completed", "intent": "order", "for": about},
        {"resourceType": "Consent", "status": "active", "patient": about},
        {"resourceType": "RelatedPerson", "patient": about, "active": True},
        {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": about},
        {"resourceType": "Patient", "name": [{"text": "Mới"}]},
        {"resourceType": "Subscription", "status": "requested", "reason": "x", "criteria": "Observation?",
         "channel": {"type": "rest-hook", "endpoint": "https://example.org"}},
    )  # fmt: skip
    for body in bodies:
        assert (await patient.post(f"/fhir/{body['resourceType']}", json=body)).status_code in (403, 404, 422), body
    for id_ in (OWN, "p-b"):
        assert (await patient.put(f"/fhir/Patient/{id_}", json={"resourceType": "Patient", "id": id_})).status_code in (403, 404)
        assert (await patient.delete(f"/fhir/Patient/{id_}")).status_code in (403, 404)
    bundle = {
        "resourceType": "Bundle", "type": "transaction",
        "entry": [{"resource": bodies[3], "request": {"method": "POST", "url": "Observation"}}],
    }  # fmt: skip
    assert (await patient.post("/fhir", json=bundle)).status_code in (403, 404)
    written = [
        x for x in await lines(app.state.engine) if x["seq"] > before and x["action"] in (b"C", b"U", b"D") and not x["outcome"]
    ]
    assert written == []


async def test_staffs_pages_stay_shut(patient: httpx.AsyncClient) -> None:
    for url in (
        "/today",
        "/patients/p-a",
        "/patients/p-b",
        "/search?q=bi",
        "/requests",
        "/requests/x",
        "/retention",
        "/patients/p-a/who-saw",
    ):
        answer = await patient.get(url)
        assert answer.status_code in (403, 404) and not tells(answer.text), url
