"""What the stories share: looking at a page as a person does (axe, width, a picture on request), reading and filling the record."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from longbien.base import clock
from longbien.demo import catalogues
from longbien.fhir import json
from longbien.record.change import Manner, Update
from longbien.record.scope import system
from longbien.record.store import Store

SHOTS = os.environ.get("LONGBIEN_SHOTS")
Resource = dict[str, Any]


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes'][:3]]}" for v in found]


def looked_at(page: Page, name: str, *, whole: bool = False) -> None:
    """Nothing that a reader by ear or by keyboard would stumble over, nothing wider than the screen. Pictures: LONGBIEN_SHOTS."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=whole)
    found = violations(page)
    assert found == [], f"{name}: {found}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is wider than the screen"


def stocked(house: SimpleNamespace) -> None:
    """The whole catalogue: what can be ordered, prescribed and filled in."""
    store = Store(house.engine, system("stories"))
    found = [Update(r) for r in catalogues.resources()]
    for n in range(0, len(found), 500):
        house.run(store.commit(found[n : n + 500], Manner(references="trust", checked=True, summarise=True)))


def commit(house: SimpleNamespace, *resources: Resource) -> None:
    house.run(Store(house.engine, system("story")).commit([Update(x) for x in resources], Manner(references="trust")))


def got(house: SimpleNamespace, type_: str, id_: str) -> Resource:
    found: Resource = json.loads(house.run(Store(house.engine, system("story")).read(type_, id_)).body)
    return found


def of(house: SimpleNamespace, type_: str, patient: str, *asked: tuple[str, str]) -> list[Resource]:
    """Everything of one type in one record."""

    async def ask() -> list[Resource]:
        given = [("patient", f"Patient/{patient}"), ("_count", "500"), *asked]
        page = await Store(house.engine, system("story")).search(type_, given)
        return [json.loads(e.body) for e in page.matches]

    return house.run(ask())  # type: ignore[no-any-return]


def coded(resources: Iterable[Resource], key: str = "code") -> set[str]:
    return {str(c.get("code")) for x in resources for c in (x.get(key) or {}).get("coding") or ()}


def scan(page: Page, box: str, text: str) -> None:
    """What a scanner does: types as fast as a machine, then Enter."""
    page.locator(box).fill(text)
    page.locator(box).press("Enter")


def order(page: Page, *typed: str, twice: bool = False) -> None:
    """In the order box of the open chart: each by its first hit (`twice`: drugs two times a day), then the signature."""
    page.keyboard.press("o")
    for n, text in enumerate(typed, 1):
        expect(page.locator("#order-q")).to_be_focused()
        page.keyboard.type(text)
        page.wait_for_selector("#order-hits li")
        page.keyboard.press("Enter")
        expect(page.locator("#orders .draft")).to_have_count(n)
    for times in page.locator("#orders [name$=-times]").all() if twice else ():
        times.fill("2")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/orders")


def vitals(page: Page, **values: str) -> None:
    """Vital signs from the open chart."""
    page.keyboard.press("v")
    for name, value in values.items():
        page.fill(f"#vitals-{name}", value)
    page.keyboard.press("Control+Enter")
    page.wait_for_selector('html[data-done="vitals"]', state="attached")


class HouseClock:
    """The clock of the house, set to a day (counted from today) and an hour of Hanoi's; it goes on from there. No story sleeps."""

    def __init__(self, patch: pytest.MonkeyPatch):
        self.patch, self.real = patch, clock.now

    def at(self, day: int, hour: int, minute: int = 0) -> datetime:
        today = clock.local(self.real()).replace(hour=hour, minute=minute, second=0, microsecond=0)
        return self.to(today + timedelta(days=day))

    def to(self, moment: datetime) -> datetime:
        """Set it to a moment with its zone."""
        away = moment - self.real()
        self.patch.setattr(clock, "now", lambda: self.real() + away)
        return moment
