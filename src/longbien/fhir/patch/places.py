"""Where a FHIRPath leads to in a resource: not the value, but the object that holds it, the key, and the position in the list.

A path walks by names, indexes, extension(), ofType(), first(), last(), single() and where(). The conditions inside where() are
evaluated by `fhir.path`, with those functions whose cost is bounded by the element itself: no resolve(), descendants(), matches()
or %variables, which could leave the resource or go on for ever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ..path import PathError, model
from ..path.closures import build
from ..path.context import Context, truth
from ..path.items import root
from ..path.parser import Binary, Call, Dot, Empty, Index, Literal, Name, Special, Tree, TypeTest, Unary, Variable, parse, type_of
from ..path.values import Node

LONGEST = 2_000
"""Characters of a path."""
ALLOWED = frozenset({
    "all", "as", "contains", "count", "empty", "endsWith", "exists", "extension", "first", "hasValue", "is", "last", "length",
    "lower", "not", "ofType", "select", "single", "skip", "startsWith", "tail", "take", "toString", "trim", "upper", "where",
})  # fmt: skip


class Place(NamedTuple):
    """An element. holder None: the resource itself. `at` is its position where the JSON has a list, else None. `type` is its
    type's name; `name` the element's ("value" for valueQuantity), `above` the holder's place."""

    holder: dict[str, Any] | None
    key: str
    at: int | None
    node: Node
    above: Place | None
    name: str

    @property
    def type(self) -> str:
        return self.node.t


class Collection(NamedTuple):
    """All of one element of one parent: what insert and move work on. There may be nothing in it yet."""

    parent: Place
    name: str


def places(resource: dict[str, Any], path: str) -> list[Place]:
    """The elements that `path` leads to, in order. Raises PathError."""
    return _places(_read(path), [_root(resource)])


def collection(resource: dict[str, Any], path: str) -> Collection:
    """The list that a path ending with a name means. Raises PathError: no name at its end, no parent or several."""
    tree = _read(path)
    top = _root(resource)
    if isinstance(tree, Name):
        return Collection(top, tree.name)
    if not isinstance(tree, Dot) or not isinstance(tree.right, Name):
        raise PathError("The path of a list must end with the list's name.", code="value")
    parents = _places(tree.left, [top])
    if len(parents) != 1:
        raise PathError(f"What holds the list must be one element; here are {len(parents)}.", code="processing", status=422)
    return Collection(parents[0], tree.right.name)


def _root(resource: dict[str, Any]) -> Place:
    return Place(None, "", None, root(resource, None), None, "")


def _read(path: str) -> Tree:
    if len(path) > LONGEST:
        raise PathError(f"A path may have at most {LONGEST:,} characters.", code="too-long")
    try:
        tree = parse(path)
        _check(tree)
    except RecursionError:
        raise PathError("The path is nested too deeply.", code="too-costly") from None
    return tree


def _check(tree: Any) -> None:
    if isinstance(tree, Variable):
        raise PathError(f"%{tree.name} may not stand in the path of a patch.", code="not-supported")
    if isinstance(tree, Call) and tree.name not in ALLOWED:
        raise PathError(f"{tree.name}() may not stand in the path of a patch.", code="not-supported")
    if isinstance(tree, tuple) and not isinstance(tree, Literal | Empty | Special):
        for part in tree:
            if isinstance(part, tuple):
                _check(part)


def _places(tree: Tree, here: list[Place]) -> list[Place]:
    if isinstance(tree, Name):
        if tree.name[:1].isupper():
            return [p for p in here if tree.name in model.supertypes(p.type)]
        return [found for p in here for found in children(p, tree.name)]
    if isinstance(tree, Dot):
        return _step(tree.right, _places(tree.left, here))
    if isinstance(tree, Index):
        found = _places(tree.left, here)
        n = _whole(tree.at)
        return found[n : n + 1]
    if isinstance(tree, Call):
        return _step(tree, here)
    if isinstance(tree, TypeTest) and tree.op == "as":
        return [p for p in _places(tree.left, here) if model.is_a(p.type, tree.type)]
    if isinstance(tree, Binary | Unary | Literal | Special | Empty | TypeTest):
        raise PathError("A path must lead to an element by names, indexes and where().", code="value")
    raise PathError("The path leads to no element.", code="value")


def _whole(tree: Tree) -> int:
    if isinstance(tree, Literal) and tree.kind == "number" and tree.text.isdigit() and len(tree.text) < 10:
        return int(tree.text)
    raise PathError("An index is a whole number from 0 on.", code="value")


def _step(right: Name | Call | Special, here: list[Place]) -> list[Place]:
    if isinstance(right, Name):
        return [found for p in here for found in children(p, right.name)]
    if not isinstance(right, Call):
        raise PathError("A path must lead to an element by names, indexes and where().", code="value")
    name, args = right.name, right.args
    if name == "where" and len(args) == 1:
        return _where(here, args[0])
    if name in ("ofType", "as") and len(args) == 1:
        wanted = type_of(args[0])
        return [p for p in here if model.is_a(p.type, wanted)]
    if name == "extension" and len(args) == 1 and isinstance(args[0], Literal):
        url = args[0].text
        below = [found for p in here for found in children(p, "extension")]
        return [p for p in below if isinstance(p.node.v, dict) and p.node.v.get("url") == url]
    if name in ("skip", "take") and len(args) == 1:
        n = _whole(args[0])
        return here[n:] if name == "skip" else here[:n]
    if not args and name in ("first", "last", "tail"):
        return {"first": here[:1], "last": here[-1:], "tail": here[1:]}[name]
    if name == "single" and not args:
        if len(here) > 1:
            raise PathError(f"single() needs one item, here are {len(here)}.", code="processing", status=422)
        return here
    raise PathError(f"A path cannot go on through {name}().", code="value")


def _where(here: list[Place], criteria: Tree) -> list[Place]:
    step = build(criteria)
    kept: list[Place] = []
    for n, p in enumerate(here):
        c = Context(p.node, {})
        c.index = n
        try:
            if truth(step(c, c.this), "where()"):
                kept.append(p)
        except (RecursionError, ArithmeticError) as why:
            raise PathError(f"The condition cannot be computed: {type(why).__name__}.", code="processing", status=422) from None
    return kept


def holder_of(p: Place) -> dict[str, Any]:
    """The object that holds a place's own children: the element itself, for a primitive its `_name` sibling, made where it is not
    there yet (only for writing)."""
    if isinstance(p.node.v, dict) and p.node.v is not None:
        return p.node.v
    if isinstance(p.node.e, dict):
        return p.node.e
    made: dict[str, Any] = {}
    if p.holder is None:
        raise PathError("The resource holds nothing.", code="processing", status=422)
    p.node.e = made
    if p.at is None:
        p.holder["_" + p.key] = made
        return made
    siblings = p.holder.get("_" + p.key)
    values = p.holder.get(p.key)
    if not isinstance(siblings, list):
        siblings = p.holder["_" + p.key] = []
    longest = max(len(values) if isinstance(values, list) else 0, p.at + 1)
    siblings += [None] * (longest - len(siblings))
    siblings[p.at] = made
    return made


def fields(type_name: str, is_primitive: bool, name: str) -> tuple[model.Field, ...]:
    """The JSON keys that an element's child can have."""
    if is_primitive:
        if name == "extension":
            return (model.Field("extension", "extension", "Extension", True),)
        return (model.Field("id", "id", "string", False),) if name == "id" else ()
    return model.names(type_name).get(name, ())


def children(p: Place, name: str) -> Iterator[Place]:
    """The elements called `name` below a place."""
    primitive = not isinstance(p.node.v, dict)
    holder = p.node.e if primitive else p.node.v
    if not isinstance(holder, dict):
        return
    for f in fields(p.type, primitive, name):
        yield from _under(p, holder, f)


def _under(above: Place, holder: dict[str, Any], f: model.Field) -> Iterator[Place]:
    value, sibling = holder.get(f.key), holder.get("_" + f.key)
    if isinstance(value, list) or isinstance(sibling, list):
        values = value if isinstance(value, list) else []
        siblings = sibling if isinstance(sibling, list) else []
        for n in range(max(len(values), len(siblings))):
            v = values[n] if n < len(values) else None
            e = siblings[n] if n < len(siblings) else None
            if v is not None or e is not None:
                yield Place(holder, f.key, n, _node(v, f.type, e), above, f.name)
    elif value is not None or isinstance(sibling, dict):
        yield Place(holder, f.key, None, _node(value, f.type, sibling), above, f.name)


def _node(value: Any, type_name: str, sibling: Any) -> Node:
    own = value.get("resourceType") if isinstance(value, dict) and type_name == "Resource" else None
    return Node(value, own if isinstance(own, str) else type_name, sibling if isinstance(sibling, dict) else None)
