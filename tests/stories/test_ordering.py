"""A doctor orders, in a real browser: the click budgets of the product, an allergy that stops, drafts on another machine, the
catalogue. Typed search text counts for nothing; every click and every key that acts counts one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from longbien.demo import catalogues, orderables
from longbien.record.change import Manner, Update
from longbien.record.scope import system
from longbien.record.store import Store

pytestmark = pytest.mark.browser
Enter = Callable[..., Page]

SAID = {
    "vi": {"signed": "Đã ký y lệnh", "ordered": "đã chỉ định", "sign": "Ký 1 y lệnh", "allergy": "Dị ứng: Penicillin",
           "reason": "dòng cần lý do", "xray": "Chụp X-quang ngực thẳng", "para": "Paracetamol 500 mg", "taken": "Đang dùng"},
    "en": {"signed": "The orders are signed", "ordered": "ordered", "sign": "Sign 1 order", "allergy": "Allergy: Penicillin",
           "reason": "needs a reason", "xray": "Chest X-ray, PA", "para": "Paracetamol 500 mg", "taken": "Taken already"},
}  # fmt: skip


class Hand:
    """Counts what a hand does."""

    def __init__(self, page: Page):
        self.page, self.acts = page, 0

    def click(self, selector: str) -> None:
        self.acts += 1
        self.page.locator(selector).first.click()

    def press(self, key: str) -> None:
        self.acts += 1
        self.page.keyboard.press(key)


@pytest.fixture(scope="module")
def stocked(house: SimpleNamespace) -> Iterator[SimpleNamespace]:
    """The house with its catalogue of orders."""

    async def fill() -> None:
        store = Store(house.engine, system("stories"))
        found = [*catalogues.observation_definitions(), *catalogues.medications(), *orderables.resources()]
        for n in range(0, len(found), 500):
            manner = Manner(references="trust", checked=True, summarise=True)
            await store.commit([Update(r) for r in found[n : n + 500]], manner)

    house.run(fill())
    yield house


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes'][:3]]}" for v in found]


def order(page: Page, hand: Hand, typed: str) -> None:
    """From the patient list to the signature: the patient, O, Enter for the usual, Ctrl Enter."""
    hand.click("#worklist tr[data-href] a")
    page.wait_for_selector("#orders", state="attached")
    hand.press("o")
    expect(page.locator("#order-q")).to_be_focused()
    page.keyboard.type(typed)
    hand.press("Enter")  # whether or not the list is there yet
    expect(page.locator("#orders .draft")).to_have_count(1)
    hand.press("Control+Enter")
    page.wait_for_url("**/orders")


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_paracetamol_and_a_chest_x_ray_take_four_acts_each(stocked: SimpleNamespace, enter: Enter, lang: str) -> None:
    said, page = SAID[lang], enter(lang=lang)
    hand = Hand(page)
    order(page, hand, "para")
    assert hand.acts <= 4
    expect(page.locator("#toast")).to_contain_text(said["signed"])
    first = page.locator(".orders-table tr").first
    expect(first).to_contain_text(said["para"])
    expect(first).to_contain_text(said["ordered"])
    page.keyboard.press("Control+z")  # and taken back, so that the other language begins as this one did
    page.wait_for_url(lambda u: "/orders" not in u)
    page.goto("/today")
    hand = Hand(page)
    order(page, hand, "xq nguc")
    assert hand.acts <= 4
    expect(page.locator(".orders-table tr").first).to_contain_text(said["xray"])
    assert violations(page) == []
    page.locator(".orders-table summary").first.click()
    page.fill(".orders-table details[open] input[name=why]", "Đã chụp sáng nay")
    page.locator(".orders-table details[open] button").click()
    page.wait_for_url("**/orders")
    expect(page.locator("#toast")).to_be_visible()


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_an_allergy_stops_a_draft_stays_and_the_last_prescription_comes_back(
    stocked: SimpleNamespace, enter: Enter, lang: str
) -> None:  # fmt: skip
    said, page = SAID[lang], enter(lang=lang)
    page.locator("#worklist tr[data-href]", has_text="Thưởng").locator("a").first.click()
    page.wait_for_selector("#orders", state="attached")
    page.keyboard.press("o")
    page.keyboard.type("amoxicilin 500")
    hit = page.locator("#order-hits li").first
    expect(hit).to_contain_text(said["allergy"])  # told before it is chosen
    page.keyboard.press("Enter")
    draft = page.locator("#orders .draft")
    expect(draft).to_contain_text(said["allergy"])
    expect(page.locator("#order-q")).to_be_focused()  # what is typed next is a search, never a reason
    assert violations(page) == []
    page.keyboard.press("Control+Enter")
    expect(page.locator("#orders footer")).to_contain_text(said["reason"])
    override = page.locator("#orders [name$=-override]")
    expect(override).to_be_focused()
    with page.expect_response(lambda r: r.url.endswith("/order")):
        override.fill("Test da âm tính")
    other = enter(lang=lang)  # the same person, another machine
    other.goto(page.url.split("?")[0] + "?panel=order")
    expect(other.locator("#orders [name$=-override]")).to_have_value("Test da âm tính")
    other.close()
    page.locator("#orders button[value='drop:l1']").click()
    expect(draft).to_have_count(0)
    page.goto("/today")
    hand = Hand(page)
    hand.click("#worklist tr[data-href]:has-text('Thưởng') a")
    page.wait_for_selector("#orders", state="attached")
    hand.press("l")
    expect(page.locator("#orders .draft").first).to_contain_text(said["taken"])
    hand.press("Control+Enter")
    page.wait_for_url("**/orders")
    assert hand.acts <= 3
    page.keyboard.press("Control+z")
    page.wait_for_url(lambda u: "/orders" not in u)


def test_an_order_set_is_ticked_signed_and_printed(stocked: SimpleNamespace, enter: Enter) -> None:
    page = enter()
    page.locator("#worklist tr[data-href] a").nth(1).click()
    page.wait_for_selector("#orders", state="attached")
    page.keyboard.press("o")
    page.keyboard.type("viem phoi cong dong nguoi lon")
    page.wait_for_selector("#order-hits li")
    page.keyboard.press("Enter")
    expect(page.locator("#orders .set")).to_be_visible()
    page.keyboard.press("Enter")  # the button that adds what is ticked has the focus
    expect(page.locator("#orders .set")).to_have_count(0)
    assert page.locator("#orders .draft").count() >= 3
    for drop in ("stopped", "wrong"):  # an allergy of this patient, if there is one
        while page.locator(f"#orders .draft.{drop}").count():
            page.locator(f"#orders .draft.{drop} .head button").first.click()
            page.wait_for_timeout(300)
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/orders")
    for link in (".card a[href$='/labels.pdf']", ".card a[href$='.pdf']:not([href*=labels])"):
        answer = page.request.get(page.locator(link).first.get_attribute("href") or "")
        assert answer.status == 200
        assert answer.body()[:5] == b"%PDF-"


def test_the_engineer_retires_a_test_and_the_box_offers_it_no_more(stocked: SimpleNamespace, enter: Enter) -> None:
    keeper = enter("it.khoa")
    keeper.goto("/catalogue?kind=lab&q=ferritin")
    keeper.locator("main table a").first.click()
    keeper.select_option("#f-status", "retired")
    keeper.locator("main .btn.primary").click()
    expect(keeper.locator(".banner")).to_contain_text("Đã lưu")
    assert violations(keeper) == []
    page = enter()
    page.locator("#worklist tr[data-href] a").first.click()
    page.wait_for_selector("#orders", state="attached")
    page.keyboard.press("o")
    page.keyboard.type("ferritin")
    expect(page.locator("#order-hits .none")).to_be_visible()
