"""Dates: spans [lo, hi) of time, and what the prefixes mean over them (R4 search.html#date, #prefix).

A date or time without a zone is Hanoi's ("the server's local timezone should be assumed")."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from longbien.base import clock

from ..ask import Ask, Bind, Cond, any_of, prefixed
from ..keys import param_key
from ..slots import bits, date_param

Span = tuple[datetime, datetime]
EARLIEST = datetime(1, 1, 1, tzinfo=UTC)
"""The driver stores it as -infinity, and gives that back without a zone."""
LATEST = datetime(9999, 12, 31, tzinfo=UTC)
SPAN = timedelta(days=32)
"""Rows whose main date spans more carry the term '~long', so that a search from a day on need not look at every older row."""

_FORM = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?\Z")


def _clamped(t: datetime) -> datetime:
    return min(max(t, EARLIEST), LATEST)


def _zone(text: str | None) -> Any:
    if text is None:
        return clock.HANOI
    if text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))


def _utc(naive: datetime, zone: Any) -> datetime:
    try:
        return _clamped(naive.replace(tzinfo=zone).astimezone(UTC))
    except OverflowError:
        return EARLIEST if naive.year == 1 else LATEST


@lru_cache(maxsize=8192)
def span(text: str) -> Span | None:
    """What a FHIR date, dateTime or instant covers; None for what is none."""
    m = _FORM.match(text)
    if not m:
        return None
    year, month, day, hour, minute, second, fraction, zone = m.groups()
    try:
        at = _zone(zone)
        start = datetime(int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), min(int(second or 0), 59))
        if month is None:
            end = datetime(start.year + 1, 1, 1) if start.year < 9999 else datetime(9999, 12, 31)
        elif day is None:
            end = (start + timedelta(days=32)).replace(day=1) if start.year < 9999 else datetime(9999, 12, 31)
        elif hour is None:
            end = start + timedelta(days=1)
        elif second is None:
            end = start + timedelta(minutes=1)
        elif fraction is None:
            end = start + timedelta(seconds=1)
        else:
            start += timedelta(microseconds=int((fraction + "000000")[:6]))
            end = start + timedelta(microseconds=10 ** max(0, 6 - len(fraction)))
        return _utc(start, at), _utc(end, at)
    except (ValueError, OverflowError):
        return None


def of_value(value: Any, kind: str) -> Span | None:
    """The span of an element's value; None where it has no date in it."""
    if kind == "Period":
        if not isinstance(value, dict):
            return None
        start, end = value.get("start"), value.get("end")
        lo = span(start) if isinstance(start, str) else None
        hi = span(end) if isinstance(end, str) else None
        if lo is None and hi is None:
            return None
        first = lo[0] if lo else EARLIEST
        return first, max(hi[1] if hi else LATEST, first)
    if kind == "Timing":
        return _timing(value)
    return span(value) if isinstance(value, str) else None


def _timing(value: Any) -> Span | None:
    """From the first to the last moment that a Timing names."""
    if not isinstance(value, dict):
        return None
    spans = [s for e in value.get("event") or () if isinstance(e, str) and (s := span(e))]
    bounds = (value.get("repeat") or {}).get("boundsPeriod")
    inside = of_value(bounds, "Period") if bounds else None
    if inside:
        spans.append(inside)
    return (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else None


def _near(lo: datetime, hi: datetime) -> Span:
    """ap: a tenth of the distance to now to both sides (R4's own suggestion)."""
    now = clock.now()
    tenth = abs(now - lo) / 10
    try:
        return _clamped(lo - tenth), _clamped(hi + tenth)
    except OverflowError:
        return EARLIEST, LATEST


def test(low: str, high: str, prefix: str, lo: datetime, hi: datetime, bind: Bind) -> str:
    """What a prefix says about a stored span [low, high) and the asked span [lo, hi)."""
    if prefix == "ap":
        lo, hi = _near(lo, hi)
        return f"({low} < {bind(hi)} AND {high} > {bind(lo)})"
    if prefix in ("gt", "sa", "lt", "eb"):
        return {
            "gt": lambda: f"{high} > {bind(hi)}",
            "sa": lambda: f"{low} >= {bind(hi)}",
            "lt": lambda: f"{low} < {bind(lo)}",
            "eb": lambda: f"{high} <= {bind(lo)}",
        }[prefix]()
    a, b = bind(lo), bind(hi)
    inside = f"({low} >= {a} AND {high} <= {b})"
    if prefix == "eq":
        return inside
    if prefix == "ne":
        return f"({low} < {a} OR {high} > {b})"
    # ge and le: beyond the asked span, or wholly inside it
    return f"({high} > {b} OR {inside})" if prefix == "ge" else f"({low} < {a} OR {inside})"


def asked(ask: Ask, text: str) -> tuple[str, datetime, datetime]:
    prefix, rest = prefixed(text)
    found = span(rest.replace(" ", "+"))
    if found is None:
        raise ask.bad(f"{text[:60]!r} is not a date (YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss+zz:zz).")
    return prefix, *found


def where(ask: Ask, h: str, bind: Bind) -> Cond:
    if ask.modifier is not None:
        raise ask.unsupported()
    wanted = [asked(ask, v) for v in ask.values]
    if ask.param.code != date_param(ask.type):
        tests = [test("d.lo", "d.hi", *w, bind) for w in wanted]
        p = bind(param_key(ask.prefix))
        return Cond(f"{h}.rid IN (SELECT d.rid FROM ix_date d WHERE d.p = {p} AND {any_of(tests)})", typed=True)
    there = f"{h}.terms[1] & {bits(ask.type)[ask.param.code]} <> 0"
    tests = [test(f"{h}.dlo", f"{h}.dhi", *w, bind) for w in wanted]
    return Cond(f"({there} AND {any_of(tests)})", since=_since(wanted))


def _since(wanted: list[tuple[str, datetime, datetime]]) -> datetime | None:
    """The moment before which no matching row ends; None where there is none, or the test bounds the beginning itself."""
    if any(prefix not in ("gt", "ge", "ap") for prefix, _, _ in wanted):
        return None
    return min(_near(lo, hi)[0] if prefix == "ap" else lo for prefix, lo, hi in wanted)


MOMENT = timedelta(milliseconds=1)
"""What a row's last update is told to: it covers so much time."""


def _updated(upd: str, prefix: str, lo: datetime, hi: datetime, bind: Bind) -> str:
    """`test` over the span [upd, upd + MOMENT), said of upd alone, as an index has it."""
    if prefix == "ap":
        lo, hi = _near(lo, hi)
        return f"({upd} < {bind(hi)} AND {upd} > {bind(_back(lo))})"
    last = _back(hi)
    if prefix in ("eq", "ne"):
        inside = f"({upd} >= {bind(lo)} AND {upd} <= {bind(last)})"
        return inside if prefix == "eq" else f"NOT {inside}"
    return {
        "gt": lambda: f"{upd} > {bind(last)}",
        "ge": lambda: f"{upd} >= {bind(lo)}" if last >= lo else f"{upd} > {bind(last)}",
        "sa": lambda: f"{upd} >= {bind(hi)}",
        "lt": lambda: f"{upd} < {bind(lo)}",
        "le": lambda: f"{upd} <= {bind(last)}" if last >= lo else f"{upd} < {bind(lo)}",
        "eb": lambda: f"{upd} <= {bind(_back(lo))}",
    }[prefix]()


def _back(t: datetime) -> datetime:
    return t - MOMENT if t > EARLIEST + MOMENT else EARLIEST


def last_updated(ask: Ask, h: str, bind: Bind) -> Cond:
    """_lastUpdated: an instant, without an index on head; where nothing else narrows, the log's index finds the rows (many.py)."""
    if ask.modifier is not None:
        raise ask.unsupported()
    wanted = [asked(ask, v) for v in ask.values]
    recent = None
    if all(prefix in ("gt", "ge", "sa", "eq") for prefix, _, _ in wanted):
        recent = min(_back(lo) for _, lo, _ in wanted)
    return Cond(any_of([_updated(f"{h}.upd", *w, bind) for w in wanted]), recent=recent)
