"""The values that FHIRPath computes with, and how two of them compare.

An item of a collection is either a `Node` (a FHIR element: its JSON value, its type and, for a primitive, its `_name`
sibling) or a System value: bool, str, int, Decimal, Temporal, Quantity."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from longbien.base.clock import HANOI

from . import units
from .errors import PathError
from .model import NUMBERS, QUANTITIES


class Node:
    """One FHIR element. `v` its JSON value (None: a primitive that has only extensions), `t` its type's name (""
    unknown), `e` the object of its `_name` sibling or None."""

    __slots__ = ("e", "t", "v")

    def __init__(self, v: Any, t: str = "", e: Any = None):
        self.v = v
        self.t = t
        self.e = e

    def __repr__(self) -> str:
        return f"Node({self.v!r}, {self.t!r})"


_TEMPORAL = re.compile(
    r"(?:(\d{4})(?:-(\d\d)(?:-(\d\d))?)?)?(T(?:(\d\d)(?::(\d\d)(?::(\d\d(?:\.\d+)?))?)?(Z|[+-]\d\d:\d\d)?)?)?\Z", re.A
)


class Temporal:
    """A date, dateTime or time with the precision it was written in. `parts` are year, month, day, hour, minute,
    second (the last with its fraction: FHIRPath takes seconds and milliseconds as one precision); `offset` minutes or
    None."""

    __slots__ = ("kind", "offset", "parts", "text")

    def __init__(self, kind: str, parts: tuple[Any, ...], offset: int | None, text: str):
        self.kind = kind
        self.parts = parts
        self.offset = offset
        self.text = text

    def __repr__(self) -> str:
        return f"Temporal({self.kind}, {self.text})"

    def normal(self) -> tuple[Any, ...]:
        """Parts on one clock. A time of day without offset is on Hanoi's clock, as everything people here write is."""
        if self.kind == "time" or len(self.parts) < 5:
            return self.parts
        year, month, day, hour, minute = self.parts[:5]
        minutes = self.offset if self.offset is not None else 7 * 60
        try:
            moved = datetime(year, month, day, hour, minute, tzinfo=UTC) - timedelta(minutes=minutes)
        except (ValueError, OverflowError):
            return self.parts
        return (moved.year, moved.month, moved.day, moved.hour, moved.minute, *self.parts[5:])


def temporal(text: str, kind: str | None = None) -> Temporal | None:
    """A date ("2020-01"), dateTime ("2020-01T", "2020-01-01T10:00Z") or time ("T10:00", or "10:00" where kind says so);
    None for any other text."""
    m = _TEMPORAL.match("T" + text if kind == "time" and not text.startswith("T") else text)
    if m is None or not text:
        return None
    year, month, day, t, hour, minute, second, zone = m.groups()
    parts: list[Any] = [int(p) for p in (year, month, day, hour, minute) if p is not None]
    if second is not None:
        parts.append(Decimal(second))
    if (month and not 1 <= int(month) <= 12) or (day and not 1 <= int(day) <= 31):
        return None
    if (hour and int(hour) > 24) or (minute and int(minute) > 59) or (second and Decimal(second) >= 61):
        return None
    offset = None
    if zone == "Z":
        offset = 0
    elif zone:
        offset = (int(zone[1:3]) * 60 + int(zone[4:])) * (-1 if zone[0] == "-" else 1)
    found = "time" if year is None else "dateTime" if t is not None or kind in ("dateTime", "instant") else "date"
    return Temporal(found, tuple(parts), offset, text)


def hanoi_time(t: datetime) -> tuple[Temporal, Temporal]:
    """(date, dateTime) of an aware moment on the Hanoi clock."""
    local = t.astimezone(HANOI)
    stamp = local.isoformat(timespec="milliseconds")
    both = temporal(stamp[:10]), temporal(stamp, "dateTime")
    assert both[0] is not None and both[1] is not None
    return both[0], both[1]


class Quantity:
    """A number with a UCUM unit ("1": none) or a calendar word."""

    __slots__ = ("unit", "value")

    def __init__(self, value: Decimal | int, unit: str):
        self.value = value
        self.unit = unit

    def __repr__(self) -> str:
        return f"Quantity({self.value} {self.unit!r})"


def of_json(value: Any) -> Any:
    """A JSON primitive as System value (float, which json here never makes, becomes Decimal)."""
    return Decimal(repr(value)) if isinstance(value, float) else value


def system(item: Any) -> Any:
    """The System value of an item: numbers, texts, Temporal and Quantity for the FHIR elements that stand for them;
    the dict itself for any other complex element; None for a primitive without value."""
    if not isinstance(item, Node):
        return item
    v, t = item.v, item.t
    if isinstance(v, str):
        if t in ("date", "dateTime", "instant", "time"):
            return temporal(v, t) or v
        return v
    if isinstance(v, dict):
        if t in QUANTITIES and isinstance(v.get("value"), int | Decimal) and not isinstance(v.get("value"), bool):
            unit = v.get("code") or v.get("currency") or v.get("unit") or "1"
            return Quantity(v["value"], unit if isinstance(unit, str) else "1")
        return v
    if t in NUMBERS and isinstance(v, bool):
        return v
    return of_json(v)


def is_number(v: Any) -> bool:
    return isinstance(v, int | Decimal) and not isinstance(v, bool)


def key(item: Any) -> Any:
    """A hashable key: two items are the same for distinct(), `|` and `in` when their keys are."""
    v = system(item)
    if isinstance(v, bool):
        return ("b", v)
    if isinstance(v, str):
        return v
    if isinstance(v, Temporal):
        return ("t", v.kind == "time", v.normal())
    if isinstance(v, Quantity):
        number, unit = units.base(v.value, v.unit)
        return ("q", number, unit)
    if isinstance(v, dict | list):
        return _frozen(v)
    return v


def _frozen(v: Any) -> Any:
    if isinstance(v, dict):
        return ("d", frozenset((k, _frozen(x)) for k, x in v.items()))
    if isinstance(v, list):
        return ("l", tuple(_frozen(x) for x in v))
    return ("b", v) if isinstance(v, bool) else of_json(v)


def equal(a: Any, b: Any) -> bool | None:
    """a = b for two items; None where that is unknown (dates of different precision, units that do not convert)."""
    a, b = system(a), system(b)
    if a is None or b is None:
        return None
    if isinstance(a, Temporal) or isinstance(b, Temporal):
        if isinstance(a, str):
            a = temporal(a, getattr(b, "kind", None)) or a
        if isinstance(b, str):
            b = temporal(b, getattr(a, "kind", None)) or b
        if not (isinstance(a, Temporal) and isinstance(b, Temporal)) or (a.kind == "time") != (b.kind == "time"):
            return False
        order = _order(a, b)
        return None if order is None else order == 0
    if isinstance(a, Quantity) or isinstance(b, Quantity):
        pair = _same_unit(a, b)
        return None if pair is None else pair[0] == pair[1]
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, str) and isinstance(b, str):
        return a == b
    if is_number(a) and is_number(b):
        return bool(a == b)
    return bool(_frozen(a) == _frozen(b)) if isinstance(a, dict | list) and isinstance(b, dict | list) else False


def _order(a: Temporal, b: Temporal) -> int | None:
    x, y = a.normal(), b.normal()
    for p, q in zip(x, y, strict=False):
        if p != q:
            return -1 if p < q else 1
    return 0 if len(x) == len(y) else None


def _same_unit(a: Any, b: Any) -> tuple[Any, Any] | None:
    if is_number(a):
        a = Quantity(a, "1")
    if is_number(b):
        b = Quantity(b, "1")
    if not isinstance(a, Quantity) or not isinstance(b, Quantity):
        return None
    if a.unit == b.unit:
        return a.value, b.value
    (x, u), (y, w) = units.base(a.value, a.unit), units.base(b.value, b.unit)
    return (x, y) if u == w else None


def compare(a: Any, b: Any) -> int | None:
    """-1, 0, 1, or None where it is unknown. PathError where two such things have no order."""
    a, b = system(a), system(b)
    if a is None or b is None:
        return None
    if isinstance(a, Temporal) and isinstance(b, str):
        b = temporal(b, a.kind) or b
    if isinstance(b, Temporal) and isinstance(a, str):
        a = temporal(a, b.kind) or a
    if isinstance(a, Temporal) and isinstance(b, Temporal) and (a.kind == "time") == (b.kind == "time"):
        return _order(a, b)
    if isinstance(a, Quantity) or isinstance(b, Quantity):
        pair = _same_unit(a, b)
        if pair is None:
            return None
        a, b = pair
    if (is_number(a) and is_number(b)) or (isinstance(a, str) and isinstance(b, str)):
        return -1 if a < b else 1 if a > b else 0
    if isinstance(a, dict) and isinstance(b, dict):  # a Quantity or Range without value
        return None
    raise PathError(f"FHIRPath: {said(a)} and {said(b)} have no order.")


def said(v: Any) -> str:
    """A short word for an error's text; never the value itself (it may be a patient's)."""
    if isinstance(v, Node):
        return v.t or said(v.v)
    return {bool: "a boolean", str: "a text", int: "a number", Decimal: "a number", dict: "an object"}.get(
        type(v), type(v).__name__.lower()
    )


def text(item: Any) -> str | None:
    """toString(): None for what has no text."""
    v = system(item)
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, str):
        return v
    if isinstance(v, Decimal):
        return format(v, "f") if -100 < v.adjusted() < 100 else str(v)
    if isinstance(v, int):
        return str(v) if abs(v) < 10**1000 else None
    if isinstance(v, Temporal):
        return v.text.removeprefix("T") if v.kind == "time" else v.text
    if isinstance(v, Quantity):
        unit = v.unit if v.unit in units.CALENDAR else f"'{v.unit}'"
        return f"{text(v.value)} {unit}"
    return None
