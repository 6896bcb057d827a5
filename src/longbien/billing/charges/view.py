"""A bill as it is shown: by group of costs or by day, with sums; lines only of what is opened. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from longbien.base import clock
from longbien.base.words import Words, mark

from .. import share as shares
from ..lines import ZERO, Bill, Share
from . import rules, tables

GROUPS: dict[str, str] = {
    "1": mark("Laboratory tests"), "2": mark("Imaging and scans"), "3": mark("Functional tests"), "4": mark("Drugs and infusions"),
    "5": mark("Drugs outside the list"), "6": mark("Drugs paid in part"), "7": mark("Blood"), "8": mark("Operations"),
    "9": mark("Services paid in part"), "10": mark("Medical supplies"), "11": mark("Supplies outside the list"),
    "12": mark("Patient transport"), "13": mark("Consultations"), "14": mark("Day-care beds"), "15": mark("Bed days"),
    "16": mark("Observation beds"), "17": mark("Blood components"), "18": mark("Minor procedures"), "19": mark("Other services"),
}  # fmt: skip
"""MA_NHOM of decision 3176 -> what it is called on a bill."""
DOUBTS: dict[str, str] = {
    "quantity": mark("How much was opened cannot be told from the dose: look at it."),
    "not-dispensed": mark("Prescribed; handing out is not recorded yet."),
}
SHOWN = 100
"""Lines of a group or a day that are drawn at a time."""


@dataclass(slots=True)
class Part:
    """A group of costs or a day with its sums. n: lines that stand."""

    key: str
    title: str
    n: int = 0
    total: Decimal = ZERO
    insurer: Decimal = ZERO
    other: Decimal = ZERO
    pays: Decimal = ZERO
    own: Decimal = ZERO
    lines: list[Share] = field(default_factory=list)

    def add(self, x: Share, counts: bool) -> None:
        self.n += counts
        self.total += x.total
        self.insurer += x.insurer
        self.other += x.other
        self.own += x.own
        self.pays += x.copay + x.own
        self.lines.append(x)


def _parts(bill: Bill, key: Callable[[Share], str]) -> dict[str, Part]:
    standing = {x.id for x in rules.live(s.line for s in bill.shares)}
    found: dict[str, Part] = {}
    for x in bill.shares:
        k = key(x)
        if k not in found:
            found[k] = Part(k, "")
        found[k].add(x, x.line.id in standing)
    return found


def by_group(bill: Bill, w: Words) -> list[Part]:
    found = _parts(bill, lambda x: x.line.group)
    order = tables.group_order()
    for key, part in found.items():
        part.title = w(GROUPS.get(key, GROUPS["19"]))
    return sorted(found.values(), key=lambda p: (order.get(p.key, 99), p.key))


def by_day(bill: Bill, w: Words) -> list[Part]:
    found = _parts(bill, lambda x: clock.local(x.line.at).date().isoformat())
    for key, part in found.items():
        day = date.fromisoformat(key)
        part.title = f"{w.weekday(day)} {w.date(day)}"
    return sorted(found.values(), key=lambda p: p.key)


def amount(value: Decimal, w: Words) -> str:
    """Dong; hundredths only where there are any."""
    whole = value == value.to_integral_value()
    return w.money(value) if whole else f"{w.number(value, 2)}\u00a0đ"


def row(x: Share, w: Words, gone: frozenset[str]) -> SimpleNamespace:
    """One line as it is shown. struck: it was taken back, or takes back."""
    line = x.line
    notes = [w(DOUBTS[d])] if (d := str(line.more.get("doubt") or "")) in DOUBTS else []
    if line.more.get("unpriced"):
        notes.append(w("It has no price yet: ask who keeps the price list."))
    if line.package:
        notes.append(w("It is paid with %(package)s.", package=line.package))
    elif line.rate != 100:
        notes.append(
            w(
                "%(percent)s %% of the price, by the rules for several in one visit or session.",
                percent=w.number(line.rate.normalize()),
            )
        )
    return SimpleNamespace(
        id=line.id,
        name=line.name,
        at=line.at,
        unit=line.unit,
        quantity=w.number(_plain(line.quantity)),
        price=amount(line.price, w),
        rate=line.rate,
        total=amount(x.total, w),
        insurer=amount(x.insurer, w) if x.insurer else "",
        pays=amount(x.copay + x.own, w),
        why=shares.told(x.why, w),
        notes=notes,
        struck=bool(line.reverses) or line.id in gone,
        provisional=line.id.startswith("tam-"),
        doctor=line.more.get("doctor") or "",
        demo=bool(line.more.get("demo")),
        benefit=x.benefit,
    )


def _plain(value: Decimal) -> Decimal | int:
    return int(value) if value == value.to_integral_value() else value.normalize()


def rows(part: Part, bill: Bill, w: Words, page: int = 1) -> list[SimpleNamespace]:
    gone = frozenset(x.line.reverses for x in bill.shares if x.line.reverses)
    begin = max(0, page - 1) * SHOWN
    return [row(x, w, gone) for x in part.lines[begin : begin + SHOWN]]


def sums(bill: Bill, w: Words) -> SimpleNamespace:
    return SimpleNamespace(
        total=amount(bill.total, w), insurer=amount(bill.insurer, w), other=amount(bill.other, w), copay=amount(bill.copay, w),
        own=amount(bill.own, w), to_pay=w.money(bill.to_pay), rounding=bill.rounding, has_other=bool(bill.other),
        insured=bool(bill.insurer), why=shares.told(bill.why, w),
    )  # fmt: skip


def holding(bill: Bill) -> tuple[int, int]:
    """(lines without a price, lines that somebody should look at) among those that stand."""
    standing: Iterable[Any] = rules.live(s.line for s in bill.shares)
    lines = list(standing)
    return sum(bool(x.more.get("unpriced")) for x in lines), sum(x.more.get("doubt") == "quantity" for x in lines)


def demo(shares_: Sequence[Share]) -> bool:
    return any(x.line.more.get("demo") for x in shares_)
