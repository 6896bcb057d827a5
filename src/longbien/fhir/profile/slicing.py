"""Which slice a value belongs to. https://hl7.org/fhir/R4/profiling.html#discriminator

A discriminator is walked twice: through the slice's definition when the profile is compiled, to learn what it asks there; through
each value when one comes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .. import definitions
from ..path import model
from .facets import Codes, holds_pattern, in_value_set, same
from .faults import Unusable
from .node import Node, codes, typed_key
from .run import Item, Run, gather, said_type
from .snapshot import Walk

Matches = Callable[[list[Item], Run], bool]
Belongs = Callable[[Item, Run], bool]
SD = "http://hl7.org/fhir/StructureDefinition/"
_PART = re.compile(r"\.?(?:(\$this)|(resolve)\(\)|extension\('([^']+)'\)|ofType\(([A-Za-z]+)\)|([A-Za-z][A-Za-z0-9]*)(?:\[x\])?)")
_KINDS = ("value", "pattern", "exists", "type", "profile")
Part = tuple[str, str]  # what to do (resolve, extension, ofType, child), and with what


def belongs(node: Node, one: Node, walk: Walk, where: str) -> Belongs:
    """Whether a value belongs to the slice `one` of `node`: all discriminators say so. Raises Unusable."""
    listed = node.element["slicing"].get("discriminator") or []
    if not listed:
        raise Unusable(f"{where}: slicing without a discriminator cannot be judged.", code="not-supported")
    return _all([_discriminator(d, one, walk, f"{where}:{one.slice}") for d in listed])


def _all(found: list[Belongs]) -> Belongs:
    if len(found) == 1:
        return found[0]
    return lambda item, run: all(f(item, run) for f in found)


def _discriminator(d: Any, one: Node, walk: Walk, where: str) -> Belongs:
    kind, path = (d.get("type"), d.get("path")) if isinstance(d, dict) else (None, None)
    if kind not in _KINDS or not isinstance(path, str):
        raise Unusable(f"{where}: a discriminator of type {str(kind)[:40]!r} is not supported.", code="not-supported")
    parts = _parts(path, where)
    there = _defined(one, parts, walk, where)
    matches = {"exists": _exists, "type": _type, "profile": _profile}.get(kind, _value)(there, where, path, walk)

    def belongs(item: Item, run: Run) -> bool:
        found = [item]
        for part in parts:
            found = [f for i in found for f in _values(i, part, run)]
        run.spend(1 + len(found))
        return matches(found, run)

    return belongs


def _parts(path: str, where: str) -> list[Part]:
    found: list[Part] = []
    at = 0
    while at < len(path):
        m = _PART.match(path, at)
        if m is None or m.end() == at:
            raise Unusable(
                f"{where}: the discriminator's path {path[:80]!r} is not of the restricted FHIRPath.", code="not-supported"
            )
        at = m.end()
        for name, value in zip(("", "resolve", "extension", "ofType", "child"), m.groups(), strict=True):
            if value and name:
                found.append((name, value))
    return found


def _defined(one: Node, parts: list[Part], walk: Walk, where: str) -> Node | None:
    """The slice's definition at the discriminator's path; None where an extension that it names is not there."""
    node: Node | None = one
    for do, what in parts:
        if node is None:
            return None
        if do == "ofType":
            node = _typed(node, what)
        elif do == "resolve":
            node = _target(node, walk, where)
        elif do == "extension":
            extensions = next((n for n in walk.unfold(node, where) if n.name == "extension"), None)
            node = next((n for n in extensions.slices if _url(n, walk, where) == what), None) if extensions else None
        else:
            node = _child(node, what, walk, where)
    return node


def _typed(node: Node, code: str) -> Node:
    kept = [t for t in node.element.get("type", []) if codes({"type": [t]}) == [code]]
    slice_ = node.slice_of(typed_key(node.name.removesuffix("[x]"), code))
    return slice_ or Node({**node.element, "type": kept}, node.origin, node.name)


def _child(node: Node, name: str, walk: Walk, where: str) -> Node:
    if name == "url" and node.name in ("extension", "modifierExtension") and node.children is None:
        url = _extension_url(node)
        if url is not None:
            return Node({"path": "Extension.url", "fixedUri": url}, {"path": "Extension.url"}, "url")
    children = walk.unfold(node, where)
    found = next((n for n in children if n.name in (name, name + "[x]")), None)
    if found is None:
        raise Unusable(f"{where}: the discriminator's path leads to {name!r}, which is not there.", code="not-found")
    if len(found.slices) == 1 and not _asks(found):
        return found.slices[0]  # what the one slice of it asks is what is asked
    return found


def _extension_url(node: Node) -> str | None:
    """An extension's url is that of its profile."""
    profiles = [str(u).partition("|")[0] for t in node.element.get("type", []) for u in t.get("profile", [])]
    return profiles[0] if len(profiles) == 1 else None


def _url(node: Node, walk: Walk, where: str) -> Any:
    return _extension_url(node) or next((n.element.get("fixedUri") for n in walk.unfold(node, where) if n.name == "url"), None)


def _target(node: Node, walk: Walk, where: str) -> Node:
    urls = [str(u).partition("|")[0] for t in node.element.get("type", []) for u in t.get("targetProfile", [])]
    types = [
        {"code": _type_of(u, walk), "profile": [] if u.startswith(SD) and definitions.is_type(u[len(SD) :]) else [u]} for u in urls
    ]
    root = walk.trees(urls[0]) if len(urls) == 1 else None
    made = Node({"path": node.element["path"], "type": types}, {"path": node.origin["path"]}, node.name)
    made.children = [walk.grown(n) for n in root.children or ()] if root else None
    return made


def _type_of(url: str, walk: Walk) -> str:
    tree = walk.trees(url)
    return tree.name if tree else url.removeprefix(SD)


def _values(item: Item, part: Part, run: Run) -> list[Item]:
    do, what = part
    value = item.value
    if do == "ofType":
        return [item] if item.kind == what else []
    if do == "resolve":
        target = run.target(value)
        if target is not None:
            return [Item(target, None, item.place, str(target.get("resourceType")), "")]
        return [Item(None, None, item.place, kind, "")] if (kind := said_type(value)) else []
    host = value if value.__class__ is dict else item.beside or {}
    if do == "extension":
        found = gather(host, (("extension", "Extension"),), "extension", item.place)
        return [i for i in found if i.value.__class__ is dict and i.value.get("url") == what]
    return gather(host, _keys(item, what, host), what, item.place)


def _keys(item: Item, name: str, host: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """The JSON keys of an element by its name, with their types."""
    fields = model.names(item.kind).get(name) if item.kind else None
    if fields:
        return tuple((f.key, f.type) for f in fields)
    if name in host or "_" + name in host:
        return ((name, ""),)
    return tuple((k, _code(k[len(name) :])) for k in host if k.startswith(name) and k[len(name) : len(name) + 1].isupper())


def _code(suffix: str) -> str:
    """The type code at the end of a choice's key: String is string, Quantity Quantity."""
    return suffix if model.known(suffix) else suffix[:1].lower() + suffix[1:]


def _asks(node: Node) -> bool:
    """Whether a definition, or one inside it, says which value it wants."""
    return any(k.startswith(("fixed", "pattern")) for k in node.element) or any(_asks(n) for n in node.children or ())


def _value(node: Node | None, where: str, path: str, walk: Walk) -> Matches:
    one = _wanted(node) if node is not None else None
    if one is None:
        raise Unusable(
            f"{where}: the discriminator looks at {path[:80]!r}, for which the slice fixes no value, pattern or binding."
        )
    return lambda found, run: any(one(i, run) for i in found)


def _wanted(node: Node) -> Belongs | None:
    """What a value must be to be this slice's: fixed, pattern, required binding, or the same of what is inside."""
    for key, wanted in node.element.items():
        if key.startswith("fixed"):
            return lambda i, run, w=wanted: same(i.value, w)  # type: ignore[misc]
        if key.startswith("pattern"):
            return lambda i, run, w=wanted: holds_pattern(i.value, w)  # type: ignore[misc]
    below = [w for n in node.children or () if (w := _below(n)) is not None]
    if below:
        return _all(below)
    for one in node.slices:
        if one.low > 0 and (inner := _wanted(one)) is not None:
            return inner
    binding = node.element.get("binding") or {}
    if binding != node.origin.get("binding") and binding.get("strength") == "required" and binding.get("valueSet"):
        return _bound(str(binding["valueSet"]).partition("|")[0])
    return None


def _below(child: Node) -> Belongs | None:
    nodes = [n for n in (child, *(s for s in child.slices if s.low > 0)) if _asks(n)]
    found = [(n, w) for n in nodes if (w := _wanted(n)) is not None]
    if not found:
        return None
    part: Part = ("child", child.name.removesuffix("[x]"))
    wanted = [w for _, w in found]
    return lambda item, run: all(any(w(i, run) for i in _values(item, part, run)) for w in wanted)


def _bound(url: str) -> Belongs:
    def check(item: Item, run: Run) -> bool:
        listed: Codes | None = run.library.codes_of(url)
        return listed is not None and in_value_set(item.value, listed)

    return check


def _exists(node: Node | None, where: str, path: str, walk: Walk) -> Matches:
    if node is None or node.high == 0:
        return lambda found, run: not found
    if node.low > 0:
        return lambda found, run: bool(found)
    raise Unusable(f"{where}: the discriminator asks whether {path[:80]!r} exists, but the slice neither requires nor forbids it.")


def _type(node: Node | None, where: str, path: str, walk: Walk) -> Matches:
    allowed = set(node.types) if node else set()
    if not allowed:
        raise Unusable(f"{where}: the discriminator looks at the type of {path[:80]!r}, which the slice does not say.")
    return lambda found, run: any(i.kind in allowed for i in found)


def _profile(node: Node | None, where: str, path: str, walk: Walk) -> Matches:
    urls = [str(u).partition("|")[0] for t in (node.element.get("type", []) if node else []) for u in t.get("profile", [])]
    if not urls:
        raise Unusable(f"{where}: the discriminator looks at the profile of {path[:80]!r}, which the slice does not say.")

    def matches(found: list[Item], run: Run) -> bool:
        return any(i.value is not None and run.conforms(i.value, u, i.place) for i in found for u in urls)

    return matches
