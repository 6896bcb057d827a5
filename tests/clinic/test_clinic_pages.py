"""The visit through its pages, on a real database: drafts, acts, the signature, papers, the list; in Vietnamese and English."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest
from clinic_browser import Browser, Came

from longbien.base import clock
from longbien.base.ids import new_id
from longbien.clinic import codes
from longbien.fhir import json
from longbien.fhir import systems as s
from longbien.record.change import Update
from longbien.record.store import Store

GOOD = {"reason": "Tái khám tăng huyết áp", "exam": "HA 140/80 mmHg. Tim đều.", "dx": "I10", "plan": "Tiếp tục thuốc."}


def form(encounter: str, *lines: dict[str, str], **more: str) -> dict[str, str]:
    values = {"encounter": encounter, "once": new_id(), **GOOD, **more}
    for i, line in enumerate(lines):
        values |= {f"rx.{i}.{k}": v for k, v in line.items()}
    return values


AMLO = {"code": "amlo5", "name": "Amlodipin 5 mg", "s": "1", "days": "30"}


async def all_of(house: Store, type_: str, patient: str) -> list[dict[str, Any]]:
    page = await house.search(type_, [("patient", patient), ("_count", "100")])
    return [json.loads(e.body) for e in page.entries]


async def one(house: Store, type_: str, id_: str) -> dict[str, Any]:
    return json.loads((await house.read(type_, id_)).body)


def paper(found: list[dict[str, Any]], code: str) -> dict[str, Any]:
    return next(c for c in found if any(x["code"] == code for x in c["type"]["coding"]))


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("vi", ("Bệnh sử", "Chẩn đoán", "Đơn thuốc", "Ký và kết thúc")),
        ("en", ("History of this illness", "Diagnoses", "Prescription", "Sign and finish")),
    ],
)
async def test_the_page_speaks_the_readers_language(enter: Any, came: Came, lang: str, words: tuple[str, ...]) -> None:
    patient, encounter = await came()
    answer = await (await enter(lang=lang)).get(f"/patients/{patient}/visit")
    assert answer.status_code == 200
    for word in (*words, "Tái khám tăng huyết áp"):
        assert word in answer.text
    assert encounter in answer.text


async def test_a_visit_is_signed_whole_in_one_commit(enter: Any, came: Came, house: Store) -> None:
    patient, encounter = await came()
    browser: Browser = await enter()
    sent = form(
        encounter, AMLO, {"code": "para500", "name": "x", "note": "khi đau đầu", "quantity": "10", "days": "5"}, followup="+30"
    )
    sent |= {"advice": "Ăn nhạt."}
    more = [*sent.items(), ("dx", "E11.9?")]
    answer = await browser.post(f"/patients/{patient}/visit", more)
    assert answer.headers.get("x-go", "").endswith("done=signed"), answer.text[:2000]

    visit = await one(house, "Encounter", encounter)
    assert visit["status"] == "finished" and visit["period"]["end"] and visit["statusHistory"][-1]["status"] == "arrived"
    assert [d["rank"] for d in visit["diagnosis"]] == [1, 2]
    conditions = {c["code"]["coding"][0]["code"]: c for c in await all_of(house, "Condition", patient)}
    assert conditions["I10"]["category"][0]["coding"][0]["code"] == "encounter-diagnosis"
    assert conditions["E11.9"]["verificationStatus"]["coding"][0]["code"] == "provisional"

    drugs = await all_of(house, "MedicationRequest", patient)
    numbers = {d["groupIdentifier"]["value"] for d in drugs}
    assert len(drugs) == 2 and len(numbers) == 1 and re.fullmatch(r"[0-9A-Za-z]{5}[0-9a-z]{7}-c", numbers.pop())
    amlo = next(d for d in drugs if d["medicationCodeableConcept"]["coding"][0]["code"] == "amlo5")
    assert amlo["dosageInstruction"][0]["text"] == "Uống: sáng 1 viên"
    assert amlo["dosageInstruction"][0]["timing"]["repeat"]["when"] == ["MORN"]
    assert amlo["dispenseRequest"]["quantity"] == {"value": 30, "unit": "viên"}

    written = await all_of(house, "Composition", patient)
    assert {c["type"]["text"] for c in written} == {"Phiếu khám bệnh", "Đơn thuốc", "Giấy hẹn khám lại"}
    rx = paper(written, "prescription")
    assert {x["code"]["coding"][0]["code"] for x in rx["section"]} >= {
        "ma_don_thuoc",
        "chan_doan",
        "thong_tin_don_thuoc",
        "loi_dan",
        "ngay_tai_kham",
    }
    booked = (await all_of(house, "Appointment", patient))[0]
    wanted = clock.local(clock.now()).date() + timedelta(days=30)
    assert booked["status"] == "booked" and abs((clock.local(clock.now()).date() - wanted).days) == 30
    page = await browser.get(f"/patients/{patient}/visit?encounter={encounter}")
    assert "Đã ký" in page.text or "đã ký" in page.text
    pdf = await browser.get(f"/patients/{patient}/visit/papers/{rx['id']}.pdf")
    assert pdf.status_code == 200 and pdf.content.startswith(b"%PDF")


async def test_the_same_form_sent_twice_writes_once(enter: Any, came: Came, house: Store) -> None:
    patient, encounter = await came()
    browser: Browser = await enter()
    sent = form(encounter, AMLO)
    answers = [await browser.post(f"/patients/{patient}/visit", sent) for _ in range(2)]
    assert [a.status_code for a in answers] == [204, 204]
    assert len(await all_of(house, "MedicationRequest", patient)) == 1


async def test_two_tabs_signing_at_once_one_wins_and_the_other_is_told_and_keeps_what_it_wrote(
    enter: Any, came: Came, house: Store
) -> None:
    patient, encounter = await came()
    minh, tuan = await enter("bs.minh"), await enter("bs.tuan")
    both = await asyncio.gather(
        minh.post(f"/patients/{patient}/visit", form(encounter, AMLO, history="Của bác sĩ thứ nhất")),
        tuan.post(f"/patients/{patient}/visit", form(encounter, AMLO, history="Của bác sĩ thứ hai")),
    )
    assert sorted(a.status_code for a in both) == [204, 409]
    loser = both[0] if both[0].status_code == 409 else both[1]
    assert "đã được" in loser.text and "bản nháp" in loser.text
    notes = [c for c in await all_of(house, "Composition", patient) if c["type"]["text"] == "Phiếu khám bệnh"]
    assert len(notes) == 1 and len(await all_of(house, "MedicationRequest", patient)) == 1
    who = minh if both[0].status_code == 409 else tuan
    page = await who.get(f"/patients/{patient}/visit?encounter={encounter}")
    assert "bản nháp" in page.text


async def test_what_stops_is_said_and_nothing_is_written_or_lost(enter: Any, came: Came, house: Store) -> None:
    patient, encounter = await came(sex="male")
    browser: Browser = await enter()
    cases: list[tuple[dict[str, str], str]] = [
        (form(encounter, dx="O80.0"), "chỉ có ở nữ"),
        (form(encounter, dx="B95.0"), "không được dùng làm bệnh chính"),
        (form(encounter, dx="G01"), "mã nguyên nhân"),
        (form(encounter, dx=""), "Chọn bệnh chính"),
        (form(encounter, followup="31/02/2027"), "Ghi ngày"),
        (form(encounter, {**AMLO, "s": "một viên"}), "Liều mỗi lần"),
        (form(encounter, {**AMLO, "days": "120"}), "Từ 1 tới 90 ngày"),
        (form(encounter, {**AMLO, "code": "khong-co"}), "không có trong danh mục thuốc"),
        (form(encounter, reason="", exam=""), "ghi lý do khám"),
    ]
    for sent, words in cases:
        answer = await browser.post(f"/patients/{patient}/visit", sent)
        assert answer.status_code == 422 and words in answer.text, (words, answer.text[:1500])
        assert sent["plan"] in answer.text
    assert await all_of(house, "Composition", patient) == []
    assert (await one(house, "Encounter", encounter))["status"] == "arrived"
    page = await browser.get(f"/patients/{patient}/visit")
    assert GOOD["plan"] in page.text  # the draft has it


async def test_a_draft_is_kept_as_typed_found_on_another_machine_and_a_second_machine_is_told(enter: Any, came: Came) -> None:
    patient, encounter = await came()
    here, there = await enter(), await enter()
    first = await here.post(f"/patients/{patient}/visit/draft", form(encounter, AMLO, history="Đau đầu buổi sáng"))
    assert first.status_code == 200 and first.json()["lines"] == [{"sig": "Uống: sáng 1 viên", "quantity": "30 viên"}]
    page = await there.get(f"/patients/{patient}/visit")
    assert "Đau đầu buổi sáng" in page.text and 'value="amlo5"' in page.text
    seen = re.search(r'name="seen" value="([^"]+)"', page.text)
    assert seen
    later = await here.post(
        f"/patients/{patient}/visit/draft", form(encounter, history="Sửa ở máy thứ nhất", seen=first.json()["at"])
    )
    assert later.status_code == 200
    refused = await there.post(f"/patients/{patient}/visit/draft", form(encounter, history="Sửa ở máy thứ hai", seen=seen[1]))
    assert refused.status_code == 409 and "máy khác" in refused.json()["said"]
    forced = await there.post(
        f"/patients/{patient}/visit/draft", form(encounter, history="Sửa ở máy thứ hai", seen=seen[1], force="1")
    )
    assert forced.status_code == 200


async def test_the_next_visit_copies_the_note_with_marks_and_repeats_the_prescription(enter: Any, came: Came, house: Store) -> None:
    patient, before = await came(minutes=90)
    browser: Browser = await enter()
    assert (await browser.post(f"/patients/{patient}/visit", form(before, AMLO, history="Không đau đầu."))).status_code == 204
    now = "again-" + before
    visit = await one(house, "Encounter", before)
    fresh = {k: visit[k] for k in ("resourceType", "class", "subject", "location", "serviceProvider")}
    await house.commit([Update({**fresh, "id": now, "status": "arrived", "period": {"start": clock.instant(clock.now())}})])
    page = await browser.get(f"/patients/{patient}/visit?encounter={now}")
    assert 'value="repeat"' in page.text and 'value="copy"' in page.text
    empty = {"encounter": now, "vitals_text": "HA 150/90 mmHg", "reason": "Tái khám"}
    copied = await browser.post(f"/patients/{patient}/visit/act", {**empty, "act": "copy"})
    assert "Không đau đầu." in copied.text and "chưa sửa" in copied.text
    assert (
        "HA 150/90 mmHg" in copied.text
        and "HA 140/80" not in copied.text.split('id="v-exam"')[1].split("</textarea>")[0].split(">", 1)[1]
    )
    again = await browser.post(
        f"/patients/{patient}/visit/act", {**empty, "dx": "I10", "history": "Không đau đầu.", "act": "repeat"}
    )
    assert 'value="amlo5"' in again.text and "Uống: sáng 1 viên" in again.text
    sent = form(now, AMLO, history="Không đau đầu.", exam="HA 150/90 mmHg.")
    assert (await browser.post(f"/patients/{patient}/visit", sent)).status_code == 204
    note = next(
        c
        for c in await all_of(house, "Composition", patient)
        if c["type"]["text"] == "Phiếu khám bệnh" and c["encounter"]["reference"].endswith(now)
    )
    marks = {x["title"]: x.get("extension") for x in note["section"]}
    assert marks["Bệnh sử"][0]["url"] == codes.EXT_COPIED and marks["Khám"] is None
    drugs = await all_of(house, "MedicationRequest", patient)
    assert sorted(d["status"] for d in drugs) == ["active", "completed"]  # what is written again is done


async def test_a_signed_prescription_is_replaced_never_changed(enter: Any, came: Came, house: Store) -> None:
    patient, encounter = await came()
    browser: Browser = await enter()
    await browser.post(f"/patients/{patient}/visit", form(encounter, AMLO))
    page = await browser.get(f"/patients/{patient}/prescribe?encounter={encounter}")
    assert "thay thế" in page.text and 'value="amlo5"' in page.text
    answer = await browser.post(f"/patients/{patient}/prescribe", form(encounter, {**AMLO, "e": "1"}))
    assert answer.headers.get("x-go", "").endswith("done=prescribed"), answer.text[:800]
    drugs = await all_of(house, "MedicationRequest", patient)
    assert sorted(d["status"] for d in drugs) == ["active", "cancelled"]
    papers = [c for c in await all_of(house, "Composition", patient) if c["type"]["text"] == "Đơn thuốc"]
    assert len(papers) == 2 and sum("relatesTo" in p for p in papers) == 1
    assert len({d["groupIdentifier"]["value"] for d in drugs}) == 2


async def test_two_prescriptions_at_once_in_the_place_of_one_leave_one(enter: Any, came: Came, house: Store) -> None:
    patient, encounter = await came()
    minh, tuan = await enter("bs.minh"), await enter("bs.tuan")
    await minh.post(f"/patients/{patient}/visit", form(encounter))  # signed without a prescription
    both = await asyncio.gather(*(b.post(f"/patients/{patient}/prescribe", form(encounter, AMLO)) for b in (minh, tuan)))
    in_force = [d for d in await all_of(house, "MedicationRequest", patient) if d["status"] == "active"]
    assert len({d["groupIdentifier"]["value"] for d in in_force}) == 1, [a.status_code for a in both]


async def test_an_allergy_stops_the_signature_until_a_reason_is_typed_and_the_reason_is_kept(
    enter: Any, came: Came, house: Store
) -> None:
    patient, encounter = await came()
    terms = "http://terminology.hl7.org/CodeSystem/allergyintolerance-"
    await house.commit([Update({
        "resourceType": "AllergyIntolerance", "id": f"al-{encounter}", "patient": {"reference": f"Patient/{patient}"},
        "clinicalStatus": {"coding": [{"system": terms + "clinical", "code": "active"}]}, "criticality": "high",
        "verificationStatus": {"coding": [{"system": terms + "verification", "code": "confirmed"}]}, "code": {"text": "Penicillin"},
    })])  # fmt: skip
    browser: Browser = await enter()
    line = {"code": "amox500", "name": "x", "s": "1", "e": "1", "days": "5"}
    said = (await browser.post(f"/patients/{patient}/visit/draft", form(encounter, line, dx="J02.9"))).json()
    assert any(x["level"] == "stop" and "Penicillin" in x["text"] for x in said["says"]), said
    refused = await browser.post(f"/patients/{patient}/visit", form(encounter, line, dx="J02.9"))
    assert refused.status_code == 422 and 'name="override"' in refused.text
    signed = await browser.post(f"/patients/{patient}/visit", form(encounter, line, dx="J02.9", override="Đã thử phản vệ âm tính"))
    assert signed.status_code == 204, signed.text[:800]
    assert "thử phản vệ" in str((await all_of(house, "MedicationRequest", patient))[0]["note"])


async def test_what_is_renewed_is_not_called_taken_twice(enter: Any, came: Came) -> None:
    patient, encounter = await came()
    browser: Browser = await enter()
    await browser.post(f"/patients/{patient}/visit", form(encounter, AMLO))
    said = (await browser.post(f"/patients/{patient}/visit/draft", form(encounter, AMLO))).json()["says"]
    assert [x for x in said if x["about"] == "rx.0"] == []


async def test_what_is_typed_first_brings_the_patient_in_and_a_filled_form_stands_in_the_note(
    enter: Any, came: Came, house: Store
) -> None:
    patient, encounter = await came()
    browser: Browser = await enter()
    await browser.post(f"/patients/{patient}/visit/draft", form(encounter))
    assert (await one(house, "Encounter", encounter))["status"] == "in-progress"
    await house.commit([Update({
        "resourceType": "QuestionnaireResponse", "id": f"qr-{encounter}", "status": "completed",
        "questionnaire": "http://longbien.test/phieu-rieng",
        "subject": {"reference": f"Patient/{patient}"}, "encounter": {"reference": f"Encounter/{encounter}"},
        "authored": clock.instant(clock.now()),
    })])  # fmt: skip
    page = await browser.get(f"/patients/{patient}/visit")
    assert f"forms/responses/qr-{encounter}" in page.text and "/forms/record-outpatient" in page.text
    assert (await browser.post(f"/patients/{patient}/visit", form(encounter))).status_code == 204
    note = (await all_of(house, "Composition", patient))[0]
    section = next(x for x in note["section"] if x["title"] == "Phiếu đã điền")
    assert section["entry"] == [{"reference": f"QuestionnaireResponse/qr-{encounter}"}]


async def test_a_procedure_that_was_done_is_in_the_record(enter: Any, came: Came, house: Store) -> None:
    patient, encounter = await came()
    definition = {
        "resourceType": "ActivityDefinition", "id": "cd-procedure-thu", "status": "active", "title": "Thay băng vết thương",
        "code": {"coding": [{"system": s.SERVICE, "code": "TB01", "display": "Thay băng"}], "text": "Thay băng vết thương"},
    }  # fmt: skip
    await house.commit([Update(definition)])
    browser: Browser = await enter()
    page = await browser.post(f"/patients/{patient}/visit/act", form(encounter, act="done-add.cd-procedure-thu"))
    assert 'value="cd-procedure-thu|Thay băng vết thương"' in page.text
    again = await browser.get(f"/patients/{patient}/visit")
    assert "cd-procedure-thu|" in again.text  # the draft has it
    sent = [*form(encounter).items(), ("done", "cd-procedure-thu|x")]
    gone = await browser.post(f"/patients/{patient}/visit", [*sent, ("done", "khong-co|y")])
    assert gone.status_code == 422 and "danh mục" in gone.text
    assert (await browser.post(f"/patients/{patient}/visit", sent)).status_code == 204
    done = await all_of(house, "Procedure", patient)
    assert [(x["status"], x["code"]["coding"][0]["code"]) for x in done] == [("completed", "TB01")]


async def test_everything_works_without_script(enter: Any, came: Came, house: Store) -> None:
    patient, encounter = await came()
    browser: Browser = await enter()
    added = await browser.post(f"/patients/{patient}/visit", form(encounter, act="dx-take.E11.9"), part=False)
    assert added.status_code == 303
    page = await browser.get(added.headers["location"])
    assert 'value="E11.9"' in page.text and GOOD["plan"] in page.text
    wrong = await browser.post(f"/patients/{patient}/visit", form(encounter, dx=""), part=False)
    assert wrong.status_code == 422 and "<html" in wrong.text and GOOD["plan"] in wrong.text
    signed = await browser.post(f"/patients/{patient}/visit", form(encounter), part=False)
    assert signed.status_code == 303 and signed.headers["location"].endswith("done=signed")


async def test_narcotics_stand_on_a_prescription_of_their_own(enter: Any, came: Came, house: Store) -> None:
    patient, encounter = await came()
    browser: Browser = await enter()
    morphine = {"code": "morph10v", "name": "x", "s": "1", "e": "1", "days": "7"}
    assert (await browser.post(f"/patients/{patient}/visit", form(encounter, AMLO, morphine))).status_code == 204
    papers = [c for c in await all_of(house, "Composition", patient) if c["type"]["text"] == "Đơn thuốc"]
    assert {p["identifier"]["value"][-1] for p in papers} == {"c", "n"}
    text = next(str(p["section"]) for p in papers if p["identifier"]["value"].endswith("n"))
    assert "Mười bốn viên" in text and "Amlodipin" not in text


async def test_a_small_child_needs_weight_and_carer(enter: Any, came: Came) -> None:
    born = f"{clock.local(clock.now()).year - 2}-01-15"
    patient, encounter = await came(born=born)
    browser: Browser = await enter()
    line = {"code": "para500", "name": "x", "note": "khi sốt", "quantity": "5", "days": "3"}
    refused = await browser.post(f"/patients/{patient}/visit", form(encounter, line, dx="J06.9"))
    assert refused.status_code == 422 and "cân nặng" in refused.text and 'name="guardian"' in refused.text
    told = await browser.post(
        f"/patients/{patient}/visit", form(encounter, line, dx="J06.9", weight="11", guardian="Mẹ: Lê Thị B, 0912")
    )
    assert told.status_code == 204


async def test_papers_wait_for_the_signature_and_say_what_they_lack(enter: Any, came: Came, house: Store) -> None:
    patient, encounter = await came()
    browser: Browser = await enter()
    leave = {"encounter": encounter, "days": "3", "workplace": "Công ty A", "insurance": "0123456789", "method": "Nội khoa"}
    early = await browser.post(f"/patients/{patient}/visit/sick-leave", leave, part=False)
    assert early.status_code == 422 and "hãy ký lần khám trước" in early.text
    await browser.post(f"/patients/{patient}/visit", form(encounter))
    wrong = await browser.post(f"/patients/{patient}/visit/sick-leave", {**leave, "days": "31"}, part=False)
    assert wrong.status_code == 422 and "Từ 1 tới 30 ngày" in wrong.text and "Công ty A" in wrong.text
    once = new_id()
    for _ in range(2):
        assert (await browser.post(f"/patients/{patient}/visit/sick-leave", {**leave, "once": once}, part=False)).status_code == 303
    written = [c for c in await all_of(house, "Composition", patient) if c["type"]["text"] == codes.PAPERS["sick-leave"]]
    assert len(written) == 1
    assert {x["code"]["coding"][0]["code"] for x in written[0]["section"]} >= {"DON_VI", "MA_BHXH", "SO_NGAY_NGHI"}
    assert written[0]["event"][0]["period"]["start"] == clock.local(clock.now()).date().isoformat()

    page = await browser.get(f"/patients/{patient}/visit/referral?encounter={encounter}")
    assert 'value="bv-sn"' not in page.text and "<option" in page.text
    to = re.search(r'<option value="([^"]+)"', page.text.split('id="p-to"')[1])
    assert to
    values = dict.fromkeys(("signs", "course", "treated", "state", "further", "transport"), "có")
    sent = {"encounter": encounter, "once": new_id(), "to": to[1], "reason": "2", **values}
    lacking = await browser.post(f"/patients/{patient}/visit/referral", {**sent, "signs": ""}, part=False)
    assert lacking.status_code == 422 and "Thông tư" in lacking.text
    assert (await browser.post(f"/patients/{patient}/visit/referral", sent, part=False)).status_code == 303
    request = (await all_of(house, "ServiceRequest", patient))[0]
    assert (
        request["category"][0]["coding"][0]["code"] == "3457005" and request["performer"][0]["reference"] == f"Organization/{to[1]}"
    )


async def test_an_addition_is_a_new_version_of_the_signed_note(enter: Any, came: Came, house: Store) -> None:
    patient, encounter = await came()
    browser: Browser = await enter()
    await browser.post(f"/patients/{patient}/visit", form(encounter))
    assert (
        await browser.post(f"/patients/{patient}/visit/add", {"encounter": encounter, "text": "Điện tim bình thường."})
    ).status_code == 204
    note = (await all_of(house, "Composition", patient))[0]
    assert note["status"] == "amended" and note["meta"]["versionId"] == "2"
    assert "Điện tim bình thường." in str(note["section"][-1])


async def test_the_list_shows_who_waits_and_calling_moves_one_in(enter: Any, came: Came, house: Store) -> None:
    patient, encounter = await came(minutes=2)
    minh, tuan = await enter("bs.minh"), await enter("bs.tuan")
    page = await minh.get("/clinic?whose=all")
    assert encounter in page.text and "đang chờ" in page.text
    assert (await minh.post(f"/patients/{patient}/visit/call", {"encounter": encounter})).status_code == 204
    visit = await one(house, "Encounter", encounter)
    assert visit["status"] == "in-progress"
    assert any(p["individual"]["reference"] == "Practitioner/bs-minh" for p in visit["participant"])
    assert (await tuan.post(f"/patients/{patient}/visit/call", {"encounter": encounter})).status_code == 204  # in already


async def test_two_doctors_calling_the_next_at_once_get_two_patients(enter: Any, came: Came, house: Store) -> None:
    for _ in range(2):
        await came(minutes=1)
    minh, tuan = await enter("bs.minh"), await enter("bs.tuan")
    first, second = await asyncio.gather(minh.post("/clinic/next"), tuan.post("/clinic/next"))
    assert first.headers["x-go"] != second.headers["x-go"]
    assert all("/visit?encounter=" in a.headers["x-go"] for a in (first, second))


async def test_the_called_number_is_called_and_the_signed_one_done(enter: Any, came: Came, house: Store) -> None:
    patient, encounter = await came()
    day = clock.local(clock.now()).date().isoformat()
    room = "sn-pk-205"
    ticket = {
        "resourceType": "Task", "id": f"t-{encounter}", "status": "requested", "intent": "order", "description": "B71",
        "identifier": [{"system": s.QUEUE_TICKET, "value": f"{room}.{day}.B71"}],
        "code": {"coding": [{"system": codes.TASK, "code": codes.TICKET}]}, "for": {"reference": f"Patient/{patient}"},
        "encounter": {"reference": f"Encounter/{encounter}"}, "authoredOn": clock.instant(clock.now()),
    }  # fmt: skip
    await house.commit([Update(ticket)])
    browser: Browser = await enter()
    assert "B71" in (await browser.get("/clinic?whose=all")).text
    await browser.post(f"/patients/{patient}/visit/call", {"encounter": encounter})
    called = await one(house, "Task", ticket["id"])
    assert called["status"] == "received" and called["businessStatus"]["coding"][0]["code"] == "called"
    await browser.post(f"/patients/{patient}/visit", form(encounter))
    assert (await one(house, "Task", ticket["id"]))["status"] == "completed"


async def test_the_list_says_who_waits_for_results_and_whose_are_back(enter: Any, came: Came, house: Store) -> None:
    patient, encounter = await came(status="in-progress")
    order = {
        "resourceType": "ServiceRequest", "id": f"o-{encounter}", "status": "active", "intent": "order",
        "code": {"text": "Công thức máu"},
        "category": [{"coding": [{"system": codes.SNOMED, "code": "108252007"}]}], "subject": {"reference": f"Patient/{patient}"},
        "encounter": {"reference": f"Encounter/{encounter}"}, "authoredOn": clock.instant(clock.now()),
    }  # fmt: skip
    await house.commit([Update(order)])
    browser: Browser = await enter()

    async def row() -> str:
        page = await browser.get("/clinic?whose=all", X_Part="1")
        return next(r for r in page.text.split("<tr ") if encounter in r)

    assert "chờ kết quả" in await row() and "Công thức máu" in await row()
    report = {k: order[k] for k in ("code", "subject", "encounter")} | {
        "resourceType": "DiagnosticReport", "id": f"r-{encounter}", "status": "final",
        "effectiveDateTime": clock.instant(clock.now()),
        "basedOn": [{"reference": f"ServiceRequest/o-{encounter}"}],
    }  # fmt: skip
    await house.commit([Update(report)])
    assert "đã có kết quả" in await row()


async def test_a_nurse_sees_the_list_and_signs_nothing(enter: Any, came: Came) -> None:
    patient, encounter = await came()
    nurse: Browser = await enter("dd.ha")
    page = await nurse.get("/clinic?whose=all")
    assert page.status_code == 200 and "/clinic/next" not in page.text
    assert (await nurse.get(f"/patients/{patient}/visit")).status_code == 403
    assert (await nurse.post(f"/patients/{patient}/visit", form(encounter))).status_code == 403


async def test_a_patient_without_a_visit_may_be_begun(enter: Any, came: Came, house: Store) -> None:
    patient, encounter = await came(status="cancelled")
    browser: Browser = await enter()
    # a cancelled visit opens no record: another, long past, does
    await house.commit(
        [
            Update(
                {
                    **(await one(house, "Encounter", encounter)),
                    "status": "finished",
                    "period": {"start": "2026-01-02T08:00:00+07:00", "end": "2026-01-02T09:00:00+07:00"},
                }
            )
        ]
    )
    page = await browser.get(f"/patients/{patient}/visit")
    if page.status_code == 403:  # care has lapsed: the page asks for a purpose
        return
    assert "Bắt đầu khám" in page.text
    begun = await browser.post(f"/patients/{patient}/visit/start", {"once": new_id()})
    assert begun.status_code == 204 and "/visit?encounter=" in begun.headers["x-go"]


async def test_phrases_are_kept_shared_and_dropped(enter: Any) -> None:
    minh, tuan = await enter("bs.minh"), await enter("bs.tuan")
    assert (await minh.post("/clinic/phrases", {"kind": "phrase", "name": "hai từ", "content": "x"}, part=False)).status_code == 422
    await minh.post("/clinic/phrases", {"kind": "phrase", "name": "vt", "content": "Vết thương khô.", "shared": "1"}, part=False)
    await minh.post("/clinic/phrases", {"kind": "template", "name": "Của tôi", "t_exam": "Khám riêng."}, part=False)
    mine, his = await minh.get("/clinic/phrases"), await tuan.get("/clinic/phrases")
    assert "Vết thương khô." in mine.text and "Khám riêng." in mine.text
    assert "Vết thương khô." in his.text and "Khám riêng." not in his.text
    number = re.search(r'name="number" value="(o\d+)"', mine.text)
    assert number
    assert (await tuan.post("/clinic/phrases/drop", {"number": number[1]}, part=False)).status_code == 404
    assert (await minh.post("/clinic/phrases/drop", {"number": number[1]}, part=False)).status_code == 303


async def test_favourites_come_from_what_one_wrote(enter: Any, came: Came) -> None:
    patient, encounter = await came()
    browser: Browser = await enter("bs.tuan")
    await browser.post(f"/patients/{patient}/visit", form(encounter, dx="J45.9"))
    other, _ = await came()
    page = await browser.get(f"/patients/{other}/visit")
    assert "dx-take.J45.9" in page.text


@pytest.mark.parametrize(
    "path", ["visit/draft", "visit/act", "visit", "prescribe", "visit/add", "visit/sick-leave", "visit/referral", "visit/call"]
)
async def test_a_form_about_another_patients_visit_or_none_is_refused(enter: Any, came: Came, path: str) -> None:
    patient, _ = await came()
    _, foreign = await came()
    browser: Browser = await enter()
    for encounter in (foreign, "khong-co", "", "../x"):
        answer = await browser.post(
            f"/patients/{patient}/{path}", form(encounter, act="copy" if path == "visit/act" else ""), part=False
        )
        assert answer.status_code in (404, 409), (encounter, answer.status_code)
