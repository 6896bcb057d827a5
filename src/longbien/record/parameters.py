"""Stored SearchParameters take effect here: read from the database into the registry of this process, kept fresh, written with the
commit that stores them (migrations/0020).

Fresh means: a commit whose index rows were made by an older registry is refused by the database and repeated (write.commit); a
search that may name an own parameter asks for the stamp first, as does one that met something unknown; others hear (live.py)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from longbien.base.db import Database
from longbien.base.errors import Issue, LongbienError, Unavailable
from longbien.base.sql import queries
from longbien.fhir.definitions import Component, SearchParam

from .search import definition, registry
from .search.definition import Defined
from .search.params.composite import Nested
from .search.registry import Own, Registry
from .types import number, type_name

Q = queries(__file__, "sql/parameters.sql")


async def load(db: Database) -> Registry:
    """Read the registry anew and put it in place."""
    state = await db.fetchrow(Q.state)
    rows = await db.fetch(Q.parameters)
    assert state is not None
    parts = {name: (wanted, ready) for name, wanted, ready in json.loads(state["parts"])}
    fresh = registry.make(state["stamp"], state["readied"], parts, [_own(r) for r in rows])
    registry.put(fresh)
    return fresh


def _own(row: Any) -> Own:
    type_ = type_name(row["type"])
    listed, second = json.loads(row["components"])
    code = f"{row['code']}~{row['generation']}"
    components = tuple(Component(*c) for c in listed)
    param = SearchParam(code, row["kind"], row["expression"], tuple(row["targets"]), components, row["url"], type_)
    return Own(type_, param, row["id"], row["ready"], Nested(code, second) if second else None)


async def fresh(db: Database) -> bool:
    """Whether the registry was behind the database; it is not any more."""
    row = await db.fetchrow(Q.stamps)
    assert row is not None
    if (row["stamp"], row["readied"]) == (registry.current.stamp, registry.current.readied):
        return False
    await load(db)
    return True


class Change(NamedTuple):
    """What a commit does to the own parameters: the SearchParameters (ids) whose effect ends, the rows that begin (JSON)."""

    gone: list[str]
    begun: str


def change(resources: Sequence[tuple[str, dict[str, Any] | None]]) -> Change | None:
    """Of the SearchParameters that a commit writes (id, resource; None: deleted). None where the effect of none of them changes.
    Raises Invalid (422) for a definition that cannot be taken."""
    known = registry.current
    gone: list[str] = []
    begun: list[Defined] = []
    for id_, resource in sorted(resources, key=lambda r: (r[1] or {}).get("type") == "composite"):
        wanted = definition.read(resource, _with(known, begun)) if resource is not None else []
        there = [o for listed in known.by_type.values() for code, o in listed.items() if o.id == id_ and "~" not in code]
        if _same(wanted, there):
            continue
        gone.append(id_)
        begun += wanted
    return Change(gone, json.dumps([_row(d) for d in begun])) if gone else None


def _with(known: Registry, begun: list[Defined]) -> Registry:
    """The registry with those that this very commit begins."""
    if not begun:
        return known
    ids = {d.id for d in begun}
    kept = [o for t in known.by_type for o in known.of(t) if o.id not in ids]
    added = [Own(d.type, d.param, d.id, False) for d in begun]
    return registry.make(known.stamp, known.readied, known.parts, [*kept, *added])


def _same(wanted: Iterable[Defined], there: Iterable[Own]) -> bool:
    return sorted(_plain(d.type, d.param) for d in wanted) == sorted(_plain(o.type, o.param) for o in there)


def _plain(type_: str, p: SearchParam) -> tuple[Any, ...]:
    return type_, registry.public(p.code), p.kind, p.expression, p.targets, p.components, p.url


def _row(d: Defined) -> dict[str, Any]:
    p = d.param
    return {"type": number(d.type), "code": p.code, "id": d.id, "kind": p.kind, "expression": p.expression, "targets": p.targets,
            "components": [p.components, d.second], "url": p.url}  # fmt: skip


def incomplete(name: str, what: str) -> tuple[Issue, Unavailable]:
    """What to say of a search by something that is not wholly indexed yet: the warning, and the refusal."""
    text = f"Search parameter '{name[:200]}': {what} being indexed; until that is done"
    warning = Issue("warning", "incomplete", f"{text} results are incomplete.")
    refusal = f"{text} a search by it is refused. With 'Prefer: handling=lenient' it is answered with what is there so far."
    return warning, Unavailable(refusal, 10)


async def quietly(db: Database) -> None:
    """As `fresh`, where nobody waits for it."""
    try:
        await fresh(db)
    except LongbienError:
        return  # the next write or search notices
