"""Static paths: the JSON keys that an expression walks, where that can be told from the expression and the type alone.

This covers nearly all of R4's search parameters: steps, choices, `as`, `.where(system = 'phone')`,
`.where(resolve() is Patient)`, `.extension('url')`, `[0]` and unions."""

from __future__ import annotations

from typing import NamedTuple

from . import model
from .parser import Binary, Call, Dot, Index, Literal, Name, Tree, TypeTest, type_of


class Key(NamedTuple):
    """Go to the element(s) under a JSON key; `at`: only to this one of the list."""

    key: str
    type: str
    many: bool
    at: int | None = None


class Equals(NamedTuple):
    """Go on only where the member `key` is this text."""

    key: str
    text: str


class PointsTo(NamedTuple):
    """Go on only where the Reference points to this type."""

    type: str


class Path(NamedTuple):
    steps: tuple[Key | Equals | PointsTo, ...]
    type: str


class NotStatic(Exception):
    """The expression needs to be evaluated."""


def paths(tree: Tree, type_name: str) -> list[Path]:
    """All paths of an expression on a type; [] where it walks elements that the type does not have. Raises
    NotStatic."""
    if isinstance(tree, Name):
        if tree.name[0].isupper():
            return [Path((), type_name)] if tree.name in model.supertypes(type_name) else []
        return _child(Path((), type_name), tree.name)
    if isinstance(tree, Binary) and tree.op == "|":
        return paths(tree.left, type_name) + paths(tree.right, type_name)
    if isinstance(tree, TypeTest) and tree.op == "as":
        return _only(paths(tree.left, type_name), tree.type)
    if isinstance(tree, Index) and isinstance(tree.at, Literal) and tree.at.kind == "number" and tree.at.text.isdigit():
        return [_at(p, int(tree.at.text)) for p in paths(tree.left, type_name)]
    if isinstance(tree, Dot):
        left = paths(tree.left, type_name)
        if isinstance(tree.right, Name):
            name = tree.right.name
            return [found for p in left for found in _child(p, name)]
        if isinstance(tree.right, Call):
            return _called(left, tree.right)
    raise NotStatic


def _child(p: Path, name: str) -> list[Path]:
    if p.type == "Resource" or not model.known(p.type.partition(".")[0]) or model.is_primitive(p.type):
        raise NotStatic
    return [Path((*p.steps, Key(f.key, f.type, f.many)), f.type) for f in model.names(p.type).get(name, ())]


def _only(found: list[Path], type_name: str) -> list[Path]:
    return [p for p in found if model.is_a(p.type, type_name)]


def _at(p: Path, n: int) -> Path:
    """[n] counts over the whole collection: that is one list only where no step before it is one."""
    last = p.steps[-1] if p.steps else None
    if not isinstance(last, Key) or any(not isinstance(s, Key) or s.many for s in p.steps[:-1]):
        raise NotStatic
    if not last.many:
        raise NotStatic
    return Path((*p.steps[:-1], last._replace(many=False, at=n)), p.type)


def _called(left: list[Path], call: Call) -> list[Path]:
    if call.name in ("as", "ofType") and len(call.args) == 1:
        return _only(left, type_of(call.args[0]))
    if call.name == "extension" and len(call.args) == 1 and isinstance(call.args[0], Literal):
        url = call.args[0].text
        below = [f for p in left for f in _child(p, "extension")]
        return [Path((*p.steps, Equals("url", url)), p.type) for p in below]
    if call.name == "where" and len(call.args) == 1:
        return [Path((*p.steps, _criteria(call.args[0], p.type)), p.type) for p in left]
    raise NotStatic


def _criteria(t: Tree, type_name: str) -> Equals | PointsTo:
    if isinstance(t, TypeTest) and t.op == "is" and t.left == Call("resolve", ()) and type_name == "Reference":
        return PointsTo(t.type)
    if isinstance(t, Binary) and t.op == "=" and isinstance(t.left, Name) and isinstance(t.right, Literal):
        fields = model.names(type_name).get(t.left.name, ())
        plain = len(fields) == 1 and not fields[0].many and fields[0].type in ("code", "string", "uri", "url", "id")
        if plain and t.right.kind == "string":
            return Equals(t.left.name, t.right.text)
    raise NotStatic
