"""What goes wrong in a hospital's day: the network, two people at once, names that are too long, midnight, the end of the year, a
clock that is set back. Nothing typed is lost, nothing is written twice, and each message says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from looking import HouseClock, coded, commit, got, looked_at, of, scan, stocked
from playwright.sync_api import Browser, Locator, Page, expect
from running import served

from longbien.base import clock
from longbien.base.ids import key64
from longbien.demo import slots
from longbien.fhir.systems import CITIZEN_ID, DRUG, PATIENT_NUMBER
from longbien.record.types import number as type_number

pytestmark = pytest.mark.browser
Enter = Callable[..., Page]
TABLET = (834, 1112)
WARD = [slots.person("ward", k) for k in range(6)]
SAID = {
    "vi": {"away": "Mất kết nối", "waits": "có mạng lại", "charted": "đã ghi vòng này", "taken": "vừa có người",
           "long": "200"},
    "en": {"away": "No connection", "waits": "connection is back", "charted": "has charted this round", "taken": "just been taken",
           "long": "200"},
}  # fmt: skip


@pytest.fixture(scope="module")
def house(record_urls: tuple[str, str], browser: Browser) -> Iterator[SimpleNamespace]:
    with served(record_urls[1], (*WARD, *range(3))) as running:
        stocked(running)
        yield running


def row_of(page: Page, n: int) -> Locator:
    """A row of the grid where the round is not charted yet; by the patient's form, which stays when the row is drawn anew."""
    rows = page.locator("[data-row]").filter(has=page.locator("input[name=pulse]"))
    id_ = rows.nth(n).locator("input[name=patient]").get_attribute("value")
    return page.locator(f"[data-row]:has(input[name=patient][value='{id_}'])")


def pulses(house: SimpleNamespace, patient: str) -> list[Any]:
    return [x["valueQuantity"]["value"] for x in of(house, "Observation", patient) if "8867-4" in coded([x])]


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_note_signed_without_network_stays_and_is_signed_once(house: SimpleNamespace, enter: Enter, lang: str) -> None:
    page, said = enter("bs.minh", lang), SAID[lang]
    page.goto("/today?whose=place")
    page.locator("#worklist tr[data-href] a").nth(0).click()
    page.wait_for_url("**/patients/*")
    patient = page.url.rsplit("/", 1)[1].partition("?")[0]
    page.keyboard.press("n")
    page.context.set_offline(True)
    text = f"Viết khi mất mạng ({lang}), 38,5 độ"
    page.fill("#note-subjective", text)
    expect(page.locator("#form-note [data-saved-at]")).to_contain_text(said["away"])
    page.keyboard.press("Control+Enter")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#form-note [data-saved-at]")).to_contain_text(said["away"])
    expect(page.locator("#note-subjective")).to_have_value(text)
    page.context.set_offline(False)
    expect(page.locator("#form-note [data-saved-at]")).not_to_contain_text(said["away"], timeout=15_000)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector('html[data-done="note"]', state="attached")
    notes = [c for c in of(house, "Composition", patient) if text in str(c)]
    assert len(notes) == 1


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_vital_signs_typed_without_network_wait_in_their_row_and_are_saved_once(
    house: SimpleNamespace, enter: Enter, lang: str
) -> None:
    page, said = enter("dd.ha", lang, TABLET), SAID[lang]
    page.goto("/ward/vitals")
    row = row_of(page, 0)
    patient = str(row.locator("input[name=patient]").get_attribute("value"))
    before = len(pulses(house, patient))
    page.context.set_offline(True)
    row.locator("[name=pulse]").fill("97")
    row.locator("[name=spo2]").fill("96")
    row.locator("[name=spo2]").press("Enter")
    expect(row).to_contain_text(said["waits"])
    expect(row.locator("[name=pulse]")).to_have_value("97")
    looked_at(page, f"luck-vitals-away-{lang}")
    page.context.set_offline(False)
    expect(row.locator(".had").first).to_be_visible(timeout=15_000)
    expect(row).not_to_contain_text(said["waits"])
    assert len(pulses(house, patient)) == before + 1
    # and where the page was left meanwhile, what was typed is there again
    row = row_of(page, 0)
    other = str(row.locator("input[name=patient]").get_attribute("value"))
    page.context.set_offline(True)
    row.locator("[name=pulse]").fill("163")
    row.locator("[name=pulse]").press("Enter")
    expect(row).to_contain_text(said["waits"])
    page.context.set_offline(False)
    page.goto("/ward/vitals")
    expect(page.locator(f"[data-row]:has(input[name=patient][value='{other}']) .had").first).to_be_visible(timeout=15_000)
    assert pulses(house, other).count(163) == 1


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_two_nurses_chart_the_same_round(house: SimpleNamespace, enter: Enter, lang: str) -> None:
    mine, hers, said = enter("dd.ha", lang), enter("dd.nga", lang), SAID[lang]
    mine.goto("/ward/vitals")
    hers.goto("/ward/vitals")
    first, second = row_of(mine, 0), row_of(hers, 0)
    patient = str(first.locator("input[name=patient]").get_attribute("value"))
    first.locator("[name=pulse]").fill("101")
    second.locator("[name=pulse]").fill("103")
    first.locator("[name=pulse]").press("Enter")
    expect(first.locator(".had").first).to_be_visible()
    second.locator("[name=pulse]").press("Enter")
    expect(second).to_contain_text(said["charted"])
    expect(second).to_contain_text("101")
    expect(second.locator("[name=pulse]")).to_have_value("103")
    looked_at(hers, f"luck-same-round-{lang}")
    assert 103 not in pulses(house, patient)
    second.locator("[name=pulse]").press("Enter")  # she means it: a second measurement
    expect(second.locator("[role=alert]")).to_have_count(0)
    assert {101, 103} <= set(pulses(house, patient))


def waits(page: Page, name: str, number: str, room: str = "sn-noi-pk") -> str:
    """Somebody new with a number, from the scan; the id of the record."""
    page.goto("/reception")
    scan(page, "#q", f"{number}||{name}|17061966|Nam|Trúc Bạch, Ba Đình, Hà Nội|01012022")
    expect(page.locator("#desk form[action$=begin]")).to_be_visible()
    page.keyboard.press("Enter")
    page.wait_for_selector("#register")
    page.locator(f"button[name=room][value={room}]").click()
    page.wait_for_url("**given=*")
    expect(page.locator("#ticket .no")).to_be_visible()
    return name


def id_of(house: SimpleNamespace, number: str) -> list[str]:
    sql = "SELECT h.id FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver WHERE h.type = $1 AND h.terms @> ARRAY[$2::int8]"
    rows = house.run(house.engine.db.fetch(sql, type_number("Patient"), key64(f"Patient.identifier|{CITIZEN_ID}|{number}")))
    return [r["id"] for r in rows]


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_two_desks_register_one_person_and_two_clerks_take_the_last_bed(house: SimpleNamespace, enter: Enter, lang: str) -> None:
    said, name = SAID[lang], "Phùng Văn Khánh" if lang == "vi" else "Khổng Tiến Lợi"
    number = "001066000331" if lang == "vi" else "001066000349"
    one, two = enter("tn.lan", lang), enter("td.thuy", lang)
    for desk in (one, two):
        desk.goto("/reception")
        scan(desk, "#q", f"{number}||{name.upper()}|17061966|Nam|Trúc Bạch, Ba Đình, Hà Nội|01012022")
        expect(desk.locator("#desk form[action$=begin]")).to_be_visible()
        desk.keyboard.press("Enter")
        desk.wait_for_selector("#register")
        desk.fill("#telephone", "0912 555 384")
    one.locator("button[name=room][value=sn-noi-pk]").click()
    one.wait_for_url("**given=*")
    two.locator("button[name=room][value=sn-th-pk]").click()
    expect(two.locator("main [role=alert]").first).to_be_visible()
    expect(two.locator("#name")).to_have_value(name)
    looked_at(two, f"luck-two-desks-{lang}")
    assert len(id_of(house, number)) == 1
    patient = id_of(house, number)[0]
    assert len([e for e in of(house, "Encounter", patient) if e["status"] == "arrived"]) == 1

    # the last bed: both have the form open
    stranger = "001066000448" if lang == "vi" else "001066000455"
    waits(one, "LÃ VĂN TƯ" if lang == "vi" else "MẠC ĐỨC HOÀNH", stranger)
    bed = "sn-th-g16" if lang == "vi" else "sn-th-g15"
    pages = []
    for login, who in (("tn.lan", patient), ("td.thuy", id_of(house, stranger)[0])):
        page = enter(login, lang)
        page.goto(f"/patients/{who}/admit?ward=sn-th-buong&bed={bed}")
        page.locator(f"input[name=bed][value={bed}]").check()
        page.fill("#reason", "Đau bụng")
        pages.append((page, who))
    pages[0][0].locator("#go").click()
    pages[0][0].wait_for_url("**/ward?**")
    late, who = pages[1]
    late.locator("#go").click()
    expect(late.locator("main [role=alert]").first).to_contain_text(said["taken"])
    expect(late.locator("#reason")).to_have_value("Đau bụng")
    assert late.locator(f"input[name=bed][value={bed}]:not(:disabled)").count() == 0
    looked_at(late, f"luck-last-bed-{lang}")
    assert not [e for e in of(house, "Encounter", who) if e["class"]["code"] == "IMP"]


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_name_of_two_hundred_letters_fits_every_page(house: SimpleNamespace, enter: Enter, lang: str) -> None:
    said, number = SAID[lang], "001066000133" if lang == "vi" else "001066000141"
    clerk = enter("tn.lan", lang)
    clerk.goto("/reception/register")
    longest = ("Công Tằng Tôn Nữ " * 12 + lang)[:200].strip()
    longest += "x" * (200 - len(longest))
    clerk.fill("#name", longest + " thêm nữa")
    clerk.fill("#birth", "17/06/1966")
    clerk.locator("label:has(input[name=sex][value=male])").click()
    clerk.fill("#citizen_id", number)
    clerk.locator("button[name=room][value=sn-cxk-pk]").click()
    expect(clerk.locator("#name-msg")).to_contain_text(said["long"])
    expect(clerk.locator("#citizen_id")).to_have_value(number)
    clerk.fill("#name", longest)
    clerk.locator("button[name=room][value=sn-cxk-pk]").click()
    if clerk.locator("input[name=sure]").count():
        clerk.locator("input[name=sure]").check()
        clerk.locator("button[name=room][value=sn-cxk-pk]").click()
    clerk.wait_for_url("**given=*")
    looked_at(clerk, f"luck-long-number-{lang}")
    patient = id_of(house, number)[0]
    assert got(house, "Patient", patient)["name"][0]["text"] == longest
    doctor = enter("bs.minh", lang)
    for path in ("/clinic?whose=all", f"/patients/{patient}", f"/patients/{patient}/visit", f"/search?q={number}",
                 "/rooms/sn-cxk-pk/queue"):  # fmt: skip
        doctor.goto(path)
        looked_at(doctor, f"luck-long-{lang}-{path.strip('/').split('/')[-1].partition('?')[0]}")
    tablet = enter("dd.ha", lang, TABLET)
    for path in (f"/patients/{patient}", f"/patients/{patient}/admit"):
        tablet.goto(path)
        looked_at(tablet, f"luck-long-tablet-{lang}-{path.rsplit('/', 1)[-1]}")


def a_drug(patient: str, stay: str, code: str) -> dict[str, Any]:
    """An order of four doses a day, the first at midnight. (The catalogue of the demo begins after that night.)"""
    return {
        "resourceType": "MedicationRequest", "id": code.lower(), "status": "active", "intent": "order",
        "subject": {"reference": f"Patient/{patient}"}, "encounter": {"reference": f"Encounter/{stay}"},
        "authoredOn": clock.instant(clock.now()), "category": [{"coding": [{"code": "inpatient"}]}],
        "medicationCodeableConcept": {"coding": [{"system": DRUG, "code": code}], "text": "Metronidazol 500 mg"},
        "dosageInstruction": [{"text": "Truyền tĩnh mạch", "timing": {"repeat": {"frequency": 4, "period": 1, "periodUnit": "d"}},
                               "route": {"text": "Truyền tĩnh mạch"},
                               "doseAndRate": [{"doseQuantity": {"value": 500, "unit": "mg"}}]}],
    }  # fmt: skip


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_round_across_midnight_at_the_end_of_the_year(
    house: SimpleNamespace, enter: Enter, monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    """The last evening of last year, and the first minutes of this one."""
    time, real = HouseClock(monkeypatch), clock.local(clock.now())
    eve = real.replace(year=real.year - 1, month=12, day=31, second=0, microsecond=0)
    number, bed = ("001066000232", "sn-noi-g30") if lang == "vi" else ("001066000240", "sn-noi-g29")
    time.to(eve.replace(hour=21, minute=30))
    clerk = enter("tn.lan", lang)
    waits(clerk, "ĐOÀN VĂN GIAO" if lang == "vi" else "TRƯƠNG QUỐC ĐẠT", number)
    old = clerk.locator("#ticket .no").inner_text()
    patient = id_of(house, number)[0]
    nurse = enter("dd.loan", lang, TABLET)
    nurse.goto(f"/patients/{patient}/admit?ward=sn-noi-buong")
    nurse.locator(f"input[name=bed][value={bed}]").check()
    nurse.fill("#reason", "Sốt")
    nurse.locator("#go").click()
    nurse.wait_for_url("**/ward?**")
    stay = next(e for e in of(house, "Encounter", patient) if e["class"]["code"] == "IMP")
    band = next(i["value"] for i in got(house, "Patient", patient)["identifier"] if i["system"] == PATIENT_NUMBER)
    code = f"DEM-{lang}"
    commit(house, a_drug(patient, str(stay["id"]), code))

    # ten to twelve: the dose of midnight is due, and it is given two minutes into the new year
    time.to(eve.replace(hour=23, minute=50))
    nurse.goto("/ward/mar")
    scan(nurse, "#code", band)
    scan(nurse, "#code", code)
    expect(nurse.locator("#dose")).to_be_visible()
    looked_at(nurse, f"luck-midnight-{lang}")
    time.to(eve + timedelta(minutes=(23 - eve.hour) * 60 + 62 - eve.minute))
    nurse.keyboard.press("Enter")
    expect(nurse.locator("#dose")).to_have_count(0)
    given = [a for a in of(house, "MedicationAdministration", patient) if a["status"] == "completed"]
    assert len(given) == 1
    scan(nurse, "#code", code)  # again: given already
    expect(nurse.locator("main [role=alert]")).to_be_visible()
    nurse.goto("/ward/vitals")
    expect(nurse.locator(".seg a[aria-current]")).to_be_visible()
    nurse.goto("/ward")
    expect(nurse.locator(f"#bed-{bed}")).to_contain_text("n2" if lang == "vi" else "d2")  # the second day of the stay
    looked_at(nurse, f"luck-new-year-{lang}")

    # the queue of the new day begins anew
    time.to((eve + timedelta(days=1)).replace(hour=7, minute=30))
    waits(clerk, "ĐOÀN VĂN TÝ" if lang == "vi" else "TẠ HỒNG PHI", "001066000539" if lang == "vi" else "001066000547")
    new = clerk.locator("#ticket .no").inner_text()
    assert old[1:] == ("01" if lang == "vi" else "02") and new[1:] == ("01" if lang == "vi" else "02")
    visits = of(house, "Encounter", id_of(house, "001066000539" if lang == "vi" else "001066000547")[0])
    assert str(visits[0]["period"]["start"]).startswith(f"{eve.year + 1}-01-01")

    # the clock is set back by an hour: pages open, nothing is refused without a reason
    time.to((eve + timedelta(days=1)).replace(hour=6, minute=20))
    nurse.goto("/ward")
    expect(nurse.locator(f"#bed-{bed}")).to_be_visible()
    clerk.goto("/rooms/sn-noi-pk/queue")
    expect(clerk.locator("main")).to_contain_text(new)
    nurse.goto(f"/patients/{patient}/stay")
    expect(nurse.locator("main")).to_contain_text("21:30")
