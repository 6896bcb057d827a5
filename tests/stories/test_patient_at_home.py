"""Bà Lụa, 74, with the telephone in her hand; and what she must never reach. Pages at 390x844, in both languages, axe clean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from running import PASSWORD, SEED, fill, served

from longbien.access import accounts, glass
from longbien.access.actor import Actor
from longbien.base import clock
from longbien.demo import at_home, facilities, people, population, slots
from longbien.record.scope import system

pytestmark = pytest.mark.browser
LUA, BAO, STRANGER = slots.person(*at_home.LUA), slots.person(*at_home.BAO), 0
PHONE = (390, 844)
PAGES = ("/me", "/me/results", "/me/drugs", "/me/notices", "/me/record", "/me/who-saw", "/me/consent", "/me/requests",
         "/me/ask?kind=correct", "/me/ask?kind=restrict", "/me/ask?kind=erase", "/me/copy")  # fmt: skip


@pytest.fixture(scope="module")
def house(record_urls: tuple[str, str], browser: Browser) -> Iterator[SimpleNamespace]:
    with served(record_urls[1], ()) as running:
        day = population.demo_day(clock.now())
        running.day = day
        running.run(prepare(running, day))
        yield running


async def prepare(house: SimpleNamespace, day: date) -> None:
    door = house.door
    await fill(house.engine, (LUA, BAO, STRANGER), day)
    await accounts.ensure(house.engine, door.hasher, facilities.accounts(), PASSWORD)
    await at_home.sign_ups(house.engine, door.hasher, system("stories"), SEED, day, 300, PASSWORD)


@pytest.fixture
def enter(house: SimpleNamespace, browser: Browser) -> Iterator[Callable[..., Page]]:
    contexts, wrong = [], []

    def come_in(login: str, lang: str = "vi", size: tuple[int, int] = PHONE, where: str = "/me") -> Page:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, base_url=house.address)
        contexts.append(context)
        if lang != "vi":
            context.add_cookies([{"name": "lang", "value": lang, "url": house.address}])
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda e: wrong.append(str(e)))
        page.on("console", lambda m: wrong.append(m.text) if "Content Security Policy" in m.text else None)
        page.goto("/")
        page.fill("#name", login)
        page.fill("#password", PASSWORD)
        page.press("#password", "Enter")
        page.wait_for_url(f"**{where}")
        return page

    yield come_in
    for context in contexts:
        context.close()
    assert wrong == []


def violations(page: Page) -> list[str]:
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [f"{v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes'][:3]]}" for v in found]


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_page_of_hers_fits_the_phone_and_can_be_read_by_all(
    enter: Callable[..., Page], house: SimpleNamespace, lang: str
) -> None:
    page = enter("nb.lua", lang)
    for path in (*PAGES, f"/me/results/{house.day.isoformat()}", "/account", "/apps"):
        answer = page.goto(path)
        assert answer is not None and answer.status == 200, path
        assert violations(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], path
        small = page.evaluate(
            "[...document.querySelectorAll('main a, main button, .dock a')].filter(e => e.offsetParent"
            " && getComputedStyle(e).display !== 'inline' && e.getBoundingClientRect().height < 44)"
            ".map(e => e.outerHTML.slice(0, 120))"
        )
        assert small == [], path
        assert page.locator("h1").count() == 1, path


def test_she_sees_her_next_visit_results_and_drugs_without_scrolling_far(enter: Callable[..., Page]) -> None:
    page = enter("nb.lua")
    expect(page.locator("h1")).to_have_text("Đinh Thị Lụa")
    expect(page.locator(".visit")).to_contain_text("8 giờ 30 sáng")
    page.click("text=Xét nghiệm máu, nước tiểu >> nth=0")
    expect(page.locator("main")).to_contain_text("Đường máu 3 tháng")
    expect(page.locator("main")).to_contain_text("7,8 %")


def test_she_asks_for_a_correction_the_office_answers_and_she_reads_it(enter: Callable[..., Page]) -> None:
    page = enter("nb.lua")
    page.goto("/me/ask?kind=correct")
    page.fill("#text", "Số điện thoại của tôi đã đổi.")
    page.click("button.primary")
    expect(page.locator("[role=status].said")).to_contain_text("2 ngày làm việc")
    office = enter("hs.vinh", "vi", (1440, 900), "/today")
    office.goto("/requests")
    assert violations(office) == []
    office.locator("#worklist a.plain").first.click()
    office.wait_for_url("**/requests/*")
    assert violations(office) == []
    office.click("button[value=acknowledge]")
    office.wait_for_load_state()
    assert office.request.get(office.url + "/letter.pdf").body().startswith(b"%PDF")
    office.select_option("#field", "phone")
    office.fill("#value", "0900000123")
    office.fill("#t-correct", "Đã ghi số điện thoại mới.")
    office.click("button[value=correct]")
    office.wait_for_selector('html[data-done="1"]', state="attached")
    page.goto("/me/requests")
    page.click("summary >> nth=0")
    expect(page.locator("main")).to_contain_text("Đã ghi số điện thoại mới.")
    page.goto("/me")
    expect(page.locator("main")).to_contain_text("đính chính")
    page.goto("/me/who-saw")
    expect(page.locator("main")).to_contain_text("Chu Quang Vinh")
    page.click("a.ask >> nth=0")
    expect(page.locator("#text")).to_be_visible()


def test_she_closes_a_part_of_her_record_and_opens_it_again(enter: Callable[..., Page]) -> None:
    page = enter("nb.lua")
    page.goto("/me/consent")
    row = page.locator("form.go", has_text="Khám chữa bệnh thông thường")
    was = row.locator("button").inner_text()
    row.locator("button").click()
    expect(page.locator("[role=status].said")).to_be_visible()
    expect(page.locator("form.go", has_text="Khám chữa bệnh thông thường").locator("button")).not_to_have_text(was)
    assert violations(page) == []
    page.locator("form.go", has_text="Khám chữa bệnh thông thường").locator("button").click()
    expect(page.locator("form.go", has_text="Khám chữa bệnh thông thường").locator("button")).to_have_text(was)


def test_a_mother_reads_her_childs_record_and_no_other(enter: Callable[..., Page], house: SimpleNamespace) -> None:
    page = enter("nn.bao")
    expect(page.locator("h1")).to_contain_text("Phạm Gia Bảo")
    expect(page.locator("main")).to_contain_text("bé Bảo")
    assert violations(page) == []
    her = people.make(LUA, SEED, house.day, **at_home.KNOWN[at_home.LUA])
    answer = page.goto(f"/me?of={her.id}")
    assert answer is not None and answer.status == 404 and "Lụa" not in page.content()


def test_whatever_a_patient_tries_other_records_stay_shut(enter: Callable[..., Page], house: SimpleNamespace) -> None:
    page = enter("nb.lua")
    theirs = population.who(STRANGER, SEED, house.day)
    csrf = page.locator("body").get_attribute("data-csrf") or ""
    reads = [f"{p}{'&' if '?' in p else '?'}of={theirs.id}" for p in PAGES]
    reads += [f"/patients/{theirs.id}", f"/patients/{theirs.id}/labs", f"/patients/{theirs.id}/who-saw", "/today", "/requests",
              f"/search?q={theirs.name.split()[-1]}", f"/search/{theirs.id}"]  # fmt: skip
    for path in reads:
        answer = page.request.get(path)
        assert answer.status in (403, 404), path
        assert theirs.name not in answer.text(), path
    for path, form in (
        ("/me/requests", {"kind": "correct", "text": "một hai ba bốn", "facility": "bv-sn"}),
        ("/me/copy", {}),
        ("/me/consent", {"kind": "ordinary", "permit": "1"}),
    ):
        answer = page.request.post(
            path, form={"csrf": csrf, "of": theirs.id, **form}, headers={"Origin": house.address}, max_redirects=0
        )
        assert answer.status == 404, path
    missing = page.request.get("/me?of=no-such-patient-at-all")
    hidden = page.request.get(f"/me?of={theirs.id}")
    assert missing.status == hidden.status and missing.text().replace("no-such", "") == hidden.text().replace("no-such", "")


async def broken(house: SimpleNamespace, patient: str) -> None:
    row = await accounts.by_login(house.engine.db, "bs.minh")
    assert row is not None
    minh = Actor(row["number"], row["login"], row["kind"], row["name"], row["role"], None, row["organization"], row["department"])
    reason = "Bà ngất ở phòng chờ, không nói được"
    await glass.break_glass(house.engine, minh, patient, "unresponsive", reason, settings=house.door.settings)


def test_an_emergency_stands_first_with_its_reason_and_she_may_object(enter: Callable[..., Page], house: SimpleNamespace) -> None:
    her = people.make(LUA, SEED, house.day, **at_home.KNOWN[at_home.LUA])
    house.run(broken(house, her.id))
    page = enter("nb.lua")
    expect(page.locator("main")).to_contain_text("có lần mở khẩn cấp")
    page.goto("/me/who-saw")
    card = page.locator(".card.glass")
    expect(card).to_contain_text("Bà ngất ở phòng chờ, không nói được")
    expect(card).to_contain_text("Minh")
    assert violations(page) == []
    card.locator("a.btn").click()
    page.fill("#text", "Tôi có ngất đâu.")
    page.click("button.primary")
    expect(page.locator("[role=status].said")).to_be_visible()


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_offices_pages_can_be_read_by_all(enter: Callable[..., Page], lang: str) -> None:
    page = enter("hs.vinh", lang, (1440, 900), "/today")
    for path in ("/requests", "/requests?show=past", "/requests/new", "/retention"):
        answer = page.goto(path)
        assert answer is not None and answer.status == 200, path
        assert violations(page) == [], path
    page.goto("/requests/new")
    page.fill("#number", "no such number")
    page.fill("#asker", "Ai đó")
    page.click("main button.primary")
    expect(page.locator(".banner[role=alert]")).to_be_visible()


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_desk_hands_out_a_code_and_he_comes_in_with_it(
    enter: Callable[..., Page], house: SimpleNamespace, browser: Browser, lang: str
) -> None:
    him = people.make(STRANGER, SEED, house.day)
    desk = enter("tn.lan", lang, (1440, 900), "/**")
    desk.goto(f"/patients/{him.id}/accounts")
    assert violations(desk) == []
    name = desk.locator(".head .name").inner_text()
    again = desk.locator("form[action$='/again']")
    if again.count():  # the other language was here before
        desk.select_option("form[action$='/again'] select", "citizen-card")
        again.locator("button").click()
    else:
        desk.select_option("#shown-own", "citizen-card")
        desk.click("form:has(#shown-own) button")
    code = desk.locator("#code").inner_text()
    expect(desk.locator(".slip svg").last).to_be_visible()
    assert violations(desk) == []
    context = browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]}, base_url=house.address)
    phone = context.new_page()
    phone.goto("/welcome")
    assert violations(phone) == []
    phone.fill("#code", code.replace("-", " ").upper())
    phone.click("button.primary")
    phone.click("form[action^='/welcome/'] button")
    phone.wait_for_url("**/account")
    assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
    phone.fill("#new", "con đò sang sông Hồng")
    phone.click("form[action='/account/password'] button")
    expect(phone.locator("#toast")).to_be_visible()
    phone.goto("/me")
    expect(phone.locator("h1")).to_have_text(name)
    expect(phone.locator("main")).to_contain_text("Giấy tờ đã xuất trình: thẻ căn cước")
    context.close()
