"""The order box, the list, printing: through the application, on a real record."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import httpx
import pytest
from order_house import ADULT, CHILD, act

from hospital_app import Browser
from longbien.app import App
from longbien.base import clock
from longbien.base.errors import Unavailable
from longbien.fhir import systems as s
from longbien.record.change import Create, Update
from longbien.record.store import Store
from longbien.web import departments

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def orders(own: Store, type_: str, patient: str = ADULT) -> list[dict[str, Any]]:
    page = await own.search(type_, [("_count", "200"), ("_sort", "_lastUpdated")], patient=patient)
    return [json.loads(e.body) for e in page.entries]


async def test_the_search_answers_quickly_and_without_tones(browser: Browser) -> None:
    doctor = await browser()
    await doctor.get("/orders/search?q=x")  # the catalogue is read once
    start = time.perf_counter()
    answer = await doctor.get("/orders/search", params={"q": "paracetamol", "kind": "drug"})
    assert time.perf_counter() - start < 0.5  # the whole request on a busy machine; the search itself: test_order_search
    first = answer.json()["items"][0]
    assert first["key"] == "para500"
    assert first["dosage"]["timing"]["repeat"]["frequency"] == 4
    assert (await doctor.get("/orders/search?q=xq+nguc")).json()["items"][0]["name"] == "Chụp X-quang ngực thẳng"
    english = (await (await browser("doctor", "en")).get("/orders/search?q=xq+nguc")).json()["items"][0]
    assert (english["name"], english["kind_title"]) == ("Chest X-ray, PA", "Imaging")


async def test_four_steps_order_paracetamol(browser: Browser, own: Store) -> None:
    doctor = await browser()
    shown = await act(doctor, ADULT, "add:cd-drug-para500")
    assert shown.status_code == 200
    assert "Paracetamol 500 mg" in shown.text
    signed = await act(doctor, ADULT, "sign", once="once-para")
    assert signed.headers["X-Go"].startswith(f"/patients/{ADULT}/orders?done=orders")
    made = next(r for r in await orders(own, "MedicationRequest") if r["id"] == "once-para-1")
    assert made["status"] == "active"
    assert made["encounter"]["reference"] == "Encounter/lk-lua"
    assert made["category"][0]["coding"][0]["code"] == "inpatient"
    assert made["requester"]["reference"] == "Practitioner/nv-doctor"
    page = await doctor.get(f"/patients/{ADULT}/orders")
    assert "Paracetamol 500 mg" in page.text


async def test_tests_from_one_tube_share_its_number(browser: Browser, own: Store) -> None:
    doctor = await browser()
    for code in ("k", "crea", "cbc"):
        await act(doctor, ADULT, f"add:cd-lab-{code}")
    await act(doctor, ADULT, "add:cd-imaging-xr01")
    await act(doctor, ADULT, "sign", once="once-labs")
    made = {r["code"]["coding"][0]["code"]: r for r in await orders(own, "ServiceRequest") if r["id"].startswith("once-labs-")}
    number = {k: r["identifier"][0]["value"] for k, r in made.items()}
    assert number["K"] == number["CREA"]
    assert len({number["K"], number["CBC"], number["XR01"]}) == 3
    assert len({r["requisition"]["value"] for r in made.values()}) == 1
    assert made["XR01"]["category"][0]["coding"][0]["code"] == "363679005"
    form = made["K"]["requisition"]["value"]
    nurse = await browser("nurse")
    for path in (f"{form}.pdf", f"{form}/labels.pdf"):
        pdf = await nurse.get(f"/patients/{ADULT}/orders/{path}")
        assert pdf.status_code == 200
        assert pdf.content[:5] == b"%PDF-"
    assert (await nurse.get(f"/patients/{ADULT}/orders/999999.pdf")).status_code == 404


async def test_an_allergy_stops_until_a_reason_is_typed_and_the_reason_is_kept(browser: Browser, own: Store) -> None:
    doctor = await browser("doctor", "en")
    shown = await act(doctor, ADULT, "add:cd-drug-amox500")
    assert "Allergy: Penicillin" in shown.text
    before = len(await orders(own, "MedicationRequest"))
    assert (await act(doctor, ADULT, "sign")).status_code == 422
    assert (await act(doctor, ADULT, "sign", **{"l1-override": "ok"})).status_code == 422  # no reason
    assert len(await orders(own, "MedicationRequest")) == before
    kept = await act(doctor, ADULT, "sign", once="once-over", **{"l1-override": "Đã test da âm tính, không có thuốc thay"})
    assert "X-Go" in kept.headers
    page = await own.search("Provenance", [("target", "MedicationRequest/once-over-1")])
    provenance = json.loads(page.entries[0].body)
    assert provenance["reason"][0]["text"] == "Đã test da âm tính, không có thuốc thay"
    assert "Penicillin" in provenance["reason"][1]["text"]


async def test_signing_the_same_form_twice_writes_once(browser: Browser, own: Store) -> None:
    doctor = await browser()
    await act(doctor, ADULT, "add:cd-nursing-sh4")
    both = await asyncio.gather(*(act(doctor, ADULT, "sign", once="once-twice") for _ in range(2)))
    assert all(r.status_code in (204, 422) for r in both)  # the second finds it written, or nothing left to sign
    assert len([r for r in await orders(own, "ServiceRequest") if r["id"].startswith("once-twice")]) == 1


async def test_a_child_is_never_given_the_adults_dose_by_enter(browser: Browser, own: Store) -> None:
    doctor = await browser()
    shown = await act(doctor, CHILD, "add:cd-drug-para500")
    assert "mg/kg" in shown.text
    assert (await act(doctor, CHILD, "sign")).status_code == 422
    assert await orders(own, "MedicationRequest", CHILD) == []
    signed = await act(doctor, CHILD, "sign", once="once-be", **{"l1-dose": "200", "l1-times": "4", "l1-days": "3"})
    assert "X-Go" in signed.headers
    made = (await orders(own, "MedicationRequest", CHILD))[0]
    assert made["category"][0]["coding"][0]["code"] == "community"
    assert made["dosageInstruction"][0]["text"] == "200 mg/lần, 4 lần/ngày, uống"
    await act(doctor, CHILD, "discard")


async def test_drafts_are_kept_as_typed_and_are_ones_own(browser: Browser) -> None:
    doctor, head = await browser(), await browser("head")
    await act(doctor, ADULT, "add:cd-lab-glu")
    await act(doctor, ADULT, "keep", **{"l1-text": "lúc đói", "l1-priority": "urgent"})
    again = await doctor.get(f"/patients/{ADULT}?panel=order")
    assert 'value="lúc đói"' in again.text
    assert "lúc đói" not in (await head.get(f"/patients/{ADULT}?panel=order")).text
    await act(doctor, ADULT, "discard")
    assert 'value="lúc đói"' not in (await doctor.get(f"/patients/{ADULT}?panel=order")).text


async def test_an_order_set_adds_what_is_ticked(browser: Browser) -> None:
    doctor = await browser()
    shown = await act(doctor, ADULT, "add:yl-os01")
    assert "Tái khám tăng huyết áp" in shown.text
    added = await act(doctor, ADULT, "take:yl-os01", **{"part-1": "1", "part-2": "2"})
    assert added.text.count('class="draft') == 2 + added.text.count('class="drafts')
    await act(doctor, ADULT, "discard")


async def test_without_a_script_the_box_works_too(browser: Browser) -> None:
    doctor = await browser()
    data = {"csrf": doctor.token, "act": "find", "q": "xq nguc"}  # type: ignore[attr-defined]
    found = await doctor.post(f"/patients/{ADULT}/order", data=data)
    assert found.status_code == 303
    page = await doctor.get(found.headers["location"])
    assert 'value="add:cd-imaging-xr01"' in page.text


async def test_duplicates_and_hints_are_told(browser: Browser, own: Store) -> None:
    doctor = await browser()
    await act(doctor, ADULT, "add:cd-lab-hba1c")
    await act(doctor, ADULT, "sign", once="once-a1c")
    shown = await act(doctor, ADULT, "add:cd-lab-hba1c")
    assert "chưa làm" in shown.text
    hints = (await doctor.get(f"/patients/{ADULT}/order/hints")).json()
    assert hints["cd-lab-hba1c"][0][0] == "warn"
    assert hints["cd-drug-amox500"][0][0] == "stop"
    assert "cd-drug-ors" not in hints
    await act(doctor, ADULT, "discard")


async def test_cancelling_needs_a_reason_and_is_written(browser: Browser, own: Store) -> None:
    doctor = await browser()
    await act(doctor, ADULT, "add:cd-lab-crp")
    await act(doctor, ADULT, "sign", once="once-crp")
    data = {"csrf": doctor.token, "order": "ServiceRequest/once-crp-1"}  # type: ignore[attr-defined]
    bare = await doctor.post(f"/patients/{ADULT}/orders/cancel", data={**data, "why": " "})
    assert bare.status_code == 422
    assert "Ghi lý do hủy" in bare.text
    gone = await doctor.post(f"/patients/{ADULT}/orders/cancel", data={**data, "why": "Chỉ định nhầm"})
    assert gone.status_code == 303
    stored = json.loads((await own.read("ServiceRequest", "once-crp-1")).body)
    assert stored["status"] == "revoked"
    assert "Chỉ định nhầm" in stored["note"][-1]["text"]
    twice = await doctor.post(f"/patients/{ADULT}/orders/cancel", data={**data, "why": "Lần nữa"})
    assert twice.status_code == 422
    other = await doctor.post(f"/patients/{CHILD}/orders/cancel", data={**data, "why": "Nhầm người"})
    assert other.status_code == 422


async def test_the_last_prescription_comes_back_as_drafts(browser: Browser) -> None:
    doctor = await browser("head")
    await act(doctor, ADULT, "add:cd-drug-amlo5")
    await act(doctor, ADULT, "add:cd-drug-metf500")
    await act(doctor, ADULT, "sign", once="once-last")
    again = await act(doctor, ADULT, "repeat")
    assert "Amlodipin 5 mg" in again.text
    assert "Metformin" in again.text
    assert "Đang dùng" in again.text  # and that they are taken already
    await act(doctor, ADULT, "discard")


async def test_from_ordered_to_done_on_the_chart_and_for_the_patient(browser: Browser, own: Store) -> None:
    doctor, patient = await browser(), await browser("patient")
    await act(doctor, ADULT, "add:cd-lab-urea")
    await act(doctor, ADULT, "sign", once="once-stage")
    assert "bác sĩ đã chỉ định" in (await patient.get("/me")).text
    who = {"reference": f"Patient/{ADULT}"}
    order = [{"reference": "ServiceRequest/once-stage-1"}]
    now = clock.instant(clock.now())
    specimen = {
        "resourceType": "Specimen",
        "subject": who,
        "request": order,
        "status": "available",
        "collection": {"collectedDateTime": now},
    }
    await own.commit([Create(specimen)])
    assert "đã lấy mẫu, phòng xét nghiệm đang làm" in (await patient.get("/me")).text
    report = {"resourceType": "DiagnosticReport", "status": "final", "subject": who, "basedOn": order, "issued": now,
              "effectiveDateTime": now, "code": {"coding": [{"system": s.LAB, "code": "UREA"}]}}  # fmt: skip
    await own.commit([Create(report)])
    assert "có kết quả" in (await doctor.get(f"/patients/{ADULT}/orders?show=past")).text
    assert "đã có kết quả" in (await patient.get("/me")).text


async def test_who_may_not_order_gets_no_box(browser: Browser, own: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    nurse, pharmacist = await browser("nurse"), await browser("pharmacist")
    assert (await act(pharmacist, ADULT, "add:cd-diet-dtd")).status_code == 403
    monkeypatch.setenv("LONGBIEN_NURSES_ORDER", "none")  # a hospital where doctors order everything
    assert (await act(nurse, ADULT, "add:cd-diet-dtd")).status_code == 403
    page = await nurse.get(f"/patients/{ADULT}/orders")
    assert page.status_code == 200
    assert 'id="orders"' not in page.text


@pytest.mark.parametrize("lang", ["vi", "en"])
async def test_nurses_order_diets_and_care_and_nothing_else_and_the_doctor_sees_it(browser: Browser, own: Store, lang: str) -> None:
    nurse, doctor = await browser("nurse", lang), await browser("doctor", lang)
    box = (await nurse.get(f"/patients/{ADULT}?panel=order")).text
    assert 'data-kinds="diet,nursing"' in box and 'id="repeat"' not in box
    await act(nurse, ADULT, "discard")
    assert "l1" not in (await act(nurse, ADULT, "add:cd-drug-para500")).text
    assert 'data-k="l1"' in (await act(nurse, ADULT, "add:cd-diet-dtd")).text
    signed = await act(nurse, ADULT, "sign", once=f"nurse-{lang}")
    assert signed.headers["X-Go"].startswith(f"/patients/{ADULT}/orders?done=orders")
    listed = (await doctor.get(f"/patients/{ADULT}/orders")).text
    assert f"nurse <b>{lang}</b>" in listed and f"ServiceRequest/nurse-{lang}-1" in listed
    one = {"csrf": nurse.token, "why": "đổi chế độ ăn"}  # type: ignore[attr-defined]
    theirs = {"csrf": nurse.token, "why": "không cần", "order": "ServiceRequest/of-doctor"}  # type: ignore[attr-defined]
    await own.commit([Update({"resourceType": "ServiceRequest", "id": "of-doctor", "status": "active", "intent": "order",
                              "subject": {"reference": f"Patient/{ADULT}"}, "category": [{"coding": [{"code": "108252007"}]}]})])  # fmt: skip  # noqa: E501
    assert (await nurse.post(f"/patients/{ADULT}/orders/cancel", data=theirs)).status_code == 403
    gone = await nurse.post(f"/patients/{ADULT}/orders/cancel", data=one | {"order": f"ServiceRequest/nurse-{lang}-1"})
    assert gone.status_code == 303


async def test_a_draft_with_more_than_a_nurse_may_is_not_signed(browser: Browser, house: App) -> None:
    """The rule may have changed while the draft lay there."""
    nurse = await browser("nurse")
    await act(nurse, ADULT, "discard")
    await act(nurse, ADULT, "add:cd-diet-dtd")
    other = "UPDATE draft SET content = replace(content, 'cd-diet-dtd', 'cd-lab-urea') WHERE content LIKE '%cd-diet-dtd%'"
    await house.state.engine.db.execute(other)
    assert (await act(nurse, ADULT, "sign", once="nurse-no")).status_code == 422
    await act(nurse, ADULT, "discard")


async def test_a_definition_that_was_retired_is_offered_no_more(browser: Browser, own: Store, house: App) -> None:
    doctor = await browser()
    await act(doctor, ADULT, "add:cd-lab-bnp")
    stored = await own.read("ActivityDefinition", "cd-lab-bnp")
    await own.commit([Update({**json.loads(stored.body), "status": "retired"})])
    for _ in range(60):  # another process sees it within five seconds
        found = (await doctor.get("/orders/search?q=BNP&kind=lab")).json()["items"]
        if all(i["key"] != "BNP" for i in found):
            break
        await asyncio.sleep(0.1)
    else:
        raise AssertionError("still offered")
    assert (await act(doctor, ADULT, "sign")).status_code == 422
    assert "Không còn trong danh mục" in (await act(doctor, ADULT, "keep")).text
    await act(doctor, ADULT, "discard")


@pytest.mark.parametrize(
    "junk", ["add:", "add:../x", "take:cd-lab-k", "drop:zz", "again:Patient/1", "again:ServiceRequest/none", "\0"]
)
async def test_junk_is_no_accident(browser: Browser, junk: str) -> None:
    doctor: httpx.AsyncClient = await browser()
    assert (await act(doctor, ADULT, junk)).status_code < 500


async def test_when_nobody_can_be_asked_the_box_says_so_and_nothing_is_signed(
    browser: Browser, own: Store, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    doctor = await browser()
    await act(doctor, ADULT, "add:cd-drug-para650")

    async def away(*_: Any) -> list[Any]:
        raise Unavailable("the advice is away")

    monkeypatch.setattr(departments, "advise", away)
    page = await doctor.get(f"/patients/{ADULT}?panel=order")
    assert page.status_code == 200
    assert "chưa kiểm tra được dị ứng" in page.text
    assert "không có gì vướng" not in page.text
    assert (await act(doctor, ADULT, "sign", once="once-away")).status_code == 503
    assert all(not r["id"].startswith("once-away") for r in await orders(own, "MedicationRequest"))
    monkeypatch.undo()
    await act(doctor, ADULT, "discard")


async def test_a_set_brings_along_what_the_box_does_not_offer_and_it_is_signed_with_it(browser: Browser, own: Store) -> None:
    """A bed day of the order set of pneumonia: of the kind `service`."""
    doctor = await browser()
    await act(doctor, CHILD, "discard")
    found = (await doctor.get("/orders/search?q=ngay giuong&kind=service")).json()["items"]
    assert found
    assert 'data-k="l1"' in (await act(doctor, CHILD, f"add:{found[0]['id']}")).text
    assert (await act(doctor, CHILD, "sign", once="bed-day")).headers["X-Go"].startswith(f"/patients/{CHILD}/orders?done=orders")
