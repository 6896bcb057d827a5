"""The amounts of one charge: how much it costs, how much of it the insurance counts. Every amount is an odd function of the
quantity: what is taken back is the exact opposite of what was charged."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from ..lines import ZERO, Line
from .tables import Level

CENT = Decimal("0.01")
PER_CENT = Decimal("0.01")
HUNDRED = Decimal(100)


def two(amount: Decimal) -> Decimal:
    """Two places, half away from zero."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def within(amount: Decimal, limit: Decimal) -> Decimal:
    """amount, but not further from zero than limit."""
    return min(amount, abs(limit)) if amount >= 0 else max(amount, -abs(limit))


@dataclass(frozen=True, slots=True)
class Cost:
    """A charge at some quantity: total (THANH_TIEN_BV), basis (THANH_TIEN_BH), other (T_NGUONKHAC, as far as it reaches)."""

    total: Decimal = ZERO
    basis: Decimal = ZERO
    other: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Parts:
    """Who pays what: insurer + copay + own + other == total."""

    total: Decimal = ZERO
    basis: Decimal = ZERO
    other: Decimal = ZERO
    insurer: Decimal = ZERO
    copay: Decimal = ZERO
    own: Decimal = ZERO

    def less(self, o: Parts) -> Parts:
        return Parts(
            self.total - o.total, self.basis - o.basis, self.other - o.other, self.insurer - o.insurer, self.copay - o.copay,
            self.own - o.own,
        )  # fmt: skip


def unit(line: Line) -> Decimal:
    """The price that the insurance counts for one: never above the facility's own, nor above the ceiling (T_TRANTT)."""
    price = min(line.insured, line.price)
    return price if line.ceiling is None else min(price, line.ceiling)


def total(line: Line, quantity: Decimal) -> Decimal:
    """THANH_TIEN_BV. Asked for above the insurance's price, TYLE_TT_DV lowers the insured part alone (3176)."""
    if line.demand:
        return two(quantity * line.price - quantity * unit(line) * (HUNDRED - line.rate) * PER_CENT)
    return two(quantity * line.price * line.rate * PER_CENT)


def covered(line: Line, level: Level | None, percent: Decimal) -> Decimal:
    """TYLE_TT_BH as it counts for this card: 0 where nothing is covered, 100 where ratios do not bind the card."""
    if level is None or percent <= 0 or line.covered <= 0:
        return ZERO
    if line.scope != "1" and not (line.scope == "3" and level.outside):
        return ZERO
    return min(line.covered, HUNDRED) if level.ratio_limits else HUNDRED


def cost(line: Line, quantity: Decimal, ratio: Decimal) -> Cost:
    """total, basis and other of a charge at a quantity; ratio: what covered() says."""
    whole = total(line, quantity)
    basis = two(quantity * unit(line) * line.rate * PER_CENT * ratio * PER_CENT) if ratio else ZERO
    return Cost(whole, within(basis, whole), _other(line, quantity, whole))


def _other(line: Line, quantity: Decimal, whole: Decimal) -> Decimal:
    if line.other <= 0 or not line.quantity:
        return ZERO
    return within(two(abs(line.other) * quantity / abs(line.quantity)), whole)


def shared(c: Cost, benefit: Decimal) -> Parts:
    """Who pays: the fund its per cent of the basis, the patient the rest of it and what is beyond it; what another source gives
    is taken off the patient's own part, then the copayment, then the fund's (field T_NGUONKHAC of 3176)."""
    insurer = two(c.basis * benefit * PER_CENT)
    copay, own = c.basis - insurer, c.total - c.basis
    if not c.other:
        return Parts(c.total, c.basis, c.other, insurer, copay, own)
    left = c.other
    taken = []
    for part in (own, copay, insurer):
        piece = within(left, part)
        taken.append(part - piece)
        left -= piece
    return Parts(c.total, c.basis, c.other, taken[2], taken[1], taken[0])
