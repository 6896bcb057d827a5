"""A foreign record: refused, opened in an emergency, reviewed, and the patient told; a consent taken and withdrawn."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from running import PASSWORD

from longbien.access import accounts
from longbien.access.door import Door
from longbien.base import clock
from longbien.record.change import Update
from longbien.record.scope import system
from longbien.record.store import Store

pytestmark = pytest.mark.browser
Enter = Callable[..., Page]
WHY = "Ngất tại phòng khám lúc 08:31, huyết áp 70/40, chưa rõ thuốc chống đông"
ILL = {"vi": "Trầm cảm", "en": "depressive"}
SHOTS = os.environ.get("LONGBIEN_SHOTS")
"""A folder for pictures of every page, to be looked at."""


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes'][:3]]}" for v in found]


def looked_at(page: Page, name: str, lang: str) -> None:
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is wider than the screen"
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}-{lang}.png", full_page=True)


@pytest.fixture(scope="module")
def city(house: SimpleNamespace) -> SimpleNamespace:
    """A patient of another hospital with something sensitive, one who is shared, a head of department who reviews."""
    made = SimpleNamespace(far="glass-far", near="glass-near")

    async def fill() -> None:
        row = await house.engine.db.fetchrow("SELECT organization FROM account WHERE login = 'bs.minh'")
        made.here = row["organization"]
        away = {"reference": "Organization/glass-away"}
        resources: list[dict[str, object]] = [{"resourceType": "Organization", "id": "glass-away", "name": "Bệnh viện Phương Xa"}]
        for p, name in ((made.far, "Nguyễn Thị Yến"), (made.near, "Lê Văn Gần")):
            who = {"reference": f"Patient/{p}"}
            resources += [
                {"resourceType": "Patient", "id": p, "name": [{"text": name}], "gender": "female", "birthDate": "1956-02-01"},
                {"resourceType": "Encounter", "id": f"{p}-e", "status": "in-progress", "class": {"code": "AMB"}, "subject": who,
                 "serviceProvider": away, "period": {"start": clock.instant(clock.now())}},
                {"resourceType": "Condition", "id": f"{p}-c", "subject": who, "encounter": {"reference": f"Encounter/{p}-e"},
                 "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "F32.1"}], "text": "Trầm cảm vừa"}},
            ]  # fmt: skip
        resources.append({
            "resourceType": "Encounter", "id": "glass-near-here", "status": "in-progress", "class": {"code": "AMB"},
            "subject": {"reference": f"Patient/{made.near}"}, "period": {"start": clock.instant(clock.now())},
            "serviceProvider": {"reference": f"Organization/{made.here}"},
        })  # fmt: skip
        await Store(house.engine, system("test")).commit([Update(r) for r in resources])
        door = Door(house.engine)
        new = accounts.NewAccount("truong.khoa", "Trần Thị Duyệt", "head", organization=made.here)
        await accounts.create(house.engine, door.hasher, None, new, PASSWORD)
        new = accounts.NewAccount("nguoi.benh", "Nguyễn Thị Yến", "patient", patient=made.far)
        await accounts.create(house.engine, door.hasher, None, new, PASSWORD)
        await door.close()

    house.run(fill())
    return made


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_foreign_record_in_an_emergency(enter: Enter, city: SimpleNamespace, lang: str) -> None:
    said = {"vi": ("Mở khẩn cấp", "Đóng ngay", "Chấp nhận"), "en": ("Open in an emergency", "End it now", "Accept")}[lang]
    page = enter("bs.minh", lang)
    answer = page.goto(f"/patients/{city.far}")
    assert answer is not None and answer.status == 403
    expect(page.locator("body")).not_to_contain_text(ILL[lang])
    looked_at(page, "purpose", lang)
    page.click("#glass")
    expect(page.locator("h1")).to_be_visible()
    looked_at(page, "glass", lang)
    page.fill("#reason", "gấp")
    page.get_by_role("button", name=said[0]).click()
    expect(page.locator("#reason-error")).to_be_visible()
    looked_at(page, "glass-wrong", lang)
    page.fill("#reason", WHY)
    page.get_by_role("button", name=said[0]).click()
    page.wait_for_url(f"**/patients/{city.far}")
    expect(page.locator(".banner.glass")).to_contain_text(WHY)
    expect(page.locator("#main")).to_contain_text(ILL[lang])
    looked_at(page, "glass-chart", lang)

    head = enter("truong.khoa", lang)
    head.goto("/glass")
    expect(head.locator("form.opening")).to_contain_text(WHY)
    looked_at(head, "glass-queue", lang)
    head.get_by_role("button", name=said[2]).click()
    expect(head.locator("form.opening")).to_have_count(0)

    page.get_by_role("button", name=said[1]).click()
    page.wait_for_url("**/glass")
    looked_at(page, "glass-mine", lang)
    refused = page.goto(f"/patients/{city.far}")
    assert refused is not None and refused.status == 403


def test_the_patient_is_told(enter: Enter, city: SimpleNamespace, browser: object, house: SimpleNamespace) -> None:
    context = browser.new_context(base_url=house.address, viewport={"width": 390, "height": 844})  # type: ignore[attr-defined]
    page = context.new_page()
    page.goto("/")
    page.fill("#name", "nguoi.benh")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_load_state("networkidle")
    page.goto("/me/notices")
    expect(page.locator("body")).to_contain_text("mở khẩn cấp hồ sơ")
    expect(page.locator("body")).to_contain_text(WHY)
    context.close()


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_what_is_withheld_is_said_and_opens_with_a_consent(enter: Enter, city: SimpleNamespace, lang: str) -> None:
    said = {"vi": ("Ghi lại", "Rút lại"), "en": ("Write it down", "Withdraw")}[lang]
    page = enter("bs.minh", lang)
    page.goto(f"/patients/{city.near}")
    expect(page.locator("#held")).to_be_visible()
    expect(page.locator("#main")).not_to_contain_text(ILL[lang])
    looked_at(page, "withheld-chart", lang)
    page.goto(f"/patients/{city.near}/consents")
    looked_at(page, "consents", lang)
    page.check("input[name=effect][value=permit]")
    page.check("input[name=category][value=mental]")
    page.select_option("#how", "paper")
    page.get_by_role("button", name=said[0]).click()
    expect(page.locator(".banner.crit")).to_be_visible()
    page.check("input[name=effect][value=permit]")
    page.check("input[name=category][value=mental]")
    page.select_option("#how", "paper")
    page.fill("#number", "GDY-2026-0012")
    page.get_by_role("button", name=said[0]).click()
    expect(page.get_by_role("button", name=said[1])).to_have_count(1)
    looked_at(page, "consents-given", lang)
    page.goto(f"/patients/{city.near}")
    expect(page.locator("#held")).to_have_count(0)
    expect(page.locator("#main")).to_contain_text(ILL[lang])
    page.goto(f"/patients/{city.near}/consents")
    page.get_by_role("button", name=said[1]).click()
    expect(page.get_by_role("button", name=said[1])).to_have_count(0)
    page.goto(f"/patients/{city.near}")
    expect(page.locator("#held")).to_be_visible()
