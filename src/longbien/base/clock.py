"""The one clock. Everything stored is UTC; everything shown to people is Asia/Ho_Chi_Minh (UTC+7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

HANOI = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")


def now() -> datetime:
    """The present, aware, UTC."""
    return datetime.now(UTC)


def instant(t: datetime) -> str:
    """FHIR instant with milliseconds, e.g. 2026-11-23T08:24:00.123Z. `t` is aware."""
    u = t.astimezone(UTC).replace(tzinfo=None)
    return u.isoformat(timespec="milliseconds") + "Z"


def local(t: datetime) -> datetime:
    """The same moment on a Hanoi wall clock."""
    return t.astimezone(HANOI)
