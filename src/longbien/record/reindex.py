"""Indexing again what is there already: after a SearchParameter was stored or changed, and after an upgrade (`longbien reindex`).

A pass goes over one type's rows, newest first, a batch at a time, each batch a transaction that writes only what differs; no new
versions come of it. Its place is kept (table reindex), so that a pass goes on where it was after a kill; doing a batch twice
changes nothing. A batch locks its rows for as long as its one statement takes. What is written meanwhile is indexed by its writer
(parameters.py)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from longbien.base import clock, log
from longbien.base.jobs import Handler
from longbien.base.sql import queries
from longbien.fhir import json

from . import full_text, index, parameters, ties, write
from .engine import Engine
from .search import registry
from .search.keys import packed_id
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
    here = await engine.db.fetchrow(Q.next)
    if here is None:
        return False
    await parameters.fresh(engine.db)
    rows = await engine.db.fetch(Q.batch, here["type"], _place(here), here["rid"], BATCH)
    if not rows:
        await engine.db.execute(Q.done, here["type"], here["stamp"])
        _log.info("%s: indexed again, %s looked at, %s changed", type_name(here["type"]), here["done"], here["changed"])
        return True
    made = await _made(engine, rows)
    async with engine.db.transaction() as connection:  # holds nothing while it waits for a second connection
        if await connection.fetchval(Q.hold, here["type"], here["stamp"], _place(here), here["rid"]):
            changed = await made.put(connection, rows)
            last = rows[-1]
            await connection.execute(Q.moved, here["type"], here["stamp"], _place(last), last["rid"], len(rows), changed)
    return True


def _place(row: Any) -> datetime | None:
    """-infinity comes from the driver without a zone."""
    at: datetime | None = row["dlo"]
    return at if at is None or at.tzinfo else index.EARLIEST


@dataclass
class _Made:
    """The index rows of some versions, made anew."""

    heads: list[Any] = field(default_factory=list)
    sides: index.Sides = field(default_factory=lambda: ([], [], [], [], []))
    refs: list[Any] = field(default_factory=list)
    ties: list[Any] = field(default_factory=list)
    texts: full_text.Rows | None = None
    said: list[Any] = field(default_factory=list)

    async def put(self, connection: Any, rows: Sequence[Any]) -> int:
        """Where they are still the newest; gives how many heads differed."""
        changed: int = await connection.fetchval(Q.reindex, self.heads, *self.sides)
        of = [r["rid"] for r in rows], [r["ver"] for r in rows]
        if self.texts is not None:
            await connection.execute(Q.words, *of, *self.texts)
        newest = {
            r["rid"] for r in await connection.fetch(Q.newest, *of)
        }  # what a Consent said that was withdrawn meanwhile is over
        for call, rids, said in write.said_of_access([s for s in self.said if s[0] in newest]):
            await connection.execute(f"SELECT {call.format('$1', '$2')}", rids, said)
        columns = [list(c) for c in zip(*self.refs, strict=True)] or [[], [], [], []]
        await connection.execute(Q.refs, *of, *columns)
        await connection.execute(Q.ties, *of, self.ties)
        return changed


async def _older(engine: Engine, rows: Sequence[Any]) -> dict[int, int]:
    """The sensitive categories of the versions before the newest: the history shows them still."""
    found: dict[int, int] = {}
    many = {r["rid"]: r["ver"] for r in rows if r["ver"] > 1}
    for row in await engine.db.fetch(Q.older, list(many), list(many.values())) if many else ():
        resource = json.loads(await engine.unpack(row["body"]), strict=False)
        found[row["rid"]] = found.get(row["rid"], 0) | index.rows(resource).sens
    return found


async def _made(engine: Engine, rows: Sequence[Any]) -> _Made:
    bodies = await engine.unpack_all([r["body"] for r in rows])
    made = _Made()
    older = await _older(engine, rows)
    encounters: dict[int, str] = {}
    indexed: list[index.Indexed] = []
    resources: list[tuple[int, dict[str, Any]]] = []
    for row, body in zip(rows, bodies, strict=True):
        resource = json.loads(body, strict=False)
        x = index.rows(resource)
        indexed.append(x)
        resources.append((row["rid"], resource))
        made.said.append((row["rid"], type_name(row["type"]), x.pat, resource))
        made.ties += ties.rows(row["rid"], x.pat, resource)
        made.refs += [(row["rid"], p, type_, packed_id(id_)) for p, type_, id_ in x.refs]
        r = (row["rid"], x.pat, x.code, x.dlo, x.dhi, row["upd"], x.val, row["ver"], row["type"], False, row["id"], x.terms)
        if x.org is None and (encounter := index.encounter_of(resource)):
            encounters[row["rid"]] = encounter
        made.heads.append((*r, x.sens | older.get(row["rid"], 0), x.org))
        for into, side in zip(made.sides, index.side_rows(row["rid"], x), strict=True):
            into += side
    if encounters:
        orgs = await write.made_at(engine.db, list(encounters.values()))
        made.heads = [r if r[0] not in encounters else (*r[:-1], orgs.get(encounters[r[0]])) for r in made.heads]
    keep = full_text.wanted()
    if any(keep) or not registry.current.parts.get("_text", (False, True))[1]:
        made.texts = full_text.rows(resources, keep)
    await write.write_words(engine, indexed)
    return made
