"""The ledger on a real database: it sums to zero or is not written, nobody changes it, a cause is booked once, a bill stands."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import asyncpg
import pytest
from money_house import FACILITY, billed, hospital, invoice, status, visit

from longbien.base import clock
from longbien.base.errors import Conflict, Invalid, LongbienError, Overtaken
from longbien.billing.money import accounts, bills, ledger, paying, reference
from longbien.billing.money.ledger import Entry, Line
from longbien.fhir import json
from longbien.record.change import Create, Update

pytestmark = pytest.mark.asyncio(loop_scope="session")
__all__ = ["hospital"]


def entry(key: str, *lines: Line) -> Entry:
    return Entry(key, "test", "test", FACILITY, lines)


async def test_an_entry_that_does_not_sum_to_zero_is_not_written(hospital: SimpleNamespace) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="sum to zero"):
        await ledger.post(hospital.db, entry("odd", Line("bank", "x", 1000), Line("revenue", "x", -999)), clock.now())
    assert await hospital.db.fetchval("SELECT count(*) FROM money_entry WHERE key = 'odd'") == 0
    with pytest.raises(asyncpg.CheckViolationError):  # an entry without lines is no entry
        sql = "INSERT INTO money_entry (key, kind, cause, facility, day, made_by) VALUES ('bare', 'x', 'x', 'x', now(), 0)"
        await hospital.db.execute(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE money_line SET amount = amount + 1",
        "DELETE FROM money_line",
        "TRUNCATE money_line CASCADE",
        "UPDATE money_entry SET note = 'x'",
        "DELETE FROM money_entry",
        "UPDATE money_balance SET amount = 0",
        "DELETE FROM money_balance",
        "INSERT INTO money_balance VALUES ('deposit', 'x', 'x', -1000000)",
        "UPDATE bank_notice SET amount = 5",
        "DELETE FROM money_request_end",
        "INSERT INTO money_account VALUES ('mine', 'asset', '', 0)",
    ],
)
async def test_the_application_can_change_nothing(hospital: SimpleNamespace, sql: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await hospital.db.execute(sql)


async def test_not_even_the_owner_changes_it(hospital: SimpleNamespace, record_urls: tuple[str, str]) -> None:
    await ledger.post(hospital.db, entry("owner", Line("bank", "x", 5), Line("unclaimed", "x", -5)), clock.now())
    owner = await asyncpg.connect(record_urls[0])
    try:
        for table in ("money_entry", "money_line", "money_bill", "bank_delivery", "money_refund_answer"):
            for sql in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                    await owner.execute(sql)
    finally:
        await owner.close()


async def test_a_cause_is_booked_once_however_many_try(hospital: SimpleNamespace) -> None:
    made = entry("once", Line("bank", "x", 700), Line("unclaimed", "x", -700))
    got = await asyncio.gather(*(ledger.post(hospital.db, made, clock.now()) for _ in range(6)))
    assert len([g for g in got if g is not None]) == 1


async def test_a_balance_never_lies_on_the_wrong_side(hospital: SimpleNamespace) -> None:
    await ledger.post(hospital.db, entry("dep", Line("safe", "", 500), Line("deposit", "visit-1", -500)), clock.now())

    async def spend(n: int) -> Any:
        try:
            return await ledger.post(
                hospital.db, entry(f"sp{n}", Line("deposit", "visit-1", 300), Line("safe", "", -300)), clock.now()
            )
        except Overtaken as late:
            return late

    done = await asyncio.gather(*(spend(n) for n in range(4)))
    assert len([d for d in done if isinstance(d, int)]) == 1
    assert await ledger.balance(hospital.db, "deposit", "visit-1") == -200


async def test_the_accounts_are_those_of_the_table(hospital: SimpleNamespace) -> None:
    rows = await hospital.db.fetch("SELECT code, kind, subject, sign FROM money_account")
    assert {tuple(r) for r in rows} == {(a.code, a.kind, a.subject, a.sign) for a in accounts.accounts().values()}


async def test_a_bill_is_booked_in_its_own_transaction(hospital: SimpleNamespace) -> None:
    h = hospital
    b = await billed(h.house, 1_284_500)
    assert await ledger.balance(h.db, "receivable", b.invoice) == 1_284_500
    assert b.request.amount == 1_284_500 and reference.holds(b.request.reference)
    before = await h.db.fetchval("SELECT count(*) FROM money_entry")
    patient, encounter = await visit(h.house)
    bad = invoice(patient, encounter, 500)
    broken = {"resourceType": "Invoice", "id": "broken", "status": "no-such-status"}
    with pytest.raises(LongbienError):
        await h.house.commit([Create(bad, id=bad["id"]), Create(broken, id="broken")])
    assert await h.db.fetchval("SELECT count(*) FROM money_entry") == before
    assert await bills.one(h.db, bad["id"]) is None


async def test_a_bill_number_is_given_once(hospital: SimpleNamespace) -> None:
    h = hospital
    patient, encounter = await visit(h.house)
    pair = [invoice(patient, encounter, 100 + n, number="SN-TWICE") for n in range(2)]

    async def write(body: dict[str, Any]) -> bool:
        try:
            await h.house.commit([Create(body, id=body["id"])])
            return True
        except Conflict:
            return False

    assert sorted(await asyncio.gather(*(write(b) for b in pair))) == [False, True]
    assert await h.db.fetchval("SELECT count(*) FROM money_bill WHERE number = 'SN-TWICE'") == 1


@pytest.mark.parametrize("net", [{"value": -5}, {"value": 10.5}, {"value": 100, "currency": "USD"}, {}])
async def test_what_the_ledger_cannot_hold_is_no_bill(hospital: SimpleNamespace, net: dict[str, Any]) -> None:
    patient, encounter = await visit(hospital.house)
    bad = json.loads(json.dumps({**invoice(patient, encounter, 1), "totalNet": {"currency": "VND", **net}} if net else
                                {k: v for k, v in invoice(patient, encounter, 1).items() if k != "totalNet"}))  # fmt: skip
    with pytest.raises(Invalid):
        await hospital.house.commit([Create(bad, id=bad["id"])])


async def test_what_a_bill_asks_is_never_changed(hospital: SimpleNamespace) -> None:
    h = hospital
    b = await billed(h.house, 400_000)
    less = invoice(b.patient, b.encounter, 399_999, number=b.number, id_=b.invoice)
    with pytest.raises(Conflict):
        await h.house.commit([Update(less)])
    with pytest.raises(Conflict):
        await h.house.commit([Update({**b.body, "status": "balanced"})])
    with pytest.raises(Conflict):
        await h.house.commit([Update({**b.body, "status": "draft"})])
    await h.house.commit([Update({**b.body, "note": [{"text": "in lại"}]})])


async def test_a_bill_of_nothing_is_paid(hospital: SimpleNamespace) -> None:
    b = await billed(hospital.house, 0)
    assert b.request is None
    await paying.settle(hospital.engine, b.invoice)
    await paying.settle(hospital.engine, b.invoice)
    assert await status(hospital.house, b.invoice) == "balanced"


async def test_a_bill_that_comes_in_paid_was_paid_elsewhere(hospital: SimpleNamespace) -> None:
    h = hospital
    patient, encounter = await visit(h.house)
    made = {**invoice(patient, encounter, 70_000), "status": "balanced"}
    with pytest.raises(Conflict):
        await h.store(h.one).commit([Create(made, id=made["id"])])
    await h.house.commit([Create(made, id=made["id"])])
    assert await ledger.balance(h.db, "receivable", made["id"]) == 0
    assert await h.db.fetchval("SELECT amount FROM money_line WHERE account = 'elsewhere' AND subject = $1", made["id"]) == 70_000


async def test_somebody_elses_invoice_is_none_of_ours(hospital: SimpleNamespace) -> None:
    foreign = {"resourceType": "Invoice", "id": "foreign", "status": "issued", "identifier": [{"system": "urn:x", "value": "1"}]}
    await hospital.house.commit([Create(foreign, id="foreign")])
    assert await bills.one(hospital.db, "foreign") is None


async def test_a_deposit_is_set_against_the_bill_and_comes_back_when_it_is_cancelled(hospital: SimpleNamespace) -> None:
    h = hospital
    patient, encounter = await visit(h.house)
    await ledger.post(
        h.db, entry(f"d/{encounter}", Line("safe", "", 1_500_000), Line("deposit", encounter, -1_500_000)), clock.now()
    )
    made = invoice(patient, encounter, 2_784_500)
    await h.house.commit([Create(made, id=made["id"])])
    _, request = await bills.current(h.engine, made["id"])
    assert request is not None and request.amount == 1_284_500
    assert await accounts.standing(h.store(h.one), patient, encounter) == (2_784_500, 1_500_000, 0, 0, 1_284_500)
    await h.house.commit([Update({**made, "status": "cancelled"})])
    assert await accounts.standing(h.store(h.one), patient, encounter) == (0, 0, 1_500_000, 0, 0)
    again = invoice(patient, encounter, 900_000)
    await h.house.commit([Create(again, id=again["id"])])
    await paying.settle(h.engine, again["id"])
    assert await status(h.house, again["id"]) == "balanced"
    assert await accounts.standing(h.store(h.one), patient, encounter) == (900_000, 900_000, 600_000, 0, 0)
    with pytest.raises(Conflict):
        await h.house.commit([Update({**made, "status": "issued"})])


async def test_a_reference_survives_what_banks_do_to_it() -> None:
    ref = reference.make()
    said = [
        f"{ref}",
        f"MBVCB.4411223344.{ref}.CT tu 0123 NGUYEN VAN A",
        f"IBFT {ref.lower()} ck",
        f"{ref[:5]} {ref[5:]}",
        f"{ref[:7]}.{ref[7:]}-241126",
    ]
    for text in said:
        assert reference.find(text) == [ref], text
    assert reference.find("THANH TOAN VIEN PHI NGUYEN THI LUA LB 12345") == []


async def test_one_wrong_letter_is_no_reference() -> None:
    ref = reference.make()
    for at in range(2, len(ref)):
        for letter in reference.ALPHABET:
            if letter != ref[at]:
                assert not reference.holds(ref[:at] + letter + ref[at + 1 :])
