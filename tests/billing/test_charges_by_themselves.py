"""What is done becomes a charge, once; what is undone takes it back; the bill adds up and is issued once."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from charges_house import (
    ADULT,
    HOSPITAL,
    OTHER,
    PRICES,
    client,
    coverage,
    dose,
    happened,
    house,
    operation,
    order,
    own,
    patient,
    report,
    visit,
)
from charges_house import cheap as cheap

from longbien.base import clock
from longbien.base.errors import Conflict, Invalid
from longbien.billing.charges import bills, guards, reactions, shapes, tariff
from longbien.billing.lines import Bill
from longbien.fhir import systems as s
from longbien.reception import joining
from longbien.reception.shapes import Author
from longbien.record.change import Update
from longbien.record.store import Store

__all__ = ["client", "house", "own"]
pytestmark = pytest.mark.asyncio(loop_scope="session")
NOW = clock.now()


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


async def stay(own: Store, id_: str, *, of: str = ADULT, days: float = 3, bed: str = "") -> dict[str, Any]:
    made = visit(id_, of, "IMP", ago(days), where=bed or f"sd-tm-{id_.removeprefix('dt-')}")
    await happened(own, made)
    return made


def whole(bill: Bill) -> None:
    assert bill.total == bill.insurer + bill.copay + bill.own + bill.other
    for x in bill.shares:
        assert x.total == x.insurer + x.copay + x.own + x.other


async def charges(own: Store, encounter: str) -> list[dict[str, Any]]:
    page = await own.search("ChargeItem", [("context", f"Encounter/{encounter}"), ("_count", "200")])
    return [json.loads(x.body) for x in page.matches]


async def test_a_stay_is_charged_by_what_was_done_and_its_bill_adds_up(own: Store) -> None:
    made = await stay(own, "dt-1")
    k = order("yl-k", ADULT, "dt-1", s.LAB, "K", ago(2))
    await happened(own, k, order("yl-x", ADULT, "dt-1", s.IMAGING, "XQ", ago(2)))
    assert await charges(own, "dt-1") == []  # ordered and not done
    await happened(
        own,
        report("kq-k", k, ago(1.9)),
        dose("lt-1", ADULT, "dt-1", ago(1)),
        dose("lt-2", ADULT, "dt-1", ago(0.9), status="not-done"),
    )
    open_ = await bills.bill(own, "dt-1")
    own_lines = {x.line.own: x.line for x in open_.shares if not x.line.id.startswith("tam-")}
    assert own_lines["K"].price == 22_000 and own_lines["para500"].quantity == 2
    beds = [x.line for x in open_.shares if x.line.id.startswith("tam-")]
    assert sum(x.quantity for x in beds) == 3 and all(x.price == 270_000 for x in beds)
    whole(open_)
    with pytest.raises(Invalid, match="has not ended"):
        await bills.issue(own, "dt-1")
    await happened(own, visit("dt-1", ADULT, "IMP", ago(3), end=NOW, where="sd-tm-1"))
    issued = await bills.issue(own, "dt-1")
    bill = await bills.bill(own, "dt-1")
    whole(bill)
    assert bill.total == Decimal("834000.00") == Decimal(str(issued["totalGross"]["value"]))  # 3 x 270.000 + 22.000 + 2 x 1.000
    assert bill.copay == Decimal("166800.00") and bill.to_pay == 166_800  # a card of level 4 where it is registered
    assert issued["status"] == "issued" and shapes.bill_number(issued).startswith("SD-")
    assert (await bills.issue(own, "dt-1"))["id"] == issued["id"]  # once more: the same
    assert made["id"] == shapes.bill_encounter(issued)


async def test_a_reaction_that_runs_twice_or_at_once_charges_once(own: Store) -> None:
    await stay(own, "dt-2")
    one = dose("lt-tw", ADULT, "dt-2", ago(1))
    await own.commit([Update(one)])
    await asyncio.gather(*(reactions.administration(own, one) for _ in range(5)))
    await reactions.administration(own, one)
    assert len(await charges(own, "dt-2")) == 1


async def test_what_was_entered_in_error_is_taken_back_by_a_negative_line_and_done_again_is_charged_again(own: Store) -> None:
    await stay(own, "dt-3")
    await happened(own, dose("lt-err", ADULT, "dt-3", ago(1)))
    await happened(own, dose("lt-err", ADULT, "dt-3", ago(1), status="entered-in-error"))
    items = await charges(own, "dt-3")
    assert sorted(x["quantity"]["value"] for x in items) == [-2, 2]
    assert sum(x.total for x in (await bills.bill(own, "dt-3")).shares if x.line.own == "para500") == 0
    await happened(own, dose("lt-err", ADULT, "dt-3", ago(1)))
    assert sorted(x["quantity"]["value"] for x in await charges(own, "dt-3")) == [-2, 2, 2]


async def test_another_dose_than_was_charged_is_a_reversal_and_a_new_line_never_an_edit(own: Store) -> None:
    await stay(own, "dt-4")
    await happened(own, dose("lt-more", ADULT, "dt-4", ago(1), 500))
    await happened(own, dose("lt-more", ADULT, "dt-4", ago(1), 1500))
    items = await charges(own, "dt-4")
    assert sorted(x["quantity"]["value"] for x in items) == [-1, 1, 3]
    assert {x["meta"]["versionId"] for x in items} == {"1"}


async def test_an_order_called_off_after_it_was_done_stays_charged_and_one_in_error_does_not(own: Store) -> None:
    await stay(own, "dt-5")
    k = order("yl-off", ADULT, "dt-5", s.LAB, "K", ago(2))
    await happened(own, k)
    await happened(own, report("kq-off", k, ago(1.5)))
    await happened(own, {**k, "status": "revoked"})
    assert [x["quantity"]["value"] for x in await charges(own, "dt-5")] == [1]
    await happened(own, {**k, "status": "entered-in-error"})
    assert sorted(x["quantity"]["value"] for x in await charges(own, "dt-5")) == [-1, 1]


async def test_two_reports_of_one_order_are_one_charge(own: Store) -> None:
    await stay(own, "dt-6")
    k = order("yl-two", ADULT, "dt-6", s.LAB, "K", ago(2))
    await happened(own, k)
    await happened(own, report("kq-a", k, ago(1.5)), report("kq-b", k, ago(1.4)))
    assert len(await charges(own, "dt-6")) == 1
    await happened(own, report("kq-a", k, ago(1.5), "entered-in-error"))
    assert sum(x["quantity"]["value"] for x in await charges(own, "dt-6")) == 1  # the other report still answers it


async def test_the_price_of_the_day_counts_when_the_tariff_changes_mid_stay(own: Store) -> None:
    await stay(own, "dt-7", days=6)
    old = next(p for p in PRICES if p.code == "XQ")
    changed = clock.local(ago(3)).date()
    new = replace(old, begins=changed, price=Decimal(90_000), insured=Decimal(90_000))
    await own.commit([Update(tariff.definition(new))])
    tariff.stale(own.engine)
    first, second = (order(f"yl-d{n}", ADULT, "dt-7", s.IMAGING, "XQ", ago(5 - 3 * n)) for n in (0, 1))
    await happened(own, first, second)
    await happened(own, report("kq-d0", first, ago(5)), report("kq-d1", second, ago(2)))
    paid = [x.line.price for x in (await bills.bill(own, "dt-7")).shares if x.line.own == "XQ"]
    assert paid == [Decimal(65_000), Decimal(90_000)]
    await own.commit([Update(tariff.definition(replace(old, price=Decimal(1))))])  # and what was charged stays at its price
    tariff.stale(own.engine)
    await reactions.report(own, report("kq-d0", first, ago(5)))
    assert [x.line.price for x in (await bills.bill(own, "dt-7")).shares if x.line.own == "XQ"] == paid
    await own.commit([Update(tariff.definition(old))])
    tariff.stale(own.engine)


async def test_what_has_no_price_is_on_the_bill_without_one_and_charged_once_it_has(own: Store) -> None:
    await stay(own, "dt-8")
    hgb = order("yl-np", ADULT, "dt-8", s.LAB, "NEWTEST", ago(2))
    await happened(own, hgb)
    await happened(own, report("kq-np", hgb, ago(1.5)))
    (line,) = [x.line for x in (await bills.bill(own, "dt-8")).shares if x.line.own == "NEWTEST"]
    assert line.more["unpriced"] and line.price == 0
    k = next(p for p in PRICES if p.code == "K")
    await own.commit([Update(tariff.definition(replace(k, code="NEWTEST", name="Xét nghiệm mới")))])
    tariff.stale(own.engine)
    await reactions.report(own, report("kq-np", hgb, ago(1.5)))
    shares = [x for x in (await bills.bill(own, "dt-8")).shares if x.line.own == "NEWTEST"]
    assert sum(x.total for x in shares) == 22_000 and len(shares) == 3


async def test_two_operations_at_once_by_one_team_are_one_and_a_half(own: Store) -> None:
    await stay(own, "dt-9", bed="sd-ngoai-1")
    await happened(own, operation("pt-a", ADULT, "dt-9", "PT01", ago(2)), operation("pt-b", ADULT, "dt-9", "PT04", ago(2)))
    lines = {x.line.own: x.line.rate for x in (await bills.bill(own, "dt-9")).shares}
    assert lines["PT04"] == 100 and lines["PT01"] == 50
    await happened(own, operation("pt-b", ADULT, "dt-9", "PT04", ago(2)) | {"status": "entered-in-error"})
    shares = (await bills.bill(own, "dt-9")).shares
    assert [x.line.rate for x in shares if x.line.own == "PT01"] == [100]
    whole(await bills.bill(own, "dt-9"))


async def test_supplies_used_in_a_procedure_are_charged_with_it(own: Store) -> None:
    await stay(own, "dt-10")
    used = [{"coding": [{"system": tariff.SYSTEMS["supply"], "code": "KIM"}], "text": "Kim luồn"}]
    await happened(own, operation("tt-k", ADULT, "dt-10", "TT01", ago(1), usedCode=used))
    assert {x["code"]["text"] for x in await charges(own, "dt-10")} == {"TT01", "KIM"}


async def test_an_out_patients_consultation_and_prescription(own: Store) -> None:
    await happened(own, visit("lk-1", ADULT, "AMB", ago(0.1)))
    rx = {
        "resourceType": "MedicationRequest", "id": "dt-rx", "status": "active", "intent": "order",
        "subject": {"reference": f"Patient/{ADULT}"},
        "encounter": {"reference": "Encounter/lk-1"}, "authoredOn": clock.instant(ago(0.05)),
        "category": [{"coding": [{"system": s.MEDICATION_CATEGORY, "code": "community"}]}],
        "medicationCodeableConcept": {"coding": [{"system": s.DRUG, "code": "para500"}], "text": "Paracetamol 500 mg"},
        "dispenseRequest": {"quantity": {"value": 20, "unit": "viên"}},
    }  # fmt: skip
    await happened(own, rx)
    lines = {x.line.own: x.line for x in (await bills.bill(own, "lk-1")).shares}
    assert lines["KB01"].price == 45_000 and lines["para500"].quantity == 20 and lines["para500"].more["doubt"] == "not-dispensed"
    handed = {
        "resourceType": "MedicationDispense", "id": "cp-1", "status": "completed", "subject": rx["subject"],
        "whenHandedOver": clock.instant(ago(0.01)),
        "context": rx["encounter"], "authorizingPrescription": [{"reference": "MedicationRequest/dt-rx"}],
        "medicationCodeableConcept": rx["medicationCodeableConcept"], "quantity": {"value": 10, "unit": "viên"},
    }  # fmt: skip
    await happened(own, handed)
    live = [x.line for x in (await bills.bill(own, "lk-1")).shares if x.line.own == "para500"]
    assert sum(x.quantity for x in live) == 10
    await happened(own, {**handed, "status": "entered-in-error"}, {**rx, "status": "entered-in-error"})
    assert sum(x.line.quantity for x in (await bills.bill(own, "lk-1")).shares if x.line.own == "para500") == 0


async def test_who_pays_themselves_is_not_charged_for_what_they_may_buy_elsewhere(own: Store) -> None:
    await happened(own, visit("lk-2", OTHER, "AMB", ago(0.1)))
    rx = {
        "resourceType": "MedicationRequest", "id": "dt-rx2", "status": "active", "intent": "order",
        "subject": {"reference": f"Patient/{OTHER}"}, "dispenseRequest": {"quantity": {"value": 20}},
        "encounter": {"reference": "Encounter/lk-2"}, "authoredOn": clock.instant(ago(0.05)),
        "medicationCodeableConcept": {"coding": [{"system": s.DRUG, "code": "para500"}], "text": "Paracetamol 500 mg"},
    }  # fmt: skip
    await happened(own, rx)
    bill = await bills.bill(own, "lk-2")
    assert {x.line.own for x in bill.shares} == {"KB01"} and bill.insurer == 0 and bill.to_pay == 45_000


async def test_two_desks_issue_one_bill(own: Store) -> None:
    await happened(own, visit("lk-3", OTHER, "AMB", ago(0.1), end=ago(0.05)))
    made = await asyncio.gather(*(bills.issue(own, "lk-3") for _ in range(4)))
    assert len({shapes.bill_number(x) for x in made}) == 1
    rows = await own.engine.db.fetch("SELECT number FROM billing_bill WHERE encounter = 'lk-3'")
    assert len(rows) == 1


async def test_a_number_is_used_once_and_a_visit_has_one_bill_whoever_writes(own: Store) -> None:
    await happened(own, *(visit(i, OTHER, "AMB", ago(0.1), end=ago(0.05)) for i in ("lk-4", "lk-5")))
    first = await bills.issue(own, "lk-4")
    other = await bills.issue(own, "lk-5")
    mine = [{"system": shapes.BILL_NUMBER, "value": "X-1"}]
    with pytest.raises(Conflict, match="has a bill"):
        await own.commit([Update({**first, "id": "hd-by-hand", "identifier": mine})])
    stolen = {**other, "identifier": first["identifier"]}
    with pytest.raises(Conflict, match="given already"):
        await own.commit([Update(stolen)])
    short = {**other, "totalGross": {"value": 1, "currency": "VND"}}
    with pytest.raises(Invalid):
        await own.commit([Update(short)])


async def test_what_is_charged_after_the_bill_makes_a_new_bill_and_calls_the_old_one_off(own: Store) -> None:
    done = visit("lk-6", OTHER, "AMB", ago(0.2), end=ago(0.05))
    await happened(own, done)
    first = await bills.issue(own, "lk-6")
    k = order("yl-late", OTHER, "lk-6", s.LAB, "K", ago(0.15))
    await happened(own, k)
    await happened(own, report("kq-late", k, ago(0.1)))
    assert (await bills.opened(own, "lk-6")).stale
    second = await bills.issue(own, "lk-6")
    assert shapes.bill_number(second) != shapes.bill_number(first) and second["totalNet"]["value"] == 67_000
    old = json.loads((await own.read("Invoice", first["id"])).body)
    assert old["status"] == "cancelled"
    states = await own.engine.db.fetch("SELECT status FROM billing_bill WHERE encounter = 'lk-6' ORDER BY issued, number")
    assert [r["status"] for r in states] == ["cancelled", "issued"]


async def test_a_stay_that_is_opened_again_takes_its_bed_days_back(own: Store) -> None:
    begin = ago(3)
    await happened(own, visit("dt-11", OTHER, "IMP", begin, where="sd-tm-11"))
    ended = visit("dt-11", OTHER, "IMP", begin, end=NOW, where="sd-tm-11")
    await happened(own, ended)
    assert sum(x["quantity"]["value"] for x in await charges(own, "dt-11")) == 3
    await happened(own, visit("dt-11", OTHER, "IMP", begin, where="sd-tm-11"))
    assert sum(x["quantity"]["value"] for x in await charges(own, "dt-11")) == 0
    bill = await bills.bill(own, "dt-11")
    assert sum(x.line.quantity for x in bill.shares) == 3  # counted up to now again
    await happened(own, ended)
    assert sum(x["quantity"]["value"] for x in await charges(own, "dt-11")) == 3


async def test_a_bill_without_anything_to_pay_is_settled_when_it_is_issued_and_paid_only_when_the_ledger_says_so(
    own: Store,
) -> None:
    await happened(own, visit("lk-7", ADULT, "AMB", ago(0.1), end=ago(0.05)), visit("lk-8", OTHER, "AMB", ago(0.1), end=ago(0.05)))
    covered, asks = await bills.issue(own, "lk-7"), await bills.issue(own, "lk-8")
    rows = await own.engine.db.fetch("SELECT encounter, settled FROM billing_bill WHERE encounter IN ('lk-7', 'lk-8') ORDER BY 1")
    assert covered["totalNet"]["value"] == 0 and [r["settled"] is not None for r in rows] == [True, False]
    assert guards.row(covered)[2] == HOSPITAL
    with pytest.raises(Conflict, match="not paid"):
        await own.commit([Update({**asks, "status": "balanced"})])


async def test_an_open_bill_goes_along_when_two_records_of_one_person_are_joined(own: Store) -> None:
    twin = patient("vp-lua-2", "Trần Thị Lua")
    await own.commit([Update(twin), Update(coverage("vp-lua-2", "DN4010123456780"))])
    ended = visit("lk-twin", "vp-lua-2", "AMB", ago(0.3), end=ago(0.2))
    await happened(own, ended, visit("lk-twin-2", "vp-lua-2", "AMB", ago(0.1)))
    issued = await bills.issue(own, "lk-twin")
    before = await bills.bill(own, "lk-twin-2")
    await joining.join(own, Author("nv-clerk", "x", HOSPITAL), ADULT, "vp-lua-2", "cùng một người", clock.now())
    after = await bills.opened(own, "lk-twin-2")
    assert after.bill.visit.patient == ADULT and after.bill.total == before.total
    kept = await bills.opened(own, "lk-twin")
    assert kept.invoice is not None and kept.invoice["id"] == issued["id"] and not kept.stale
    assert (await bills.issue(own, "lk-twin"))["id"] == issued["id"]
    await reactions.visit(own, visit("lk-twin-2", ADULT, "AMB", ago(0.1)))  # and nothing is charged twice
    assert len(await charges(own, "lk-twin-2")) == 1
    await happened(own, visit("lk-twin-2", ADULT, "AMB", ago(0.1), end=ago(0.05)))
    assert (await bills.issue(own, "lk-twin-2"))["subject"]["reference"] == f"Patient/{ADULT}"
