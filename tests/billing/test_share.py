"""Who pays what of a visit: cases worked by hand."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal as D

import pytest

from longbien.base.clock import HANOI
from longbien.base.words import words
from longbien.billing.lines import Bill, Card, Facility, Line, Visit
from longbien.billing.share import decide, judge, told

DISTRICT = Facility("01020", "co-ban", 60, "huyen")
CENTRAL = Facility("01929", "chuyen-sau", 90, "trung-uong")
PROVINCE = Facility("01003", "chuyen-sau", 80, "tinh")
BASIC = Facility("01050", "co-ban", 60, "")
COMMUNE = Facility("01999", "ban-dau", None, "xa")


def at(day: int, month: int = 11, year: int = 2026, hour: int = 9) -> datetime:
    return datetime(year, month, day, hour, tzinfo=HANOI)


def card(level: int = 4, **more: object) -> Card:
    return replace(Card("DN4010123456789", level, date(2026, 1, 1), date(2026, 12, 31), "01020"), **more)  # type: ignore[arg-type]


def visit(*cards: Card, **more: object) -> Visit:
    base = Visit("v", "1", at(10), at(20), "03", DISTRICT, cards)
    return replace(base, **more)  # type: ignore[arg-type]


def line(id_: str = "a", price: str = "1000000", **more: object) -> Line:
    base = Line(id_, at(12), "1", "x", "Công thức máu", "lần", D(1), D(price), D(price))
    return replace(base, **more)  # type: ignore[arg-type]


def amounts(bill: Bill) -> tuple[D, D, D, D]:
    return bill.insurer, bill.copay, bill.own, bill.other


@pytest.mark.parametrize(("level", "insurer"), [(1, "1000000"), (2, "1000000"), (3, "950000"), (4, "800000"), (5, "1000000")])
def test_each_level_pays_its_rate(level: int, insurer: str) -> None:
    bill = judge(visit(card(level)), [line()])
    assert amounts(bill) == (D(insurer), D(1000000) - D(insurer), 0, 0)
    assert bill.object == "1.1"


def test_a_small_visit_is_paid_in_full_below_the_limit_of_its_day_only() -> None:
    out = {"kind": "01", "begin": at(1), "end": at(1)}
    assert judge(visit(card(), **out), [line(price="379499", at=at(1))]).copay == 0
    assert judge(visit(card(), **out), [line(price="379500", at=at(1))]).copay == D("75900")
    june = {"kind": "01", "begin": at(30, 6), "end": at(30, 6)}
    assert judge(visit(card(), **june), [line(price="351000", at=at(30, 6))]).copay == D("70200")
    assert judge(visit(card(), **june), [line(price="350999", at=at(30, 6))]).copay == 0


def test_while_a_visit_goes_on_the_small_limit_is_said_with_care() -> None:
    little = [line(price="100000")]
    over, going = judge(visit(card()), little), judge(visit(card(), end=None), little)
    assert "less than 379,500" in told(over.why, words("en"))[-1]
    assert told(going.why, words("en"))[-1].startswith("So far")


@pytest.mark.parametrize(
    ("facility", "kind", "more", "code"),
    [
        (DISTRICT, "01", {}, "3.3"),
        (BASIC, "03", {}, "1.15"),
        (BASIC, "01", {}, "1.13"),
        (replace(BASIC, score=49), "01", {}, "1.12"),
        (replace(BASIC, score=None), "01", {}, "1.12"),
        (replace(BASIC, before="tinh"), "01", {}, "1.14"),
        (replace(BASIC, score=75), "01", {}, ""),
        (PROVINCE, "01", {}, "1.18"),
        (PROVINCE, "03", {}, "3.2"),
        (CENTRAL, "01", {}, "3.1"),
        (CENTRAL, "03", {}, "3.1"),
        (CENTRAL, "01", {"referred": True}, "1.3"),
        (CENTRAL, "01", {"again": True}, "1.5"),
        (CENTRAL, "03", {"emergency": True}, "2"),
        (CENTRAL, "03", {"newborn": True}, "1.7"),
        (CENTRAL, "01", {"diagnosis": "E75.2"}, "1.17"),
        (CENTRAL, "01", {"others": ("I10", "E76.1")}, "1.17"),
        (COMMUNE, "01", {}, "1.2"),
        (replace(COMMUNE, before=""), "01", {}, "1.11"),
    ],
)
def test_the_category_is_decided_from_the_top(facility: Facility, kind: str, more: dict[str, object], code: str) -> None:
    assert decide(visit(card(registered="09999"), facility=facility, kind=kind, **more))[0] == code


def test_the_category_without_a_card_in_force_is_self_pay() -> None:
    assert decide(visit())[0] == "9"
    assert decide(visit(card(ends=date(2026, 11, 9))))[0] == "9"
    assert decide(visit(card(begins=date(2026, 11, 15))))[0] == "1.1"


def test_out_patients_who_come_by_themselves_get_half_since_july() -> None:
    there = {"facility": BASIC, "kind": "01"}
    june = visit(card(registered=""), begin=at(30, 6), end=at(30, 6), **there)
    july = visit(card(registered=""), begin=at(1, 7), end=at(1, 7), **there)
    assert amounts(judge(june, [line(at=at(30, 6))])) == (0, 0, 1000000, 0)
    bill = judge(july, [line(at=at(1, 7))])
    assert amounts(bill) == (400000, 600000, 0, 0)
    assert bill.shares[0].benefit == 40
    assert judge(replace(july, cards=[card(3, registered="")]), [line(at=at(1, 7))]).shares[0].benefit == D("47.5")


def test_an_admission_at_a_central_hospital_without_referral_gets_40_per_cent_of_the_card() -> None:
    bill = judge(visit(card(registered=""), facility=CENTRAL), [line()])
    assert (bill.insurer, bill.shares[0].benefit) == (320000, 32)


def test_a_commune_station_is_paid_in_full() -> None:
    assert judge(visit(card(), facility=COMMUNE, kind="01"), [line()]).insurer == 1000000


def test_ratios_bind_levels_2_to_4_alone() -> None:
    half = line(covered=D(50))
    assert amounts(judge(visit(card(4)), [half])) == (400000, 100000, 500000, 0)
    assert amounts(judge(visit(card(1)), [half])) == (1000000, 0, 0, 0)
    assert judge(visit(card(1)), [line(covered=D(0))]).own == 1000000


@pytest.mark.parametrize(("scope", "level", "own"), [("1", 4, 0), ("2", 5, 1000000), ("3", 4, 1000000), ("3", 5, 0)])
def test_scopes(scope: str, level: int, own: int) -> None:
    assert judge(visit(card(level)), [line(scope=scope)]).own == own


def test_what_was_asked_for_above_the_price_is_the_patients() -> None:
    asked = line(price="2000000", insured=D(1000000), demand=True)
    assert amounts(judge(visit(card()), [asked])) == (800000, 200000, 1000000, 0)


def test_a_second_consultation_asked_for_counts_as_decision_3176_shows() -> None:
    second = line(price="100000", insured=D(40000), rate=D(30), demand=True)
    share = judge(visit(card()), [second, line("b")]).shares[0]
    assert (share.total, share.basis) == (72000, 12000)


def test_a_ceiling_limits_what_the_insurance_counts_for_one() -> None:
    stent = line(price="1000000", quantity=D(2), ceiling=D(600000))
    assert amounts(judge(visit(card()), [stent])) == (960000, 240000, 800000, 0)


def test_supplies_of_one_package_have_a_limit_together() -> None:
    two = [line(x, "80000000", group="10", package="G1") for x in "ab"]
    bill = judge(visit(card(), paid_before=D(0)), two)
    assert bill.basis == 45 * 2530000
    assert [s.basis for s in bill.shares] == [80000000, 45 * 2530000 - 80000000]
    assert judge(visit(card(1)), two).basis == 160000000


@pytest.mark.parametrize(
    ("other", "want"),
    [("300000", (400000, 100000, 200000)), ("550000", (400000, 50000, 0)), ("700000", (300000, 0, 0)), ("2000000", (0, 0, 0))],
)
def test_other_sources_are_taken_off_own_then_copayment_then_fund(other: str, want: tuple[int, int, int]) -> None:
    bill = judge(visit(card()), [line(covered=D(50), other=D(other))])
    assert (bill.insurer, bill.copay, bill.own) == want
    assert bill.insurer + bill.copay + bill.own + bill.other == bill.total


def test_after_five_years_the_copayments_of_a_year_end_at_six_reference_levels() -> None:
    old = card(five_years=date(2025, 1, 1))
    bill = judge(visit(old, paid_before=D(6 * 2530000 - 50000)), [line("a"), line("b", at=at(13))])
    assert (bill.copay, bill.insurer) == (50000, 1950000)
    assert [s.copay for s in bill.shares] == [50000, 0]
    assert bill.shares[1].benefit == 100
    assert judge(visit(card(), paid_before=D(99000000)), [line()]).copay == 200000
    off = visit(old, paid_before=D(99000000), facility=CENTRAL)
    assert judge(replace(off, cards=[replace(old, registered="")]), [line()]).copay == 680000


def test_a_card_that_ends_in_a_stay_counts_fifteen_days_more() -> None:
    ending = card(ends=date(2026, 11, 12))
    stay = visit(ending, end=at(29, 11))
    days = [line(str(d), at=at(d)) for d in (12, 13, 27, 28)]
    assert [s.insurer > 0 for s in judge(stay, days).shares] == [True, True, True, False]
    assert [s.insurer > 0 for s in judge(replace(stay, kind="01"), days).shares] == [True, False, False, False]
    told_ = "\n".join(told(judge(stay, days).why, words("en")))
    assert "ended on 12/11/2026; for this stay it counts until 27/11/2026" in told_


def test_a_card_shown_late_splits_the_stay_but_not_in_an_emergency() -> None:
    late = card(shown=at(12, hour=10))
    both = [line("a", at=at(12, hour=9)), line("b", at=at(12, hour=10))]
    assert [s.insurer for s in judge(visit(late), both).shares] == [0, 800000]
    assert [s.insurer for s in judge(visit(late, emergency=True), both).shares] == [800000, 800000]


def test_two_cards_count_each_for_its_days() -> None:
    first, second = card(4, ends=date(2026, 11, 12)), card(3, number="HT3", begins=date(2026, 11, 13))
    both = [line("a", at=at(12, hour=23)), line("b", at=at(13, hour=0))]
    bill = judge(visit(second, first), both)
    assert [(s.card[:2], s.insurer) for s in bill.shares] == [("DN", 800000), ("HT", 950000)]


def test_a_reversal_takes_back_exactly_in_parts_too() -> None:
    third = line("x", "33.335", quantity=D(3), other=D("0.10"))
    backs = [replace(third, id=f"r{n}", quantity=D(-1), reverses="x", at=at(13), other=D(0)) for n in range(3)]
    bill = judge(visit(card()), [*backs, third])
    assert (bill.total, *amounts(bill)) == (0, 0, 0, 0, 0)
    assert judge(visit(card()), [third, *backs[:1]]).total == D("66.67")


def test_what_a_person_pays_is_whole_dong_half_up() -> None:
    bill = judge(visit(), [line(price="0.5", insured=D(0))])
    assert (bill.to_pay, bill.rounding) == (1, D("0.50"))


def test_a_category_that_nobody_knows_counts_nothing_and_says_so() -> None:
    bill = judge(visit(card(), object="7.3"), [line()])
    assert bill.own == 1000000
    assert "7.3" in " ".join(told(bill.why, words("vi")))


def test_what_is_in_a_package_says_so_and_costs_nothing() -> None:
    bill = judge(visit(card()), [line(rate=D(0), package="PT01")])
    assert (bill.total, told(bill.shares[0].why, words("vi"))) == (0, ["Khoản này đã tính trong gói: không phải trả riêng."])


@pytest.mark.parametrize("lang", ["vi", "en"])
def test_every_line_and_the_bill_say_why(lang: str) -> None:
    asked = [
        line("a", "2000000", insured=D(1000000), demand=True, other=D(5)),
        line("b", covered=D(50), rate=D(80), ceiling=D(7)),
        line("c", scope="2"),
        line("d", scope="3"),
        line("e", quantity=D(-1), reverses="c", at=at(13)),
    ]
    bill = judge(visit(card()), asked)
    for share in bill.shares:
        assert all(told(share.why, words(lang))), share.line.id
    assert "%" not in words(lang).number(1) and not any("%(" in t for s in bill.shares for t in told(s.why, words(lang)))
    assert len(told(bill.why, words(lang))) == 2


def test_1500_lines_are_judged_quickly() -> None:
    many = [line(str(n), "12345.678", at=at(10 + n % 10)) for n in range(1500)]
    start = time.process_time()
    bill = judge(visit(card(five_years=date(2020, 1, 1))), many)
    assert len(bill.shares) == 1500
    assert time.process_time() - start < 0.5
