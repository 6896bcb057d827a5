"""Which insurance card counts at which moment of a visit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from ...base.clock import HANOI, local
from ..lines import Card, Visit
from . import tables


def aware(moment: datetime) -> datetime:
    """A moment without a zone is Hanoi's."""
    return moment if moment.tzinfo else moment.replace(tzinfo=HANOI)


def day_of(moment: datetime) -> date:
    """The day in Hanoi."""
    return local(aware(moment)).date()


def runs(card: Card, day: date) -> bool:
    return card.begins <= day and (card.ends is None or day <= card.ends)


def last_day(card: Card, visit: Visit) -> date | None:
    """The last day that the card counts in this visit: a card in force when a stay began counts some days beyond its end."""
    start = day_of(visit.begin)
    if card.ends is None or not tables.extends(visit.kind) or not runs(card, start):
        return card.ends
    return card.ends + timedelta(days=int(tables.parameter("after-expiry-days", card.ends) or 0))


def shown(card: Card, visit: Visit, moment: datetime) -> bool:
    """Had the card been shown by then? In an emergency one shown later counts from the start."""
    if card.shown is None or aware(moment) >= aware(card.shown):
        return True
    return visit.emergency and bool(tables.parameter("shown-late-emergency", day_of(visit.begin)))


def at(visit: Visit, moment: datetime) -> Card | None:
    """The card that counts for what was done at this moment: of those that run the best; only where none runs, one that ended
    during the stay."""
    return of_day(visit, day_of(moment), [c for c in visit.cards if shown(c, visit, moment)])


def of_day(visit: Visit, day: date, known: Sequence[Card]) -> Card | None:
    """The same, of the cards known by then."""
    running = [c for c in known if runs(c, day)]
    if not running:
        running = [c for c in known if c.begins <= day and (end := last_day(c, visit)) is not None and day <= end]
    return best(running)


def chooser(visit: Visit) -> Callable[[datetime, date], Card | None]:
    """`at` of one visit for many moments and their days: worked out once for each day and what was known."""
    found: dict[tuple[date, tuple[bool, ...]], Card | None] = {}

    def choose(moment: datetime, day: date) -> Card | None:
        key = day, tuple([shown(c, visit, moment) for c in visit.cards])
        if key not in found:
            found[key] = of_day(visit, day, [c for c, known in zip(visit.cards, key[1], strict=True) if known])
        return found[key]

    return choose


def best(cards: Sequence[Card]) -> Card | None:
    """The best level; of equals the one that began first, then by number."""
    return min(cards, key=lambda c: (tables.level(c.level).rank, c.begins, c.number), default=None)


def first(visit: Visit) -> Card | None:
    """The card by which the visit's object is decided: the one that runs on its first day, else the first that runs during it."""
    start, end = day_of(visit.begin), day_of(visit.end or visit.begin)
    if running := best([c for c in visit.cards if runs(c, start)]):
        return running
    later = [c for c in visit.cards if c.begins > start and (visit.end is None or c.begins <= end)]
    return min(later, key=lambda c: (c.begins, tables.level(c.level).rank, c.number), default=None)
