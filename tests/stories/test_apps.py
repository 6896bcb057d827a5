"""An app asks for the record: the consent page and "my apps", in both languages, by keyboard and for a screen reader."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from running import PASSWORD

from longbien.access import accounts
from longbien.access.apps import registry
from longbien.record.types import number

BACK = "http://127.0.0.1:9/back"
SCOPE = (
    "launch/patient openid fhirUser offline_access patient/Patient.rs patient/Condition.rs patient/MedicationRequest.rs "
    "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
)


@pytest.fixture(scope="module")
def client(house: SimpleNamespace) -> str:
    made = registry.register(house.engine, registry.NewApp("Sổ Tiểu Đường", SCOPE, "none", (BACK,), launch_url=BACK))
    return str(asyncio.run_coroutine_threadsafe(made, house.loop).result(30)[0])


def _address(house: SimpleNamespace, client: str) -> str:
    return "/oauth/authorize?" + urlencode(
        {"response_type": "code", "client_id": client, "redirect_uri": BACK, "scope": SCOPE, "state": "s",
         "code_challenge": "a" * 43, "code_challenge_method": "S256", "aud": f"{house.address}/fhir"}
    )  # fmt: skip


def _shown(page: Page, name: str) -> None:
    """A picture to look at, where LONGBIEN_PICTURES names a folder for them."""
    if folder := os.environ.get("LONGBIEN_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


@pytest.mark.parametrize(
    ("lang", "title", "yes"), [("vi", "muốn dùng hồ sơ thay bạn", "Cho phép"), ("en", "wants to use the record", "Allow")]
)
def test_the_consent_page_says_what_an_app_will_see(
    enter: Callable[..., Page], house: SimpleNamespace, client: str, lang: str, title: str, yes: str
) -> None:
    page = enter("bs.minh", lang)
    page.goto(_address(house, client))
    assert title in page.inner_text("h1")
    page.fill("#q", "Nguyễn")
    page.press("#q", "Enter")
    page.wait_for_selector("input[name=patient]")
    assert Axe().run(page).violations_count == 0, Axe().run(page).generate_report()
    _shown(page, f"consent-{lang}")
    page.check("input[name=patient] >> nth=0")
    went: list[str] = []
    page.on("request", lambda r: went.append(r.url) if r.url.startswith(BACK) else None)
    page.click(f"button:has-text('{yes}') >> nth=0", no_wait_after=True)
    page.wait_for_timeout(1500)
    assert went and "code=" in went[0], "the browser lets the answer go to the app's own address"
    page.goto("/apps")
    assert Axe().run(page).violations_count == 0
    _shown(page, f"apps-{lang}")


def test_a_patient_on_the_phone_is_asked_about_their_own_record(browser: Browser, house: SimpleNamespace, client: str) -> None:
    row = house.run(house.engine.db.fetchrow("SELECT id FROM head WHERE type = $1 AND NOT deleted LIMIT 1", number("Patient")))
    new = accounts.NewAccount("nb.apps", "Người bệnh", "patient", patient=row["id"])
    house.run(accounts.create(house.engine, house.door.hasher, None, new, PASSWORD))
    context = browser.new_context(viewport={"width": 390, "height": 844}, base_url=house.address)
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.goto(_address(house, client))
    page.fill("#name", "nb.apps")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_selector("input[name=patient]")
    _shown(page, "consent-phone")
    assert page.locator("input[name=patient]").count() == 1 and page.is_checked("input[name=patient]")
    assert Axe().run(page).violations_count == 0, Axe().run(page).generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def test_a_doctor_registers_no_app(enter: Callable[..., Page], client: str) -> None:
    page = enter("bs.minh")
    assert page.goto("/admin/apps").status == 403  # type: ignore[union-attr]
