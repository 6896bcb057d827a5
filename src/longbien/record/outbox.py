"""The outbox: every version in the order in which transactions began to write, each after it has settled. It is the version log
itself (table ver), so nothing can be committed without standing in it.

A version is settled once no transaction with a smaller number runs any more: then nothing can slip in before it, and a reader that
remembers the last one it saw misses none. At least once: who is interrupted between doing and `keep` sees the same again, so what
is done with an event must be idempotent. One transaction's versions may be split over two reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from longbien.base.db import Connection, Database

from .types import type_name

_SETTLED = "SELECT settled_xid()"
_EVENTS = """
SELECT v.xid, v.rid, v.ver, v.op, h.type, h.id, h.pat FROM ver v JOIN head h ON h.rid = v.rid
WHERE v.xid >= $1 AND v.xid < $2 AND (v.xid, v.rid, v.ver) > ($1, $3, $4)
ORDER BY v.xid, v.rid, v.ver LIMIT $5"""
FIRST_WIDTH = 4096
"""Transactions looked at first; doubled while nothing is found (reads take numbers too, for their trail lines)."""
_OP = {1: "create", 2: "update", 3: "delete"}


class Cursor(NamedTuple):
    """The last version seen. START is before everything."""

    xid: int
    rid: int
    ver: int


START = Cursor(0, 0, 0)


class VersionEvent(NamedTuple):
    """op: create, update or delete. pat: key of the patient compartment as it is now, or None."""

    type: str
    id: str
    rid: int
    ver: int
    op: str
    pat: int | None
    xid: int


async def read(db: Database, after: Cursor = START, limit: int = 500) -> tuple[list[VersionEvent], Cursor]:
    """Up to `limit` settled versions after `after`, oldest first, and the cursor to go on with. With no events the cursor may still
    have moved: over transactions that wrote no version."""
    async with db.transaction(search=True) as connection:
        await connection.execute("SET LOCAL enable_seqscan = off")  # the newest lie at the end
        settled: int = await connection.fetchval(_SETTLED)
        rows = await _first(connection, after, settled, limit)
    events = [VersionEvent(type_name(r["type"]), r["id"], r["rid"], r["ver"], _OP[r["op"]], r["pat"], r["xid"]) for r in rows]
    if events:
        last = events[-1]
        return events, Cursor(last.xid, last.rid, last.ver)
    return [], max(after, Cursor(settled - 1, 2**63 - 1, 2**31 - 1)) if settled > 0 else after


async def _first(connection: Connection, after: Cursor, settled: int, limit: int) -> Sequence[Any]:
    """A narrow stretch first, so that a reader far behind does not sort the whole log for each page."""
    width = FIRST_WIDTH
    while True:
        top = min(settled, after.xid + width)
        if top <= after.xid:
            return []
        rows: Sequence[Any] = await connection.fetch(_EVENTS, after.xid, top, after.rid, after.ver, limit)
        if len(rows) >= limit or top >= settled:
            return rows
        if rows:  # complete below `top`: nothing can still come in before it
            return rows
        width *= 4


async def cursor(db: Database, reader: str) -> Cursor:
    """Where this reader has come to; START when it has never kept a place."""
    row = await db.fetchrow("SELECT xid, rid, ver FROM outbox_cursor WHERE reader = $1", reader)
    return Cursor(row["xid"], row["rid"], row["ver"]) if row else START


async def keep(db: Database | Connection, reader: str, at: Cursor) -> None:
    """Remember that everything up to `at` is done. Give the connection of the transaction in which it was done, where there is one.
    Never goes back: of two processes with one name the further one counts."""
    await db.execute(
        """INSERT INTO outbox_cursor AS c (reader, xid, rid, ver) VALUES ($1, $2, $3, $4)
           ON CONFLICT (reader) DO UPDATE SET xid = excluded.xid, rid = excluded.rid, ver = excluded.ver, updated = now()
           WHERE (c.xid, c.rid, c.ver) < (excluded.xid, excluded.rid, excluded.ver)""",
        reader, at.xid, at.rid, at.ver,
    )  # fmt: skip
