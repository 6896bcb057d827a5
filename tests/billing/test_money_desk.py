"""The desk on a real database: cash, cards, deposits, shifts, refunds, exceptions, statements, and the proof at the end of the
day."""

from __future__ import annotations

import asyncio
import itertools
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from money_house import ACCOUNT, BIN, FACILITY, billed, hospital, invoice, status, visit

from longbien.base import clock, ids
from longbien.base.errors import Conflict, Invalid, NotFound
from longbien.billing.money import accounts, bills, desk, exceptions, ledger, notices, paying, proof, refunds, shifts, spoken
from longbien.billing.money.exceptions import Choice
from longbien.billing.money.refunds import Wanted
from longbien.billing.money.terminals import Typed
from longbien.record.change import Create, Update
from longbien.wire import bank_notice
from longbien.wire.bank_notice import Movement

pytestmark = pytest.mark.asyncio(loop_scope="session")
__all__ = ["hospital"]
_ids = itertools.count(1)


async def drawer(h: SimpleNamespace, who: Any = None, float_: int = 200_000) -> shifts.Shift:
    who = who or h.one
    if await shifts.current(h.db, who.number) is None:
        await shifts.begin(h.engine, FACILITY, who.number, "Quầy 1", float_, clock.now())
    found = await shifts.current(h.db, who.number)
    assert found is not None
    return found


async def came(h: SimpleNamespace, text: str, amount: int) -> int:
    ref = f"DT{next(_ids):06d}"
    body = bank_notice.write([Movement(BIN, ACCOUNT, ref, amount, clock.now(), text)])
    number = await notices.deliver(h.engine, "longbien", "webhook", "longbien", body)
    assert number is not None
    await notices.work(h.engine, number)
    return int(await h.db.fetchval("SELECT number FROM bank_notice WHERE bank_ref = $1", ref))


async def agrees(h: SimpleNamespace) -> None:
    made = await proof.proof(h.engine, FACILITY, clock.local(clock.now()).date())
    assert made.holds, [(x.key, x.one, x.other) for x in made.lines if not x.holds]


async def test_cash_in_parts_and_the_same_form_twice(hospital: SimpleNamespace) -> None:
    h = hospital
    b, d, now = await billed(h.house, 150_000), await drawer(h), clock.now()
    first = await desk.cash(h.engine, b.invoice, 50_000, d, "form-1", now)
    assert await desk.cash(h.engine, b.invoice, 50_000, d, "form-1", now) == first
    assert (await bills.one(h.db, b.invoice)).owed == 100_000  # type: ignore[union-attr]
    with pytest.raises(Conflict):
        await desk.cash(h.engine, b.invoice, 100_001, d, "form-2", now)
    await desk.cash(h.engine, b.invoice, 100_000, d, "form-3", now)
    assert await status(h.house, b.invoice) == "balanced"
    await agrees(h)


async def test_two_desks_cannot_take_the_same_money(hospital: SimpleNamespace) -> None:
    h = hospital
    b, one, two = await billed(h.house, 80_000), await drawer(h), await drawer(h, h.two)
    done = await asyncio.gather(
        desk.cash(h.engine, b.invoice, 80_000, one, ids.new_id(), clock.now()),
        desk.cash(h.engine, b.invoice, 80_000, two, ids.new_id(), clock.now()),
        return_exceptions=True,
    )
    assert sorted(type(x).__name__ for x in done) == ["Conflict", "int"]
    await agrees(h)


async def test_a_card_slip_is_booked_once(hospital: SimpleNamespace) -> None:
    h = hospital
    b, c = await billed(h.house, 70_000), await billed(h.house, 70_000)
    slip = Typed("T1", "612345678901", "A1B2C3", "4242")
    await desk.card(h.engine, b.invoice, 70_000, slip, h.one.number, "card-1", clock.now())
    with pytest.raises(Conflict):
        await desk.card(h.engine, c.invoice, 70_000, slip, h.one.number, "card-2", clock.now())
    assert await status(h.house, c.invoice) == "issued"
    for bad in (Typed("T1", "x", "A1B2C3", "4242"), Typed("T1", "6123456", "!", "4242"), Typed("T1", "6123456", "A1B2", "424")):
        with pytest.raises(Invalid):
            await desk.card(h.engine, c.invoice, 70_000, bad, h.one.number, "card-3", clock.now())
    await agrees(h)


async def test_a_deposit_pays_the_bill_that_comes_and_the_one_that_is_there(hospital: SimpleNamespace) -> None:
    h = hospital
    patient, encounter = await visit(h.house)
    await desk.deposit(h.engine, FACILITY, encounter, 300_000, h.one.number, "dep-1", clock.now(), shift=await drawer(h))
    made = invoice(patient, encounter, 450_000)
    await h.house.commit([Create(made, id=made["id"])])
    assert (await accounts.standing(h.house, patient, encounter)).owed == 150_000
    await desk.deposit(h.engine, FACILITY, encounter, 200_000, h.one.number, "dep-2", clock.now(), shift=await drawer(h))
    assert await accounts.standing(h.house, patient, encounter) == (450_000, 450_000, 50_000, 0, 0)
    assert await status(h.house, made["id"]) == "balanced"
    await agrees(h)


async def test_a_deposit_by_qr(hospital: SimpleNamespace) -> None:
    h = hospital
    patient, encounter = await visit(h.house)
    request = await bills.ask_deposit(h.db, FACILITY, encounter, 500_000, h.one.number)
    assert request is not None
    await came(h, request.reference, 500_000)
    again = await came(h, request.reference, 500_000)
    assert (await accounts.standing(h.house, patient, encounter)).deposits == 500_000
    assert await h.db.fetchval("SELECT kind FROM bank_outcome WHERE notice = $1", again) == "again"
    await agrees(h)


async def test_a_refund_needs_a_second_person_and_is_given_once(hospital: SimpleNamespace) -> None:
    h = hospital
    patient, encounter = await visit(h.house)
    d = await drawer(h)
    await desk.deposit(h.engine, FACILITY, encounter, 100_000, h.one.number, ids.new_id(), clock.now(), shift=d)
    wanted = Wanted(FACILITY, "deposit", encounter, 60_000, "cash", "khám xong còn thừa")
    number = await refunds.ask(h.engine, wanted, h.one.number)
    with pytest.raises(Conflict):
        await refunds.ask(h.engine, wanted, h.two.number)  # 60,000 of 100,000 are asked for already
    with pytest.raises(Conflict):
        await refunds.answer(h.engine, number, FACILITY, h.one.number, True, "", clock.now())
    with pytest.raises(asyncpg.CheckViolationError):  # nor past the code
        sql = "INSERT INTO money_refund_answer (refund, asked_by, by, approved) VALUES ($1, $2, $2, true)"
        await h.db.execute(sql, number, h.one.number)
    with pytest.raises(Conflict):
        await refunds.pay_cash(h.engine, number, d, clock.now())
    await refunds.answer(h.engine, number, FACILITY, h.two.number, True, "", clock.now())
    with pytest.raises(Conflict):
        await refunds.answer(h.engine, number, FACILITY, h.two.number, False, "doi y", clock.now())
    await agrees(h)
    done = await asyncio.gather(*(refunds.pay_cash(h.engine, number, d, clock.now()) for _ in range(3)), return_exceptions=True)
    assert sorted(type(x).__name__ for x in done) == ["Conflict", "Conflict", "int"]
    assert (await accounts.standing(h.house, patient, encounter)).deposits == 40_000
    await agrees(h)


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": " "},
        {"amount": 0},
        {"amount": -5},
        {"bin": "000000"},
        {"account": "12"},
        {"account": "12;34"},
        {"holder": ""},
        {"way": "x"},
    ],
)
async def test_a_refund_that_cannot_be_is_refused(hospital: SimpleNamespace, wrong: dict[str, Any]) -> None:
    good = {"facility": FACILITY, "source": "deposit", "subject": "x", "amount": 5, "way": "transfer", "reason": "y", "bin": BIN,
            "account": "0123456", "holder": "A"}  # fmt: skip
    with pytest.raises(Invalid):
        await refunds.ask(hospital.engine, Wanted(**{**good, **wrong}), hospital.one.number)


async def test_a_refund_by_transfer_closes_when_the_bank_says_so(hospital: SimpleNamespace) -> None:
    h = hospital
    b = await billed(h.house, 90_000)
    over = await came(h, b.request.reference, 100_000)
    wanted = Wanted(FACILITY, "suspense", str(over), 10_000, "transfer", "chuyển thừa", "970436", "0011004455667", "Đinh Thị Lụa")
    number = await refunds.ask(h.engine, wanted, h.one.number)
    with pytest.raises(Conflict):  # what is asked back is not put elsewhere meanwhile
        await exceptions.resolve(h.engine, over, FACILITY, Choice("deposit", encounter=b.encounter), h.one.number, clock.now())
    await refunds.answer(h.engine, number, FACILITY, h.two.number, True, "", clock.now())
    assert await refunds.make_file(h.engine, FACILITY, h.two.number) is not None
    assert await refunds.make_file(h.engine, FACILITY, h.two.number) is None
    reference = await h.db.fetchval("SELECT reference FROM money_refund WHERE number = $1", number)
    less = await came(h, reference, -9_999)
    await came(h, reference, -10_000)
    await came(h, reference, -10_000)
    assert await h.db.fetchval("SELECT count(*) FROM money_refund_paid WHERE refund = $1", number) == 1
    assert await h.db.fetchval("SELECT kind FROM bank_outcome WHERE notice = $1", less) == "out-unknown"
    await exceptions.resolve(h.engine, less, FACILITY, Choice("fee"), h.one.number, clock.now())
    await agrees(h)


async def test_exceptions_find_their_place_once(hospital: SimpleNamespace) -> None:
    h = hospital
    b, c = await billed(h.house, 200_000), await billed(h.house, 33_000)
    under = await came(h, b.request.reference, 150_000)
    done = await asyncio.gather(
        *(exceptions.resolve(h.engine, under, FACILITY, Choice("bill", b.invoice), w.number, clock.now()) for w in (h.one, h.two)),
        return_exceptions=True,
    )
    assert sorted(str(x) for x in done)[1] == "bill" and (await bills.one(h.db, b.invoice)).owed == 50_000  # type: ignore[union-attr]
    unknown = await came(h, "vien phi", 40_000)
    with pytest.raises(NotFound):
        await exceptions.resolve(h.engine, unknown, "bv-bg", Choice("bill", c.invoice), h.one.number, clock.now())
    await exceptions.resolve(h.engine, unknown, FACILITY, Choice("bill", c.invoice), h.one.number, clock.now())
    assert await status(h.house, c.invoice) == "balanced"
    await exceptions.resolve(h.engine, unknown, FACILITY, Choice("deposit", encounter=b.encounter), h.one.number, clock.now())
    assert (await bills.one(h.db, b.invoice)).owed == 43_000  # type: ignore[union-attr]
    with pytest.raises(Conflict):
        await exceptions.resolve(h.engine, unknown, FACILITY, Choice("bill", b.invoice), h.one.number, clock.now())
    await agrees(h)


async def test_a_paid_bill_that_is_cancelled_leaves_a_deposit_that_pays_the_next(hospital: SimpleNamespace) -> None:
    """A tariff changed in the middle: the bill is called off, another takes its place, the money stays with the visit."""
    h = hospital
    b = await billed(h.house, 500_000)
    await came(h, b.request.reference, 500_000)
    next_ = invoice(b.patient, b.encounter, 420_000)
    paid = {**b.body, "status": "balanced"}
    await h.house.commit([Update({**paid, "status": "cancelled"}), Create(next_, id=next_["id"])])
    await paying.settle(h.engine, next_["id"])
    assert await accounts.standing(h.house, b.patient, b.encounter) == (420_000, 420_000, 80_000, 0, 0)
    await agrees(h)


async def test_a_shift_is_counted_to_the_dong(hospital: SimpleNamespace) -> None:
    h = hospital
    d = await drawer(h)
    with pytest.raises(Conflict):
        await shifts.begin(h.engine, FACILITY, h.one.number, "Quầy 2", 0, clock.now())
    expected = await ledger.balance(h.db, "cash", str(d.number))
    count = {500_000: expected // 500_000, 1000: expected % 500_000 // 1000 - 1}
    with pytest.raises(Invalid):
        await shifts.close(h.engine, d, count, "  ", clock.now())
    with pytest.raises(Invalid):
        await shifts.close(h.engine, d, {3: 1}, "x", clock.now())
    assert await shifts.close(h.engine, d, count, "thiếu một tờ", clock.now()) == -1000
    assert await ledger.balance(h.db, "cash", str(d.number)) == 0
    b = await billed(h.house, 10_000)
    with pytest.raises(Conflict):
        await desk.cash(h.engine, b.invoice, 10_000, d, ids.new_id(), clock.now())
    with pytest.raises(Conflict):
        await shifts.close(h.engine, d, count, "x", clock.now())
    await agrees(h)


async def test_the_proof_notices_what_is_wrong(hospital: SimpleNamespace, record_urls: tuple[str, str]) -> None:
    h = hospital
    await agrees(h)
    owner = await asyncpg.connect(record_urls[0])
    try:
        await owner.execute("UPDATE money_balance SET amount = amount + 1 WHERE account = 'deposit' AND amount <> 0")
        made = await proof.proof(h.engine, FACILITY, clock.local(clock.now()).date())
        assert {x.key for x in made.lines if not x.holds} >= {"balances", "deposit"}
        await owner.execute("UPDATE money_balance SET amount = amount - 1 WHERE account = 'deposit' AND amount <> 0")
    finally:
        await owner.close()
    await agrees(h)


@pytest.mark.parametrize(
    ("dong", "said"),
    [
        (0, "Zero dong"),
        (21, "Twenty-one dong"),
        (1_000_005, "One million and five dong"),
        (1_284_500, "One million two hundred and eighty-four thousand five hundred dong"),
        (113_000_000_000, "One hundred and thirteen billion dong"),
        (-40, "Minus forty dong"),
    ],
)
async def test_amounts_in_english_words(dong: int, said: str) -> None:
    assert spoken.english(dong) == said
