"""The pages of ends and beginnings of stays, through the application, in both languages and by role."""

# ruff: noqa: E501 - a form on a line stays on it
from __future__ import annotations

import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from longbien.base import clock
from longbien.fhir import json
from longbien.record.change import Update

pytestmark = pytest.mark.asyncio(loop_scope="session")


def fields(html: str) -> dict[str, str]:
    """What a browser would send of the form as it came: checked and filled fields."""
    out: dict[str, str] = {}
    for tag in re.findall(r"<input\b[^>]*>", html):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if (
            name
            and name[1] not in ("csrf", "q")
            and (('type="radio"' not in tag and 'type="checkbox"' not in tag) or "checked" in tag)
        ):
            out[name[1]] = value[1] if value else ""
    out |= dict(re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', html, re.S))
    return out


async def got(house: SimpleNamespace, type_: str, id_: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((await house.store.read(type_, id_)).body)
    return found


def form_of(html: str) -> dict[str, str]:
    return fields(html[html.index('id="discharge"') :])


@pytest.mark.parametrize(("lang", "word"), [("vi", "Chẩn đoán ra viện"), ("en", "Final diagnoses")])
async def test_the_page_speaks_both_languages_and_the_rail_names_the_bill_honestly(
    house: SimpleNamespace, lang: str, word: str
) -> None:
    patient, _ = await house.a_patient("tm-b1" if lang == "vi" else "tm-b2")
    page = await house.client("minh", lang).get(f"/patients/{patient}/discharge")
    assert page.status_code == 200 and word in page.text
    assert 'data-step="bill" data-state="unconnected"' in page.text
    chart = await house.client("minh", lang).get(f"/patients/{patient}")
    assert 'id="rail-discharge"' in chart.text


async def test_a_nurse_prepares_and_a_doctor_ends(house: SimpleNamespace) -> None:
    patient, stay = await house.a_patient("tm-b3")
    nurse, doctor = house.client("ha"), house.client("minh")
    page = await nurse.get(f"/patients/{patient}/discharge")
    typed = form_of(page.text) | {"s.advice": "Ăn nhạt", "act": "save"}
    assert (await nurse.post(f"/patients/{patient}/discharge", **typed)).status_code == 303
    refused = await nurse.post(f"/patients/{patient}/discharge", **(typed | {"act": "finish", "result": "2", "seen": "1"}))
    assert refused.status_code == 422 and (await got(house, "Encounter", stay))["status"] == "in-progress"
    page = await doctor.get(f"/patients/{patient}/discharge")
    assert "Ăn nhạt" in page.text
    assert 'data-step="summary" data-state="open"' in page.text, "what a nurse prepared is not yet what a doctor has looked through"
    kept = await doctor.post(f"/patients/{patient}/discharge", **(form_of(page.text) | {"act": "save"}))
    assert kept.status_code == 303
    page = await doctor.get(f"/patients/{patient}/discharge")
    assert 'data-step="summary" data-state="done"' in page.text
    wrong = await doctor.post(f"/patients/{patient}/discharge", **(form_of(page.text) | {"act": "finish"}))
    assert wrong.status_code == 422 and "Chọn kết quả điều trị." in wrong.text and "Ăn nhạt" in wrong.text, "nothing typed is lost"


async def test_ended_twice_by_the_same_form_is_ended_once_and_the_bed_is_cleaned(house: SimpleNamespace) -> None:
    patient, stay = await house.a_patient("tm-b4")
    condition = {"resourceType": "Condition", "id": f"{patient}-dx", "subject": {"reference": f"Patient/{patient}"}, "encounter": {"reference": f"Encounter/{stay}"},
                 "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}, "code": {"text": "Viêm phổi"}}  # fmt: skip
    await house.store.commit([Update(condition)])
    doctor = house.client("minh")
    page = await doctor.get(f"/patients/{patient}/discharge")
    typed = form_of(page.text) | {"act": "finish", "result": "2", "dx.main": condition["id"], f"dx.{condition['id']}": "1"}
    for _ in range(2):
        answer = await doctor.post(f"/patients/{patient}/discharge", **typed)
        assert answer.status_code == 303, re.findall(r'role="alert">([^<]*)', answer.text)
    assert (await got(house, "Encounter", stay))["status"] == "finished"
    assert (await got(house, "Location", "tm-b4"))["operationalStatus"]["code"] == "H"
    shown = await doctor.get(f"/patients/{patient}/discharge")
    assert "Giấy ra viện" in shown.text and 'id="take-back"' in shown.text
    assert (await doctor.post(f"/patients/{patient}/discharge/undo")).status_code == 303
    assert (await got(house, "Encounter", stay))["status"] == "in-progress"


async def test_who_may_not_is_refused(house: SimpleNamespace) -> None:
    patient, _ = await house.a_patient("tm-b5")
    clerk, nurse = house.client("lan"), house.client("ha")
    for path in ("discharge", "death", "birth", "operation"):
        assert (await clerk.get(f"/patients/{patient}/{path}")).status_code in (403, 404), path
    assert (await nurse.get(f"/patients/{patient}/death")).status_code == 403
    assert (await nurse.get("/theatre")).status_code == 200 and (await clerk.get("/theatre")).status_code == 403


async def test_wrong_input_comes_back_beside_its_field(house: SimpleNamespace) -> None:
    patient, _ = await house.a_patient("tm-b6", sex="female", birth="1996-05-02")
    doctor = house.client("minh", "en")
    for path, sent in (
        ("death", {"day": "32/13/2026", "time": "x", "cause.a": "nothing such"}),
        ("birth", {"day": "", "grams": "3.2", "apgar1": "eleven"}),
        ("operation", {"what": "", "minutes": "0", "theatre": "nowhere"}),
    ):
        answer = await doctor.post(f"/patients/{patient}/{path}", **sent)
        assert answer.status_code == 422 and 'role="alert"' in answer.text, path


async def test_a_promise_to_follow_a_result_stands_on_the_home_page_until_it_is_kept(house: SimpleNamespace) -> None:
    patient, stay = await house.a_patient("hstc-b1")
    who, visit = {"reference": f"Patient/{patient}"}, {"reference": f"Encounter/{stay}"}
    order = {"resourceType": "ServiceRequest", "id": f"{patient}-cx", "status": "active", "intent": "order", "subject": who, "encounter": visit,
             "authoredOn": clock.instant(clock.now() - timedelta(hours=2)), "code": {"text": "Cấy máu"}}  # fmt: skip
    await house.store.commit([Update(order)])
    doctor = house.client("minh")
    page = await doctor.get(f"/patients/{patient}/discharge")
    typed = form_of(page.text) | {"act": "finish", "result": "2", "dx.add1": "J18.9", "dx.main": "dx.add1",
                                  f"go.{order['id']}.why": "outpatient", f"go.{order['id']}.who": "minh"}  # fmt: skip
    answer = await doctor.post(f"/patients/{patient}/discharge", **typed)
    assert answer.status_code == 303, re.findall(r'role="alert">([^<]*)', answer.text)
    home = await doctor.get("/today")
    assert "Kết quả sau ra viện" in home.text and "Cấy máu" in home.text
    report = {"resourceType": "DiagnosticReport", "id": f"{patient}-r", "status": "final", "subject": who, "code": {"text": "Cấy máu"},
              "basedOn": [{"reference": f"ServiceRequest/{order['id']}"}]}  # fmt: skip
    await house.store.commit([Update(report)])
    home = await doctor.get("/today")
    path = re.search(r'action="(/patients/[^"]+/results-after/[^"]+)"', home.text)
    assert path is not None
    assert (await doctor.post(path[1])).status_code == 303
    assert "Kết quả sau ra viện" not in (await doctor.get("/today")).text


async def test_a_drug_that_is_advised_against_goes_home_only_with_a_reason(house: SimpleNamespace) -> None:
    patient, stay = await house.a_patient("hstc-b1", name="Trần Dị Ứng")  # free again since the test before
    who, visit = {"reference": f"Patient/{patient}"}, {"reference": f"Encounter/{stay}"}
    penicillin = {"resourceType": "AllergyIntolerance", "id": f"{patient}-al", "patient": who, "code": {"text": "Penicilin"}, "criticality": "high",
                  "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]}}  # fmt: skip
    amoxicillin = {"resourceType": "MedicationRequest", "id": f"{patient}-amox", "status": "active", "intent": "order", "subject": who, "encounter": visit,
                   "authoredOn": clock.instant(clock.now() - timedelta(hours=3)), "dosageInstruction": [{"text": "Uống 1 viên/lần", "route": {"text": "Uống"}}],
                   "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": "J01CA04", "display": "amoxicillin"}], "text": "Amoxicilin 500 mg"}}  # fmt: skip
    await house.store.commit([Update(penicillin), Update(amoxicillin)])
    doctor = house.client("minh")
    page = await doctor.get(f"/patients/{patient}/discharge")
    assert 'class="small verdict stop"' in page.text, "it is said before anything is ended"
    typed = form_of(page.text) | {"act": "finish", "result": "2", "dx.add1": "J18.9", "dx.main": "dx.add1"}
    assert (await doctor.post(f"/patients/{patient}/discharge", **typed)).status_code == 422
    assert (
        await doctor.post(f"/patients/{patient}/discharge", **(typed | {"override": "Đã dùng lại, dung nạp tốt"}))
    ).status_code == 303
    found = await house.store.search("MedicationRequest", [("subject", f"Patient/{patient}"), ("category", "discharge")])
    assert "Đã dùng lại" in json.loads(found.entries[0].body)["note"][0]["text"]
