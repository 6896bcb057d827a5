"""What becomes of a payment, as rules: every dong goes somewhere, and only what is certain settles a bill."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longbien.billing.money.matching import KINDS, SETTLED, Asked, decide


def bill(
    amount: int = 1000, owed: int = 1000, ended: str | None = None, cancelled: bool = False, ref: str = "R1"
) -> dict[str, Asked]:
    return {ref: Asked(ref, "bill", amount, owed, ended, cancelled)}


@pytest.mark.parametrize(
    ("amount", "asked", "kind", "to_bill", "held"),
    [
        (1000, bill(), "paid", 1000, 0),
        (999, bill(), "under", 0, 999),
        (1001, bill(), "over", 1000, 1),
        (1000, bill(owed=0, ended="paid"), "again", 0, 1000),
        (1000, bill(owed=0, ended="otherwise"), "again", 0, 1000),
        (1000, bill(owed=400, ended="part"), "again", 0, 1000),
        (600, bill(owed=600, ended="replaced"), "late", 600, 0),
        (1000, bill(owed=600, ended="replaced"), "over", 600, 400),
        (1000, bill(cancelled=True), "cancelled-bill", 0, 1000),
    ],
)
def test_a_payment_for_a_bill(amount: int, asked: dict[str, Asked], kind: str, to_bill: int, held: int) -> None:
    made = decide(amount, ["R1"], asked)
    assert (made.kind, made.bill, made.held) == (kind, to_bill, held)


def test_a_deposit_takes_whatever_comes_once() -> None:
    asked = {"D": Asked("D", "deposit", 500, 0, None)}
    assert decide(700, ["D"], asked).deposit == 700
    assert decide(700, ["D"], {"D": Asked("D", "deposit", 500, 0, "paid")}).kind == "again"


def test_two_bills_in_one_text_are_for_a_person() -> None:
    assert decide(2000, ["R1", "R2"], {**bill(), **bill(ref="R2")}).kind == "several"
    assert decide(1000, ["R1", "R2"], bill()).kind == "paid"  # the other is not ours


def test_without_a_reference_nothing_is_guessed() -> None:
    assert decide(1000, [], {}).kind == "unknown"
    assert decide(1000, ["R9"], {}).reference == "R9"


_asked = st.builds(
    Asked,
    st.sampled_from(["R1", "R2"]),
    st.sampled_from(["bill", "deposit"]),
    st.integers(1, 5000),
    st.integers(0, 5000),
    st.sampled_from([None, "paid", "part", "replaced", "otherwise"]),
    st.booleans(),
)


@given(st.integers(1, 10_000), st.lists(st.sampled_from(["R1", "R2", "R3"]), max_size=3, unique=True), st.lists(_asked, max_size=2))
def test_every_dong_goes_somewhere_and_no_bill_gets_more_than_it_owes(amount: int, refs: list[str], asked: list[Asked]) -> None:
    made = decide(amount, refs, {a.reference: a for a in asked})
    assert made.bill + made.deposit + made.held == amount
    assert min(made.bill, made.deposit, made.held) >= 0
    assert (made.held == 0) == (made.kind in SETTLED) and made.kind in KINDS
    if made.bill:
        a = next(a for a in reversed(asked) if a.reference == made.reference)
        assert made.bill <= a.owed and not a.cancelled and a.ended not in ("paid", "part")
