"""Vital signs typed while the network is away: said in words, kept over a reload, sent once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
Enter = Callable[..., Page]
SAID = {
    "vi": ("pulse", "81", "Mất mạng: hàng này chưa lưu"),
    "en": ("breaths", "19", "No connection: this row is not saved yet"),
}


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_row_waits_and_is_sent_when_the_network_is_back(enter: Enter, lang: str) -> None:
    field, value, said = SAID[lang]
    page = enter("dd.ha", lang)
    page.goto("/ward/vitals")
    row = page.locator("[data-row]").filter(has=page.locator(f"input[name={field}]")).first
    name = row.locator("a.plain").inner_text()
    page.context.set_offline(True)
    row.locator(f"input[name={field}]").fill(value)
    row.locator(f"input[name={field}]").blur()
    expect(page.locator("[data-unsent]")).to_have_count(1)
    expect(page.locator("[data-unsent]")).to_contain_text(said)  # in the row, where one looks
    page.context.set_offline(False)
    expect(page.locator("[data-unsent]")).to_have_count(0)
    expect(page.locator("[data-row]").filter(has_text=name)).to_contain_text(f"✓ {value}")


def test_what_was_typed_is_there_again_after_a_reload(enter: Enter) -> None:
    page = enter("dd.ha")
    page.goto("/ward/vitals")
    rows = page.locator("[data-row]").filter(has=page.locator("input[name=temperature]"))
    name = rows.first.locator("a.plain").inner_text()
    page.route("**/ward/vitals", lambda r: r.abort() if r.request.method == "POST" else r.continue_())
    rows.first.locator("input[name=temperature]").fill("37,2")
    rows.first.locator("input[name=temperature]").blur()
    expect(page.locator("[data-unsent]")).to_have_count(1)
    page.reload()
    kept = page.locator("[data-row]").filter(has_text=name)
    expect(kept.locator("input[name=temperature]")).to_have_value("37,2")
    page.unroute("**/ward/vitals")
    page.reload()
    expect(page.locator("[data-row]").filter(has_text=name)).to_contain_text("✓ 37,2")
    assert page.evaluate("Object.keys(localStorage).filter((k) => k.startsWith('vitals-kept')).length") == 0
