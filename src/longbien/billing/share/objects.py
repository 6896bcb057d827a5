"""MA_DOITUONG_KCB of decision 3276/QĐ-BYT, decided after the visit: tables/object_rules.csv from the top, the first row that
holds. An empty cell asks nothing; "-" in `before` is a facility that was none of the old lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..lines import Card, Visit
from . import cards, tables, why
from .why import Told


def decide(visit: Visit) -> tuple[str, Told]:
    """(code, why) of a visit as it is known now. A code that somebody has set is kept. ("", why) where no row holds: the
    insurance officer must decide."""
    if visit.object:
        return visit.object, (why.OBJECTS.get(visit.object, why.OBJECT_SET), {"code": visit.object})
    card = cards.first(visit)
    for row in tables.rows("object_rules"):
        if all(ask(row[column], visit, card) for column, ask in _ASKS.items() if row[column]):
            return row["code"], (why.OBJECTS[row["code"]], {"code": row["code"]})
    return "", (why.OBJECT_OPEN, {})


def _before(want: str, visit: Visit, card: Card | None) -> bool:
    return (visit.facility.before or "-") in want.split(";")


def _score(want: str, visit: Visit, low: bool) -> bool:
    """A facility that has no score yet (provisional) has the lowest."""
    score = visit.facility.score or 0
    return score >= int(want) if low else score <= int(want)


def _listed(want: str, visit: Visit, card: Card | None) -> bool:
    return any(tables.listed(code, want) for code in (visit.diagnosis, *visit.others))


_ASKS: Mapping[str, Callable[[str, Visit, Card | None], bool]] = {
    "card": lambda want, visit, card: (card is not None) == (want == "1"),
    "registered": lambda want, visit, card: (card is not None and card.registered == visit.facility.code) == (want == "1"),
    "level": lambda want, visit, card: visit.facility.level in want.split(";"),
    "before": _before,
    "score_from": lambda want, visit, card: _score(want, visit, True),
    "score_to": lambda want, visit, card: _score(want, visit, False),
    "inpatient": lambda want, visit, card: tables.inpatient(visit.kind) == (want == "1"),
    "emergency": lambda want, visit, card: visit.emergency == (want == "1"),
    "referred": lambda want, visit, card: visit.referred == (want == "1"),
    "again": lambda want, visit, card: visit.again == (want == "1"),
    "newborn": lambda want, visit, card: visit.newborn == (want == "1"),
    "region": lambda want, visit, card: card is not None and card.region in want.split(";"),
    "letters": lambda want, visit, card: card is not None and card.number[:2].upper() in want.split(";"),
    "list": _listed,
}
