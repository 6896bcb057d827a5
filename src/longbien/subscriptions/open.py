"""What a subscription's owner may ask about it: how it fares, past events, a ticket for a websocket, the dead letters."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from longbien.base.errors import Forbidden, NotFound
from longbien.base.sql import queries
from longbien.record import trail
from longbien.record.engine import Engine
from longbien.record.scope import Scope
from longbien.record.store import Store
from longbien.record.types import number, type_name

from .notice import Event
from .read import Sub, events

Q = queries(__file__, "sql/subscriptions.sql")
PAGE = 100
"""Events of one answer."""
TICKET_SECONDS = 60
NEWEST = 2**62


async def seen(store: Store, id: str) -> Sub:
    """A subscription whose resource the asker may read. Raises NotFound, Gone, Forbidden."""
    await store.read("Subscription", id)
    row = await store.engine.db.fetchrow(Q.by_id, id)
    if row is None:
        raise NotFound(f"Subscription/{id} is stored, but was not written here by somebody who could be told anything.")
    return Sub.of(row)


async def own(store: Store, id: str) -> Sub:
    """One's own. Raises as `seen`, and Forbidden."""
    sub = await seen(store, id)
    if sub.account != store.scope.actor:
        raise Forbidden(f"Subscription/{id} is another's.")
    return sub


async def past(store: Store, sub: Sub, after: int, upto: int, most: int = PAGE) -> list[Event]:
    """Events with numbers over `after` up to `upto`, as they may be seen now; at most `most`."""
    rows = await store.engine.db.fetch(Q.between, sub.rid, after, upto, most)
    return await events(store, rows)


async def ticket(store: Store, subs: Sequence[Sub]) -> tuple[str, datetime]:
    """(secret, until): binds a websocket to these subscriptions without another proof."""
    secret = secrets.token_urlsafe(32)
    until: datetime = await store.engine.db.fetchval(
        Q.ticket_new, digest(secret), [s.rid for s in subs], store.scope.actor, store.scope.token, TICKET_SECONDS
    )
    return secret, until


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


async def dead(store: Store, sub: Sub, most: int = PAGE) -> list[dict[str, Any]]:
    """The dead letters, oldest first: n, at, place, version, attempts, error."""
    rows = await store.engine.db.fetch(Q.dead, sub.rid, most)
    return [
        {"n": r["n"], "at": r["at"], "place": f"{type_name(r['type'])}/{r['fid']}", "version": r["ver"], "attempts": r["attempts"],
         "error": r["error"] or ""} for r in rows
    ]  # fmt: skip


async def replay(engine: Engine, scope: Scope, sub: Sub, numbers: Sequence[int] | None) -> int:
    """Try dead letters again (None: all), now. Gives how many; they keep their numbers. In the trail."""
    async with engine.db.transaction() as connection:
        found = await connection.fetch(Q.replay, sub.rid, numbers)
        await connection.execute(Q.replay_now, sub.rid)
    await _note(engine, scope, sub, "played again", len(found))
    return len(found)


async def discard(engine: Engine, scope: Scope, sub: Sub, numbers: Sequence[int] | None) -> int:
    """Give dead letters up for good (they can still be asked for as past events). Gives how many. In the trail."""
    found = await engine.db.fetch(Q.discard, sub.rid, numbers)
    await _note(engine, scope, sub, "given up", len(found))
    return len(found)


async def _note(engine: Engine, scope: Scope, sub: Sub, what: str, n: int) -> None:
    why = f"Subscription/{sub.id}: dead letters {what}"
    await engine.trail.write([trail.line(scope, "operation", rid=sub.rid, type=number("Subscription"), n=n, why=why)])
