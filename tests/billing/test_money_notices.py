"""Bank notifications on a real database: each movement once, to its bill or to the exceptions, in whatever order and however
often."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from money_house import ACCOUNT, BIN, billed, hospital, status

from longbien.base import clock
from longbien.base.errors import Unauthenticated
from longbien.billing.money import bills, ledger, notices, paying, reference
from longbien.billing.money.ledger import Line
from longbien.billing.money.paying import Taken
from longbien.fhir import json
from longbien.record.change import Update
from longbien.record.inside import inside, lock
from longbien.wire import bank_notice
from longbien.wire.bank_notice import Movement

pytestmark = pytest.mark.asyncio(loop_scope="session")
__all__ = ["hospital"]
_ids = itertools.count(1)


def movement(text: str, amount: int, *, ref: str = "", account: str = ACCOUNT) -> Movement:
    return Movement(BIN, account, ref or f"FT{next(_ids):08d}", amount, clock.now(), text, "NGUYEN VAN A")


async def told(h: SimpleNamespace, *movements: Movement) -> list[str]:
    """Deliver, work as the worker would, and say what became of each."""
    number = await notices.deliver(h.engine, "longbien", "webhook", "longbien", bank_notice.write(movements))
    if number is not None:
        await notices.work(h.engine, number)
    kinds = []
    for m in movements:
        sql = "SELECT o.kind FROM bank_notice n JOIN bank_outcome o ON o.notice = n.number WHERE n.bank_ref = $1"
        kinds.append(await h.db.fetchval(sql, m.ref))
    return kinds


async def held(h: SimpleNamespace, ref: str) -> int:
    number = await h.db.fetchval("SELECT number FROM bank_notice WHERE bank_ref = $1", ref)
    return -await ledger.balance(h.db, "suspense", str(number))


async def cash(h: SimpleNamespace, b: SimpleNamespace, amount: int) -> Any:
    async with inside(paying.house(h.engine, "test")) as within:
        await lock(within, [ledger.bill_key(b.invoice)])
        bill = await bills.one(within.engine.db, b.invoice)
        assert bill is not None
        key = f"cash/{next(_ids)}"
        await paying.take(within, bill, Taken(amount, "cash", key, "shift/1", (Line("safe", "", amount),)), clock.now())


async def test_a_bill_is_paid_by_its_reference(hospital: SimpleNamespace) -> None:
    h = hospital
    b = await billed(h.house, 350_000)
    assert await told(h, movement(f"MBVCB.123.{b.request.reference}.CT tu 00123", 350_000)) == ["paid"]
    assert await status(h.house, b.invoice) == "balanced"
    assert await ledger.balance(h.db, "receivable", b.invoice) == 0
    found = await h.house.search("PaymentNotice", [("request", f"Invoice/{b.invoice}")])
    notice = json.loads(found.entries[0].body)
    assert (notice["amount"]["value"], notice["paymentStatus"]["coding"][0]["code"]) == (350_000, "paid")
    entry = await h.db.fetchrow(
        "SELECT key, cause FROM money_entry WHERE number = $1", int(notice["payment"]["identifier"]["value"])
    )
    assert entry["cause"].startswith("notice/") and entry["key"].startswith(f"bank/{BIN}/{ACCOUNT}/")


async def test_told_ten_times_at_once_it_is_paid_once(hospital: SimpleNamespace) -> None:
    h = hospital
    b = await billed(h.house, 120_000)
    m = movement(b.request.reference, 120_000)
    more = [movement("khac", 5000) for _ in range(5)]  # so that each delivery is another
    done = await asyncio.gather(*(told(h, m, x) for x in more), *(told(h, m) for _ in range(5)))
    assert {d[0] for d in done} <= {"paid", None}  # None: another was just at it
    assert (
        await h.db.fetchval(
            "SELECT count(*) FROM money_line WHERE account = 'receivable' AND subject = $1 AND amount < 0", b.invoice
        )
        == 1
    )


async def test_one_dong_off_is_no_payment(hospital: SimpleNamespace) -> None:
    h = hospital
    b = await billed(h.house, 200_000)
    less = movement(b.request.reference, 199_999)
    assert await told(h, less) == ["under"]
    assert (await status(h.house, b.invoice), await held(h, less.ref)) == ("issued", 199_999)
    more = movement(b.request.reference, 200_001)
    assert await told(h, more) == ["over"]
    assert (await status(h.house, b.invoice), await held(h, more.ref)) == ("balanced", 1)


async def test_the_reference_is_good_for_one_payment(hospital: SimpleNamespace) -> None:
    h = hospital
    b = await billed(h.house, 90_000)
    first, second = movement(b.request.reference, 90_000), movement(b.request.reference, 90_000)
    assert await told(h, first, second) == ["paid", "again"]
    assert await held(h, second.ref) == 90_000


async def test_a_wrong_or_missing_reference_is_for_a_person(hospital: SimpleNamespace) -> None:
    h = hospital
    b = await billed(h.house, 90_000)
    wrong = reference.make()
    assert await told(h, movement(wrong, 90_000), movement("thanh toan vien phi", 90_000)) == ["unknown-reference", "unknown"]
    assert await status(h.house, b.invoice) == "issued"


async def test_money_before_its_bill_finds_it_later(hospital: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    h = hospital
    coming = reference.make()
    m = movement(coming, 77_000)
    assert await told(h, m) == ["unknown-reference"]
    monkeypatch.setattr(reference, "make", lambda *_: coming)
    b = await billed(h.house, 77_000)
    monkeypatch.undo()
    assert await status(h.house, b.invoice) == "issued"
    await notices.sweep(h.engine)
    await notices.sweep(h.engine)
    assert (await status(h.house, b.invoice), await held(h, m.ref)) == ("balanced", 0)


async def test_an_earlier_code_still_pays_what_is_owed(hospital: SimpleNamespace) -> None:
    h = hospital
    b = await billed(h.house, 500_000)
    await cash(h, b, 200_000)
    _, now = await bills.current(h.engine, b.invoice)
    assert now is not None and (now.amount, now.reference == b.request.reference) == (300_000, False)
    assert await told(h, movement(b.request.reference, 300_000)) == ["late"]
    assert await status(h.house, b.invoice) == "balanced"


async def test_an_earlier_code_for_the_whole_pays_the_rest_and_the_remainder_waits(hospital: SimpleNamespace) -> None:
    h = hospital
    b = await billed(h.house, 500_000)
    await cash(h, b, 200_000)
    m = movement(b.request.reference, 500_000)
    assert await told(h, m) == ["over"]
    assert (await status(h.house, b.invoice), await held(h, m.ref)) == ("balanced", 200_000)


async def test_cash_and_transfer_at_the_same_moment(hospital: SimpleNamespace) -> None:
    h = hospital
    for _ in range(4):
        b = await billed(h.house, 60_000)
        m = movement(b.request.reference, 60_000)
        done = await asyncio.gather(told(h, m), cash(h, b, 60_000), return_exceptions=True)
        assert await status(h.house, b.invoice) == "balanced"
        assert (await held(h, m.ref) == 0) == (not isinstance(done[0], Exception) and done[0] == ["paid"])


async def test_a_cancelled_bill_takes_no_money(hospital: SimpleNamespace) -> None:
    h = hospital
    b = await billed(h.house, 60_000)
    await h.house.commit([Update({**b.body, "status": "cancelled"})])
    assert await told(h, movement(b.request.reference, 60_000)) == ["cancelled-bill"]


async def test_an_account_that_is_not_ours_and_money_that_goes_out(hospital: SimpleNamespace) -> None:
    h = hospital
    b = await billed(h.house, 60_000)
    assert await told(h, movement(b.request.reference, 60_000, account="999")) == ["foreign-account"]
    assert await told(h, movement("phi dich vu SMS", -11_000)) == ["out-unknown"]


async def test_one_movement_twice_in_one_delivery_is_one(hospital: SimpleNamespace) -> None:
    h = hospital
    b = await billed(h.house, 45_000)
    m = movement(b.request.reference, 45_000)
    assert await told(h, m, m) == ["paid", "paid"]
    assert await h.db.fetchval("SELECT count(*) FROM bank_notice WHERE bank_ref = $1", m.ref) == 1


async def test_what_cannot_be_read_is_kept_with_its_reason(hospital: SimpleNamespace) -> None:
    h = hospital
    for body in (
        b"",
        b"\xff\xfe nonsense",
        b'{"movements": [{"amount": 1.5}]}',
        b"[" * 100_000,
        b'{"movements": [{"amount": NaN}]}',
    ):
        number = await notices.deliver(h.engine, "longbien", "webhook", "longbien", body)
        assert number is not None
        await notices.work(h.engine, number)
        row = await h.db.fetchrow("SELECT notices, error FROM bank_delivery_read WHERE delivery = $1", number)
        assert row["notices"] == 0 and row["error"]


async def test_a_worker_that_dies_between_reading_and_booking_loses_nothing(
    hospital: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    h = hospital
    b = await billed(h.house, 31_000)
    m = movement(b.request.reference, 31_000)
    number = await notices.deliver(h.engine, "longbien", "webhook", "longbien", bank_notice.write([m]))
    assert number is not None

    async def dies(*_: Any, **__: Any) -> None:
        raise asyncio.CancelledError

    for place in ("reconcile", "post"):
        monkeypatch.setattr(notices if place == "reconcile" else paying, place, dies)
        with pytest.raises(asyncio.CancelledError):
            await notices.work(h.engine, number)
        monkeypatch.undo()
        assert await status(h.house, b.invoice) == "issued"
    await notices.sweep(h.engine)
    await notices.work(h.engine, number)
    assert await status(h.house, b.invoice) == "balanced"


async def test_every_transaction_sums_to_zero_and_the_bank_agrees(hospital: SimpleNamespace) -> None:
    """After all that happened above."""
    h = hospital
    assert await h.db.fetchval("SELECT count(*) FROM (SELECT entry FROM money_line GROUP BY entry HAVING sum(amount) <> 0) x") == 0
    assert await h.db.fetchval("SELECT sum(amount) FROM money_line") == 0
    said = await h.db.fetchval("SELECT sum(amount) FROM bank_notice")
    assert said == await h.db.fetchval("SELECT sum(amount) FROM money_line WHERE account = 'bank'")


SECRET = "sông Hồng chảy về đâu mà bờ đê xanh"


async def test_signatures() -> None:
    now = clock.now()
    body, stamp = b'{"movements": []}', str(int(now.timestamp()))
    good = bank_notice.signature(SECRET, stamp, body)
    bank_notice.check(SECRET, stamp, good, body, now, 300)
    for bad in (
        lambda: bank_notice.check(SECRET, stamp, good, body + b" ", now, 300),
        lambda: bank_notice.check("x" * 40, stamp, good, body, now, 300),
        lambda: bank_notice.check(SECRET, str(int(stamp) + 1), good, body, now, 300),
        lambda: bank_notice.check(SECRET, stamp, good, body, now + timedelta(seconds=301), 300),
        lambda: bank_notice.check(SECRET, stamp, good, body, now - timedelta(seconds=301), 300),
        lambda: bank_notice.check("", stamp, bank_notice.signature("", stamp, body), body, now, 300),
        lambda: bank_notice.check("short", stamp, bank_notice.signature("short", stamp, body), body, now, 300),
        lambda: bank_notice.check(SECRET, "-1", bank_notice.signature(SECRET, "-1", body), body, now, 300),
        lambda: bank_notice.check(SECRET, stamp, "sha256=é", body, now, 300),
    ):
        with pytest.raises(Unauthenticated):
            bad()
