"""Parameters: what its resources say of each other.

A resource carried in Parameters that refers to another by type and id finds it there when resources of that type are
carried at all (the rule of HL7's own validator; the server's resources are not meant then)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..context import Context, Place, shown
from ..references import LITERAL
from .check import Check, objects


def parameters(v: dict[str, Any], place: Place, c: Context) -> None:
    carried = [(p["resource"], here) for p, here in objects(v, "parameter", place) if p.get("resource")]
    ids: dict[Any, set[Any]] = {}
    for resource, _ in carried:
        if resource.__class__ is dict and "id" in resource:
            ids.setdefault(resource.get("resourceType"), set()).add(resource["id"])
    for resource, here in carried if len(carried) > 1 else ():
        if resource.__class__ is dict and resource.get("resourceType") != "Bundle":
            for reference in literal(resource):
                found = LITERAL.fullmatch(reference)
                if found and found[1] is None and found[3] not in ids.get(found[2], {found[3]}):
                    text = f"{shown(reference)} is not among the resources of these Parameters"
                    c.error("not-found", text, (here, "resource", None))


def literal(v: Any) -> Iterator[str]:
    """Every Reference.reference below a value."""
    stack = [v]
    while stack:
        node = stack.pop()
        if node.__class__ is dict:
            if node.get("reference").__class__ is str:
                yield node["reference"]
            stack.extend(node.values())
        elif node.__class__ is list:
            stack.extend(node)


PROSE: dict[str, Check] = {"Parameters": parameters}
