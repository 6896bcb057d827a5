"""Coming in and staying, in a real browser with an authenticator of its own: passkey, badge, the lock that keeps the work."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from running import PASSWORD

from longbien.access import pins
from longbien.access.passwords import Hasher
from longbien.access.sealed import Seal
from longbien.access.settings import AccessSettings
from longbien.record import trail

pytestmark = pytest.mark.browser
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"


@pytest.fixture(autouse=True, scope="module")
def key() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LONGBIEN_SECRET_KEY", KEY)
        yield


@pytest.fixture
def desk(house: SimpleNamespace, browser: Browser) -> Iterator[Page]:
    """A browser of a ward, at a name (an address of numbers has no passkeys), with an authenticator inside the computer."""
    context = browser.new_context(base_url=house.address.replace("127.0.0.1", "localhost"), viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.set_default_timeout(15_000)
    wrong: list[str] = []
    page.on("pageerror", lambda e: wrong.append(str(e)))
    page.on("console", lambda m: wrong.append(m.text) if "Content Security Policy" in m.text else None)
    cdp = context.new_cdp_session(page)
    cdp.send("WebAuthn.enable", {"enableUI": False})
    cdp.send("WebAuthn.addVirtualAuthenticator", {"options": {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }})  # fmt: skip
    yield page
    context.close()
    assert wrong == []


def sign_in(page: Page, login: str = "bs.minh", path: str = "/") -> None:
    page.goto(path)
    page.fill("#name", login)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/today")


def sign_out(page: Page) -> None:
    page.click("#account summary")
    page.click("#account form[action='/sign-out'] button")
    page.wait_for_url("**/sign-in")


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{v['id']}: {[n['html'][:160] for n in v['nodes'][:3]]}" for v in found]


def lines(house: SimpleNamespace, kind: str) -> list[Any]:
    sql = "SELECT why FROM audit WHERE kind = $1 ORDER BY seq"
    return [row["why"] for row in house.run(house.engine.db.fetch(sql, trail.KINDS.index(kind)))]


def own(house: SimpleNamespace, login: str) -> int:
    """An account of the demo as one that is its owner's alone; gives its number."""
    sql = "UPDATE account SET demo = false WHERE login = $1 RETURNING number"
    number: int = house.run(house.engine.db.fetchval(sql, login))
    return number


def with_passkey(page: Page) -> None:
    page.goto("/account")
    page.fill("#pname", "Máy khoa Nội")
    page.click("[data-passkey=make]")
    page.wait_for_selector('html[data-done="passkey"]', state="attached")


def test_a_passkey_is_made_named_used_and_removed(desk: Page, house: SimpleNamespace) -> None:
    sign_in(desk)
    with_passkey(desk)
    expect(desk.locator("input[value='Máy khoa Nội']")).to_be_visible()
    # the browser would offer it by itself, and this authenticator always says yes: here the button is meant
    desk.add_init_script("if (window.PublicKeyCredential) PublicKeyCredential.isConditionalMediationAvailable = async () => false")
    sign_out(desk)
    desk.locator("[data-passkey=sign-in]").click()
    desk.wait_for_url("**/today")
    assert "passkey" in lines(house, "sign-in")
    desk.goto("/account")
    expect(desk.locator("tr", has_text="khoá truy cập")).to_have_count(1)
    desk.click("form[action='/account/passkeys/remove'] button")
    desk.wait_for_selector('html[data-done="removed"]', state="attached")
    assert [w for w in lines(house, "account") if w.startswith("passkey")][-1].endswith("removed")


def test_the_lock_hides_the_page_and_keeps_the_draft(desk: Page, house: SimpleNamespace) -> None:
    sign_in(desk)
    with_passkey(desk)
    desk.goto("/today")
    desk.locator("#worklist tr[data-href] a").first.click()
    desk.wait_for_url("**/patients/*")
    desk.keyboard.press("n")
    desk.fill("#form-note textarea >> nth=0", "đang viết dở: đau ngực từ sáng")
    desk.evaluate("lb.lock()")
    expect(desk.locator("#lock")).to_be_visible()
    expect(desk.locator(".strip")).to_be_hidden()
    desk.keyboard.press("Escape")
    expect(desk.locator("#lock")).to_be_visible()
    desk.wait_for_function("fetch('/today', {headers: {'X-Part': '1'}}).then((r) => r.headers.get('X-Locked') === '1')")
    assert desk.request.get(desk.url).url.endswith("/unlock?next=" + desk.url[desk.url.index("/patients") :])
    assert violations(desk) == []
    desk.fill("#lock-word", "not this one at all")
    desk.press("#lock-word", "Enter")
    expect(desk.locator("#lock-error")).not_to_be_empty()
    desk.click("[data-passkey=unlock]")
    expect(desk.locator("#lock")).to_be_hidden()
    expect(desk.locator("#form-note textarea >> nth=0")).to_have_value("đang viết dở: đau ngực từ sáng")
    desk.evaluate("lb.lock()")
    desk.fill("#lock-word", PASSWORD)
    desk.press("#lock-word", "Enter")
    expect(desk.locator("#lock")).to_be_hidden()
    expect(desk.locator("#form-note textarea >> nth=0")).to_have_value("đang viết dở: đau ngực từ sáng")


def test_a_colleague_taps_in_and_the_first_comes_back_to_the_draft(desk: Page, house: SimpleNamespace) -> None:
    settings = AccessSettings.read({"LONGBIEN_SECRET_KEY": KEY})
    for login, card, pin in (("dd.ha", "04A1B2C3D4", "2580"), ("bs.minh", "04FFEEDDCC", "7391")):
        number = own(house, login)
        house.run(pins.set_pin(house.engine.db, Hasher(settings), number, pin))
        house.run(pins.add_badge(house.engine.db, Seal(settings), number, card))
    sign_in(desk, "dd.ha")
    sign_out(desk)
    sign_in(desk)
    desk.locator("#worklist tr[data-href] a").first.click()
    desk.wait_for_url("**/patients/*")
    chart = desk.url
    desk.keyboard.press("n")
    desk.fill("#form-note textarea >> nth=0", "còn viết tiếp")
    desk.evaluate("lb.lock()")
    expect(desk.locator("#lock")).to_be_visible()
    desk.keyboard.type("04A1B2C3D4")
    desk.keyboard.press("Enter")
    expect(desk.locator("#lock-pin")).to_be_focused()
    desk.keyboard.type("2580")
    desk.keyboard.press("Enter")
    desk.wait_for_url("**/today")
    assert desk.evaluate("sessionStorage.getItem('open')") is None
    expect(desk.locator("#account .who")).to_contain_text("Hà")
    desk.evaluate("lb.lock()")
    desk.keyboard.type("04FFEEDDCC")
    desk.keyboard.press("Enter")
    desk.fill("#lock-pin", "7391")
    desk.press("#lock-pin", "Enter")
    expect(desk.locator("#account .who")).to_contain_text("Minh")
    desk.goto(chart)
    expect(desk.locator("#form-note textarea >> nth=0")).to_have_value("còn viết tiếp")
    assert lines(house, "sign-in").count("badge+pin") == 2


def test_it_invites_a_nurse_who_sets_up_an_app(desk: Page, house: SimpleNamespace) -> None:
    sql = "UPDATE account SET role = 'it' WHERE login = 'bs.tuan' RETURNING login"
    it = house.run(house.engine.db.fetchval(sql))
    sign_in(desk, it)
    desk.goto("/invitations")
    assert violations(desk) == []
    desk.fill("#login", "dd.moi")
    desk.fill("#name", "Trần Thị Mới")
    desk.select_option("#role", "nurse")
    desk.click("form[action='/invitations'] button")
    link = desk.locator("#link").input_value()
    sign_out(desk)
    desk.goto(link)
    assert violations(desk) == []
    desk.click("form[action^='/welcome'] button")
    desk.wait_for_url("**/account")
    desk.goto("/today")
    desk.wait_for_url("**/account")  # nothing else is open yet
    desk.fill("#new", "ngắn quá")
    desk.evaluate("document.querySelector('#new').minLength = 0")
    desk.click("form[action='/account/password'] button")
    expect(desk.locator(".banner.crit")).to_be_visible()
    desk.fill("#new", "một câu đủ dài cho ca đêm")
    desk.click("form[action='/account/password'] button")
    desk.wait_for_selector('html[data-done="password"]', state="attached")
    desk.goto("/today")
    desk.wait_for_url("**/today")
    desk.goto(link)
    expect(desk.locator("form[action^='/welcome']")).to_have_count(0)


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_pages_are_clean_in_both_languages(desk: Page, house: SimpleNamespace, lang: str) -> None:
    desk.context.add_cookies([{"name": "lang", "value": lang, "url": house.address.replace("127.0.0.1", "localhost")}])
    desk.goto("/sign-in")
    assert violations(desk) == []
    sign_in(desk)
    own(house, "bs.minh")
    desk.goto("/account")
    if desk.locator("form[action='/account/app']").count():
        desk.click("form[action='/account/app'] button")
    expect(desk.locator(".qr svg")).to_be_visible()
    assert violations(desk) == []
    desk.evaluate("lb.lock()")
    expect(desk.locator("#lock")).to_be_visible()
    assert violations(desk) == []
