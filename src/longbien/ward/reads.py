"""What the pages of a ward read: everything of who lies there, in one statement, with a trail line for each patient. The bodies are
shared with other requests (record/recall.py): nobody changes them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar

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

from . import rules, signs
from .codes import FLUID
from .fluids import CATEGORY
from .places import Bed, Q, Ward

_decode = msgspec.json.Decoder().decode
Resource = Mapping[str, Any]
T = TypeVar("T")
NOTES = 24
"""What is worked out of a patient's versions at most: it goes by the minute and the reader's language."""
BACK = timedelta(hours=36)
"""How far back charts and doses are read where nothing else is said."""
SHIFTS = timedelta(hours=16)
"""How far back a card of the board looks: the warning score takes values of 14 hours, its doses are those of 12."""
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
    charted: list[signs.Sign] = field(default_factory=list)
    """The vital signs among them, newest first."""
    notes: dict[Any, Any] = field(default_factory=dict)
    """What was worked out of these very versions (`noted`). Shared with other requests."""
    looked: datetime | None = None
    diagnosis: str = ""
    """What it is called for readers of English (naming.english)."""

    @property
    def id(self) -> str:
        return self.person.id

    @property
    def bed(self) -> str:
        return rules.lies(self.stay)[0]

    @property
    def start(self) -> datetime:
        return r.moment(r.first(self.stay, "period", "start")) or clock.now()

    def noted(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made once for these versions and this key. It may depend on nothing else, and nobody changes it."""
        found: T | None = self.notes.get(key)
        if found is None:
            if len(self.notes) >= NOTES:
                self.notes.clear()
            self.notes[key] = found = make()
        return found

    def all(self, type_: str) -> list[Resource]:
        return self.of.get(type_, [])

    def here(self, type_: str) -> list[Resource]:
        """Of these what belongs to this stay, and what runs on from the visit that it follows."""
        return [x for x in self.all(type_) if rules.runs_on(x, self.stay)]


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


def _told(resource: Resource) -> tuple[Resource, list[signs.Sign]]:
    """A version as it is kept: its body, and the vital signs in it."""
    return resource, signs.of([resource]) if resource.get("resourceType") == "Observation" else []


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
    told = iter(await engine.recall.made(engine, [(x["rid"], x["ver"]) for x in rows if x["told"]], "ward", _told))
    people: dict[int, Resource] = {}
    stays: list[tuple[int, int, Resource]] = []
    of: dict[int, dict[str, list[Resource]]] = {}
    charted: dict[int, list[signs.Sign]] = {}
    versions: dict[int, list[tuple[int, int]]] = {}
    results: dict[int, list[Result]] = {}
    for type_, pat, id_, ver, rid, body, code, val, dlo, upd in rows:
        versions.setdefault(pat, []).append((rid, ver))
        if not body:
            results.setdefault(pat, []).append(Result(id_, code, val, dlo, upd))
            continue
        resource, measured = next(told)
        kind = type_name(type_)
        if kind == "Encounter":
            stays.append((pat, ver, resource))
        elif kind == "Patient":
            people[pat] = resource
        else:
            of.setdefault(pat, {}).setdefault(kind, []).append(resource)
            if measured:
                charted.setdefault(pat, []).extend(measured)
    line = trail.line(scope, "search", type=number("Encounter"))
    counts: dict[int | None, int] = {p: sum(map(len, of.get(p, {}).values())) + 1 for p in {s[0] for s in stays}}
    if counts:
        await engine.trail.write(trail.Several(line, counts))
    out = {}
    for pat, version, stay in stays:
        if pat in people and any(True for _ in rules.held(stay)):
            found = sorted(results.get(pat, []), key=lambda x: x.at, reverse=True)
            patient, measured = people[pat], sorted(charted.get(pat, ()), key=lambda x: x.at, reverse=True)
            notes = engine.recall.notes((str(stay["id"]), tuple(sorted(versions[pat]))))
            out[str(stay["id"])] = Lying(pat, stay, version, r.person(patient), patient, of.get(pat, {}), found, measured, notes)
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


async def patient_now(
    engine: Engine, scope: Scope, patient: str, now: datetime, *, back: timedelta = BACK, bare: bool = False
) -> Lying | None:
    """The stay of one patient that runs, the one in a bed first; None: lies nowhere. bare: the stay and the person alone."""
    if bare:
        asked = (patient_key(patient), list(_LYING_TERMS), number("Encounter"), _one(scope, "Patient"))
        sql, args = scoped(scope, Q.bare.replace("{lying}", Q.staying), *asked)
        rows = await engine.db.fetch(sql, *args, search=True)
    else:
        rows = await _rows(engine, scope, Q.staying, patient_key(patient), _LYING_TERMS, now - back, now)
    found = sorted((await _gathered(engine, scope, rows)).values(), key=lambda x: (bool(x.bed), x.start), reverse=True)
    return next((x for x in found if x.bed and rules.inpatient(x.stay)), next(iter(found), None))


async def bed_now(engine: Engine, bed: Bed) -> tuple[int, Resource] | None:
    """(version, Location) of a bed."""
    rows = await engine.db.fetch(Q.beds, number("Location"), [bed.id])
    return (rows[0]["ver"], _decode(await engine.unpack(rows[0]["body"]))) if rows else None


def epoch(t: datetime) -> datetime:
    return t if t.tzinfo else t.replace(tzinfo=UTC)
