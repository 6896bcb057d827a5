"""_list: what a List names, as it is now (R4 search.html#list). Who may not see the List is told what he would be told without one.

The functional lists of the standard ($current-problems ...) are not computed here; asking for one is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from longbien.base.errors import NotSupported, TooMany
from longbien.base.ids import FHIR_ID
from longbien.fhir import json
from longbien.fhir.definitions import SearchParam
from longbien.fhir.references import literal
from longbien.record.scope import RowSQL
from longbien.record.types import number

from .ask import Ask, Cond, any_of, plain
from .statement import Statement

if TYPE_CHECKING:
    from .compile import Compiler

PARAM = SearchParam("_list", "special", "", (), (), "", "Resource")
MOST = 10_000
"""Entries of all the lists of one condition."""


async def where(c: Compiler, ask: Ask, h: str, s: Statement) -> Cond:
    """Raises NotSupported, Invalid (an unknown list), Forbidden, TooMany."""
    if ask.modifier is not None:
        raise ask.unsupported()
    c.may_read("List")
    wanted = list(dict.fromkeys(plain(v).removeprefix("List/") for v in ask.values))
    for id_ in wanted:
        if id_.startswith("$"):
            raise NotSupported(f"Search parameter '_list': the functional list {id_[:60]!r} is not supported: name a stored List.")
        if not FHIR_ID.match(id_):
            raise ask.bad(f"{id_[:100]!r} is not the id of a List.")
    places: dict[str, set[str]] = {}
    for body in await _bodies(c, ask, wanted):
        for type_, id_ in _named(body, c.base_url):
            places.setdefault(type_, set()).add(id_)
    if sum(map(len, places.values())) > MOST:
        raise TooMany(f"Search parameter '_list': over {MOST} entries. Name fewer lists.")
    parts = [
        f"({h}.id = ANY({s.bind(sorted(ids))}::text[]) AND {h}.type = {number(t)})"
        for t, ids in sorted(places.items())
        if ask.type in ("Resource", t)
    ]
    return Cond(any_of(parts)) if parts else Cond("false")


async def _bodies(c: Compiler, ask: Ask, wanted: list[str]) -> list[bytes]:
    s = Statement()
    scope = "" if c.scope.unlimited else " AND " + c.scope.where(RowSQL.of("l"), s.bind)
    sql = f"""SELECT l.id, v.body FROM head l JOIN ver v ON v.rid = l.rid AND v.ver = l.ver
              WHERE l.id = ANY({s.bind(wanted)}::text[]) AND l.type = {number("List")} AND NOT l.deleted{scope}"""
    rows = await c.engine.db.fetch(sql, *s.args, search=True)
    there = {r["id"] for r in rows}
    for id_ in wanted:
        if id_ not in there:
            raise ask.bad(f"List/{id_} is not known.")
    return await c.engine.unpack_all([r["body"] for r in rows])


def _named(body: bytes, base_url: str) -> list[tuple[str, str]]:
    """(type, id) of what a List names here; entries marked as deleted are no part of it."""
    found = []
    base = base_url.rstrip("/") + "/" if base_url else None
    for entry in json.loads(body, strict=False).get("entry") or ():
        item = entry.get("item")
        text = item.get("reference") if isinstance(item, dict) and entry.get("deleted") is not True else None
        if not isinstance(text, str):
            continue
        at = literal(text.removeprefix(base) if base else text)
        if at is not None and not at[0] and number(at[1]):
            found.append((at[1], at[2]))
    return found
