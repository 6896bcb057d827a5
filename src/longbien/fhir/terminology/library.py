"""What one question needs of terminology, gathered before it is answered; and how much work an answer may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ...base.errors import Invalid
from .concepts import System

MOST_STEPS = 2_000_000
"""Concepts that one answer may look at: about a second."""
DEEPEST = 30
"""Value sets that import value sets."""


def split(canonical: str) -> tuple[str, str | None]:
    """'url|version' as (url, version)."""
    url, _, version = canonical.partition("|")
    return url, version or None


def unknown(kind: str, canonical: str) -> Invalid:
    return Invalid(f"{kind} {canonical[:300]!r} is not known here.", code="not-found", status=422)


def too_costly(text: str) -> Invalid:
    """http://hl7.org/fhir/R4/valueset-operation-expand.html: an OperationOutcome with code too-costly."""
    return Invalid(text, code="too-costly", status=422)


@dataclass(frozen=True)
class Pins:
    """Which versions of code systems to use: http://hl7.org/fhir/R4/valueset-operation-expand.html, system-version and its like.
    Each url -> version."""

    default: Mapping[str, str] = field(default_factory=dict)
    check: Mapping[str, str] = field(default_factory=dict)
    force: Mapping[str, str] = field(default_factory=dict)
    exclude: frozenset[str] = frozenset()

    def version(self, url: str, said: str | None) -> str | None:
        """The version to use where the value set says `said`. Raises Invalid where that is not the one to be checked."""
        wanted = self.force.get(url) or said or self.default.get(url)
        checked = self.check.get(url)
        if checked is not None and wanted is not None and wanted != checked:
            raise Invalid(f"The value set uses version {wanted[:60]!r} of {url[:200]!r}, not {checked[:60]!r}.", status=422)
        return wanted or checked


class Library:
    """Code systems and value sets by the canonical they were asked by ('url' or 'url|version'), and the steps left."""

    def __init__(self, pins: Pins | None = None) -> None:
        self.pins = pins or Pins()
        self.systems: dict[str, System | None] = {}
        self.value_sets: dict[str, dict[str, Any] | None] = {}
        self.left = MOST_STEPS

    def spend(self, steps: int) -> None:
        """Raises Invalid (too-costly) once the answer has become too much work."""
        self.left -= steps
        if self.left < 0:
            raise too_costly(f"This value set takes over {MOST_STEPS:,} steps to work out. Define it more narrowly.")

    def named(self, url: str, version: str | None) -> str:
        """The canonical under which a code system is kept here."""
        wanted = self.pins.version(url, version)
        return f"{url}|{wanted}" if wanted else url

    def system(self, url: str, version: str | None) -> System | None:
        return self.systems.get(self.named(url, version))

    def value_set(self, canonical: str) -> dict[str, Any]:
        """Raises Invalid (422) where it is not known."""
        found = self.value_sets.get(canonical)
        if found is None:
            raise unknown("Value set", canonical)
        return found

    def wanted(self, value_set: Mapping[str, Any]) -> Wanted:
        """The canonicals of code systems and value sets that this value set names."""
        systems: set[str] = set()
        sets: set[str] = set()
        for part in parts(value_set):
            if part.get("system"):
                systems.add(self.named(part["system"], part.get("version")))
            sets.update(part.get("valueSet") or ())
        return Wanted(systems, sets)


class Wanted(NamedTuple):
    systems: set[str]
    value_sets: set[str]


def parts(value_set: Mapping[str, Any], *kinds: str) -> Iterator[dict[str, Any]]:
    """compose.include and compose.exclude. Raises Invalid (422) for what has not their shape (an inline value set)."""
    compose = value_set.get("compose") or {}
    for kind in kinds or ("include", "exclude"):
        listed = compose.get(kind) or [] if isinstance(compose, dict) else None
        if not isinstance(listed, list) or not all(isinstance(p, dict) and _shaped(p) for p in listed):
            raise Invalid(f"ValueSet.compose.{kind} is not of the standard's shape.", code="structure", status=422)
        yield from listed


def _shaped(part: dict[str, Any]) -> bool:
    def strings(key: str) -> bool:
        return part.get(key) is None or isinstance(part[key], str)

    def rows(key: str) -> bool:
        found = part.get(key) or []
        return isinstance(found, list) and all(isinstance(x, dict) for x in found)

    sets = part.get("valueSet") or []
    named = isinstance(sets, list) and all(isinstance(v, str) for v in sets)
    codes = rows("concept") and all(isinstance(c.get("code"), str) for c in part.get("concept") or [])
    return strings("system") and strings("version") and named and codes and rows("filter")
