"""The money under attack and under bad luck: what is paid twice, what is stuck, what holds everything else up."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from money_house import ACCOUNT, BIN, FACILITY, billed, hospital, invoice, status, visit
from test_money_desk import agrees, came, drawer

from longbien.base import clock, ids
from longbien.base.errors import Invalid, Unavailable
from longbien.billing.money import accounts, bills, desk, einvoice, exceptions, ledger, notices, refunds
from longbien.billing.money.exceptions import Choice
from longbien.billing.money.refunds import Wanted
from longbien.record.change import Create
from longbien.wire import bank_notice, bank_sepay, bank_statement

pytestmark = pytest.mark.asyncio(loop_scope="session")
__all__ = ["hospital"]
OTHER, OTHER_ACCOUNT = "bv-bg", "996633221100"


async def test_a_refund_that_the_bank_has_paid_is_in_no_transfer_file(hospital: SimpleNamespace) -> None:
    """Somebody sent it by hand with its reference before the file was made: the file does not send it again."""
    h = hospital
    _, encounter = await visit(h.house)
    await desk.deposit(h.engine, FACILITY, encounter, 70_000, h.one.number, ids.new_id(), clock.now(), shift=await drawer(h))
    wanted = Wanted(FACILITY, "deposit", encounter, 70_000, "transfer", "thừa", "970436", "0011004455667", "Đinh Thị Lụa")
    number = await refunds.ask(h.engine, wanted, h.one.number)
    await refunds.answer(h.engine, number, FACILITY, h.two.number, True, "", clock.now())
    await came(h, await h.db.fetchval("SELECT reference FROM money_refund WHERE number = $1", number), -70_000)
    assert await h.db.fetchval("SELECT count(*) FROM money_refund_paid WHERE refund = $1", number) == 1
    assert await refunds.make_file(h.engine, FACILITY, h.two.number) is None
    await agrees(h)


@pytest.mark.parametrize("act", ["deposit", "bill"])
async def test_what_is_left_twice_alike_finds_its_place_twice(hospital: SimpleNamespace, act: str) -> None:
    """50 of 100 are asked back, 50 are placed, the refund is refused: the other 50 are as many, and another act."""
    h = hospital
    b = await billed(h.house, 200_000)
    n = await came(h, "khong ro", 100_000)
    asked = await refunds.ask(h.engine, Wanted(FACILITY, "suspense", str(n), 50_000, "cash", "đòi lại"), h.one.number)
    choice = Choice(act, invoice=b.invoice, encounter=b.encounter)
    await exceptions.resolve(h.engine, n, FACILITY, choice, h.one.number, clock.now())
    await refunds.answer(h.engine, asked, FACILITY, h.two.number, False, "không phải", clock.now())
    await exceptions.resolve(h.engine, n, FACILITY, choice, h.one.number, clock.now())
    assert await ledger.balance(h.db, "suspense", str(n)) == 0
    assert (await bills.one(h.db, b.invoice)).owed == 100_000  # type: ignore[union-attr]
    await agrees(h)


async def test_a_deposit_by_qr_pays_the_bill_that_was_issued_meanwhile(hospital: SimpleNamespace) -> None:
    h = hospital
    b = await billed(h.house, 300_000)
    request = await bills.ask_deposit(h.db, FACILITY, b.encounter, 400_000, h.one.number)
    assert request is not None
    await came(h, request.reference, 400_000)
    assert await status(h.house, b.invoice) == "balanced"
    stands = await accounts.standing(h.house, b.patient, b.encounter)
    assert (stands.owed, stands.paid, stands.deposits) == (0, 300_000, 100_000)
    await agrees(h)


async def test_another_facilitys_reference_names_nothing_here(hospital: SimpleNamespace) -> None:
    """Paid into our account with a reference of theirs: held here, and nothing of their bill or visit stands beside it."""
    h = hospital
    await h.db.execute(bills.Q.new_account, OTHER, BIN, OTHER_ACCOUNT, "BENH VIEN HONG HA")
    theirs = await billed(h.house, 40_000, issuer={"reference": f"Organization/{OTHER}"})
    assert theirs.request.account == OTHER_ACCOUNT
    n = await came(h, theirs.request.reference, 40_000)
    outcome = await h.db.fetchrow("SELECT kind, invoice FROM bank_outcome WHERE notice = $1", n)
    assert (outcome["kind"], outcome["invoice"]) == ("unknown-reference", None)
    assert await h.db.fetch("SELECT 1 FROM bank_outcome WHERE notice = ANY($1)", await _later(h)) == []
    assert (await bills.one(h.db, theirs.invoice)).owed == 40_000  # type: ignore[union-attr]


async def _later(h: SimpleNamespace) -> list[int]:
    return [r["notice"] for r in await h.db.fetch(notices.Q.known_later, 200)]


async def test_a_bill_asks_the_patient_for_his_share_and_his_own(hospital: SimpleNamespace) -> None:
    """No desk writes a bill of 500,000 of which the patient pays nothing, nor one that asks for more."""
    patient, encounter = await visit(hospital.house)
    for net in (0, 499_999, 500_001):
        made = invoice(patient, encounter, 500_000) | {"totalNet": {"value": net, "currency": "VND"}}
        with pytest.raises(Invalid, match="share"):
            await hospital.house.commit([Create(made, id=made["id"])])


async def test_one_movement_that_cannot_be_decided_holds_no_other_up(
    hospital: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    h, real = hospital, notices.reconcile
    bodies = [[bank_notice.Movement(BIN, ACCOUNT, ids.new_id(), 1_000, clock.now(), "x")] for _ in range(2)]
    for body in bodies:
        number = await notices.deliver(h.engine, "longbien", "webhook", "longbien", bank_notice.write(body))
        await notices.read(h.engine, await h.db.fetchrow(notices.Q.delivery, number))
    bad, good = [await h.db.fetchval("SELECT number FROM bank_notice WHERE bank_ref = $1", b[0].ref) for b in bodies]

    async def breaks(engine: Any, number: int) -> str:
        if number == bad:
            raise RuntimeError("a row that no code expected")
        return await real(engine, number)

    with monkeypatch.context() as m:
        m.setattr(notices, "reconcile", breaks)
        await notices.sweep(h.engine)
    assert await h.db.fetchval("SELECT kind FROM bank_outcome WHERE notice = $1", good) == "unknown"
    await notices.sweep(h.engine)
    assert await h.db.fetchval("SELECT kind FROM bank_outcome WHERE notice = $1", bad) == "unknown"


@pytest.mark.parametrize("letter", ["\ud800", "\0"])
async def test_what_no_database_keeps_is_no_text_of_a_movement(letter: str) -> None:
    row = {"bank": BIN, "account": ACCOUNT, "id": "F1", "direction": "in", "amount": 1, "at": "2026-11-30T09:15:02+07:00"}
    for name in ("text", "id", "payer"):
        with pytest.raises(Invalid):
            bank_notice.read(json.dumps({"movements": [row | {name: f"a{letter}"}]}).encode())
    said = {"transferType": "in", "transferAmount": 1, "referenceCode": f"a{letter}", "gateway": "x", "accountNumber": "1",
            "transactionDate": "2026-11-30 09:15:02"}  # fmt: skip
    with pytest.raises(Invalid):
        bank_sepay.read(json.dumps(said).encode(), {})


async def test_a_holders_name_is_no_formula() -> None:
    wanted = Wanted(FACILITY, "deposit", "x", 5, "transfer", "y", BIN, "0123456", "=HYPERLINK(1) @+Lụa")
    assert refunds.checked(wanted).holder == "HYPERLINK(1) @+LUA"
    with pytest.raises(Invalid):
        refunds.checked(replace(wanted, holder="=+-@"))


async def test_an_electronic_invoice_that_cannot_be_made_holds_no_other_up(
    hospital: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    h, asked = hospital, list[str]()
    for _ in range(3):
        b = await billed(h.house, 1_000)
        await came(h, b.request.reference, 1_000)

    async def hands_in(engine: Any, invoice: str, *more: Any) -> Any:
        asked.append(invoice)
        raise [Invalid("its patient has no name"), ValueError("x"), Unavailable("the provider is away")][len(asked) - 1]

    monkeypatch.setenv("LONGBIEN_EINVOICE_URL", "https://einvoice.test")
    monkeypatch.setattr(einvoice, "hand_in", hands_in)
    await einvoice.job(h.engine)({})
    assert len(set(asked)) == 3


async def test_a_day_of_no_century_is_refused() -> None:
    columns = bank_statement.Columns("at", "text", amount="amount")
    with pytest.raises(Invalid):
        bank_statement.read("csv", b"at,text,amount\n01/01/0001,x,5000\n", BIN, ACCOUNT, columns)
