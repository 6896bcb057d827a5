"""Histories of many, patches and conditional deletes against a record that is not open: nothing of it is shown, told or changed."""

from __future__ import annotations

import json
import secrets
from typing import Any

import httpx
import pytest
from hospitals import NUMBER, City, lines, newest, tells

from longbien.app import App
from longbien.base.ids import patient_key

pytestmark = pytest.mark.asyncio(loop_scope="session")
PATCH = {"resourceType": "Parameters", "parameter": []}
JSON_PATCH = {"content-type": "application/json-patch+json"}
OWN = ("p-a", "p-both")
"""Whom hospital a cares for."""


async def pages(client: httpx.AsyncClient, url: str) -> list[dict[str, Any]]:
    """The entries of all pages."""
    found: list[dict[str, Any]] = []
    next_: str | None = url
    while next_:
        answer = await client.get(next_)
        assert answer.status_code == 200 and not tells(answer.text), answer.text[:300]
        found += answer.json().get("entry", [])
        next_ = next((link["url"] for link in answer.json()["link"] if link["relation"] == "next"), None)
    return found


@pytest.mark.parametrize(
    "url", ["/fhir/_history", "/fhir/Observation/_history", "/fhir/Patient/_history?_since=2020", "/fhir/_history?_at=2999"]
)
async def test_a_history_of_many_shows_no_closed_record(who: Any, city: City, url: str) -> None:
    doctor = await who("doctor")
    entries = await pages(doctor, f"{url}{'&' if '?' in url else '?'}_count=3")
    ids = {e["fullUrl"].removeprefix("http://hanoi.test/fhir/") for e in entries}
    assert entries and not [i for i in ids if "/p-b" in i and "/p-both" not in i] and not [i for i in ids if "/p-gone" in i], ids
    head = await doctor.head(url)
    assert head.status_code == 200 and head.content == b""


async def test_a_place_made_up_or_of_somebody_elses_history_opens_nothing(who: Any, machine: Any, city: City) -> None:
    doctor, all_ = await who("doctor"), await machine()
    link = (await all_.get("/fhir/_history?_count=1")).json()["link"]
    theirs = next(one["url"] for one in link if one["relation"] == "next")
    assert not tells((await doctor.get(theirs)).text)
    for made_up in ("0-0-0", "9999999999999999-9-9", "1-9223372036854775807-2147483647"):
        assert not tells((await doctor.get(f"/fhir/_history?_below={made_up}&_count=1000")).text)
    assert (await doctor.get("/fhir/_history?_below=1-99999999999999999999-1")).status_code == 400


async def test_types_that_a_role_may_not_read_have_no_history(who: Any, city: City) -> None:
    cashier = await who("cashier")
    assert (await cashier.get("/fhir/Observation/_history")).status_code == 403
    assert not [e for e in await pages(cashier, "/fhir/_history") if "/Observation/" in e["fullUrl"]]
    assert not [e for e in await pages(await who("patient"), "/fhir/_history") if "p-b" in str(e)]  # their own is theirs to see


async def test_whose_history_was_seen_is_in_the_trail(app: App, who: Any, city: City) -> None:
    doctor, before = await who("doctor"), await newest(app.state.engine)
    assert (await doctor.get("/fhir/Observation/_history")).status_code == 200
    seen = {line["pat"] for line in await lines(app.state.engine) if line["seq"] > before}
    assert {patient_key(p) for p in OWN} <= seen and patient_key("p-b") not in seen


async def test_a_hidden_resource_cannot_be_patched_or_told_from_one_that_is_not_there(who: Any, machine: Any, city: City) -> None:
    doctor, all_ = await who("doctor"), await machine()
    absent = f"no-{secrets.token_hex(4)}"
    for type, id in (("Observation", "p-b-observation"), ("Patient", "p-b"), ("Condition", "p-gone-condition")):
        before = (await all_.get(f"/fhir/{type}/{id}")).content
        for more in ({}, {"If-Match": 'W/"1"'}, {"If-Match": "*"}):
            hidden = await doctor.patch(f"/fhir/{type}/{id}", json=PATCH, headers=more)
            unknown = await doctor.patch(f"/fhir/{type}/{absent}", json=PATCH, headers=more)
            assert hidden.status_code == unknown.status_code == 404, hidden.text
            assert hidden.text.replace(id, "x") == unknown.text.replace(absent, "x") and not tells(hidden.text)
        test = json.dumps([{"op": "test", "path": "/status", "value": "final"}])
        assert (await doctor.patch(f"/fhir/{type}/{id}", content=test, headers=JSON_PATCH)).status_code == 404
        entry = {"resource": PATCH, "request": {"method": "PATCH", "url": f"{type}/{id}"}}
        for kind in ("transaction", "batch"):
            answer = await doctor.post("/fhir", json={"resourceType": "Bundle", "type": kind, "entry": [entry]})
            assert "404" in answer.text or answer.status_code == 404
            assert not tells(answer.text)
        assert (await all_.get(f"/fhir/{type}/{id}")).content == before


async def test_a_condition_finds_no_hidden_one_to_patch_or_delete(who: Any, machine: Any, city: City) -> None:
    doctor, all_ = await who("doctor"), await machine()
    condition = f"/fhir/Patient?identifier=http://longbien.test/cccd|{NUMBER}"
    assert (await doctor.patch(condition, json=PATCH)).status_code == 404
    for clinical in ("/fhir/Condition?subject=Patient/p-b", "/fhir/Observation?patient=p-b"):
        answer = await doctor.delete(clinical, headers={"Prefer": "return=OperationOutcome"})
        assert answer.status_code in (200, 403) and not tells(answer.text)
    for type in ("Condition", "Observation"):
        assert (await all_.get(f"/fhir/{type}/p-b-{type.lower()}")).status_code == 200


async def test_a_patch_cannot_move_a_resource_to_another_patient(who: Any, city: City) -> None:
    doctor = await who("doctor")
    for to in ("Patient/p-b", "Patient/p-both", "Patient/nobody"):
        patch = json.dumps([{"op": "replace", "path": "/subject/reference", "value": to}])
        answer = await doctor.patch("/fhir/Condition/p-a-condition", content=patch, headers=JSON_PATCH)
        assert answer.status_code in (403, 422), answer.text
        assert not tells(answer.text)
    assert (await doctor.get("/fhir/Condition/p-a-condition")).json()["subject"]["reference"] == "Patient/p-a"
