"""The money's pages and doors through the application, in Vietnamese and English: what is wrong is said, nothing is lost, junk is
never a fault of ours; and the printed code is read back by a reader of QR codes."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import pytest_asyncio
import zxingcpp
from money_house import ACCOUNT, BIN, FACILITY, PASSWORD, billed, cashiers
from PIL import Image

from longbien.access.accounts import NewAccount, create
from longbien.access.sessions import csrf
from longbien.app import App, create_app
from longbien.base import clock
from longbien.base.errors import Conflict
from longbien.base.words import in_words
from longbien.billing.money import bills, notices
from longbien.demo import facilities
from longbien.record.change import Manner, Update
from longbien.record.scope import system
from longbien.record.store import Store
from longbien.wire import bank_notice, vietqr
from longbien.wire.bank_notice import Movement

pytestmark = pytest.mark.asyncio(loop_scope="session")
BASE = "http://hanoi.test"
SECRET = "đò sang sông lúc nửa đêm không trăng"
PAGES = ("/cashier", "/cashier/exceptions", "/cashier/refunds", "/cashier/shift", "/cashier/day")


@pytest.fixture(scope="module")
def settings() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("TIME", "1"), ("MEMORY", "64")):
            patch.setenv(f"LONGBIEN_PASSWORD_{name}", value)
        patch.setenv("LONGBIEN_SECOND_FACTOR_ROLES", "none")
        patch.setenv("LONGBIEN_RATE_SESSION", "0")
        patch.setenv("LONGBIEN_BANK_SECRET", SECRET)
        patch.setenv("LONGBIEN_SEPAY_KEY", "khoa-bi-mat-cua-sepay")
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app(record_urls: tuple[str, str], settings: None) -> AsyncIterator[App]:
    made = create_app(record_urls[1])
    async with made.router.lifespan_context(made):
        house = Store(made.state.engine, system("test"))
        await house.commit([Update(r) for r in facilities.resources()], Manner(references="trust", checked=True, summarise=True))
        await made.state.engine.db.execute(bills.Q.new_account, FACILITY, BIN, ACCOUNT, "BENH VIEN SONG NHUE")
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(app: App) -> AsyncIterator[SimpleNamespace]:
    """A cashier's browser: get, post (with the session's token); house: a store of the house."""
    door = app.state.door
    a = cashiers()[0]
    new = NewAccount(a.login, a.display, "cashier", a.practitioner_id, FACILITY, a.department_id)
    await create(door.engine, door.hasher, None, new, PASSWORD)
    second = NewAccount("tn.hai", "Thu Ngân Hai", "cashier", None, FACILITY, a.department_id)
    number = await create(door.engine, door.hasher, None, second, PASSWORD)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE, headers={"Origin": BASE}) as http:
        await http.post("/sign-in", data={"name": a.login, "password": PASSWORD})

        async def post(path: str, **data: Any) -> httpx.Response:
            return await http.post(path, data={"csrf": csrf(http.cookies["longbien"]), **data})

        house = Store(door.engine, system("test"))
        yield SimpleNamespace(get=http.get, post=post, http=http, house=house, engine=door.engine, second=number)


async def tell(
    desk: SimpleNamespace, body: bytes, *, secret: str = SECRET, late: int = 0, bank: str = "longbien"
) -> httpx.Response:
    stamp = str(int(clock.now().timestamp()) - late)
    headers = {"x-bank-timestamp": stamp, "x-bank-signature": bank_notice.signature(secret, stamp, body)}
    return await desk.http.post(f"/bank/{bank}/notices", content=body, headers=headers)


async def counted(desk: SimpleNamespace) -> int:
    return int(await desk.engine.db.fetchval("SELECT count(*) FROM bank_delivery"))


async def test_a_signed_notification_is_kept_and_thanked_for_as_often_as_it_comes(desk: SimpleNamespace) -> None:
    b = await billed(desk.house, 25_000)
    body = bank_notice.write([Movement(BIN, ACCOUNT, "W1", 25_000, clock.now(), b.request.reference)])
    before = await counted(desk)
    for _ in range(3):
        answer = await tell(desk, body)
        assert (answer.status_code, answer.json()) == (200, {"status": "kept"})
    assert await counted(desk) == before + 1
    assert await desk.engine.db.fetchval("SELECT count(*) FROM job WHERE queue = $1", notices.QUEUE) == 1


async def test_what_is_not_signed_for_now_is_refused_and_kept_nowhere(desk: SimpleNamespace) -> None:
    body, before = b'{"movements": []}', await counted(desk)
    for answer in (
        await tell(desk, body, secret="x" * 40),
        await tell(desk, body, late=301),
        await tell(desk, body, late=-301),
        await desk.http.post("/bank/longbien/notices", content=body),
        await desk.http.post("/bank/sepay/notices", content=body, headers={"authorization": "Apikey falsch"}),
    ):
        assert answer.status_code == 401
    assert (await tell(desk, body, bank="nobody")).status_code == 404
    assert (await tell(desk, b"x" * (1 << 20) + b"x")).status_code == 413
    assert await counted(desk) == before


async def test_an_aggregators_own_form(desk: SimpleNamespace) -> None:
    b = await billed(desk.house, 26_000)
    body = (
        '{"id": 92704, "gateway": "VietinBank", "transactionDate": "2026-11-30 14:02:37", "accountNumber": "'
        + ACCOUNT
        + '", "code": null,'
        f'"content": "{b.request.reference} chuyen tien", "transferType": "in", "transferAmount": 26000,'
        '"accumulated": 19077000, "subAccount": null,'
        '"referenceCode": "MBVCB.3278907687", "description": ""}'
    )
    headers = {"authorization": "Apikey khoa-bi-mat-cua-sepay"}
    answer = await desk.http.post("/bank/sepay/notices", content=body.encode(), headers=headers)
    assert answer.json() == {"success": True}
    await notices.sweep(desk.engine)
    assert (await bills.one(desk.engine.db, b.invoice)).owed == 0  # type: ignore[union-attr]


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("path", PAGES)
async def test_every_page_opens_in_both_languages_and_is_light(desk: SimpleNamespace, path: str, lang: str) -> None:
    desk.http.cookies.set("lang", lang, domain="hanoi.test")
    answer = await desk.get(path)
    desk.http.cookies.delete("lang", domain="hanoi.test")
    assert answer.status_code == 200 and f'lang="{lang}"' in answer.text
    assert int(answer.headers.get("content-length", len(answer.content))) < 30_000


async def test_wrong_input_is_said_at_the_form_and_books_nothing(desk: SimpleNamespace) -> None:
    b = await billed(desk.house, 55_000)
    entries = "SELECT count(*) FROM money_entry"
    before = await desk.engine.db.fetchval(entries)
    answer = await desk.post(f"/cashier/{b.invoice}/cash", amount="55000", once="a1")
    assert answer.status_code == 409 and "Ca này đã đóng" in answer.text
    assert (await desk.post("/cashier/shift", float="một trăm")).status_code == 422
    assert (await desk.post("/cashier/shift", float="100.000", desk="Quầy 2")).status_code == 303
    before = await desk.engine.db.fetchval(entries)
    for amount in ("-1", "55.000,5", "1e9", "９９", "x" * 50, "0", "55001", "99999999999999"):
        answer = await desk.post(f"/cashier/{b.invoice}/cash", amount=amount, once="a2")
        assert answer.status_code in (409, 422) and 'role="alert"' in answer.text, amount
    assert (
        await desk.post(f"/cashier/{b.invoice}/card", amount="55.000", rrn="1", approval="2", tail="3", once="a3")
    ).status_code == 422
    assert (await desk.post(f"/cashier/visits/{b.encounter}/deposit", amount="abc", way="qr", once="a4")).status_code == 422
    assert (await desk.post(f"/cashier/visits/{b.encounter}/refund", amount="5", way="cash", reason="x")).status_code == 409
    assert (await desk.post("/cashier/shift/close", n500000="hai")).status_code == 422
    assert (await desk.post("/cashier/statements", kind="csv", layout="plain", account="1", text="nonsense")).status_code == 422
    assert await desk.engine.db.fetchval(entries) == before


async def test_what_is_not_there_or_not_ones_own_is_not_found(desk: SimpleNamespace) -> None:
    for path in (
        "/cashier?bill=nobody",
        "/cashier?bill=../x",
        "/cashier/receipts/9999999.pdf",
        "/cashier/receipts/x.pdf",
        "/cashier/nobody/pay.pdf",
        "/cashier/nobody/live",
        "/cashier/visits/nobody",
        "/cashier/refunds/1.pdf",
        "/cashier/refunds/files/1.csv",
    ):
        assert (await desk.get(path)).status_code == 404, path
    for path in ("/cashier/exceptions/x", "/cashier/exceptions/99999", "/cashier/refunds/7/answer", "/cashier/nobody/cash"):
        assert (await desk.post(path, act="bill", answer="yes")).status_code in (404, 409), path
    assert (await desk.get("/cashier/day?day=nonsense")).status_code == 200


async def test_a_bill_is_found_by_its_number_its_reference_and_a_name(desk: SimpleNamespace) -> None:
    b = await billed(desk.house, 61_000, number="SN-261130-00417")
    for typed in ("SN-261130-00417", "sn-261130-00417", b.request.reference):
        assert (await desk.get("/cashier", params={"q": typed})).headers["location"] == f"/cashier?bill={b.invoice}"
    assert "00417" in (await desk.get("/cashier", params={"q": "thị na"})).text
    assert (await desk.get("/cashier", params={"q": "khong co ai"})).status_code == 200


async def test_a_statement_read_twice_is_read_once(desk: SimpleNamespace) -> None:
    b = await billed(desk.house, 62_000)
    text = f"Ngày giao dịch;Số tham chiếu;Ghi có;Ghi nợ;Nội dung\n30/11/2026;ST1;62,000;;{b.request.reference}\n"
    number = await desk.engine.db.fetchval("SELECT number FROM money_bank_account WHERE account = $1", ACCOUNT)
    for _ in range(2):
        answer = await desk.post("/cashier/statements", kind="csv", layout="plain", account=str(number), text=text)
        assert answer.status_code == 200
    count = "SELECT count(*) FROM bank_notice WHERE bank_ref = 'ST1'"
    assert await desk.engine.db.fetchval(count) == 0  # one alone could write a statement that pays any bill
    (waits,) = await notices.held(desk.engine, [number])
    answer = await desk.post(f"/cashier/statements/{waits.number}", act="take")
    assert answer.status_code == 409 and "người thứ hai" in answer.text
    assert (await bills.one(desk.engine.db, b.invoice)).owed == 62_000  # type: ignore[union-attr]
    await notices.sweep(desk.engine)
    assert await desk.engine.db.fetchval(count) == 0
    await notices.release(desk.engine, waits.number, desk.second, True)
    assert await desk.engine.db.fetchval(count) == 1
    with pytest.raises(Conflict):
        await notices.release(desk.engine, waits.number, desk.second, False)
    assert (await bills.one(desk.engine.db, b.invoice)).owed == 0  # type: ignore[union-attr]


async def test_the_printed_code_is_read_back(desk: SimpleNamespace, tmp_path: Path) -> None:
    b = await billed(desk.house, 1_284_500)
    answer = await desk.get(f"/cashier/{b.invoice}/pay.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    (tmp_path / "slip.pdf").write_bytes(answer.content)
    subprocess.run(["pdftoppm", "-r", "110", "-png", "-singlefile", "slip.pdf", "slip"], cwd=tmp_path, check=True)
    with Image.open(tmp_path / "slip.png") as page:
        found = zxingcpp.read_barcodes(page)
    assert [f.text for f in found] == [b.request.text(b.number)]
    said = vietqr.read(found[0].text)
    assert (said.bin, said.account, said.amount, said.purpose) == (BIN, ACCOUNT, 1_284_500, b.request.reference)
    text = subprocess.run(["pdftotext", "slip.pdf", "-"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert in_words(1_284_500) in " ".join(text.split()) and "1.284.500" in text
