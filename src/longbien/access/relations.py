"""What an actor had to do with a patient at some time: for the page that explains, and for the list of accesses without a relation.

It looks at what the record says now about that time (an encounter written later counts), and at the account's present
department."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from longbien.base.db import Row
from longbien.base.sql import queries
from longbien.record import ties
from longbien.record.engine import Engine
from longbien.record.index import org_key
from longbien.record.types import type_name

from .actor import Actor
from .reach import keys
from .roles import ROLES
from .settings import AccessSettings

Q = queries(__file__, "sql/relations.sql")
BY_TYPE = {
    "Encounter": "encounter", "EpisodeOfCare": "episode", "CareTeam": "care team", "CarePlan": "care plan",
    "Appointment": "appointment",
    "ServiceRequest": "order", "MedicationRequest": "prescription", "MedicationDispense": "dispensing", "NutritionOrder": "order",
    "DiagnosticReport": "report", "ImagingStudy": "report", "Procedure": "procedure", "Specimen": "specimen", "Task": "task",
    "Patient": "general practitioner",
}  # fmt: skip
"""Named in it oneself."""
PERSONAL = frozenset(BY_TYPE.values()) | {"department", "work", "cover", "purpose"}
"""What makes a reason of one's own to open the record. department: somebody or some place of one's department is named; work: an
order for one's kind of work (laboratory, imaging, pharmacy); cover: one stood in for who has to do with the patient; purpose: one
had stated why. 'care' alone (the patient is under care somewhere at the facility) is none."""


class Asked(NamedTuple):
    """account: its number. pat: the patient's key. at: a moment with its zone."""

    account: int
    pat: int
    at: datetime


async def relation(
    engine: Engine, actor: Actor | int, pat: int, at: datetime, *, settings: AccessSettings | None = None
) -> list[str]:
    """Names of what `actor` (or an account's number) had to do with the patient at that moment, PERSONAL ones and "care", sorted;
    empty: nothing at all."""
    number = actor if isinstance(actor, int) else actor.number
    return (await relations(engine, [Asked(number, pat, at)], settings=settings))[0]


async def relations(engine: Engine, asked: Sequence[Asked], *, settings: AccessSettings | None = None) -> list[list[str]]:
    """The same for many at once, in three statements; one list for each question, in order."""
    days = (settings or AccessSettings.read()).care_days
    numbers = sorted({a.account for a in asked})
    accounts = await engine.db.fetch(Q.accounts, numbers)
    ends = [end for a in accounts for end in _ends(a)]
    orgs = [(a["number"], org_key(o)) for a in accounts for o in (a["organization"], a["department"]) if o]
    covers = await engine.db.fetch(Q.covers, numbers)
    standing = [(c["account"], who, c["begins"], c["until"]) for c in covers for who in keys(c["ends"])]
    ever = [a["number"] for a in accounts if (role := ROLES.get(a["role"])) and role.rows == "care-ever"]
    rows = await engine.db.fetch(
        Q.relations, *_columns([(n, *a) for n, a in enumerate(asked)], 4), *_columns(ends, 3), ever, days,
        *_columns(standing, 4), *_columns(orgs, 2), search=True,
    )  # fmt: skip
    found: list[set[str]] = [set() for _ in asked]
    for row in rows:
        what = row["what"]
        found[row["n"]].add(BY_TYPE.get(type_name(row["type"]), "order") if what == "self" else what)
    return [sorted(f) for f in found]


def _ends(account: Row) -> list[tuple[int, int, str]]:
    """(account, key of a tie's end, what that is to the account)."""
    role = ROLES.get(account["role"])
    own = keys(account["own"])
    around = set(keys(account["around"])) - set(own)
    work = [(account["number"], ties.work(role.work), "work")] if role and role.work else []
    return [(account["number"], k, "self") for k in own] + [(account["number"], k, "department") for k in sorted(around)] + work


def _columns(rows: Sequence[Sequence[object]], wide: int) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(wide)]
