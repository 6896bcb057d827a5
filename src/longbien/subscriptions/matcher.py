"""Every settled version against every subscription: hits get their numbers, in the order of the outbox, exactly once.

Numbers and place are written in one transaction, so who is killed in between finds everything as it was before."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from longbien.access.door import Door
from longbien.base import log
from longbien.base.db import ours
from longbien.base.errors import Conflict, LongbienError, Unavailable
from longbien.base.ids import key64
from longbien.base.sql import queries
from longbien.record import matching, outbox, parameters
from longbien.record.engine import Engine
from longbien.record.live import CHANNEL
from longbien.record.matching import At
from longbien.record.outbox import Cursor, VersionEvent
from longbien.record.scope import Scope

from .plan import Plan
from .topics import Params, Trigger

Q = queries(__file__, "sql/subscriptions.sql")
_log = log.get(__name__)
READER = "subscriptions"
BATCH = 500
SURE = 5.0
"""Seconds for which an owner's rights are taken for granted while matching; they are asked again when it is told."""
FAR = 10_000
"""Transactions without a version that are passed over before the place is written down."""
_LAST = (2**63 - 1, 2**31 - 1)


class Watch(NamedTuple):
    """One subscription as the matcher needs it."""

    rid: int
    id: str
    account: int
    token: int | None
    base: str
    plan: Plan
    since: int


class Broken(NamedTuple):
    """A subscription whose rule could not be asked, and why."""

    watch: Watch
    why: LongbienError


class Matcher:
    def __init__(self, engine: Engine, door: Door):
        self.engine = engine
        self.door = door
        self._scopes: dict[tuple[int, int | None], tuple[float, Scope | None]] = {}
        self.broken: list[Broken] = []
        """What the last step could not do: the caller tells their owners."""

    async def step(self) -> int:
        """The next batch of versions; gives how many there were (0: nothing has settled since)."""
        self.broken = []
        async with matching.view(self.engine) as engine:
            watches = [_watch(r) for r in await engine.db.fetch(Q.watched)]
            if not watches:
                return 0
            place = await outbox.cursor(engine.db, READER)
            # nobody waits for what lies before the oldest subscription
            await parameters.fresh(self.engine.db)
            start = max(place, Cursor(min(w.since for w in watches), *_LAST))
            events, after = await outbox.read(engine.db, start, BATCH)
            found = await self._hits(engine, watches, events)
        if events or after.xid > place.xid + FAR:
            await self._write(place, after, found)
        return len(events)

    async def _hits(
        self, engine: Engine, watches: Sequence[Watch], events: Sequence[VersionEvent]
    ) -> list[tuple[Watch, list[VersionEvent]]]:
        types = {e.type for e in events}
        found = []
        for watch in watches:
            if not any(t.type in types for t in watch.plan.triggers):
                continue
            scope = await self._scope(watch)
            mine = [e for e in events if e.xid > watch.since]
            if scope is None or not mine:
                continue
            try:
                async with engine.db.connection() as connection, connection.transaction():  # a savepoint: its failure is its own
                    hits = await hit(engine, scope, watch.plan.triggers, mine, watch.base)
            except Exception as error:
                why = ours(error)
                if why is None or (isinstance(why, Unavailable) and why.retry_after < 5):  # the database is away: all try again
                    raise
                self.broken.append(Broken(watch, why))
                continue
            if hits:
                found.append((watch, [e for e in mine if At(e.rid, e.ver) in hits]))
        return found

    async def _scope(self, watch: Watch) -> Scope | None:
        key = (watch.account, watch.token)
        known = self._scopes.get(key)
        if known is None or known[0] < time.monotonic():
            actor = await self.door.again(*key)
            scope = self.door.scope(actor, reason="subscription") if actor else None
            if len(self._scopes) > 10_000:
                self._scopes.clear()
            self._scopes[key] = known = (time.monotonic() + SURE, scope)
        return known[1]

    async def _write(self, place: Cursor, after: Cursor, found: Iterable[tuple[Watch, list[VersionEvent]]]) -> None:
        async with self.engine.db.transaction() as connection:
            await connection.execute(Q.place, READER)
            row = await connection.fetchrow(Q.place_held, READER)
            if (row["xid"], row["rid"], row["ver"]) != tuple(place):
                raise Conflict("Another process matches subscriptions too.")
            for watch, events in found:
                last = await connection.fetchval(Q.number, watch.rid, len(events), watch.since)
                if last is None:
                    continue
                numbers = list(range(last - len(events) + 1, last + 1))
                state = "w" if watch.plan.channel == "rest-hook" else "k"
                await connection.execute(Q.add, watch.rid, numbers, [e.rid for e in events], [e.ver for e in events], state)
                if state == "k":
                    await connection.execute(
                        "SELECT pg_notify($1, $2)", CHANNEL, f"{news_key(watch.id)} Subscription {watch.id} {last}"
                    )
            await outbox.keep(connection, READER, after)


def news_key(id: str) -> int:
    """Under which key live news (record/live.py) speak of a subscription's new events."""
    return key64(f"Subscription/{id}")


def _watch(row: Any) -> Watch:
    return Watch(
        row["rid"], row["id"], row["account"], row["token"], row["base"], Plan.of_json(json.loads(row["plan"])), row["since"]
    )


async def hit(engine: Engine, scope: Scope, triggers: Sequence[Trigger], events: Sequence[VersionEvent], base: str = "") -> set[At]:
    """Which versions are events of one of these triggers. Ask inside matching.view."""
    found: set[At] = set()
    for t in triggers:
        if not scope.may_search(t.type):
            continue
        mine = [e for e in events if e.type == t.type and e.op in t.on and At(e.rid, e.ver) not in found]
        now = await _meet(engine, scope, t.type, t.current, [(e, e.ver - (e.op == "delete")) for e in mine], base)
        if t.previous is not None:
            before = [e for e in now if e.op == "update"]
            passed = await _meet(engine, scope, t.type, t.previous, [(e, e.ver - 1) for e in before], base)
            now = [e for e in now if e.op == "create" or e in passed]
        found |= {At(e.rid, e.ver) for e in now}
    return found


async def _meet(
    engine: Engine, scope: Scope, type_: str, params: Params, asked: Sequence[tuple[VersionEvent, int]], base: str
) -> list[VersionEvent]:
    """The events whose version (the number given beside each) meets the rule."""
    if not asked:
        return []
    if not params and scope.unlimited:
        return [e for e, _ in asked]
    query = matching.criteria(type_, params)
    met = await matching.matching(engine, scope, query, [At(e.rid, ver) for e, ver in asked], base)
    return [e for e, ver in asked if At(e.rid, ver) in met]
