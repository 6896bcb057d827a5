"""Three days in hospital: from the clinic into a bed, drugs by scan at their hours, a move to the surgeons, theatre with its three
pauses, home with signed papers. The clock of the house is set; nobody waits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from looking import HouseClock, got, looked_at, of, order, scan, stocked
from playwright.sync_api import Browser, Locator, Page, expect
from running import served

from longbien.fhir.systems import PATIENT_NUMBER

pytestmark = pytest.mark.browser
Enter = Callable[..., Page]
TABLET = (834, 1112)
SAID = {
    "vi": {"given": "đúng cả 5", "moved": "Khoa Ngoại tổng hợp", "signed": "đã đủ chữ ký", "pauses": "3/3", "sign": "Ký"},
    "en": {"given": "all right", "moved": "Khoa Ngoại tổng hợp", "signed": "all signatures", "pauses": "3/3", "sign": "Sign"},
}
WHO = {
    "vi": ("001188000017", "NGUYỄN THỊ THU TRANG", "sn-noi-g30", "sn-ngoai-g26"),
    "en": ("001189000025", "ĐỖ THỊ KIM OANH", "sn-noi-g29", "sn-ngoai-g25"),
}


@pytest.fixture(scope="module")
def house(record_urls: tuple[str, str], browser: Browser) -> Iterator[SimpleNamespace]:
    with served(record_urls[1], range(4)) as running:
        stocked(running)
        yield running


def given_by_scan(nurse: Page, band: str, *codes: str) -> None:
    """The wristband, then each drug: all five rights, Enter."""
    nurse.goto("/ward/mar")
    scan(nurse, "#code", band)
    expect(nurse.locator(".head .badge.ok")).to_be_visible()
    for code in codes:
        before = nurse.locator(".mar .given").count()
        scan(nurse, "#code", code)
        expect(nurse.locator("#dose .push.ok")).to_be_visible()
        nurse.keyboard.press("Enter")
        expect(nurse.locator("#dose")).to_have_count(0)
        expect(nurse.locator(".mar .given")).to_have_count(before + 1)


def charted(nurse: Page, name: str, **values: str) -> Locator:
    """A row of the ward's grid of vital signs, saved; the row as it stands then."""
    nurse.goto("/ward/vitals")
    row = nurse.locator("[data-row]").filter(has_text=name)
    for field, value in values.items():
        row.locator(f"input[name={field}]").fill(value)
    row.locator("select[name=level]").select_option("A")
    row.locator("input[name=pulse]").press("Enter")
    expect(row.locator(".had").first).to_be_visible()
    return nurse.locator("[data-row]").filter(has_text=name)


def fluid(nurse: Page, kind: str, ml: str) -> None:
    nurse.select_option("#kind", kind)
    nurse.fill("#ml", ml)
    with nurse.expect_navigation():
        nurse.press("#ml", "Enter")


def pause(page: Page, no: str = "") -> None:
    """One pause of the checklist: everything yes, but what does not apply."""
    for ask in page.locator("fieldset.ask").all():
        ask.locator("input[value=yes]").check()
    with page.expect_navigation():
        page.locator("#finish").click()


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_three_days_from_the_clinic_to_home(
    house: SimpleNamespace, enter: Enter, monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    said, (citizen, printed, bed, later) = SAID[lang], WHO[lang]
    time, given = HouseClock(monkeypatch), printed.title().split()[-1]

    # day 1, morning: desk and clinic
    time.at(-2, 8, 10)
    clerk = enter("tn.lan", lang)
    clerk.goto("/reception")
    scan(clerk, "#q", f"{citizen}||{printed}|17061988|Nữ|Trúc Bạch, Ba Đình, Hà Nội|01012022")
    expect(clerk.locator("#desk form[action$=begin]")).to_be_visible()
    clerk.keyboard.press("Enter")
    clerk.wait_for_selector("#register")
    clerk.locator("button[name=room][value=sn-noi-pk]").click()
    clerk.wait_for_url("**given=*")
    doctor = enter("bs.chau", lang)
    doctor.goto("/clinic")
    doctor.locator("#worklist tr", has_text=given).locator("form button").click()
    doctor.wait_for_selector("#visit[data-ready]")
    patient = doctor.url.split("/patients/")[1].split("/")[0]
    doctor.fill("#v-reason", "Đau hố chậu phải, sốt")

    # a bed in internal medicine
    time.at(-2, 9, 0)
    nurse = enter("dd.loan", lang, TABLET)
    nurse.goto("/ward/admit")
    nurse.locator(f"#worklist tr[data-href*='{patient}'] a.btn").first.click()
    nurse.locator(f"input[name=bed][value={bed}]").check()
    nurse.fill("#reason", "Đau hố chậu phải, sốt")
    nurse.select_option("#doctor", "bs-chau")
    looked_at(nurse, f"stay-admit-{lang}")
    nurse.locator("#go").click()
    nurse.wait_for_url("**/ward?**")
    expect(nurse.locator(f"#bed-{bed}")).to_contain_text(given)
    looked_at(nurse, f"stay-board-{lang}")
    stay = next(e for e in of(house, "Encounter", patient) if e["class"]["code"] == "IMP")
    band = next(i["value"] for i in got(house, "Patient", patient)["identifier"] if i["system"] == PATIENT_NUMBER)
    for paper in ("wristband.pdf", "labels.pdf?n=4"):
        assert nurse.request.get(f"/patients/{patient}/{paper}").body().startswith(b"%PDF")

    doctor.goto(f"/patients/{patient}")
    order(doctor, "ceftriaxon 1", "metronidazol", twice=True)
    doctor.goto(f"/patients/{patient}/stay")
    doctor.fill("#course", "Đau hố chậu phải, Mac Burney (+), sốt 38,4.")
    doctor.fill("#sheet-orders", "Đo huyết áp mỗi 4 giờ")
    doctor.locator("#sheet button.primary").click()
    expect(doctor.locator("#sheet .course")).to_contain_text("Mac Burney")
    expect(doctor.locator("#task")).to_contain_text("Đo huyết áp mỗi 4 giờ")
    looked_at(doctor, f"stay-sheet-{lang}")
    drugs = [m for m in of(house, "MedicationRequest", patient) if m["status"] == "active"]
    codes = [m["medicationCodeableConcept"]["coding"][0]["code"] for m in drugs]
    assert len(codes) == 2

    # day 1: fluids, vital signs and the evening's drugs
    time.at(-2, 14, 5)
    row = charted(nurse, given, pulse="112", temperature="38,6", breaths="22", spo2="95", systolic="104", diastolic="62")
    expect(row.locator(".badge").first).to_contain_text("NEWS")
    looked_at(nurse, f"stay-vitals-{lang}")
    time.at(-2, 20, 2)
    given_by_scan(nurse, band, *codes)
    looked_at(nurse, f"stay-drugs-{lang}")
    scan(nurse, "#code", codes[0])  # once more: nothing is due
    expect(nurse.locator("main [role=alert]")).to_be_visible()
    scan(nurse, "#code", "8934567890123")
    expect(nurse.locator("main [role=alert]")).to_contain_text("8934567890123")
    nurse.goto(f"/patients/{patient}/stay")
    kinds = nurse.locator("#kind option").evaluate_all("all => all.map((o) => o.value)")
    fluid(nurse, kinds[0], "500")
    fluid(nurse, kinds[-1], "350")
    expect(nurse.locator("#fluid")).to_contain_text("500")
    expect(nurse.locator("#fluid")).to_contain_text("150")
    looked_at(nurse, f"stay-fluids-{lang}")

    # day 2: the morning's round, then the surgeons take over; the move is written with its own time
    time.at(-1, 8, 4)
    given_by_scan(nurse, band, *codes)
    time.at(-1, 9, 30)
    nurse.goto("/ward")
    nurse.locator(f"#bed-{bed} .swap").click()
    nurse.select_option("#ward", "sn-ngoai-buong")
    nurse.wait_for_selector(f"input[name=bed][value={later}]")
    nurse.locator(f"label:has(input[name=bed][value={later}])").click()
    nurse.fill("#taken", "25:99")
    nurse.locator("#go").click()
    expect(nurse.locator(".field.wrong #taken")).to_be_visible()
    assert nurse.locator(f"input[name=bed][value={later}]").is_checked()
    nurse.fill("#taken", "09:10")
    looked_at(nurse, f"stay-move-{lang}")
    nurse.locator("#go").click()
    nurse.wait_for_url("**/ward?**")
    spots = got(house, "Encounter", str(stay["id"]))["location"]
    assert [x["location"]["reference"] for x in spots] == [f"Location/{bed}", f"Location/{later}"]
    assert spots[0]["period"]["end"] == spots[1]["period"]["start"] and spots[1]["period"]["start"].endswith("02:10:00.000Z")
    assert got(house, "Location", bed)["operationalStatus"]["code"] == "H"

    # theatre
    time.at(-1, 10, 0)
    surgeon = enter("bs.duy", lang)
    surgeon.goto(f"/patients/{patient}")
    expect(surgeon.locator("#strip")).to_contain_text(said["moved"])
    surgeon.locator(f"#strip a[href='/patients/{patient}/operation']").click()
    surgeon.fill("#what", "Phẫu thuật nội soi cắt ruột thừa")
    surgeon.fill("#before", "Viêm ruột thừa cấp")
    surgeon.locator("label.pick:has(input[name=theatre])").first.click()
    surgeon.fill("input[name=time]", "11:00")
    surgeon.fill("#minutes", "60")
    surgeon.select_option("#surgeon", "bs-duy")
    surgeon.locator("label.pick:has(input[name=urgent][value='1'])").click()
    looked_at(surgeon, f"stay-book-{lang}")
    with surgeon.expect_navigation():
        surgeon.locator("#finish").click()
    if "/theatre" not in surgeon.url:  # the other story's patient is in that theatre at that hour
        expect(surgeon.locator(".field.wrong [role=alert]")).to_be_visible()
        expect(surgeon.locator("#what")).to_have_value("Phẫu thuật nội soi cắt ruột thừa")
        looked_at(surgeon, f"stay-theatre-taken-{lang}")
        surgeon.locator("label.pick:has(input[name=theatre])").nth(1).click()
        surgeon.locator("#finish").click()
    surgeon.wait_for_url("**/theatre?day=*")
    card = surgeon.locator(".ops li", has_text=given)
    expect(card).to_contain_text("11:00")
    looked_at(surgeon, f"stay-theatre-{lang}")
    card.locator("a").click()
    operation = surgeon.url
    looked_at(surgeon, f"stay-sign-in-{lang}")
    surgeon.locator("#finish").click()  # nothing answered: each item asks for itself
    assert surgeon.locator("fieldset.ask.wrong").count() == 7
    for hour, minute in ((11, 2), (11, 10), (11, 55)):
        time.at(-1, hour, minute)
        pause(surgeon)
    expect(surgeon.locator(".steps .badge.ok")).to_have_count(3)
    time.at(-1, 12, 10)
    surgeon.goto(operation)
    for field, text in (
        ("start_time", "11:10"),
        ("end_time", "11:50"),
        ("after", "Viêm ruột thừa cấp"),
        ("method", "Cắt ruột thừa nội soi"),
        ("steps", "Ba trocar. Ruột thừa viêm mủ, chưa vỡ. Cắt, kẹp gốc. Lấy qua rốn."),
    ):
        surgeon.fill(f"[name={field}]", text)
    surgeon.locator("label.pick:has(input[name=anaesthesia][value='1'])").click()
    surgeon.locator("label.pick:has(input[name=grade][value='2'])").click()
    surgeon.locator("#write-note").click()
    expect(surgeon.locator("#note header a")).to_be_visible()
    looked_at(surgeon, f"stay-operation-{lang}")
    surgeon.goto("/theatre")
    expect(surgeon.locator(".ops li", has_text=given)).to_contain_text(said["pauses"])

    # the evening's drugs, now from the surgical ward
    time.at(-1, 20, 5)
    night = enter("dd.nga3", lang, TABLET)
    given_by_scan(night, band, *codes)
    charted(night, given, pulse="84", temperature="37,2", breaths="16", spo2="98", systolic="118", diastolic="74")

    # day 3: home
    time.at(0, 8, 3)
    given_by_scan(night, band, *codes)
    time.at(0, 9, 20)
    surgeon.goto(f"/patients/{patient}")
    expect(surgeon.locator("#strip")).to_contain_text("3")
    expect(surgeon.locator("#axis")).to_contain_text("Ceftriaxon" if lang == "vi" else "Ceftriaxone")
    looked_at(surgeon, f"stay-chart-{lang}")
    surgeon.locator("#rail-discharge").click()
    box = surgeon.locator("[name='dx.add1']")
    box.press_sequentially("viem ruot thua cap", delay=15)
    surgeon.wait_for_selector("#dx-add1-options li")
    surgeon.keyboard.press("Enter")
    surgeon.locator("input[name='dx.main'][value='dx.add1']").check()
    surgeon.locator("label.pick:has(input[name=result][value='1'])").click()
    looked_at(surgeon, f"stay-discharge-{lang}", whole=True)
    assert "cắt ruột thừa" in " ".join(surgeon.locator("#summary textarea").evaluate_all("all => all.map((t) => t.value)"))
    surgeon.locator("#finish").click()
    surgeon.wait_for_selector("#take-back")
    looked_at(surgeon, f"stay-discharged-{lang}")
    ended = got(house, "Encounter", str(stay["id"]))
    assert ended["status"] == "finished" and next(d["use"]["coding"][0]["code"] for d in ended["diagnosis"]) == "DD"
    given_ = [a for a in of(house, "MedicationAdministration", patient) if a["status"] == "completed"]
    assert len(given_) == 2 * 4
    assert all(any(e.get("valueBoolean") for e in a["extension"]) for a in given_)  # every one of them by scan

    # the papers are signed; the chart shows the stay that was
    surgeon.goto("/papers/to-sign")
    looked_at(surgeon, f"stay-to-sign-{lang}")
    surgeon.locator("tr", has_text=given).locator("a.plain").first.click()
    surgeon.wait_for_url("**/papers/*")
    surgeon.locator("main").get_by_role("button", name=said["sign"], exact=False).first.click()
    surgeon.wait_for_selector('html[data-done="signed"]', state="attached")
    looked_at(surgeon, f"stay-signed-{lang}")
    surgeon.goto(f"/patients/{patient}/visits")
    expect(surgeon.locator("#middle tbody tr")).to_have_count(2)  # the clinic's visit, ended by the admission, and the stay
    surgeon.goto(f"/patients/{patient}/problems")
    expect(surgeon.locator("#middle")).to_contain_text("iêm ruột thừa" if lang == "vi" else "ppendicitis")
    nurse.goto("/ward?ward=sn-ngoai-buong")
    expect(nurse.locator(f"#bed-{later}")).not_to_contain_text(given)
