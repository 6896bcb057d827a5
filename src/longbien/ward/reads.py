"""What the pages of a ward read: everything of who lies there, in one statement, with a trail line for each patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec

from longbien.base import clock
from longbien.base.ids import key64, patient_key
from longbien.record import trail
from longbien.record.engine import Engine
from longbien.record.scope import Scope
from longbien.record.types import number, type_name
from longbien.web.chart import gather, measures
from longbien.web.chart import record as r
from longbien.web.desk import scoped
from longbien.web.forms import scores

from . import rules
from .codes import FLUID
from .fluids import CATEGORY
from .places import Bed, Q, Ward

_decode = msgspec.json.Decoder().decode
Resource = Mapping[str, Any]
BACK = timedelta(hours=36)
"""How far back charts and doses are read where nothing else is said."""
RESULTS = timedelta(days=7)
_ALWAYS = ("Patient", "AllergyIntolerance", "Flag")  # a Flag's status is no search parameter
_WHERE_OPEN = ("MedicationRequest", "ServiceRequest", "Task", "NutritionOrder", "CareTeam")
_OPEN_TERMS = tuple(
    key64(f"{t}.status={x}") for t in _WHERE_OPEN
    for x in ("active", "on-hold", "requested", "accepted", "ready", "in-progress", "received")
)  # fmt: skip
_OPEN_TERMS = (*_OPEN_TERMS, key64(f"Task.code={gather.ACKNOWLEDGE}"))  # that a result was taken note of is done, and counts
_LYING_TERMS = tuple(key64(f"Encounter.status={x}") for x in rules.OPEN)
_CATEGORIES = "http://terminology.hl7.org/CodeSystem/observation-category"
VITAL_TERMS = (
    key64(f"Observation.category|{_CATEGORIES}|vital-signs"),
    key64(f"Observation.category|{FLUID}|{CATEGORY}"),
    key64(f"Observation.code|{scores.SYSTEM}|pews"),
)
_NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Result:
    """A measured value as the index holds it."""

    id: str
    code: int
    value: float
    at: datetime
    updated: datetime


@dataclass(slots=True)
class Lying:
    """One patient of a ward: their stay and what was read of them."""

    pat: int
    stay: Resource
    version: int
    person: r.Person
    patient: Resource
    of: dict[str, list[Resource]] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    looked: datetime | None = None
    diagnosis: str = ""
    """What it is called for readers of English (naming.english)."""
    lines: list[Any] | None = None
    """The drug sheet, once somebody has worked it out (board.lines_of)."""

    @property
    def id(self) -> str:
        return self.person.id

    @property
    def bed(self) -> str:
        return rules.lies(self.stay)[0]

    @property
    def start(self) -> datetime:
        return r.moment(r.first(self.stay, "period", "start")) or clock.now()

    def all(self, type_: str) -> list[Resource]:
        return self.of.get(type_, [])

    def here(self, type_: str) -> list[Resource]:
        """Of these what belongs to this stay."""
        return [x for x in self.all(type_) if r.reference_id(x.get("encounter") or x.get("context")) == self.stay["id"]]


@dataclass(slots=True)
class WardNow:
    """`lying`: who lies in the ward or is promised a bed of it, by the stay's id; `beds`: the beds' own Locations with versions."""

    ward: Ward
    lying: dict[str, Lying] = field(default_factory=dict)
    beds: dict[str, tuple[int, Resource]] = field(default_factory=dict)

    def in_bed(self, bed: str) -> Lying | None:
        return next((x for x in self.lying.values() if x.bed == bed), None)

    def promised(self, bed: str) -> Lying | None:
        return next((x for x in self.lying.values() if rules.promised(x.stay)[0] == bed), None)

    def of(self, patient: str) -> Lying | None:
        return next((x for x in self.lying.values() if x.id == patient and x.bed), None)


def _types(scope: Scope, names: Sequence[str]) -> list[int]:
    return [n for t in names if scope.may_read(t) and (n := number(t)) is not None]


def _one(scope: Scope, name: str) -> int:
    return next(iter(_types(scope, (name,))), _NOWHERE)


@cache
def _codes() -> list[int]:
    return [key64(f"Observation.code|{measures.LOINC}|{loinc}") for loinc, m in measures.table().items() if m.group != "vital"]


async def _rows(engine: Engine, scope: Scope, lying: str, first: Any, terms: Sequence[int], since: datetime, now: datetime) -> Any:
    codes = _codes()
    sql, args = scoped(
        scope, Q.rows.replace("{lying}", lying), first, list(terms), number("Encounter"), since, now - RESULTS, codes,
        _types(scope, _ALWAYS), _types(scope, _WHERE_OPEN), list(_OPEN_TERMS), _one(scope, "MedicationAdministration"),
        _one(scope, "Observation"), list(VITAL_TERMS), key64("Observation.status=entered-in-error"),
    )  # fmt: skip
    return await engine.db.fetch(sql, *args, search=True)


async def _gathered(engine: Engine, scope: Scope, rows: Sequence[Any]) -> dict[str, Lying]:
    """The rows by stay; one trail line for each patient, before anything is shown."""
    bodies = await engine.unpack_all([x["body"] or b"" for x in rows if x["body"] is not None])
    decoded = iter(bodies)
    people: dict[int, Resource] = {}
    stays: list[tuple[int, int, Resource]] = []
    of: dict[int, dict[str, list[Resource]]] = {}
    results: dict[int, list[Result]] = {}
    for x in rows:
        if x["body"] is None:
            at = Result(x["id"], x["code"], x["val"], x["dlo"], x["upd"])
            results.setdefault(x["pat"], []).append(at)
            continue
        resource = _decode(next(decoded))
        kind = type_name(x["type"])
        if kind == "Encounter":
            stays.append((x["pat"], x["ver"], resource))
        elif kind == "Patient":
            people[x["pat"]] = resource
        else:
            of.setdefault(x["pat"], {}).setdefault(kind, []).append(resource)
    line = trail.line(scope, "search", type=number("Encounter"))
    counts: dict[int | None, int] = {p: sum(map(len, of.get(p, {}).values())) + 1 for p in {s[0] for s in stays}}
    if counts:
        await engine.trail.write(trail.Several(line, counts))
    out = {}
    for pat, version, stay in stays:
        if pat in people and any(True for _ in rules.held(stay)):
            found = sorted(results.get(pat, []), key=lambda x: x.at, reverse=True)
            patient = people[pat]
            out[str(stay["id"])] = Lying(pat, stay, version, r.person(patient), patient, of.get(pat, {}), found)
    return out


async def ward_now(engine: Engine, scope: Scope, ward: Ward, now: datetime, *, back: timedelta = BACK) -> WardNow:
    """Who lies in a ward of the scope's facility, and the state of its beds."""
    terms = [key64(f"Encounter.location|Location/{b.id}") for b in ward.beds]
    rows = await _rows(engine, scope, Q.lying, scope.org, terms, now - back, now)
    found = WardNow(ward, await _gathered(engine, scope, rows))
    for x in await engine.db.fetch(Q.beds, number("Location"), [b.id for b in ward.beds]):
        found.beds[x["id"]] = (x["ver"], _decode(await engine.unpack(x["body"])))
    pats = [x.pat for x in found.lying.values()]
    looked = {x["pat"]: x["at"] for x in await engine.db.fetch(Q.looked, scope.actor, pats)}
    for x in found.lying.values():
        x.looked = looked.get(x.pat)
    return found


async def patient_now(engine: Engine, scope: Scope, patient: str, now: datetime, *, back: timedelta = BACK) -> Lying | None:
    """The stay of one patient that runs, the one in a bed first; None: lies nowhere."""
    rows = await _rows(engine, scope, Q.staying, patient_key(patient), _LYING_TERMS, now - back, now)
    found = sorted((await _gathered(engine, scope, rows)).values(), key=lambda x: (bool(x.bed), x.start), reverse=True)
    return next((x for x in found if x.bed and rules.inpatient(x.stay)), next(iter(found), None))


async def bed_now(engine: Engine, bed: Bed) -> tuple[int, Resource] | None:
    """(version, Location) of a bed."""
    rows = await engine.db.fetch(Q.beds, number("Location"), [bed.id])
    return (rows[0]["ver"], _decode(await engine.unpack(rows[0]["body"]))) if rows else None


def epoch(t: datetime) -> datetime:
    return t if t.tzinfo else t.replace(tzinfo=UTC)
