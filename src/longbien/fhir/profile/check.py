"""From a profile's tree to the functions that check its values: only what it asks beyond base R4, compiled once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ..validate.context import Place
from .facets import Check, facets
from .faults import Unusable
from .node import Node, codes, high, low, typed_key
from .run import Item, Run, gather
from .slicing import Belongs, belongs
from .snapshot import Walk

Inside = Callable[[dict[str, Any], Place, Run], None]
"""Checks an element of an object: (the object, its place, run)."""
_RULES = ("open", "closed", "openAtEnd")


class Slice(NamedTuple):
    name: str
    low: int
    high: int
    belongs: Belongs
    check: Check | None
    inner: Slicing | None


class Slicing(NamedTuple):
    rules: str
    ordered: bool
    slices: tuple[Slice, ...]


def root(node: Node, walk: Walk) -> Callable[[Item, Run], None]:
    """The check of a whole value (resource, data type, extension) by its profile."""
    found = _value(node, walk, node.name)
    return found or (lambda item, run: None)


def _value(node: Node, walk: Walk, where: str) -> Check | None:
    """What one value of a node must be, itself and inside."""
    own = facets(node, where)
    inside = [c for n in node.children or () if (c := _member(n, walk, f"{where}.{n.name}")) is not None]
    if not own and not inside:
        return None

    def check(item: Item, run: Run) -> None:
        run.spend(1 + len(inside) + len(own))
        if item.value is not None:
            for one in own:
                one(item, run)
        host = item.value if item.value.__class__ is dict else item.beside
        if host is None and item.value is not None:
            host = _NOTHING
        if host is not None:
            for one_inside in inside:
                one_inside(host, item.place, run)

    return check


_NOTHING: dict[str, Any] = {}


def _member(node: Node, walk: Walk, where: str) -> Inside | None:
    """How often an element occurs, in which slices, and what each value must be."""
    if _of_primitive(node):
        return None
    fewest, most = node.low, node.high
    narrower = fewest > low(node.origin) or (most != high(node.origin) and most >= 0)
    slicing = _slicing(node, walk, where)
    value = _value(node, walk, where)
    if not narrower and slicing is None and value is None:
        return None
    name = node.name.removesuffix("[x]")
    keys = _keys(node)

    def check(host: dict[str, Any], place: Place, run: Run) -> None:
        items = gather(host, keys, name, place)
        n = len(items)
        if n < fewest:
            run.error("required", f"{name} {_missing(fewest, n)}", place)
        if 0 <= most < n:
            text = f"{name} must not be there" if most == 0 else f"{name} is there {n} times; {most} is the most"
            run.error("structure", text, (place, name, None))
        if slicing is not None:
            run.spend(n)
            _sliced(items, slicing, value, name, place, run)
        elif value is not None:
            for item in items:
                value(item, run)

    return check


def _missing(wanted: int, n: int) -> str:
    return "is required" if wanted == 1 else f"must be there {wanted} times, but is {n or 'not'}{'' if n else ' there'}"


def _of_primitive(node: Node) -> bool:
    """Primitive.value: what a primitive is itself. What a profile asks of it stands on the element."""
    return node.name == "value" and node.origin["path"].count(".") == 1 and node.origin["path"][0].islower()


def _keys(node: Node) -> tuple[tuple[str, str], ...]:
    kinds = codes(node.origin)
    if node.name.endswith("[x]"):
        return tuple((typed_key(node.name[:-3], k), k) for k in kinds)
    return ((node.name, kinds[0] if kinds else ""),)


def _slicing(node: Node, walk: Walk, where: str) -> Slicing | None:
    said = node.element.get("slicing")
    if said is None or (not node.slices and said.get("rules") != "closed"):
        return None
    rules = said.get("rules")
    if rules not in _RULES:
        raise Unusable(f"{where}: slicing.rules must be one of {', '.join(_RULES)}.", code="value")
    if not node.slices and not node.name.endswith("[x]"):
        return None
    made = [_slice(node, one, walk, where) for one in node.slices]
    return Slicing(rules if node.slices else "open", bool(said.get("ordered")), tuple(made))


def _slice(node: Node, one: Node, walk: Walk, where: str) -> Slice:
    here = f"{where}:{one.slice}"
    value = _value(one, walk, here)
    inner = _slicing(one, walk, here) if one.slices else None
    return Slice(str(one.slice), one.low, one.high, belongs(node, one, walk, where), value, inner)


def _sliced(items: list[Item], slicing: Slicing, unsliced: Check | None, name: str, place: Place, run: Run) -> None:
    """Each value into its slice; then how many each has, their order, and each value by its slice's definition."""
    groups: list[list[Item]] = [[] for _ in slicing.slices]
    last, strays = 0, 0
    for item in items:
        run.spend(len(slicing.slices))
        found = [n for n, s in enumerate(slicing.slices) if s.belongs(item, run)]
        if not found:
            strays += 1
            if slicing.rules == "closed":
                listed = ", ".join(s.name for s in slicing.slices)
                run.error("structure", f"fits none of the slices of {name} ({listed}), and no other is allowed", item.place)
            if unsliced is not None:
                unsliced(item, run)
            continue
        if len(found) > 1:
            both = " and ".join(slicing.slices[n].name for n in found)
            run.error("structure", f"fits more than one slice of {name}: {both}", item.place)
        if strays and slicing.rules == "openAtEnd":
            run.error("structure", f"{slicing.slices[found[0]].name} must stand before what fits no slice", item.place)
        if slicing.ordered and found[0] < last:
            run.error("structure", f"{slicing.slices[found[0]].name} must stand before {slicing.slices[last].name}", item.place)
        last = max(last, found[0])
        groups[found[0]].append(item)
    for one, group in zip(slicing.slices, groups, strict=True):
        _group(one, group, name, place, run)


def _group(one: Slice, group: list[Item], name: str, place: Place, run: Run) -> None:
    n = len(group)
    if n < one.low:
        run.error("required", f"{name}:{one.name} {_missing(one.low, n)}", place)
    if 0 <= one.high < n:
        text = "must not be there" if one.high == 0 else f"is there {n} times; {one.high} is the most"
        run.error("structure", f"{name}:{one.name} {text}", group[one.high].place)
    if one.inner is not None:
        _sliced(group, one.inner, one.check, name, place, run)
    elif one.check is not None:
        for item in group:
            one.check(item, run)
