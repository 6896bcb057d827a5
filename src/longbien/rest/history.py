"""GET [base]/[type]/[id]/_history, [base]/[type]/_history, [base]/_history - http://hl7.org/fhir/R4/http.html#history

Pages go on by version (one resource) or by time (many), so that a page costs the same however long the history is, and stays itself
while new versions come. What the server itself writes of its own (AuditEvent) is in no history."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from longbien.base import clock
from longbien.base.errors import Invalid, NotSupported
from longbien.record.change import Stored
from longbien.record.history import TOP, Cursor
from longbien.record.history import Asked as AskedOfMany
from longbien.record.search.params.dates import span
from longbien.record.store import NEWEST

from .bundle import bundle, entry
from .request import Answer, Request

COUNT, MOST = 50, 1000
BELOW = "_below"
"""Our own parameter in `next` links: only what comes below this place."""
_INSTANT = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?)?)?\Z")
_PLACE = re.compile(r"(\d{1,18})-(\d{1,18})-(\d{1,10})\Z", re.A)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEPT = ("_count", "_since", "_at", "_format", "_pretty", "_summary")


class Asked(NamedTuple):
    """below: as it stands in the link."""

    size: int
    below: str | None
    since: datetime | None
    at: tuple[datetime, datetime] | None
    only_count: bool


def _whole(name: str, text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 12:
        raise Invalid(f"{name} must be a whole number, not {text[:40]!r}.", code="value")
    return min(int(text), most)


def moment(name: str, text: str) -> datetime:
    """An instant or a shorter date (its beginning; without a zone: Hanoi). Raises Invalid."""
    if not _INSTANT.match(text):
        raise Invalid(f"{name} must be a time such as 2026-11-23T08:24:00Z, not {text[:40]!r}.", code="value")
    try:
        padded = text + "0000-01-01"[len(text) :] if len(text) < 10 else text
        found = datetime.fromisoformat(padded)
        return (found if found.tzinfo else found.replace(tzinfo=clock.HANOI)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(f"{name}: {text[:40]!r} is no date of the calendar.", code="value") from None


def asked(request: Request) -> Asked:
    """Raises Invalid for a value without meaning and for a parameter given twice, NotSupported for what is left out here."""
    count, below, since, at, only_count = COUNT, None, None, None, False
    names = [name for name, _ in request.params]
    for name, value in request.params:
        if name in _KEPT and names.count(name) > 1:
            raise Invalid(f"{name} may be given once only.", code="value")
        if name == "_count":
            count = _whole(name, value, MOST)
        elif name == BELOW:
            below = value
        elif name == "_since":
            since = moment(name, value.replace(" ", "+"))
        elif name == "_at":
            at = _period(value.replace(" ", "+"))
        elif name == "_summary":
            if value != "count":
                raise NotSupported("On a history only _summary=count is supported.")
            only_count = True
        elif name == "_list":
            raise NotSupported("A history by _list is not supported: ask for each resource's own history.")
        elif name not in _KEPT and not request.prefer.lenient:
            raise NotSupported(f"A history has no parameter {name[:60]!r} here.")
    return Asked(count, below, since, at, only_count or count == 0)


def _period(text: str) -> tuple[datetime, datetime]:
    """_at: the time that a date or dateTime covers, [from, until)."""
    found = span(text)
    if found is None:
        raise Invalid(f"_at must be a date or a time such as 2026-11 or 2026-11-23T08:24:00Z, not {text[:40]!r}.", code="value")
    return found


async def history(request: Request, type: str, id: str) -> Answer:
    """Of one resource."""
    a = asked(request)
    below = NEWEST if a.below is None else _whole(BELOW, a.below, NEWEST)
    size = 0 if a.only_count else a.size
    found = await request.store.history(type, id, count=size, below=below, since=a.since, at=a.at)
    # Versions are numbered without gaps from 1: the newest one's number is how many there are.
    total = found.newest if a.below is None and a.since is None and a.at is None else None
    if a.only_count and total is None:
        raise NotSupported("The versions are counted of a whole history only, without _since or _at.")
    links = _links(request, f"{type}/{id}", a, None if found.below is None else str(found.below))
    return Answer(200, bundle("history", links, _entries(request, found.versions), total))


async def history_of_type(request: Request, type: str) -> Answer:
    return await _of_many(request, type)


async def history_of_all(request: Request) -> Answer:
    return await _of_many(request, None)


async def _of_many(request: Request, type: str | None) -> Answer:
    """A page may be short, even empty, where much is hidden or filtered: it goes on as long as there is a next link."""
    a = asked(request)
    if a.only_count:
        raise NotSupported("The versions of many resources are not counted: leave out _summary=count and _count=0.")
    found = await request.store.history_of(type, AskedOfMany(a.size, _place(a.below), a.since, a.at))
    links = _links(request, type, a, None if found.below is None else _shown(found.below))
    return Answer(200, bundle("history", links, _entries(request, found.versions)))


def _place(text: str | None) -> Cursor:
    if text is None:
        return TOP
    parts = _PLACE.match(text)
    try:
        micros, rid, version = (int(p) for p in parts.groups()) if parts else (-1, 0, 0)
        if micros < 0:
            raise ValueError
        return Cursor(_EPOCH + timedelta(microseconds=micros), rid, min(version, NEWEST))
    except (ValueError, OverflowError):
        raise Invalid(f"{BELOW} is made by this server's next links; {text[:60]!r} is none of them.", code="value") from None


def _shown(below: Cursor) -> str:
    return f"{(below.updated - _EPOCH) // timedelta(microseconds=1)}-{below.rid}-{below.version}"


def _links(request: Request, of: str | None, a: Asked, below: str | None) -> list[tuple[str, str]]:
    base = "/".join(p for p in (request.base_url, of, "_history") if p)
    kept = [(k, v) for k, v in request.params if k in _KEPT]

    def address(*last: tuple[str, str]) -> str:
        query = urlencode([*kept, *last])
        return f"{base}?{query}" if query else base

    links = [("self", address(*(((BELOW, a.below),) if a.below is not None else ())))]
    if below is not None:
        links += [("first", address()), ("next", address((BELOW, below)))]
    return links


def _entries(request: Request, found: Sequence[Stored]) -> list[bytes]:
    return [_entry(request, s) for s in found]


def _entry(request: Request, s: Stored) -> bytes:
    # A version that began the resource is shown as POST, as most servers do, whichever verb brought it.
    method, status = ("DELETE", "204") if s.deleted else ("POST", "201") if s.created else ("PUT", "200")
    parts: dict[str, object] = {
        "request": {"method": method, "url": s.type if method == "POST" else f"{s.type}/{s.id}"},
        "response": {"status": status, "etag": f'W/"{s.version}"', "lastModified": clock.instant(s.updated)},
    }
    return entry(parts, s.body, f"{request.base_url}/{s.type}/{s.id}")
