"""Who pays what of a visit: every charge, then what binds the visit as a whole. docs/why/insurance-share.md is the same in words.

Charges are judged in groups: a charge and all that takes it back. A group counts by what is left of it, so that a reversal takes
back exactly, and whatever binds the visit as a whole stands on the charge itself, never on its reversals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal

from ..lines import ZERO, Bill, Card, Line, Share, Visit
from . import amounts, cards, tables, why
from .amounts import Parts
from .groups import Group, Terms, grouped, rate
from .objects import decide
from .why import Told


def judge(visit: Visit, lines: Sequence[Line]) -> Bill:
    """The bill of a visit as it is known now. Lines in any order; each charge id once. Shares come in the order of the lines."""
    groups = grouped(lines)
    object_, reason = decide(visit)
    day = judged_on(visit, groups)
    percent = tables.percent(object_, tables.inpatient(visit.kind), day)
    terms = Terms(day, object_, percent or ZERO)
    choose = cards.chooser(visit)
    for group in groups:
        _cover(group, choose, terms)
    _limit_supplies(groups, day)
    terms = _as_a_whole(terms, visit, groups)
    for group in groups:
        group.plain = group.benefit = rate(group.level, terms)
        group.parts = amounts.shared(group.net, group.plain)
    if terms.room is not None:
        _limit_year(groups, terms.room)
    shares = {id(line): share for group in groups for line, share in _shares(group, visit, terms)}
    return _bill(visit, [shares[id(line)] for line in lines], terms, reason, groups, percent is None)


def judged_on(visit: Visit, groups: Sequence[Group]) -> date:
    """The day whose parameters count: of the end, as long as it is open of the latest charge that stands, else of the beginning."""
    if visit.end is not None:
        return cards.day_of(visit.end)
    return cards.day_of(max((g.root.at for g in groups if g.left), default=visit.begin, key=cards.aware))


def _cover(group: Group, choose: Callable[[datetime, date], Card | None], terms: Terms) -> None:
    group.card = choose(group.root.at, group.day)
    group.level = tables.level(group.card.level) if group.card else None
    group.ratio = amounts.covered(group.root, group.level, terms.percent)
    group.net = amounts.cost(group.root, group.left, group.ratio)


def _limit_supplies(groups: Sequence[Group], day: date) -> None:
    """Supplies of one package: what is over the limit together is outside; who comes last (when, id) bears it."""
    levels = tables.parameter("supply-levels", day)
    if levels is None:
        return
    limit = levels * tables.reference_level(day)
    sums: dict[str, Decimal] = {}
    for g in groups:
        if not g.root.package or not g.net.basis or not tables.supply(g.root.group, day) or not (g.level and g.level.ratio_limits):
            continue
        before = sums.get(g.root.package, ZERO)
        sums[g.root.package] = after = before + g.net.basis
        allowed = min(limit, after) - min(limit, before)
        g.cut = g.net.basis - allowed
        g.net = replace(g.net, basis=allowed)


def _as_a_whole(terms: Terms, visit: Visit, groups: Sequence[Group]) -> Terms:
    basis = sum((g.net.basis for g in groups), ZERO)
    return replace(
        terms,
        small=_small(basis, terms.day),
        free=tables.full_place(visit.facility.level, visit.facility.before, terms.day),
        room=_room(visit, terms),
    )


def _small(basis: Decimal, day: date) -> Decimal | None:
    """The limit under which a whole visit is paid in full, where this one is."""
    percent = tables.parameter("small-visit-percent", day)
    if percent is None:
        return None
    limit = tables.reference_level(day) * percent / 100
    return limit if 0 < basis < limit else None


def _room(visit: Visit, terms: Terms) -> Decimal | None:
    """What of this year's copayments is still the patient's before the fund takes them; only on the right line (object 100)."""
    times = tables.parameter("yearly-levels", terms.day)
    if times is None or terms.percent < 100:
        return None
    return max(ZERO, times * tables.reference_level(terms.day) - visit.paid_before)


def _limit_year(groups: Sequence[Group], room: Decimal) -> None:
    """After five years without a gap the copayments of a year end at six reference levels; in the order of (when, id)."""
    before = ZERO
    for g in groups:
        if g.card is None or g.card.five_years is None or g.card.five_years > g.day or not g.parts.copay:
            continue
        after = before + g.parts.copay
        borne = min(room, after) - min(room, before)
        g.waived, before = g.parts.copay - borne, after
        g.parts = replace(g.parts, copay=borne, insurer=g.parts.insurer + g.waived)
        if g.waived and not borne:
            g.benefit = Decimal(100)


def _shares(group: Group, visit: Visit, terms: Terms) -> list[tuple[Line, Share]]:
    """Each reversal takes what the charge loses by it; the charge itself has what then lacks to what is left of the group."""
    out: list[tuple[Line, Share]] = []
    rest = group.parts
    if len(group.lines) > 1:
        at = [amounts.shared(amounts.cost(group.root, step, group.ratio), group.plain) for step in group.steps]
        for n, line in enumerate(group.lines[1:], 1):
            parts = at[n].less(at[n - 1])
            rest = rest.less(parts)
            out.append((line, _share(line, parts, group, (why.taken_back(group.root),))))
    out.append((group.root, _share(group.root, rest, group, why.of_line(group, rest, visit, terms))))
    return out


def _share(line: Line, p: Parts, group: Group, told: Sequence[Told]) -> Share:
    number = group.card.number if group.card and group.ratio else ""
    benefit = group.benefit if group.ratio else ZERO
    return Share(line, p.total, p.basis, p.other, p.insurer, p.copay, p.own, benefit, number, tuple(told))


def _bill(visit: Visit, shares: Sequence[Share], terms: Terms, reason: Told, groups: Sequence[Group], unknown: bool) -> Bill:
    total, basis, other = (sum((getattr(s, n) for s in shares), ZERO) for n in ("total", "basis", "other"))
    insurer, copay, own = (sum((getattr(s, n) for s in shares), ZERO) for n in ("insurer", "copay", "own"))
    to_pay = int((copay + own).quantize(Decimal(1), ROUND_HALF_UP))
    told = why.of_bill(visit, groups, terms, reason, unknown)
    return Bill(visit, tuple(shares), terms.object, total, basis, other, insurer, copay, own, to_pay, to_pay - copay - own, told)
