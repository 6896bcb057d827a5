"""POST [base] with a Bundle: transaction and batch - http://hl7.org/fhir/R4/http.html#transaction

A transaction: deletes, creates, updates and patches in one commit, then its operations and reads, which see what was written. All
or nothing. A batch: every entry for itself, in the same order of verbs."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from longbien.base import clock
from longbien.base.errors import Invalid, Issue, LongbienError, Outdated, Overtaken, TooLarge
from longbien.base.ids import FHIR_ID
from longbien.fhir import references
from longbien.record import transaction
from longbien.record.change import Stored
from longbien.record.inside import inside
from longbien.record.store import Store
from longbien.record.transaction import Write
from longbien.record.types import number
from longbien.record.write import AGAIN, PAUSE

from . import bundle, capability, faults, patch, resource, versions
from .request import Answer, Request

Dispatch = Callable[[Request, list[str]], Awaitable[Answer]]
METHODS = ("DELETE", "POST", "PUT", "PATCH", "GET", "HEAD")
_STAGES = (("DELETE",), ("POST",), ("PUT", "PATCH"), ("GET", "HEAD"))
LONGEST = 1 << 16
"""Characters of an entry's url and conditions: what a request's own address may have."""
AT_ONCE = 4
"""Entries of a batch that are worked on together."""
_CONDITIONS = (("ifMatch", b"if-match"), ("ifNoneMatch", b"if-none-match"), ("ifModifiedSince", b"if-modified-since"),
               ("ifNoneExist", b"if-none-exist"))  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One entry, its request read apart. `segments` and `query` are of its url."""

    at: int
    method: str
    segments: list[str]
    query: str
    full_url: str | None
    resource: dict[str, Any] | None
    headers: dict[bytes, bytes]

    @property
    def asks(self) -> bool:
        """A read or a search, or an operation: not one of the writes that become one commit."""
        last = self.segments[-1] if self.segments else ""
        return self.method in ("GET", "HEAD") or (self.method == "POST" and (last.startswith("$") or last == "_search"))


async def system(request: Request, dispatch: Dispatch) -> Answer:
    given = await resource.sent(request, "Bundle")
    type = given.get("type")
    if type not in ("transaction", "batch"):
        text = f"A Bundle that is posted here must be of type transaction or batch, not {str(type)[:40]!r}."
        raise Invalid(text, issues=[Issue("error", "value", text, "Bundle.type")])
    raw = given.get("entry", [])
    if not isinstance(raw, list):
        text = "Bundle.entry must be a list."
        raise Invalid(text, issues=[Issue("error", "structure", text, "Bundle.entry")])
    if len(raw) > request.settings.max_entries:
        raise TooLarge(f"The bundle has {len(raw):,} entries; this server takes {request.settings.max_entries:,} at once.")
    made = _transaction(request, dispatch, raw) if type == "transaction" else _batch(request, dispatch, raw)
    return Answer(200, bundle.bundle(f"{type}-response", [], await made))


# -- transaction ------------------------------------------------------------------------------------------------------


async def _transaction(request: Request, dispatch: Dispatch, raw: list[Any]) -> list[bytes]:
    entries: list[Entry] = []
    wrong: list[Issue] = []
    for at, one in enumerate(raw):
        try:
            entries.append(_entry(request, at, one))
        except LongbienError as error:
            wrong += error.issues
    if wrong:
        raise Invalid(f"The transaction cannot be read: {wrong[0].text}", issues=wrong[:200])
    writes = [_write(e) for e in entries if not e.asks]
    reads = sorted((e for e in entries if e.asks), key=lambda e: e.method != "POST")
    await transaction.check(writes)
    for left in reversed(range(AGAIN)):
        try:
            found = await _done(request, dispatch, writes, reads)
            return [found[at] for at in range(len(raw))]
        except (Outdated, Overtaken):  # somebody else wrote the same meanwhile, and nothing is done
            if not left:
                raise
            await asyncio.sleep(random.uniform(0, PAUSE))  # noqa: S311
    raise AssertionError


async def _done(request: Request, dispatch: Dispatch, writes: Sequence[Write], reads: Sequence[Entry]) -> dict[int, bytes]:
    """All of a transaction in one: its answers by place."""
    found: dict[int, bytes] = {}
    async with inside(request.store) as within:
        for done in await transaction.apply(within, writes):
            found[done.at] = _written(request, done.stored)
        for e in reads:
            found[e.at] = _answered(request, e, await _read(request, dispatch, e, within))
    return found


async def _read(request: Request, dispatch: Dispatch, e: Entry, within: Store) -> Answer:
    """A read that fails makes the whole transaction fail, and says which."""
    try:
        if not e.segments and e.method == "POST":
            raise Invalid("A bundle inside a bundle is not supported.", code="not-supported")
        return await dispatch(request.entry(e.method, e.query.encode(), e.headers, e.resource, within), e.segments)
    except LongbienError as error:
        error.issues = tuple(i._replace(expression=i.expression or f"Bundle.entry[{e.at}].request.url") for i in error.issues)
        raise


def _write(e: Entry) -> Write:
    """Raises Invalid, NotSupported: with the entry's place."""
    where = f"Bundle.entry[{e.at}]"
    type = e.segments[0] if e.segments else ""
    of_one = len(e.segments) == 2 and FHIR_ID.match(e.segments[1]) is not None
    if number(type) is None or type in capability.NO_ENDPOINT or len(e.segments) > 2 or (len(e.segments) == 2 and not of_one):
        raise _wrong(f"{e.method} {'/'.join(e.segments)[:80]!r} is nothing that can be written.", f"{where}.request.url")
    if type in capability.NOT_WRITTEN or (e.method == "PATCH" and type in capability.NOT_PATCHED):
        raise _wrong(f"{e.method} {type} is not supported.", f"{where}.request.method", "not-supported")
    id = e.segments[1] if of_one else None
    if e.method == "POST":
        if id is not None:
            raise _wrong("POST goes to a type, not to an id.", f"{where}.request.url")
        condition = e.headers.get(b"if-none-exist")
        asked = condition.decode() if condition is not None else None
        return Write(e.at, "POST", type, None, asked and (asked.partition("?")[2] or asked), _of(e, type, where), e.full_url)
    if id is None and not e.query:
        raise _wrong(f"{e.method} needs an id or search parameters.", f"{where}.request.url")
    match = _match(e, where)
    if e.method == "DELETE":
        return Write(e.at, "DELETE", type, id, None if id else e.query, None, None, match)
    if e.method == "PATCH":
        if e.resource is None:
            raise _wrong("PATCH needs a resource: Parameters, or a Binary.", f"{where}.resource", "required")
        change = patch.of_entry(e.resource, f"{where}.resource")
        return Write(e.at, "PATCH", type, id, None if id else e.query, None, e.full_url, match, patch=change)
    given = _of(e, type, where)
    if id is not None and given.get("id") != id:
        text = f"The resource's id is {str(given.get('id'))[:70]!r}, but the request's url says {id!r}."
        raise _wrong(text, f"{where}.resource.id")
    only_new = _only_new(e, where)
    return Write(e.at, "PUT", type, id, None if id else e.query, given, e.full_url, match, only_new)


def _match(e: Entry, where: str) -> int | None:
    text = e.headers.get(b"if-match")
    try:
        return versions.if_match(text.decode() if text is not None else None)
    except LongbienError as error:
        error.issues = tuple(i._replace(expression=f"{where}.request.ifMatch") for i in error.issues)
        raise


def _only_new(e: Entry, where: str) -> bool:
    text = e.headers.get(b"if-none-match")
    try:
        return versions.only_new(text.decode() if text is not None else None)
    except LongbienError as error:
        error.issues = tuple(i._replace(expression=f"{where}.request.ifNoneMatch") for i in error.issues)
        raise


def _of(e: Entry, type: str, where: str) -> dict[str, Any]:
    if e.resource is None:
        raise _wrong(f"{e.method} needs a resource.", f"{where}.resource", "required")
    found = e.resource.get("resourceType")
    if found != type:
        raise _wrong(f"The resource is of type {str(found)[:60]!r}, but the url says {type}.", f"{where}.resource")
    return e.resource


# -- batch ------------------------------------------------------------------------------------------------------------


async def _batch(request: Request, dispatch: Dispatch, raw: list[Any]) -> list[bytes]:
    found: dict[int, bytes] = {}
    stages: dict[str, list[Entry]] = {m: [] for m in METHODS}
    for at, one in enumerate(raw):
        try:
            e = _entry(request, at, one)
            stages[e.method].append(e)
        except LongbienError as error:
            found[at] = _failed(faults.answer(error))
    made = {e.full_url: e.at for e in stages["POST"] if e.full_url is not None and not e.asks}
    for e in [e for m in METHODS for e in stages[m]]:
        if made and (wrong := _leaning(e, made)):
            stages[e.method].remove(e)
            found[e.at] = _failed(faults.answer(wrong))
    for methods in _STAGES:
        await _some_at_once(request, dispatch, [e for m in methods for e in stages[m]], found)
    return [found[at] for at in range(len(raw))]


def _leaning(e: Entry, made: dict[str, int]) -> Invalid | None:
    """http://hl7.org/fhir/R4/http.html#brules: in a batch no entry may refer to another one that is being created."""
    for _, _, text, expression in references.each(e.resource) if e.resource is not None else ():
        if made.get(text, e.at) != e.at:
            said = f"In a batch no entry may refer to another: {text[:100]!r} is entry {made[text]}. Send a transaction."
            return _wrong(said, f"Bundle.entry[{e.at}].resource.{expression.partition('.')[2]}", "business-rule")
    return None


async def _some_at_once(request: Request, dispatch: Dispatch, entries: Sequence[Entry], found: dict[int, bytes]) -> None:
    left = iter(entries)

    async def work() -> None:
        for e in left:
            found[e.at] = await _alone(request, dispatch, e)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(AT_ONCE, len(entries))):
            group.create_task(work())


async def _alone(request: Request, dispatch: Dispatch, e: Entry) -> bytes:
    try:
        if not e.segments:
            raise Invalid("A batch inside a batch is not supported.", code="not-supported")
        inner = request.entry(e.method, e.query.encode(), e.headers, e.resource, request.store)
        return _answered(request, e, await dispatch(inner, e.segments))
    except Exception as error:
        return _failed(faults.answer(error))


# -- entries in -------------------------------------------------------------------------------------------------------


def _wrong(text: str, where: str, code: str = "invalid") -> Invalid:
    return Invalid(text, issues=[Issue("error", code, text, where)])


def _entry(request: Request, at: int, one: Any) -> Entry:
    """Raises Invalid naming the element."""
    where = f"Bundle.entry[{at}]"
    if not isinstance(one, dict):
        raise _wrong("An entry must be an object.", where, "structure")
    asked = one.get("request")
    if not isinstance(asked, dict):
        raise _wrong("An entry of a transaction or batch needs a request.", f"{where}.request", "required")
    method, url = asked.get("method"), asked.get("url")
    if method not in METHODS:
        raise _wrong(
            f"The method must be one of {', '.join(METHODS)}, not {str(method)[:20]!r}.", f"{where}.request.method", "value"
        )
    if not isinstance(url, str) or "\0" in url:
        raise _wrong("The request needs a url.", f"{where}.request.url", "required")
    if len(url) > LONGEST:
        raise _wrong(f"A url may have at most {LONGEST:,} characters.", f"{where}.request.url", "too-long")
    given, full_url = one.get("resource"), one.get("fullUrl")
    if given is not None and not isinstance(given, dict):
        raise _wrong("The resource must be an object.", f"{where}.resource", "structure")
    if full_url is not None and not isinstance(full_url, str):
        raise _wrong("fullUrl must be a string.", f"{where}.fullUrl", "structure")
    headers: dict[bytes, bytes] = {}
    if b"prefer" in request.headers:
        headers[b"prefer"] = request.headers[b"prefer"]
    for name, header in _CONDITIONS:
        value = asked.get(name)
        if value is not None and not isinstance(value, str):
            raise _wrong(f"{name} must be a string.", f"{where}.request.{name}", "structure")
        if value is not None and len(value) > LONGEST:
            raise _wrong(f"{name} may have at most {LONGEST:,} characters.", f"{where}.request.{name}", "too-long")
        if value is not None:
            headers[header] = value.encode()
    segments, query = _address(request, url, f"{where}.request.url")
    return Entry(at, method, segments, query, full_url, given, headers)


def _address(request: Request, url: str, where: str) -> tuple[list[str], str]:
    path, _, query = url.partition("?")
    if "://" in path:
        base = request.base_url
        if path != base and not path.startswith(base + "/"):
            raise _wrong(f"The url {url[:100]!r} is not of this server ({base}).", where)
        path = path[len(base) :]
    path = unquote(path, errors="replace").strip("/")
    return (path.split("/") if path else []), query


# -- entries out ------------------------------------------------------------------------------------------------------


def _status(code: int) -> str:
    return f"{code} {HTTPStatus(code).phrase}"


def _response(status: int, stored: Stored | None, *, located: bool) -> dict[str, object]:
    said: dict[str, object] = {"status": _status(status)}
    if stored is not None:
        if located:
            said["location"] = f"{stored.type}/{stored.id}/_history/{stored.version}"
        said |= {"etag": f'W/"{stored.version}"', "lastModified": clock.instant(stored.updated)}
    return said


def _written(request: Request, stored: Stored | None) -> bytes:
    """http://hl7.org/fhir/R4/http.html#transaction-response: minimal unless the client prefers to have more back."""
    gone = stored is None or stored.deleted
    said = _response(204 if gone else 201 if stored is not None and stored.created else 200, stored, located=not gone)
    prefer = request.prefer
    if stored is None or not prefer.stated or prefer.returns == "minimal":
        return bundle.entry({"response": said})
    if prefer.returns == "OperationOutcome":
        return _outcome(said, resource.told(stored))
    whole = b"" if gone else stored.body
    return bundle.entry({"response": said}, whole, f"{request.base_url}/{stored.type}/{stored.id}" if whole else "")


def _answered(request: Request, e: Entry, answer: Answer) -> bytes:
    if e.asks:
        parts: dict[str, object] = {"response": _response(answer.status, answer.stored, located=False)}
        return bundle.entry(parts, answer.body if e.method != "HEAD" else b"")
    if answer.status >= 300:
        return _failed(answer)
    return _written(request, answer.stored)


def _failed(answer: Answer) -> bytes:
    return _outcome({"status": _status(answer.status)}, answer.body)


def _outcome(response: dict[str, object], outcome: bytes) -> bytes:
    front = bundle.entry(response)
    return b'{"response":' + front[:-1] + (b',"outcome":' + outcome if outcome else b"") + b"}}"
