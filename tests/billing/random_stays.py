"""Random visits and charges for properties of the insurance share."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal as D
from typing import Any

from hypothesis import strategies as st

from longbien.base.clock import HANOI
from longbien.billing.lines import Card, Facility, Line, Visit

START = datetime(2026, 6, 20, 8, tzinfo=HANOI)

money = st.decimals(0, 100_000_000, places=3)
moments = st.integers(0, 30 * 24 * 60).map(lambda m: START + timedelta(minutes=m))
days = st.integers(-20, 40).map(lambda n: START.date() + timedelta(days=n))
facilities = st.builds(
    Facility, st.just("01001"), st.sampled_from(["ban-dau", "co-ban", "chuyen-sau"]), st.none() | st.integers(0, 100),
    st.sampled_from(["", "xa", "huyen", "tinh", "trung-uong"]),
)  # fmt: skip


@st.composite
def lines(draw: Any, most: int = 8) -> list[Line]:
    """Charges, none of them negative."""
    return [_line(draw, f"l{n}") for n in range(draw(st.integers(0, most)))]


def _line(draw: Any, id_: str) -> Line:
    return Line(
        id_, draw(moments), draw(st.sampled_from(["1", "4", "10", "15", "18"])), "x", "x", "x",
        draw(st.decimals("0.01", 50, places=2)), draw(money), draw(money | st.just(D(0))),
        rate=D(draw(st.sampled_from([100, 100, 80, 50, 30, 10]))), covered=D(draw(st.sampled_from([100, 100, 70, 50, 30, 0]))),
        scope=draw(st.sampled_from("1123")), demand=draw(st.booleans()),
        other=draw(st.just(D(0)) | st.decimals(0, 10**7, places=2)),
        package=draw(st.sampled_from(["", "", "G1", "G2"])), ceiling=draw(st.none() | money),
    )  # fmt: skip


@st.composite
def reversals(draw: Any, of: list[Line]) -> list[Line]:
    """What takes back some of these, never more than there was, some in two pieces, some taken back themselves."""
    out = []
    for line in of:
        part = draw(st.sampled_from([0, 0, 1, 2, 3]))
        if part == 1:
            out.append(back(line, -line.quantity))
        if part == 2:
            half = (line.quantity / 2).quantize(D("0.01"))
            out += [back(line, -half), back(line, half - line.quantity, "'")]
        if part == 3:
            first = back(line, -line.quantity)
            out += [first, back(first, line.quantity)]
    return out


def back(line: Line, quantity: D, mark: str = "") -> Line:
    return Line(
        f"r-{line.id}{mark}", line.at + timedelta(hours=1), line.group, line.code, line.name, line.unit, quantity, line.price,
        line.insured, reverses=line.id,
    )  # fmt: skip


@st.composite
def cards(draw: Any) -> Card:
    begins = draw(days)
    return Card(
        draw(st.sampled_from(["DN4", "HN2", "TE1", "QN5"])) + str(draw(st.integers(10**11, 10**12 - 1))), draw(st.integers(1, 5)),
        begins,
        draw(st.none() | st.integers(0, 60).map(lambda n: begins + timedelta(days=n))), draw(st.sampled_from(["", "01001"])),
        draw(st.none() | st.just(date(2020, 1, 1)) | days), draw(st.sampled_from(["", "K1"])), draw(st.none() | moments),
    )  # fmt: skip


@st.composite
def visits(draw: Any, most: int = 3) -> Visit:
    flag = st.sampled_from([False, False, True])
    return Visit(
        "v", "1", START, draw(st.none() | moments), draw(st.sampled_from(["01", "02", "03", "09"])), draw(facilities),
        tuple(draw(st.lists(cards(), max_size=most))), draw(st.sampled_from(["", "", "", "1.1", "3.1", "9", "7.3"])),
        emergency=draw(flag), referred=draw(flag), again=draw(flag), newborn=draw(flag),
        diagnosis=draw(st.sampled_from(["I10", "E76.1"])), paid_before=draw(st.just(D(0)) | st.decimals(0, 20_000_000, places=2)),
    )  # fmt: skip
