"""A nurse's shift: the board, vital signs on the grid, drugs by scan and without network, a move in three clicks, the handover."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from looking import HouseClock
from playwright.sync_api import Page, expect

from longbien.base import clock
from longbien.record.scope import system
from longbien.record.store import Store

pytestmark = pytest.mark.browser
Enter = Callable[..., Page]
SHOTS = os.environ.get("LONGBIEN_SHOTS")


_minutes = count(20, 10)


@pytest.fixture(autouse=True)
def by_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the evening the day's doses are given or lost, and the next ones are far: then the shift is that of the afternoon, each
    story later than the one before."""
    if clock.local(clock.now()).hour >= 18:
        HouseClock(monkeypatch).at(0, 14, next(_minutes))


def looked_at(page: Page, name: str, lang: str) -> None:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [f"{v['id']}: {v['help']}: {[n['html'][:200] for n in v['nodes'][:3]]}" for v in found] == [], name
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is wider than the screen"
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"ward-{name}-{lang}.png", full_page=True)


def orders_of(house: SimpleNamespace, patient: str) -> list[dict[str, Any]]:
    async def ask() -> list[dict[str, Any]]:
        asked = [("patient", f"Patient/{patient}"), ("status", "active"), ("_count", "100")]
        found = await Store(house.engine, system("story")).search("MedicationRequest", asked)
        return [json.loads(e.body) for e in found.entries]

    return house.run(ask())  # type: ignore[no-any-return]


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_nurses_shift(enter: Enter, house: SimpleNamespace, lang: str) -> None:
    said = {"vi": ("đúng cả 5", "Đã lau xong", "đã lưu"), "en": ("all right", "Cleaned", "kept")}[lang]
    page = enter("dd.ha", lang)
    page.goto("/ward")
    bed = page.locator(".bed[data-bed]").first
    expect(bed).to_be_visible()
    looked_at(page, "board", lang)

    page.keyboard.press("v")
    page.wait_for_url("**/ward/vitals**")
    row = page.locator("[data-row]").filter(has=page.locator("input[name=pulse]")).first
    name = row.locator("a.plain").inner_text()
    for field, value in (("pulse", "132"), ("temperature", "38,9"), ("breaths", "26"), ("spo2", "91"), ("oxygen", "2")):
        row.locator(f"[name={field}]").fill(value)
    row.locator("[name=level]").select_option("A")
    row.locator("[name=spo2]").press("Enter")
    saved = page.locator("[data-row]").filter(has_text=name)
    expect(saved.locator(".badge.crit")).to_contain_text("NEWS")
    expect(saved).to_contain_text("✓ 132")
    looked_at(page, "vitals", lang)

    page.goto("/ward/mar")
    patient = page.locator("section.scan input[name=patient]").input_value()
    page.fill("#code", patient)  # the scanner types and ends with Enter
    page.press("#code", "Enter")
    expect(page.locator(".badge.ok").first).to_be_visible()
    dose = page.locator("td a.btn").first
    order = next(x for x in orders_of(house, patient) if x["id"] in str(dose.get_attribute("href")))
    page.fill("#code", order["medicationCodeableConcept"]["coding"][0]["code"])
    page.press("#code", "Enter")
    expect(page.locator("#dose")).to_be_visible()
    looked_at(page, "dose", lang)
    before = page.locator(".mar .given").count()
    page.keyboard.press("Enter")
    expect(page.locator("#dose")).to_have_count(0)
    expect(page.locator(".mar .given")).to_have_count(before + 1)
    assert said[0]
    looked_at(page, "mar", lang)

    page.goto("/ward")
    page.locator(".bed .swap").first.click()  # one
    looked_at(page, "move", lang)
    page.locator(".pick:not(.against):not(.taken)").first.click()  # two
    page.locator("#go").click()  # three
    page.wait_for_url("**/ward?**")
    expect(page.locator("#toast")).to_be_visible()
    page.get_by_role("button", name=said[1]).first.click()
    page.wait_for_url("**/ward?**")

    page.goto("/ward/handover")
    first = page.locator(".sbar").first
    first.locator("textarea[name=recommendation]").fill("Cân lúc 6 giờ.")
    first.get_by_role("button").click()
    expect(page.locator(".sbar").first.locator(".badge.ok")).to_contain_text(said[2])
    looked_at(page, "handover", lang)
    page.locator(".sbar a.plain").first.click()
    page.wait_for_url("**/stay")
    looked_at(page, "stay", lang)


def test_a_dose_tapped_without_network_is_sent_once_when_it_is_back(enter: Enter) -> None:
    page = enter("dd.nga", "vi", size=(834, 1112))
    page.goto("/ward/mar")
    page.locator("td a.btn").first.click()
    page.wait_for_load_state()
    before = page.locator(".mar .given").count()
    page.context.set_offline(True)
    page.locator("[data-enter]").click()
    expect(page.locator("#kept")).to_contain_text("Mất mạng")
    page.context.set_offline(False)
    expect(page.locator("#kept")).to_contain_text("Đã gửi", timeout=15_000)
    page.reload()
    expect(page.locator(".mar .given")).to_have_count(before + 1)
