"""A second, slow and plain way to a resource's search values, to hold the store's search against. Independent of fhir.extract.

Knows only the forms that R4's search parameters use: paths, `as`, `where(resolve() is X)`, `where(a='b')`, `[0]`, `exists()`."""

from __future__ import annotations

import re
from typing import Any

from longbien.fhir import definitions

Found = tuple[str, Any, str]


def _children(value: Any, name: str, at: tuple[str, str]) -> list[tuple[Any, str, tuple[str, str]]]:
    """Values of property `name` of `value`, each with its type name and where its own children are defined."""
    type_, path = at
    if not isinstance(value, dict):
        return []
    if type_ == "Reference" and name == "resolve()":
        return []
    full = f"{path}.{name}" if path else name
    elements = definitions.structure(type_).elements
    found: list[tuple[Any, str, tuple[str, str]]] = []
    element = elements.get(full)
    if element is not None:
        got = value.get(name)
        if got is None:
            return []
        if element.content_reference:
            kind, where = "BackboneElement", (type_, element.content_reference)
        else:
            kind = element.types[0].code
            where = (type_, full) if kind in ("BackboneElement", "Element") else (kind, "")
        return [(v, kind, where) for v in (got if isinstance(got, list) else [got]) if v is not None]
    element = elements.get(full + "[x]")
    if element is not None:
        for t in element.types:
            key = name + t.code[0].upper() + t.code[1:]
            if key in value:
                found.append((value[key], t.code, (t.code, "")))
    return found


def _steps(text: str) -> list[str]:
    steps, depth, now = [], 0, ""
    for ch in text:
        depth += (ch in "([") - (ch in ")]")
        if ch == "." and depth == 0:
            steps.append(now)
            now = ""
        else:
            now += ch
    return [*steps, now]


def _parts(expression: str) -> list[str]:
    return [p.strip() for p in expression.split(" | ")]


def _is(kind: str, wanted: str) -> bool:
    return kind.lower() == wanted.lower() or (kind, wanted) == ("canonical", "uri")


def evaluate(resource: dict[str, Any], expression: str) -> list[tuple[Any, str]]:
    type_ = resource["resourceType"]
    out: list[tuple[Any, str]] = []
    for part in _parts(expression):
        if part == "Patient.deceased.exists() and Patient.deceased != false":
            if type_ == "Patient":
                dead = resource.get("deceasedBoolean") is True or "deceasedDateTime" in resource
                out.append((dead, "boolean"))
            continue
        cast = re.fullmatch(r"\((.+) as (\w+)\)(.*)", part)
        path = f"{cast[1]}.as({cast[2]}){cast[3]}" if cast else part
        steps = _steps(path)
        if steps[0] not in (type_, "Resource", "DomainResource"):
            continue
        at: list[tuple[Any, str, tuple[str, str]]] = [(resource, type_, (type_, ""))]
        for step in steps[1:]:
            name = re.match(r"as\((\w+)\)$", step)
            resolved = re.match(r"where\(resolve\(\) is (\w+)\)$", step)
            equal = re.match(r"where\((\w+)\s*=\s*'([^']*)'\)$", step)
            if name:
                at = [a for a in at if _is(a[1], name[1])]
            elif resolved:
                at = [a for a in at if _points_to(a[0], resolved[1], resource)]
            elif equal:
                at = [a for a in at if a[0].get(equal[1]) == equal[2]]
            else:
                first = step.endswith("[0]")
                at = [c for v, _, w in at for c in _children(v, step.removesuffix("[0]"), w)]
                at = at[:1] if first else at
        out += [(v, k) for v, k, _ in at]
    return out


def _points_to(value: Any, type_: str, resource: dict[str, Any]) -> bool:
    ref = value.get("reference") or ""
    inside = [c for c in resource.get("contained", []) if "#" + c.get("id", "") == ref]
    if inside:
        return bool(inside[0]["resourceType"] == type_)
    found = re.search(r"(?:^|/)([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]+(?:/_history/[A-Za-z0-9\-.]+)?$", ref)
    return bool(found and found[1] == type_) or (not found and value.get("type") == type_)


def values(resource: dict[str, Any]) -> list[Found]:
    out: list[Found] = []
    for code, param in definitions.search_params(resource["resourceType"]).items():
        if param.kind in ("composite", "special") or not param.expression or code in ("_id", "_lastUpdated"):
            continue
        out += [(code, v, k) for v, k in evaluate(resource, param.expression)]
    return out
