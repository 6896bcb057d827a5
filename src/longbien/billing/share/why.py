"""Why a share is what it is, in sentences for the patient: marked messages with their values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ...base.words import Words, mark
from ..lines import ZERO, Card, Line, Visit
from . import cards, tables
from .amounts import Parts, two, unit
from .groups import Group, Terms

Told = tuple[str, Mapping[str, Any]]


class Percent(Decimal):
    """A number of per cent: written without a currency."""


OBJECTS: Mapping[str, str] = {
    "1.1": mark("You are registered for care at this hospital."),
    "1.2": mark("A commune health station: your card counts here wherever you are registered."),
    "1.3": mark("You came with a referral paper."),
    "1.4": mark("You live or stay elsewhere than where you are registered for care."),
    "1.5": mark("You came for a follow-up with an appointment slip."),
    "1.6": mark("Care after donating a part of the body."),
    "1.7": mark("A newborn treated right after birth."),
    "1.11": mark("You came by yourself to a place of primary care."),
    "1.12": mark("You came by yourself, as an out-patient, to a hospital of the basic level with fewer than 50 points."),
    "1.13": mark("You came by yourself, as an out-patient, to a hospital of the basic level with 50 to 69 points."),
    "1.14": mark(
        "You came by yourself, as an out-patient, to a hospital of the basic level that was provincial or central before."
    ),
    "1.15": mark("You were admitted to a hospital of the basic level."),
    "1.16": mark("Your illness is on the list that may go straight to the basic level."),
    "1.17": mark("Your illness is on the list that may go straight to the specialised level."),
    "1.18": mark("You came by yourself, as an out-patient, to a specialised hospital that was provincial before."),
    "2": mark("An emergency: your card counts in full at any hospital."),
    "3.1": mark("You came by yourself to a specialised hospital that was central before."),
    "3.2": mark("You were admitted to a specialised hospital that was provincial before."),
    "3.3": mark("This hospital was a district hospital before: your card counts in full."),
    "3.6": mark("You live in a hard region and were admitted to a specialised hospital."),
    "7": mark("Drugs fetched during an epidemic of group A."),
    "7.2": mark("Drugs fetched by somebody whom you asked."),
    "9": mark("No insurance card counts for this visit: you pay yourself."),
}
OBJECT_SET = mark("The insurance office has entered the category %(code)s for this visit.")
OBJECT_OPEN = mark("The insurance office must still decide the category of this visit; until then the insurance counts nothing.")
OBJECT_UNKNOWN = mark(
    "The category %(code)s of this visit is not in the table: nothing is counted for the insurance until the office has looked."
)

PART = mark("Therefore the insurance pays %(percent)s %% of what your card would pay.")
NOTHING = mark("Therefore the insurance pays nothing for this visit.")
CARD_RATE = mark("Your card pays %(percent)s %% of what the insurance covers (level %(level)s).")
LEVEL_ASSUMED = mark("The level of your card is not known yet; %(percent)s %% is assumed.")
SMALL = mark("What the insurance covers of this visit is less than %(limit)s: it pays all of that.")
SMALL_SO_FAR = mark("So far the insurance covers less than %(limit)s of this visit: while that is so, it pays all of that.")
FREE = mark("At a commune health station the insurance pays all that it covers.")
YEAR = mark("Your copayments of this year have reached %(limit)s: what is above it, %(amount)s, the insurance pays.")
EXTENDED = mark("Your card ended on %(date)s; for this stay it counts until %(until)s.")
TWO_CARDS = mark("Two cards count for this visit, each for its own days.")

NO_CARD = mark("No insurance card was in force on %(date)s: you pay the whole.")
NOT_SHOWN = mark("This was done before your card was shown on %(date)s: you pay the whole.")
OUTSIDE = mark("This is not on the insurance's list: you pay the whole.")
OTHERS_ONLY = mark("The insurance pays for this only with cards of the army, the police and the cipher service: you pay the whole.")
OFF_LINE = mark("The insurance pays nothing for this visit: you pay the whole.")
RATE = mark("%(percent)s %% of the price is charged for this.")
RATIO = mark("The insurance counts %(percent)s %% of its price for this.")
CEILING = mark("The insurance counts at most %(amount)s for one of these.")
DEMAND = mark("You asked for this service: %(amount)s above the insurance's price is yours.")
ABOVE = mark("The price is above the insurance's: the difference of %(amount)s is yours.")
SUPPLIES = mark("Supplies of one operation have a limit at the insurance: %(amount)s is beyond it and is yours.")
FULL = mark("The insurance pays the whole %(basis)s that it counts for this.")
SHARED = mark("Of %(basis)s the insurance pays %(percent)s %%, and you pay %(copay)s.")
WAIVED = mark("Your copayments of this year are complete: the insurance pays %(amount)s more here.")
OTHER = mark("%(amount)s is paid by another source.")
PACKAGED = mark("This is part of a package: it costs nothing by itself.")
NOTHING_DUE = mark("This costs nothing.")
GONE = mark("This was taken back: it costs nothing.")
BACK = mark("This takes back “%(name)s”, charged before.")


def told(why: Iterable[Told], w: Words) -> list[str]:
    """The sentences in the reader's language, with money, dates and numbers as people write them."""
    return [w(message) % {k: _said(v, w) for k, v in values.items()} for message, values in why]


def _said(value: Any, w: Words) -> object:
    if isinstance(value, Percent):
        return w.number(Decimal(f"{value.normalize():f}"))
    if isinstance(value, Decimal):
        return w.money(value) if value == value.to_integral_value() else w.number(value, 2) + "\u00a0đ"
    return w.date(value) if isinstance(value, date | datetime) else value


def taken_back(root: Line) -> Told:
    return BACK, {"name": root.name}


def of_line(g: Group, p: Parts, visit: Visit, terms: Terms) -> list[Told]:
    """Why a charge is shared as it is: what is not counted, then who pays of what is."""
    if not g.left:
        return [(GONE, {})]
    if not g.parts.total:
        return [(PACKAGED if g.root.package else NOTHING_DUE, {})]
    out: list[Told] = []
    if g.root.rate != 100 and not g.root.demand:
        out.append((RATE, {"percent": Percent(g.root.rate)}))
    out += _counted(g, terms) if g.ratio else [_nothing(g, visit, terms)]
    if p.other:
        out.append((OTHER, {"amount": p.other}))
    return out


def _nothing(g: Group, visit: Visit, terms: Terms) -> Told:
    if not visit.cards:
        return OFF_LINE, {}
    if g.card is None:
        late = [c.shown for c in visit.cards if c.shown and not cards.shown(c, visit, g.root.at)]
        return (NOT_SHOWN, {"date": min(late)}) if late else (NO_CARD, {"date": g.day})
    if not terms.percent:
        return OFF_LINE, {}
    return (OTHERS_ONLY, {}) if g.root.scope == "3" else (OUTSIDE, {})


def _counted(g: Group, terms: Terms) -> list[Told]:
    out: list[Told] = []
    line = g.root
    if g.ratio != 100:
        out.append((RATIO, {"percent": Percent(g.ratio)}))
    if line.ceiling is not None and line.ceiling < min(line.insured, line.price):
        out.append((CEILING, {"amount": line.ceiling}))
    if line.price > unit(line):
        out.append((DEMAND if line.demand else ABOVE, {"amount": g.parts.total - _insured(g)}))
    if g.cut:
        out.append((SUPPLIES, {"amount": g.cut}))
    out.append(_pays(g))
    if g.waived:
        out.append((WAIVED, {"amount": g.waived}))
    return out


def _insured(g: Group) -> Decimal:
    return two(g.left * unit(g.root) * g.root.rate / 100)


def _pays(g: Group) -> Told:
    copay = g.net.basis - two(g.net.basis * g.plain / 100)
    if not copay:
        return FULL, {"basis": g.net.basis}
    return SHARED, {"basis": g.net.basis, "percent": Percent(g.plain), "copay": copay}


def of_bill(visit: Visit, groups: Sequence[Group], terms: Terms, reason: Told, unknown: bool) -> tuple[Told, ...]:
    """Why the visit is judged as it is: its category, the card's level, what makes it full, how cards end."""
    out = [reason]
    if unknown and terms.object:
        out.append((OBJECT_UNKNOWN, {"code": terms.object}))
    elif terms.object and terms.object != "9" and terms.percent < 100:
        out.append((PART, {"percent": Percent(terms.percent)}) if terms.percent else (NOTHING, {}))
    used = _used(groups)
    if terms.percent and used:
        out += [_level(card) for card in used]
        out += _full(terms, used, visit)
        out += [(TWO_CARDS, {})] if len(used) > 1 else []
        out += [_extended(c, visit) for c in used if any(_late(g, c) for g in groups)]
    if waived := sum((g.waived for g in groups), ZERO):
        limit = (tables.parameter("yearly-levels", terms.day) or ZERO) * tables.reference_level(terms.day)
        out.append((YEAR, {"limit": limit, "amount": waived}))
    return tuple(out)


def _used(groups: Sequence[Group]) -> list[Card]:
    seen = {id(g.card): g.card for g in groups if g.card is not None and g.ratio}
    return sorted(seen.values(), key=lambda c: (c.begins, c.number))


def _level(card: Card) -> Told:
    percent = Percent(tables.level(card.level).rate)
    if card.level not in tables.levels():
        return LEVEL_ASSUMED, {"percent": percent}
    return CARD_RATE, {"level": card.level, "percent": percent}


def _full(terms: Terms, used: Sequence[Card], visit: Visit) -> list[Told]:
    if all(tables.level(c.level).rate == 100 for c in used):
        return []
    if terms.free:
        return [(FREE, {})]
    if terms.small is None:
        return []
    return [(SMALL if visit.end else SMALL_SO_FAR, {"limit": terms.small})]


def _late(g: Group, card: Card) -> bool:
    return g.card is card and card.ends is not None and g.day > card.ends


def _extended(card: Card, visit: Visit) -> Told:
    return EXTENDED, {"date": card.ends, "until": cards.last_day(card, visit)}
