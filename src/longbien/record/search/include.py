"""_include and _revinclude (R4 search.html#include): everything that the page's matches name, or that names them, in the scope.

Nothing is cut silently: over MOST included resources the rest stays away and an outcome entry says so."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
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
    engine: Engine, compiler: Compiler, where: Callable[[Statement], str], seen: set[int], page: Page, what: str, *,
    keyed: bool = False,
) -> list[Entry]:  # fmt: skip
    """where: puts the condition on h into a statement. keyed: the rows are named by key, so that one plan serves every question."""
    rows = [r for r in await _found(engine, compiler, where, page, seen, keyed) if r["rid"] not in seen]
    room = _room(page, seen)
    if len(rows) > room:
        rows = rows[: max(room, 0)]
        text = f"{what}: over {MOST} included resources; the rest was left out. Ask for fewer matches with _count."
        _say(page, "warning", "too-costly", text)
    seen.update(r["rid"] for r in rows)
    return await run.entries(engine, rows, "include")


async def _found(
    engine: Engine, compiler: Compiler, where: Callable[[Statement], str], page: Page, seen: set[int], keyed: bool
) -> list[Any]:
    """The rows that may be seen: the cheap way where all of them surely may, else the whole way (as run._rows)."""
    scope, row = compiler.scope, RowSQL.of("h")
    if not scope.unlimited:
        s = Statement()
        surely = scope.surely(row, s.bind)
        if surely != "false":
            sql = _rows(s, where(s), f", {surely} AS sure", len(seen))
            found = await engine.db.fetch(sql, *s.args, search=not keyed)
            if found and all(x["sure"] for x in found):
                return list(found)
    s = Statement()
    allowed = "" if scope.unlimited else f" AND {scope.where(row, s.bind)}"
    return list(await engine.db.fetch(_rows(s, where(s) + allowed, "", len(seen)), *s.args, search=not keyed))


def _rows(s: Statement, where: str, more: str, seen: int) -> str:
    limit = s.bind(MOST + seen + 1)
    return f"""SELECT x.*, v.body FROM (SELECT {COLUMNS}{more} FROM head h WHERE NOT h.deleted AND {where} LIMIT {limit}::int) x
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

        def named(s: Statement, type_: str = type_, ids: set[str] = ids) -> str:
            return f"h.id = ANY({s.bind(sorted(ids))}::text[]) AND h.type = {number(type_)}"

        found += await _take(engine, compiler, named, seen, page, what, keyed=True)
    if urls:
        found += await _take(engine, compiler, partial(_defined, compiler, one, sorted(urls)), seen, page, what)
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
            found += await _take(engine, compiler, partial(_of_patients, one, patients), seen, page, what, keyed=True)
        if others:
            found += await _take(engine, compiler, partial(_naming, one, code, others), seen, page, what, keyed=True)
    return found


def _of_patients(one: Include, patients: list[int], s: Statement) -> str:
    where = f"h.pat = ANY({s.bind(patients)}::int8[]) AND h.type = {number(one.source)}"
    return where + links.not_elsewhere(one.source, "h", s)


def _naming(one: Include, code: str, places: list[str], s: Statement) -> str:
    return f"{reference.to(one.source, code, places, 'h', s.bind).sql} AND h.type = {number(one.source)}"


async def _anything(engine: Engine, compiler: Compiler, of: list[Entry], seen: set[int], page: Page) -> list[Entry]:
    """_revinclude=*: whatever of a readable type names these resources through any parameter."""
    readable = [t for t in definitions.types() if compiler.scope.may_search(t)]
    found: list[Entry] = []
    for type_ in sorted({e.type for e in of}):
        ids = [e.id for e in of if e.type == type_]
        found += await _take(engine, compiler, partial(_whatever, compiler, type_, ids, readable), seen, page, "_revinclude=*")
    return found


def _whatever(compiler: Compiler, type_: str, of: list[str], readable: list[str], s: Statement) -> str:
    """What names resources of this type by any parameter of a readable type."""
    ids = [packed_id(i) for i in of]
    ps = [param_key(f"{t}.{c}") for t in readable for c in slots.references(t) if type_ in reference.targets(t, c)]
    named = f"r.p = ANY({s.bind(ps)}::int4[]) AND r.type = {number(type_)} AND r.id = ANY({s.bind(ids)}::bytea[])"
    where = f"h.rid IN (SELECT r.rid FROM ref r WHERE {named})"
    if type_ == "Patient":
        patients = s.bind([patient_key(i) for i in of])
        pats = f"h.pat = ANY({patients}::int8[]) AND h.type <> {number(type_)}"
        where = f"h.rid IN (SELECT h.rid FROM head h WHERE {pats} UNION ALL SELECT r.rid FROM ref r WHERE {named})"
    if compiler.scope.searchable is not None:
        where += f" AND h.type = ANY({s.bind([number(t) for t in readable])}::smallint[])"
    return where
