"""From a FHIR element to its children: how a name, children() and resolve() walk plain JSON."""

from __future__ import annotations

from typing import Any

from . import model
from .values import Node, of_json

MANY = 1_000_000
"""More items than this in one collection are refused."""


def root(value: Any, type_name: str | None) -> Any:
    """The item for a value given from outside. A resource's own resourceType says what it is, unless an element's
    type is stated."""
    if isinstance(value, Node):
        return value
    if isinstance(value, dict):
        own = value.get("resourceType")
        if isinstance(own, str) and (not type_name or "Resource" in model.supertypes(type_name)):
            return Node(value, own)
        return Node(value, type_name or "")
    return Node(of_json(value), type_name) if type_name else of_json(value)


def _typed(value: Any, type_name: str, sibling: Any) -> Node:
    if isinstance(value, dict) and type_name in ("Resource", ""):
        own = value.get("resourceType")
        if isinstance(own, str):
            return Node(value, own)
    return Node(value, type_name, sibling if isinstance(sibling, dict) else None)


def _add(out: list[Any], holder: dict[str, Any], key: str, type_name: str) -> None:
    """Append the element(s) under one JSON key, primitives with their `_key` sibling."""
    value = holder.get(key)
    sibling = holder.get("_" + key)
    if isinstance(value, list):
        if isinstance(sibling, list):
            for i in range(max(len(value), len(sibling))):
                v = value[i] if i < len(value) else None
                s = sibling[i] if i < len(sibling) else None
                if v is not None or s is not None:
                    out.append(_typed(v, type_name, s))
        else:
            out += [_typed(v, type_name, None) for v in value if v is not None and not isinstance(v, list)]
    elif value is not None:
        out.append(_typed(value, type_name, sibling))
    elif isinstance(sibling, dict):
        out.append(Node(None, type_name, sibling))
    elif isinstance(sibling, list):
        out += [Node(None, type_name, s) for s in sibling if isinstance(s, dict)]


def _choice(type_name: str, holder: dict[str, Any], name: str, out: list[Any]) -> None:
    known = model.keys(type_name)
    for key in holder:
        bare = key[1:] if key[:1] == "_" else key
        if bare != key and bare in holder:
            continue
        field = known.get(bare)
        if field is not None and field.name == name:
            _add(out, holder, bare, field.type)


def child(item: Any, name: str, out: list[Any]) -> None:
    """Append the children called `name`. An element that the type does not have gives nothing."""
    if not isinstance(item, Node):
        return
    v = item.v
    if isinstance(v, dict):
        fields = model.names(item.t)
        if len(fields.get(name, ())) > 3:  # a wide choice: fewer members than types to look for
            _choice(item.t, v, name, out)
        elif fields:
            for key, _, type_name, _ in fields.get(name, ()):
                if key in v or "_" + key in v:
                    _add(out, v, key, type_name)
        elif name in v or "_" + name in v:
            _add(out, v, name, "")
        else:  # no type known: valueQuantity answers to value
            for key in v:
                rest = key.removeprefix(name)
                if rest != key and rest[:1].isupper():
                    known = rest if model.known(rest) else rest[0].lower() + rest[1:]
                    _add(out, v, key, known if model.known(known) else "")
    if item.e is not None and name in ("id", "extension"):
        _add(out, item.e, name, "string" if name == "id" else "Extension")


def children(item: Any, out: list[Any]) -> None:
    """Append every child element, in the order of the JSON object."""
    if not isinstance(item, Node):
        return
    v = item.v
    if isinstance(v, dict):
        fields = model.keys(item.t)
        for key in v:
            bare = key[1:] if key[:1] == "_" else key
            if bare != key and bare in v:
                continue
            field = fields.get(bare)
            if field is not None:
                _add(out, v, bare, field.type)
            elif not fields and bare != "resourceType":
                _add(out, v, bare, "")
    if item.e is not None:
        _add(out, item.e, "id", "string")
        _add(out, item.e, "extension", "Extension")
