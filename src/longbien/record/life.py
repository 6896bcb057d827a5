"""A patient's whole life in one reading, for the chart: measured values as columns, everything else as bodies. One condition of the
scope on every statement, one line in the trail for the page, and every statement driven by the patient's key."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

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
_COMPONENT = "Observation.component-code-value-quantity"
LOINC = "http://loinc.org"
_decode = msgspec.json.Decoder().decode


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

    return sql.replace("{allowed}", scope.where(RowSQL.of("h")._replace(pat="$1::bigint", type=type_), bind)), values


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
    """The patient, `types` of their compartment and their Observations, as far as the scope allows (types it may not read are left
    out). Raises NotFound, also for a patient whom the scope hides. The trail line is durable when this returns."""
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

    async def nothing() -> Sequence[Any]:
        return []

    values, kinds, bodies = await asyncio.gather(
        ask(Q.columns, observation, _ERROR) if observe else nothing(),
        ask(Q.kinds, observation) if observe else nothing(),
        ask(Q.bodies, readable, MOST, type_="h.type"),
    )
    columns = by_code(values[0]) if values else []
    wanted = list({c["last"] for c in (*columns, *kinds)})
    samples = await engine.db.fetch(Q.samples, wanted) if wanted else []
    latest = dict(zip([s["rid"] for s in samples], await engine.unpack_all([s["body"] for s in samples]), strict=True))
    chosen = {
        k["code"]: at for k in kinds if k["last"] in latest and (at := component_keys(latest[k["last"]]).get(k["code"])) is not None
    }
    parts = await ask(Q.parts, observation, _VOID, list(chosen)) if chosen else []
    count = 1 + len(bodies) + sum(len(c["times"]) for c in (*columns, *parts))
    line = trail.line(scope, "page", pat=pat, rid=row["rid"], ver=row["ver"], type=number("Patient"), n=count)
    written = asyncio.ensure_future(engine.trail.write([line]))
    try:
        await asyncio.sleep(0)  # the line is on its way to the disk while the bodies are unpacked
        by_type: dict[str, list[bytes]] = {t: [] for t in types}
        for found, body in zip(bodies, await engine.unpack_all([b["body"] for b in bodies]), strict=True):
            by_type[type_name(found["type"])].append(body)
        last = {k["code"]: latest[k["last"]] for k in kinds if k["code"] in chosen}
        lived = Lived(
            await engine.unpack(row["body"]),
            [_column(c, latest[c["last"]]) for c in columns if c["last"] in latest] + _parts(parts, last, chosen),
            by_type,
        )
    finally:
        await written
    return lived


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
