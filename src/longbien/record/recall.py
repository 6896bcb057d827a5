"""What was made of versions, kept while there is room: a version never changes, so neither does what is made of it alone. Pages
that show a whole ward or a day's clinic meet the same versions again and again.

Nothing is shown from here that the database has not just given to this reader: a row (rid, ver) must be there before what is kept
of it is taken out. What is kept is shared: whoever takes it out never changes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

if TYPE_CHECKING:
    from .engine import Engine

_decode = msgspec.json.Decoder().decode
MOST = 2 << 20
"""Packed bytes of the bodies behind half of what is kept; unpacked and decoded they take some thirty times as much."""
_BODIES = (
    "SELECT v.rid, v.ver, v.body FROM unnest($1::bigint[], $2::int[]) AS q (rid, ver) JOIN ver v ON v.rid = q.rid AND v.ver = q.ver"
)
T = TypeVar("T")
Decode = Callable[[bytes], Any]


class Recall:
    """Two shelves: what is asked for goes to the new one; when that is full it becomes the old one, and the old one is dropped."""

    def __init__(self, most: int = MOST):
        self._most = most
        self._new: dict[Any, tuple[Any, int]] = {}
        self._old: dict[Any, tuple[Any, int]] = {}
        self._size = 0

    async def made(
        self, engine: Engine, rows: Iterable[tuple[int, int]], what: Any, make: Callable[[Any], T], decode: Decode = _decode
    ) -> list[T]:
        """`make(decoded body)` of each row (rid, ver): versions that are there. `what`: says which make that is (and with which
        `decode`) and what else it depends on."""
        keys = [(what, rid, ver) for rid, ver in rows]
        found = [self._taken(key) for key in keys]
        missing: dict[Any, tuple[Any, int] | None] = {key: None for key, it in zip(keys, found, strict=True) if it is None}
        if not missing:
            return [it[0] for it in found if it is not None]
        stored = await engine.db.fetch(_BODIES, [k[1] for k in missing], [k[2] for k in missing])
        for row, body in zip(stored, await engine.unpack_all([x["body"] for x in stored]), strict=True):
            key = (what, row["rid"], row["ver"])
            missing[key] = value = (make(decode(body)), len(row["body"]))
            self._put(key, value)
        both = (it or missing[key] for key, it in zip(keys, found, strict=True))
        return [it[0] for it in both if it is not None]

    def notes(self, what: Any) -> dict[Any, Any]:
        """A sheet of paper for what is worked out of many versions; `what` names every one of them."""
        it = self._taken(what)
        if it is None:
            it = ({}, 512)
            self._put(what, it)
        sheet: dict[Any, Any] = it[0]
        return sheet

    def _taken(self, key: Any) -> tuple[Any, int] | None:
        it = self._new.get(key)
        if it is None and (it := self._old.get(key)) is not None:
            self._put(key, it)
        return it

    def _put(self, key: Any, value: tuple[Any, int]) -> None:
        self._size += value[1] + 64
        if self._size > self._most:
            self._old, self._new, self._size = self._new, {}, value[1] + 64
        self._new[key] = value
