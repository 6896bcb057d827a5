"""What XML must know of a type and JSON does not say: the order of elements, which repeat, which values are numbers, which
members are attributes. Made from the definitions, a node (a type, or an element with inner elements) when first met."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Literal, NamedTuple

from .. import definitions
from ..definitions import Element, Structure
from ..validate.narrative import XHTML as XHTML

FHIR = "http://hl7.org/fhir"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
XML = "http://www.w3.org/XML/1998/namespace"
Kind = Literal["text", "boolean", "integer", "decimal", "xhtml", "object", "holder", "resource"]
"""Of a member: a primitive of one of four JSON forms, the narrative's div, an object, an element that holds a resource, and
inside that the resource itself."""
PRIMITIVE: frozenset[Kind] = frozenset({"text", "boolean", "integer", "decimal"})
_KINDS: Mapping[str, Kind] = {
    "boolean": "boolean", "integer": "integer", "positiveInt": "integer", "unsignedInt": "integer", "decimal": "decimal",
    "xhtml": "xhtml",
}  # fmt: skip


class Member(NamedTuple):
    """`name` is the element's and the JSON member's; `at` its place in the order of the schema; `node` what is inside it (for a
    primitive: id and extensions)."""

    name: str
    at: int
    many: bool
    kind: Kind
    node: Callable[[], Node]


class Node(NamedTuple):
    """`name` is the path, e.g. Patient.contact. `attributes` are the members that XML writes as attributes. `expanded` holds the
    members by namespace and name, as the parser gives them: "http://hl7.org/fhir given"."""

    name: str
    attributes: tuple[str, ...]
    members: Mapping[str, Member]
    expanded: Mapping[str, Member]


def _made(name: str, attributes: tuple[str, ...], members: Mapping[str, Member]) -> Node:
    def namespace(m: Member) -> str:
        return XHTML if m.kind == "xhtml" else FHIR

    return Node(name, attributes, members, {f"{namespace(m)} {m.name}": m for m in members.values()})


@cache
def node(name: str, path: str = "") -> Node:
    """The node of a type, or of an element inside it ("contact")."""
    structure = definitions.structure(name)
    prefix = path + "." if path else ""
    whole = structure.kind == "resource" and not path
    attributes = () if whole else ("id", "url") if name == "Extension" else ("id",)
    members: dict[str, Member] = {}
    for element in structure.elements.values():
        last = element.path[len(prefix) :]
        if element.path.startswith(prefix) and last and "." not in last and last not in attributes:
            for key, code in _names(element, last):
                members[key] = _member(structure, element, key, code, len(members))
    return _made(f"{name}.{path}" if path else name, attributes, members)


def _names(element: Element, last: str) -> list[tuple[str, str]]:
    """(member name, type): several for value[x]."""
    if not last.endswith("[x]"):
        return [(last, element.types[0].code if element.types else "")]
    return [(last[:-3] + t.code[0].upper() + t.code[1:], t.code) for t in element.types]


def _member(structure: Structure, element: Element, key: str, code: str, at: int) -> Member:
    many = element.max != 1
    if element.content_reference is not None:
        return Member(key, at, many, "object", partial(node, structure.name, element.content_reference))
    if code in ("BackboneElement", "Element"):
        return Member(key, at, many, "object", partial(node, structure.name, element.path))
    if code == "Resource" or definitions.is_type(code):
        return Member(key, at, many, "holder", resources)
    if definitions.structure(code).kind == "primitive-type":
        return Member(key, at, many, _KINDS.get(code, "text"), partial(node, "Element"))
    return Member(key, at, many, "object", partial(node, code))


@cache
def resources() -> Node:
    """What may stand where a resource is wanted: one member for each type."""
    members = {t: Member(t, at, False, "resource", partial(node, t)) for at, t in enumerate(definitions.types())}
    return _made("", (), members)
