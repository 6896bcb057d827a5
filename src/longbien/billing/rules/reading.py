"""What the rules need of the record, asked side by side."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from weakref import WeakKeyDictionary

import msgspec

from longbien.access import housework
from longbien.base import clock
from longbien.record.engine import Engine
from longbien.record.store import Store
from longbien.web.chart import record as r

from ..charges.bills import facility
from . import facts
from .facts import Staff

Resource = dict[str, Any]
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
FRESH = 60.0
"""Seconds for which the directory (who has a licence, which level a facility has) is remembered."""


@dataclass(slots=True)
class Directory:
    """What a process remembers of one house's directory."""

    staff: dict[str, tuple[float, Staff | None]] = field(default_factory=dict)
    levels: dict[str, tuple[float, str]] = field(default_factory=dict)


_known: WeakKeyDictionary[Engine, Directory] = WeakKeyDictionary()


async def found(store: Store, type_: str, patient: str | None, *params: tuple[str, str]) -> list[Resource]:
    """Resources of one patient (None: of everybody), as far as the scope shows them; [] of types it may not read."""
    if not store.scope.may_read(type_):
        return []
    page = await store.search(type_, [*params, ("_count", "1000")], patient=patient)
    return [_decode(e.body) for e in page.entries if e.mode == "match"]


async def chart(store: Store, patient: str, types: Sequence[str]) -> dict[str, list[Resource]]:
    """Everything of these types in one patient's record, in one question; types that the scope may not read are empty."""
    asked = [t for t in types if store.scope.may_read(t)]
    out: dict[str, list[Resource]] = {t: [] for t in types}
    if asked:
        page = await store.search(None, [("_type", ",".join(asked)), ("_count", "1000")], patient=patient)
        for e in page.entries:
            if e.mode == "match":
                out[e.type].append(_decode(e.body))
    return out


async def staff(engine: Engine, ids: Iterable[str]) -> dict[str, Staff]:
    """Who these are, by the directory. Those that it does not know are left out."""
    known = _known.setdefault(engine, Directory()).staff
    wanted = {i for i in ids if i}
    missing = [i for i in wanted if i not in known or known[i][0] < time.monotonic()]
    if missing:
        known.update(await _staff(engine, missing))
    return {i: s for i in wanted if (s := known[i][1]) is not None}


async def _staff(engine: Engine, ids: list[str]) -> dict[str, tuple[float, Staff | None]]:
    house = housework.store(engine, "licences for the insurance's rules", reads=frozenset({"Practitioner", "PractitionerRole"}))
    people, roles = await asyncio.gather(
        found(house, "Practitioner", None, ("_id", ",".join(ids))),
        found(house, "PractitionerRole", None, ("practitioner", ",".join(ids))),
    )
    until = time.monotonic() + FRESH
    made: dict[str, tuple[float, Staff | None]] = dict.fromkeys(ids, (until, None))
    for one in people:
        mine = [x for x in roles if r.reference_id(x.get("practitioner")) == one["id"]]
        made[str(one["id"])] = (until, facts.staff(one, mine))
    return made


async def level(engine: Engine, organization: str, day: date) -> str:
    """The level of a facility (ban-dau, co-ban, chuyen-sau), "" where there is none."""
    if not organization:
        return ""
    known = _known.setdefault(engine, Directory()).levels
    if organization not in known or known[organization][0] < time.monotonic():
        house = housework.store(engine, "level for the insurance's rules", reads=frozenset({"Organization"}))
        office = next(iter(await found(house, "Organization", None, ("_id", organization))), None)
        known[organization] = (time.monotonic() + FRESH, facility(office, day).level if office else "")
    return known[organization][1]


def insured(coverages: Iterable[Mapping[str, Any]], day: date) -> bool:
    """Does an insurance card run that day?"""
    for c in coverages:
        period = c.get("period") or {}
        begin, end = str(period.get("start") or "")[:10], str(period.get("end") or "")[:10]
        if c.get("status") in ("active", None) and (not begin or begin <= day.isoformat()) and (not end or day.isoformat() <= end):
            return True
    return False


def today() -> date:
    return clock.local(clock.now()).date()
