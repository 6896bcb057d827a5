"""What FHIRPath must know of R4: which JSON keys an element's name stands for, and which type each has.

A type is named as the specification does: "Observation", "Quantity", "code", or, for an element with its own children,
its path: "Observation.component", "Timing.repeat". The type of any resource (contained, Bundle.entry.resource) is
"Resource"; what it really is, its resourceType says."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from longbien.base.errors import Unavailable

from .. import definitions

SYSTEM = "http://hl7.org/fhirpath/System."
NUMBERS = frozenset({"integer", "decimal", "positiveInt", "unsignedInt"})
INTEGERS = NUMBERS - {"decimal"}
QUANTITIES = frozenset({"Quantity", "Age", "Count", "Distance", "Duration", "SimpleQuantity", "MoneyQuantity", "Money"})
_MODELLED_AS_SYSTEM = {
    "Boolean": "boolean", "String": "string", "Integer": "integer", "Decimal": "decimal", "Date": "date",
    "DateTime": "dateTime", "Time": "time",
}  # fmt: skip


class Field(NamedTuple):
    """One JSON key of a type. `name` is the element's ("value" for valueQuantity), `many` whether JSON has a list."""

    key: str
    name: str
    type: str
    many: bool


@cache
def structure(name: str) -> definitions.Structure | None:
    """The definition, None for a name that R4 does not know."""
    try:
        return definitions.structure(name)
    except KeyError:
        return None


@cache
def known(name: str) -> bool:
    """Whether R4 has a resource or data type of this name."""
    try:
        return structure(name) is not None
    except Unavailable:  # tables not built: FHIRPath works on plain JSON, but knows no types
        return False


@cache
def is_primitive(name: str) -> bool:
    return known(name) and name[0].islower()


@cache
def _listed(type_name: str) -> tuple[Field, ...]:
    head, _, below = type_name.partition(".")
    s = structure(head) if known(head) else None
    if s is None:
        return ()
    prefix = below + "." if below else ""
    found: list[Field] = []
    for path, element in s.elements.items():
        name = path[len(prefix) :]
        if not path or not path.startswith(prefix) or "." in name:
            continue
        many = element.max != 1
        if element.content_reference is not None:
            found.append(Field(name, name, f"{head}.{element.content_reference}", many))
        elif name.endswith("[x]"):
            stem = name[:-3]
            found += [Field(stem + t.code[0].upper() + t.code[1:], stem, t.code, many) for t in element.types]
        else:
            code = element.types[0].code if element.types else "Element"
            inline = code in ("BackboneElement", "Element") and any(p.startswith(path + ".") for p in s.elements)
            found.append(Field(name, name, f"{head}.{path}" if inline else code, many))
    return tuple(found)


@cache
def names(type_name: str) -> dict[str, tuple[Field, ...]]:
    """Element name -> its keys (several for a choice). Empty for an unknown type."""
    found: dict[str, tuple[Field, ...]] = {}
    for f in _listed(type_name):
        found[f.name] = (*found.get(f.name, ()), f)
    return found


@cache
def keys(type_name: str) -> dict[str, Field]:
    """JSON key -> field. Empty for an unknown type."""
    return {f.key: f for f in _listed(type_name)}


@cache
def supertypes(type_name: str) -> tuple[str, ...]:
    """A type and all that it specialises, nearest first: code, string, Element."""
    if "." in type_name:
        head, _, path = type_name.partition(".")
        s = structure(head) if known(head) else None
        element = s.elements.get(path) if s else None
        base = element.types[0].code if element and element.types else "Element"
        return (type_name, *supertypes(base))
    s = structure(type_name) if known(type_name) else None
    return (type_name, *supertypes(s.base)) if s and s.base and s.base != type_name else (type_name,)


@cache
def is_a(type_name: str, wanted: str) -> bool:
    """Whether an element of `type_name` is a `wanted`. System's Boolean, String ... (no FHIR type has these names)
    stand for the FHIR primitives too, because R4's own expressions say `answer is Boolean` (que-7) and
    `value.as(DateTime)`."""
    wanted = wanted.removeprefix("FHIR.")
    if wanted in _MODELLED_AS_SYSTEM:
        wanted = _MODELLED_AS_SYSTEM[wanted]
    return wanted in supertypes(type_name)


@cache
def expected_type(name: str) -> bool:
    """Whether `is` or `as` may name this type."""
    bare = name.removeprefix("FHIR.")
    return name.startswith("System.") or bare in _MODELLED_AS_SYSTEM or known(bare)
