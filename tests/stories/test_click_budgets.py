"""The product's budgets that no other story counts: from the patient list, typed text not counted; a click and a key that acts
count one. Orders and the repeated prescription: test_ordering; discharge: test_stays; one scan at the desk: test_first_visit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from test_ordering import Hand

pytestmark = pytest.mark.browser
Enter = Callable[..., Page]
CREATININE = {"vi": "Creatinin", "en": "Creatinine"}


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_chart_is_one_click_and_creatinine_with_its_trend_none_more(enter: Enter, lang: str) -> None:
    page = enter(lang=lang)
    hand = Hand(page)
    hand.click("#worklist tr[data-href]:has-text('Thưởng') a")
    page.wait_for_url("**/patients/*")
    row = page.locator("#axis .r", has_text=CREATININE[lang]).first
    expect(row.locator(".spark")).to_be_in_viewport()  # without scrolling, at 1440 by 900
    assert any(c.isdigit() for c in row.inner_text())
    assert hand.acts == 1


def test_a_critical_result_is_acknowledged_from_the_list_with_one_click(enter: Enter) -> None:
    page = enter()
    hand = Hand(page)
    before = page.locator(".ack:visible").count()
    hand.click(".ack:visible")
    page.wait_for_selector('html[data-done="acknowledged"]', state="attached")
    expect(page.locator(".ack:visible")).to_have_count(before - 1)
    assert hand.acts == 1


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_patient_is_moved_to_another_bed_with_three_clicks(enter: Enter, lang: str) -> None:
    page = enter("dd.ha", lang)
    page.goto("/ward")
    hand = Hand(page)
    hand.click(".bed .swap")
    bed = page.locator(".pick:not(.against):not(.taken) input").first.get_attribute("value")
    hand.click(".pick:not(.against):not(.taken)")
    hand.click("#go")
    page.wait_for_url("**/ward?**")
    expect(page.locator(f"#bed-{bed} .name")).to_be_visible()
    assert hand.acts == 3
