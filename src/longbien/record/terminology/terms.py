"""Questions about codes: gathers what an answer needs, then lets the algebra of fhir.terminology work it out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

from longbien.base.errors import Invalid
from longbien.fhir import definitions
from longbien.fhir.terminology import compose, maps
from longbien.fhir.terminology.compose import Members
from longbien.fhir.terminology.concepts import System
from longbien.fhir.terminology.library import Library, Pins, split, too_costly, unknown
from longbien.fhir.terminology.maps import Coded, Match

from ..scope import Rows
from .shelf import Resources, Shelf

if TYPE_CHECKING:
    from ..engine import Engine

MOST_RESOURCES = 300
"""Value sets and code systems that one question may need."""
MOST_MAPS = 50
_SMALL = 3000
"""Concepts that are worked through without a thread."""
_T = TypeVar("_T")


class Terms:
    """Terminology as one actor may see it (`rows`), or as the house itself (None). Also what searches ask (:in, :below, :above)."""

    def __init__(self, engine: Engine, shelf: Shelf, rows: Rows | None = None):
        self.resources = Resources(engine, shelf, rows)

    async def system(self, url: str, version: str | None = None) -> System | None:
        """The code system, None where it is not known. Raises Invalid (422) where it cannot be worked with."""
        canonical = f"{url}|{version}" if version else url
        found: System | None = (await self.resources.find("CodeSystem", [canonical])).get(canonical)
        return found

    async def value_set(self, canonical: str) -> dict[str, Any] | None:
        """The value set, also an implicit one: http://hl7.org/fhir/R4/valueset.html#implicit."""
        return (await self._value_sets({canonical})).get(canonical)

    async def _value_sets(self, canonicals: set[str]) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = await self.resources.find("ValueSet", canonicals)
        return {c: v for c in canonicals if (v := found.get(c) or implicit(c)) is not None}

    async def library(self, *roots: dict[str, Any], systems: tuple[str, ...] = (), pins: Pins | None = None) -> Library:
        """All that these value sets are made of, and `systems` (canonicals) beside. What is not known is left out."""
        library = Library(pins)
        wanted, sets = set(systems), set()
        for root in roots:
            more = library.wanted(root)
            wanted |= more.systems
            sets |= more.value_sets
        while sets := sets - library.value_sets.keys():
            found = await self._value_sets(sets)
            library.value_sets.update({c: found.get(c) for c in sets})
            for value_set in found.values():
                more = library.wanted(value_set)
                wanted |= more.systems
                sets = sets | more.value_sets
            if len(wanted) + len(library.value_sets) > MOST_RESOURCES:
                raise too_costly(f"This value set is made of over {MOST_RESOURCES} value sets and code systems.")
        found_systems = await self.resources.find("CodeSystem", wanted)
        library.systems.update({c: found_systems.get(c) for c in wanted})
        return library

    async def members(self, value_set: dict[str, Any], pins: Pins | None = None, *, keep: bool = True) -> Members:
        """Every code of a value set. keep: remember the answer (not of what came with a request). Raises Invalid (422): see
        compose.members."""
        library = await self.library(value_set, pins=pins)
        made_of = (value_set, *library.value_sets.values(), *library.systems.values())
        key = (*map(id, made_of), pins and repr(pins))  # what is kept is never changed, and stays alive beside its answer
        shelf = self.resources.shelf
        found = shelf.answered(key)
        if found is None:
            found = await self.run(library, lambda: compose.members(library, value_set))
            if keep:
                shelf.remember(key, found, made_of)
        return found

    async def run(self, library: Library, work: Callable[[], _T]) -> _T:
        """Work over a library: in a thread where it is large."""
        size = sum(len(s) for s in library.systems.values() if s is not None)
        return work() if size + len(library.value_sets) * 100 < _SMALL else await asyncio.to_thread(work)

    async def concept_map(self, canonical: str) -> dict[str, Any] | None:
        found: dict[str, Any] | None = (await self.resources.find("ConceptMap", [canonical])).get(canonical)
        return found

    async def translate(
        self, coded: Coded, concept_map: dict[str, Any] | None, *, to: str | None = None, source: str | None = None,
        target: str | None = None, reverse: bool = False, given: maps.Dependencies | None = None,
    ) -> list[Match]:  # fmt: skip
        """By one map, or by all that hold the code and go from value set `source` to value set `target`."""
        if concept_map is not None:
            chosen = [concept_map]
        else:
            every = await self.resources.maps_from(coded.code, reverse, MOST_MAPS)
            chosen = [m for m in every if _between(m, source, target)]
        known = await self._handed_over(chosen)
        return [
            match for m in chosen
            for match in maps.translate(m, coded, to=to, reverse=reverse, given=given, other=known.get)
        ]  # fmt: skip

    async def _handed_over(self, chosen: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        known: dict[str, dict[str, Any]] = {}
        todo = {u for m in chosen for u in maps.others(m)}
        for _ in range(maps.DEEPEST):
            todo = set(sorted(todo - known.keys())[:MOST_MAPS])
            found = await self.resources.find("ConceptMap", todo)
            known |= found
            todo = {u for m in found.values() for u in maps.others(m)}
        return known

    # --- what other rooms ask

    async def codes(self, url: str, version: str | None = None) -> Mapping[str, frozenset[str]] | None:
        """System -> codes of a value set; None where it is not known. Raises Invalid (422) where it cannot be listed."""
        canonical = f"{url}|{version}" if version else url
        value_set = await self.value_set(canonical)
        if value_set is None:
            return None
        found: dict[str, set[str]] = {}
        for system, code in await self.members(value_set):
            found.setdefault(system, set()).add(code)
        return {s: frozenset(c) for s, c in found.items()}

    async def codes_in(self, value_set: str) -> set[tuple[str, str]]:
        """(system, code) of a value set ('url' or 'url|version'). Raises Invalid."""
        found = await self.value_set(value_set)
        if found is None:
            raise unknown("Value set", value_set)
        return set(await self.members(found))

    async def below(self, system: str, code: str) -> set[tuple[str, str]]:
        """The code and every code that it subsumes. Raises Invalid where the system or the code is not known."""
        found, known = await self._in_hierarchy(system, code)
        return {(split(system)[0], c) for c in found.below(known)}

    async def above(self, system: str, code: str) -> set[tuple[str, str]]:
        """The code and every code that subsumes it. Raises Invalid as `below` does."""
        found, known = await self._in_hierarchy(system, code)
        return {(split(system)[0], c) for c in found.above(known)}

    async def _in_hierarchy(self, canonical: str, code: str) -> tuple[System, str]:
        found = await self.system(*split(canonical))
        if found is None or not found.listed:
            raise Invalid(f"The hierarchy of code system {canonical[:200]!r} is not known here.", code="not-supported")
        concept = found.find(code)
        if concept is None:
            raise Invalid(f"{code[:100]!r} is no code of {canonical[:200]!r}.", code="not-found")
        return found, concept.code


def _between(concept_map: dict[str, Any], source: str | None, target: str | None) -> bool:
    def named(side: str) -> str:
        said = concept_map.get(f"{side}Canonical") or concept_map.get(f"{side}Uri") or ""
        return str(said).split("|")[0]

    return (source is None or named("source") == source.split("|")[0]) and (
        target is None or named("target") == target.split("|")[0]
    )


@lru_cache(256)
def implicit(canonical: str) -> dict[str, Any] | None:
    """A value set that is named by its code system: 'system?fhir_vs' (all of it), 'system?fhir_vs=isa/CODE', and the value sets
    that the specification's code systems call theirs."""
    url, version = split(canonical)
    system, mark, rest = url.partition("?fhir_vs")
    include: dict[str, Any] = {"system": system}
    if not mark:
        named = _of_system().get(url)
        if named is None:
            return None
        include = {"system": named}
    elif rest.startswith("=isa/") and len(rest) > len("=isa/"):
        include["filter"] = [{"property": "concept", "op": "is-a", "value": unquote(rest[len("=isa/") :])}]
    elif rest:
        raise Invalid(f"Implicit value set {canonical[:300]!r}: only ?fhir_vs and ?fhir_vs=isa/CODE are understood.", status=422)
    if version:
        include["version"] = version
    return {"resourceType": "ValueSet", "url": url, "status": "active", "compose": {"include": [include]}}


_named: dict[str, str] = {}


def _of_system() -> dict[str, str]:
    """Value set -> code system, by CodeSystem.valueSet of the specification."""
    if not _named:
        for url in definitions.table("codesystems"):
            all_of_it = (definitions.defined("codesystems", url) or {}).get("valueSet")
            if all_of_it:
                _named.setdefault(all_of_it, url)
    return _named
