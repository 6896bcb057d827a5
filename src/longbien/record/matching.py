"""Does a version match a search? By the compiled search itself, asked of these rows only, so that a subscription finds just what a
search would have found at that moment, within the scope of who asks. A version that is not the current one any more is put into the
question as rows (heads.Past); what it leads to (chains, _has) is taken as it is now."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, NamedTuple

from longbien.base.errors import Invalid, Issue, NotSupported
from longbien.base.sql import queries
from longbien.fhir import json
from longbien.fhir.definitions import is_type

from . import index, write
from .change import Delete
from .engine import Engine
from .inside import snapshot
from .scope import Scope
from .search.compile import Compiler
from .search.heads import Past
from .search.keys import packed_id
from .search.parse import Query, parse
from .types import type_name

Q = queries(__file__, "sql/matching.sql")


class At(NamedTuple):
    """A version of a row."""

    rid: int
    ver: int


def view(engine: Engine) -> AbstractAsyncContextManager[Engine]:
    """One look at the record: what is asked inside sees one moment."""
    return snapshot(engine)


def criteria(type_: str, params: Sequence[tuple[str, str]]) -> Query:
    """A search as a rule that a version meets or does not. Raises Invalid for what is unknown or says nothing about a single
    resource (sorting, paging, includes)."""
    query = parse(type_, params, "strict")
    plain = Query(type_)
    for name in ("sort", "include", "revinclude", "total", "summary", "elements", "cursor", "count"):
        if getattr(query, name) != getattr(plain, name):
            text = f"The criteria say {name}, which is about a list of results; here each resource meets them or does not."
            raise Invalid(text, issues=[Issue("error", "not-supported", text)])
    return query


async def check(engine: Engine, scope: Scope, query: Query, base_url: str = "") -> None:
    """Raises what asking would raise (NotSupported, Forbidden, Invalid): to be told when the rule is made."""
    compiler = _compiler(engine, scope, query, base_url)
    sql, args = (await compiler.heads(query, None)).among([])
    await engine.db.fetch(sql, *args, search=True)


async def matching(engine: Engine, scope: Scope, query: Query, versions: Sequence[At], base_url: str = "") -> set[At]:
    """Which of `versions` (none of a delete) match. Ask inside `view`. A row may be given at several versions."""
    found: set[At] = set()
    left = list(versions)
    compiler = _compiler(engine, scope, query, base_url)
    while left:
        now = {at.rid: at for at in reversed(left)}
        left = [at for at in left if now[at.rid] != at]
        heads = await compiler.heads(query, None)
        sql, args = heads.among(list(now), await past(engine, list(now.values())))
        found |= {now[row["rid"]] for row in await engine.db.fetch(sql, *args, search=True)}
    return found


def _compiler(engine: Engine, scope: Scope, query: Query, base_url: str) -> Compiler:
    if query.type is None or not is_type(query.type):
        raise NotSupported("A rule names the type that it is about.")
    compiler = Compiler(engine, scope, base_url)
    compiler.may_read(query.type)
    return compiler


async def past(engine: Engine, versions: Sequence[At]) -> Past | None:
    """Index rows of those of `versions` that are not the current ones; None when all are."""
    rows = await engine.db.fetch(Q.superseded, [at.rid for at in versions], [at.ver for at in versions])
    if not rows:
        return None
    bodies = await engine.unpack_all([r["body"] for r in rows])
    found = Past([], [], [], [], [], [])
    for row, body in zip(rows, bodies, strict=True):
        rid, type_ = row["rid"], type_name(row["type"])
        resource: dict[str, Any] = json.loads(body, strict=False)
        made = index.rows(resource)
        draft = write.Draft(type_, row["id"], resource, Delete(type_, row["id"]), 0, rid, row["ver"], indexed=made)
        draft.sens, draft.org = made.sens | row["sens"], row["org"]
        found.head.append(write.head_row(draft, row["upd"]))
        for into, more in zip((found.str, found.ix_date, found.ix_qty, found.code2), index.side_rows(rid, made)[:4], strict=True):
            into += more
        found.ref.extend((rid, p, kind, packed_id(id_)) for p, kind, id_ in made.refs)
    return found
