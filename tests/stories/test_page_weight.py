"""The main pages of staff are light and fit a small old screen: at most 150 kB on first load without pictures, 30 kB after, nothing
that runs out of 1366 x 768 or of a telephone's 390 x 844."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

Enter = Callable[..., Page]
FIRST, AFTER = 150_000, 30_000
PAGES = {
    "bs.minh": ("/today", "/clinic", "/ward", "/search", "/theatre", "{chart}", "{chart}/labs", "{chart}/drugs", "{chart}/notes",
                "{chart}/visits", "{chart}/orders", "{chart}/compare", "{chart}/forms", "{chart}/stay", "{chart}/discharge"),
    "dd.ha": ("/today", "/ward", "/ward/vitals", "/ward/mar", "/ward/handover", "/orders/collect", "{chart}", "{chart}/stay"),
    "tn.lan": ("/today", "/reception", "/reception/register", "/appointments"),
}  # fmt: skip
FOR_PHONES = ("/today", "/ward", "/ward/vitals", "/ward/mar", "/ward/handover", "/orders/collect", "{chart}", "{chart}/stay")
OVER = "document.documentElement.scrollWidth - innerWidth"


def weight(page: Page, url: str) -> int:
    """Bytes on the wire: what is text goes compressed. Pictures do not count."""
    answer = page.context.request.get(url)
    assert answer.status == 200, url
    kind = answer.headers.get("content-type", "")
    if kind.startswith("image/"):
        return 0
    return len(answer.body()) if "font" in kind else len(gzip.compress(answer.body(), 6))


def paths(page: Page, login: str) -> list[str]:
    """The pages of this person; {chart}: of the first patient whom they may open."""
    link = page.locator("#worklist tr[data-href]").first
    chart = link.get_attribute("data-href") if link.count() else None
    return [p.format(chart=chart) for p in PAGES[login] if chart or "{chart}" not in p]


@pytest.mark.parametrize("login", list(PAGES))
def test_the_first_page_is_light_and_those_after_it_lighter(enter: Enter, login: str) -> None:
    page = enter(login, size=(1366, 768))
    found = paths(page, login)
    assert len(found) > 3
    page.goto("/today", wait_until="networkidle")
    used = page.evaluate("performance.getEntriesByType('resource').map((e) => e.name)")
    once = {u for u in (page.url, *used) if not u.endswith("/live")}
    assert len(once) > 5 and sum(weight(page, u) for u in once) <= FIRST
    heavy = {path: n for path in found if (n := weight(page, path)) > AFTER}
    assert heavy == {}


@pytest.mark.parametrize("login", list(PAGES))
@pytest.mark.parametrize("lang", ["vi", "en"])
def test_nothing_runs_out_of_a_small_screen(enter: Enter, login: str, lang: str) -> None:
    page = enter(login, lang, (1366, 768))
    wide = {}
    for path in paths(page, login):
        page.goto(path, wait_until="load")
        if (n := page.evaluate(OVER)) > 0:
            wide[path] = n
    assert wide == {}


def test_what_a_nurse_uses_on_a_telephone_fits_it(enter: Enter) -> None:
    page = enter("dd.ha", size=(390, 844))
    link = page.locator("#worklist tr[data-href]").first.get_attribute("data-href")
    wide = {}
    for path in (p.format(chart=link) for p in FOR_PHONES):
        page.goto(path, wait_until="load")
        if (n := page.evaluate(OVER)) > 0:
            wide[path] = n
    assert wide == {}
    page.locator("#account summary").click()
    assert page.locator(".phone-nav a[href='/ward']").is_visible()
