"""Charges with what takes them back, and the terms by which a visit is judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from ..lines import ZERO, Card, Line
from . import cards
from .amounts import Cost, Parts
from .tables import Level


@dataclass(slots=True)
class Group:
    """A charge with its reversals. day: of its root. steps: the quantity after each line, root first. net: what is left, as the
    visit bears it. cut: basis beyond the limit of supplies. plain: MUC_HUONG before the limit of the year, benefit: after it;
    waived: what that took."""

    root: Line
    lines: list[Line]
    steps: list[Decimal]
    day: date
    card: Card | None = None
    level: Level | None = None
    ratio: Decimal = ZERO
    net: Cost = field(default_factory=Cost)
    cut: Decimal = ZERO
    benefit: Decimal = ZERO
    parts: Parts = field(default_factory=Parts)
    waived: Decimal = ZERO
    plain: Decimal = ZERO

    @property
    def left(self) -> Decimal:
        return self.steps[-1]


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for the whole visit. day: the day whose parameters count. percent: what the object gives of the card's rate.
    small: the limit of a small visit, where this one is below it. free: a place where care is paid in full. room: how much of this
    year's copayments is still the patient's, None where there is no such limit."""

    day: date
    object: str
    percent: Decimal
    small: Decimal | None = None
    free: bool = False
    room: Decimal | None = None


def grouped(lines: Sequence[Line]) -> list[Group]:
    """Charges with what takes them back, in the order of (when, id)."""
    by_id = {line.id: line for line in lines}
    found: dict[str, list[Line]] = {}
    for line in lines:
        found.setdefault(_root(line, by_id).id, []).append(line)
    groups = [_group(by_id[root], members) for root, members in found.items()]
    return sorted(groups, key=lambda g: _place(g.root))


def _root(line: Line, by_id: Mapping[str, Line]) -> Line:
    """The charge that a reversal takes back at last; itself where that is not among the lines, or where they name each other."""
    seen = {line.id}
    at = line
    while at.reverses and at.reverses in by_id:
        at = by_id[at.reverses]
        if at.id in seen:
            return line
        seen.add(at.id)
    return at


def _group(root: Line, members: Sequence[Line]) -> Group:
    rest = sorted((m for m in members if m is not root), key=_place)
    steps = [root.quantity]
    for line in rest:
        steps.append(steps[-1] + line.quantity)
    return Group(root, [root, *rest], steps, cards.day_of(root.at))


def _place(line: Line) -> tuple[datetime, str]:
    return cards.aware(line.at), line.id


def rate(level: Level | None, terms: Terms) -> Decimal:
    """MUC_HUONG: the card's rate, full for a small visit or a place of full care, times what the object gives."""
    if level is None:
        return ZERO
    own = Decimal(100) if terms.small is not None or terms.free else level.rate
    return own * terms.percent / 100
