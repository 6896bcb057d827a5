"""_include and _revinclude (R4 search.html#include): everything that the page's matches name, or that names them, in the scope.

Nothing is cut silently: over MOST included resources the rest stays away and an outcome entry says so."""

from __future__ import annotations

from typing import Any, Literal

from longbien.base.errors import Forbidden, Issue
from longbien.base.ids import key64, patient_key
from longbien.fhir import definitions, json
from longbien.fhir.references import literal
from longbien.record.engine import Engine
from longbien.record.page import Entry, Page
from longbien.record.scope import RowSQL
from longbien.record.types import number

from . import links, registry, run, slots
from .compile import Compiler
from .heads import COLUMNS
from .keys import packed_id, param_key
from .params import reference
from .parse import Include, Query
from .statement import Statement
from .targets import references_of

Severity = Literal["information", "warning"]
MOST = 10_000
ROUNDS = 100
"""How often :iterate goes round: the longest chain of parts of parts."""


async def add(engine: Engine, compiler: Compiler, query: Query, page: Page) -> None:
    """Append the included entries to the page."""
    seen = {e.rid for e in page.entries}
    newest = list(page.entries)
    for n in range(ROUNDS + 1):
        fresh: list[Entry] = []
        for one in query.include:
            if n == 0 or one.iterate:
                fresh += await _forward(engine, compiler, one, newest, seen, page)
        for one in query.revinclude:
            if n == 0 or one.iterate:
                fresh += await _back(engine, compiler, one, newest, seen, page)
        page.entries += fresh
        if not fresh or len(seen) >= MOST + len(page.matches):
            return
        newest = fresh
    _say(page, "warning", "too-costly", f":iterate went round {ROUNDS} times; what may lie further away was left out.")


def _say(page: Page, severity: Severity, code: str, text: str) -> None:
    if all(i.text != text for i in page.issues):
        page.issues.append(Issue(severity, code, text))


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
        _say(page, "warning", "too-costly", text)
    seen.update(r["rid"] for r in rows)
    return await run.entries(engine, rows, "include")


def _rows(compiler: Compiler, s: Statement, where: str, page: Page, seen: set[int]) -> str:
    scope = "" if compiler.scope.unlimited else " AND " + compiler.scope.where(RowSQL.of("h"), s.bind)
    limit = s.bind(MOST + len(seen) + 1)
    return f"""SELECT x.*, v.body FROM (SELECT {COLUMNS} FROM head h WHERE NOT h.deleted AND {where}{scope} LIMIT {limit}::int) x
               JOIN ver v ON v.rid = x.rid AND v.ver = x.ver ORDER BY x.type, x.rid DESC"""


async def _forward(engine: Engine, compiler: Compiler, one: Include, of: list[Entry], seen: set[int], page: Page) -> list[Entry]:
    """What these resources name: by type and id, or a definition by its url."""
    wanted: dict[str, set[str]] = {}
    urls: set[str] = set()
    base = compiler.base_url.rstrip("/") + "/"
    for e in of:
        if e.type != one.source and one.source != "Resource":
            continue
        for text in references_of(json.loads(e.body), one.code):
            at = literal(text.removeprefix(base) if compiler.base_url else text)
            if at is None or at[0]:
                urls.add(text)
            elif number(at[1]) and one.target in (None, at[1]):
                wanted.setdefault(at[1], set()).add(at[2])
    what = f"_include={one.source}:{one.code}"
    found: list[Entry] = []
    for type_, ids in sorted(wanted.items()):
        if not compiler.scope.may_search(type_):
            _say(page, "information", "suppressed", f"{type_} resources were not included: they may not be read here.")
            continue
        s = Statement()
        where = f"h.id = ANY({s.bind(sorted(ids))}::text[]) AND h.type = {number(type_)}"
        sql = _rows(compiler, s, where, page, seen)
        found += await _take(engine, sql, s.args, seen, page, what, keyed=True)
    if urls:
        s = Statement()
        sql = _rows(compiler, s, _defined(compiler, one, sorted(urls), s), page, seen)
        found += await _take(engine, sql, s.args, seen, page, what)
    return found


def _defined(compiler: Compiler, one: Include, urls: list[str], s: Statement) -> str:
    """Definitions that have one of these canonical urls, in the version that is named."""
    any_version: list[int] = []
    parts = []
    for url in urls:
        bare, _, version = url.partition("|")
        at = literal(bare)  # http://hl7.org/fhir/ValueSet/x tells its type
        for t in [at[1]] if at else definitions.types():
            if "url" not in definitions.search_params(t) or one.target not in (None, t) or not compiler.scope.may_search(t):
                continue
            if version:
                parts.append(f"h.terms @> {s.bind([key64(f'{t}.url|{bare}'), key64(f'{t}.version={version}')])}::int8[]")
            else:
                any_version.append(key64(f"{t}.url|{bare}"))
    if any_version:
        parts.append(f"h.terms && {s.bind(any_version)}::int8[]")
    return f"({' OR '.join(parts)})" if parts else "false"


async def _back(engine: Engine, compiler: Compiler, one: Include, of: list[Entry], seen: set[int], page: Page) -> list[Entry]:
    """What names these resources."""
    if one.source == "*":
        return await _anything(engine, compiler, of, seen, page)
    if not compiler.scope.may_search(one.source):
        raise Forbidden(f"{compiler.scope.label} may not read {one.source}.")
    codes = [one.code] if one.code != "*" else sorted(slots.references(one.source))
    found: list[Entry] = []
    for code in codes:
        compiler.whole(one.source, code, f"_revinclude={one.source}:{registry.public(code)}")
        possible = reference.targets(one.source, code)
        places = [f"{e.type}/{e.id}" for e in of if e.type in possible and one.target in (None, e.type)]
        what = f"_revinclude={one.source}:{one.code}"
        patients = [patient_key(p[8:]) for p in places if p.startswith("Patient/")] if code in slots.by_pat(one.source) else []
        others = [p for p in places if not (patients and p.startswith("Patient/"))]
        if patients:
            s = Statement()
            where = f"h.pat = ANY({s.bind(patients)}::int8[]) AND h.type = {number(one.source)}"
            where += links.not_elsewhere(one.source, "h", s)
            found += await _take(engine, _rows(compiler, s, where, page, seen), s.args, seen, page, what, keyed=True)
        if others:
            s = Statement()
            cond = reference.to(one.source, code, others, "h", s.bind)
            sql = _rows(compiler, s, f"{cond.sql} AND h.type = {number(one.source)}", page, seen)
            found += await _take(engine, sql, s.args, seen, page, what, keyed=True)
    return found


async def _anything(engine: Engine, compiler: Compiler, of: list[Entry], seen: set[int], page: Page) -> list[Entry]:
    """_revinclude=*: whatever of a readable type names these resources through any parameter."""
    readable = [t for t in definitions.types() if compiler.scope.may_search(t)]
    found: list[Entry] = []
    for type_ in sorted({e.type for e in of}):
        ids = [packed_id(e.id) for e in of if e.type == type_]
        s = Statement()
        ps = [param_key(f"{t}.{c}") for t in readable for c in slots.references(t) if type_ in reference.targets(t, c)]
        named = f"r.p = ANY({s.bind(ps)}::int4[]) AND r.type = {number(type_)} AND r.id = ANY({s.bind(ids)}::bytea[])"
        where = f"h.rid IN (SELECT r.rid FROM ref r WHERE {named})"
        if type_ == "Patient":
            patients = s.bind([patient_key(e.id) for e in of if e.type == type_])
            pats = f"h.pat = ANY({patients}::int8[]) AND h.type <> {number(type_)}"
            where = f"h.rid IN (SELECT h.rid FROM head h WHERE {pats} UNION ALL SELECT r.rid FROM ref r WHERE {named})"
        if compiler.scope.searchable is not None:
            where += f" AND h.type = ANY({s.bind([number(t) for t in readable])}::smallint[])"
        found += await _take(engine, _rows(compiler, s, where, page, seen), s.args, seen, page, "_revinclude=*")
    return found
