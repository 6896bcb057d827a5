"""Versions and times in headers: ETag, Last-Modified, If-Match and the like. http://hl7.org/fhir/R4/http.html#versioning"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

from longbien.base.errors import Invalid, PreconditionFailed
from longbien.record.change import ANY, Stored
from longbien.record.store import NEWEST

from .request import Answer, Request

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ETAG = re.compile(r'(?:W/)?"([^"]*)"\Z')


def etag(version: int) -> bytes:
    return b'W/"%d"' % version


@lru_cache(4096)
def http_date(t: datetime) -> bytes:
    """RFC 9110 date, e.g. Mon, 23 Nov 2026 08:24:00 GMT. `t` is in UTC."""
    return (f"{_DAYS[t.weekday()]}, {t.day:02d} {_MONTHS[t.month - 1]} {t.year:04d} {t:%H:%M:%S} GMT").encode()


def headers(stored: Stored) -> tuple[tuple[bytes, bytes], ...]:
    return ((b"etag", etag(stored.version)), (b"last-modified", http_date(stored.updated.replace(microsecond=0))))


def if_match(text: str | None) -> int | None:
    """The version that If-Match names, ANY for `*`, None without one. A tag that no version of ours can have never matches.
    Raises Invalid for what is not an entity tag."""
    if text is None or text == "*":
        return None if text is None else ANY
    tag = _ETAG.match(text)
    if tag is None:
        raise Invalid(f'If-Match must be one entity tag such as W/"3", not {text[:40]!r}.', code="value")
    if not (tag[1].isascii() and tag[1].isdigit()) or int(tag[1][:12]) > NEWEST:
        raise PreconditionFailed(f"No version is called {tag[1][:40]!r}.")
    return int(tag[1])


def only_new(text: str | None) -> bool:
    """If-None-Match on a write: only `*` has a meaning there. Raises Invalid for anything else."""
    if text is not None and text != "*":
        raise Invalid(f"If-None-Match on a write can only be *, not {text[:40]!r}.", code="value")
    return text is not None


def unchanged(request: Request, stored: Stored) -> bool:
    """Whether the client has this version already (If-None-Match, If-Modified-Since). Unreadable conditions are ignored."""
    tags = request.header(b"if-none-match")
    if tags is not None:
        mine = str(stored.version)
        return any(t.strip() == "*" or ((m := _ETAG.match(t.strip())) and m[1] == mine) for t in tags.split(","))
    since = request.header(b"if-modified-since")
    if since is None:
        return False
    moment = _moment(since)
    return moment is not None and stored.updated <= moment


def _moment(text: str) -> datetime | None:
    """The last moment that If-Modified-Since names: of a second as HTTP says it, or an instant (Bundle.entry.request); None for
    what is neither."""
    try:
        found = parsedate_to_datetime(text) + timedelta(microseconds=999_999)
    except (TypeError, ValueError, OverflowError):
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def not_modified(stored: Stored) -> Answer:
    return Answer(304, b"", headers(stored), stored)
