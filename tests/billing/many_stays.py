"""Random visits and charges by number: the same seed gives the same stays, quickly, for comparing two implementations of the share
on very many. What lies at an edge (a limit, a day on which something changes, nothing, all) is drawn often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal as D
from random import Random
from typing import TypeVar

from longbien.base.clock import HANOI
from longbien.billing.lines import ZERO, Card, Facility, Line, Visit

T = TypeVar("T")
BEGINS = (datetime(2025, 3, 3, 8, tzinfo=HANOI), datetime(2026, 6, 28, 22, tzinfo=HANOI), datetime(2026, 11, 10, 7, tzinfo=HANOI))
PRICES = tuple(
    D(p) for p in ("0", "0.333", "1", "999.999", "45000", "126500", "351000", "379500", "2530000", "60000000", "113850000")
)
OBJECTS = ("", "", "", "", "1.1", "1.1", "1.3", "1.4", "1.13", "1.18", "2", "3.1", "7.3", "9")


def stays(seed: int, count: int) -> Iterator[tuple[Visit, list[Line]]]:
    """`count` stays, each of a generator of its own: stay n of a seed is always the same."""
    for n in range(count):
        yield stay(Random(f"{seed}/{n}"), str(n))


def stay(r: Random, id_: str) -> tuple[Visit, list[Line]]:
    visit = _visit(r, id_)
    charged = [_line(r, visit, f"l{n}") for n in range(r.choice((0, 1, 2, 5, 12)))]
    lines = charged + [x for line in charged for x in _backs(r, line)]
    r.shuffle(lines)
    return visit, lines


def _visit(r: Random, id_: str) -> Visit:
    begin = r.choice(BEGINS) + timedelta(minutes=r.randrange(3000))
    end = None if r.random() < 0.2 else begin + timedelta(minutes=r.choice((30, 600, 5000, 40000)))
    facility = Facility(
        "01001", r.choice(("ban-dau", "co-ban", "chuyen-sau")), r.choice((None, 0, 49, 50, 69, 70, 95)),
        r.choice(("", "xa", "huyen", "tinh", "trung-uong")),
    )  # fmt: skip
    others = r.sample(("I10", "E76.1", "e752", "G12.01", "J18.9"), r.randrange(3))
    return Visit(
        id_, id_, begin, end, r.choice(("01", "01", "02", "03", "03", "03", "04", "06", "09", "99")), facility,
        tuple(_card(r, begin, n) for n in range(r.choice((0, 1, 1, 1, 2, 3)))), r.choice(OBJECTS), emergency=_seldom(r),
        referred=_seldom(r), again=_seldom(r), newborn=_seldom(r), diagnosis=r.choice(("", "I10", "E75.2", "E74.01")),
        others=tuple(others), paid_before=D(r.choice((0, 0, 1000, 14_000_000, 15_179_999, 15_180_000, 99_000_000))),
    )  # fmt: skip


def _seldom(r: Random) -> bool:
    return r.random() < 0.15


def _card(r: Random, begin: datetime, n: int) -> Card:
    day = begin.date()
    begins = day + timedelta(days=r.choice((-400, -400, -30, -1, 0, 0, 1, 3)))
    ends = None if _seldom(r) else begins + timedelta(days=r.choice((1, 29, 30, 31, 401, 401, 500, 800, 800)))
    number = r.choice(("DN4", "HN2", "DT2", "hn2", "TE1", "QN5", "0")) + str(r.randrange(10**11, 10**12))
    return Card(
        number, r.choice((0, 1, 2, 3, 4, 4, 4, 5, 9)), begins, ends, r.choice(("", "01001", "01001", "01002")),
        r.choice((None, date(2020, 1, 1), date(2020, 1, 1), day, day + timedelta(days=2))), r.choice(("", "", "K1", "K3")),
        None if r.random() < 0.7 else begin + timedelta(minutes=r.choice((0, 60, 2000))), f"c{n}",
    )  # fmt: skip


def _line(r: Random, visit: Visit, id_: str) -> Line:
    price = _price(r)
    insured = r.choice((price, price, price, ZERO, _price(r)))
    return Line(
        id_, visit.begin + timedelta(minutes=r.choice((0, 1, 59, 60, 61, 1440, 3000, 20000, 30000))),
        r.choice(("1", "4", "10", "10", "15", "18")),
        "x", "x", "x", D(r.choice(("1", "1", "1", "2", "3", "0.5", "0.33", "0", "120"))), price, insured,
        rate=D(r.choice((100, 100, 100, 80, 50, 33, 30, 10, 0))), covered=D(r.choice((100, 100, 100, 70, 50, 30, 0))),
        scope=r.choice("111123"), demand=_seldom(r), other=r.choice((ZERO, ZERO, ZERO, D("0.01"), _price(r))),
        package=r.choice(("", "", "G1", "G2")), ceiling=r.choice((None, None, None, _price(r))),
    )  # fmt: skip


def _price(r: Random) -> D:
    return r.choice(PRICES) if r.random() < 0.5 else D(r.randrange(10 ** r.randrange(3, 11))) / 1000


def _backs(r: Random, line: Line) -> Sequence[Line]:
    """Taken back wholly, in pieces, more than there was, and what takes back the taking back."""
    ways: tuple[tuple[D, ...], ...] = ((), (), (), (-line.quantity,), (D("-0.1"), D("-0.2")), (-line.quantity, D("-1")))
    out: list[Line] = []
    for n, quantity in enumerate(r.choice(ways)):
        out.append(
            Line(
                f"r{n}{line.id}", line.at + timedelta(minutes=r.choice((0, 5, 5000))), line.group, "x", "x", "x", quantity,
                line.price, line.insured, reverses=line.id,
            )
        )  # fmt: skip
    if out and _seldom(r):
        first = out[0]
        out.append(Line(f"z{line.id}", first.at, "1", "x", "x", "x", -first.quantity, ZERO, ZERO, reverses=first.id))
    if _seldom(r):
        out.append(Line(f"q{line.id}", line.at, "1", "x", "x", "x", D(-1), line.price, line.insured, reverses="nobody"))
    return out
