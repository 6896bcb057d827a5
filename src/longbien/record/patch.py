"""Patch: read, change, write, so that nothing that another wrote meanwhile is lost. http://hl7.org/fhir/R4/http.html#patch

The new version is committed only on top of the very one that was read. Without If-Match a patch that came too late is applied again
to what is there now; with it the answer is 412."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from longbien.base.errors import Conflict, NotFound, PreconditionFailed
from longbien.base.ids import key64
from longbien.fhir import json

from . import conditional
from .change import ANY, Resource, Stored, Update
from .store import Store

Patch = Callable[[Resource], Resource]
"""The resource as the patch makes it; the one given stays as it was. Raises Invalid where it does not fit."""
TRIES = 10


class _There(NamedTuple):
    id: str
    version: int
    body: bytes


async def patch(store: Store, type: str, id: str, change: Patch, if_match: int | None = None) -> Stored:
    """Raises what read and commit raise, what `change` raises, and PreconditionFailed (If-Match)."""

    async def find() -> _There:
        found = await store.read(type, id)
        return _There(id, found.version, found.body)

    async with conditional.own_turn(key64(f"patch {type}/{id}")):
        return await _patched(store, type, find, change, if_match)


async def conditional_patch(store: Store, type: str, query: str, change: Patch, if_match: int | None = None) -> Stored:
    """Patches the one match of the search. Raises NotFound without one, PreconditionFailed for several."""
    params = conditional.criteria(query)

    async def find() -> _There:
        page = await store.search(type, [*params, ("_count", "2")], handling="strict")
        if not page.matches:
            raise NotFound(f"No {type} matches the condition.")
        if len(page.matches) > 1:
            raise PreconditionFailed(f"Several {type} resources match the condition.", code="multiple-matches")
        found = page.matches[0]
        return _There(found.id, found.version, found.body)

    async with conditional.own_turn(conditional.key(type, params)):
        return await _patched(store, type, find, change, if_match)


async def _patched(
    store: Store, type: str, find: Callable[[], Awaitable[_There]], change: Patch, if_match: int | None
) -> Stored:  # fmt: skip
    for _ in range(TRIES):
        there = await find()
        if if_match not in (None, ANY, there.version):
            raise PreconditionFailed(f"{type}/{there.id} is at version {there.version}, not {if_match}.")
        changed = await made(change, there.body)
        try:
            return (await store.commit([Update(changed, if_match=there.version)]))[0]
        except (Conflict, PreconditionFailed) as error:
            if if_match not in (None, ANY):
                raise PreconditionFailed(f"{type}/{there.id} is not at version {if_match} any more.") from error
    raise Conflict(f"{type} is written by so many at once that the patch came too late {TRIES} times. Repeat it.")


async def made(change: Patch, body: bytes) -> Resource:
    """What a patch makes of a stored body; beside the loop, as a large one may take its time."""
    return await asyncio.to_thread(lambda: change(json.loads(body, strict=False)))
