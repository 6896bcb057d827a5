"""The catalogue in memory: read from the record's definitions once a process, and again when one of them changed."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from weakref import WeakKeyDictionary

import msgspec

from ..base.sql import queries
from ..record.engine import Engine
from ..record.scope import Scope
from ..record.types import number
from ..web.desk import scoped
from ..web.terms import common
from .definitions import Item, read
from .index import Index

Q = queries(__file__, "sql/orders.sql")
TYPES = ("ActivityDefinition", "PlanDefinition")
REFRESH = 5.0
"""Seconds until it is asked again whether a definition has changed (in another process; in this one `stale` says so at once)."""
_decode = msgspec.json.Decoder().decode


class Catalogue:
    """One a process and engine."""

    def __init__(self) -> None:
        self.index = Index(())
        self._mark: Any = None
        self._asked = float("-inf")
        self._lock = asyncio.Lock()

    def stale(self) -> None:
        """A definition was written here: look before the next answer."""
        self._asked = float("-inf")

    async def fresh(self, engine: Engine, scope: Scope) -> Index:
        """The index, read again with a reader's scope where a definition has changed."""
        if time.monotonic() - self._asked > REFRESH:
            async with self._lock:
                if time.monotonic() - self._asked > REFRESH:
                    await self._look(engine, scope)
                    self._asked = time.monotonic()
        return self.index

    async def _look(self, engine: Engine, scope: Scope) -> None:
        types = [number(t) for t in TYPES]
        mark = await engine.db.fetchrow(Q.changed, types)
        found = (mark["n"], mark["at"]) if mark else None
        if found == self._mark:
            return
        sql, args = scoped(scope, Q.definitions, types)
        rows = await engine.db.fetch(sql, *args)
        bodies = await engine.unpack_all([r["body"] for r in rows])
        self.index = await asyncio.to_thread(_indexed, [(r["ver"], b) for r, b in zip(rows, bodies, strict=True)])
        self._mark = found


def _indexed(bodies: list[tuple[int, bytes]]) -> Index:
    items: list[Item] = []
    for version, body in bodies:
        item = read(_decode(body), version)
        if item is not None:
            items.append(item)
    return Index(items, spoken())


def spoken() -> dict[str, str]:
    """ICD-10 code -> the names and abbreviations by which staff call that diagnosis."""
    return {code: f"{c.vi} {c.aliases}" for code, c in common().items()}


_catalogues: WeakKeyDictionary[Engine, Catalogue] = WeakKeyDictionary()


def of(engine: Engine) -> Catalogue:
    found = _catalogues.get(engine)
    if found is None:
        found = _catalogues[engine] = Catalogue()
    return found


async def fresh(engine: Engine, scope: Scope) -> Index:
    return await of(engine).fresh(engine, scope)


async def there(engine: Engine) -> set[tuple[str, str]]:
    """(type, id) of the definitions that the record holds or held: what a keeper edited or removed, no starter brings back."""
    types = (*TYPES, "SpecimenDefinition")
    names = {number(t): t for t in types}
    return {(names[r["type"]], r["id"]) for r in await engine.db.fetch(Q.there, list(names))}
