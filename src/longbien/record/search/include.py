"""_include and _revinclude (R4 search.html#include): everything that the page's matches name, or that names them, in the scope.

Nothing is cut silently: over MOST included resources the rest stays away and an outcome entry says so."""

from __future__ import annotations

from typing import Any

from longbien.base.errors import Forbidden, Issue
from longbien.base.ids import patient_key
from longbien.fhir import json
from longbien.fhir.references import literal
from longbien.record.engine import Engine
from longbien.record.page import Entry, Page
from longbien.record.types import number

from . import registry, run, slots
from .compile import Compiler
from .heads import COLUMNS
from .keys import ELSEWHERE, key
from .params import reference
from .parse import Include, Query
from .statement import Statement
from .targets import references_of

MOST = 10_000
ROUNDS = 5
"""How often :iterate goes round."""


async def add(engine: Engine, compiler: Compiler, query: Query, page: Page) -> None:
    """Append the included entries to the page."""
    seen = {e.rid for e in page.entries}
    newest = list(page.entries)
    first = True
    for _ in range(ROUNDS):
        fresh: list[Entry] = []
        for one in query.include:
            if first or one.iterate:
                fresh += await _forward(engine, compiler, one, newest, seen, page)
        for one in query.revinclude:
            if first or one.iterate:
                fresh += await _back(engine, compiler, one, newest, seen, page)
        page.entries += fresh
        if not fresh or len(seen) > MOST + len(page.matches):
            break
        newest, first = fresh, False


def _room(page: Page, seen: set[int]) -> int:
    return MOST + len(page.matches) - len(seen)


async def _take(
    engine: Engine, sql: str, args: list[Any], seen: set[int], page: Page, what: str, *, keyed: bool = False
) -> list[Entry]:
    """keyed: the rows are named by key, so that one plan serves every question."""
    rows = [r for r in await engine.db.fetch(sql, *args, search=not keyed) if r["rid"] not in seen]
    room = _room(page, seen)
    if len(rows) > room:
        rows = rows[: max(room, 0)]
        text = f"{what}: over {MOST} included resources; the rest was left out. Ask for fewer matches with _count."
        if all(i.text != text for i in page.issues):
            page.issues.append(Issue("warning", "too-costly", text))
    seen.update(r["rid"] for r in rows)
    return await run.entries(engine, rows, "include")


def _rows(compiler: Compiler, s: Statement, where: str, page: Page, seen: set[int]) -> str:
    scope = "" if compiler.scope.unlimited else " AND " + compiler.scope.where("h.pat", "h.type", s.bind)
    limit = s.bind(MOST + len(seen) + 1)
    return f"""SELECT x.*, v.body FROM (SELECT {COLUMNS} FROM head h WHERE NOT h.deleted AND {where}{scope} LIMIT {limit}::int) x
               JOIN ver v ON v.rid = x.rid AND v.ver = x.ver ORDER BY x.type, x.rid DESC"""


async def _forward(engine: Engine, compiler: Compiler, one: Include, of: list[Entry], seen: set[int], page: Page) -> list[Entry]:
    wanted: dict[str, set[str]] = {}
    for e in of:
        if e.type != one.source and one.source != "Resource":
            continue
        for text in references_of(json.loads(e.body), one.code):
            if compiler.base_url and text.startswith(compiler.base_url.rstrip("/") + "/"):
                text = text[len(compiler.base_url.rstrip("/")) + 1 :]
            at = literal(text)
            if at and not at[0] and number(at[1]) and one.target in (None, at[1]):
                wanted.setdefault(at[1], set()).add(at[2])
    found: list[Entry] = []
    for type_, ids in sorted(wanted.items()):
        if not compiler.scope.may_read(type_):
            _unread(page, type_)
            continue
        s = Statement()
        where = f"h.id = ANY({s.bind(sorted(ids))}::text[]) AND h.type = {number(type_)}"
        sql = _rows(compiler, s, where, page, seen)
        found += await _take(engine, sql, s.args, seen, page, f"_include={one.source}:{one.code}", keyed=True)
    return found


def _unread(page: Page, type_: str) -> None:
    text = f"{type_} resources were not included: they may not be read here."
    if all(i.text != text for i in page.issues):
        page.issues.append(Issue("information", "suppressed", text))


async def _back(engine: Engine, compiler: Compiler, one: Include, of: list[Entry], seen: set[int], page: Page) -> list[Entry]:
    if not compiler.scope.may_read(one.source):
        raise Forbidden(f"{compiler.scope.label} may not read {one.source}.")
    codes = [one.code] if one.code != "*" else sorted(slots.references(one.source))
    found: list[Entry] = []
    for code in codes:
        compiler.whole(one.source, code, f"_revinclude={one.source}:{registry.public(code)}")
        possible = reference.targets(one.source, code)
        places = [f"{e.type}/{e.id}" for e in of if e.type in possible and one.target in (None, e.type)]
        if not places:
            continue
        s = Statement()
        patients = [patient_key(p[8:]) for p in places if p.startswith("Patient/")] if code in slots.by_pat(one.source) else []
        others = [p for p in places if not (patients and p.startswith("Patient/"))]
        if patients:
            where = f"h.pat = ANY({s.bind(patients)}::int8[]) AND h.type = {number(one.source)}"
            if len(slots.patient_params(one.source)) > 1:
                where += f" AND NOT h.terms @> ARRAY[{s.bind(key(one.source + ELSEWHERE))}::int8]"
            sql = _rows(compiler, s, where, page, seen)
            found += await _take(engine, sql, s.args, seen, page, f"_revinclude={one.source}:{one.code}", keyed=True)
        if others:
            s = Statement()
            cond = reference.to(one.source, code, others, "h", s.bind)
            sql = _rows(compiler, s, f"{cond.sql} AND h.type = {number(one.source)}", page, seen)
            found += await _take(engine, sql, s.args, seen, page, f"_revinclude={one.source}:{one.code}", keyed=True)
    return found
