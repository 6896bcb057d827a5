"""A patient's whole life in one reading, for the chart: measured values as columns, everything else as bodies. One condition of the
scope on every statement, one line in the trail for the page, and every statement driven by the patient's key."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from longbien.base.errors import NotFound
from longbien.base.ids import key64, patient_key
from longbien.base.sql import queries

from . import trail
from .engine import Engine
from .scope import Scope
from .types import number, type_name

Q = queries(__file__, "sql/life.sql")
MOST = 20_000
"""Bodies of one patient that are read at most; the lists say so when there are more."""
MOST_PANELS = 3_000
_ERROR = key64("Observation.status=entered-in-error")


class Column(NamedTuple):
    """All values under one code, ascending in time, in the index's canonical unit. `ids` and `updated` belong to the last values
    (those of the last days). `sample`: the JSON of the latest."""

    code: int | None
    times: list[datetime]
    values: list[float]
    ids: list[str]
    updated: list[datetime]
    sample: bytes


class Lived(NamedTuple):
    """`bodies`: by resource type, newest first. `panels`: Observations without a value of their own."""

    patient: bytes
    columns: list[Column]
    panels: list[bytes]
    bodies: dict[str, list[bytes]]


def _scoped(scope: Scope, sql: str, *args: Any) -> tuple[str, list[Any]]:
    values = list(args)

    def bind(value: Any) -> str:
        values.append(value)
        return f"${len(values)}"

    return sql.replace("{allowed}", scope.where("h.pat", "h.type", bind)), values


async def life(engine: Engine, scope: Scope, patient_id: str, types: Sequence[str]) -> Lived:
    """The patient, `types` of their compartment and their Observations, as far as the scope allows (types it may not read are left
    out). Raises NotFound, also for a patient whom the scope hides. The trail line is durable when this returns."""
    pat = patient_key(patient_id)
    sql, args = _scoped(scope, Q.patient, pat, number("Patient"))
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

    async def ask(query: str, *values: Any) -> Sequence[Any]:
        text, bound = _scoped(scope, query, pat, *values)
        return await engine.db.fetch(text, *bound, search=True)

    async def nothing() -> Sequence[Any]:
        return []

    columns, panels, bodies = await asyncio.gather(
        ask(Q.columns, observation, _ERROR) if observe else nothing(),
        ask(Q.panels, observation, MOST_PANELS) if observe else nothing(),
        ask(Q.bodies, readable, MOST),
    )
    count = 1 + len(panels) + len(bodies) + sum(len(c["times"]) for c in columns)
    line = trail.line(scope, "page", pat=pat, rid=row["rid"], ver=row["ver"], type=number("Patient"), n=count)
    samples, _ = await asyncio.gather(engine.db.fetch(Q.samples, [c["last"] for c in columns]), engine.trail.write([line]))
    latest = dict(zip([s["rid"] for s in samples], await engine.unpack_all([s["body"] for s in samples]), strict=True))
    by_type: dict[str, list[bytes]] = {t: [] for t in types}
    for found, body in zip(bodies, await engine.unpack_all([b["body"] for b in bodies]), strict=True):
        by_type[type_name(found["type"])].append(body)
    return Lived(
        await engine.unpack(row["body"]),
        [_column(c, latest[c["last"]]) for c in columns if c["last"] in latest],
        await engine.unpack_all([p["body"] for p in panels]),
        by_type,
    )


def _column(row: Any, sample: bytes) -> Column:
    moment = datetime.fromtimestamp
    return Column(
        row["code"],
        [moment(t, UTC) for t in row["times"]],
        row["vals"],
        list(row["ids"] or ()),
        [moment(t, UTC) for t in row["upds"] or ()],
        sample,
    )


async def named(engine: Engine, type_: str, ids: Sequence[str]) -> dict[str, bytes]:
    """Bodies of resources that belong to no patient (Organization, Practitioner, Location), by id; unknown ones are left out. Not a
    read of anybody's record, so no trail line."""
    if not ids:
        return {}
    rows = await engine.db.fetch(Q.names, list(ids), number(type_))
    return dict(zip([r["id"] for r in rows], await engine.unpack_all([r["body"] for r in rows]), strict=True))
