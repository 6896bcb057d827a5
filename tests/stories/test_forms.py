"""An internal medicine record: begun on one machine, gone on with on another, signed, copied forward; and a score that takes what
is charted already."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from longbien.record.scope import system
from longbien.record.store import Store

pytestmark = pytest.mark.browser
WORDS = {
    "vi": {"sign": "Ký", "copy": "Chép sang", "still": "Vẫn đúng", "from": "từ hồ sơ",
           "missing": "Cần điền trước khi ký.", "moved": "máy khác"},
    "en": {"sign": "Sign", "copy": "Copy it forward", "still": "Still true", "from": "from the record",
           "missing": "Needed to sign.", "moved": "another page"},
}  # fmt: skip
A = "part_a"
REASON, ILLNESS = f"{A}/reason_part/reason", f"{A}/asking/present_illness"
GENERAL, PLAN, PULSE = f"{A}/exam/general", f"{A}/treatment_plan", f"{A}/exam/vitals/pulse"
DIAGNOSIS = f"{A}/admission_dx/main_dx/main_dx.code"


def field(page: Page, name: str) -> Any:
    return page.locator(f'[name="{name}"]').first


def look(page: Page, name: str) -> None:
    """A picture, where somebody wants to see it."""
    if folder := os.environ.get("LONGBIEN_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png")


def accessible(page: Page) -> None:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [f"{v['id']}: {[n['html'][:160] for n in v['nodes'][:3]]}" for v in found] == []


def kept(page: Page, act: Callable[[], Any]) -> None:
    with page.expect_response(lambda r: r.url.endswith("/draft") and r.ok):
        act()


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_record_begun_here_gone_on_with_there_signed_and_copied_forward(
    house: SimpleNamespace, enter: Callable[..., Page], lang: str
) -> None:
    words = WORDS[lang]
    here = enter("bs.minh", lang)
    chart = here.locator("#worklist tr[data-href]").nth(0 if lang == "vi" else 1).get_attribute("data-href")
    address = f"{chart}/forms/record-internal"
    here.goto(f"{chart}/forms")
    look(here, f"{lang}-list")
    accessible(here)
    here.goto(address)
    expect(here.locator(".q.drawn").first).to_contain_text(words["from"])
    assert field(here, "admin/name").input_value() == field(here, "admin/name").input_value().upper() != ""
    kept(here, lambda: field(here, REASON).fill("Khó thở khi nằm"))
    kept(here, lambda: field(here, PULSE).fill("960"))
    expect(here.locator(f'[data-field="{PULSE}"] [data-msg]')).to_be_hidden()  # not while one is typing in it
    kept(here, lambda: field(here, ILLNESS).fill("Ba ngày nay khó thở tăng dần, phù hai chân."))
    expect(here.locator(f'[data-field="{PULSE}"] [data-msg]')).to_contain_text("96")

    there = enter("bs.minh", lang)
    there.goto(address)
    assert field(there, REASON).input_value() == "Khó thở khi nằm" and field(there, PULSE).input_value() == "960"
    look(there, f"{lang}-there")
    kept(there, lambda: field(there, PULSE).fill("96"))
    field(here, REASON).fill("Khó thở")  # the first machine hears that it is not the last any more
    expect(here.locator("[data-moved]")).to_contain_text(words["moved"])

    there.get_by_role("button", name=words["sign"]).first.click()
    expect(there.locator(f'[data-field="{PLAN}"]')).to_contain_text(words["missing"])
    look(there, f"{lang}-missing")
    accessible(there)
    field(there, GENERAL).fill("Tỉnh, tiếp xúc tốt. Phù hai chi dưới.")
    field(there, PLAN).fill("Lợi tiểu, theo dõi cân nặng.")
    box = field(there, DIAGNOSIS)
    box.press_sequentially("phu phoi")
    there.locator(".combo li").first.wait_for()
    box.press("Enter")
    assert " · " in box.input_value()
    there.locator(f'[name="{PLAN}"]').press("Control+Enter")
    there.wait_for_selector('html[data-done="signed"]', state="attached")
    look(there, f"{lang}-signed")
    accessible(there)
    expect(there.locator(".fread")).to_contain_text("Ba ngày nay khó thở tăng dần")
    response = there.url.split("/responses/")[1].partition("?")[0]

    async def written() -> dict[str, list[dict[str, Any]]]:
        store = Store(house.engine, system("stories"))
        out: dict[str, list[dict[str, Any]]] = {}
        for kind in ("Composition", "Condition", "Observation", "QuestionnaireResponse"):
            found = await store.search(kind, [("_count", "500")], patient=str(chart).rsplit("/", 1)[1])
            out[kind] = [x for e in found.matches if (x := msgspec.json.decode(e.body))["id"].startswith(response)]
        return out

    wrote = house.run(written())
    assert wrote["QuestionnaireResponse"][0]["status"] == "completed" and wrote["Condition"][0]["code"]["coding"][0]["code"]
    assert [x["valueQuantity"]["value"] for x in wrote["Observation"] if x["code"]["coding"][0]["code"] == "8867-4"] == [96]
    assert wrote["Composition"][0]["type"]["coding"][0]["code"] == "record"

    there.goto(address)
    there.get_by_role("button", name=words["copy"]).click()
    mark = there.locator(f'[data-field="{REASON}"].copied')
    expect(mark).to_be_visible()
    assert field(there, PULSE).input_value() in ("", "96")  # measured anew, or charted a moment ago: never copied
    look(there, f"{lang}-copied")
    kept(there, lambda: mark.get_by_role("button", name=words["still"]).click())
    expect(mark).to_have_count(0)
    kept(there, lambda: field(there, ILLNESS).fill("Hôm nay đỡ khó thở."))
    expect(there.locator(f'[data-field="{ILLNESS}"].copied')).to_have_count(0)


def test_a_score_takes_what_is_charted_and_says_what_to_do(enter: Callable[..., Page]) -> None:
    page = enter("bs.minh", "vi")
    chart = page.locator("#worklist tr[data-href]").nth(0).get_attribute("data-href")
    page.goto(f"{chart}?panel=vitals")
    for name, value in (
        ("systolic", "105"),
        ("diastolic", "60"),
        ("pulse", "112"),
        ("temperature", "38,4"),
        ("breaths", "22"),
        ("spo2", "94"),
    ):
        page.fill(f"#vitals-{name}", value)
    page.locator('form[data-form="vitals"] button.primary').click()
    page.wait_for_url(lambda u: "done=vitals" in u or "panel" not in u)
    page.goto(f"{chart}/forms/score-news2")
    assert [field(page, f"asked/{n}").input_value() for n in ("rr", "spo2", "hr", "temp", "bp/sbp")] == [
        "22",
        "94",
        "112",
        "38,4",
        "105",
    ]
    expect(page.locator('[data-value="result/total"]')).to_contain_text("7")  # so far
    kept(page, lambda: page.locator('input[value="o2.1"]').check())
    kept(page, lambda: page.locator('input[value="acvpu.A"]').check())
    expect(page.locator('[data-value="result/total"]')).to_contain_text("9")
    expect(page.locator(".advice:visible")).to_have_text("Đội hồi sức đánh giá ngay, theo dõi liên tục")
    look(page, "news2")
    accessible(page)
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/forms/responses/*")
    page.goto(str(chart))
    expect(page.locator(".axis")).to_contain_text("NEWS2")
    look(page, "news2-axis")
