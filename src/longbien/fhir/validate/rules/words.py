"""The few words that rules are made of: FHIRPath's exists() on JSON, and times that can be compared."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from ..context import Context

Rule = Callable[[dict[str, Any], Context], bool]
UCUM = "http://unitsofmeasure.org"


def has(v: dict[str, Any], name: str) -> bool:
    """name.exists(): with a value or only with extensions."""
    return name in v or "_" + name in v


def has_choice(v: dict[str, Any], stem: str) -> bool:
    """value.exists() of value[x]: a member value or _value followed by a capital."""
    n = len(stem)
    for key in v:
        k = key[1:] if key[:1] == "_" else key
        if k.startswith(stem) and k[n : n + 1].isupper():
            return True
    return False


def any_of(*names: str) -> Rule:
    """At least one exists."""
    return lambda v, c: any(has(v, n) for n in names)


def not_both(a: str, b: str) -> Rule:
    return lambda v, c: not (has(v, a) and has(v, b))


def one_of_two(a: str, b: str) -> Rule:
    return lambda v, c: has(v, a) != has(v, b)


def needs(a: str, b: str) -> Rule:
    """a.empty() or b.exists()"""
    return lambda v, c: not has(v, a) or has(v, b)


def codings(concept: Any) -> list[tuple[Any, Any]]:
    """(system, code) of each coding of a CodeableConcept or a list of them."""
    found: list[tuple[Any, Any]] = []
    for one in concept if concept.__class__ is list else [concept]:
        if one.__class__ is dict:
            found.extend((x.get("system"), x.get("code")) for x in one.get("coding", ()) if x.__class__ is dict)
    return found


def number(v: Any) -> Decimal | int | None:
    """A JSON number that can be compared."""
    return v if v.__class__ is int or v.__class__ is Decimal else Decimal(str(v)) if v.__class__ is float else None


def not_after(start: Any, end: Any) -> bool:
    """start <= end for two dateTimes. As in FHIRPath, two that agree as far as the shorter one goes but differ in precision
    cannot be compared, and what cannot be compared does not hold."""
    if start.__class__ is not str or end.__class__ is not str:
        return True
    n = min(len(start), len(end))
    if n <= 10:
        return start[:n] < end[:n] or start == end
    if start[-6:] == end[-6:] and start[:19] != end[:19]:
        return start[:19] < end[:19]
    try:
        return datetime.fromisoformat(_real(start)) <= datetime.fromisoformat(_real(end))
    except (ValueError, OverflowError):
        return True


def _real(text: str) -> str:
    """A leap second is read as the second before it; more than microseconds are dropped."""
    text = text[:17] + "59" + text[19:] if text[17:19] == "60" else text
    if text[19:20] != ".":
        return text
    n = 20
    while n < len(text) and text[n].isdigit():
        n += 1
    return text[:20] + text[20:n][:6].ljust(6, "0") + text[n:]
