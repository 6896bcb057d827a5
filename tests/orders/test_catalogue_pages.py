"""The administrator's catalogue: edit, date, retire, add; and that two do not overwrite each other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hospital_app import Browser
from longbien.demo import starting
from longbien.record.store import Store

pytestmark = pytest.mark.asyncio(loop_scope="session")


def form(client: Any, **fields: str) -> dict[str, str]:
    return {"csrf": client.token, "title": "Định lượng kali", "status": "active", "version": "1", **fields}


async def read(own: Store, id_: str, type_: str = "ActivityDefinition") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await own.read(type_, id_)).body)
    return found


async def test_the_engineer_finds_and_edits_and_it_holds_at_once(browser: Browser, own: Store) -> None:
    engineer, doctor = await browser("it"), await browser()
    assert "Định lượng kali" in (await engineer.get("/catalogue?kind=lab&q=kali")).text
    shown = await engineer.get("/catalogue/cd-lab-k")
    assert 'name="aliases"' in shown.text
    sent = form(
        engineer, en="Potassium", aliases="K+; kali mau; bo tat", routine="90", urgent="30", icd="E87.5, N18.9", start="2026-11-23"
    )
    saved = await engineer.post("/catalogue/cd-lab-k", data=sent)
    assert saved.status_code == 303
    kept = await read(own, "cd-lab-k")
    assert kept["version"] == "2"
    assert kept["code"]["coding"][0]["code"] == "K"  # what the form does not show stays
    assert kept["specimenRequirement"]
    found = (await doctor.get("/orders/search?q=bo+tat")).json()["items"]
    assert found[0]["key"] == "K"


async def test_the_loser_of_two_is_told(browser: Browser, own: Store) -> None:
    engineer = await browser("it")
    version = (await own.read("ActivityDefinition", "cd-lab-na")).version
    first = await engineer.post("/catalogue/cd-lab-na", data=form(engineer, title="Natri", version=str(version)))
    assert first.status_code == 303
    second = await engineer.post("/catalogue/cd-lab-na", data=form(engineer, title="Natri máu", version=str(version)))
    assert second.status_code == 409
    assert "Có người vừa sửa mục này" in second.text
    assert 'value="Natri máu"' in second.text  # nothing typed is lost
    assert (await read(own, "cd-lab-na"))["title"] == "Natri"


async def test_wrong_input_is_said_beside_its_field(browser: Browser, own: Store) -> None:
    engineer = await browser("it", "en")
    sent = form(engineer, title="", start="31/12/2026", icd="tiểu đường", routine="lâu")
    answer = await engineer.post("/catalogue/cd-lab-cl", data=sent)
    assert answer.status_code == 422
    for said in ("It needs a name.", "A day, for example 2026-12-31.", "Not an ICD-10 code", "Minutes, a whole number."):
        assert said in answer.text
    ends = await engineer.post("/catalogue/cd-lab-cl", data=form(engineer, start="2026-12-02", end="2026-12-01"))
    assert "Before the first day." in ends.text
    assert (await read(own, "cd-lab-cl"))["version"] == "1"


async def test_a_drug_gets_another_usual_dose(browser: Browser, own: Store) -> None:
    pharmacist, doctor = await browser("pharmacist"), await browser()
    sent = form(
        pharmacist, title="Paracetamol 650 mg", dose="0,65", unit="g", times="3", text="Uống 1 viên khi đau", usage="Viên nén"
    )
    assert (await pharmacist.post("/catalogue/cd-drug-para650", data=sent)).status_code == 303
    found = (await doctor.get("/orders/search?q=paracetamol+650")).json()["items"][0]
    assert found["dose"] == "Uống 1 viên khi đau"
    assert found["dosage"]["route"]["text"] == "Uống"
    assert found["dosage"]["timing"]["repeat"]["frequency"] == 3


async def test_a_new_test_is_added_once(browser: Browser, own: Store) -> None:
    engineer, doctor = await browser("it"), await browser()
    sent = {**form(engineer, title="Định lượng kẽm", aliases="zinc"), "kind": "lab", "code": "ZN2"}
    made = await engineer.post("/catalogue/new", data=sent)
    assert made.headers["location"].startswith("/catalogue/cd-lab-zn2")
    assert (await doctor.get("/orders/search?q=zinc&kind=lab")).json()["items"][0]["key"] == "ZN2"
    again = await engineer.post("/catalogue/new", data=sent)
    assert again.status_code == 422
    assert "Mã này đã có" in again.text
    odd = await engineer.post("/catalogue/new", data={**sent, "code": "../x"})
    assert odd.status_code == 422


async def test_an_order_set_is_edited(browser: Browser, own: Store) -> None:
    engineer = await browser("it")
    before = await read(own, "yl-os01", "PlanDefinition")
    sent = form(engineer, title=before["title"], icd="I10", **{"tick-0": "1", "gone-1": "1", "more": "lab:CBC, thuoc:khongco"})
    assert (await engineer.post("/catalogue/yl-os01", data=sent)).status_code == 422  # one of them nobody knows
    sent["more"] = "lab:CBC"
    assert (await engineer.post("/catalogue/yl-os01", data=sent)).status_code == 303
    after = await read(own, "yl-os01", "PlanDefinition")
    assert len(after["action"]) == len(before["action"])
    assert after["action"][-1]["definitionCanonical"].endswith("/cd-lab-cbc")


async def test_a_doctor_keeps_no_catalogue(browser: Browser) -> None:
    doctor = await browser()
    assert (await doctor.get("/catalogue")).status_code == 403
    assert (await doctor.post("/catalogue/cd-lab-k", data=form(doctor))).status_code == 403
    assert "/catalogue" not in (await doctor.get("/today")).text
    assert (await (await browser("it")).get("/catalogue/none")).status_code == 404


async def test_the_starter_catalogue_never_overwrites_what_was_edited(browser: Browser, own: Store) -> None:
    engineer = await browser("it")
    sent = form(engineer, title="Tên của bệnh viện")
    assert (await engineer.post("/catalogue/cd-lab-crea", data=sent)).status_code == 303
    left = await starting.missing(own.engine, list(starting.resources()))
    kinds = {r["resourceType"] for r in left}
    assert kinds == {"CodeSystem", "ValueSet", "ObservationDefinition", "Medication", "MedicationKnowledge"}
    assert (await read(own, "cd-lab-crea"))["title"] == "Tên của bệnh viện"
