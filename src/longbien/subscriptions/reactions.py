"""Departments' reactions: what a room does when the record changed. Follows the outbox; each hit becomes a job in the transaction
that moves the place on, so nothing is lost and nothing is done before it was committed; jobs try again, and what is given up stays
to be seen (table job).

A record that is followed for the first time is followed from then on: what stood in it before causes nothing."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from longbien.base import jobs, log
from longbien.base.db import ours
from longbien.base.department import Department, Reaction
from longbien.base.errors import Gone, NotFound
from longbien.base.sql import queries
from longbien.fhir import json
from longbien.record import matching, outbox
from longbien.record.engine import Engine
from longbien.record.matching import At
from longbien.record.outbox import VersionEvent
from longbien.record.store import Store

from .matcher import hit
from .topics import Trigger

Q = queries(__file__, "sql/reactions.sql")
QUEUE = "reaction"
READER = "reactions"
BATCH = 500
NAP = 0.5
_log = log.get(__name__)


def name(room: Department, reaction: Reaction) -> str:
    return f"{room.name}.{getattr(reaction.act, '__name__', 'act')}"


def trigger(query: str) -> Trigger:
    """`Type?a=b&c=d` as a rule about what is created or updated."""
    type_, _, rest = query.partition("?")
    return Trigger(type_, ("create", "update"), tuple(parse_qsl(rest, keep_blank_values=True)))


class Reactions:
    """All reactions of these departments. `house`: the record as the system itself."""

    def __init__(self, engine: Engine, house: Store, departments: Sequence[Department]):
        self.engine = engine
        self.house = house
        self.known = {name(d, r): (trigger(r.query), r) for d in departments for r in d.reactions}

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. What goes wrong is told and tried again."""
        while self.known and not stop.is_set():
            try:
                if await self.step():
                    continue
            except Exception as why:
                mine = ours(why)
                _log.warning("reactions: %s", mine.text if mine else type(why).__name__)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), NAP)

    async def step(self) -> int:
        """The next batch of versions; gives how many there were."""
        await self.engine.db.execute(Q.begin, READER)
        async with matching.view(self.engine) as engine:
            place = await outbox.cursor(engine.db, READER)
            events, after = await outbox.read(engine.db, place, BATCH)
            found = await self._hits(engine, events)
        if after != place:
            async with self.engine.db.transaction() as connection:
                await connection.execute(Q.lead)
                if await outbox.cursor(self.engine.db, READER) != place:
                    return len(events)  # another worker was first with these
                for reaction, event in found:
                    payload = {"do": reaction, "type": event.type, "id": event.id, "version": event.ver}
                    await jobs.enqueue(connection, QUEUE, payload, key=f"{reaction} {event.rid} {event.ver}")
                await outbox.keep(connection, READER, after)
        return len(events)

    async def _hits(self, engine: Engine, events: Sequence[VersionEvent]) -> list[tuple[str, VersionEvent]]:
        out = []
        for reaction, (rule, _) in self.known.items():
            mine = [e for e in events if e.type == rule.type]
            met = await hit(engine, self.house.scope, [rule], mine) if mine else set()
            out += [(reaction, e) for e in mine if At(e.rid, e.ver) in met]
        return out

    async def job(self, payload: Mapping[str, Any]) -> datetime | None:
        """The handler of QUEUE. A reaction that no department has any more is done."""
        known = self.known.get(payload["do"])
        if known is None:
            return None
        with contextlib.suppress(NotFound, Gone):
            stored = await self.house.vread(payload["type"], payload["id"], payload["version"])
            await known[1].act(self.house, json.loads(stored.body))
        return None
