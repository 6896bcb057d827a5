"""Long lists of values (code=a,b,c ... a thousand). The planner takes each unknown value for as common as any, so it walks a type
in order of date and compares every row with the whole list: a thousand rare codes took twelve seconds in 150,000 rows. So the rows
are looked up by each value first: when they are few they are the condition; when they are many (or other conditions leave few rows)
each row is asked with a hashed list."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from longbien.record.types import number

from .ask import Cond
from .statement import Statement

if TYPE_CHECKING:
    from .compile import Compiler

SHORT = 16
"""Values that an index is asked for together."""
MOST = 5000
"""Rows that are looked up first. Where there are more, one row in so many of the record matches that a walk soon finds a page."""
_PROBE = f"""SELECT x.rid FROM unnest($1::int8[]) u(k),
             LATERAL (SELECT i.rid FROM head i WHERE i.terms @> ARRAY[u.k] LIMIT {MOST + 1}) x LIMIT {MOST + 1}"""
_RECENT = f"SELECT v.rid FROM ver v WHERE v.type = $1::int2 AND v.upd >= $2 LIMIT {MOST + 1}"


def one_by_one(keys: tuple[int, ...], h: str, s: Statement) -> str:
    """Each of the row's few terms looked up in the list, which the server hashes once."""
    return f"EXISTS (SELECT FROM unnest({h}.terms) u(k) WHERE u.k = ANY({s.bind(list(keys))}::int8[]))"


async def long(c: Compiler, cond: Cond, h: str, s: Statement, *, narrow: bool) -> Cond:
    """The same condition, planned for a long list. narrow: other conditions leave few rows."""
    keys = tuple(dict.fromkeys(cond.keys))
    bare = replace(cond, keys=(), hot=(), selective=False, steady=False)
    if narrow:
        return replace(bare, sql=one_by_one(keys, h, s))
    rows = await c.engine.db.fetch(_PROBE, list(keys), search=True)
    if len(rows) > MOST:
        return replace(bare, sql=one_by_one(keys, h, s))
    return replace(bare, sql=f"{h}.rid = ANY({s.bind(sorted({r[0] for r in rows}))}::int8[])", selective=True, few=True)


async def recent(c: Compiler, type_: str, cond: Cond, h: str, s: Statement) -> Cond:
    """What was updated since a moment, looked up in the log; the condition as it was where that is much."""
    rows = await c.engine.db.fetch(_RECENT, number(type_), cond.recent, search=True)
    if len(rows) > MOST:
        return cond
    return replace(cond, sql=f"({h}.rid = ANY({s.bind(sorted({r[0] for r in rows}))}::int8[]) AND {cond.sql})", few=True)
