"""A first visit, whole: both cards scanned at the desk, registered, a number of the room; the doctor sees, diagnoses, prescribes,
books the next visit at an hour of the room's schedule; the papers say it, and the desk finds it on that day."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from looking import looked_at, of, stocked
from playwright.sync_api import Browser, Page, expect
from running import served
from test_first_visit import citizen, insurance, scan

from longbien.base import clock
from longbien.base.words import parse_instant

pytestmark = pytest.mark.browser
Enter = Callable[..., Page]
ROOM = "sn-tm-pk"
WHO = {
    "vi": ("001195000113", "VŨ THỊ NGUYỆT CẦM", "Vũ Thị Nguyệt Cầm", "0195000113"),
    "en": ("001196000124", "TẠ THỊ LAN KHUÊ", "Tạ Thị Lan Khuê", "0196000124"),
}
SIGNED = {"vi": "Đã ký lần khám", "en": "The visit is signed"}


@pytest.fixture(scope="module")
def house(record_urls: tuple[str, str], browser: Browser) -> Iterator[SimpleNamespace]:
    with served(record_urls[1], range(4)) as running:
        stocked(running)
        yield running


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_from_the_cards_to_a_prescription_and_a_booked_hour(enter: Enter, house: SimpleNamespace, lang: str) -> None:
    number, printed, name, social = WHO[lang]
    desk = enter("tn.lan", lang)
    desk.goto("/reception")
    scan(desk, citizen(number, printed))
    expect(desk.locator("#desk .steps li.done")).to_have_count(1)
    desk.keyboard.type(insurance(social, name))
    desk.keyboard.press("Enter")
    expect(desk.locator("#desk .steps li.done")).to_have_count(2)
    desk.keyboard.press("Enter")
    desk.wait_for_selector("#register")
    expect(desk.locator("#name")).to_have_value(name)
    desk.locator(f"button[value={ROOM}]").click()
    desk.wait_for_url("**given=*")
    label = desk.locator("#ticket .no").inner_text()

    clinic = enter("bs.minh", lang)
    clinic.goto("/clinic?whose=all")
    row = clinic.locator("#worklist tr", has_text=name)
    expect(row).to_contain_text(label)
    row.locator("a").first.click()
    clinic.wait_for_selector("#visit[data-ready]")
    patient = re.search(r"/patients/([^/]+)/visit", clinic.url)[1]  # type: ignore[index]
    clinic.fill("#v-history", "Đau đầu, chóng mặt một tuần nay; chưa khám ở đâu.")
    clinic.fill("#v-exam", "HA 150/90 mmHg, mạch 82, tim đều.")
    clinic.locator("#v-dx").press_sequentially("tang huyet ap")
    clinic.wait_for_selector("#dx-options li")
    clinic.keyboard.press("Enter")
    expect(clinic.locator(".dxs [name=dx]")).to_have_count(1)
    clinic.locator("#v-rx").press_sequentially("amlodipin")
    clinic.wait_for_selector("#rx-options li")
    clinic.keyboard.press("Enter")
    clinic.wait_for_selector("tr.line")
    clinic.fill('[name="rx.0.s"]', "1")
    clinic.fill('[name="rx.0.days"]', "28")
    clinic.locator('[value="follow.14"]').click()
    hours = clinic.locator("[name=followup_at]")
    expect(hours.locator("option").nth(1)).to_be_attached()
    hour = hours.locator("option").nth(1).inner_text()
    hours.select_option(hour)
    looked_at(clinic, f"first-visit-{lang}")
    clinic.click("#sign")
    expect(clinic.locator("#toast")).to_contain_text(SIGNED[lang])

    [booked] = of(house, "Appointment", patient)
    start = clock.local(parse_instant(booked["start"]))
    assert f"{start:%H:%M}" == hour and booked["slot"], booked
    [drug] = of(house, "MedicationRequest", patient, ("status", "active"))
    assert "Amlodipin" in str(drug["medicationCodeableConcept"])
    for words in ("Đơn thuốc", "Giấy hẹn khám lại"):
        link = clinic.locator(".signed-split a[href$='.pdf']", has_text=words).get_attribute("href")
        assert link and clinic.request.get(link).body().startswith(b"%PDF")
    desk.goto(f"/appointments?room={ROOM}&day={start:%Y-%m-%d}")
    expect(desk.locator("main")).to_contain_text(name)
    looked_at(desk, f"first-visit-booked-{lang}")
