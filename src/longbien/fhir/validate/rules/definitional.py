"""Invariants of definitions (StructureDefinition, ImplementationGuide) that their published expressions evaluate in the square
of their length: a profile of thousands of elements must not hold up a server. https://hl7.org/fhir/R4/structuredefinition.html"""

from __future__ import annotations

from typing import Any

from ..context import Context
from .words import Rule


def _paths(v: dict[str, Any]) -> list[str]:
    """The paths of the elements of a snapshot or differential; one without a path raises KeyError."""
    return [e["path"] for e in v["element"]]


def sdf_8(v: dict[str, Any], c: Context) -> bool:
    """A snapshot begins with the type, and all its elements are below that."""
    first, *others = _paths(v)
    root = _paths(c.resource["snapshot"])[0] + "."
    is_type = c.resource.get("kind") == "logical" or first == c.resource["type"]
    return is_type and all(p.startswith(root) for p in others)


def sdf_8a(v: dict[str, Any], c: Context) -> bool:
    """The same for a differential, which may begin anywhere below the type."""
    first, *others = _paths(v)
    root = _paths(c.resource["differential"])[0].split(".")[0] + "."
    in_type = c.resource.get("kind") == "logical" or first.startswith(c.resource["type"])
    return in_type and all(p.startswith(root) for p in others)


def ig_1(v: dict[str, Any], c: Context) -> bool:
    """ImplementationGuide: a resource belongs to a grouping that the guide has."""
    groups = {g.get("id") for g in v.get("grouping", ())}
    return all(r["groupingId"] in groups for r in v.get("resource", ()) if "groupingId" in r)


def ig_2(v: dict[str, Any], c: Context) -> bool:
    """ImplementationGuide: a resource is for a FHIR version that the guide is for."""
    versions = set(v.get("fhirVersion", ()))
    return all(f in versions for r in v.get("definition", {}).get("resource", ()) for f in r.get("fhirVersion", ()))


RULES: dict[str, Rule] = {"sdf-8": sdf_8, "sdf-8a": sdf_8a, "ig-1": ig_1, "ig-2": ig_2}
