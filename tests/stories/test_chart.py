"""A doctor's morning, in a real browser: sign in, find, open, read, write, and see what a colleague writes."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from running import PASSWORD

from longbien.base.fold import fold
from longbien.record.index import org_key
from longbien.record.types import number

pytestmark = pytest.mark.browser
Enter = Callable[..., Page]

SAID = {
    "vi": {"since": "Từ lần xem trước", "signed": "Đã ký ghi chép", "saved": "Đã lưu sinh hiệu", "today": "Việc hôm nay", "range": "Có phải"},  # noqa: E501
    "en": {"since": "Since you last looked", "signed": "The note is signed", "saved": "Vital signs are saved", "today": "Today", "range": "Is it"},  # noqa: E501
}  # fmt: skip


def open_first(page: Page) -> str:
    """Open the first patient of the worklist: one click. Gives the path of the chart."""
    page.locator("#worklist tr[data-href] a").first.click()
    page.wait_for_url("**/patients/*")
    return re.sub(r"^https?://[^/]+|\?.*$", "", page.url)


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes'][:3]]}" for v in found]


def test_a_wrong_password_is_said_beside_its_field_and_keeps_the_name(house: SimpleNamespace, browser: Browser) -> None:
    page = browser.new_page(base_url=house.address)
    page.goto("/today")
    assert "/sign-in" in page.url
    page.fill("#name", "bs.tuan")
    page.fill("#password", "khong phai")
    page.press("#password", "Enter")
    expect(page.locator("#error")).to_contain_text("chưa đúng")
    expect(page.locator("#name")).to_have_value("bs.tuan")
    page.close()


def test_whoever_asked_for_a_page_gets_it_after_signing_in(house: SimpleNamespace, browser: Browser) -> None:
    context = browser.new_context(base_url=house.address)
    page = context.new_page()
    page.goto("/search?q=nguyen")
    page.fill("#name", "bs.minh")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/search?q=nguyen")
    expect(page.locator("#find")).to_have_value("nguyen")
    context.close()


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_chart_opens_with_one_click_and_speaks_the_language(enter: Enter, lang: str) -> None:
    page = enter(lang=lang)
    expect(page.locator("nav a[aria-current=page]").first).to_have_text(SAID[lang]["today"])
    open_first(page)
    expect(page.locator("#news-title")).to_have_text(SAID[lang]["since"])
    expect(page.locator("html")).to_have_attribute("lang", lang)
    assert page.locator("#axis .r .spark").count() >= 5
    assert page.locator("#strip h1 b").count() == 1


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_note_is_written_and_stands_in_the_record(enter: Enter, lang: str) -> None:
    page = enter(lang=lang)
    chart = open_first(page)
    page.keyboard.press("n")
    page.fill("#note-subjective", f"Đỡ khó thở <b>&\nđêm ngủ được ({lang})")
    page.fill("#note-plan", "Tiếp tục furosemid.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#toast")).to_contain_text(SAID[lang]["signed"])
    page.goto(f"{chart}/notes")
    page.locator("table a[data-read]").first.click()
    expect(page.locator("#read-text")).to_contain_text("Đỡ khó thở <b>&")
    expect(page.locator("#read-text")).to_contain_text(f"đêm ngủ được ({lang})")


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_what_cannot_be_is_asked_back_beside_the_field_and_nothing_typed_is_lost(enter: Enter, lang: str) -> None:
    page = enter(lang=lang)
    open_first(page)
    page.keyboard.press("v")
    page.fill("#vitals-systolic", "118")
    page.fill("#vitals-diastolic", "72")
    page.fill("#vitals-temperature", "379")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#vitals-temperature-msg")).to_contain_text(SAID[lang]["range"])
    expect(page.locator("#vitals-systolic")).to_have_value("118")
    expect(page.locator("#vitals-temperature")).to_be_focused()
    page.fill("#vitals-temperature", "37,9" if lang == "vi" else "37.9")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#toast")).to_contain_text(SAID[lang]["saved"])
    expect(page.locator("#axis")).to_contain_text("118/72")


def test_a_colleagues_value_appears_on_the_open_chart_without_reload(enter: Enter) -> None:
    mine, hers = enter("bs.minh"), enter("dd.ha")
    chart = open_first(mine)
    expect(mine.locator(".chart[data-listening]")).to_be_attached()
    mine.keyboard.press("n")
    mine.fill("#note-assessment", "đang viết dở")
    mine.evaluate("window.sameDocument = true")
    hers.goto(chart)
    hers.keyboard.press("v")
    hers.fill("#vitals-pulse", "117")
    hers.keyboard.press("Control+Enter")
    expect(hers.locator("#toast")).to_contain_text(SAID["vi"]["saved"])
    expect(mine.locator("#axis")).to_contain_text("117")
    assert mine.evaluate("window.sameDocument") is True
    expect(mine.locator("#note-assessment")).to_have_value("đang viết dở")


def test_a_draft_survives_closing_and_another_machine(enter: Enter) -> None:
    page = enter()
    chart = open_first(page)
    page.keyboard.press("n")
    page.fill("#note-objective", "Ran ẩm đáy phổi trái")
    expect(page.locator("#form-note [data-saved-at]")).to_contain_text("nháp, lưu")
    other = enter()
    other.goto(chart)
    expect(other.locator("#note-objective")).to_have_value("Ran ẩm đáy phổi trái")
    other.goto("/today")
    expect(other.locator("main")).to_contain_text("Bản nháp của bạn")


def test_a_draft_typed_without_a_connection_is_there_when_it_comes_back(enter: Enter) -> None:
    page = enter("bs.tuan")
    page.goto("/today?whose=place")
    chart = open_first(page)
    page.context.set_offline(True)
    page.keyboard.press("n")
    page.fill("#note-plan", "viết lúc mất mạng")
    expect(page.locator("#form-note [data-saved-at]")).to_contain_text("Mất kết nối")
    page.context.set_offline(False)
    page.goto(chart)
    expect(page.locator("#note-plan")).to_have_value("viết lúc mất mạng")


def test_a_diagnosis_is_found_by_words_without_tones_and_recorded(enter: Enter) -> None:
    page = enter()
    open_first(page)
    page.locator("#dx-add, .dx a[data-panel=problem]").first.click()
    page.locator("#problem-name").press_sequentially("tang huyet ap", delay=15)
    expect(page.locator("#problem-options li").first).to_contain_text("I10")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#toast")).to_contain_text("Đã thêm chẩn đoán")
    expect(page.locator(".dx")).to_contain_text("I10")


def test_an_allergy_stands_in_the_strip_at_once(enter: Enter) -> None:
    page = enter()
    open_first(page)
    page.locator("#strip a[data-panel=allergy]").click()
    page.fill("#allergy-substance", "Penicillin")
    page.fill("#allergy-reaction", "phản vệ")
    page.locator("#form-allergy label", has_text="cao").click()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#strip .allergy")).to_contain_text("Penicillin")
    expect(page.locator("#strip .allergy")).to_contain_text("nặng")


def test_people_are_found_while_typing_in_any_order_without_tones(enter: Enter) -> None:
    page = enter()
    name = page.locator("#worklist tr[data-href] .name").first.inner_text()
    words = name.split()
    page.keyboard.press("/")
    page.goto("/search")
    page.locator("#find").press_sequentially(fold(" ".join(reversed(words))), delay=15)
    expect(page.locator("#results tr[data-href]").first).to_contain_text(name)
    page.keyboard.press("Enter")
    page.wait_for_url("**/patients/*")


def test_the_whole_way_works_by_keyboard_alone(enter: Enter) -> None:
    page = enter()
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url("**/patients/*")
    page.keyboard.press("2")
    page.wait_for_url("**/labs")
    page.keyboard.press("1")
    page.wait_for_url(re.compile(r"/patients/[^/]+$"))
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).not_to_be_visible()
    page.keyboard.press("Escape")
    page.wait_for_url("**/today")


def test_who_saw_the_record_names_the_reader_and_the_reason(enter: Enter) -> None:
    page = enter()
    chart = open_first(page)
    page.goto(f"{chart}/who-saw")
    row = page.locator("tr", has_text="mở hồ sơ").first
    expect(row).to_contain_text("Minh")
    expect(row).to_contain_text("điều trị")


def test_a_record_elsewhere_opens_only_after_a_purpose_is_stated(enter: Enter, house: SimpleNamespace) -> None:
    page = enter("bs.minh")
    elsewhere = """SELECT h.id FROM head h WHERE h.type = $2
        AND NOT EXISTS (SELECT 1 FROM care c WHERE c.pat = h.pat AND c.org = $1 AND c.hi > now() - interval '90 days') LIMIT 1"""
    found = house.run(house.engine.db.fetchval(elsewhere, org_key("bv-sn"), number("Patient")))
    assert found, "everybody of the demo is under care at one facility"
    closed = f"/patients/{found}"
    assert page.request.get(closed).status == 403
    page.goto(closed)
    expect(page.locator("h1")).to_have_text("Vì sao mở hồ sơ này?")
    page.fill("#reason", "xem")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#reason-error")).to_be_visible()
    page.fill("#reason", "Khoa Cấp cứu mời hội chẩn tim mạch")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".banner").first).to_contain_text("Khoa Cấp cứu mời hội chẩn tim mạch")


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_no_page_has_an_accessibility_violation(enter: Enter, house: SimpleNamespace, browser: Browser, lang: str) -> None:
    context = browser.new_context(base_url=house.address)
    context.add_cookies([{"name": "lang", "value": lang, "url": house.address}])
    outside = context.new_page()
    outside.goto("/sign-in")
    found = {"/sign-in": violations(outside)}
    context.close()
    page = enter(lang=lang)
    found["/today"] = violations(page)
    chart = open_first(page)
    paths = [
        "",
        "/labs",
        "/nursing",
        "/drugs",
        "/notes",
        "/visits",
        "/imaging",
        "/problems",
        "/who-saw",
        "?panel=vitals",
        "?panel=allergy",
        "?panel=problem",
    ]
    if lang == "en":  # the same templates as the lists and tables before them
        paths = [p for p in paths if p not in ("/nursing", "/notes", "/visits", "/imaging")]
    person = chart.replace("/patients/", "/search/")
    for path in (*(chart + p for p in paths), "/search?q=nguyen", "/search?q=khongcoai", person, "/patients/khong-co"):
        page.goto(path)
        found[path] = violations(page)
    page.set_viewport_size({"width": 390, "height": 844})
    for path in (chart, "/today", "/search?q=nguyen"):
        page.goto(path)
        found["phone " + path] = violations(page)
    assert {k: v for k, v in found.items() if v} == {}


def test_a_critical_result_is_acknowledged_with_one_key_and_leaves_the_worklists_top(enter: Enter) -> None:
    page = enter()
    first = page.locator("#worklist tr[data-first]")
    expect(first.locator(".flag.crit")).to_have_count(1)
    chart = open_first(page)
    expect(page.locator("#news .wide")).to_contain_text("nguy kịch")
    page.keyboard.press("a")
    expect(page.locator("#toast")).to_contain_text("Đã nhận kết quả")
    expect(page.locator("#news .wide")).to_have_count(0)
    page.goto("/today")
    expect(page.locator(f"#worklist tr[data-href='{chart}'] .flag.crit")).to_have_count(0)
