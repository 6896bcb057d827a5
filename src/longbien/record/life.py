"""A patient's whole life in one reading, for the chart: measured values as columns, everything else as bodies. One condition of the
scope on every statement, one line in the trail for the page, and every statement driven by the patient's key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple, TypeVar

import msgspec

from longbien.base.errors import NotFound
from longbien.base.ids import key64, patient_key
from longbien.base.sql import queries

from . import trail
from .engine import Engine
from .scope import RowSQL, Scope
from .search.keys import key
from .types import number, type_name

Q = queries(__file__, "sql/life.sql")
MOST = 20_000
"""Bodies of one patient that are read at most; the lists say so when there are more."""
_ERROR = key64("Observation.status=entered-in-error")
_VOID = [_ERROR, key64("Observation.status=cancelled")]
_PARTS = Q.parts.replace("{void}", f"{{{_VOID[0]},{_VOID[1]}}}")
_COMPONENT = "Observation.component-code-value-quantity"
LOINC = "http://loinc.org"
_decode = msgspec.json.Decoder().decode
T = TypeVar("T")


class Column(NamedTuple):
    """All values under one code, ascending in time, in the index's canonical unit. `ids` and `updated` belong to the last values
    (those of the last days). `sample`: the JSON of the latest. `part`: these are the values of that component of the Observations
    (blood pressure), the sample's number `part`; None: of the Observations themselves."""

    code: int | None
    times: list[datetime]
    values: list[float]
    ids: list[str]
    updated: list[datetime]
    sample: bytes
    part: int | None = None


class Lived(NamedTuple):
    """`bodies`: by resource type, newest first. `columns`: of Observations and of their components."""

    patient: bytes
    columns: list[Column]
    bodies: dict[str, list[bytes]]


def _scoped(scope: Scope, sql: str, type_: str, *args: Any) -> tuple[str, list[Any]]:
    """The scope's condition over the one patient ($1), so that what depends on the patient alone is decided once and not for every
    row."""
    values = list(args)

    def bind(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    row = RowSQL.of("h")._replace(pat="$1::bigint", type=type_)
    marks = {"{whole}": partial(scope.whole, row.pat), "{each}": partial(scope.where, row), "{allowed}": partial(scope.every, row)}
    for mark, make in marks.items():
        if mark in sql:
            sql = sql.replace(mark, make(bind))
    return sql, values


def by_code(row: Any) -> list[dict[str, Any]]:
    """The arrays of Q.columns parted by code, each as a row of Q.parts has it."""
    found: dict[int | None, dict[str, Any]] = {}
    ids, upds = row["ids"] or (), row["upds"] or ()
    old = len(row["codes"] or ()) - len(ids)  # so many are older than the last days
    arrays = (row[name] or () for name in ("codes", "rids", "times", "vals"))
    for n, (code, rid, time, value) in enumerate(zip(*arrays, strict=True)):
        column = found.get(code)
        if column is None:
            column = found[code] = {"code": code, "times": [], "vals": [], "ids": [], "upds": [], "last": rid}
        column["times"].append(time)
        column["vals"].append(value)
        column["last"] = rid
        if n >= old:
            column["ids"].append(ids[n - old])
            column["upds"].append(upds[n - old])
    return list(found.values())


def component_keys(sample: bytes) -> dict[int, int]:
    """The index key of each component's code, and the component's number: of several codings LOINC's, else the first."""
    found: dict[int, int] = {}
    for at, part in enumerate(_decode(sample).get("component") or ()):
        codings = [c for c in (part.get("code") or {}).get("coding") or () if c.get("code")]
        chosen = next((c for c in codings if c.get("system") == LOINC), codings[0] if codings else None)
        if chosen is not None:
            found.setdefault(key(f"{_COMPONENT}|{chosen.get('system') or ''}|{chosen['code']}"), at)
    return found


async def life(engine: Engine, scope: Scope, patient_id: str, types: Sequence[str]) -> Lived:
    """As `life_as`, as it is."""

    async def itself(lived: Lived) -> Lived:
        return lived

    return await life_as(engine, scope, patient_id, types, itself)


async def life_as(engine: Engine, scope: Scope, patient_id: str, types: Sequence[str], then: Callable[[Lived], Awaitable[T]]) -> T:
    """The patient, `types` of their compartment and their Observations, as far as the scope allows (types it may not read are left
    out); gives what `then` makes of it, while the trail line is on its way to the disk. It is durable when this returns. Raises
    NotFound, also for a patient whom the scope hides."""
    pat = patient_key(patient_id)
    sql, args = _scoped(scope, Q.patient, "$2::smallint", pat, number("Patient"))
    row = await engine.db.fetchrow(sql, *args)
    if row is None or row["deleted"]:
        if not scope.unlimited:  # as long as a refusal takes, and as visible
            await engine.trail.write([trail.line(scope, "refused", type=number("Patient"), outcome=trail.REFUSED, n=0)])
        raise NotFound(f"Patient/{patient_id} is not known.")
    if not row["allowed"] or not scope.may_read("Patient"):
        refusal = trail.line(scope, "refused", pat=pat, rid=row["rid"], type=number("Patient"), outcome=trail.REFUSED)
        await engine.trail.write([refusal])
        raise NotFound(f"Patient/{patient_id} is not known.")
    readable = [number(t) for t in types if scope.may_read(t)]
    observe = scope.may_read("Observation")
    observation = number("Observation")

    async def ask(query: str, *values: Any, type_: str = "$2::smallint") -> Sequence[Any]:
        text, bound = _scoped(scope, query, type_, pat, *values)
        return await engine.db.fetch(text, *bound, search=True)

    async def samples(wanted: Sequence[Any]) -> dict[int, bytes]:
        """The bodies of the latest of each column."""
        rows = await engine.db.fetch(Q.samples, list({c["last"] for c in wanted})) if wanted else []
        return dict(zip([x["rid"] for x in rows], await engine.unpack_all([x["body"] for x in rows]), strict=True))

    async def measured() -> tuple[list[Column], int]:
        found = by_code((await ask(Q.columns, observation, _ERROR))[0])
        latest = await samples(found)
        return [_column(c, latest[c["last"]]) for c in found if c["last"] in latest], sum(len(c["times"]) for c in found)

    async def components() -> tuple[list[Column], int]:
        kinds = await ask(Q.kinds, observation)
        latest = await samples(kinds)
        known = [(k, component_keys(latest[k["last"]]).get(k["code"])) for k in kinds if k["last"] in latest]
        chosen = {k["code"]: at for k, at in known if at is not None}
        found = await ask(_PARTS, observation, list(chosen)) if chosen else []
        last = {k["code"]: latest[k["last"]] for k, at in known if at is not None}
        return _parts(found, last, chosen), sum(len(c["times"]) for c in found)

    async def told() -> tuple[dict[str, list[bytes]], int]:
        found = await ask(Q.bodies, readable, MOST, type_="h.type")
        by_type: dict[str, list[bytes]] = {t: [] for t in types}
        for one, body in zip(found, await engine.unpack_all([b["body"] for b in found]), strict=True):
            by_type[type_name(one["type"])].append(body)
        return by_type, len(found)

    async def nothing() -> tuple[list[Column], int]:
        return [], 0

    (bodies, b), (columns, c), (parts, p) = await asyncio.gather(
        told(), measured() if observe else nothing(), components() if observe else nothing()
    )
    line = trail.line(scope, "page", pat=pat, rid=row["rid"], ver=row["ver"], type=number("Patient"), n=1 + b + c + p)
    written = asyncio.ensure_future(engine.trail.write([line]))
    try:
        await asyncio.sleep(0)
        return await then(Lived(await engine.unpack(row["body"]), columns + parts, bodies))
    finally:
        await written


def _column(row: Any, sample: bytes, part: int | None = None, times: list[datetime] | None = None) -> Column:
    moment = datetime.fromtimestamp
    return Column(
        row["code"],
        times or [moment(t, UTC) for t in row["times"]],
        row["vals"],
        list(row["ids"] or ()),
        [moment(t, UTC) for t in row["upds"] or ()],
        sample,
        part,
    )


def _parts(rows: Sequence[Any], samples: Mapping[int, bytes], numbers: Mapping[int, int]) -> list[Column]:
    """Components measured at the same moments (systolic, diastolic) share one list of them."""
    out: list[Column] = []
    before: Any = None
    for row in rows:
        same = before is not None and before["times"] == row["times"]
        out.append(_column(row, samples[row["code"]], numbers[row["code"]], out[-1].times if same else None))
        before = row
    return out


async def named(engine: Engine, type_: str, ids: Sequence[str]) -> dict[str, bytes]:
    """Bodies of resources that belong to no patient (Organization, Practitioner, Location), by id; unknown ones are left out. Not a
    read of anybody's record, so no trail line."""
    if not ids:
        return {}
    rows = await engine.db.fetch(Q.names, list(ids), number(type_))
    return dict(zip([r["id"] for r in rows], await engine.unpack_all([r["body"] for r in rows]), strict=True))
