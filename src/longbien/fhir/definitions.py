"""FHIR R4 (4.0.1) as tables: types, elements, search parameters, code systems, value sets, extensions.

Made at build by `python -m longbien.fhir.compile FOLDER` into `longbien/_built/fhir`; each table is read when first
asked for and kept. Everything given out is shared: do not change it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from ..base.errors import Unavailable
from . import compartments

BUILT = Path(__file__).parents[1] / "_built" / "fhir"
VERSION = "4.0.1"


class Component(NamedTuple):
    """One part of a composite search parameter: the code of that parameter on the same type, and where to look below
    the composite's own expression."""

    code: str
    expression: str


class SearchParam(NamedTuple):
    """`kind` is number, date, string, token, reference, composite, quantity, uri or special; `targets` the types that a
    reference parameter may point to; `base` the type it is published for (Resource, DomainResource, itself)."""

    code: str
    kind: str
    expression: str
    targets: tuple[str, ...]
    components: tuple[Component, ...]
    url: str
    base: str


class TypeRef(NamedTuple):
    """One allowed type of an element; `targets` are the types that a Reference or canonical may point to
    (empty or "Resource": any), `profiles` what the type itself must conform to, e.g. SimpleQuantity."""

    code: str
    targets: tuple[str, ...]
    profiles: tuple[str, ...]


class Element(NamedTuple):
    """One element of a type. `path` is below the type: "" the type itself, "contact.name", "value[x]". `max` -1 is *.
    `content_reference` is the path (below the same type) whose content this element repeats."""

    path: str
    min: int
    max: int
    types: tuple[TypeRef, ...]
    binding: tuple[str, str] | None
    content_reference: str | None
    constraints: tuple[str, ...]
    max_value_set: str | None


class Constraint(NamedTuple):
    key: str
    severity: str
    human: str
    expression: str


class Structure(NamedTuple):
    """A resource type, complex type or primitive type: `kind` is resource, complex-type or primitive-type."""

    name: str
    kind: str
    base: str
    abstract: bool
    elements: Mapping[str, Element]
    constraints: Mapping[str, Constraint]


class ExtensionDefinition(NamedTuple):
    """An extension of R4. `contexts` are (kind, expression); `inner`: url -> (min, max, types) of a complex one."""

    url: str
    modifier: bool
    contexts: tuple[tuple[str, str], ...]
    types: tuple[str, ...]
    value_required: bool
    inner: Mapping[str, tuple[int, int, tuple[str, ...]]] | None
    binding: tuple[str, str] | None


@cache
def table(name: str) -> Any:
    """One whole table as `longbien.fhir.compile` wrote it. Raises Unavailable where the build step has not been run."""
    path = BUILT / f"{name}.msgpack"
    try:
        return msgspec.msgpack.decode(path.read_bytes())
    except FileNotFoundError:
        raise Unavailable(f"{path} is missing: run `python -m longbien.fhir.compile FOLDER` (make build)") from None


@cache
def types() -> tuple[str, ...]:
    """All R4 resource types, alphabetical: position + 1 is the store's type number; R4 is frozen, so it never moves."""
    return tuple(table("types"))


@cache
def _type_names() -> frozenset[str]:
    return frozenset(types())


def is_type(name: str) -> bool:
    """Whether `name` is a resource type that can exist (not abstract)."""
    return name in _type_names()


def _search_param(row: list[Any], base: str) -> SearchParam:
    code, kind, expression, targets, components, url = row
    return SearchParam(code, kind, expression, tuple(targets), tuple(Component(*c) for c in components), url, base)


@cache
def search_params(type_name: str) -> Mapping[str, SearchParam]:
    """The search parameters of a resource type by code, with those of Resource and DomainResource. Unknown type: those
    of Resource alone."""
    rows: dict[str, list[list[Any]]] = table("search")
    bases = ["Resource", "DomainResource", type_name]
    if type_name in ("Bundle", "Binary", "Parameters") or not is_type(type_name):
        bases.remove("DomainResource")
    return {row[0]: _search_param(row, base) for base in bases for row in rows.get(base, ())}


@cache
def compartment(name: str) -> Mapping[str, tuple[str, ...]]:
    """Type -> codes of the search parameters by which a resource belongs to a Patient, Encounter, Practitioner, RelatedPerson or
    Device. The holder itself belongs by its own id. Raises KeyError for any other name."""
    if name != "Patient":
        return compartments.listed(name)
    return {t: tuple(codes) for t, codes in table("compartment").items()}


def _element(row: list[Any]) -> Element:
    path, low, high, kinds, binding, reference, keys, most = row
    refs = tuple(TypeRef(code, tuple(targets), tuple(profiles)) for code, targets, profiles in kinds)
    return Element(path, low, high, refs, tuple(binding) if binding else None, reference, tuple(keys), most)


@cache
def structure(name: str) -> Structure:
    """The definition of a resource or data type. Raises KeyError for a name that R4 does not know."""
    s = table("structures")[name]
    elements = {row[0]: _element(row) for row in s["elements"]}
    constraints = {key: Constraint(key, *c) for key, c in s["constraints"].items()}
    return Structure(name, s["kind"], s["base"], s["abstract"], elements, constraints)


@cache
def summary(type_name: str) -> frozenset[str]:
    """Paths below a resource type that a summary holds: "name", "value[x]", "link.other"."""
    return frozenset(table("summary")[type_name])


def structure_names() -> tuple[str, ...]:
    """Every resource and data type with a definition, abstract ones too."""
    return tuple(table("structures"))


# What is asked for comes from the network: only what exists is kept, so that no caller can fill the memory with names.
@cache
def _codes(system: str) -> Mapping[str, str]:
    found: Mapping[str, str] = msgspec.msgpack.decode(table("codes")[system])
    return found


def codes(system: str) -> Mapping[str, str] | None:
    """Code -> display of one code system of the specification (HL7's own, v3, v2); None for any other."""
    return _codes(system) if system in table("codes") else None


def code_display(system: str, code: str) -> str | None:
    """The English display of a code; None where the system or the code is not known here."""
    known = codes(system)
    return None if known is None else known.get(code)


@cache
def _value_set(url: str) -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for system, listed in msgspec.msgpack.decode(table("valuesets")[url]):
        found[system] = frozenset(_codes(system) if listed is None else listed)
    return found


def value_set(url: str) -> Mapping[str, frozenset[str]] | None:
    """System -> codes of a value set of the specification (its url without version); None where it is unknown or cannot
    be listed (SNOMED CT, LOINC, UCUM, language tags ...)."""
    return _value_set(url) if url in table("valuesets") else None


Defined = Literal["codesystems", "compositions", "conceptmaps"]


def defined(kind: Defined, url: str) -> dict[str, Any] | None:
    """A CodeSystem, ValueSet ("compositions") or ConceptMap of the specification, without narrative; None where it is unknown. It
    is read anew each time: keep it."""
    packed = table(kind).get(url)
    found: dict[str, Any] | None = None if packed is None else msgspec.msgpack.decode(packed)
    return found


def extension(url: str) -> ExtensionDefinition | None:
    """The definition of an extension of base R4, None for any other."""
    return _extension(url) if url in table("extensions") else None


@cache
def _extension(url: str) -> ExtensionDefinition:
    row = table("extensions")[url]
    modifier, contexts, kinds, required, inner, binding = row
    parts = {u: (low, high, tuple(t)) for u, (low, high, t) in inner.items()} if inner else None
    pairs = tuple((kind, expression) for kind, expression in contexts)
    return ExtensionDefinition(url, modifier, pairs, tuple(kinds), required, parts, tuple(binding) if binding else None)


def structure_definition(url: str) -> dict[str, Any] | None:
    """The StructureDefinition of a core type, profile or extension of R4 without its texts (compile.profiles), None for any other.
    Core types have a snapshot, the others a differential. Not kept: who builds from it keeps what was built."""
    found = table("profiles").get(url)
    return None if found is None else msgspec.msgpack.decode(zlib.decompress(found))
