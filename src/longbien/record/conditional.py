"""Conditional create, update and delete: find by search parameters and write, so that of several at once only one is first.

http://hl7.org/fhir/R4/http.html#ccreate, #cond-update, #cdelete

The lock is on the condition itself (type and parameters), held to the end of the transaction: two requests with the same
condition go one after the other, and the second finds what the first has made."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urlencode
from weakref import WeakValueDictionary

from longbien.base.errors import Conflict, Gone, Invalid, NotFound, PreconditionFailed
from longbien.base.ids import key64

from .change import Create, Delete, Resource, Stored, Update
from .inside import inside, lock
from .store import Store

_NOT_CRITERIA = frozenset(
    {"_count", "_sort", "_summary", "_elements", "_format", "_pretty", "_total", "_include", "_revinclude", "_page", "_contained"}
)
MOST_DELETED = 900
"""Resources that one conditional delete may take away (a search gives at most 1,000 in a page)."""
TRIES = 5
_waiting: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
"""Those in this process who wait for the same condition wait here, and not each on a database connection."""


def criteria(query: str) -> list[tuple[str, str]]:
    """The search parameters of a condition such as `identifier=http://x|1`. Raises Invalid for one that asks nothing, which
    everything would match."""
    try:
        found = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=50)
    except (UnicodeDecodeError, ValueError):
        raise Invalid("The condition is not made of at most 50 percent-encoded parameters.", code="value") from None
    kept = [(k, v) for k, v in found if k not in _NOT_CRITERIA]
    if not any(v.strip() for _, v in kept):
        raise Invalid("A conditional request needs at least one search parameter with a value.", code="required")
    if any("\0" in k or "\0" in v for k, v in kept):
        raise Invalid("The character NUL is not allowed in a condition.", code="value")
    return kept


def key(type: str, params: list[tuple[str, str]]) -> int:
    """What the lock is on."""
    return key64(f"{type}?{urlencode(sorted(params))}")


async def matches(within: Store, type: str, params: list[tuple[str, str]], most: int = 2) -> list[str]:
    """Ids of what the condition finds, at most `most`. Unknown parameters are refused: ignoring one would match too much."""
    page = await within.search(type, [*params, ("_count", str(most))], handling="strict")
    return [s.id for s in page.matches]


async def one(within: Store, type: str, params: list[tuple[str, str]]) -> str | None:
    """The id of the only match, None without one. Raises PreconditionFailed for several."""
    found = await matches(within, type, params)
    if len(found) > 1:
        raise PreconditionFailed(f"Several {type} resources match the condition.", code="multiple-matches")
    return found[0] if found else None


def own_turn(number: int) -> asyncio.Lock:
    """The lock of this process for a key: held by whoever is at work on it."""
    turn = _waiting.get(number)
    if turn is None:
        turn = _waiting[number] = asyncio.Lock()
    return turn


async def create(store: Store, resource: Resource, query: str) -> Stored:
    """Create unless something matches; then that (changed=False). Raises PreconditionFailed for several."""
    type_ = str(resource["resourceType"])
    params = criteria(query)
    number = key(type_, params)
    async with own_turn(number), inside(store) as within:
        await lock(within, [number])
        there = await one(within, type_, params)
        if there is not None:
            return (await within.read(type_, there))._replace(changed=False)
        return (await within.commit([Create(resource)]))[0]


async def update(store: Store, resource: Resource, query: str, if_match: int | None = None) -> Stored:
    """Replace the one match; create where there is none. Raises Invalid when the body's id is another's, PreconditionFailed."""
    type_ = str(resource["resourceType"])
    params = criteria(query)
    number = key(type_, params)
    async with own_turn(number), inside(store) as within:
        await lock(within, [number])
        change = replacing(resource, await one(within, type_, params), if_match)
        return (await within.commit([change]))[0]


def replacing(resource: Resource, there: str | None, if_match: int | None) -> Create | Update:
    """The change that a conditional update comes to. Raises Invalid, PreconditionFailed."""
    given: Any = resource.get("id")
    if there is None:
        if if_match is not None:
            raise PreconditionFailed(f"Nothing matches the condition, so there is no version {if_match}.")
        return Create(resource) if given is None else Update(resource)
    if given is not None and given != there:
        raise Invalid(f"The condition finds {there}, but the body's id is {str(given)[:70]!r}.", code="invalid")
    return Update({**resource, "id": there}, if_match)


async def delete(store: Store, type: str, query: str, if_match: int | None = None) -> list[Stored]:
    """Delete all that match, in one commit; [] where nothing does. Raises PreconditionFailed for more than MOST_DELETED (then
    nothing is deleted), for several with If-Match, and Conflict when others keep changing what matches."""
    params = criteria(query)
    number = key(type, params)
    async with own_turn(number):
        for _ in range(TRIES):
            with suppress(Gone, NotFound, Conflict):  # somebody else took one of them away: look again
                async with inside(store) as within:
                    await lock(within, [number])
                    found = await all_of(within, type, params)
                    if if_match is not None and len(found) > 1:
                        raise PreconditionFailed(f"Several {type} resources match, so If-Match cannot mean one of them.")
                    return await within.commit([Delete(type, id, if_match) for id in found])
    raise Conflict(f"What matches the condition keeps changing: {TRIES} times in a row. Repeat it.")


async def all_of(within: Store, type: str, params: list[tuple[str, str]]) -> list[str]:
    """The ids of all matches of a conditional delete. Raises PreconditionFailed for more than MOST_DELETED."""
    found = await matches(within, type, params, most=MOST_DELETED + 1)
    if len(found) > MOST_DELETED:
        said = f"More than {MOST_DELETED:,} {type} resources match, the most that can be deleted at once. Nothing was deleted."
        raise PreconditionFailed(said, code="too-costly")
    return found
