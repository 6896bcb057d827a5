"""What stands on a reader's desk: today's patients of a facility, what is new of each, what was opened lately."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from ..base import clock
from ..base.ids import key64
from ..base.sql import queries
from ..base.words import Words, given_first
from ..record import trail
from ..record.engine import Engine
from ..record.scope import Scope
from ..record.search.params.units import canonical
from ..record.types import number
from .chart import measures
from .chart import record as r
from .chart.model import age_days
from .chart.since import is_new
from .chart.spark import Limits

Q = queries(__file__, "sql/desk.sql")
_decode = msgspec.json.Decoder().decode
_ERROR = key64("Observation.status=entered-in-error")
RECENT = timedelta(days=7)
ENDLESS = 9000


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
    news: list[New] = field(default_factory=list)
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class Outpatient:
    id: str
    name: str
    time: datetime
    what: str


@dataclass(slots=True)
class Desk:
    inpatients: list[Inpatient]
    outpatients: list[Outpatient]


def _scoped(scope: Scope, sql: str, *values: Any) -> tuple[str, list[Any]]:
    args = list(values)

    def bind(value: Any) -> str:
        args.append(value)
        return f"${len(args)}"

    return sql.replace("{allowed}", scope.where("h.pat", "h.type", bind)), args


async def people(engine: Engine, scope: Scope, pats: Sequence[int], *, audited: bool = True) -> dict[int, tuple[r.Person, Any]]:
    """The persons behind these keys, as far as the scope shows them; one trail line each, durable."""
    if not pats:
        return {}
    sql, args = _scoped(scope, Q.people, list(pats), number("Patient"))
    rows = await engine.db.fetch(sql, *args, search=True)
    bodies = await engine.unpack_all([row["body"] for row in rows])
    if audited:
        lines = [trail.line(scope, "search", pat=x["pat"], rid=x["rid"], ver=x["ver"], type=number("Patient")) for x in rows]
        await engine.trail.write(lines)
    return {row["pat"]: (r.person(_decode(body)), row) for row, body in zip(rows, bodies, strict=True)}


async def visits(engine: Engine, scope: Scope, now: datetime) -> list[tuple[int, r.Visit, Mapping[str, Any], bool]]:
    """(patient key, visit, body, is it still open) of the scope's facility, of today."""
    if scope.org is None:
        return []
    start = clock.local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    sql, args = _scoped(scope, Q.care, scope.org, start, start + timedelta(days=1), number("Encounter"))
    rows = await engine.db.fetch(sql, *args, search=True)
    out = []
    for row, body in zip(rows, await engine.unpack_all([x["body"] for x in rows]), strict=True):
        resource = _decode(body)
        visit = r.visit(resource, {}, "vi")
        if visit is not None:
            out.append((row["pat"], visit, resource, row["hi"].year >= ENDLESS or visit.open))
    return out


def _attends(resource: Mapping[str, Any], practitioner: str | None) -> bool:
    return practitioner is not None and any(
        r.reference_id(p.get("individual")) == practitioner for p in resource.get("participant") or ()
    )


async def desk(engine: Engine, scope: Scope, practitioner: str | None, w: Words, now: datetime) -> Desk:
    """Inpatients by urgency then bed, outpatients by time."""
    found = await visits(engine, scope, now)
    persons = await people(engine, scope, list({pat for pat, *_ in found}))
    today = clock.local(now).date()
    beds: dict[int, Inpatient] = {}
    out: list[Outpatient] = []
    for pat, visit, resource, open_ in found:
        if pat not in persons:
            continue
        person = persons[pat][0]
        if visit.inpatient and open_:
            age = " ".join(x for x in (w.sex(person.sex).lower(), w.age(person.birth, today)) if x)
            problem = _diagnosis(resource) or r.concept(resource.get("reasonCode"), w.lang)
            days = (today - clock.local(visit.start).date()).days + 1
            beds[pat] = Inpatient(person.id, pat, person.name, age, visit.bed, problem, days, _attends(resource, practitioner))
        elif not visit.inpatient and clock.local(visit.start).date() == today:
            what = r.concept(resource.get("reasonCode"), w.lang) or r.concept(resource.get("type"), w.lang)
            out.append(Outpatient(person.id, person.name, visit.start, what))
    await _problems(engine, scope, beds, {pat: x for pat, _, x, open_ in found if open_}, w)
    await _news(engine, scope, list(beds.values()), {p: persons[p][0] for p in beds}, w, now)
    return Desk(sorted(beds.values(), key=lambda i: (i.bed == "", i.bed, given_first(i.name))), sorted(out, key=lambda o: o.time))


async def _problems(
    engine: Engine, scope: Scope, beds: Mapping[int, Inpatient], visits_: Mapping[int, Mapping[str, Any]], w: Words
) -> None:
    """The diagnosis of the stay: the one that the visit names, else the newest recorded in it."""
    if not beds or not scope.may_read("Condition"):
        return
    sql, args = _scoped(scope, Q.conditions, list(beds), number("Condition"))
    rows = await engine.db.fetch(sql, *args, search=True)
    best: dict[int, tuple[int, str]] = {}
    for row, body in zip(rows, await engine.unpack_all([x["body"] for x in rows]), strict=True):
        resource = _decode(body)
        problem = r.problem(resource, w.lang)
        visit = visits_.get(row["pat"], {})
        if problem is None or not problem.active:
            continue
        named = [r.reference_id(d.get("condition")) for d in visit.get("diagnosis") or ()]
        of_visit = r.reference_id(resource.get("encounter")) == visit.get("id")
        rank = 0 if problem.id in named[:1] else 1 if problem.id in named else 2 if of_visit else 3
        if row["pat"] not in best or rank < best[row["pat"]][0]:
            best[row["pat"]] = (rank, problem.name)
    for pat, (rank, name) in best.items():
        if rank < 3 or not beds[pat].problem:
            beds[pat].problem = name


def _diagnosis(resource: Mapping[str, Any]) -> str:
    return str(r.first(resource, "diagnosis", "condition", "display") or "")


async def _news(
    engine: Engine, scope: Scope, rows: list[Inpatient], persons: Mapping[int, r.Person], w: Words, now: datetime
) -> None:
    """Put the abnormal and the new of the last days into the rows."""
    if not rows or not scope.may_read("Observation"):
        return
    pats = [i.pat for i in rows]
    codes = _codes()
    since = now - RECENT
    looked = {x["pat"]: x["at"] for x in await engine.db.fetch(Q.looked_at, scope.actor, pats)}
    sql, args = _scoped(scope, Q.results, pats, number("Observation"), since, list(codes), _ERROR)
    results = await engine.db.fetch(sql, *args, search=True)
    sql, args = _scoped(scope, Q.tasks, pats, number("Task"), since)
    bodies = await engine.db.fetch(sql, *args, search=True) if scope.may_read("Task") else []
    acknowledged = {r.reference_id(_decode(b).get("focus")) for b in await engine.unpack_all([x["body"] for x in bodies])}
    by: dict[int, list[Any]] = defaultdict(list)
    for x in results:
        by[x["pat"]].append(x)
    for row in rows:
        look = looked.get(row.pat, now - timedelta(days=1))
        _fill(row, by[row.pat], persons[row.pat], look, acknowledged, codes, w, now)


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
    quiet = 0
    age = age_days(person.birth, now)
    for x in results:  # newest first
        m = codes[x["code"]]
        if m.code in said:
            continue
        band = m.band(person.sex, age)
        step = float(canonical(m.ucum, Decimal(1))[1])  # the index holds canonical units
        value = float(f"{float(x['val']) / step:.10g}")
        limits = Limits(band.low, band.high, band.critical_low, band.critical_high) if band else Limits()
        flag = limits.flag(value)
        fresh = is_new(datetime.fromtimestamp(x["at"], UTC), datetime.fromtimestamp(x["upd"], UTC), look)
        critical = flag[:2] == "cr" and (fresh if m.group == "vital" else x["id"] not in acknowledged)
        if critical or (fresh and flag):
            css = {"up": "hi", "dn": "lo", "cr up": "crit", "cr dn": "crit lo"}[flag]
            row.news.append(New(measures.SHORT.get(m.loinc, {}).get(w.lang) or m.name(w.lang), css, w.number(value, m.decimals)))
            row.urgent = row.urgent or critical
            said.add(m.code)
        elif fresh:
            quiet += 1
            said.add(m.code)
    row.news.sort(key=lambda n: "crit" not in n.flag)
    if quiet:
        row.news.append(New(w.plural("%(n)s normal result", "%(n)s normal results", quiet), "", ""))
