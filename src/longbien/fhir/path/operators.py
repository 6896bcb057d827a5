"""FHIRPath's operators over two collections. http://hl7.org/fhirpath/N1/#operations"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from .context import Context, Items, Step, single, truth
from .errors import PathError
from .functions import same_items
from .items import MANY
from .values import Node, Quantity, Temporal, compare, is_number, key, said, system, text


def _and(left: Step, right: Step) -> Step:
    def step(c: Context, items: Items) -> Items:
        a = truth(left(c, items), "and")
        if a is False:
            return [False]
        b = truth(right(c, items), "and")
        if b is False:
            return [False]
        return [] if a is None or b is None else [True]

    return step


def _or(left: Step, right: Step) -> Step:
    def step(c: Context, items: Items) -> Items:
        a = truth(left(c, items), "or")
        if a is True:
            return [True]
        b = truth(right(c, items), "or")
        if b is True:
            return [True]
        return [] if a is None or b is None else [False]

    return step


def _xor(left: Step, right: Step) -> Step:
    def step(c: Context, items: Items) -> Items:
        a, b = truth(left(c, items), "xor"), truth(right(c, items), "xor")
        return [] if a is None or b is None else [a is not b]

    return step


def _implies(left: Step, right: Step) -> Step:
    def step(c: Context, items: Items) -> Items:
        a = truth(left(c, items), "implies")
        if a is False:
            return [True]
        b = truth(right(c, items), "implies")
        if b is True:
            return [True]
        return [] if a is None or b is None else [False]

    return step


LOGIC: dict[str, Callable[[Step, Step], Step]] = {"and": _and, "or": _or, "xor": _xor, "implies": _implies}


def _valued(items: Items) -> Items:
    """Without primitives that have only extensions: they have no value to compare."""
    for i in items:
        if isinstance(i, Node) and i.v is None:
            return [i for i in items if not isinstance(i, Node) or i.v is not None]
    return items


def equals(a: Items, b: Items) -> Items:
    a, b = _valued(a), _valued(b)
    if not a or not b:
        return []
    found = same_items(a, b)
    return [] if found is None else [found]


def differs(a: Items, b: Items) -> Items:
    found = equals(a, b)
    return [not found[0]] if found else []


def _soft(item: Any) -> Any:
    """The key for ~: texts without case and runs of space, numbers by value, dates to the precision that they have."""
    v = system(item)
    if isinstance(v, str):
        return re.sub(r"\s+", " ", v).strip().casefold()
    if isinstance(v, Temporal):
        return ("t", v.kind, v.normal())
    return key(v)


def equivalent(a: Items, b: Items) -> Items:
    if len(a) != len(b):
        return [False]
    left, right = [_soft(i) for i in a], [_soft(i) for i in b]
    if len(left) == 1 and all(is_number(x) for x in left + right):
        x, y = Decimal(left[0]), Decimal(right[0])
        places = min(-int(x.as_tuple().exponent), -int(y.as_tuple().exponent), 28)
        return [round(x, max(places, 0)) == round(y, max(places, 0))]
    for x in left:
        if x not in right:
            return [False]
        right.remove(x)
    return [True]


def not_equivalent(a: Items, b: Items) -> Items:
    return [not equivalent(a, b)[0]]


def _ordered(sign: str, f: Callable[[int], bool]) -> Callable[[Items, Items], Items]:
    def call(a: Items, b: Items) -> Items:
        x, y = single(a, sign), single(b, sign)
        order = compare(x, y) if x is not None and y is not None else None
        return [] if order is None else [f(order)]

    return call


def member(a: Items, b: Items) -> Items:
    """a in b"""
    if not a:
        return []
    k = key(single(a, "in"))
    return [any(key(i) == k for i in b)]


def contains(a: Items, b: Items) -> Items:
    return member(b, a)


def _pair(a: Items, b: Items, sign: str) -> tuple[Any, Any] | None:
    x, y = system(single(a, sign)), system(single(b, sign))
    return None if x is None or y is None else (x, y)


def concatenated(a: Items, b: Items) -> Items:
    x, y = single(a, "&"), single(b, "&")
    made = (text(x) or "" if x is not None else "") + (text(y) or "" if y is not None else "")
    if len(made) > MANY:
        raise PathError("FHIRPath: & would make too long a text.")
    return [made]


def _shift(t: Temporal, q: Quantity, sign: int) -> Items:
    """A date plus a calendar duration (N1: to the date's own precision; the last day of a month stays the last)."""
    words = {"a": "year", "mo": "month", "wk": "week", "d": "day", "h": "hour", "min": "minute", "s": "second"}
    unit = words.get(q.unit, q.unit.rstrip("s"))
    n = int(q.value) * sign
    parts = list(t.parts)
    if t.kind != "time" and unit in ("year", "month") and abs(n) < 120_000:
        months = parts[0] * 12 + (parts[1] - 1 if len(parts) > 1 else 0) + (n * 12 if unit == "year" else n)
        year, month = divmod(months, 12)
        if not 1 <= year <= 9999:
            return []
        parts[:2] = [year, month + 1][: len(parts)]
        if len(parts) > 2:
            leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
            parts[2] = min(parts[2], [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month])
        return [_written(t, parts)]
    seconds = {"week": 604800, "day": 86400, "hour": 3600, "minute": 60, "second": 1}.get(unit)
    if seconds is None or t.kind == "time" or len(parts) < 3:
        return []
    day = _days(parts[:3])
    rest = [*parts[3:], 0, 0, 0][:3]
    total = day * 86400 + rest[0] * 3600 + rest[1] * 60 + rest[2] + q.value * sign * seconds
    day, second = divmod(total, 86400)
    date = _date(int(day))
    if date is None:
        return []
    clock = [int(second // 3600), int(second % 3600 // 60), Decimal(second) % 60]
    return [_written(t, [*date, *clock][: len(parts)])]


def _days(date: list[Any]) -> int:
    y, m, d = date
    y -= m <= 2
    era, of_era = divmod(y, 400)
    return int(era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + (153 * ((m + 9) % 12) + 2) // 5 + d - 1)


def _date(days: int) -> list[int] | None:
    era, of_era = divmod(days, 146097)
    year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    month = (5 * of_year + 2) // 153
    y = year + era * 400 + (month >= 10)
    found = [y, month + 3 if month < 10 else month - 9, of_year - (153 * month + 2) // 5 + 1]
    return found if 1 <= y <= 9999 else None


def _written(like: Temporal, parts: list[Any]) -> Temporal:
    text_ = "-".join(f"{p:0{4 if i == 0 else 2}d}" for i, p in enumerate(parts[:3]))
    if like.kind == "dateTime":
        text_ += "T" + ":".join(f"{int(p):02d}" + str(Decimal(p) % 1)[1:] for p in parts[3:])
        if like.offset is not None and len(parts) > 3:
            hours, minutes = divmod(abs(like.offset), 60)
            text_ += "Z" if like.offset == 0 else f"{'-' if like.offset < 0 else '+'}{hours:02d}:{minutes:02d}"
    return Temporal(like.kind, tuple(parts), like.offset, text_)


def plus(a: Items, b: Items) -> Items:
    pair = _pair(a, b, "+")
    if pair is None:
        return []
    x, y = pair
    if isinstance(x, str) and isinstance(y, str):
        return concatenated([x], [y])
    if isinstance(x, Temporal) and isinstance(y, Quantity):
        return _shift(x, y, 1)
    return _arithmetic("+", x, y, lambda p, q: p + q)


def minus(a: Items, b: Items) -> Items:
    pair = _pair(a, b, "-")
    if pair is None:
        return []
    if isinstance(pair[0], Temporal) and isinstance(pair[1], Quantity):
        return _shift(pair[0], pair[1], -1)
    return _arithmetic("-", *pair, lambda p, q: p - q)


def _arithmetic(sign: str, x: Any, y: Any, f: Callable[[Any, Any], Any]) -> Items:
    if isinstance(x, Quantity) and isinstance(y, Quantity):
        return [Quantity(f(x.value, y.value), x.unit)] if x.unit == y.unit else []
    if not is_number(x) or not is_number(y):
        raise PathError(f"FHIRPath: {said(x)} {sign} {said(y)} cannot be computed.")
    return [_fits(f(x, y))]


def _fits(v: Any) -> Any:
    if isinstance(v, int) and abs(v) > 10**40:
        raise PathError("FHIRPath: the number grows too large.")
    return v


def times(a: Items, b: Items) -> Items:
    pair = _pair(a, b, "*")
    if pair is None:
        return []
    x, y = pair
    if isinstance(x, Quantity) and is_number(y):
        return [Quantity(x.value * y, x.unit)]
    if isinstance(y, Quantity) and is_number(x):
        return [Quantity(x * y.value, y.unit)]
    if isinstance(x, Quantity) and isinstance(y, Quantity):
        units = {x.unit, y.unit} - {"1"}
        return [Quantity(x.value * y.value, units.pop() if units else "1")] if len(units) < 2 else []
    return _arithmetic("*", x, y, lambda p, q: p * q)


def _divided(sign: str, f: Callable[[Any, Any], Any]) -> Callable[[Items, Items], Items]:
    def call(a: Items, b: Items) -> Items:
        pair = _pair(a, b, sign)
        if pair is None:
            return []
        x, y = pair
        if isinstance(x, Quantity) and sign == "/":
            divisor, unit = (y.value, "1" if y.unit == x.unit else None) if isinstance(y, Quantity) else (y, x.unit)
            if not is_number(divisor) or divisor == 0 or unit is None:
                return []
            return [Quantity(Decimal(x.value) / divisor, unit)]
        if is_number(y) and y == 0:
            return []
        if is_number(x) and isinstance(x, Decimal) and abs(x.adjusted()) > 100:
            return []
        return _arithmetic(sign, x, y, f)

    return call


def _whole(x: Any, y: Any) -> int:
    q = abs(x) // abs(y)
    return int(q if (x < 0) == (y < 0) else -q)


BINARY: dict[str, Callable[[Items, Items], Items]] = {
    "=": equals,
    "!=": differs,
    "~": equivalent,
    "!~": not_equivalent,
    "<": _ordered("<", lambda o: o < 0),
    ">": _ordered(">", lambda o: o > 0),
    "<=": _ordered("<=", lambda o: o <= 0),
    ">=": _ordered(">=", lambda o: o >= 0),
    "in": member,
    "contains": contains,
    "&": concatenated,
    "+": plus,
    "-": minus,
    "*": times,
    "/": _divided("/", lambda p, q: Decimal(p) / q),
    "div": _divided("div", _whole),
    "mod": _divided("mod", lambda p, q: p - q * _whole(p, q)),
}
