"""What stands on a reader's desk: today's patients of a facility, what is new of each, what was opened lately."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec

from ..base import clock
from ..base.ids import key64
from ..base.sql import queries
from ..base.words import Words, given_first
from ..fhir.systems import EXT_DEPARTMENT
from ..record import trail
from ..record.engine import Engine
from ..record.scope import RowSQL, Scope
from ..record.search.params.units import canonical
from ..record.store import Store
from ..record.types import number
from .chart import measures
from .chart import record as r
from .chart.gather import acknowledged as taken
from .chart.model import age_days
from .chart.since import LATE
from .chart.spark import Limits

Q = queries(__file__, "sql/desk.sql")
_decode = msgspec.json.Decoder().decode
_ERROR = key64("Observation.status=entered-in-error")
RECENT = timedelta(days=7)
ENDLESS = 9000


@cache
def _codes() -> dict[int, measures.Measure]:
    """The index key of every measure's code: what a head row's `code` says."""
    return {key64(f"Observation.code|{measures.LOINC}|{loinc}"): m for loinc, m in measures.table().items()}


@dataclass(frozen=True, slots=True)
class New:
    title: str
    flag: str
    word: str


@dataclass(slots=True)
class Inpatient:
    id: str
    pat: int
    name: str
    age: str
    bed: str
    problem: str
    day: int
    mine: bool
    ward: str = ""
    leaves: str = ""  # the day expected for discharge, as a FHIR date
    news: list[New] = field(default_factory=list)
    urgent: bool = False
    alarms: list[Alarm] = field(default_factory=list)
    waits: list[r.Pending] = field(default_factory=list)  # ordered and not answered, the longest due first


@dataclass(frozen=True, slots=True)
class Alarm:
    """A critical laboratory value that nobody has taken note of; `ids` of the results, the newest first."""

    title: str
    word: str
    ids: list[str]


@dataclass(frozen=True, slots=True)
class Outpatient:
    id: str
    name: str
    age: str
    time: datetime
    what: str
    state: str  # Encounter.status
    place: str
    mine: bool


@dataclass(slots=True)
class Desk:
    """`clinic`: the day of `outpatients`: today, or the latest day before it on which there were any; None when there was none."""

    inpatients: list[Inpatient]
    outpatients: list[Outpatient]
    clinic: date | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """Where somebody works: the department's name, and how many beds its ward has."""

    department: str = ""
    beds: int = 0


async def post(store: Store, practitioner: str | None) -> Post:
    """From the PractitionerRole: its department, and the beds of the rooms of its ward."""
    if practitioner is None or not store.scope.may_read("PractitionerRole"):
        return Post()
    roles = await store.search("PractitionerRole", [("practitioner", f"Practitioner/{practitioner}"), ("active", "true")])
    for entry in roles.entries:
        role = _decode(entry.body)
        named = (x.get("valueReference") or {} for x in role.get("extension") or () if x.get("url") == EXT_DEPARTMENT)
        department = next((str(n.get("display") or "") for n in named), "")
        inside = [str(x["reference"]) for x in role.get("location") or () if x.get("reference")]
        beds = 0
        for _ in range(3):  # ward, room, bed
            if not inside:
                break
            parts = await store.search("Location", [("partof", ",".join(inside[:100])), ("_count", "500")])
            places = [_decode(e.body) for e in parts.entries]
            beds += sum(1 for p in places if r.code_of(p.get("physicalType")) == "bd")
            inside = [f"Location/{p['id']}" for p in places if r.code_of(p.get("physicalType")) != "bd"]
        if department:
            return Post(department, beds)
    return Post()


def scoped(scope: Scope, sql: str, *values: Any) -> tuple[str, list[Any]]:
    """A statement with the scope's condition in it, and its values. {allowed}: of a row of head, h. {whole}: of a patient, d.pat:
    whether all of the record is open."""
    args = list(values)

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    if "{whole}" in sql:
        sql = sql.replace("{whole}", scope.whole("d.pat", bind))
    return sql.replace("{allowed}", scope.where(RowSQL.of("h"), bind)), args


async def people(engine: Engine, scope: Scope, pats: Sequence[int], *, audited: bool = True) -> dict[int, tuple[r.Person, Any]]:
    """The persons behind these keys, as far as the scope shows them; one trail line each, durable."""
    if not pats:
        return {}
    sql, args = scoped(scope, Q.people, list(pats), number("Patient"))
    rows = await engine.db.fetch(sql, *args, search=True)
    found = await engine.recall.made(engine, [(x["rid"], x["ver"]) for x in rows], "person", r.person)
    if audited:
        lines = [trail.line(scope, "search", pat=x["pat"], rid=x["rid"], ver=x["ver"], type=number("Patient")) for x in rows]
        await engine.trail.write(lines)
    return {row["pat"]: (person, row) for row, person in zip(rows, found, strict=True)}


Cared = tuple[int, r.Visit, Mapping[str, Any], bool]
"""(patient key, visit, its body, is it still open)"""


async def visits(engine: Engine, scope: Scope, start: datetime, lang: str) -> list[Cared]:
    """Visits of the scope's facility that run on the day that begins at `start`."""
    if scope.org is None:
        return []
    sql, args = scoped(scope, Q.care, scope.org, start, start + timedelta(days=1), number("Encounter"))
    rows = await engine.db.fetch(sql, *args, search=True)
    found = await engine.recall.made(
        engine, [(x["rid"], x["ver"]) for x in rows], ("visit", spoken(lang)), lambda x: (r.visit(x, {}, lang), x)
    )
    return [
        (row["pat"], visit, resource, row["hi"].year >= ENDLESS or visit.open)
        for row, (visit, resource) in zip(rows, found, strict=True)
        if visit is not None
    ]


def spoken(lang: str) -> tuple[str, int]:
    """What a thing made in a language depends on: the language, and which names of codes it was made with."""
    return str(lang), id(getattr(lang, "names", None))


async def _clinic_day(engine: Engine, scope: Scope, start: datetime) -> datetime | None:
    """The beginning of the latest day before `start`, within a month, that had outpatients."""
    if scope.org is None:
        return None
    sql, args = scoped(scope, Q.clinic_day, scope.org, start, number("Encounter"), key64("Encounter.class=AMB"))
    latest = await engine.db.fetchval(sql, *args)
    return clock.local(latest).replace(hour=0, minute=0, second=0, microsecond=0) if latest else None


def _attends(resource: Mapping[str, Any], practitioner: str | None) -> bool:
    return practitioner is not None and any(
        r.reference_id(p.get("individual")) == practitioner for p in resource.get("participant") or ()
    )


async def desk(engine: Engine, scope: Scope, practitioner: str | None, w: Words, now: datetime, lang: str) -> Desk:
    """Inpatients by urgency then bed, outpatients by time. `lang`: the language with the names of codes in it."""
    start = clock.local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    found = await visits(engine, scope, start, lang)
    stays = [x for x in found if x[1].inpatient and x[3]]
    clinic, day = _clinic(found, start), start
    if not clinic and (earlier := await _clinic_day(engine, scope, start)):
        clinic, day = _clinic(await visits(engine, scope, earlier, lang), earlier), earlier
    persons = await people(engine, scope, list({x[0] for x in (*stays, *clinic)}))
    today = start.date()
    ages: dict[tuple[str, str], str] = {}

    def age(person: r.Person) -> str:
        """Sex and age; years without their word, as lists here say it: nam 71, bé gái 5 tháng."""
        key = person.sex, person.birth
        if key not in ages:
            years = w.age(person.birth, today).removesuffix(" " + w("%(n)s y", n="").strip())
            ages[key] = " ".join(x for x in (w.sex(person.sex).lower(), years) if x)
        return ages[key]

    beds: dict[int, Inpatient] = {}
    for pat, visit, resource, _ in stays:
        if pat in persons:
            person = persons[pat][0]
            problem = (
                (_diagnosis(resource, lang) or r.concept(resource.get("reasonCode"), lang)) if scope.may_read("Condition") else ""
            )
            days = (today - clock.local(visit.start).date()).days + 1
            beds[pat] = Inpatient(
                person.id, pat, person.name, age(person), visit.bed, problem, days, _attends(resource, practitioner),
                r.concept(resource.get("serviceType")), visit.leaves,
            )  # fmt: skip
    out = []
    for pat, visit, resource, _ in clinic:
        if pat in persons:
            person = persons[pat][0]
            what = r.concept(resource.get("reasonCode"), lang) or visit.title
            place = " · ".join(x for x in (visit.ward, visit.bed) if x)
            mine = _attends(resource, practitioner)
            out.append(Outpatient(person.id, person.name, age(person), visit.start, what, visit.status, place, mine))
    looked = {x["pat"]: x["at"] for x in await engine.db.fetch(Q.looked_at, scope.actor, list(beds))}
    known = await _inpatients(engine, scope, beds, looked, now)
    await _problems(engine, _of(known, "Condition"), beds, {x[0]: x[2] for x in stays}, lang)
    if _of(known, "Observation"):
        await _news(engine, known, looked, list(beds.values()), {p: persons[p][0] for p in beds}, w, now)
    if scope.may_read("Condition"):
        await _waits(engine, _of(known, "ServiceRequest"), beds, lang)
    ordered = sorted(beds.values(), key=lambda i: (i.bed == "", i.bed, given_first(i.name)))
    return Desk(ordered, sorted(out, key=lambda o: o.time), day.date() if out else None)


def _clinic(found: Sequence[Cared], start: datetime) -> list[Cared]:
    """The outpatients among visits, of the day that begins at `start`."""
    end = start + timedelta(days=1)
    return [x for x in found if start <= x[1].start < end and not x[1].inpatient and x[1].kind != "EMER"]


async def _inpatients(
    engine: Engine, scope: Scope, beds: Mapping[int, Inpatient], looked: Mapping[int, datetime], now: datetime
) -> dict[int, list[Any]]:
    """What is known of these patients, by resource type: rows of Q.inpatients, the newest first. Types that the scope does not read
    are left out. looked: when the reader last looked at each."""
    types = [number(t) if scope.may_read(t) else None for t in ("Condition", "ServiceRequest", "Task", "Observation")]
    conditions, orders, tasks, results = types
    found: dict[int, list[Any]] = {t: [] for t in types if t is not None}
    if beds and found:
        active = key64("ServiceRequest.status=active")
        sql, args = scoped(
            scope, Q.inpatients, list(beds), conditions, orders, active, tasks, now - RECENT, results, list(_codes()), _ERROR,
            [c for c, m in _codes().items() if m.group == "vital"], min(_look(looked, p, now) for p in beds).timestamp(),
        )  # fmt: skip
        for row in await engine.db.fetch(sql, *args, search=True):
            found[row[0]].append(row)
    return found


def _of(found: Mapping[int, list[Any]], type_: str) -> list[Any]:
    return found.get(number(type_) or 0, [])


def _versions(rows: Sequence[Any]) -> list[tuple[int, int]]:
    return [(x["rid"], x["ver"]) for x in rows]


async def _waits(engine: Engine, rows: Sequence[Any], beds: Mapping[int, Inpatient], lang: str) -> None:
    """What is ordered and has no answer yet."""
    made = await engine.recall.made(engine, _versions(rows), ("pending", spoken(lang)), lambda x: r.pending(x, lang))
    for row, order in zip(rows, made, strict=True):
        if order is not None:
            beds[row["pat"]].waits.append(order)
    for bed in beds.values():
        bed.waits.sort(key=lambda o: o.due)


async def _problems(
    engine: Engine, rows: Sequence[Any], beds: Mapping[int, Inpatient], visits_: Mapping[int, Mapping[str, Any]], lang: str
) -> None:
    """The diagnosis of the stay: the one that the visit names, else the newest recorded in it."""
    made = await engine.recall.made(
        engine, _versions(rows), ("problem", spoken(lang)), lambda x: (r.problem(x, lang), r.reference_id(x.get("encounter")))
    )
    best: dict[int, tuple[int, str]] = {}
    for row, (problem, encounter) in zip(rows, made, strict=True):
        visit = visits_.get(row["pat"], {})
        if problem is None or not problem.active:
            continue
        named = [r.reference_id(d.get("condition")) for d in visit.get("diagnosis") or ()]
        rank = 0 if problem.id in named[:1] else 1 if problem.id in named else 2 if encounter == visit.get("id") else 3
        if row["pat"] not in best or rank < best[row["pat"]][0]:
            best[row["pat"]] = (rank, problem.name)
    for pat, (rank, name) in best.items():
        if rank < 3 or not beds[pat].problem:
            beds[pat].problem = name


def _diagnosis(resource: Mapping[str, Any], lang: str) -> str:
    """The display that the visit carries is in Vietnamese; other readers get the condition's own name."""
    return str(r.first(resource, "diagnosis", "condition", "display") or "") if lang == "vi" else ""


def _look(looked: Mapping[int, datetime], pat: int, now: datetime) -> datetime:
    """When the reader last looked at a patient; who never did is shown the last day."""
    return looked.get(pat, now - timedelta(days=1))


async def _news(
    engine: Engine, found: Mapping[int, list[Any]], looked: Mapping[int, datetime], rows: list[Inpatient],
    persons: Mapping[int, r.Person], w: Words, now: datetime,
) -> None:  # fmt: skip
    """Put the abnormal and the new of the last days into the rows."""
    acknowledged = set(taken(await engine.recall.made(engine, _versions(_of(found, "Task")), "body", dict)))
    by: dict[int, list[Any]] = defaultdict(list)
    for x in _of(found, "Observation"):
        by[x["pat"]].append(x)
    for row in rows:
        _fill(row, by[row.pat], persons[row.pat], _look(looked, row.pat, now), acknowledged, _codes(), w, now)


def _short(m: measures.Measure, lang: str) -> str:
    return measures.SHORT.get(m.loinc, {}).get(lang) or m.name(lang)


def _fill(
    row: Inpatient,
    results: Sequence[Any],
    person: r.Person,
    look: datetime,
    acknowledged: set[str],
    codes: Mapping[int, measures.Measure],
    w: Words,
    now: datetime,
) -> None:
    said: set[str] = set()
    alarms: dict[str, list[str]] = {}  # every critical value stands behind the newest of its kind
    quiet = 0
    age = age_days(person.birth, now)
    limits_of: dict[int, tuple[Limits, float]] = {}
    flags: dict[tuple[int, float], tuple[float, str]] = {}
    looked, late = look.timestamp(), (look - LATE).timestamp()
    for _, _, _, _, id_, code, at, val, upd, _ in results:  # newest first
        m = codes[code]
        if m.group == "vital" and m.code in said:
            continue
        if code not in limits_of:
            band = m.band(person.sex, age)
            limits = Limits(band.low, band.high, band.critical_low, band.critical_high) if band else Limits()
            limits_of[code] = limits, float(canonical(m.ucum, Decimal(1))[1])  # the index holds canonical units
        limits, step = limits_of[code]
        if (code, val) not in flags:
            value = float(f"{val / step:.10g}")
            flags[code, val] = value, limits.flag(value)
        value, flag = flags[code, val]
        fresh = upd > looked and at > late  # chart.since.is_new, in seconds
        critical = flag[:2] == "cr" and (fresh if m.group == "vital" else id_ not in acknowledged)
        if critical and m.group != "vital":
            alarms.setdefault(m.code, []).append(id_)
        if m.code in said:
            continue
        if critical or (fresh and flag):
            if critical and m.group != "vital":
                row.alarms.append(Alarm(_short(m, w.lang), w.number(value, m.decimals), alarms[m.code]))
            css = {"up": "hi", "dn": "lo", "cr up": "crit", "cr dn": "crit lo"}[flag]
            row.news.append(New(_short(m, w.lang), css, w.number(value, m.decimals)))
            row.urgent = row.urgent or critical
            said.add(m.code)
        elif fresh:
            quiet += 1
            said.add(m.code)
    row.news.sort(key=lambda n: "crit" not in n.flag)
    if quiet:
        row.news.append(New(w.plural("%(n)s normal result", "%(n)s normal results", quiet), "", ""))
