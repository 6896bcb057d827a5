"""References in resources: reading a literal one apart, finding all of them, rewriting them in a transaction."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape, unescape
from typing import Any

from .path import model
from .path.literal import literal

__all__ = ["each", "literal", "rewrite"]

_LINK = re.compile(r"(<(?:a|img)\b[^>]*?\s(?:href|src)\s*=\s*)(?:\"([^\"]*)\"|'([^']*)')")
_REWRITTEN = frozenset({"uri", "url", "oid", "uuid"})
"""Types whose values a transaction rewrites beside Reference.reference. canonical is not among them.
http://hl7.org/fhir/R4/http.html#trules"""

_OF_REFERENCE = frozenset({"reference", "type", "identifier", "display", "id", "extension"}).union(
    {"_reference", "_type", "_display", "_id"}
)

Holder = dict[str, Any]


def each(resource: dict[str, Any]) -> Iterator[tuple[Holder, str, str, str]]:
    """(holder, key, text, expression) of every Reference.reference: `holder[key]` is the text, `expression` the
    FHIRPath of the Reference, e.g. Observation.performer[0]. Contained resources and extensions are walked too; the
    resources inside a Bundle or Parameters are not: their references are among themselves. Never raises."""
    kind = resource.get("resourceType")
    return _each(resource, str(kind), {"Bundle": "entry", "Parameters": "parameter"}.get(str(kind)))


def _is_reference(holder: Holder, path: str = "") -> bool:
    """Whether a `reference` here is Reference's: in R4 it is a uri in Expression (which always has a language),
    DetectedIssue (a resource) and Immunization.education."""
    return holder.keys() <= _OF_REFERENCE and ".education[" not in path


def _each(value: Holder, path: str, skipped: str | None = None) -> Iterator[tuple[Holder, str, str, str]]:
    for key, v in value.items():
        cls = v.__class__
        if cls is str:
            if key == "reference" and _is_reference(value, path):
                yield value, key, v, path
        elif cls is dict:
            if key != skipped:
                yield from _each(v, f"{path}.{key}")
        elif cls is list and key != skipped:
            for i, one in enumerate(v):
                if one.__class__ is dict:
                    yield from _each(one, f"{path}.{key}[{i}]")


def rewrite(resource: dict[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    """The resource with every reference that is a key of `mapping` (urn:uuid:..., a full URL, a conditional
    reference) replaced by its value, as a transaction does: Reference.reference, elements of type uri, url, oid and
    uuid, href and src in narratives; not canonical, not text, not Identifier.value. A fragment or version after a key
    ("urn:uuid:...#a") is kept. "#id" is never replaced. The resource itself is given back where nothing is to do,
    otherwise a new one that shares the parts that did not change: the one given stays as it was. Never raises on a
    wrong shape."""
    if not mapping:
        return resource
    kind = resource.get("resourceType")
    if not isinstance(kind, str):
        return resource
    try:
        return _plainly(resource, mapping, kind == "Immunization")
    except _TypesNeeded:
        return _rewritten(resource, kind, mapping)


class _TypesNeeded(Exception):
    """Something beside a Reference may have to be rewritten: only its element's type can tell."""


def _plainly(value: Holder, mapping: Mapping[str, str], ambiguous: bool) -> Holder:
    """The usual case, without looking at types: only References hold what is in the mapping."""
    changed: Holder | None = None
    for key, v in value.items():
        cls = v.__class__
        new: Any = v
        if cls is str:
            found = _target(v, mapping)
            if found is not None:
                if key != "reference" or ambiguous or not _is_reference(value):
                    raise _TypesNeeded
                new = found
            elif key == "div" and ("href" in v or "src" in v):
                raise _TypesNeeded
        elif cls is dict:
            new = _plainly(v, mapping, ambiguous)
        elif cls is list:
            for i, one in enumerate(v):
                if one.__class__ is dict:
                    other = _plainly(one, mapping, ambiguous or one.get("resourceType") == "Immunization")
                    if other is not one:
                        if new is v:
                            new = list(v)
                        new[i] = other
                elif one.__class__ is str and _target(one, mapping) is not None:
                    raise _TypesNeeded
        if new is not v:
            if changed is None:
                changed = dict(value)
            changed[key] = new
    return value if changed is None else changed


def _target(text: str, mapping: Mapping[str, str]) -> str | None:
    if text[:1] == "#":
        return None
    found = mapping.get(text)
    if found is None and "#" in text:
        bare, _, fragment = text.partition("#")
        found = mapping.get(bare)
        return None if found is None else f"{found}#{fragment}"
    return found


def _rewritten(value: Holder, type_name: str, mapping: Mapping[str, str]) -> Holder:
    changed: Holder | None = None
    fields = model.keys(type_name)
    for key, v in value.items():
        cls = v.__class__
        new: Any = None
        if cls is str:
            if v in mapping or "#" in v or key == "div":
                new = _text(key, v, type_name, fields, mapping)
        elif cls is dict:
            new = _rewritten(v, _type_below(key, v, fields), mapping)
        elif cls is list:
            new = _list(key, v, fields, mapping)
        if new is not None and new is not v:
            if changed is None:
                changed = dict(value)
            changed[key] = new
    return value if changed is None else changed


def _type_below(key: str, v: Holder, fields: Mapping[str, model.Field]) -> str:
    if key[:1] == "_":
        return "Element"
    field = fields.get(key)
    kind = field.type if field else ""
    if kind == "Resource":
        own = v.get("resourceType")
        return own if isinstance(own, str) else ""
    return kind


def _list(key: str, values: list[Any], fields: Mapping[str, model.Field], mapping: Mapping[str, str]) -> list[Any]:
    changed: list[Any] | None = None
    field = fields.get(key)
    for i, v in enumerate(values):
        new: Any = v
        if v.__class__ is dict:
            new = _rewritten(v, _type_below(key, v, fields), mapping)
        elif v.__class__ is str and field is not None and field.type in _REWRITTEN:
            new = _target(v, mapping) or v
        if new is not v:
            if changed is None:
                changed = list(values)
            changed[i] = new
    return values if changed is None else changed


def _text(key: str, text: str, type_name: str, fields: Mapping[str, model.Field], mapping: Mapping[str, str]) -> str | None:
    field = fields.get(key)
    if field is None:
        return None
    if field.type == "xhtml":
        return _narrative(text, mapping)
    if field.type in _REWRITTEN or (key == "reference" and type_name == "Reference"):
        return _target(text, mapping)
    return None


def _narrative(div: str, mapping: Mapping[str, str]) -> str | None:
    if "href" not in div and "src" not in div:
        return None

    def one(m: re.Match[str]) -> str:
        found = _target(unescape(m[2] if m[2] is not None else m[3]), mapping)
        return m[0] if found is None else f'{m[1]}"{escape(found)}"'

    new = _LINK.sub(one, div)
    return None if new == div else new
