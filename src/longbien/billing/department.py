"""The card of billing, put together from its parts'."""

from __future__ import annotations

from longbien.base.department import Department
from longbien.base.words import mark
from longbien.record.change import Guard, both

from .axis.card import CARD as AXIS
from .card import Part
from .charges.card import CARD as CHARGES
from .claims.card import CARD as CLAIMS
from .money.card import CARD as MONEY
from .rules.card import CARD as RULES

PARTS: tuple[Part, ...] = (CHARGES, MONEY, CLAIMS, RULES, AXIS)


def _guards() -> dict[str, Guard]:
    out: dict[str, Guard] = {}
    for part in PARTS:
        for type_, guard in part.guards.items():
            out[type_] = both(out.get(type_), guard)
    return out


BILLING = Department(
    name="billing",
    title=mark("Billing"),
    routes=[x for p in PARTS for x in p.routes],
    nav=[x for p in PARTS for x in p.nav],
    tabs=[x for p in PARTS for x in p.tabs],
    panels=[x for p in PARTS for x in p.panels],
    sheets=[x for p in PARTS for x in p.sheets],
    reactions=[x for p in PARTS for x in p.reactions],
    advice=[x for p in PARTS for x in p.advice],
    permissions={k: v for p in PARTS for k, v in p.permissions.items()},
    guards=_guards(),
    jobs={k: v for p in PARTS for k, v in p.jobs.items()},
    always=frozenset().union(*(p.always for p in PARTS)),
)
