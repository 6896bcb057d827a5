"""search: parse, compile, fetch a page, include, write the trail, hand over. The trail's lines are durable before the page is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from longbien.base.errors import Forbidden, Invalid
from longbien.record import parameters, trail
from longbien.record.engine import Engine
from longbien.record.page import Entry, Page
from longbien.record.scope import Scope
from longbien.record.types import number, type_name

from . import include, registry, subset
from .compile import Compiler
from .heads import Heads
from .parse import Handling, Query, encode_cursor, parse

CAP = 4000
"""_total=estimate counts exactly up to here."""


async def search(
    engine: Engine,
    scope: Scope,
    type_: str | None,
    params: Sequence[tuple[str, str]],
    *,
    handling: Handling = "lenient",
    base_url: str = "",
    within: tuple[str, str] | None = None,
) -> Page:
    """One page of a search as `scope` may see it. within: only in that compartment, ("Patient", "1") for GET Patient/1/Observation.
    Raises Invalid (400, naming the parameter), Forbidden (a type), NotSupported, TooMany (a chain over too much), Unavailable."""
    if registry.names(params):
        await parameters.fresh(engine.db)
    known = registry.current
    try:
        query = parse(type_, params, handling, within)
        if query.issues and await _behind(engine, known):
            query = parse(type_, params, handling, within)
        return await _seen(engine, scope, query, base_url, handling)
    except Invalid:
        if not await _behind(engine, known):
            raise
    return await _seen(engine, scope, parse(type_, params, handling, within), base_url, handling)  # it may name what is new


async def _behind(engine: Engine, known: registry.Registry) -> bool:
    """Whether there is a newer registry than the one that a search was read by (also where news brought it meanwhile)."""
    await parameters.fresh(engine.db)
    return registry.current is not known


async def _seen(engine: Engine, scope: Scope, query: Query, base_url: str, handling: Handling) -> Page:
    """The page; a refusal goes into the trail."""
    type_ = query.type
    try:
        return await _search(engine, scope, query, base_url, handling)
    except Forbidden:
        line = trail.line(scope, "refused", type=number(type_) if type_ else None, outcome=trail.REFUSED, why=_asked(scope, query))
        await engine.trail.write([line])
        raise


async def _search(engine: Engine, scope: Scope, query: Query, base_url: str, handling: Handling) -> Page:
    type_ = query.type
    compiler = Compiler(engine, scope, base_url)
    compiler.lenient, compiler.issues = handling == "lenient", query.issues
    if type_ is not None:
        compiler.may_read(type_)
    page = Page(type_, self_params=query.kept, issues=query.issues, base_url=base_url)
    if query.within is not None:
        page.path = _place(query)
    found: list[Any] = []
    if query.count == 0 or query.summary == "count":
        page.total = await _count(engine, await compiler.heads(query))
    else:
        heads = await compiler.heads(query)
        sql, args = heads.page(query.count + 1)
        found = list(await engine.db.fetch(sql, *args, search=not heads.steady))
        more = len(found) > query.count
        found = found[: query.count]
        page.total = await _total(engine, compiler, query, more, len(found))
        if more:
            page.next_params = [p for p in query.kept if p[0] != "_page"] + [("_page", encode_cursor(heads.cursor(found[-1])))]
    page.entries = await entries(engine, found, "match")
    if query.include or query.revinclude:
        await include.add(engine, compiler, query, page)
    await _audit(engine, scope, query, page)
    subset.apply(page, query)
    return page


async def entries(engine: Engine, rows: Sequence[Any], mode: Any) -> list[Entry]:
    bodies = await engine.unpack_all([r["body"] for r in rows])
    return [
        Entry(type_name(r["type"]), r["id"], r["ver"], r["upd"], body, mode, r["pat"], r["rid"])
        for r, body in zip(rows, bodies, strict=True)
    ]


async def _count(engine: Engine, heads: Heads, most: int | None = None) -> int:
    sql, args = heads.count(most)
    rows = await engine.db.fetch(sql, *args, search=True)
    return int(rows[0][0])


async def _total(engine: Engine, compiler: Compiler, query: Query, more: bool, here: int) -> int | None:
    """Known for nothing when the first page holds everything."""
    if query.total == "none":
        return None
    if query.cursor is None and not more:
        return here
    if query.total == "accurate":
        return await _count(engine, await compiler.heads(query))
    if query.total == "estimate":
        counted = await _count(engine, await compiler.heads(query), CAP + 1)
        return counted if counted <= CAP else max(counted, await _estimate(engine, await compiler.heads(query)))
    return None


async def _estimate(engine: Engine, heads: Heads) -> int:
    """What the planner expects: within a few per cent for common codes."""
    sql, args = heads.count()
    inner = sql.removeprefix("SELECT count(*) FROM (").removesuffix(") x")
    rows = await engine.db.fetch(f"EXPLAIN {inner}", *args, search=True)
    text = rows[0][0]
    return int(text.split("rows=")[1].split(" ")[0])


def _place(query: Query) -> str:
    return f"{'/'.join(query.within)}/{query.type or '*'}" if query.within is not None else query.type or ""


def _asked(scope: Scope, query: Query) -> str:
    """What was asked, without what names a person."""
    asked = "&".join(f"{k}={quote(v, safe=':,$/-._~*| ')}" for k, v in query.asked)
    place = _place(query)
    return f"{scope.reason}: {place}?{asked}" if scope.reason else f"{place}?{asked}"


async def _audit(engine: Engine, scope: Scope, query: Query, page: Page) -> None:
    """One line per patient found, one with n = 0 where nobody was."""
    why = _asked(scope, query)
    type_ = number(query.type) if query.type else None
    people = Counter(e.pat for e in page.entries)
    nobody = trail.line(scope, "search", n=0, type=type_, why=why)
    await engine.trail.write_of(nobody, people)
