"""One element of a differential over the element that it constrains: what it may narrow, and nothing else.

https://hl7.org/fhir/R4/profiling.html#constraints"""

from __future__ import annotations

from typing import Any

from .. import definitions
from .faults import Unusable
from .node import Element, codes, high, low

_STRENGTH = {"example": 0, "preferred": 1, "extensible": 2, "required": 3}
_ANY = frozenset(("Resource", "DomainResource", "Element", "BackboneElement", "*"))
_OWN = frozenset(("id", "path", "base", "sliceName"))


def merge(base: Element, change: Element, where: str, *, slice_name: str | None = None) -> Element:
    """A new element: `base` with what `change` says. Raises Unusable where it would allow what the base forbids."""
    made = dict(base)
    for key, value in change.items():
        if key == "constraint":
            made[key] = _constraints(base.get(key, []), value)
        elif key in ("condition", "mapping", "alias", "code", "example"):
            made[key] = [*base.get(key, []), *(v for v in value if v not in base.get(key, []))]
        elif key == "binding":
            made[key] = _binding(base.get(key), value, where)
        elif key == "type":
            made[key] = _types(base, value, where)
        elif key not in _OWN:
            made[key] = value
    _cardinality(base, made, where, slice_name)
    if slice_name:
        made["sliceName"] = slice_name
    return made


def _cardinality(base: Element, made: Element, where: str, slice_name: str | None) -> None:
    try:
        fewest, most = low(made), high(made)
    except (TypeError, ValueError):
        raise Unusable(f"{where}: min and max must be a number and a number or *.", code="value") from None
    if most >= 0 and fewest > most:
        raise Unusable(f"{where}: min {fewest} is more than max {most}.")
    if not slice_name and "." in base["path"] and fewest < low(base):
        raise Unusable(f"{where}: min {fewest} is less than the {low(base)} of the base.")
    widest = high(base)
    if widest >= 0 and (most < 0 or most > widest) and "." in base["path"]:
        raise Unusable(f"{where}: max {made.get('max')} is more than the {widest} of the base.")


def _constraints(base: list[Any], more: list[Any]) -> list[Any]:
    known = {c.get("key") for c in more}
    return [*(c for c in base if c.get("key") not in known), *more]


def _binding(base: dict[str, Any] | None, change: dict[str, Any], where: str) -> dict[str, Any]:
    made = {**(base or {}), **change}
    if base and _STRENGTH.get(made.get("strength", ""), -1) < _STRENGTH.get(base.get("strength", ""), -1):
        raise Unusable(f"{where}: a binding that is {base.get('strength')} cannot become {made.get('strength')}.")
    return made


def _types(base: Element, change: list[Any], where: str) -> list[Any]:
    allowed = codes(base)
    if not allowed or not change:
        return change or base.get("type", [])
    for code in codes({"type": change}):
        if not any(_is_a(code, a) or _is_a(a, code) for a in allowed):  # picoelement says string of a markdown
            raise Unusable(f"{where}: the type {code} is not among those of the base ({', '.join(allowed)}).")
    return change


def _is_a(code: str, wanted: str) -> bool:
    if wanted in _ANY:
        return True
    names = definitions.structure_names()
    seen = 0
    while code and seen < 20:
        if code == wanted:
            return True
        code = definitions.structure(code).base if code in names else ""
        seen += 1
    return False
