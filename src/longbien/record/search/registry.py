"""The search parameters that this house has beside R4's own, and what of the index is complete: consulted by what writes the index
and by what asks it. Pure; record/parameters.py reads it from the database and keeps it fresh.

A process serves one house, so there is one registry a process (`current`). It is never changed, only replaced. A parameter's code
in here is 'code~generation': so its keys (keys.py) are its own and what an earlier definition left in the index is never found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from longbien.fhir import definitions
from longbien.fhir.definitions import SearchParam
from longbien.fhir.extract import Extractor, extractor_of
from longbien.fhir.path.parser import parse
from longbien.fhir.path.plan import NotStatic, paths

if TYPE_CHECKING:
    from .params.composite import Nested

THERE = "~there"
"""'T.code~generation~there': the term of a resource that has any value for it (R4's own have bits: slots.bits)."""


class Own(NamedTuple):
    """One parameter on one type. id: of its SearchParameter. nested: of a composite. ready: all of the type is indexed by it."""

    type: str
    param: SearchParam
    id: str
    ready: bool
    nested: Nested | None = None

    @property
    def prefix(self) -> str:
        return f"{self.type}.{self.param.code}"


@dataclass(frozen=True)
class Registry:
    """stamp: what writers say they index by. readied: counts what became complete. parts: 'Location.near', '_text', '_content' ->
    (wanted, ready). by_type: type -> own parameters, under their code and under code~generation."""

    stamp: int = 0
    readied: int = 0
    parts: Mapping[str, tuple[bool, bool]] = field(default_factory=dict)
    by_type: Mapping[str, Mapping[str, Own]] = field(default_factory=dict)
    codes: frozenset[str] = frozenset()
    made: dict[str, Any] = field(default_factory=dict)
    """What others compile from it, by type: index.rows keeps its steps here."""

    def find(self, type_: str | None, code: str) -> Own | None:
        own = self.by_type.get(type_) if type_ else None
        return own.get(code) if own else None

    def of(self, type_: str) -> list[Own]:
        """The own parameters of a type, by code."""
        own = self.by_type.get(type_, {})
        return [own[code] for code in sorted(own) if "~" not in code]


def make(stamp: int, readied: int, parts: Mapping[str, tuple[bool, bool]], owns: Iterable[Own]) -> Registry:
    by_type: dict[str, dict[str, Own]] = {}
    for own in owns:
        listed = by_type.setdefault(own.type, {})
        listed[own.param.code] = listed[public(own.param.code)] = own
    codes = frozenset(code for listed in by_type.values() for code in listed)
    return Registry(stamp, readied, dict(parts), by_type, codes)


current = Registry()


def put(fresh: Registry) -> None:
    global current
    current = fresh


def public(code: str) -> str:
    """The code that clients use."""
    return code.partition("~")[0]


def find(type_: str | None, code: str) -> Own | None:
    """By either form of its code."""
    return current.find(type_, code)


PARTS = {("Location", "near"): "Location.near"}


def state(type_: str, code: str) -> tuple[bool, bool]:
    """Of a parameter that can be asked: (whether the index is kept for it, whether it is complete)."""
    if "~" in code:
        own = find(type_, code)
        return True, own is None or own.ready
    if code in ("_text", "_content"):
        return current.parts.get(code, (False, False))
    part = PARTS.get((type_, code))
    return current.parts.get(part, (True, True)) if part else (True, True)


def param(type_: str, code: str) -> SearchParam | None:
    """R4's own parameter or this house's."""
    found = definitions.search_params(type_).get(code)
    if found is None and (own := current.find(type_, code)) is not None:
        return own.param
    return found


def extractor(type_: str) -> Extractor | None:
    """The values of a type's own parameters (under code~generation); None where it has none."""
    own = current.by_type.get(type_)
    if not own:
        return None
    made: Extractor | None = current.made.get(type_ + "?")
    if made is None:
        made = current.made[type_ + "?"] = extractor_of(type_, [o.param for o in current.of(type_)])
    return made


def canonical(type_: str, code: str) -> bool:
    """Whether an own reference parameter may find canonical urls."""
    own = current.find(type_, code)
    try:
        return own is not None and any(p.type in ("canonical", "uri") for p in paths(parse(own.param.expression), type_))
    except NotStatic:
        return True


def names(params: Sequence[tuple[str, str]]) -> bool:
    """Whether a search's parameters may name one of them, or full text: a cheap guess that errs to yes."""
    if any("_text" in k or "_content" in k for k, _ in params):
        return True
    if not current.codes:
        return False
    text = "&".join(f"{k}={v}" if k in _NAMING else k for k, v in params)
    return any(code in text for code in current.codes if "~" not in code)


_NAMING = ("_sort", "_include", "_revinclude", "_include:iterate", "_revinclude:iterate", "_filter")
