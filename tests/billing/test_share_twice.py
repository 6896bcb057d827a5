"""The share rules, written twice, agree on random stays. `python tests/billing/test_share_twice.py 100000` compares as many as one
wants."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal as D
from random import Random

import second_share as second

from longbien.billing.lines import Card, Facility, Line, Visit
from longbien.billing.share import judge

START = datetime(2026, 6, 20, 8, tzinfo=second.HANOI)


def moment(c: Random, days: int) -> datetime:
    return START + timedelta(minutes=c.randrange(days * 1440))


def a_card(c: Random, n: int) -> Card:
    begins = START.date() + timedelta(days=c.randint(-400, 12))
    return Card(
        f"{c.choice(('DN', 'HT', 'CN', 'QN', 'TE', 'DT', 'HN'))}{c.choice('123457')}01{n}{c.randrange(10**8):09d}"[:15],
        c.choice((1, 2, 3, 4, 4, 4, 5, 7)), begins, c.choice((None, begins + timedelta(days=c.randint(0, 430)))),
        c.choice(("01001", "01002", "")), c.choice((None, begins, START.date() + timedelta(days=c.randint(-30, 20)))),
        c.choice(("", "", "K1", "K2", "K3")), c.choice((None, None, moment(c, 15))),
    )  # fmt: skip


def a_visit(c: Random) -> Visit:
    place = Facility(
        "01001", c.choice(("ban-dau", "co-ban", "chuyen-sau")), c.choice((None, c.randint(0, 100))),
        c.choice(("", "xa", "huyen", "tinh", "trung-uong")),
    )  # fmt: skip
    objects = ("1.1", "1.3", "1.12", "1.13", "1.14", "1.18", "2", "3.1", "3.2", "3.6", "7", "8", "9", "77")
    begin = moment(c, 3)
    return Visit(
        "v", "n", begin, c.choice((None, begin + timedelta(minutes=c.randrange(20 * 1440)))),
        c.choice(("01", "01", "02", "03", "03", "04", "05", "06", "07", "08", "09", "10", "13", "88")), place,
        tuple(a_card(c, n) for n in range(c.choice((0, 1, 1, 1, 2, 3)))), c.choice(("", "", "", c.choice(objects))),
        c.random() < 0.15, c.random() < 0.2, c.random() < 0.1, c.random() < 0.05, None, c.choice(("I10", "E76.1", "g12.0", "")),
        tuple(c.sample(("E11.9", "E75.22", "J18"), c.randrange(3))),
        c.choice((D(0), D(c.randrange(20_000_000)), D(c.randrange(200_000_000)) / 10)),
    )  # fmt: skip


def a_line(c: Random, n: int) -> Line:
    price = D(c.choice((c.randrange(1, 50_000), c.randrange(1, 5_000_000), c.randrange(1, 10**8)))) / c.choice((1, 1, 10, 1000))
    return Line(
        f"l{n}", moment(c, 20), c.choice(("1", "4", "6", "10", "10", "13", "15", "18")), "x", "x", "x",
        D(c.randrange(1, 4000)) / c.choice((1, 10, 100)), price, c.choice((price, price, price * c.randrange(0, 12) / 10, D(0))),
        D(c.choice((100, 100, 100, 80, 50, 30))), D(c.choice((100, 100, 100, 80, 50, 33, 0))), c.choice(("1", "1", "1", "2", "3")),
        c.random() < 0.15, c.choice((D(0), D(0), D(0), D(c.randrange(10**8)) / 100)), "", "", c.choice(("", "", "G1", "G2")),
        ceiling=c.choice((None, None, None, price * c.randrange(1, 15) / 10)),
    )  # fmt: skip


def some_lines(c: Random) -> list[Line]:
    lines = [a_line(c, n) for n in range(c.choice((0, 1, 2, 3, 5, 8, 12, 30)))]
    for n, line in enumerate(tuple(lines)):
        if c.random() < 0.2:
            share = c.choice((D(1), D(1), D("0.5"), D("0.25"), D("1.5")))
            back = replace(line, id=f"r{n}", at=moment(c, 25), quantity=-line.quantity * share, reverses=line.id)
            lines.append(back)
            if c.random() < 0.3:
                lines.append(replace(line, id=f"s{n}", at=moment(c, 25), quantity=line.quantity * share, reverses=back.id))
            if c.random() < 0.2:
                lines.append(replace(line, id=f"t{n}", at=back.at, quantity=-line.quantity / 10, reverses=line.id))
    if lines and c.random() < 0.03:
        lines.append(replace(lines[0], id="lost", reverses="nothing"))
        lines += [replace(lines[0], id="c1", reverses="c2"), replace(lines[0], id="c2", reverses="c1")]
    c.shuffle(lines)
    return lines


def differences(seed: int) -> list[str]:
    c = Random(seed)
    visit, lines = a_visit(c), some_lines(c)
    bill, other = judge(visit, lines), second.judge(visit, lines)
    found = [f"object {bill.object} {other['object']}"] if bill.object != other["object"] else []
    for s in bill.shares:
        mine = (s.total, s.basis, s.other, s.insurer, s.copay, s.own, s.benefit, s.card)
        if mine != other["lines"][s.line.id]:  # type: ignore[index]
            found.append(f"{s.line.id}: {[str(x) for x in mine]} {[str(x) for x in other['lines'][s.line.id]]}")  # type: ignore[index]
        assert s.insurer + s.copay + s.own + s.other == s.total
    if (bill.to_pay, bill.rounding) != (other["to_pay"], other["rounding"]):
        found.append(f"to pay {bill.to_pay} {bill.rounding} {other['to_pay']} {other['rounding']}")
    return [f"stay {seed}: {x}" for x in found]


def compared(seeds: range) -> list[str]:
    return [x for seed in seeds for x in differences(seed)]


def test_two_implementations_agree_on_random_stays() -> None:
    assert compared(range(1500)) == []


def test_the_stays_are_of_every_kind() -> None:
    """What is compared would show a difference: insured and not, cut by the year's limit, small, on and off the right line."""
    c = Random(5)
    bills = [judge(a_visit(c), some_lines(c)) for _ in range(600)]
    assert {b.object for b in bills} >= {"", "9", "1.1", "1.3", "2", "3.1", "1.15"}
    assert any(b.insurer > 0 and b.copay == 0 for b in bills) and any(b.copay > 0 and b.insurer > 0 for b in bills)
    assert any(b.other > 0 for b in bills) and any(b.rounding != 0 for b in bills)
    assert {s.benefit for b in bills for s in b.shares} >= {D(0), D(80), D(95), D(100), D(40)}


if __name__ == "__main__":
    wanted, step, wrong = int(sys.argv[1]), 500, 0
    with ProcessPoolExecutor() as pool:
        for part in pool.map(compared, (range(at, min(at + step, wanted)) for at in range(0, wanted, step))):
            wrong += len(part)
            print(*part[:20], sep="\n", end="\n" if part else "")
    print(f"{wanted:,} random stays, {wrong} differences")
    sys.exit(bool(wrong))
