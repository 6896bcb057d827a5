"""The browser's stories: a real house (database, pages, people of the demo city) and a real chromium.

They skip, saying so, where chromium is missing: `apt-get install chromium`, or set LONGBIEN_CHROMIUM to its path."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from running import PASSWORD, served

PEOPLE = range(24)


def chromium() -> str | None:
    given = os.environ.get("LONGBIEN_CHROMIUM")
    return given or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One a module, not one a session: while it is open, its event loop runs in this thread and no async test could."""
    path = chromium()
    if path is None:
        pytest.skip("no chromium: apt-get install chromium, or set LONGBIEN_CHROMIUM")
    with sync_playwright() as p:
        opened = p.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def house(record_urls: tuple[str, str], browser: Browser) -> Iterator[SimpleNamespace]:
    with served(record_urls[1], PEOPLE) as running:
        yield running


@pytest.fixture
def enter(house: SimpleNamespace, browser: Browser) -> Iterator[Callable[..., Page]]:
    """enter("bs.minh", "vi") -> a page signed in, on the worklist. What goes wrong in a page's script fails the test."""
    contexts, wrong = [], []

    def come_in(login: str = "bs.minh", lang: str = "vi", size: tuple[int, int] = (1440, 900), home: str = "**/today") -> Page:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, base_url=house.address)
        contexts.append(context)
        if lang != "vi":
            context.add_cookies([{"name": "lang", "value": lang, "url": house.address}])
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda e: wrong.append(f"{page.url}: {e.stack or e}"))
        page.on("console", lambda m: wrong.append(m.text) if "Content Security Policy" in m.text else None)
        page.goto("/")
        page.fill("#name", login)
        page.fill("#password", PASSWORD)
        page.press("#password", "Enter")
        page.wait_for_url(home)
        return page

    yield come_in
    for context in contexts:
        context.close()
    assert wrong == []
