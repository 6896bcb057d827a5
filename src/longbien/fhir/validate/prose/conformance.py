"""Definitions that must agree with the definitions they build on: search parameters and profiles of R4's own."""

from __future__ import annotations

from functools import cache
from typing import Any

from ... import definitions
from ...definitions import Structure
from ..context import Context, Place, shown
from .check import Check, objects


@cache
def search_kinds() -> dict[str, str]:
    """The kind (token, date ...) of every search parameter of R4 by its url."""
    return {row[5]: row[1] for rows in definitions.table("search").values() for row in rows}


def _base_kind(url: Any) -> str | None:
    return search_kinds().get(url.split("|")[0]) if url.__class__ is str else None


def declared_param(v: dict[str, Any], place: Place, c: Context) -> None:
    """CapabilityStatement: a search parameter has the type that its definition gives it."""
    kind = _base_kind(v.get("definition"))
    if kind is not None and v.get("type") != kind:
        c.error("value", f"The search parameter {v['definition']} is of type {kind}, not {shown(v.get('type'))}", place)


def search_parameter(v: dict[str, Any], place: Place, c: Context) -> None:
    """A derived parameter keeps the type of its origin; a composite has two components or more.
    https://hl7.org/fhir/R4/searchparameter.html"""
    kind = _base_kind(v.get("derivedFrom"))
    if kind is not None and v.get("type") != kind:
        c.error("business-rule", f"It is derived from {v['derivedFrom']}, whose type is {kind}", place)
    components = v.get("component", ())
    if v.get("type") == "composite" and components.__class__ in (list, tuple) and len(components) < 2:
        c.error("business-rule", "A composite search parameter needs two components or more", place)


def _dict(v: Any) -> dict[str, Any]:
    return v if v.__class__ is dict else {}


def profile(v: dict[str, Any], place: Place, c: Context) -> None:
    """A profile of an R4 type speaks of elements that the type has. https://hl7.org/fhir/R4/profiling.html"""
    name = v.get("type")
    if v.get("derivation") != "constraint" or name not in definitions.structure_names():
        return
    differential = v.get("differential")
    for element, here in objects(_dict(differential), "element", (place, "differential", None)):
        path = element.get("path")
        if path.__class__ is str and not has_path(definitions.structure(name), path.split(".")[1:]):
            c.error("business-rule", f"{name} has no element {shown(path)}", here)


def has_path(structure: Structure, steps: list[str], at: str = "") -> bool:
    """Whether a path of a differential leads to an element, through content references, data types and the short form of a
    choice (valueQuantity for value[x])."""
    if not steps:
        return True
    path = f"{at}.{steps[0]}" if at else steps[0]
    element = structure.elements.get(path)
    kinds: tuple[str, ...] = ()
    if element is None:
        found = _choice(structure, path)
        if found is None:
            return False
        kinds = (found,)
    else:
        if element.content_reference is not None:
            return has_path(structure, steps[1:], element.content_reference)
        kinds = tuple(t.code for t in element.types)
        if "BackboneElement" in kinds or "Element" in kinds or structure.elements.get(path + ".id"):
            return has_path(structure, steps[1:], path)
    if not steps[1:]:
        return True
    if "Resource" in kinds:
        return True
    known = definitions.structure_names()
    return any(k not in known or has_path(definitions.structure(k), steps[1:]) for k in kinds)


def _choice(structure: Structure, path: str) -> str | None:
    """The type that the last name of a path chooses: Quantity for Observation.valueQuantity."""
    for element in structure.elements.values():
        stem = element.path.removesuffix("[x]")
        if stem != element.path and path.startswith(stem):
            for t in element.types:
                if path == stem + t.code[0].upper() + t.code[1:]:
                    return t.code
    return None


PROSE: dict[str, Check] = {
    "CapabilityStatement.rest.resource.searchParam": declared_param,
    "CapabilityStatement.rest.searchParam": declared_param,
    "SearchParameter": search_parameter,
    "StructureDefinition": profile,
}
