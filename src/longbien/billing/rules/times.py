"""Every time of a visit that enters a claim, and who or what wrote it: from the version in which it first stood, by the trail."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from longbien.access.trail_queries import Narrow, Seen, who_saw
from longbien.record.change import Stored
from longbien.record.store import Store
from longbien.web.chart import record as r

from . import facts

Resource = dict[str, Any]
Version = tuple[str, str, int]
_decode = msgspec.json.Decoder().decode
TABLE = Path(__file__).parent / "tables" / "times.csv"
LATE = timedelta(hours=1)
"""A time written this long after itself is marked: it was not written when it happened."""
MOST_LINES = 20
"""Pages of the trail that are read for one visit."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """One time. field: where it stands in the claim. version: of the resource in which it first stood so. by: the trail's line of
    that version, None where there is none (a file that was read in)."""

    field: str
    vi: str
    en: str
    name: str
    ref: str
    value: datetime
    version: int
    by: Seen | None

    @property
    def late(self) -> timedelta | None:
        """How long after itself it was written, where that is long."""
        gap = self.by.at - self.value if self.by else timedelta(0)
        return gap if gap > LATE else None


@cache
def table() -> tuple[Mapping[str, str], ...]:
    with TABLE.open(encoding="utf-8", newline="") as f:
        return tuple(csv.DictReader(f))


async def stamps(store: Store, encounter: str) -> tuple[Resource, list[Stamp]]:
    """(the visit, its times, the earliest first). Raises NotFound."""
    stored = await store.read("Encounter", encounter)
    visit: Resource = _decode(stored.body)
    patient = r.reference_id(visit.get("subject"))
    things, lines = await asyncio.gather(_things(store, patient, encounter), _lines(store, patient, visit))
    found = await asyncio.gather(*(_of(store, x, lines) for x in (stored, *things)))
    return visit, sorted((x for one in found for x in one), key=lambda x: (x.value, x.field, x.ref))


async def _things(store: Store, patient: str, encounter: str) -> list[Stored]:
    types = list(dict.fromkeys(row["type"] for row in table() if row["type"] not in ("Encounter", "Specimen")))
    pages = await asyncio.gather(*(_page(store, t, patient, _visit_parameter(t), f"Encounter/{encounter}") for t in types))
    found = [x for page in pages for x in page]
    orders = {f"ServiceRequest/{x.id}" for x in found if x.type == "ServiceRequest"}
    tubes = await _page(store, "Specimen", patient)
    return found + [x for x in tubes if any(q.get("reference") in orders for q in _decode(x.body).get("request") or ())]


def _visit_parameter(type_: str) -> str:
    return "context" if type_ in ("MedicationAdministration", "MedicationDispense") else "encounter"


async def _page(store: Store, type_: str, patient: str, *narrow: str) -> list[Stored]:
    if not store.scope.may_read(type_):
        return []
    params = [narrow] if narrow else []
    page = await store.search(type_, [*params, ("_count", "1000")], patient=patient)  # type: ignore[list-item]
    return [Stored(type_, e.id, e.version, e.updated, e.body, False, e.rid, e.pat) for e in page.entries if e.mode == "match"]


async def _lines(store: Store, patient: str, visit: Mapping[str, Any]) -> dict[Version, Seen]:
    """The trail's lines of what was written into this record since the visit began."""
    begin = facts.period(visit)[0]
    narrow = Narrow(begin=begin - timedelta(days=30) if begin else None, kinds=("create", "update", "import"))
    out: dict[Version, Seen] = {}
    before: int | None = None
    for _ in range(MOST_LINES):
        page = await who_saw(store.engine, store.scope, patient, before=before, count=500, narrow=narrow)
        out.update({(x.type, x.id, x.version): x for x in page.lines if x.type and x.id and x.version})
        before = page.next
        if before is None:
            break
    return out


async def _of(store: Store, stored: Stored, lines: Mapping[Version, Seen]) -> list[Stamp]:
    resource: Resource = _decode(stored.body)
    rows = [(row, t) for row in table() if row["type"] == stored.type and (t := _time(resource, row["path"]))]
    if not rows or (stored.type != "Encounter" and resource.get("status") in facts.GONE):
        return []
    versions = (await store.history(stored.type, stored.id, count=100)).versions if stored.version > 1 else []
    out = []
    for row, value in rows:
        version = _first(versions, row["path"], value, stored.version)
        by = lines.get((stored.type, stored.id, version))
        name = r.concept(resource.get("medicationCodeableConcept") or resource.get("code") or resource.get("type"))
        out.append(Stamp(row["field"], row["vi"], row["en"], name, f"{stored.type}/{stored.id}", value, version, by))
    return out


def _first(versions: Sequence[Stored], path: str, value: datetime, newest: int) -> int:
    """The version since which the time stands as it does: versions are the newest first."""
    version = newest
    for x in versions:
        if x.deleted or _time(_decode(x.body), path) != value:
            break
        version = x.version
    return version


def _time(resource: Resource, path: str) -> datetime | None:
    return r.moment(r.first(resource, *path.split(".")))
