"""Indexing again what is there already: after a SearchParameter was stored or changed, and after an upgrade (`longbien reindex`).

A pass goes over one type's rows, newest first, a batch at a time, each batch a transaction that writes only what differs; no new
versions come of it. Its place is kept (table reindex), so that a pass goes on where it was after a kill; doing a batch twice
changes nothing. A batch locks its rows for as long as its one statement takes. What is written meanwhile is indexed by its writer
(parameters.py)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from longbien.base import clock, log
from longbien.base.jobs import Handler
from longbien.base.sql import queries
from longbien.fhir import json

from . import full_text, index, parameters, write
from .engine import Engine
from .search import registry
from .types import number, type_name

Q = queries(__file__, "sql/reindex.sql")
_log = log.get(__name__)
QUEUE = "record.reindex"
BATCH = 200
SLICE = 20.0
"""Seconds that one run of the job works before it lets others have their turn."""
REST = 0.5
"""Of the time that a batch took, how much is left to others before the next."""
IDLE = timedelta(seconds=15)
"""How often the job looks for a pass that it was not told of."""


class Progress(NamedTuple):
    """One type's pass. total: how many resources there were when it began (counted up to five million)."""

    type: str
    done: int
    changed: int
    total: int
    finished: bool


async def ask(engine: Engine, types: Sequence[str] = ()) -> list[str]:
    """Ask for passes over these types (all that have rows, where none is named); gives the types."""
    names = list(types) or [type_name(r["type"]) for r in await engine.db.fetch(Q.types)]
    await engine.db.execute(Q.ask, [number(t) for t in names])
    return names


async def progress(engine: Engine, types: Sequence[str] | None = None) -> list[Progress]:
    rows = await engine.db.fetch(Q.progress, None if types is None else [number(t) for t in types])
    return [Progress(type_name(r["type"]), r["done"], r["changed"], r["total"], r["finished"] is not None) for r in rows]


def job(engine: Engine) -> Handler:
    """The handler of QUEUE: works on what was asked for, a slice at a time; always there."""

    async def handle(payload: Mapping[str, Any]) -> datetime:
        until = time.monotonic() + SLICE
        while time.monotonic() < until:
            began = time.monotonic()
            if not await step(engine):
                waiting = await engine.db.fetchval(Q.waiting)
                return clock.now() + (timedelta(seconds=1) if waiting else IDLE)
            await asyncio.sleep((time.monotonic() - began) * REST)
        return clock.now()

    return handle


async def step(engine: Engine) -> bool:
    """One batch of the oldest pass that can go on; False where there is none. A pass waits for the transactions that were under way
    when it was asked for: they may have indexed by what was before."""
    await engine.db.execute(Q.floors)
    async with engine.db.transaction() as connection:
        here = await connection.fetchrow(Q.next)
        if here is None:
            return False
        await parameters.fresh(engine.db)
        rows = await connection.fetch(Q.batch, here["type"], _place(here), here["rid"], BATCH)
        if not rows:
            await connection.execute(Q.done, here["type"], here["stamp"])
            _log.info("%s: indexed again, %s looked at, %s changed", type_name(here["type"]), here["done"], here["changed"])
            return True
        changed = await _again(engine, connection, rows)
        last = rows[-1]
        await connection.execute(Q.moved, here["type"], here["stamp"], _place(last), last["rid"], len(rows), changed)
    return True


def _place(row: Any) -> datetime | None:
    """-infinity comes from the driver without a zone."""
    at: datetime | None = row["dlo"]
    return at if at is None or at.tzinfo else index.EARLIEST


async def _again(engine: Engine, connection: Any, rows: Sequence[Any]) -> int:
    """Make the index rows of these versions anew, where they are still the newest; gives how many heads differed."""
    bodies = await engine.unpack_all([r["body"] for r in rows])
    heads: list[Any] = []
    refs: list[Any] = []
    made_of: list[index.Indexed] = []
    resources: list[tuple[int, dict[str, Any]]] = []
    sides: tuple[list[Any], ...] = ([], [], [], [], [])
    for row, body in zip(rows, bodies, strict=True):
        resource = json.loads(body, strict=False)
        x = index.rows(resource)
        made_of.append(x)
        resources.append((row["rid"], resource))
        refs += [(row["rid"], p, type_, id_) for p, type_, id_ in x.refs]
        r = (row["rid"], x.pat, x.code, x.dlo, x.dhi, row["upd"], x.val, row["ver"], row["type"], False, row["id"], x.terms)
        heads.append(r)
        for into, made in zip(sides, index.side_rows(row["rid"], x), strict=True):
            into += made
    await write.write_words(engine, made_of)
    changed: int = await connection.fetchval(Q.reindex, heads, *sides)
    if any(keep := full_text.wanted()) or not registry.current.parts.get("_text", (False, True))[1]:
        texts = full_text.rows(resources, keep)
        await connection.execute(Q.words, [r["rid"] for r in rows], [r["ver"] for r in rows], *texts)
    columns = [list(c) for c in zip(*refs, strict=True)] or [[], [], [], []]
    await connection.execute(Q.refs, [r["rid"] for r in rows], [r["ver"] for r in rows], *columns)
    return changed
