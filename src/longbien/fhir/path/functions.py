"""FHIRPath's functions whose arguments are plain values: name -> (fewest, most arguments, function). The function
gets the evaluation, the input and each argument as a collection. http://hl7.org/fhirpath/N1/#functions,
http://hl7.org/fhir/R4/fhirpath.html"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from longbien.base import clock

from .context import Context, Items, single, truth
from .errors import PathError
from .items import MANY, child, children
from .narrative import fault
from .resolve import resolve
from .values import Node, Quantity, Temporal, compare, equal, hanoi_time, is_number, key, system, temporal, text

Function = Callable[..., Items]
TABLE: dict[str, tuple[int, int, Function]] = {}


def function(name: str, fewest: int = 0, most: int | None = None) -> Callable[[Function], Function]:
    def put(f: Function) -> Function:
        TABLE[name] = (fewest, fewest if most is None else most, f)
        return f

    return put


# --- existence ---


@function("empty")
def empty(c: Context, items: Items) -> Items:
    return [not items]


@function("not")
def not_(c: Context, items: Items) -> Items:
    known = truth(items, "not()")
    return [] if known is None else [not known]


@function("count")
def count(c: Context, items: Items) -> Items:
    return [len(items)]


def _booleans(items: Items, name: str) -> list[bool]:
    return [v for v in (truth([i], name) for i in items) if v is not None]


@function("allTrue")
def all_true(c: Context, items: Items) -> Items:
    return [all(_booleans(items, "allTrue()"))]


@function("anyTrue")
def any_true(c: Context, items: Items) -> Items:
    return [any(_booleans(items, "anyTrue()"))]


@function("allFalse")
def all_false(c: Context, items: Items) -> Items:
    return [not any(_booleans(items, "allFalse()"))]


@function("anyFalse")
def any_false(c: Context, items: Items) -> Items:
    return [not all(_booleans(items, "anyFalse()"))]


@function("hasValue")
def has_value(c: Context, items: Items) -> Items:
    if len(items) != 1:
        return [False]
    v = items[0].v if isinstance(items[0], Node) else items[0]
    return [v is not None and not isinstance(v, dict)]


@function("getValue")
def get_value(c: Context, items: Items) -> Items:
    v = system(items[0]) if len(items) == 1 else None
    return [] if v is None or isinstance(v, dict) else [v]


# --- sets ---


def distinct_items(items: Items) -> Items:
    if len(items) < 2:
        return items
    found: dict[Any, Any] = {}
    for item in items:
        found.setdefault(key(item), item)
    return list(found.values())


@function("distinct")
def distinct(c: Context, items: Items) -> Items:
    return distinct_items(items)


@function("isDistinct")
def is_distinct(c: Context, items: Items) -> Items:
    return [len(items) < 2 or len({key(i) for i in items}) == len(items)]


@function("subsetOf", 1)
def subset_of(c: Context, items: Items, other: Items) -> Items:
    return [{key(i) for i in items} <= {key(i) for i in other}]


@function("supersetOf", 1)
def superset_of(c: Context, items: Items, other: Items) -> Items:
    return [{key(i) for i in items} >= {key(i) for i in other}]


@function("union", 1)
def union(c: Context, items: Items, other: Items) -> Items:
    return distinct_items(items + other)


@function("combine", 1)
def combine(c: Context, items: Items, other: Items) -> Items:
    return items + other


@function("intersect", 1)
def intersect(c: Context, items: Items, other: Items) -> Items:
    if not items or not other:
        return []
    keys = {key(i) for i in other}
    return distinct_items([i for i in items if key(i) in keys])


@function("exclude", 1)
def exclude(c: Context, items: Items, other: Items) -> Items:
    keys = {key(i) for i in other}
    return [i for i in items if key(i) not in keys]


# --- parts of a collection ---


@function("single")
def single_(c: Context, items: Items) -> Items:
    single(items, "single()")
    return items


@function("first")
def first(c: Context, items: Items) -> Items:
    return items[:1]


@function("last")
def last(c: Context, items: Items) -> Items:
    return items[-1:]


@function("tail")
def tail(c: Context, items: Items) -> Items:
    return items[1:]


@function("skip", 1)
def skip(c: Context, items: Items, n: Items) -> Items:
    return items[max(_integer(n, "skip()") or 0, 0) :]


@function("take", 1)
def take(c: Context, items: Items, n: Items) -> Items:
    return items[: max(_integer(n, "take()") or 0, 0)]


# --- the tree ---


@function("children")
def children_(c: Context, items: Items) -> Items:
    out: Items = []
    for item in items:
        children(item, out)
    return out


@function("descendants")
def descendants(c: Context, items: Items) -> Items:
    out: Items = []
    level = items
    while level:
        below: Items = []
        for item in level:
            children(item, below)
        out += below
        level = below
    return out


@function("extension", 1)
def extension(c: Context, items: Items, url: Items) -> Items:
    wanted = system(single(url, "extension()"))
    out: Items = []
    for item in items:
        child(item, "extension", out)
    return [e for e in out if isinstance(e.v, dict) and e.v.get("url") == wanted]


@function("resolve")
def resolve_(c: Context, items: Items) -> Items:
    return [found for item in items if (found := resolve(item, c)) is not None]


# --- texts ---


def _text(items: Items, where: str) -> str | None:
    v = system(single(items, where))
    if isinstance(v, Temporal):
        return text(v)
    if v is None or isinstance(v, str):
        return v
    raise PathError(f"FHIRPath: {where} needs a text.")


def _integer(items: Items, where: str) -> int | None:
    v = system(single(items, where))
    if v is None or (isinstance(v, int) and not isinstance(v, bool)):
        return v
    raise PathError(f"FHIRPath: {where} needs a whole number.")


def _of_text(name: str, f: Callable[[str, str], Any]) -> None:
    def call(c: Context, items: Items, other: Items) -> Items:
        s, arg = _text(items, name + "()"), _text(other, name + "()")
        return [] if s is None or arg is None else [f(s, arg)]

    TABLE[name] = (1, 1, call)


@lru_cache(1000)
def pattern(regex: str) -> re.Pattern[str]:
    """A compiled regular expression in which the point matches line ends too (N1: single line mode)."""
    try:
        return re.compile(regex, re.S)
    except (re.error, RecursionError, OverflowError) as why:
        raise PathError(f"FHIRPath: {regex!r} is no regular expression: {why}") from None


_of_text("startsWith", lambda s, a: s.startswith(a))
_of_text("endsWith", lambda s, a: s.endswith(a))
_of_text("contains", lambda s, a: a in s)
_of_text("indexOf", lambda s, a: s.find(a))
_of_text("matches", lambda s, a: pattern(a).search(s) is not None)
_of_text("matchesFull", lambda s, a: pattern(a).fullmatch(s) is not None)


@function("upper")
def upper(c: Context, items: Items) -> Items:
    s = _text(items, "upper()")
    return [] if s is None else [s.upper()]


@function("lower")
def lower(c: Context, items: Items) -> Items:
    s = _text(items, "lower()")
    return [] if s is None else [s.lower()]


@function("trim")
def trim(c: Context, items: Items) -> Items:
    s = _text(items, "trim()")
    return [] if s is None else [s.strip()]


@function("length")
def length(c: Context, items: Items) -> Items:
    s = _text(items, "length()")
    return [] if s is None else [len(s)]


@function("toChars")
def to_chars(c: Context, items: Items) -> Items:
    return list(_text(items, "toChars()") or "")


@function("substring", 1, 2)
def substring(c: Context, items: Items, start: Items, size: Items | None = None) -> Items:
    s, i = _text(items, "substring()"), _integer(start, "substring()")
    n = None if size is None else _integer(size, "substring()")
    if s is None or i is None or not 0 <= i < len(s):
        return []
    return [s[i:] if n is None else s[i : i + max(n, 0)]]


@function("replace", 2)
def replace(c: Context, items: Items, old: Items, new: Items) -> Items:
    s, a, b = _text(items, "replace()"), _text(old, "replace()"), _text(new, "replace()")
    if s is None or a is None or b is None:
        return []
    if (s.count(a) + 1) * len(b) > MANY:
        raise PathError("FHIRPath: replace() would make too long a text.")
    return [s.replace(a, b)]


@function("replaceMatches", 2)
def replace_matches(c: Context, items: Items, regex: Items, new: Items) -> Items:
    s, a, b = (_text(x, "replaceMatches()") for x in (items, regex, new))
    if s is None or a is None or b is None:
        return []
    template = re.sub(r"\$(\d+|\{\w+\})", r"\\g<\1>", b.replace("\\", "\\\\")).replace("<{", "<").replace("}>", ">")
    try:
        return [pattern(a).sub(template, s)]
    except (re.error, IndexError) as why:
        raise PathError(f"FHIRPath: replaceMatches() cannot use {b!r}: {why}") from None


@function("split", 1)
def split(c: Context, items: Items, by: Items) -> Items:
    s, a = _text(items, "split()"), _text(by, "split()")
    if s is None or a is None:
        return []
    return list(s.split(a) if a else s)


@function("join", 0, 1)
def join(c: Context, items: Items, by: Items | None = None) -> Items:
    parts = [t for t in map(text, items) if t is not None]
    return [((by and _text(by, "join()")) or "").join(parts)] if parts else []


@function("encode", 1)
def encode(c: Context, items: Items, kind: Items) -> Items:
    s, how = _text(items, "encode()"), _text(kind, "encode()")
    coders: dict[str | None, Callable[[bytes], bytes]] = {
        "base64": base64.b64encode, "urlbase64": base64.urlsafe_b64encode, "hex": binascii.hexlify,
    }  # fmt: skip
    return [] if s is None or how not in coders else [coders[how](s.encode("utf-8", "surrogatepass")).decode()]


# --- conversion ---


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


# --- arithmetic ---


def _number(items: Items, where: str) -> Any:
    v = system(single(items, where))
    if v is None or is_number(v) or isinstance(v, Quantity):
        return v
    raise PathError(f"FHIRPath: {where} needs a number.")


def _of_number(name: str, f: Callable[[Any], Any]) -> None:
    def call(c: Context, items: Items) -> Items:
        v = _number(items, name + "()")
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
    v, n = _number(items, "round()"), _integer(places or [], "round()") or 0
    if not is_number(v) or not 0 <= n <= 28 or abs(Decimal(v).adjusted()) > 100:
        return []
    return [Decimal(v).quantize(Decimal(1).scaleb(-n), rounding="ROUND_HALF_UP")]


@function("power", 1)
def power(c: Context, items: Items, exponent: Items) -> Items:
    v, n = _number(items, "power()"), _number(exponent, "power()")
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
    v, n = _number(items, "log()"), _number(base, "log()")
    if not is_number(v) or not is_number(n) or v <= 0 or n <= 0 or n == 1:
        return []
    return [Decimal(repr(math.log(v) / math.log(n)))]


# --- time, terminology, the rest ---


@function("now")
def now(c: Context, items: Items) -> Items:
    return [hanoi_time(c.env.get("now") or clock.now())[1]]


@function("today")
def today(c: Context, items: Items) -> Items:
    return [hanoi_time(c.env.get("now") or clock.now())[0]]


@function("timeOfDay")
def time_of_day(c: Context, items: Items) -> Items:
    return [temporal("T" + hanoi_time(c.env.get("now") or clock.now())[1].text[11:23], "time")]


@function("htmlChecks")
def html_checks(c: Context, items: Items) -> Items:
    v = system(single(items, "htmlChecks()"))
    return [fault(v) is None] if isinstance(v, str) else []


def _hook(name: str) -> None:
    """memberOf(value set url), conformsTo(profile url) and the like are asked of the caller: env[name] is a function
    (JSON value, text) -> bool | None (None: cannot tell, empty). Without it they are true."""

    def call(c: Context, items: Items, what: Items) -> Items:
        item, url = single(items, name + "()"), _text(what, name + "()")
        if item is None or url is None:
            return []
        hook = c.env.get(name)
        found = True if hook is None else hook(item.v if isinstance(item, Node) else item, url)
        return [] if found is None else [bool(found)]

    TABLE[name] = (1, 1, call)


for _name in ("memberOf", "conformsTo", "subsumes", "subsumedBy"):
    _hook(_name)


@function("comparable", 1)
def comparable(c: Context, items: Items, other: Items) -> Items:
    try:
        return [compare(single(items, "comparable()"), single(other, "comparable()")) is not None]
    except PathError:
        return [False]


def same_items(a: Items, b: Items) -> bool | None:
    """a = b for two collections that are not empty."""
    if len(a) != len(b):
        return False
    unknown = False
    for x, y in zip(a, b, strict=True):
        found = equal(x, y)
        if found is False:
            return False
        unknown = unknown or found is None
    return None if unknown else True
