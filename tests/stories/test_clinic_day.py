"""A morning in the clinic, in a real browser: from the list to a signed visit with prescription and follow-up; a blood-pressure
follow-up by keyboard; a sign-in that ends while one writes."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from running import PASSWORD, served

from longbien.demo import catalogues, slots
from longbien.record.change import Manner, Update
from longbien.record.scope import system
from longbien.record.store import Store

pytestmark = pytest.mark.browser
Enter = Callable[..., Page]
SAID = {
    "vi": {"list": "Hẹn hôm nay", "signed": "Đã ký lần khám", "rx": "Đơn thuốc", "slip": "Giấy hẹn khám lại", "kept": "nháp, lưu", "unchecked": "Chưa kiểm tra"},  # noqa: E501
    "en": {"list": "Booked for today", "signed": "The visit is signed", "rx": "Đơn thuốc", "slip": "Giấy hẹn khám lại", "kept": "draft, kept", "unchecked": "Not checked yet"},  # noqa: E501
}  # fmt: skip


@pytest.fixture(scope="module")
def house(record_urls: tuple[str, str], browser: Browser) -> Iterator[SimpleNamespace]:
    """Some of the cardiology clinic's patients of today, and what can be prescribed."""
    people = [slots.person(slots.CLINIC, k) for k in (4, 5, 6, 7, 8, 9, 10)]
    with served(record_urls[1], people) as running:
        kinds = ("MedicationKnowledge", "Medication", "ActivityDefinition", "PlanDefinition")
        found = [Update(r) for r in catalogues.resources() if r["resourceType"] in kinds]
        store = Store(running.engine, system("stories"))
        running.run(store.commit(found, Manner(references="trust", checked=True, summarise=True)))
        yield running


def ready(page: Page) -> None:
    page.wait_for_url("**/visit?encounter*")
    page.wait_for_selector("#visit[data-ready]")


def acted(page: Page, key: str, then: str) -> None:
    page.keyboard.press(key)
    page.wait_for_selector(then)


def test_a_blood_pressure_follow_up_takes_four_keys_and_less_than_sixteen_seconds(enter: Enter) -> None:
    page = enter()
    page.goto("/clinic")
    begun = time.monotonic()
    page.keyboard.press("c")  # call the next
    ready(page)
    page.keyboard.press("c")  # copy the note before, today's figures in it
    expect(page.locator("#v-exam")).to_have_value(re.compile(r"HA \d+/\d+ mmHg"))
    acted(page, "l", "tr.line")  # repeat the prescription; the follow-up goes to its end
    expect(page.locator("#v-followup")).to_have_value(re.compile(r"\d\d/\d\d/\d{4}"))
    page.keyboard.press("Control+Enter")  # sign
    expect(page.locator("#toast")).to_contain_text(SAID["vi"]["signed"])
    assert time.monotonic() - begun < 16
    for words in (SAID["vi"]["rx"], SAID["vi"]["slip"]):
        expect(page.locator(".signed-split")).to_contain_text(words)


def test_the_last_prescription_is_repeated_with_three_clicks_and_a_colleagues_list_follows(enter: Enter) -> None:
    mine, his = enter(), enter("bs.tuan")
    his.goto("/clinic?whose=all")
    expect(his.locator("main[data-listening]")).to_be_attached()
    mine.goto("/clinic")
    row = mine.locator("#worklist tr", has=mine.locator("form")).first
    href = row.get_attribute("data-href")
    row.locator("a").click()  # 1: the patient
    mine.wait_for_selector("#visit[data-ready]")
    mine.click("#repeat")  # 2: the same drugs
    mine.wait_for_selector("tr.line")
    mine.click("#sign")  # 3
    expect(mine.locator("#toast")).to_contain_text(SAID["vi"]["signed"])
    expect(his.locator(f'#worklist tr[data-href="{href}"] .badge')).to_have_text("đã khám")
    found = Axe().run(mine, options={"resultTypes": ["violations"]}).response["violations"]
    assert [v["id"] for v in found] == []


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_from_the_list_to_a_signed_visit_with_a_prescription_that_is_written(enter: Enter, lang: str) -> None:
    page = enter(lang=lang)
    page.goto("/clinic?whose=all")
    expect(page.locator("#clinic-list")).to_contain_text(SAID[lang]["list"])
    page.locator("#worklist tr a", has=page.locator("xpath=ancestor::tr[.//span[contains(@class,'badge')]]")).first.click()
    page.wait_for_url("**/visit?encounter*")
    if page.locator("#visit").count() == 0:  # the first is signed already: the next that is not
        page.goto("/clinic?whose=all")
        for href in page.locator("#worklist tr a").evaluate_all("all => all.map((a) => a.getAttribute('href'))"):
            page.goto(href)
            if page.locator("#visit").count():
                break
    page.wait_for_selector("#visit[data-ready]")
    page.fill("#v-history", "Đau thượng vị hai ngày nay.")
    page.locator("#v-exam").press_sequentially(".bung ")
    expect(page.locator("#v-exam")).to_have_value(re.compile("Bụng mềm"))
    expect(page.locator("[data-saved-at]").first).to_contain_text(SAID[lang]["kept"])
    before = page.locator(".dxs [name=dx]").count()
    page.locator("#v-dx").press_sequentially("viem da day")
    page.wait_for_selector("#dx-options li")
    page.keyboard.press("Enter")
    expect(page.locator(".dxs [name=dx]")).to_have_count(before + 1)
    page.locator("#v-rx").press_sequentially("esomep")
    page.wait_for_selector("#rx-options li")
    page.keyboard.press("Enter")
    page.wait_for_selector("tr.line")
    page.fill('[name="rx.0.s"]', "1")
    page.fill('[name="rx.0.days"]', "14")
    expect(page.locator('[data-sig="0"]')).to_contain_text("14")
    expect(page.locator(".unchecked")).to_contain_text(SAID[lang]["unchecked"])
    page.locator('[value="follow.14"]').click()
    expect(page.locator("#v-followup")).to_have_value(re.compile(r"\d\d/\d\d/\d{4}"))
    page.click("#sign")
    expect(page.locator("#toast")).to_contain_text(SAID[lang]["signed"])
    expect(page.locator(".note")).to_contain_text("Đau thượng vị hai ngày nay.")
    link = page.locator(".signed-split a[href$='.pdf']", has_text=SAID[lang]["rx"]).get_attribute("href")
    assert link and page.request.get(link).body().startswith(b"%PDF")


def test_what_is_written_when_the_sign_in_ends_goes_on_after_coming_in_again(enter: Enter) -> None:
    page = enter()
    page.goto("/clinic?whose=all")
    for href in page.locator("#worklist tr a").evaluate_all("all => all.map((a) => a.getAttribute('href'))"):
        page.goto(href)
        if page.locator("#visit").count():
            break
    page.wait_for_selector("#visit[data-ready]")
    page.context.clear_cookies(name=re.compile("longbien|session"))
    page.fill("#v-history", "Viết khi phiên đã hết")
    expect(page.locator("#again")).to_be_visible()
    page.fill("#again-password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#again")).to_be_hidden()
    expect(page.locator("[data-saved-at]").first).to_contain_text(SAID["vi"]["kept"])
    page.reload()
    expect(page.locator("#v-history")).to_have_value("Viết khi phiên đã hết")
