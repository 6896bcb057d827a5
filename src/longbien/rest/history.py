"""GET [base]/[type]/[id]/_history - http://hl7.org/fhir/R4/http.html#history

Pages go on by version, so that a page costs the same however long the history is, and stays itself while new versions come."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlencode

from longbien.base import clock
from longbien.base.errors import Invalid, NotSupported
from longbien.record.change import Stored
from longbien.record.store import NEWEST

from .bundle import bundle, entry
from .request import Answer, Request

COUNT, MOST = 50, 1000
BELOW = "_below"
"""Our own parameter in `next` links: only versions below this one."""
_INSTANT = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?)?)?\Z")
_KNOWN = ("_count", "_since", BELOW, "_format", "_pretty", "_summary")


class Asked(NamedTuple):
    size: int
    below: int
    since: datetime | None
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
    count, below, since, only_count = COUNT, NEWEST, None, False
    for name, value in request.params:
        if name == "_count":
            count = _whole(name, value, MOST)
        elif name == BELOW:
            below = _whole(name, value, NEWEST)
        elif name == "_since":
            since = moment(name, value.replace(" ", "+"))
        elif name == "_summary":
            if value != "count":
                raise NotSupported("On a history only _summary=count is supported.")
            only_count = True
        elif name not in _KNOWN and not request.prefer.lenient:
            raise NotSupported(f"A history has no parameter {name[:60]!r} here.")
    return Asked(count, below, since, only_count or count == 0)


async def history(request: Request, type: str, id: str) -> Answer:
    a = asked(request)
    wanted = 1 if a.only_count else a.size + 1
    found = await request.store.history(type, id, count=wanted, below=a.below)
    more = len(found) > a.size and not a.only_count
    page = found[: a.size]
    newer = [s for s in page if a.since is None or s.updated >= a.since]
    more = more and len(newer) == len(page)
    # Versions are numbered without gaps from 1: the newest one's number is how many there are.
    total = found[0].version if found and a.below == NEWEST and a.since is None else None
    entries = [] if a.only_count else [_entry(request, s) for s in newer]
    return Answer(200, bundle("history", _links(request, f"{type}/{id}", a, page, more), entries, total))


def _links(request: Request, of: str, a: Asked, page: Sequence[Stored], more: bool) -> list[tuple[str, str]]:
    base = f"{request.base_url}/{of}/_history"
    kept = [(k, v) for k, v in request.params if k in ("_count", "_since", "_format", "_pretty", "_summary")]

    def address(*last: tuple[str, str]) -> str:
        query = urlencode([*kept, *last])
        return f"{base}?{query}" if query else base

    here = ((BELOW, str(a.below)),) if a.below != NEWEST else ()
    links = [("self", address(*here))]
    if more:
        links.append(("next", address((BELOW, str(page[-1].version)))))
    return links


def _entry(request: Request, s: Stored) -> bytes:
    # A version that began the resource is shown as POST, as most servers do, whichever verb brought it.
    method, status = ("DELETE", "204") if s.deleted else ("POST", "201") if s.created else ("PUT", "200")
    parts: dict[str, object] = {
        "request": {"method": method, "url": s.type if method == "POST" else f"{s.type}/{s.id}"},
        "response": {"status": status, "etag": f'W/"{s.version}"', "lastModified": clock.instant(s.updated)},
    }
    return entry(parts, s.body, f"{request.base_url}/{s.type}/{s.id}")
