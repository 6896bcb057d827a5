"""Ten hours at work: sign-ins that end, slips that are taken back, colleagues of other trades, paper and small screens."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, expect
from running import PASSWORD
from test_chart import open_first

pytestmark = pytest.mark.browser
Enter = Callable[..., Page]
STRICT = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
}


def end_session(house: SimpleNamespace, login: str, page: Page) -> None:
    """As when the sign-in has grown too old. Every process remembers who somebody is for a second."""
    sql = "DELETE FROM session WHERE account = (SELECT number FROM account WHERE login = $1)"
    house.run(house.engine.db.execute(sql, login))
    for _ in range(2000):
        if page.request.get("/terms/icd10?q=sot", max_redirects=0).status == 303:
            return
    raise AssertionError("the session did not end")


def test_a_sign_in_that_ends_while_writing_is_asked_for_in_place_and_the_note_is_signed(
    enter: Enter, house: SimpleNamespace
) -> None:
    page = enter("bs.tuan")
    page.goto("/today?whose=place")
    chart = open_first(page)
    page.keyboard.press("n")
    page.fill("#note-subjective", "Viết từ trước khi phiên hết")
    expect(page.locator("#form-note [data-saved-at]")).to_contain_text("nháp, lưu")
    end_session(house, "bs.tuan", page)
    page.keyboard.press("Control+Enter")
    expect(page.locator("#again")).to_be_visible()
    expect(page.locator("#again-name")).to_have_value("bs.tuan")
    page.fill("#again-password", "không phải")
    page.keyboard.press("Enter")
    expect(page.locator("#again-error")).to_contain_text("chưa đúng")
    page.fill("#again-password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#again")).to_be_hidden()
    expect(page.locator("#toast")).to_contain_text("Đã ký ghi chép")
    assert page.url.endswith(chart)
    expect(page.locator("#note-subjective")).to_have_value("")
    page.goto(f"{chart}/notes")
    expect(page.locator("#middle tr", has_text="Viết từ trước khi phiên hết")).to_have_count(1)


def test_a_critical_result_acknowledged_from_the_list_is_taken_back_and_names_who_took_it(enter: Enter) -> None:
    page = enter()
    chart = page.locator("#worklist tr:has(form .ack)").first.get_attribute("data-href")
    row = page.locator(f"#worklist tr[data-href='{chart}']")
    for _ in range(20):
        if row.get_attribute("aria-selected"):
            break
        page.keyboard.press("j")
    page.keyboard.press("a")
    expect(page.locator("#toast")).to_contain_text("Đã nhận kết quả")
    expect(row.locator("form .ack")).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(page.locator("#toast")).to_contain_text("Đã hoàn tác")
    expect(row.locator("form .ack")).to_have_count(1)
    page.goto(str(chart))
    page.keyboard.press("a")
    expect(page.locator("#toast")).to_contain_text("Đã nhận kết quả")
    expect(page.locator("#news .wide")).to_have_count(0)
    expect(page.locator("#news")).to_contain_text(re.compile(r"đã nhận \d\d:\d\d, BS\. Lê Hoàng Minh"))


def test_an_allergy_put_to_the_wrong_patient_is_taken_back(enter: Enter) -> None:
    page = enter()
    page.goto("/today?whose=mine")
    page.locator("#worklist tr[data-href] a").last.click()
    page.locator("#strip a[data-panel=allergy]").click()
    page.fill("#allergy-substance", "Nhầm người")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#strip .allergy")).to_contain_text("Nhầm người")
    page.locator("#undo").click()
    expect(page.locator("#toast")).to_contain_text("Đã hoàn tác")
    expect(page.locator("#strip .allergy")).not_to_contain_text("Nhầm người")


def test_marks_on_the_axis_are_read_beside_it_and_the_draft_stays(enter: Enter) -> None:
    page = enter()
    page.locator("#worklist tr[data-href]", has_text="Thưởng").locator("a").first.click()
    page.keyboard.press("n")
    page.fill("#note-plan", "viết dở bên cạnh")
    page.locator("#axis .pin.note").last.click()
    expect(page.locator("#read")).to_be_visible()
    expect(page.locator("#read-text")).not_to_be_empty()
    page.keyboard.press("Escape")
    expect(page.locator("#read")).to_be_hidden()
    page.locator("#axis .pin.img").first.click()
    expect(page.locator("#read-text")).to_contain_text(re.compile(r"Phiên bản|mục"))
    expect(page.locator("#note-plan")).to_have_value("viết dở bên cạnh")


def test_a_diagnosis_that_is_nobodys_favourite_is_found_in_the_whole_icd_10(enter: Enter) -> None:
    page = enter()
    open_first(page)
    page.locator(".dx a[data-panel=problem]").first.click()
    page.locator("#problem-name").press_sequentially("benh ta vibrio eltor", delay=10)
    expect(page.locator("#problem-options li").first).to_contain_text("A00.1")
    page.locator("#problem-name").fill("")
    page.locator("#problem-name").press_sequentially("zzqq", delay=10)
    expect(page.locator("[data-list-note]")).to_contain_text("Không có trong ICD-10")


def test_a_person_is_found_by_the_end_of_a_number_or_by_birth_date_and_shown_beside(enter: Enter, house: SimpleNamespace) -> None:
    page = enter()
    page.locator("#worklist tr[data-href] a").first.click()
    born = page.locator("#strip .who .label").inner_text().split("\n")[0].strip()
    tail = re.search(r"…(\d{4})", page.locator("#strip .who .label").inner_text())
    name = page.locator("#strip h1").inner_text().replace("\n", " ")
    assert tail
    page.goto("/search")
    page.locator("#find").press_sequentially(tail[1], delay=10)
    expect(page.locator("#results tr[data-href]", has_text=name)).to_have_count(1)
    page.locator("#find").fill("")
    page.locator("#find").press_sequentially(born, delay=10)
    expect(page.locator("#results tr[data-href]", has_text=name)).to_have_count(1)
    expect(page.locator("#preview")).to_contain_text("Lượt khám 5 năm")
    expect(page.locator("#preview a.btn")).to_have_attribute("href", re.compile("^/patients/"))


def test_a_nurse_sees_her_ward_and_a_clerk_who_comes_but_no_chart(enter: Enter) -> None:
    nurse = enter("dd.ha")
    expect(nurse.locator(".head .seg a[aria-current]")).to_contain_text("Khoa tôi")
    expect(nurse.locator("#worklist tr[data-href]").first).to_contain_text("P.4")
    clerk = enter("tn.lan")
    expect(clerk.locator("#worklist")).to_contain_text("Lúc")
    assert clerk.locator("a[href^='/patients/'], .flag, #todo").count() == 0
    clerk.locator("#worklist tr[data-href] a").first.click()
    clerk.wait_for_url("**/search/*")
    expect(clerk.locator(".preview")).to_contain_text("CCCD")
    assert clerk.locator(".preview .allergy, a[href^='/patients/']").count() == 0
    patient = clerk.url.rsplit("/", 1)[-1]
    assert clerk.request.get(f"/patients/{patient}").status == 403


def test_every_answer_carries_the_strict_headers_and_nothing_inline(enter: Enter, house: SimpleNamespace) -> None:
    page = enter()
    chart = page.locator("#worklist tr[data-href]").first.get_attribute("data-href")
    for path in ("/today", chart, f"{chart}/who-saw", "/search?q=nguyen", "/patients/khong-co", "/terms/icd10?q=sot", "/"):
        answer = page.request.get(str(path), max_redirects=0)
        had = {k.lower(): v for k, v in answer.headers.items()}
        assert {k: had.get(k) for k in STRICT} == STRICT, path
        policy = had["content-security-policy"]
        assert "frame-ancestors 'none'" in policy and "script-src 'self';" in policy and "style-src 'self';" in policy, path
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|<style", answer.text()), path


@pytest.mark.parametrize("width", [320, 390, 768])
def test_small_screens_need_no_sideways_scrolling(enter: Enter, width: int) -> None:
    page = enter(size=(width, 800))
    chart = page.locator("#worklist tr[data-href]").first.get_attribute("data-href")
    for path in ("/today", chart, f"{chart}/who-saw", f"{chart}?panel=vitals", "/search?q=nguyen"):
        page.goto(str(path))
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path


def test_on_paper_stand_the_patient_and_the_findings_and_nothing_to_press(enter: Enter) -> None:
    page = enter()
    open_first(page)
    page.emulate_media(media="print", reduced_motion="reduce")
    for seen in ("#strip h1", "#axis .spark", ".paper-foot"):
        expect(page.locator(seen).first).to_be_visible()
    for gone in (".topbar", "#side", ".tabs", "#news form"):
        expect(page.locator(gone).first).to_be_hidden()
    assert page.evaluate("getComputedStyle(document.querySelector('.mid')).overflow") == "visible"


def test_english_pages_hold_no_vietnamese_interface(enter: Enter) -> None:
    """Names of people, places and what was written stay; codes and labels do not."""
    page = enter(lang="en")
    page.locator("#worklist tr[data-href]", has_text="Thưởng").locator("a").first.click()
    expect(page.locator(".dx")).to_contain_text(re.compile("heart failure", re.I))
    expect(page.locator("#strip")).to_contain_text("High risk of falls")
    for part in (".tabs", "#news header", "#axis .scale", "#axis .r > :first-child", "#write .panel-head", "#strip dt"):
        text = " ".join(page.locator(part).all_inner_texts())
        assert not re.search(r"[ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ]", text.lower()), (part, text)
