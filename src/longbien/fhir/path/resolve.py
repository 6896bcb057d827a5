"""resolve(): from a reference to a resource, without any I/O."""

from __future__ import annotations

from typing import Any

from .. import definitions
from . import model
from .context import Context
from .literal import literal
from .values import Node


def stub(type_name: str, id_: str) -> Node:
    """A resource of which only the type and the id are known: enough for `resolve() is Patient`."""
    return Node({"resourceType": type_name, "id": id_}, type_name)


def _in_container(text: str, container: dict[str, Any]) -> Any:
    """A contained resource of a resource, or a Bundle's entry by its fullUrl."""
    if text.startswith("#"):
        if text == "#":
            return container
        contained = container.get("contained")
        for r in contained if isinstance(contained, list) else ():
            if isinstance(r, dict) and r.get("id") == text[1:]:
                return r
        return None
    entries = container.get("entry") if container.get("resourceType") == "Bundle" else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("fullUrl") == text:
            return entry.get("resource")
    return None


def resolve(item: Any, c: Context) -> Node | None:
    """The resource that a Reference (or uri, url, canonical, text) points to: contained in %rootResource, an entry of
    the Bundle %rootResource or env["bundle"], what env["resolve"](text) gives; else, for a literal reference, a stub
    of its type."""
    v = item.v if isinstance(item, Node) else item
    stated = None
    if isinstance(v, dict):
        stated = v.get("type")
        v = v.get("reference")
    if isinstance(v, str):
        for container in (c.root_resource(), c.env.get("bundle")):
            found = _in_container(v, container) if isinstance(container, dict) else None
            if isinstance(found, dict):
                return Node(found, str(found.get("resourceType", "")))
        hook = c.env.get("resolve")
        found = hook(v) if hook is not None else None
        if isinstance(found, dict):
            return Node(found, str(found.get("resourceType", "")))
        parts = literal(v)
        if parts is not None:
            return stub(parts[1], parts[2])
    if isinstance(stated, str):
        name = stated.rpartition("/")[2]
        if model.known(name) and definitions.is_type(name):
            return stub(name, "")
    return None
