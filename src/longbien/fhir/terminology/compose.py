"""What a ValueSet comes to: all its codes, or whether one code is among them. http://hl7.org/fhir/R4/valueset.html#compositions

Both are worked out apart: `members` lists, `holds` asks each part in turn, so that a code can be checked against what cannot be
listed (UCUM, all of SNOMED CT but for two codes)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, NamedTuple

import msgspec

from ...base.errors import Invalid
from .concepts import Concept, Designation, Property, System, search_key
from .filters import Test, refused, test
from .library import DEEPEST, Library, parts, too_costly, unknown

MOST = 200_000
"""Codes of one value set, while it is worked out."""


class Member(NamedTuple):
    """One code of a value set. `system`: None where the code system itself is not at hand (then only its listed codes are)."""

    url: str
    version: str | None
    concept: Concept
    system: System | None

    @property
    def language(self) -> str | None:
        return self.system.language if self.system else None


class Members(dict[tuple[str, str], Member]):
    """(system, code) -> member. What is asked of it again and again is worked out once: it is not changed any more."""

    @cached_property
    def every(self) -> list[Member]:
        return list(self.values())

    @cached_property
    def systems(self) -> list[System]:
        """The code systems that are at hand, each once."""
        return list({id(m.system): m.system for m in self.every if m.system is not None}.values())

    @cached_property
    def several_versions(self) -> bool:
        """Whether one code system is here in more than one version."""
        versions = {(m.url, m.version) for m in self.every}
        return len(versions) > len({url for url, _ in versions})

    @cached_property
    def keys_folded(self) -> list[str]:
        """What each of `every` is found by."""
        return [m.system.key(m.concept) if m.system else search_key(m.concept) for m in self.every]


class Verdict(NamedTuple):
    """`answer` None: cannot be said, for the reason `why`. `lenient`: because the code may stand in a part of the code system
    that is not here (a fragment), so nothing speaks against it."""

    answer: bool | None
    why: str = ""
    lenient: bool = False

    def __and__(self, other: Verdict) -> Verdict:
        if self.answer is False or other.answer is False:
            return NO
        return self if self.answer is None else other

    def __or__(self, other: Verdict) -> Verdict:
        if self.answer or other.answer:
            return YES
        return self if self.answer is None else other

    def __invert__(self) -> Verdict:
        return self if self.answer is None else (NO if self.answer else YES)


YES, NO = Verdict(True), Verdict(False)


def members(library: Library, value_set: dict[str, Any]) -> Members:
    """Every code, in the order of the includes. Raises Invalid (422) for circles, what is not known or cannot be listed, and
    too much work."""
    return _Lister(library).of(value_set, ())


class _Lister:
    def __init__(self, library: Library):
        self.library = library
        self.done: dict[str, Members] = {}

    def of(self, value_set: dict[str, Any], inside: tuple[str, ...]) -> Members:
        if not value_set.get("compose"):
            return _listed(self.library, value_set)
        found = Members()
        for part in parts(value_set, "include"):
            for key, member in self.part(part, inside).items():
                found.setdefault(key, member)
            if len(found) > MOST:
                raise too_costly(f"The value set has over {MOST:,} codes.")
        for part in parts(value_set, "exclude"):
            for key in self.part(part, inside):
                found.pop(key, None)
        if value_set["compose"].get("inactive") is False:
            found = Members((k, m) for k, m in found.items() if not m.concept.inactive)
        return found

    def part(self, part: dict[str, Any], inside: tuple[str, ...]) -> Members:
        url, sets = part.get("system"), part.get("valueSet") or []
        if not url and not sets:
            raise refused("An include or exclude names neither a system nor a value set.", "required")
        if url in self.library.pins.exclude:
            return Members()
        found = self.system(part) if url else None
        for canonical in sets:
            other = self.imported(canonical, inside)
            found = other if found is None else Members((k, m) for k, m in found.items() if k in other)
            self.library.spend(len(found))
        return Members() if found is None else found

    def imported(self, canonical: str, inside: tuple[str, ...]) -> Members:
        if canonical not in self.done:
            self.done[canonical] = self.of(self.library.value_set(canonical), deeper(canonical, inside))
        return self.done[canonical]

    def system(self, part: dict[str, Any]) -> Members:
        url = part["system"]
        system = self.library.system(url, part.get("version"))
        version = system.version if system else part.get("version")
        if part.get("concept"):
            self.library.spend(len(part["concept"]))
            each: Iterator[Concept] = (_named(system, c) for c in part["concept"])
            return Members(((url, c.code), Member(url, version, c, system)) for c in each)
        system = listable(system, self.library.named(url, part.get("version")))
        tests = _tests(self.library, system, part)
        self.library.spend(len(system) * (1 + len(tests)))
        return Members(((url, c.code), Member(url, version, c, system)) for c in system if all(t(c) for t in tests))


def deeper(canonical: str, inside: tuple[str, ...]) -> tuple[str, ...]:
    """One import further in. Raises Invalid (422) for a circle."""
    if canonical in inside:
        way = " -> ".join([*inside[inside.index(canonical) :], canonical])
        raise Invalid(f"The value set includes itself: {way[:500]}.", code="processing", status=422)
    if len(inside) >= DEEPEST:
        raise too_costly(f"Value sets are imported more than {DEEPEST} deep.")
    return (*inside, canonical)


def listable(system: System | None, canonical: str) -> System:
    """The system, where its concepts can be listed. Raises Invalid (422)."""
    if system is None:
        raise unknown("Code system", canonical)
    if system.content == "supplement":
        raise refused(f"{canonical[:300]!r} is a supplement of {system.supplements!r}: supplements are not applied here.")
    if system.content == "grammar":
        raise too_costly(f"The codes of {canonical[:300]!r} are made by rules and cannot be listed.")
    if not system.listed:
        raise unknown("What is in code system", canonical)
    return system


def _tests(library: Library, system: System, part: dict[str, Any]) -> list[Test]:
    filters = part.get("filter") or []
    library.spend(len(filters) * (1 + len(system) // 4))
    return [test(system, f) for f in filters]


def _named(system: System | None, said: dict[str, Any]) -> Concept:
    """A concept that an include lists: called as it says, else as its system does."""
    known = system.find(said["code"]) if system else None
    mine = said.get("designation") or []
    if known is not None and not mine and not said.get("display"):
        return known
    try:
        own = msgspec.convert(mine, list[Designation])
    except (msgspec.ValidationError, UnicodeError):
        raise refused("A designation in compose.include.concept is not of the standard's shape.", "structure") from None
    display = said["display"] if isinstance(said.get("display"), str) else None
    if known is None:
        return Concept(said["code"], display, designation=own)
    return Concept(known.code, display or known.display, known.definition, own + known.designation, known.property)


def _listed(library: Library, value_set: dict[str, Any]) -> Members:
    """A value set without a definition: the expansion it carries, where that is whole."""
    expansion = value_set.get("expansion")
    if not isinstance(expansion, dict):
        return Members()
    found = Members(((m.url, m.concept.code), m) for m in _contained(library, expansion.get("contains")))
    total = expansion.get("total")
    if isinstance(total, int) and total > len(found):
        raise refused("The value set has no definition, and the expansion that it carries is only a part.", "incomplete")
    return found


def _contained(library: Library, listed: Any, depth: int = 0) -> Iterator[Member]:
    for c in listed if isinstance(listed, list) and depth < DEEPEST else ():
        library.spend(1)
        if not isinstance(c, dict):
            continue
        if isinstance(c.get("system"), str) and isinstance(c.get("code"), str):
            marks = {"notSelectable": c.get("abstract"), "inactive": c.get("inactive")}
            facts = [Property(name, valueBoolean=True) for name, is_so in marks.items() if is_so is True]
            said = {"code": c["code"], "display": c.get("display"), "designation": c.get("designation")}
            concept = _named(None, said)
            concept.property = facts
            yield Member(c["system"], c.get("version"), concept, library.system(c["system"], c.get("version")))
        yield from _contained(library, c.get("contains"), depth + 1)


# --- one code


def holds(library: Library, value_set: dict[str, Any], url: str, code: str, version: str | None = None) -> Verdict:
    """Is this code in the value set? `version`: of the coding that is asked about. Raises Invalid (422) as `members` does,
    but not for what cannot be listed."""
    return _holds(library, value_set, (url, code, version), ())


Asked = tuple[str, str, str | None]


def _holds(library: Library, value_set: dict[str, Any], asked: Asked, inside: tuple[str, ...]) -> Verdict:
    library.spend(1)
    if not value_set.get("compose"):
        return YES if find(_listed(library, value_set), library, asked) else NO
    found = NO
    for part in parts(value_set, "include"):
        found |= _in_part(library, part, asked, inside)
    for part in parts(value_set, "exclude") if found.answer is not False else ():
        found &= ~_in_part(library, part, asked, inside)
    if value_set["compose"].get("inactive") is False and found.answer is not False:
        concept = concept_of(library, value_set, asked)
        found = NO if concept is not None and concept.inactive else found
    return found


def find(found: Members, library: Library, asked: Asked) -> Member | None:
    url, code, _ = asked
    return found.get((url, code))


def concept_of(library: Library, value_set: dict[str, Any], asked: Asked) -> Concept | None:
    """The concept as the first include with its system has it."""
    url, code, version = asked
    for part in parts(value_set, "include"):
        if part.get("system") == url:
            system = library.system(url, part.get("version"))
            for said in part.get("concept") or ():
                if _same(system, said["code"], code):
                    return _named(system, said)
            if not part.get("concept") and system is not None and (found := system.find(code)) is not None:
                return found
    system = library.system(url, version)
    return system.find(code) if system else None


def _same(system: System | None, a: str, b: str) -> bool:
    return a == b or (system is not None and not system.case_sensitive and a.casefold() == b.casefold())


def _in_part(library: Library, part: dict[str, Any], asked: Asked, inside: tuple[str, ...]) -> Verdict:
    url, sets = part.get("system"), part.get("valueSet") or []
    if not url and not sets:
        raise refused("An include or exclude names neither a system nor a value set.", "required")
    if url in library.pins.exclude:
        return NO
    found = _in_system(library, part, asked) if url else YES
    for canonical in sets:
        if found.answer is False:
            break
        found &= _holds(library, library.value_set(canonical), asked, deeper(canonical, inside))
    return found


def _in_system(library: Library, part: dict[str, Any], asked: Asked) -> Verdict:
    url, code, version = asked
    if part["system"] != url:
        return NO
    system = library.system(url, part.get("version"))
    if version and (said := system.version if system else part.get("version")) and said != version:
        return NO
    if part.get("concept"):
        library.spend(len(part["concept"]))
        return YES if any(_same(system, c["code"], code) for c in part["concept"]) else NO
    if system is None or not (system.listed or system.content == "grammar"):
        return Verdict(None, f"Code system {library.named(url, part.get('version'))[:300]!r} is not known here.")
    if system.content == "grammar" and part.get("filter"):
        raise refused(f"Filters on {url[:200]!r} are not understood here.")
    tests = _tests(library, system, part)
    concept = system.find(code)
    if concept is None:
        return NO if system.whole else unsure(system, code)
    return YES if all(t(concept) for t in tests) else NO


def unsure(system: System, code: str) -> Verdict:
    part = f"of which only a part ({system.content}) is here: it may be a code of it."
    why = f"{code[:100]!r} is not in {system.canonical[:300]!r}, {part}"
    return Verdict(None, why, True)
