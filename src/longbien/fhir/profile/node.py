"""Nodes: the elements of a snapshot as a tree, slices beside what they slice.

https://hl7.org/fhir/R4/profiling.html"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..compile.structures import type_code

Element = dict[str, Any]


@dataclass(slots=True)
class Node:
    """`element`: the ElementDefinition as it stands here (never changed in place: it is shared between trees). `origin`: that of
    the core type, which the validator of base R4 holds already. `children` None: not unfolded yet."""

    element: Element
    origin: Element
    name: str
    slice: str | None = None
    children: list[Node] | None = None
    slices: list[Node] = field(default_factory=list)

    def child(self, name: str) -> Node | None:
        return next((n for n in self.children or () if n.name == name), None)

    def slice_of(self, name: str) -> Node | None:
        return next((n for n in self.slices if n.slice == name), None)

    def each(self) -> Iterator[Node]:
        """Itself, its children, its slices: the order of a snapshot."""
        yield self
        for child in self.children or ():
            yield from child.each()
        for one in self.slices:
            yield from one.each()

    def copy(self) -> Node:
        children = None if self.children is None else [n.copy() for n in self.children]
        return Node(self.element, self.origin, self.name, self.slice, children, [n.copy() for n in self.slices])

    @property
    def types(self) -> list[str]:
        return codes(self.element)

    @property
    def low(self) -> int:
        return low(self.element)

    @property
    def high(self) -> int:
        return high(self.element)


def codes(element: Element) -> list[str]:
    """The type codes that an element allows."""
    return [type_code(t) for t in element.get("type", ())]


def low(element: Element) -> int:
    return int(element.get("min", 0))


def high(element: Element) -> int:
    """-1 is *."""
    most = element.get("max", "*")
    return -1 if most == "*" else int(most)


def typed_key(stem: str, code: str) -> str:
    """The JSON key of a choice: valueQuantity."""
    return stem + code[:1].upper() + code[1:]


def tree(elements: list[Element]) -> Node:
    """The tree of a core type's snapshot: paths only, no slices in it."""
    root = Node(elements[0], elements[0], elements[0]["path"])
    found = {root.name: root}
    for e in elements[1:]:
        above, _, name = e["path"].rpartition(".")
        node = found[e["path"]] = Node(e, e, name)
        parent = found[above]
        parent.children = [*(parent.children or ()), node]
    return root


def listed(root: Node) -> list[Element]:
    """The tree as the elements of a snapshot, ids and paths written anew."""
    found: list[Element] = []
    _list(root, "", "", found)
    return found


def _list(node: Node, above_id: str, above_path: str, into: list[Element]) -> None:
    path = f"{above_path}.{node.name}" if above_path else node.name
    where = f"{above_id}.{node.name}" if above_id else node.name
    identity = f"{where}:{node.slice}" if node.slice else where
    into.append({**node.element, "id": identity, "path": path})
    for child in node.children or ():
        _list(child, identity, path, into)
    for one in node.slices:
        _list(one, above_id, above_path, into)
