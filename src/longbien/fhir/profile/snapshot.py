"""From a differential to the snapshot: walk the base's tree to each element that it names, unfold types on the way, make slices,
merge. https://hl7.org/fhir/R4/profiling.html#snapshot"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .faults import Unusable
from .merge import merge
from .node import Element, Node, codes, typed_key

SD = "http://hl7.org/fhir/StructureDefinition/"
MOST_NODES = 40_000
MOST_ELEMENTS = 5_000
DEEPEST = 30
EXTENSIONS = ("extension", "modifierExtension")
_BY_URL = {"discriminator": [{"type": "value", "path": "url"}], "ordered": False, "rules": "open"}
_BY_TYPE = {"discriminator": [{"type": "type", "path": "$this"}], "ordered": False, "rules": "open"}
_BY_NAME = {"discriminator": [{"type": "type", "path": "$this"}], "ordered": False, "rules": "closed"}
_STEP = re.compile(r"([A-Za-z][A-Za-z0-9]*(?:\[x\])?)(?::(.+))?", re.S)

Trees = Callable[[str], Node | None]
"""The tree of a definition by url (not to be changed), None where it is not known."""

Step = tuple[str, str | None]  # an element's name and the slice of it


class Walk:
    """One tree that is being constrained."""

    def __init__(self, root: Node, trees: Trees):
        self.root = root
        self.trees = trees
        self.nodes = sum(1 for _ in root.each())

    def grown(self, node: Node) -> Node:
        """A copy to put in; refuses what has no end."""
        made = node.copy()
        self.nodes += sum(1 for _ in made.each())
        if self.nodes > MOST_NODES:
            raise Unusable(f"The snapshot would have more than {MOST_NODES} elements.", code="too-costly")
        return made

    def unfold(self, node: Node, where: str) -> list[Node]:
        """The children of a node: its own, or those of its type (of the profile that its type must conform to)."""
        if node.children is None:
            node.children = self._children(node, where)
        return node.children

    def _children(self, node: Node, where: str) -> list[Node]:
        reference = node.element.get("contentReference")
        if reference:
            return [self.grown(n) for n in self._referred(str(reference), where).children or ()]
        kinds = node.element.get("type", [])
        if len(kinds) != 1:
            raise Unusable(f"{where}: has {len(kinds)} types, so that what is inside cannot be told.")
        code = codes(node.element)[0]
        profiles = kinds[0].get("profile", [])
        source = self.trees(str(profiles[0]).partition("|")[0]) if len(profiles) == 1 else None
        source = source or self.trees(SD + code)
        if source is None:
            raise Unusable(f"{where}: the type {code} is not known.")
        return [self.grown(n) for n in source.children or ()]

    def _referred(self, reference: str, where: str) -> Node:
        path = reference.partition("#")[2].split(".")
        node = self.trees(SD + path[0])
        for name in path[1:]:
            node = node.child(name) if node else None
        if node is None:
            raise Unusable(f"{where}: {reference[:80]} refers to no element.")
        return node

    def step(self, node: Node, name: str, slice_name: str | None, where: str) -> Node:
        """The child `name` (a slice of it) of a node; valueQuantity is value[x]."""
        children = self.unfold(node, where)
        found = next((n for n in children if n.name == name), None)
        if found is None:
            return self._choice(children, name, where)
        bare = not found.slices and "slicing" not in found.element
        if slice_name and bare and found.high == 1 and not found.name.endswith("[x]"):
            found.slice = slice_name  # HL7's own profiles name an element that cannot repeat so: a label, no slice
            return found
        return self.slice(found, slice_name, where) if slice_name else found

    def _choice(self, children: list[Node], key: str, where: str) -> Node:
        """valueQuantity of value[x]. That it is named where nothing slices value[x] narrows it to the types so named."""
        for n in children:
            if not (n.name.endswith("[x]") and key.startswith(n.name[:-3])):
                continue
            narrowed = not n.slices and "slicing" not in n.element and n.types != codes(n.origin)
            if narrowed and n.types and all(typed_key(n.name[:-3], t) == key for t in n.types):
                return n
            kind = next((t for t in n.origin.get("type", []) if typed_key(n.name[:-3], codes({"type": [t]})[0]) == key), None)
            if kind is not None:
                self._shorthand(n, kind, key)
                return self.slice(n, key, where)
        raise Unusable(f"{where}: the base has no element {key!r} there.", code="not-found")

    def _shorthand(self, n: Node, kind: dict[str, Any], key: str) -> None:
        if "slicing" not in n.element:
            kept = [t for t in n.element["type"] if codes({"type": [t]}) == codes({"type": [kind]})]
            n.element = {**n.element, "type": kept or [kind], "slicing": _BY_NAME}
        elif n.element["slicing"] is _BY_NAME and n.slice_of(key) is None:
            n.element = {**n.element, "type": [*n.element["type"], kind]}

    def slice(self, node: Node, name: str, where: str) -> Node:
        """The slice `name`, made when first named. a/b is a slice of the slice a. https://hl7.org/fhir/R4/profiling.html#reslicing"""
        for at in range(1, len(parts := name.split("/"))):
            node = self.slice(node, "/".join(parts[:at]), where) if node.slice != "/".join(parts[:at]) else node
        found = node.slice_of(name)
        if found is None:
            found = self._new_slice(node, name, where)
            node.slices.append(found)
        return found

    def _new_slice(self, node: Node, name: str, where: str) -> Node:
        choice = node.name.endswith("[x]")
        if "slicing" not in node.element:
            default = _BY_URL if node.name in EXTENSIONS else _BY_TYPE if choice else None
            if default is None:
                raise Unusable(f"{where}: has the slice {name!r}, but {node.name} has no slicing.")
            node.element = {**node.element, "slicing": default}
        made = self.grown(Node(node.element, node.origin, node.name, name, node.children))
        element = {k: v for k, v in node.element.items() if k != "slicing"} | {"min": 0, "sliceName": name}
        by_type = [t for t in element.get("type", []) if choice and typed_key(node.name[:-3], codes({"type": [t]})[0]) == name]
        made.element = element | ({"type": by_type} if by_type else {})
        return made


def generate(base: Node, differential: list[Element], trees: Trees) -> Node:
    """The tree of a profile: a copy of its base's with every element of the differential merged in, in order. Raises Unusable."""
    if len(differential) > MOST_ELEMENTS:
        raise Unusable(f"The differential has {len(differential)} elements; {MOST_ELEMENTS} are the most.", code="too-long")
    walk = Walk(base.copy(), trees)
    trail: list[tuple[str, str]] = []
    for n, change in enumerate(differential):
        steps = _steps(change, trail, n)
        where = f"{change.get('path')}" + (f":{change['sliceName']}" if change.get("sliceName") else "")
        try:
            _apply(walk, steps, change, where)
        except Unusable as fault:
            raise _placed(fault, n) from None
    return walk.root


def _placed(fault: Unusable, n: int) -> Unusable:
    return Unusable(fault.text, f"StructureDefinition.differential.element[{n}]", code=fault.code, missing=fault.missing)


def _apply(walk: Walk, steps: list[Step], change: Element, where: str) -> None:
    if steps[0][0] != walk.root.name:
        raise Unusable(f"{where}: the path must begin with {walk.root.name}.")
    node = walk.root
    for at, (name, slice_name) in enumerate(steps[1:], 1):
        last = at == len(steps) - 1
        if last and any(s for _, s in steps[:-1]) and _narrows(walk, node, name, change, where):
            node = next(n for n in walk.unfold(node, where) if n.name.endswith("[x]") and name.startswith(n.name[:-3]))
            break
        node = walk.step(node, name, slice_name, where)
    node.element = merge(node.element, change, where, slice_name=node.slice)


def _narrows(walk: Walk, node: Node, name: str, change: Element, where: str) -> bool:
    """In a slice, valueQuantity with its type said narrows value[x] itself. (So HL7's own profiles do: bp.)"""
    if not change.get("type") or any(n.name == name for n in walk.unfold(node, where)):
        return False
    return not any(n.name.endswith("[x]") and n.slice_of(name) for n in node.children or ())


def _steps(change: Element, trail: list[tuple[str, str]], n: int) -> list[Step]:
    """Where an element belongs: by its id where that fits its path, else by its path and the elements before it."""
    path = change.get("path")
    if not isinstance(path, str) or not path:
        raise Unusable("An element has no path.", f"StructureDefinition.differential.element[{n}]")
    identity = change.get("id")
    if not (isinstance(identity, str) and _plain(identity) == path):
        identity = _identity(path, change.get("sliceName"), trail)
    trail.append((path, identity))
    found: list[Step] = []
    for part in _split(identity):
        m = _STEP.fullmatch(part)
        if m is None:
            raise Unusable(f"{identity[:100]!r} is no path of elements.", f"StructureDefinition.differential.element[{n}]")
        found.append((m[1], m[2]))
    if len(found) > DEEPEST:
        raise Unusable(f"{path[:100]}: more than {DEEPEST} levels.", code="too-costly")
    return found


def _identity(path: str, slice_name: Any, trail: list[tuple[str, str]]) -> str:
    above, _, name = path.rpartition(".")
    here = f"{name}:{slice_name}" if isinstance(slice_name, str) and slice_name else name
    if not above:
        return here
    known = next((i for p, i in reversed(trail) if p == above), None)
    return f"{known if known is not None else _identity(above, None, trail)}.{here}"


def _split(identity: str) -> list[str]:
    """At the points between names. A slice's name may hold points itself: what follows a name and is none belongs to it."""
    parts: list[str] = []
    for part in identity.split("."):
        if parts and ":" in parts[-1] and not _STEP.fullmatch(part):
            parts[-1] += "." + part
        else:
            parts.append(part)
    return parts


def _plain(identity: str) -> str:
    """An id without its slices: the path."""
    return ".".join(part.partition(":")[0] for part in _split(identity))
