"""How bed days are counted, what several acts make of each other, how much of a drug was opened: said as sentences."""

from __future__ import annotations

import itertools
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from longbien.base.clock import HANOI
from longbien.billing.charges import rules
from longbien.billing.charges.rules import Lay, Stay
from longbien.billing.lines import Line

T = datetime(2026, 11, 23, 10, 0, tzinfo=HANOI)


def worth(code: str, day: date) -> Decimal:
    return {"G01": Decimal(870_000), "G03": Decimal(270_000), "G04": Decimal(245_000)}.get(code, Decimal(300_000))


def days(end: datetime | None, *places: Lay, now: datetime = T + timedelta(days=30), **more: Any) -> list[tuple[str, str, Decimal]]:
    lay = places or (Lay("sn-tm", "TM", T, end),)
    return [(f"{x.day:%d}", x.code, x.quantity) for x in rules.bed_days(Stay(T, end, lay, **more), now, worth)]


def test_up_to_four_hours_is_no_bed_day() -> None:
    assert days(T + timedelta(hours=4)) == []
    assert len(days(T + timedelta(hours=4, minutes=1))) == 1


def test_over_four_and_up_to_24_hours_is_one_bed_day_also_over_midnight() -> None:
    assert days(T + timedelta(hours=20)) == [("23", "G03", Decimal(1))]


def test_the_day_of_leaving_does_not_count_for_who_goes_home_better() -> None:
    assert [d for d, _, _ in days(T + timedelta(days=3), result="2", leaving="1")] == ["23", "24", "25"]


@pytest.mark.parametrize(("result", "leaving"), [("5", "1"), ("4", "4"), ("6", "4"), ("2", "2")])
def test_the_day_of_leaving_counts_for_who_dies_leaves_worse_or_is_referred(result: str, leaving: str) -> None:
    assert [d for d, _, _ in days(T + timedelta(days=3), result=result, leaving=leaving)] == ["23", "24", "25", "26"]


def test_two_wards_on_one_day_are_half_a_day_each() -> None:
    moved = T + timedelta(days=1, hours=2)
    found = days(T + timedelta(days=3), Lay("hstc", "HSTC", T, moved), Lay("tm", "TM", moved, T + timedelta(days=3)))
    assert found == [("23", "G01", 1), ("24", "G01", Decimal("0.5")), ("24", "G03", Decimal("0.5")), ("25", "G03", 1)]
    assert sum(q for _, _, q in found) == 3


def test_of_three_wards_on_one_day_the_dearest_and_the_cheapest_over_four_hours_count() -> None:
    day = T.replace(hour=0) + timedelta(days=1)
    a, b, c = day + timedelta(hours=9), day + timedelta(hours=11), day + timedelta(hours=11)
    end = T + timedelta(days=3)
    found = days(end, Lay("hstc", "HSTC", T, a), Lay("tm", "TM", a, b), Lay("ngoai", "NGOAI", c, end))
    assert [x for x in found if x[0] == "24"] == [("24", "G01", Decimal("0.5")), ("24", "G04", Decimal("0.5"))]


def test_a_stay_that_runs_counts_up_to_now() -> None:
    assert len(days(None, now=T + timedelta(days=5))) == 5
    assert days(None, now=T + timedelta(hours=1)) == []


def test_ten_days_after_an_operation_the_bed_is_a_surgical_one() -> None:
    end = T + timedelta(days=14)
    found = days(end, Lay("ngoai", "NGOAI", T, end), operated=[T + timedelta(days=1)])
    assert [c for _, c, _ in found] == ["G04"] + ["G07"] * 11 + ["G04"] * 2


# ---- lines ------------------------------------------------------------------------------------------------------------


def line(id_: str, group: str, price: int, at: datetime = T, minutes: int = 0, **more: Any) -> Line:
    ended = at + timedelta(minutes=minutes) if minutes else None
    given: dict[str, Any] = {"own": id_, "doctor": "a", **more}
    return Line(id_, at, group, id_, id_, "lần", Decimal(1), Decimal(price), Decimal(price), ended=ended, **given)


def rates(*lines: Line) -> dict[str, int]:
    found = [{x.id: int(x.rate) for x in rules.rated(order)} for order in itertools.islice(itertools.permutations(lines), 24)]
    assert all(x == found[0] for x in found), "the order of the lines matters"
    return found[0]


def test_the_dearest_operation_of_a_session_is_whole_and_the_others_half_or_eighty() -> None:
    found = rates(
        line("a", "8", 3, minutes=60), line("b", "8", 5, T + timedelta(minutes=30), 60),
        line("c", "8", 2, T + timedelta(minutes=40), 60, doctor="other"),
    )  # fmt: skip
    assert found == {"a": 50, "b": 100, "c": 80}


def test_operations_of_two_sessions_are_each_whole() -> None:
    assert rates(line("a", "8", 3, minutes=60), line("b", "8", 5, T + timedelta(days=1), 60)) == {"a": 100, "b": 100}


def test_a_procedure_within_an_operation_is_eighty_and_one_outside_is_whole() -> None:
    op = line("op", "8", 3, minutes=60)
    inside, outside = line("in", "18", 1, T + timedelta(minutes=10)), line("out", "18", 1, T + timedelta(hours=3))
    assert rates(op, inside, outside) == {"op": 100, "in": 80, "out": 100}


def test_from_the_second_consultation_on_thirty_per_cent_and_never_more_than_twice_one() -> None:
    visits = [line(f"k{n}", "13", 45_000, T + timedelta(hours=n)) for n in range(6)]
    found = [int(x.rate) for x in rules.rated(visits)]
    assert found == [100, 30, 30, 30, 10, 0]
    asked_for = line("yc", "13", 200_000, T, demand=True)
    assert rates(asked_for, *visits[:2]) == {"yc": 100, "k0": 100, "k1": 30}


def test_what_was_taken_back_does_not_count_among_several() -> None:
    a, b = line("a", "8", 5, minutes=60), line("b", "8", 3, minutes=60)
    gone = line("a-r", "8", 5, minutes=60, reverses="a")
    assert {x.id: int(x.rate) for x in rules.rated([a, b, gone])} == {"a": 100, "a-r": 100, "b": 100}


def test_what_a_package_holds_is_paid_with_it() -> None:
    op = line("op", "8", 3_000_000, minutes=60, own="PT01", more={"kind": "service"})
    gas = line("gas", "18", 500_000, T + timedelta(minutes=5), own="GM01", more={"kind": "service"})
    later = line("late", "18", 500_000, T + timedelta(days=1), own="GM01", more={"kind": "service"})
    found = {x.id: (int(x.rate), x.package) for x in rules.rated([op, gas, later])}
    assert found == {"op": (100, ""), "gas": (0, "PT01"), "late": (100, "")}


# ---- drugs --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dose", "unit", "product", "sold", "many", "doubt"),
    [
        ("1000", "mg", "Paracetamol 500 mg", "Viên", "2", ""),
        ("250", "mg", "Paracetamol 500 mg", "Viên", "0.5", ""),
        ("20", "mg", "Furosemid 20 mg/2 mL", "Ống", "1", ""),
        ("30", "mg", "Furosemid 20 mg/2 mL", "Ống", "2", ""),
        ("1", "g", "Ceftriaxon 1 g", "Lọ", "1", ""),
        ("2", "viên", "Amlodipin 5 mg", "Viên", "2", ""),
        ("10", "đơn vị", "Insulin 100 đơn vị/mL, 3 mL", "Bút", "1", "quantity"),
        ("5", "giọt", "Nước mắt nhân tạo", "Lọ", "1", "quantity"),
    ],
)
def test_how_many_were_opened(dose: str, unit: str, product: str, sold: str, many: str, doubt: str) -> None:
    assert rules.units(Decimal(dose), unit, product, sold) == (Decimal(many), doubt)


def test_a_dose_that_nobody_wrote_is_one_and_doubtful() -> None:
    assert rules.units(None, "", "Paracetamol 500 mg", "Viên") == (Decimal(1), "quantity")
