"""What holds of the insurance share whatever the visit."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal as D
from typing import Any

import second_share as second
from hypothesis import given, settings
from hypothesis import strategies as st
from many_stays import stays
from random_stays import back, cards, lines, reversals, visits

from longbien.base.words import words
from longbien.billing.lines import Bill, Card, Line, Visit
from longbien.billing.share import judge, told
from longbien.billing.share.cards import day_of, runs

many = settings(max_examples=80, deadline=None)
NAMES = ("insurer", "copay", "own", "other")


def what(bill: Bill) -> dict[str, tuple[D, ...]]:
    return {s.line.id: tuple(getattr(s, n) for n in ("total", "basis", *NAMES, "benefit")) for s in bill.shares}


@st.composite
def bills(draw: Any) -> tuple[Visit, list[Line]]:
    charged = draw(lines())
    return draw(visits()), [*charged, *draw(reversals(charged))]


@many
@given(bills())
def test_shares_sum_to_the_line_and_lines_to_the_bill(one: tuple[Visit, list[Line]]) -> None:
    bill = judge(*one)
    for s in bill.shares:
        assert s.insurer + s.copay + s.own + s.other == s.total
        assert all(getattr(s, n).as_tuple().exponent == -2 for n in ("total", "basis", *NAMES))
    for n in ("total", "basis", *NAMES):
        assert sum(getattr(s, n) for s in bill.shares) == getattr(bill, n)
    assert bill.to_pay == bill.copay + bill.own + bill.rounding
    assert abs(bill.rounding) <= D("0.5")


@many
@given(bills(), st.randoms())
def test_the_order_of_lines_and_cards_does_not_matter(one: tuple[Visit, list[Line]], chance: random.Random) -> None:
    visit, given_ = one
    mixed, cards_ = list(given_), list(visit.cards)
    chance.shuffle(mixed)
    chance.shuffle(cards_)
    assert what(judge(replace(visit, cards=cards_), mixed)) == what(judge(visit, given_))


@many
@given(visits(), lines())
def test_a_reversal_takes_back_exactly_and_touches_nothing_else(visit: Visit, charged: list[Line]) -> None:
    for gone in charged[:1]:
        without = what(judge(visit, charged[1:]))
        both = what(judge(visit, [*charged, back(gone, -gone.quantity)]))
        assert {k: v for k, v in both.items() if k in without} == without
        assert all(a + b == 0 for a, b in zip(both[gone.id][:6], both[f"r-{gone.id}"][:6], strict=True))


def patient(bill: Bill) -> D:
    return bill.copay + bill.own


@many
@given(visits(most=0), cards(), lines())
def test_a_better_level_never_costs_the_patient_more(visit: Visit, card: Card, charged: list[Line]) -> None:
    paid = [patient(judge(replace(visit, cards=(replace(card, level=n),)), charged)) for n in (4, 3, 2, 1, 5)]
    assert paid == sorted(paid, reverse=True)


@many
@given(visits(), lines())
def test_more_benefit_never_costs_the_patient_more(visit: Visit, charged: list[Line]) -> None:
    now = patient(judge(visit, charged))
    assert patient(judge(replace(visit, object="1.1"), charged)) <= now
    assert patient(judge(replace(visit, paid_before=visit.paid_before + 1_000_000), charged)) <= now
    long = tuple(replace(c, five_years=c.begins) for c in visit.cards)
    assert patient(judge(replace(visit, cards=long), charged)) <= now


@many
@given(visits(most=0), cards(), lines(), st.integers(1, 20))
def test_two_cards_one_after_the_other_count_each_for_its_days(visit: Visit, one: Card, charged: list[Line], n: int) -> None:
    first = replace(one, number="A", begins=day_of(visit.begin), ends=day_of(visit.begin) + timedelta(days=n), shown=None)
    second = replace(first, number="B", begins=first.ends + timedelta(days=1), ends=None, level=3)  # type: ignore[operator]
    for s in judge(replace(visit, cards=(second, first), object="1.1"), charged).shares:
        if s.card:
            assert runs({"A": first, "B": second}[s.card], day_of(s.line.at))


@many
@given(bills(), st.sampled_from(["vi", "en"]))
def test_everything_says_why(one: tuple[Visit, list[Line]], lang: str) -> None:
    bill = judge(*one)
    w = words(lang)
    for why in (bill.why, *(s.why for s in bill.shares)):
        assert why
        assert all(text and "%(" not in text and "%%" not in text for text in told(why, w))


def test_what_holds_holds_at_the_edges_too() -> None:
    """Two thousand stays that lie at limits and on days of change."""
    paid = 0
    for visit, given_ in stays(1, 2000):
        bill = judge(visit, given_)
        paid += bool(bill.insurer)
        assert all(s.insurer + s.copay + s.own + s.other == s.total for s in bill.shares)
        assert sum(s.total for s in bill.shares) == bill.total
        assert what(judge(visit, given_[::-1])) == what(bill)
    assert 400 < paid < 1600


def test_the_second_implementation_agrees_at_the_edges() -> None:
    for visit, given_ in stays(2, 800):
        bill, other = judge(visit, given_), second.judge(visit, given_)
        for s in bill.shares:
            assert (s.total, s.basis, s.other, s.insurer, s.copay, s.own, s.benefit, s.card) == other["lines"][s.line.id]  # type: ignore[index]
        assert (bill.object, bill.to_pay, bill.rounding) == (other["object"], other["to_pay"], other["rounding"])
