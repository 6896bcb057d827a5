"""The morning at the reception, in a real browser: a first visit with both cards up to the number, a returning patient by one scan,
the room that calls, the board over its door."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from running import SEED

from longbien.base import clock
from longbien.demo import population
from longbien.fhir.systems import CITIZEN_ID

pytestmark = pytest.mark.browser
Enter = Callable[..., Page]
SAID = {
    "vi": {
        "register": "Đăng ký",
        "nobody": "Chưa có ai mang số này",
        "rubbish": "7 hoặc 11 phần",
        "missing": "Thiếu 1 chữ số",
        "known": "lượt khám",
        "same": "trùng họ tên",
        "call": "Mời số",
    },
    "en": {
        "register": "Register",
        "nobody": "Nobody has this number yet",
        "rubbish": "7 or 11 parts",
        "missing": "One digit is missing",
        "known": "visit",
        "same": "same name",
        "call": "Please come in",
    },
}
NEW = {
    "vi": ("001195000001", "ĐOÀN THỊ BÍCH HẠNH", "Đoàn Thị Bích Hạnh", "0195000001"),
    "en": ("001196000002", "LÝ THỊ MỘC MIÊN", "Lý Thị Mộc Miên", "0196000002"),
}


def scan(page: Page, text: str) -> None:
    """What a scanner does: types as fast as a machine, then Enter."""
    page.locator("#q").fill(text)
    page.keyboard.press("Enter")


def citizen(number: str, name: str, born: str = "17061995", sex: str = "Nữ") -> str:
    return f"{number}||{name}|{born}|{sex}|Số 8 ngõ 2, Trúc Bạch, Ba Đình, Hà Nội|01012022"


def insurance(number: str, name: str) -> str:
    year = f"{clock.now():%Y}"
    valid = f"01/01/{year}|31/12/{year}"
    return f"HC4{number[1:3]}{number}|{name.encode().hex()}|17/06/1995|2|-|99 - 001|{valid}|x|x|-|4|x|y|$"


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes'][:3]]}" for v in found]


def somebody_known() -> dict[str, Any]:
    day = population.demo_day(clock.now())
    people = (r for i in range(24) for r in population.person(i, SEED, day) if r["resourceType"] == "Patient")
    return next(p for p in people if any(i["system"] == CITIZEN_ID for i in p["identifier"]) and len(p["birthDate"]) == 10)


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_first_visit_with_both_cards_gets_a_number(enter: Enter, lang: str) -> None:
    number, printed, name, social = NEW[lang]
    page = enter("tn.lan", lang)
    page.goto("/reception")
    scan(page, "rác|không phải thẻ")
    expect(page.locator("#q-msg")).to_contain_text(SAID[lang]["rubbish"])
    assert violations(page) == []
    scan(page, citizen(number, printed))
    expect(page.locator("#desk")).to_contain_text(SAID[lang]["nobody"])
    page.keyboard.type(insurance(social, name))  # the scanner does not look where the focus is
    page.keyboard.press("Enter")
    expect(page.locator("#desk .steps li.done")).to_have_count(2)
    page.keyboard.press("Enter")
    page.wait_for_selector("#register")
    expect(page.locator("#name")).to_have_value(name)
    expect(page.locator("#ward")).to_have_value("Phường Ba Đình, Thành phố Hà Nội")
    page.fill("#telephone", "0912 555 38")
    page.locator("#house").focus()
    expect(page.locator("#telephone-msg")).to_have_text(SAID[lang]["missing"] + ".")
    assert violations(page) == []
    page.fill("#telephone", "0912 555 383")
    page.locator("button[value=sn-mat-pk]").click()
    page.wait_for_url("**given=*")
    expect(page.locator("#ticket .no")).to_have_text("B0" + ("1" if lang == "vi" else "2"))
    expect(page.locator("#ticket")).to_contain_text(name)
    pdf = page.request.get(str(page.locator("#print").get_attribute("href")))
    assert pdf.status == 200 and pdf.body()[:5] == b"%PDF-"
    # the same person again, without a card: seen while typing
    page.goto("/reception/register")
    page.fill("#name", name)
    page.fill("#birth", "17/06/1995")
    page.locator("#house").focus()
    expect(page.locator("#alike")).to_contain_text(SAID[lang]["same"])


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_returning_patient_is_received_by_one_scan_and_one_touch_under_8_seconds(
    house: SimpleNamespace, enter: Enter, lang: str
) -> None:
    p = somebody_known()
    number = next(i["value"] for i in p["identifier"] if i["system"] == CITIZEN_ID)
    born = "".join(reversed(p["birthDate"].split("-")))
    sex = "Nam" if p["gender"] == "male" else "Nữ"
    page = enter("tn.lan", lang)
    page.goto("/reception")
    room = "sn-tm-pk" if lang == "vi" else "sn-noi-pk"
    began = time.monotonic()
    scan(page, citizen(number, p["name"][0]["text"].upper(), born, sex))
    expect(page.locator(".who-card")).to_contain_text(SAID[lang]["known"])
    page.locator(f".roomgrid button[value={room}]").click()
    page.wait_for_url("**given=*")
    label = page.locator("#ticket .no").inner_text()
    assert time.monotonic() - began < 8
    assert float(str(page.locator("#took").get_attribute("data-seconds"))) < 8
    # the room calls the number; the board shows it and no name
    clinic = enter("bs.minh", lang)
    clinic.goto(f"/rooms/{room}/queue")
    clinic.keyboard.press("n")
    expect(clinic.locator(".now .no").first).to_have_text(label)
    assert violations(clinic) == []
    board = enter("tn.lan", lang, (1920, 1080))
    board.goto(f"/display/{room}")
    expect(board.locator(".now")).to_contain_text(SAID[lang]["call"])
    expect(board.locator(".now .no")).to_have_text(label)
    assert p["name"][0]["text"].split()[-1] not in board.inner_text("body").split()
    assert violations(board) == []
    clinic.keyboard.press("m")
    expect(board.locator("footer")).to_contain_text(label)
