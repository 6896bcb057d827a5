"""One code system in memory. http://hl7.org/fhir/R4/codesystem.html"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from ...base.errors import Invalid
from ...base.fold import fold

LISTED = frozenset(("complete", "fragment", "example"))
"""Contents that bring concepts along."""
_ABOVE = frozenset(("parent", "subsumedBy"))
_KEPT = 64
"""Sets of descendants that a system remembers."""


class Coding(msgspec.Struct, gc=False, frozen=True):
    system: str | None = None
    version: str | None = None
    code: str | None = None
    display: str | None = None


class Designation(msgspec.Struct, gc=False, frozen=True):
    """Another name of a concept. http://hl7.org/fhir/R4/codesystem-definitions.html#CodeSystem.concept.designation"""

    value: str = ""
    language: str | None = None
    use: Coding | None = None


class Property(msgspec.Struct, gc=False, frozen=True):
    """A fact about a concept: exactly one of value[x]."""

    code: str
    valueCode: str | None = None  # noqa: N815 - the standard's names
    valueString: str | None = None  # noqa: N815
    valueCoding: Coding | None = None  # noqa: N815
    valueInteger: int | None = None  # noqa: N815
    valueBoolean: bool | None = None  # noqa: N815
    valueDateTime: str | None = None  # noqa: N815
    valueDecimal: Decimal | None = None  # noqa: N815

    @property
    def value(self) -> tuple[str, Any]:
        """('valueCode', 'x'); ('valueString', '') where it has none."""
        for name in self.__struct_fields__[1:]:
            found = getattr(self, name)
            if found is not None:
                return name, found
        return "valueString", ""

    @property
    def text(self) -> str:
        """As a filter compares it: a coding by its code, a boolean as true or false."""
        found = self.value[1]
        if isinstance(found, Coding):
            return found.code or ""
        return str(found).lower() if isinstance(found, bool) else str(found)


class Concept(msgspec.Struct, gc=False):
    """One concept. `concept`: the nested ones; empty once they are in a System."""

    code: str
    display: str | None = None
    definition: str | None = None
    designation: list[Designation] = []
    property: list[Property] = []
    concept: list[Concept] = []

    def values(self, name: str) -> Iterator[str]:
        return (p.text for p in self.property if p.code == name)

    @builtins.property
    def abstract(self) -> bool:
        """Stands for a group only, not to be chosen. http://hl7.org/fhir/concept-properties#notSelectable"""
        return any(p.code in ("notSelectable", "abstract") and p.valueBoolean for p in self.property)

    @builtins.property
    def inactive(self) -> bool:
        """http://hl7.org/fhir/concept-properties#inactive, #status; deprecated too, as in HL7's example of inactive codes (CRT)."""
        return any(
            (p.code == "inactive" and p.text == "true") or (p.code == "status" and p.text in ("deprecated", "retired", "inactive"))
            for p in self.property
        )

    def called(self, language: str | None, own: str | None) -> str | None:
        """The name in a language (en finds en-GB), `own` being the language of the display; the display where there is none."""
        if language is None or speaks(own, language):
            return self.display
        for match in (str.__eq__, speaks):
            for d in self.designation:
                if d.language and match(d.language, language):
                    return d.value
        return self.display

    def names(self) -> Iterator[str]:
        if self.display:
            yield self.display
        yield from (d.value for d in self.designation if d.value)


def speaks(given: str | None, wanted: str) -> bool:
    """Whether text in language `given` serves who wants `wanted`: vi-VN serves vi, and vi serves vi-VN."""
    if not given:
        return False
    a, b = given.lower(), wanted.lower()
    return a == b or a.startswith(b + "-") or b.startswith(a + "-")


class DeclaredProperty(msgspec.Struct, gc=False):
    code: str
    uri: str | None = None
    description: str | None = None
    type: str | None = None


class Definition(msgspec.Struct, gc=False):
    """A CodeSystem as far as its meaning goes."""

    url: str = ""
    version: str | None = None
    name: str | None = None
    title: str | None = None
    status: str = ""
    date: str | None = None
    language: str | None = None
    content: str = "complete"
    caseSensitive: bool = True  # noqa: N815 - the standard's names
    hierarchyMeaning: str | None = None  # noqa: N815
    supplements: str | None = None
    valueSet: str | None = None  # noqa: N815
    property: list[DeclaredProperty] = []
    concept: list[Concept] = []


_decode = msgspec.json.Decoder(Definition).decode


def read(body: bytes | Mapping[str, Any]) -> System:
    """A System from a CodeSystem's JSON, or from the compiled tables. Raises Invalid where it has not the standard's shape."""
    try:
        return System(_decode(body) if isinstance(body, bytes) else msgspec.convert(body, Definition))
    except (msgspec.ValidationError, UnicodeError) as wrong:
        raise Invalid(f"A CodeSystem is not of the standard's shape: {str(wrong)[:200]}", code="structure", status=422) from None


class System:
    """Concepts by code, and the hierarchy by nesting and by the properties parent, subsumedBy and child."""

    def __init__(self, d: Definition):
        self.url, self.version, self.name, self.title = d.url, d.version, d.name, d.title
        self.content, self.language, self.supplements = d.content, d.language, d.supplements
        self.case_sensitive, self.meaning, self.value_set = d.caseSensitive, d.hierarchyMeaning, d.valueSet
        self.declared = {p.code: p for p in d.property}
        self.concepts: dict[str, Concept] = {}
        self.up: dict[str, list[str]] = {}
        self.down: dict[str, list[str]] = {}
        self._folded: dict[str, str] = {}
        self._below: dict[str, frozenset[str]] = {}
        self._keys: dict[str, str] | None = None
        self._take(d.concept)
        if not d.caseSensitive:
            self._folded = {c.casefold(): c for c in self.concepts}

    def _take(self, roots: list[Concept]) -> None:
        waiting: list[tuple[Concept, str | None]] = [(c, None) for c in reversed(roots)]
        while waiting:
            one, parent = waiting.pop()
            self.concepts.setdefault(one.code, one)
            if parent is not None:
                self._link(one.code, parent)
            for p in one.property:
                if p.code in _ABOVE and p.text:
                    self._link(one.code, p.text)
                elif p.code == "child" and p.text:
                    self._link(p.text, one.code)
            waiting += [(c, one.code) for c in reversed(one.concept)]
            one.concept = []

    def _link(self, code: str, parent: str) -> None:
        above = self.up.setdefault(code, [])
        if parent not in above and parent != code:
            above.append(parent)
            self.down.setdefault(parent, []).append(code)

    @property
    def whole(self) -> bool:
        """Whether a code that is not here is wrong (else it may stand in another part of the system)."""
        return self.content == "complete"

    @property
    def listed(self) -> bool:
        """Whether there is anything to list."""
        return self.content in LISTED

    @property
    def canonical(self) -> str:
        return f"{self.url}|{self.version}" if self.version else self.url

    def __len__(self) -> int:
        return len(self.concepts)

    def find(self, code: str) -> Concept | None:
        found = self.concepts.get(code)
        if found is None and self._folded:
            found = self.concepts.get(self._folded.get(code.casefold(), ""))
        return found

    def __iter__(self) -> Iterator[Concept]:
        return iter(self.concepts.values())

    def walk(self, code: str, way: Mapping[str, Sequence[str]]) -> frozenset[str]:
        """The code and all that `up` or `down` lead to; circles end where they began."""
        found, todo = {code}, [code]
        while todo:
            new = [c for c in way.get(todo.pop(), ()) if c not in found]
            found.update(new)
            todo += new
        return frozenset(found)

    def below(self, code: str) -> frozenset[str]:
        """The code and all that it subsumes."""
        found = self._below.get(code)
        if found is None:
            if len(self._below) >= _KEPT:
                self._below.clear()
            found = self._below[code] = self.walk(code, self.down)
        return found

    def above(self, code: str) -> frozenset[str]:
        """The code and all that subsume it."""
        return self.walk(code, self.up)

    def key(self, concept: Concept) -> str:
        """Everything that a concept is found by: search_key, made once."""
        if self._keys is None:
            self._keys = {}
        found = self._keys.get(concept.code)
        if found is None:
            found = search_key(concept)
            if self.concepts.get(concept.code) is concept:
                self._keys[concept.code] = found
        return found


def search_key(concept: Concept) -> str:
    """Code and names, folded; two spaces before each, so that the beginning of a name can be told from that of a word."""
    return "".join(f"  {text}" for text in dict.fromkeys([fold(concept.code), *(fold(n) for n in concept.names())]))


class Grammar(System):
    """A code system whose codes are made by rules and cannot be listed (UCUM, languages, media types). `judge` gives the display
    of a code, None where it is none."""

    def __init__(self, url: str, name: str, judge: Callable[[str], str | None], version: str | None = None):
        super().__init__(Definition(url=url, name=name, version=version, content="grammar"))
        self._judge = judge

    @property
    def whole(self) -> bool:
        return True

    def find(self, code: str) -> Concept | None:
        display = self._judge(code) if len(code) <= 1000 else None
        return None if display is None else Concept(code, display)
