"""FHIRPath's functions of collections, the tree, time and terminology; importing this fills the table with all of them.
http://hl7.org/fhirpath/N1/#functions, http://hl7.org/fhir/R4/fhirpath.html"""

from __future__ import annotations

from typing import Any

from longbien.base import clock

from . import numbers, texts
from .context import Context, Items, single, truth
from .errors import PathError
from .items import child, children
from .narrative import fault
from .resolve import resolve
from .table import TABLE, a_text, a_whole_number, function
from .values import Node, compare, equal, hanoi_time, key, system, temporal

__all__ = ["TABLE", "distinct_items", "numbers", "same_items", "texts"]


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
    return items[max(a_whole_number(n, "skip()") or 0, 0) :]


@function("take", 1)
def take(c: Context, items: Items, n: Items) -> Items:
    return items[: max(a_whole_number(n, "take()") or 0, 0)]


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
        c.spend(len(below))
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
        item, url = single(items, name + "()"), a_text(what, name + "()")
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
