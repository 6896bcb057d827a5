"""How often each rule spoke, and whether the order was signed all the same. Holds no patient: keys of one way only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from longbien.base.ids import key64
from longbien.base.sql import queries
from longbien.record.engine import Engine

from .checks import Found
from .facts import Order

Q = queries(__file__, "sql/rules.sql")


@dataclass(frozen=True, slots=True)
class Rate:
    """told: orders that the rule spoke to. kept: signed all the same. dropped: not signed. The rest:
    visits that go on."""

    told: int = 0
    kept: int = 0
    dropped: int = 0

    @property
    def open(self) -> int:
        return self.told - self.kept - self.dropped

    @property
    def percent(self) -> int | None:
        """Of what is settled, how much was signed all the same; None while nothing is."""
        settled = self.kept + self.dropped
        return round(100 * self.kept / settled) if settled else None


def key(patient: str, encounter: str, order: Order) -> int:
    return key64(f"rule|{patient}|{encounter}|{order.kind}|{order.key}")


def visit_key(encounter: str) -> int:
    return key64(f"rule|{encounter}") if encounter else 0


async def remember(
    engine: Engine, hits: Sequence[Found], orders: Sequence[Order], patient: str, encounter: str, facility: int, day: date
) -> None:
    """These rules spoke today. Said again it is the same."""
    of = {o.ref: key(patient, encounter, o) for o in orders}
    said = sorted({(h.rule.code, of[h.about], h.rule.level) for h in hits if h.about in of})
    rules, keys, levels = ([x[n] for x in said] for n in range(3))
    await engine.db.execute(Q.told, facility, day, rules, keys, levels, visit_key(encounter))


async def settle(engine: Engine, patient: str, encounter: str, signed: Iterable[Order]) -> None:
    """The visit is over, and these orders were signed in it."""
    await engine.db.execute(Q.settled, visit_key(encounter), [key(patient, encounter, o) for o in signed])


async def rates(engine: Engine, facility: int, since: date) -> dict[str, Rate]:
    """By the code of the rule, at one facility since a day."""
    rows = await engine.db.fetch(Q.rates, facility, since)
    return {x["rule"]: Rate(x["told"], x["kept"], x["dropped"]) for x in rows}
