"""What a caller asks the store to do, and what it gets back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from longbien.base.errors import Issue

Resource = dict[str, Any]
ANY = -1
"""As `if_match`: whichever version, but there must be one (If-Match: *)."""


class Stored(NamedTuple):
    """One version as it lies in the store. `body` is the JSON to send as it is (b"" when deleted). `created`: this commit made it;
    `changed` is False when a conditional create found what it was going to make. `notes`: warnings of its profiles."""

    type: str
    id: str
    version: int
    updated: datetime
    body: bytes
    deleted: bool
    rid: int
    pat: int | None
    created: bool = False
    changed: bool = True
    notes: tuple[Issue, ...] = ()


@dataclass(frozen=True)
class Create:
    """A new resource with an id of the store's own. `if_none_exist`: search parameters (If-None-Exist); `id`: a fixed new id (a
    transaction's own allotment), which must not exist yet."""

    resource: Resource
    if_none_exist: str | None = None
    id: str | None = None


@dataclass(frozen=True)
class Update:
    """Replace, or create under the given id. `if_match`: the version it must replace, or ANY. `only_new`: If-None-Match: *."""

    resource: Resource
    if_match: int | None = None
    only_new: bool = False


@dataclass(frozen=True)
class Delete:
    type: str
    id: str
    if_match: int | None = None


class Guarded(NamedTuple):
    """One change as a guard sees it: `resource` None for a delete; `rid` and `version` as they will be."""

    type: str
    id: str
    rid: int
    version: int
    resource: Resource | None


Guard = Callable[[Any, Any, Guarded, Any], Awaitable[Resource | None]]
"""guard(engine, scope, change, connection): what a room above asks of every write of one type (Engine.guards), in the write's own
transaction. Gives the resource as it shall be kept, or raises one of our errors: then nothing is written."""


@dataclass(frozen=True)
class Guards:
    """Several guards of one type: each sees what the one before gave."""

    parts: tuple[Guard, ...]

    async def __call__(self, engine: Any, scope: Any, change: Guarded, connection: Any) -> Resource | None:
        for part in self.parts:
            change = change._replace(resource=await part(engine, scope, change, connection))
        return change.resource


def both(first: Guard | None, second: Guard) -> Guard:
    """`first`, then `second`; one that is there already is not asked twice."""
    parts = first.parts if isinstance(first, Guards) else (first,) if first is not None else ()
    return Guards((*parts, second)) if second not in parts else Guards(parts)


Change = Create | Update | Delete
References = Literal["check", "trust"]
"""check: a literal reference to this server must point to something there. trust: import, where it may come later."""


@dataclass(frozen=True)
class Manner:
    """How a commit is done. checked: the caller has validated. why: the trail line's reason instead of the scope's. summarise:
    one trail line per patient instead of one per resource (import). skip_unchanged: what is there already, letter for letter,
    gets no new version (its Stored.changed is False). coming: (type, id) of what a later commit of the same transaction brings, so
    that references to it may stand already."""

    references: References = "check"
    checked: bool = False
    why: str | None = None
    summarise: bool = False
    skip_unchanged: bool = False
    coming: frozenset[tuple[str, str]] = frozenset()
