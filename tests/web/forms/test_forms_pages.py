"""Forms through the real application: filled, kept, left, signed, amended; what that writes into the record; wrong input."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest

from longbien.record.change import Create
from longbien.record.store import Store
from longbien.web.forms import catalogue

pytestmark = pytest.mark.asyncio(loop_scope="session")
NEWS2 = {"asked/rr": "22", "asked/spo2": "94", "asked/o2": "o2.1", "asked/bp/sbp": "105", "asked/hr": "112", "asked/temp": "38,4",
         "asked/acvpu": "acvpu.A"}  # fmt: skip


def said(answer: Any) -> str:
    """What an answer complains of."""
    found = re.findall(r'class="banner crit" role="alert">(.*?)</(?:p|div)>|data-msg role="alert">([^<]+)<', answer.text, re.S)
    return f"{answer.status_code}: " + " | ".join(re.sub(r"<[^>]*>", " ", "".join(x)).strip() for x in found)[:1500]


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    return found[1] if found else ""


async def send(client: Any, patient: str, form: str, act: str, fields: dict[str, Any], page: str = "", **more: str) -> Any:
    data = {"csrf": client.token, "act": act, **fields, **more}
    if page:
        data |= {"once": hidden(page, "once"), "page": hidden(page, "page")}
    return await client.post(f"/patients/{patient}/forms/{form}", data=data)


async def written(own: Store, patient: str, kind: str) -> list[dict[str, Any]]:
    found = await own.search(kind, [("_count", "500")], patient=patient)
    return [msgspec.json.decode(e.body) for e in found.matches]


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("form", list(catalogue.packaged()))
async def test_every_form_opens(browser: Any, form: str, lang: str) -> None:
    client = await browser("doctor", lang)
    answer = await client.get(f"/patients/nb-lua/forms/{form}")
    assert answer.status_code == 200 and catalogue.packaged()[form].title.of(lang) in answer.text.replace("&#39;", "'")


async def test_a_signed_score_is_a_result_with_its_reasons_and_is_charted(browser: Any, own: Store) -> None:
    client = await browser()
    page = (await client.get("/patients/nb-lua/forms/score-news2")).text
    answer = await send(client, "nb-lua", "score-news2", "sign", NEWS2, page)
    assert answer.status_code == 303, said(answer)
    again = await send(client, "nb-lua", "score-news2", "sign", NEWS2, page)
    assert again.status_code == 303, said(again)
    assert again.headers["location"] == answer.headers["location"]
    seen = await written(own, "nb-lua", "Observation")
    total = next(o for o in seen if o["code"]["coding"][0]["code"] == "news2")
    assert total["valueQuantity"]["value"] == 9 and total["interpretation"][0]["text"] == "Nguy cơ cao"
    assert {c["code"]["coding"][0]["code"]: c["valueInteger"] for c in total["component"]} == {
        "news2.rr": 2, "news2.spo2": 1, "news2.hr": 2, "news2.sbp": 1, "news2.temp": 1, "news2.o2": 2, "news2.acvpu": 0,
    }  # fmt: skip
    by_code = {o["code"]["coding"][0]["code"]: o for o in seen}
    assert by_code["8867-4"]["valueQuantity"] == {
        "value": 112,
        "unit": "/ph",
        "system": "http://unitsofmeasure.org",
        "code": "/min",
    }
    assert by_code["85354-9"]["component"][0]["valueQuantity"]["value"] == 105
    assert len([o for o in seen if o["code"]["coding"][0]["code"] == "news2"]) == 1
    chart = await client.get("/patients/nb-lua")
    assert "NEWS2" in chart.text
    read = await client.get(answer.headers["location"])
    assert "9 điểm" in read.text and "Nguy cơ cao" in read.text
    # what is charted now is taken and not charted twice
    page = (await client.get("/patients/nb-lua/forms/score-news2")).text
    assert 'name="asked/rr" value="22"' in page
    await send(client, "nb-lua", "score-news2", "sign", NEWS2, page)
    seen = await written(own, "nb-lua", "Observation")
    codes = [o["code"]["coding"][0]["code"] for o in seen]
    assert codes.count("news2") == 2 and codes.count("8867-4") == 1 and codes.count("85354-9") == 1
    second = next(o for o in seen if o["code"]["coding"][0]["code"] == "news2" and len(o["derivedFrom"]) > 1)
    assert f"Observation/{by_code['8867-4']['id']}" in {d["reference"] for d in second["derivedFrom"]}


async def test_what_is_missing_or_wrong_is_said_beside_its_field_and_nothing_is_lost(browser: Any, own: Store) -> None:
    client = await browser("nurse")
    page = (await client.get("/patients/nb-ba/forms/score-news2")).text
    answer = await send(
        client, "nb-ba", "score-news2", "sign", {**NEWS2, "asked/temp": "384", "asked/hr": "", "asked/rr": "hai"}, page
    )
    assert answer.status_code == 422
    assert "Có phải 38,4?" in answer.text and "Cần điền trước khi ký." in answer.text and 'value="hai"' in answer.text
    assert await written(own, "nb-ba", "Observation") == []
    back = (await client.get("/patients/nb-ba/forms/score-news2")).text
    assert 'value="hai"' in back and 'value="384"' in back  # kept, on any machine
    assert (await send(client, "nb-ba", "score-news2", "discard", {})).status_code == 303
    assert 'value="hai"' not in (await client.get("/patients/nb-ba/forms/score-news2")).text


async def test_a_form_left_unfinished_is_gone_on_with_by_a_colleague(browser: Any, own: Store) -> None:
    nurse, doctor = await browser("nurse"), await browser("doctor")
    page = (await nurse.get("/patients/nb-ba/forms/score-gcs")).text
    assert (await send(nurse, "nb-ba", "score-gcs", "leave", {"asked/eye": "eye.1"}, page)).status_code == 303
    page = (await doctor.get("/patients/nb-ba/forms/score-gcs")).text
    assert "nurse vi" in page and re.search(r'value="eye.1" checked', page)
    other = (await nurse.get("/patients/nb-ba/forms/score-gcs")).text
    whole = {"asked/eye": "eye.1", "asked/verbal": "verbal.1", "asked/motor": "motor.0"}
    assert (await send(doctor, "nb-ba", "score-gcs", "sign", whole, page)).status_code == 303
    late = await send(nurse, "nb-ba", "score-gcs", "leave", {"asked/eye": "eye.2"}, other)
    assert late.status_code in (303, 409)
    done = [r for r in await written(own, "nb-ba", "QuestionnaireResponse") if r["status"] == "completed"]
    assert len(done) == 1 and done[0]["author"]["display"] == "doctor vi"
    total = [o for o in await written(own, "nb-ba", "Observation") if o["code"]["coding"][0]["code"] == "9269-2"]
    assert [o["valueQuantity"]["value"] for o in total] == [13]


RECORD = {
    "admin/name": "LÊ BÉ", "part_a/reason_part/reason": "Sốt", "part_a/asking/present_illness": "Sốt ba ngày.",
    "part_a/exam/general": "Tỉnh.", "part_a/exam/vitals/pulse": "120", "part_a/treatment_plan": "Hạ sốt.",
    "part_a/admission_dx/main_dx/main_dx.code": "J18.9 · Viêm phổi", "part_a/admission_dx/other_dx/other_dx.code": "Suy dinh dưỡng",
}  # fmt: skip


async def test_a_record_becomes_a_paper_and_is_amended_with_a_reason(browser: Any, own: Store) -> None:
    client = await browser("doctor")
    page = (await client.get("/patients/nb-be/forms/record-paediatrics")).text
    answer = await send(client, "nb-be", "record-paediatrics", "sign", RECORD, page)
    assert answer.status_code == 303, said(answer)
    id_ = answer.headers["location"].rpartition("/")[2].partition("?")[0]
    paper = next(c for c in await written(own, "nb-be", "Composition"))
    assert paper["type"]["coding"][0] == {
        "system": "https://longbien.org/fhir/CodeSystem/paper",
        "code": "record",
        "display": "Bệnh án",
    }
    assert [x["title"] for x in paper["section"]] == ["I. HÀNH CHÍNH", "A. BỆNH ÁN"] and "Sốt ba ngày." in paper["section"][1][
        "text"
    ]["div"]
    conditions = await written(own, "nb-be", "Condition")
    assert sorted(c["code"]["text"] for c in conditions) == ["Suy dinh dưỡng", "Viêm phổi"]
    assert all(c["encounter"]["reference"] == "Encounter/lk-nb-be" for c in conditions)
    page = (await client.get(f"/patients/nb-be/forms/record-paediatrics?amend={id_}")).text
    less = {k: v for k, v in RECORD.items() if "other_dx" not in k} | {"part_a/exam/vitals/pulse": "110"}
    refused = await send(client, "nb-be", "record-paediatrics", "sign", less, page, amend=id_)
    assert refused.status_code == 422 and "Ghi lý do sửa." in refused.text
    page = refused.text
    done = await send(client, "nb-be", "record-paediatrics", "sign", less, page, amend=id_, why="Đếm lại mạch")
    assert done.status_code == 303, said(done)
    response = next(r for r in await written(own, "nb-be", "QuestionnaireResponse") if r["id"] == id_)
    assert response["status"] == "amended"
    pulse = [o for o in await written(own, "nb-be", "Observation") if o["code"]["coding"][0]["code"] == "8867-4"]
    assert [(o["valueQuantity"]["value"], o["status"]) for o in pulse] == [(110, "amended")]
    wrong = next(c for c in await written(own, "nb-be", "Condition") if c["code"]["text"] == "Suy dinh dưỡng")
    assert wrong["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
    read = (await client.get(f"/patients/nb-be/forms/responses/{id_}")).text
    assert "Đếm lại mạch" in read and "đã sửa" in read


async def test_rows_are_added_and_taken_away(browser: Any) -> None:
    client = await browser("doctor")
    page = (await client.get("/patients/nb-be/forms/record-internal")).text
    one = {"management/departments*0": "1", "management/departments*0/department": "Khoa Nội"}
    more = await send(client, "nb-be", "record-internal", "check", one, page, more="management/departments")
    assert 'name="management/departments*1/department"' in more.text
    two = {**one, "management/departments*1": "1", "management/departments*1/department": "Khoa Ngoại"}
    less = await send(client, "nb-be", "record-internal", "check", two, more.text, less="management/departments*0")
    assert 'name="management/departments*0/department" value="Khoa Ngoại"' in less.text
    assert 'name="management/departments*1/department"' not in less.text


async def test_the_live_answer_says_what_is_off_and_what_follows(browser: Any) -> None:
    client = await browser("doctor")
    page = (await client.get("/patients/nb-lua/forms/score-apgar")).text
    data = {"csrf": client.token, "once": hidden(page, "once"), "page": hidden(page, "page"), "asked/minute": "minute.5"}
    data |= {"asked/app": "app.2", "asked/pulse": "pulse.2", "asked/grim": "grim.1"}
    live = (await client.post("/patients/nb-lua/forms/score-apgar/draft", data=data)).json()
    assert live["values"]["result/total5"] == "5 điểm" and "result/total1" in live["off"] and "result/total5" not in live["off"]
    other = await client.post("/patients/nb-lua/forms/score-apgar/draft", data={**data, "page": "another"})
    assert other.status_code == 409 and other.json()["moved"]


async def test_a_hospitals_own_questionnaire_is_filled_and_a_broken_one_is_refused_without_harm(browser: Any, own: Store) -> None:
    client = await browser("doctor")
    item = {"linkId": "a b/c*1", "type": "string", "text": "Món ăn", "required": True}
    base = {
        "resourceType": "Questionnaire",
        "status": "active",
        "url": "https://bv.example/q/an",
        "title": "Phiếu ăn",
        "item": [item],
    }
    await own.commit([Create(base, id="phieu-an")])
    bad = {**base, "url": "https://bv.example/q/hong", "title": "Hỏng", "item": [{**item, "extension": [
        {"url": "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression",
         "valueExpression": {"language": "text/fhirpath", "expression": "((("}}]}]}  # fmt: skip
    await own.commit([Create(bad, id="phieu-hong")])
    assert "Phiếu ăn" in (await client.get("/patients/nb-lua/forms")).text
    page = (await client.get("/patients/nb-lua/forms/phieu-an")).text
    answer = await send(client, "nb-lua", "phieu-an", "sign", {"a%20b%2Fc%2A1": "cháo"}, page)
    assert answer.status_code == 303, said(answer)
    assert "cháo" in (await client.get(answer.headers["location"])).text
    assert (await client.get("/patients/nb-lua/forms/phieu-hong")).status_code in (400, 422)
    assert (await client.get("/patients/nb-lua/forms/khong-co")).status_code == 404


async def test_who_may_not_write_reads_only(browser: Any) -> None:
    doctor = await browser("doctor")
    assert (await doctor.get("/patients/khong-ai/forms")).status_code in (403, 404)
    assert (await doctor.get("/patients/nb-lua/forms/responses/khong-co")).status_code == 404


async def test_a_nurse_prepares_a_record_and_a_doctor_signs_it(browser: Any, own: Store) -> None:
    nurse, doctor = await browser("nurse"), await browser("doctor")
    page = (await nurse.get("/patients/nb-ba/forms/record-internal")).text
    refused = await send(nurse, "nb-ba", "record-internal", "sign", {"part_a/reason_part/reason": "Ho"}, page)
    assert refused.status_code == 422 and "Bác sĩ ký biểu mẫu này." in refused.text
    left = await send(nurse, "nb-ba", "record-internal", "leave", {"part_a/reason_part/reason": "Ho"}, refused.text)
    assert left.status_code == 303
    assert 'value="Ho"' in (await doctor.get("/patients/nb-ba/forms/record-internal")).text


async def test_usual_words_fill_what_is_empty_and_are_marked_until_they_are_looked_at(browser: Any) -> None:
    client = await browser("head")
    page = (await client.get("/patients/nb-ba/forms/record-surgery")).text
    own_words = {"part_a/exam/general": "Lơ mơ, da xanh."}
    answer = await send(client, "nb-ba", "record-surgery", "template", own_words, page)
    assert "Lơ mơ, da xanh." in answer.text and "phản ứng thành bụng âm tính" in answer.text and "câu mẫu" in answer.text
    assert re.search(r'copied" data-node="part_a/exam/abdomen_exam"', answer.text)
    assert not re.search(r'copied" data-node="part_a/exam/general"', answer.text)
    assert "Điều trị nội khoa theo phác đồ" not in re.sub(
        r"<button.*?</button>", "", answer.text
    )  # a plan is never filled in of itself


async def test_a_form_in_another_rooms_page_goes_back_there(browser: Any) -> None:
    client = await browser("nurse")
    page = (await client.get("/patients/nb-ba/forms/score-nrspain")).text
    answer = await send(client, "nb-ba", "score-nrspain", "sign", {"asked/nrs": "4"}, page, back="/ward?unit=1")
    assert answer.headers["location"] == "/ward?unit=1&done=form"
    page = (await client.get("/patients/nb-ba/forms/score-nrspain")).text
    away = await send(client, "nb-ba", "score-nrspain", "sign", {"asked/nrs": "4"}, page, back="//elsewhere.example")
    assert away.headers["location"].startswith("/patients/nb-ba/forms/responses/")


async def test_keeping_what_is_typed_is_no_look_into_the_record_each_time(browser: Any, house: Any) -> None:
    client = await browser("doctor")
    page = (await client.get("/patients/nb-lua/forms/nursing-note")).text
    data = {"csrf": client.token, "once": hidden(page, "once"), "page": hidden(page, "page"), "assessment/observations": "a"}
    assert (await client.post("/patients/nb-lua/forms/nursing-note/draft", data=data)).status_code == 200
    count = "SELECT count(*) FROM audit"
    before = await house.state.engine.db.fetchval(count)
    assert (
        await client.post("/patients/nb-lua/forms/nursing-note/draft", data={**data, "assessment/observations": "ab"})
    ).is_success
    assert await house.state.engine.db.fetchval(count) == before


async def test_what_was_written_after_the_form_was_signed_elsewhere_is_not_lost(browser: Any, own: Store) -> None:
    client = await browser("head")
    first = (await client.get("/patients/nb-ba/forms/score-flacc")).text
    whole = {f"asked/{k}": f"{k}.1" for k in ("face", "legs", "activity", "cry", "console")}
    assert (await send(client, "nb-ba", "score-flacc", "sign", whole, first)).status_code == 303
    late = await send(client, "nb-ba", "score-flacc", "sign", {**whole, "asked/cry": "cry.2"}, first)
    assert late.status_code == 409 and "vừa được ký" in late.text and re.search(r'value="cry.2" checked', late.text)
    again = await send(client, "nb-ba", "score-flacc", "sign", {**whole, "asked/cry": "cry.2"}, late.text)
    assert again.status_code == 303, said(again)
    totals = [
        o["valueQuantity"]["value"] for o in await written(own, "nb-ba", "Observation") if o["code"]["coding"][0]["code"] == "flacc"
    ]
    assert sorted(totals) == [5, 6]
