"""Resources: the one given, those inside it, and what is asked of a contained one.

https://hl7.org/fhir/R4/references.html#contained"""

from __future__ import annotations

from typing import Any

from .. import definitions
from . import bundles, elements
from .context import Context, Place, shown, type_name


def inner(v: Any, place: Place, c: Context) -> None:
    """A resource with a life of its own inside another: Bundle.entry.resource, Parameters.parameter.resource."""
    if v.__class__ is not dict:
        c.error("structure", f"must be a resource (an object), not {type_name(v)}", place)
        return
    before = c.resource, c.root, c.element_ids, c.fragments, c.inside
    c.resource = c.root = v
    c.element_ids, c.fragments, c.inside = set(), [], None
    resource(v, place, c)
    c.resource, c.root, c.element_ids, c.fragments, c.inside = before


def resource(v: dict[str, Any], place: Place, c: Context) -> None:
    """One resource by its own resourceType; c.resource is it, c.root it or its container."""
    name = v.get("resourceType")
    if name.__class__ is not str:
        text = "resourceType is missing" if name is None else "resourceType must be a string"
        c.error("structure", text, place)
        return
    if not definitions.is_type(name):
        c.error("structure", f"{shown(name)} is no resource type of FHIR R4", place)
        return
    here = place if place is not None else (None, name, None)
    if name == "Bundle" and c.bundle_rules:
        outer, c.bundle = c.bundle, bundles.Bundle(v)
        elements.type_check(name)(v, here, c)
        bundles.check(c.bundle, here, c)
        c.bundle = outer
        return
    elements.type_check(name)(v, here, c)
    if "contained" in v and c.root is v:
        _contained_rules(v, here, c)


def contained(v: Any, place: Place, c: Context) -> None:
    if v.__class__ is not dict:
        c.error("structure", f"must be a resource (an object), not {type_name(v)}", place)
        return
    before = c.resource, c.element_ids
    c.resource, c.element_ids = v, set()
    first = len(c.fragments)
    resource(v, place, c)
    c.resource, c.element_ids = before
    if "#" in c.fragments[first:] and v.get("id").__class__ is str:
        # It refers to its container, which dom-3 takes for being referred to.
        c.fragments.append("#" + v["id"])


def _contained_rules(v: dict[str, Any], place: Place, c: Context) -> None:
    """dom-2 to dom-5, and ids that tell the contained resources apart."""
    inside = v["contained"]
    if inside.__class__ is not list:
        return
    used = set(c.fragments)
    seen: set[str] = set()
    for i, r in enumerate(inside):
        if r.__class__ is not dict:
            continue
        here = (place, "contained", i)
        _contained_one(r, here, c)
        identity = r.get("id")
        if identity.__class__ is not str:
            c.error("invariant", "dom-3: a contained resource must have an id to be referred to", here)
        elif identity in seen:
            c.error("business-rule", f"Two contained resources have the id {shown(identity)}", here)
        elif "#" + identity not in used:
            c.error("invariant", f"dom-3: nothing refers to the contained resource #{identity}", here)
        if identity.__class__ is str:
            seen.add(identity)


def _contained_one(r: dict[str, Any], place: Place, c: Context) -> None:
    if "contained" in r:
        c.error("invariant", "dom-2: a contained resource must not contain others", place)
    meta = r.get("meta")
    if meta.__class__ is dict:
        if "versionId" in meta or "lastUpdated" in meta:
            c.error("invariant", "dom-4: a contained resource has no versionId and no lastUpdated", place)
        if "security" in meta:
            c.error("invariant", "dom-5: a contained resource has no security label of its own", place)
