"""A child of three: brought by the mother, seen, weighed, prescribed for by weight, admitted, watched by PEWS, written down on the
paediatric record; and the mother reads it at home with the code from the desk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from looking import coded, got, looked_at, of, stocked, violations, vitals
from playwright.sync_api import Browser, Page, expect
from running import PASSWORD, served

from longbien.base import clock

pytestmark = pytest.mark.browser
Enter = Callable[..., Page]
PHONE = {"width": 390, "height": 844}
A = "part_a"
SAID = {
    "vi": {"carer": "người chăm sóc", "rule": "mg/kg", "weight": "cân nặng", "score": "PEWS", "mother": "mẹ", "growth": "Thấp còi"},
    "en": {"carer": "who cares", "rule": "mg/kg", "weight": "weight", "score": "PEWS", "mother": "mother", "growth": "Stunting"},
}
WHO = {"vi": ("Hoàng Gia Hân", "Nguyễn Thu Phương", "sn-nhi-g30"), "en": ("Hoàng Minh Khang", "Lê Bích Ngọc", "sn-nhi-g29")}


@pytest.fixture(scope="module")
def house(record_urls: tuple[str, str], browser: Browser) -> Iterator[SimpleNamespace]:
    with served(record_urls[1], range(4)) as running:
        stocked(running)
        yield running


def field(page: Page, name: str) -> object:
    return page.locator(f'[name="{name}"]').first


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_child_of_three_from_the_door_to_the_mothers_telephone(
    house: SimpleNamespace, enter: Enter, browser: Browser, lang: str
) -> None:
    said, (name, mother, bed) = SAID[lang], WHO[lang]
    born, given = clock.local(clock.now()).replace(day=5), name.split()[-1]
    born = born.replace(year=born.year - 3)

    # the desk asks who cares for a child
    clerk = enter("tn.lan", lang)
    clerk.goto("/reception/register")
    clerk.fill("#name", name)
    clerk.fill("#birth", f"{born:%d/%m/%Y}")
    clerk.locator(f"label:has(input[name=sex][value={'female' if lang == 'vi' else 'male'}])").click()
    clerk.locator("button[name=room][value=sn-nhi-pk]").click()
    expect(clerk.locator("#carer_name-msg")).to_contain_text(said["carer"])
    expect(clerk.locator("#name")).to_have_value(name)
    looked_at(clerk, f"child-carer-{lang}")
    clerk.fill("#carer_name", mother)
    clerk.select_option("#carer_relation", "MTH")
    clerk.fill("#carer_telephone", "0912 555 38" + ("1" if lang == "vi" else "2"))
    clerk.locator("button[name=room][value=sn-nhi-pk]").click()
    clerk.wait_for_url("**given=*")
    label = clerk.locator("#ticket .no").inner_text()
    assert label.startswith("A")  # below six: seen first
    looked_at(clerk, f"child-number-{lang}")

    # weighed, then seen: the prescription of a child names the weight and who brought it
    nurse, doctor = enter("dd.linh3", lang), enter("bs.mai2", lang)
    doctor.goto("/clinic")
    doctor.locator("#worklist tr", has_text=given).locator("form button").click()
    doctor.wait_for_selector("#visit[data-ready]")
    visit = doctor.url
    patient = visit.split("/patients/")[1].split("/")[0]
    nurse.goto(f"/patients/{patient}")
    vitals(nurse, weight="13,5" if lang == "vi" else "13.5", height="95", temperature="39", pulse="138", breaths="34", spo2="96")
    doctor.reload()
    doctor.wait_for_selector("#visit[data-ready]")
    doctor.fill("#v-reason", "Sốt 3 ngày, ho")
    doctor.locator("#v-dx").press_sequentially("viem phe quan cap")
    doctor.wait_for_selector("#dx-options li")
    doctor.keyboard.press("Enter")
    expect(doctor.locator(".dxs [name=dx]")).to_have_count(1)
    doctor.locator("#v-rx").press_sequentially("paracetamol")
    doctor.wait_for_selector("#rx-options li")
    doctor.keyboard.press("Enter")
    doctor.wait_for_selector("tr.line")
    expect(doctor.locator("#v-weight")).to_have_value("13,5" if lang == "vi" else "13.5")  # as the nurse has charted it
    looked_at(doctor, f"child-prescription-{lang}", whole=True)

    # a bed in paediatrics: PEWS instead of NEWS2
    nurse.goto("/ward/admit")
    nurse.locator(f"#worklist tr[data-href*='{patient}'] a.btn").first.click()
    nurse.locator(f"input[name=bed][value={bed}]").check()
    nurse.fill("#reason", "Viêm phế quản, sốt cao")
    nurse.locator("#go").click()
    nurse.wait_for_url("**/ward?**")
    nurse.goto(f"/patients/{patient}/stay")
    nurse.locator("a[href$='/forms/score-pews']").first.click()
    nurse.wait_for_url("**/score-pews")
    for answer in ("behav.1", "cardio.1", "resp.1", "neb.0"):
        nurse.locator(f'input[value="{answer}"]').check()
    expect(nurse.locator('[data-value="result/total"]')).to_contain_text("3")
    looked_at(nurse, f"child-pews-{lang}")
    nurse.keyboard.press("Control+Enter")
    nurse.wait_for_url("**/forms/responses/*")
    nurse.goto("/ward")
    expect(nurse.locator(f"#bed-{bed}")).to_contain_text(said["score"])
    looked_at(nurse, f"child-board-{lang}")

    # the order box gives the rule for children in words, and takes no adult's dose
    doctor.goto(f"/patients/{patient}")
    doctor.keyboard.press("o")
    doctor.keyboard.type("paracetamol 150")
    doctor.wait_for_selector("#order-hits li")
    doctor.keyboard.press("Enter")
    draft = doctor.locator("#orders .draft")
    expect(draft).to_contain_text(said["rule"])
    expect(draft.locator("[name$=-dose]")).to_have_value("")
    doctor.keyboard.press("Control+Enter")
    expect(draft.locator("[role=alert]").first).to_be_visible()
    looked_at(doctor, f"child-order-{lang}")
    draft.locator("[name$=-dose]").fill("200")
    draft.locator("[name$=-times]").fill("4")
    doctor.keyboard.press("Control+Enter")
    doctor.wait_for_url("**/orders")
    ordered = next(m for m in of(house, "MedicationRequest", patient) if m["status"] == "active")
    assert ordered["dosageInstruction"][0]["doseAndRate"][0]["doseQuantity"]["value"] == 200

    # growth, and the official paediatric record
    doctor.goto(f"/patients/{patient}/forms/score-whogrowth")
    looked_at(doctor, f"child-growth-{lang}")
    doctor.goto(f"/patients/{patient}/forms/record-paediatrics")
    assert name.upper() == doctor.locator('[name="admin/name"]').first.input_value()
    for key, text in (
        (f"{A}/reason_part/reason", "Sốt, ho ngày 3"),
        (f"{A}/asking/present_illness", "Ba ngày sốt, ho đờm, bú kém."),
        (f"{A}/exam/general", "Tỉnh, sốt 39, không co giật."),
        (f"{A}/treatment_plan", "Hạ sốt, theo dõi nhịp thở."),
    ):
        doctor.locator(f'[name="{key}"]').first.fill(text)
    box = doctor.locator(f'[name="{A}/admission_dx/main_dx/main_dx.code"]').first
    box.press_sequentially("viem phe quan cap")
    doctor.locator(".combo li").first.wait_for()
    box.press("Enter")
    doctor.locator(f'[name="{A}/treatment_plan"]').first.press("Control+Enter")
    doctor.wait_for_selector('html[data-done="signed"]', state="attached")
    looked_at(doctor, f"child-record-{lang}")
    assert "record" in coded(of(house, "Composition", patient), "type")
    doctor.goto(f"/patients/{patient}")
    expect(doctor.locator("#strip")).to_contain_text("13,5" if lang == "vi" else "13.5")
    looked_at(doctor, f"child-chart-{lang}")

    # the mother's own account
    clerk.goto(f"/patients/{patient}/accounts")
    expect(clerk.locator("#carers")).to_be_visible()
    clerk.select_option("#shown-carer", "citizen-card")
    clerk.locator("form:has(#carer-login) button.primary").click()
    code = clerk.locator("#code").inner_text()
    context = browser.new_context(viewport=PHONE, base_url=house.address)  # type: ignore[arg-type]
    phone = context.new_page()
    phone.set_default_timeout(15_000)
    phone.goto("/welcome")
    phone.fill("#code", code)
    phone.click("button.primary")
    phone.click("form[action^='/welcome/'] button")
    phone.wait_for_url("**/account")
    phone.fill("#new", PASSWORD + " của mẹ")
    phone.click("form[action='/account/password'] button")
    expect(phone.locator("#toast")).to_be_visible()
    phone.goto("/me")
    expect(phone.locator("h1")).to_contain_text(given)
    looked_at(phone, f"child-mother-{lang}")
    for path in ("/me/drugs", "/me/record", "/me/results"):
        answer = phone.goto(path)
        assert answer is not None and answer.status == 200, path
        assert violations(phone) == [], path
    phone.goto("/me/record")
    expect(phone.locator("main")).to_contain_text(given)
    assert phone.goto(f"/me?of={got(house, 'Patient', patient)['id']}x").status == 404  # type: ignore[union-attr]
    context.close()
