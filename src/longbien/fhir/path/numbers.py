"""FHIRPath's conversions and arithmetic. http://hl7.org/fhirpath/N1/#conversion, http://hl7.org/fhirpath/N1/#math"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from .context import Context, Items, single
from .table import TABLE, a_number, a_whole_number, function
from .values import Quantity, Temporal, is_number, system, temporal, text


@function("toString")
def to_string(c: Context, items: Items) -> Items:
    s = text(single(items, "toString()"))
    return [] if s is None else [s]


_INTEGER = re.compile(r"[+-]?\d{1,18}\Z", re.A)
_DECIMAL = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?\Z", re.A)


@function("toInteger")
def to_integer(c: Context, items: Items) -> Items:
    v = system(single(items, "toInteger()"))
    if isinstance(v, int):
        return [int(v)]
    return [int(v)] if isinstance(v, str) and _INTEGER.match(v) else []


@function("toDecimal")
def to_decimal(c: Context, items: Items) -> Items:
    v = system(single(items, "toDecimal()"))
    if isinstance(v, int | Decimal):
        return [Decimal(v)]
    return [Decimal(v)] if isinstance(v, str) and _DECIMAL.match(v) else []


@function("toBoolean")
def to_boolean(c: Context, items: Items) -> Items:
    v = system(single(items, "toBoolean()"))
    if isinstance(v, bool):
        return [v]
    known = {"true": True, "t": True, "yes": True, "y": True, "1": True, "1.0": True}
    known |= {"false": False, "f": False, "no": False, "n": False, "0": False, "0.0": False}
    word = v.lower() if isinstance(v, str) else str(v) if is_number(v) and v in (0, 1) else ""
    return [known[word]] if word in known else []


@function("toQuantity", 0, 1)
def to_quantity(c: Context, items: Items, unit: Items | None = None) -> Items:
    v = system(single(items, "toQuantity()"))
    if isinstance(v, Quantity):
        return [v]
    if is_number(v):
        return [Quantity(v, "1")]
    m = re.match(r"\s*([+-]?\d+(?:\.\d+)?)\s*(?:'([^']+)'|([a-z]+))?\s*\Z", v, re.A) if isinstance(v, str) else None
    return [Quantity(Decimal(m[1]), m[2] or m[3] or "1")] if m else []


def _to_temporal(name: str, kind: str) -> None:
    def call(c: Context, items: Items) -> Items:
        v = system(single(items, name))
        t = temporal(v, "time" if kind == "time" else None) if isinstance(v, str) else v
        if not isinstance(t, Temporal) or (t.kind == "time") != (kind == "time"):
            return []
        if kind == "date":
            return [Temporal("date", t.parts[:3], None, t.text.partition("T")[0])]
        return [Temporal(kind, t.parts, t.offset, t.text)]

    TABLE[name] = (0, 0, call)


_to_temporal("toDate", "date")
_to_temporal("toDateTime", "dateTime")
_to_temporal("toTime", "time")


def _converts(name: str) -> None:
    convert = TABLE["to" + name][2]

    def call(c: Context, items: Items) -> Items:
        return [bool(convert(c, items))] if items else []

    TABLE["convertsTo" + name] = (0, 0, call)


for _name in ("String", "Integer", "Decimal", "Boolean", "Quantity", "Date", "DateTime", "Time"):
    _converts(_name)


def _of_number(name: str, f: Callable[[Any], Any]) -> None:
    def call(c: Context, items: Items) -> Items:
        v = a_number(items, name + "()")
        if v is None:
            return []
        if isinstance(v, Quantity):
            return [Quantity(f(v.value), v.unit)] if name == "abs" else []
        if isinstance(v, Decimal) and (not v.is_finite() or abs(v.adjusted()) > 100):
            return []
        found = f(v)
        return [] if found is None else [found]

    TABLE[name] = (0, 0, call)


def _real(f: Callable[[float], float]) -> Callable[[Any], Decimal | None]:
    def call(v: Any) -> Decimal | None:
        try:
            return Decimal(repr(f(float(v))))
        except (ValueError, OverflowError):
            return None

    return call


_of_number("abs", abs)
_of_number("ceiling", math.ceil)
_of_number("floor", math.floor)
_of_number("truncate", int)
_of_number("exp", _real(math.exp))
_of_number("ln", _real(math.log))
_of_number("sqrt", lambda v: Decimal(v).sqrt() if v >= 0 else None)


@function("round", 0, 1)
def round_(c: Context, items: Items, places: Items | None = None) -> Items:
    v, n = a_number(items, "round()"), a_whole_number(places or [], "round()") or 0
    if not is_number(v) or not 0 <= n <= 28 or abs(Decimal(v).adjusted()) > 100:
        return []
    return [Decimal(v).quantize(Decimal(1).scaleb(-n), rounding="ROUND_HALF_UP")]


@function("power", 1)
def power(c: Context, items: Items, exponent: Items) -> Items:
    v, n = a_number(items, "power()"), a_number(exponent, "power()")
    if not is_number(v) or not is_number(n) or abs(n) > 1000 or abs(Decimal(v).adjusted()) > 100:
        return []
    try:
        found = Decimal(v) ** Decimal(n)
    except ArithmeticError:
        return []
    whole = isinstance(v, int) and isinstance(n, int) and n >= 0 and found < 10**28
    return [int(found) if whole else found] if found.is_finite() else []


@function("log", 1)
def log(c: Context, items: Items, base: Items) -> Items:
    v, n = a_number(items, "log()"), a_number(base, "log()")
    if not is_number(v) or not is_number(n) or v <= 0 or n <= 0 or n == 1:
        return []
    return [Decimal(repr(math.log(v) / math.log(n)))]
