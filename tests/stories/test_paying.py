"""Paying, in a real browser, with the bank simulator as a real process: a self-pay out-patient pays from the phone; too little, too
much, a refund with a second person; a shift counted to the dong; the end of the day agrees."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from running import PASSWORD, SEED, fill, served

from longbien.access import accounts
from longbien.base import clock, ids
from longbien.base.jobs import Workers
from longbien.billing.charges.shapes import EXT_AMOUNTS
from longbien.billing.money import bills, notices, paying
from longbien.demo import at_home, facilities, population, slots
from longbien.demo.charging import charging
from longbien.fhir import systems as s
from longbien.record.change import Create, Manner, Update
from longbien.record.scope import system
from longbien.record.store import Store

SECRET = "nước chảy dưới cầu ba mươi hai nhịp"
SHOTS = os.environ.get("LONGBIEN_SHOTS")
BIN, ACCOUNT, FACILITY = "970415", "113366668888", "bv-sn"
PHONE = (390, 844)
SRC = Path(__file__).resolve().parents[2] / "src"


@pytest.fixture(scope="module", autouse=True)
def secret() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LONGBIEN_BANK_SECRET", SECRET)
        patch.setenv("LONGBIEN_BANK_SIMULATOR", "http://127.0.0.1:1")
        yield


@pytest.fixture(scope="module")
def house(record_urls: tuple[str, str], browser: Browser) -> Iterator[SimpleNamespace]:
    """Bà Lụa, with her telephone, and the staff of the city."""

    async def prepare(running: SimpleNamespace) -> str:
        day = population.demo_day(clock.now())
        await fill(running.engine, (slots.person(*at_home.LUA), slots.person(*at_home.BAO)), day)
        await accounts.ensure(running.engine, running.door.hasher, facilities.accounts(), PASSWORD)
        await at_home.sign_ups(running.engine, running.door.hasher, system("stories"), SEED, day, 300, PASSWORD)
        return str(await running.engine.db.fetchval("SELECT patient FROM account WHERE login = 'nb.lua'"))

    with served(record_urls[1], ()) as running:
        running.lua = SimpleNamespace(login="nb.lua", patient_id=running.run(prepare(running)))
        yield running


@pytest.fixture(scope="module")
def bank(secret: None, house: SimpleNamespace) -> Iterator[str]:
    """The simulator's address; its process tells the house."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "PYTHONPATH": str(SRC), "LONGBIEN_BANK_SECRET": SECRET}
    command = [sys.executable, "-m", "longbien.cli", "bank-simulator", "--port", str(port), "--house", house.address]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    os.environ["LONGBIEN_BANK_SIMULATOR"] = address
    end = time.monotonic() + 60
    while True:
        try:
            assert "MÔ PHỎNG" in httpx.get(address, timeout=5).text
            break
        except httpx.TransportError:
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.1)
    try:
        yield address
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def working(house: SimpleNamespace, bank: str) -> Iterator[SimpleNamespace]:
    """The house with its worker, a bank account, and what a story needs to make bills."""
    stop = asyncio.Event()
    store = Store(house.engine, system("stories"))

    async def begin() -> asyncio.Task[None]:
        await house.engine.db.execute(bills.Q.new_account, FACILITY, BIN, ACCOUNT, "BENH VIEN SONG NHUE")
        handlers = {notices.QUEUE: notices.job(house.engine), bills.SETTLE: paying.settler(house.engine)}
        return asyncio.create_task(Workers(house.engine.db, handlers).run(stop))

    async def billed(patient: str, amount: int, insurer: int = 0) -> SimpleNamespace:
        encounter, invoice = ids.new_id(), ids.new_id()
        number = f"SN-261130-{int(ids.new_id()[-5:], 16) % 100000:05d}"
        amounts = [
            {"url": "insurer", "valueMoney": {"value": insurer, "currency": "VND"}},
            {"url": "own", "valueMoney": {"value": amount, "currency": "VND"}},
        ]
        visit = {
            "resourceType": "Encounter",
            "id": encounter,
            "status": "finished",
            "class": {"system": s.ACT_CODE, "code": "AMB"},
            "subject": {"reference": f"Patient/{patient}"},
            "serviceProvider": {"reference": f"Organization/{FACILITY}"},
            "period": {"start": clock.instant(clock.now()), "end": clock.instant(clock.now())},
        }
        made = {
            "resourceType": "Invoice",
            "id": invoice,
            "status": "issued",
            "identifier": [{"system": bills.NUMBERS, "value": number}],
            "subject": {"reference": f"Patient/{patient}"},
            "issuer": {"reference": f"Organization/{FACILITY}"},
            "date": clock.instant(clock.now()),
            "totalNet": {"value": amount, "currency": "VND"},
            "totalGross": {"value": amount + insurer, "currency": "VND"},
            "extension": [
                {"url": bills.EXT_ENCOUNTER, "valueReference": {"reference": f"Encounter/{encounter}"}},
                {"url": EXT_AMOUNTS, "extension": amounts},
            ],
        }
        await store.commit([Create(visit, id=encounter), Create(made, id=invoice)])
        _, request = await bills.current(house.engine, invoice)
        return SimpleNamespace(invoice=invoice, number=number, encounter=encounter, text=request.text(number) if request else "")

    task = house.run(begin())
    house.billed = lambda patient, amount, insurer=0: house.run(billed(patient, amount, insurer))
    house.cashiers = [a.login for a in facilities.accounts() if a.role == "cashier" and a.organization_id == FACILITY]
    yield house

    async def end() -> None:
        stop.set()
        await task

    house.run(end())


def shot(page: Page, name: str) -> None:
    """Look at the page: nothing that keeps somebody out of it; a picture where LONGBIEN_SHOTS says where to."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert found == [], [(v["id"], [n["html"][:160] for n in v["nodes"]]) for v in found]
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def faults(bank: str, *on: str) -> None:
    httpx.post(f"{bank}/faults", data={"fault": list(on)}, timeout=10)


def pays(bank: str, text: str, amount: str = "") -> None:
    """Somebody scans a code with the bank's app."""
    answer = httpx.post(f"{bank}/pay", data={"qr": text, "amount": amount}, headers={"accept": "application/json"}, timeout=10)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_a_self_pay_out_patient_pays_from_the_phone(
    working: SimpleNamespace, bank: str, enter: Callable[..., Page], lang: str
) -> None:
    h = working
    b = h.billed(h.lua.patient_id, 350_000)
    page = enter_me(enter, h.lua.login, lang)
    page.goto(f"/me/bill/{b.invoice}/pay")
    expect(page.locator(".amount").first).to_contain_text("350.000" if lang == "vi" else "350,000")
    page.wait_for_selector("html[data-listening]", state="attached")
    shot(page, f"pay-phone-{lang}")
    page.click("#simulator")
    expect(page.locator("body")).to_contain_text("MÔ PHỎNG")
    shot(page, f"simulator-{lang}")
    page.click("#pay")
    expect(page.locator("#paid")).to_be_visible()
    page.goto(f"{h.address}/me/bill/{b.invoice}/pay")
    expect(page.locator("#settled")).to_be_visible(timeout=15_000)
    shot(page, f"paid-phone-{lang}")
    with page.expect_download() as got:
        page.evaluate("() => { const a = document.querySelector('a[href*=receipts]'); a.download = 'r.pdf'; a.click(); }")
    assert Path(got.value.path()).read_bytes().startswith(b"%PDF")


def enter_me(enter: Callable[..., Page], login: str, lang: str) -> Page:
    """A patient's own pages begin at /me, not at the worklist."""
    return enter(login, lang, PHONE, home="**/me")


def test_the_open_page_sees_the_money_come(working: SimpleNamespace, bank: str, enter: Callable[..., Page]) -> None:
    h = working
    b = h.billed(h.lua.patient_id, 88_000)
    page = enter_me(enter, h.lua.login, "vi")
    page.goto(f"/me/bill/{b.invoice}/pay")
    page.wait_for_selector("html[data-listening]", state="attached")
    began = time.monotonic()
    pays(bank, b.text)
    page.wait_for_selector("html[data-paid]", state="attached")
    assert time.monotonic() - began < 10
    expect(page.locator("#settled")).to_contain_text("Đã trả đủ")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_the_desk_takes_cash_in_four_clicks_and_the_shift_closes_to_the_dong(
    working: SimpleNamespace, bank: str, enter: Callable[..., Page], lang: str
) -> None:
    h = working
    b = h.billed(h.lua.patient_id, 1_284_500, 6_796_400)
    page = enter(h.cashiers[0 if lang == "vi" else 1], lang)
    page.goto("/cashier/shift")
    page.fill("#float", "500.000")
    page.click("#open .btn.primary")
    page.wait_for_selector("#close")
    page.goto("/cashier")
    shot(page, f"desk-{lang}")
    page.fill("#q", b.number)
    page.press("#q", "Enter")  # scan
    expect(page.locator("#bill")).to_contain_text(b.number)  # see
    page.wait_for_selector("html[data-listening]", state="attached")
    shot(page, f"desk-bill-{lang}")
    page.keyboard.press("F6")
    page.fill("#given", "1.300.000")
    expect(page.locator("[data-change]")).to_contain_text("15.500" if lang == "vi" else "15,500")
    shot(page, f"desk-cash-{lang}")
    page.click("#take-cash")  # take
    expect(page.locator("#settled")).to_be_visible()
    shot(page, f"desk-paid-{lang}")
    href = page.locator("#print").get_attribute("href")  # print
    assert page.request.get(f"{h.address}{href}").body().startswith(b"%PDF")
    page.goto("/cashier/shift")
    expect(page.locator("#drawer")).to_contain_text("1.784.500" if lang == "vi" else "1,784,500")
    for note, n in ((500_000, 3), (200_000, 1), (50_000, 1), (20_000, 1), (10_000, 1), (2_000, 2)):
        page.fill(f"#n{note}", str(n))
    shot(page, f"shift-{lang}")
    page.click("#close .btn.primary")  # 500 dong too little, and nobody says why
    expect(page.locator(".banner[role=alert]")).to_be_visible()
    expect(page.locator("#n500000")).to_have_value("3")
    if lang == "vi":
        page.fill("#reason", "thiếu một tờ 500 đồng")
    else:
        page.fill("#n500", "1")
    page.click("#close .btn.primary")
    expect(page.locator("#closed").first).to_contain_text("1.784.500" if lang == "vi" else "1,784,500")
    expect(page.locator("#closed").first).to_contain_text("500" if lang == "vi" else "agrees")
    page.goto("/cashier/day")
    shot(page, f"day-{lang}")
    expect(page.locator("#proof")).to_have_class(re.compile("ok"))


def test_too_little_too_much_and_a_refund_with_a_second_person(
    working: SimpleNamespace, bank: str, enter: Callable[..., Page]
) -> None:
    h = working
    under, over = h.billed(h.lua.patient_id, 200_000), h.billed(h.lua.patient_id, 90_000)
    desk = enter(h.cashiers[0], "vi")
    desk.goto(f"/cashier?bill={under.invoice}")
    desk.wait_for_selector("html[data-listening]", state="attached")
    pays(bank, under.text, "199.500")
    expect(desk.locator("#bill .banner.warn").first).to_contain_text("199.500", timeout=15_000)
    pays(bank, over.text, "100.000")
    settled(h, over.invoice)
    desk.goto("/cashier/exceptions")
    expect(desk.locator(".exception")).to_have_count(2)
    shot(desk, "exceptions-vi")
    first = desk.locator(".exception", has_text="199.500")
    expect(first).to_contain_text("thiếu so với hoá đơn")
    first.get_by_role("button", name="Ghi là trả một phần").click()
    desk.wait_for_selector("html[data-done=resolved]", state="attached")
    expect(desk.locator(".exception")).to_have_count(1)
    rest = h.run(bills.current(h.engine, under.invoice))[1]
    assert rest.amount == 500
    pays(bank, rest.text())
    settled(h, under.invoice)
    more = desk.locator(".exception", has_text="10.000")
    more.locator("summary").click()
    more.locator("[name=bin]").select_option("970436")
    more.locator("[name=account]").fill("0011004455667")
    more.locator("[name=holder]").fill("Đinh Thị Lụa")
    more.locator("[name=reason]").fill("chuyển thừa 10.000 đ")
    more.get_by_role("button", name="Đề nghị hoàn tiền").click()
    desk.wait_for_load_state()
    desk.goto("/cashier/refunds")
    expect(desk.locator("main")).to_contain_text("người khác duyệt")
    second = enter(h.cashiers[1], "vi")
    second.goto("/cashier/refunds")
    shot(second, "refunds-vi")
    second.get_by_role("button", name="Duyệt", exact=True).click()
    second.wait_for_selector("html[data-done=answered]", state="attached")
    second.get_by_role("button", name="Lập tệp các khoản đã duyệt").click()
    second.wait_for_selector("html[data-done=file]", state="attached")
    href = second.locator("a[href*='/files/']").first.get_attribute("href")
    sheet = second.request.get(f"{h.address}{href}").text()
    assert "0011004455667" in sheet and "DINH THI LUA" in sheet and "10000" in sheet
    httpx.post(f"{bank}/transfers", data={"file": sheet, "bin": BIN, "account": ACCOUNT}, timeout=10)
    until(lambda: h.run(h.engine.db.fetchval("SELECT count(*) FROM money_refund_paid")) == 1)
    second.goto("/cashier/refunds")
    expect(second.locator("main")).to_contain_text("đã hoàn")
    second.goto("/cashier/day")
    expect(second.locator("#proof")).to_contain_text("khớp từng đồng")


def test_what_banks_do_wrong_harms_nobody(working: SimpleNamespace, bank: str) -> None:
    """Twice, forged, the wrong reference, out of order: paid once, or not at all and kept."""
    h = working
    twice = h.billed(h.lua.patient_id, 41_000)
    faults(bank, "duplicate")
    pays(bank, twice.text)
    settled(h, twice.invoice)
    faults(bank, "out-of-order")
    pair = [h.billed(h.lua.patient_id, n) for n in (42_000, 43_000)]
    for b in pair:
        pays(bank, b.text)
    for b in pair:
        settled(h, b.invoice)
    forged = h.billed(h.lua.patient_id, 44_000)
    faults(bank, "forged")
    pays(bank, forged.text)
    until(lambda: "401" in httpx.get(bank, timeout=10).text)
    faults(bank, "wrong-reference")
    wrong = h.billed(h.lua.patient_id, 45_000)
    pays(bank, wrong.text)
    until(lambda: h.run(h.engine.db.fetchval("SELECT count(*) FROM bank_outcome WHERE kind LIKE 'unknown%'")) == 1)
    faults(bank)
    for b in (forged, wrong):
        assert owed(h, b.invoice) > 0
    lines = "SELECT count(*) FROM money_line WHERE account = 'receivable' AND amount < 0 AND subject = $1"
    assert h.run(h.engine.db.fetchval(lines, twice.invoice)) == 1


def owed(h: SimpleNamespace, invoice: str) -> int:
    b = h.run(bills.one(h.engine.db, invoice))
    return int(b.owed)


def settled(h: SimpleNamespace, invoice: str) -> None:
    until(lambda: owed(h, invoice) == 0)


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def test_an_insured_in_patient_leaves_and_pays_by_qr_on_the_day(
    working: SimpleNamespace, bank: str, enter: Callable[..., Page]
) -> None:
    """The stay ends, what was done is charged; the cashier issues the bill with one press, the family scans, the bill closes."""
    h = working
    patient, encounter = h.run(leaving(h))
    page = enter(h.cashiers[0], "vi")
    page.goto(f"/patients/{patient}/bill?encounter={encounter}")
    page.locator("form[action$='/bill/issue'] button").first.click()
    expect(page.locator("main [role=status]").first).to_be_visible()
    row = h.run(h.engine.db.fetchrow("SELECT invoice, amount FROM money_bill WHERE encounter = $1", encounter))
    assert row is not None and row["amount"] > 0
    page.goto(f"/cashier?bill={row['invoice']}")
    expect(page.locator("#bill")).to_contain_text("BHYT trả")
    assert page.locator("table.groups tbody tr").count() >= 3
    shot(page, "desk-inpatient-vi")
    page.wait_for_selector("html[data-listening]", state="attached")
    _, request = h.run(bills.current(h.engine, row["invoice"]))
    pays(bank, request.text())
    page.wait_for_selector("html[data-paid]", state="attached")
    expect(page.locator("#settled")).to_be_visible()


async def leaving(h: SimpleNamespace) -> tuple[str, str]:
    """A child of the demo city whose stay has ended this morning, with what it cost: (patient, encounter)."""
    day = population.demo_day(clock.now())
    life = population.person(slots.person(*at_home.BAO), SEED, day)
    stay = next(
        r for r in life if r["resourceType"] == "Encounter" and r["class"]["code"] == "IMP" and r["status"] == "in-progress"
    )
    end = f"{day.isoformat()}T08:00:00+07:00"
    left = {**stay, "status": "finished", "period": {**stay["period"], "end": end}}
    left["location"] = [{**x, "status": "completed", "period": {**(x.get("period") or {}), "end": end}} for x in stay["location"]]
    whole = [left if r is stay else r for r in life]
    store, manner = Store(h.engine, system("stories")), Manner(references="trust", checked=True, summarise=True)
    await store.commit([Update(left)], manner)
    costs = [
        r for r in charging(whole, day) if r["resourceType"] == "ChargeItem" and r["context"]["reference"].endswith(stay["id"])
    ]
    await store.commit([Update(r) for r in costs], manner)
    return stay["subject"]["reference"].rpartition("/")[2], stay["id"]
