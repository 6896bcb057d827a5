"""The ward's pages through the application, in Vietnamese and English."""

# ruff: noqa: E501 - cases stand in one line each

from __future__ import annotations

import asyncio
import json
import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from longbien.base import clock
from longbien.base.ids import new_id
from longbien.fhir.systems import DRUG
from longbien.record.change import Update
from longbien.ward import care, reactions, rules, signs
from longbien.ward.reads import ward_now

pytestmark = pytest.mark.asyncio(loop_scope="session")
LANGS = pytest.mark.parametrize("lang", ["vi", "en"])


@pytest.fixture(autouse=True)
async def nobody(house: SimpleNamespace) -> None:
    for ward in house.places.wards.values():
        now = await ward_now(house.engine, house.as_("ha").scope, ward, clock.now())
        for x in now.lying.values():
            await house.store.commit([Update(rules.finished(x.stay, clock.now()))])


async def an_order(house: SimpleNamespace, patient: str, stay: str, code: str = "apix5") -> str:
    now = clock.local(clock.now())
    id_ = new_id()
    order = {
        "resourceType": "MedicationRequest", "id": id_, "status": "active", "intent": "order",
        "authoredOn": clock.instant(now - timedelta(days=1)), "subject": {"reference": f"Patient/{patient}"},
        "medicationCodeableConcept": {"coding": [{"system": DRUG, "code": code}], "text": "Apixaban 5 mg"},
        "encounter": {"reference": f"Encounter/{stay}"},
        "dosageInstruction": [{"timing": {"event": [clock.instant(now.replace(second=0, microsecond=0))]}}],
    }  # fmt: skip
    await house.store.commit([Update(order)])
    return id_


@LANGS
async def test_the_board_shows_who_lies_where_and_which_beds_are_free(house: SimpleNamespace, lang: str) -> None:
    await house.a_patient("tm-b1", name="Nguyễn Văn Thưởng")
    page = (await house.client("ha", lang).get("/ward?ward=tm-w")).text
    assert "Thưởng" in page and {"vi": "trống", "en": "free"}[lang] in page
    assert re.search(r'id="bed-tm-b1"[^>]*data-bed', page) and "1</b>/" in page


@LANGS
async def test_the_clerk_sees_the_board_without_what_is_clinical(house: SimpleNamespace, lang: str) -> None:
    patient, _ = await house.a_patient("tm-b1")
    page = (await house.client("lan", lang).get("/ward?ward=tm-w")).text
    assert f"/search/{patient}" in page and "/ward/mar" not in page


async def test_another_hospitals_ward_is_not_there(house: SimpleNamespace) -> None:
    assert (await house.client("ha").get("/ward?ward=far-w")).status_code == 404


@LANGS
async def test_a_bed_taken_meanwhile_is_told_and_free_ones_offered(house: SimpleNamespace, lang: str) -> None:
    (_, stay), client = await house.a_patient("tm-b1"), house.client("lan", lang)
    await client.get(f"/ward/move?stay={stay}")
    await house.a_patient("tm-b2")
    answer = await client.post("/ward/move", stay=stay, ward="tm-w", bed="tm-b2", taken="", version="1")
    assert answer.status_code == 409
    assert {"vi": "vừa có người khác nhận", "en": "just been taken"}[lang] in answer.text
    assert 'value="tm-b3"' in answer.text and 'value="tm-b2"' not in answer.text


@LANGS
async def test_a_wrong_time_is_said_beside_its_field_and_nothing_is_lost(house: SimpleNamespace, lang: str) -> None:
    (_, stay), client = await house.a_patient("tm-b1", hours=2), house.client("ha", lang)
    early = clock.local(clock.now() - timedelta(hours=20))
    answer = await client.post("/ward/move", stay=stay, ward="tm-w", bed="tm-b3", taken=f"{early:%d/%m/%Y %H:%M}", version="1")
    assert answer.status_code == 422 and 'aria-invalid="true"' in answer.text
    assert re.search(r'value="tm-b3" checked', answer.text)


async def test_a_patient_of_the_emergency_room_is_admitted_once(house: SimpleNamespace) -> None:
    (patient, before), client = await house.a_patient(""), house.client("lan")
    assert patient in (await client.get("/ward/admit?ward=tm-w")).text
    form = (await client.get(f"/patients/{patient}/admit?ward=tm-w")).text
    once = re.search(r'name="once" value="([^"]+)"', form)
    assert once and "Nhân viên minh" in form
    fields = {"once": once[1], "ward": "tm-w", "bed": "tm-b4", "reason": "Suy tim", "doctor": "minh", "taken": ""}
    for _ in range(2):
        assert (await client.post(f"/patients/{patient}/admit", **fields)).status_code == 303
    stored = await house.store.search("Encounter", [("patient", f"Patient/{patient}"), ("class", "IMP")])
    assert len(list(stored.entries)) == 1
    assert b'"finished"' in (await house.store.read("Encounter", before)).body


async def test_an_admission_without_reason_or_bed_says_so(house: SimpleNamespace) -> None:
    (patient, _), client = await house.a_patient(""), house.client("lan")
    answer = await client.post(f"/patients/{patient}/admit", once=new_id(), ward="tm-w", bed="", reason="", taken="")
    assert answer.status_code == 422 and "Chọn một giường" in answer.text and "lý do vào viện" in answer.text


@LANGS
async def test_two_nurses_chart_the_same_round_and_the_second_is_shown_the_first(house: SimpleNamespace, lang: str) -> None:
    patient, _ = await house.a_patient("tm-b1")
    slot = clock.instant(signs.slot(clock.now()))
    ha, nga = house.client("ha", lang), house.client("nga", lang)
    row = {"patient": patient, "slot": slot, "systolic": "120", "diastolic": "70", "pulse": "88"}
    assert (await ha.post("/ward/vitals", **row)).status_code == 303
    assert (await ha.post("/ward/vitals", **row)).status_code == 303  # sent twice
    second = await nga.post("/ward/vitals", **row | {"pulse": "95"})
    assert second.status_code == 409 and "Nhân viên ha" in second.text and 'name="again"' in second.text
    assert (await nga.post("/ward/vitals", **row | {"pulse": "95", "again": "1"})).status_code == 303
    found = await house.store.search("Observation", [("patient", f"Patient/{patient}"), ("code", "8867-4")])
    assert len(list(found.entries)) == 2


@LANGS
async def test_a_wristband_then_a_drug_are_scanned_and_given_with_enter(house: SimpleNamespace, lang: str) -> None:
    patient, stay = await house.a_patient("tm-b1")
    order, client = await an_order(house, patient, stay), house.client("ha", lang)
    worn = await client.post("/ward/mar/scan", code=patient, ward="tm-w", patient="")
    band = re.search(r'name="band" value="([^"]+)"', worn.text)
    assert worn.status_code == 200 and band
    card = (await client.post("/ward/mar/scan", code="apix5", ward="tm-w", patient=patient, band=band[1])).text
    assert {"vi": "đúng cả 5", "en": "all right"}[lang] in card
    fields = dict(re.findall(r'name="(order|due|once|scanned)" value="([^"]*)"', card))
    assert fields["order"] == order and fields["scanned"] == "1"
    given = await client.post("/ward/mar/dose", patient=patient, act="given", band=band[1], **fields)
    assert given.status_code == 303
    again = await house.client("nga", lang).post("/ward/mar/dose", patient=patient, act="given", **fields | {"once": new_id()})
    assert again.status_code == 409 and "Nhân viên ha" in again.text


@LANGS
async def test_the_wrong_patients_drug_is_refused_by_name(house: SimpleNamespace, lang: str) -> None:
    (one, _), (two, stay) = await house.a_patient("tm-b1"), await house.a_patient("tm-b2")
    await an_order(house, two, stay, "levo750p")
    answer = await house.client("ha", lang).post("/ward/mar/scan", code="levo750p", ward="tm-w", patient=one)
    assert answer.status_code == 422 and "levo750p" in answer.text


async def test_a_dose_that_is_not_given_needs_its_reason(house: SimpleNamespace) -> None:
    patient, stay = await house.a_patient("tm-b1")
    order, client = await an_order(house, patient, stay), house.client("ha")
    page = (await client.get(f"/ward/mar?patient={patient}&order={order}")).text
    due = re.search(r"due=([^&\"#]+)", page)
    assert due
    fields = {"patient": patient, "order": order, "due": due[1].replace("%3A", ":"), "act": "not", "once": new_id()}
    assert (await client.post("/ward/mar/dose", **fields, reason="")).status_code == 422
    assert (await client.post("/ward/mar/dose", **fields, reason="refused", said="buồn nôn")).status_code == 303
    assert "từ chối" in (await client.get(f"/ward/mar?patient={patient}")).text


@LANGS
async def test_the_stay_takes_fluids_tasks_diet_team_and_the_days_entry(house: SimpleNamespace, lang: str) -> None:
    (patient, _), client = await house.a_patient("tm-b1"), house.client("ha", lang)
    acts: list[tuple[str, dict[str, Any]]] = [
        ("fluid", {"kind": "in-oral", "ml": "250"}), ("task", {"what": "Cân người bệnh", "due": ""}), ("diet", {"diet": "NHIN"}),
        ("diet", {"diet": "CHAO"}), ("team", {}), ("sheet", {"course": "Đỡ khó thở", "orders": "Đo huyết áp mỗi 4 giờ\nNằm đầu cao"}),
    ]  # fmt: skip
    for act, fields in acts:
        answer = await client.post(f"/patients/{patient}/stay/{act}", once=new_id(), **fields)
        assert answer.status_code == 303, (act, answer.text[-2000:])
    page = (await client.get(f"/patients/{patient}/stay")).text
    for word in ("250", "Cân người bệnh", "Đỡ khó thở", "Nằm đầu cao", "Nhân viên ha"):
        assert word in page, word
    task = re.search(r'Đo huyết áp mỗi 4 giờ</span>.*?name="task" value="([^"]+)"', page, re.S)
    assert task
    assert (await client.post(f"/patients/{patient}/stay/done", once=new_id(), task=task[1])).status_code == 303
    again = (await client.get(f"/patients/{patient}/stay")).text
    assert again.count("Đo huyết áp mỗi 4 giờ") >= 2 and task[1] not in again


@LANGS
async def test_wrong_input_on_the_stay_is_said_and_kept(house: SimpleNamespace, lang: str) -> None:
    (patient, _), client = await house.a_patient("tm-b1"), house.client("ha", lang)
    for act, fields in (("fluid", {"kind": "in-oral", "ml": "abc"}), ("task", {"what": "", "due": "99"}), ("diet", {"diet": "pizza"}),
                        ("sheet", {"course": "", "orders": ""})):  # fmt: skip
        answer = await client.post(f"/patients/{patient}/stay/{act}", once=new_id(), **fields)
        assert answer.status_code == 422 and 'role="alert"' in answer.text, act
    assert (await client.post(f"/patients/{patient}/stay/dance", once=new_id())).status_code == 404


@LANGS
async def test_the_handover_is_composed_kept_and_shown_to_the_second(house: SimpleNamespace, lang: str) -> None:
    patient, _ = await house.a_patient("tm-b1")
    ha, nga = house.client("ha", lang), house.client("nga", lang)
    assert "Khó thở" in (await ha.get("/ward/handover?ward=tm-w")).text
    fields = {"patient": patient, "ward": "tm-w", "version": "0", "situation": "Suy tim, đỡ", "recommendation": "Cân sáng mai"}
    assert (await ha.post("/ward/handover", **fields)).status_code == 303
    late = await nga.post("/ward/handover", **fields | {"situation": "Khác"})
    assert late.status_code == 409 and "Suy tim, đỡ" in late.text
    pdf = await ha.get("/ward/handover.pdf?ward=tm-w")
    assert pdf.status_code == 200 and pdf.content.startswith(b"%PDF")


async def test_papers_are_printed_and_the_trail_says_so(house: SimpleNamespace) -> None:
    (patient, _), client = await house.a_patient("tm-b1"), house.client("ha")
    for path in ("wristband.pdf", "labels.pdf?n=3", "labels.pdf?n=nonsense"):
        answer = await client.get(f"/patients/{patient}/{path}")
        assert answer.status_code == 200 and answer.content.startswith(b"%PDF")
    lines = await house.engine.db.fetchval(
        "SELECT count(*) FROM audit a JOIN head h ON h.pat = a.pat WHERE h.id = $1 AND a.action = 'R'", patient
    )
    assert lines >= 3


async def test_a_bed_is_cleaned_with_one_tap(house: SimpleNamespace) -> None:
    (_, stay), client = await house.a_patient("tm-b1"), house.client("ha")
    assert (await client.post("/ward/move", stay=stay, ward="tm-w", bed="tm-b5", taken="", version="1")).status_code == 303
    assert "Đã lau xong" in (await client.get("/ward?ward=tm-w")).text
    assert (await client.post("/ward/beds/tm-b1", ward="tm-w", status="U")).status_code == 303
    assert "Đã lau xong" not in (await client.get("/ward?ward=tm-w")).text


async def test_who_has_no_right_to_the_ward_is_refused(house: SimpleNamespace) -> None:
    patient, stay = await house.a_patient("tm-b1")
    clerk = house.client("lan")
    for path in ("/ward/mar", "/ward/vitals", "/ward/handover", "/ward/handover.pdf"):
        assert (await clerk.get(path)).status_code == 403, path
    assert (await clerk.post("/ward/mar/dose", patient=patient, order="x", due="", act="given")).status_code == 403
    assert stay


async def test_an_order_to_the_nurses_from_elsewhere_becomes_one_task(house: SimpleNamespace) -> None:
    patient, stay = await house.a_patient("tm-b1")
    order = care.nursing_order("Thay băng", clock.now(), patient, stay, {"reference": "Practitioner/minh"}, new_id())
    await house.store.commit([Update(order)])
    for _ in range(2):
        await reactions.first_task(house.store, order)
    found = await house.store.search("Task", [("patient", f"Patient/{patient}")])
    assert len(list(found.entries)) == 1
    assert "Thay băng" in (await house.client("ha").get("/ward?ward=tm-w")).text


@LANGS
async def test_an_order_stopped_today_stands_on_the_sheet_with_its_reason(house: SimpleNamespace, lang: str) -> None:
    patient, stay = await house.a_patient("tm-b1")
    await an_order(house, patient, stay)
    order = await an_order(house, patient, stay, "spiro25")
    stored = await house.store.read("MedicationRequest", order)
    await house.store.commit([Update(json.loads(stored.body) | {"status": "stopped", "statusReason": {"text": "Kali 6,2"}})])
    page = (await house.client("ha", lang).get(f"/ward/mar?patient={patient}")).text
    assert "Kali 6,2" in page and {"vi": "Đã ngừng trong 24 giờ", "en": "Stopped in the last 24 hours"}[lang] in page
    assert f"order={order}" not in page


async def test_an_open_board_hears_of_moves_and_of_cleaned_beds(house: SimpleNamespace) -> None:
    heard: list[Any] = []
    ward = house.places.wards["tm-w"]
    stop = house.engine.live.listen(ward.key, heard.append)
    _, stay = await house.a_patient("tm-b1")
    await house.client("ha").post("/ward/move", stay=stay, ward="tm-w", bed="tm-b5", taken="", version="1")
    for _ in range(40):
        if heard:
            break
        await asyncio.sleep(0.1)
    stop()
    assert heard and heard[0].type == "Location"
