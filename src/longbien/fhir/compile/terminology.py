"""Code systems and value sets.

codes      {code system: MessagePack of {code: display}}: each read on its own when first asked for
valuesets  {value set: MessagePack of [[system, [codes] or None for all of the system] ...]}; a value set that
           cannot be listed from what is here (SNOMED CT, LOINC, UCUM, filters on them) is absent, so that nobody takes
           a part for the whole.
codesystems, compositions, conceptmaps
           {url: MessagePack of the resource, without what is only for readers}: what terminology operations work on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

Codes = dict[str, dict[str, None]]  # system -> codes, in order


def concepts(nodes: list[dict[str, Any]], parents: tuple[str, ...] = ()) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """Every concept with the codes above it: nested concepts, and v3's subsumedBy properties of one level."""
    for node in nodes:
        above = (*parents, *(p["valueCode"] for p in node.get("property", ()) if p["code"] == "subsumedBy"))
        yield node, above
        yield from concepts(node.get("concept", []), (*above, node["code"]))


class System:
    """One complete code system: displays, and who is below whom."""

    def __init__(self, resource: dict[str, Any]):
        found = list(concepts(resource.get("concept", [])))
        self.displays = {c["code"]: c.get("display") or "" for c, _ in found}
        self.parents: dict[str, set[str]] = {}
        for c, above in found:
            self.parents.setdefault(c["code"], set()).update(above)
            for p in c.get("property", ()):  # v3's second places of a concept: http://hl7.org/fhir/concept-properties#child
                if p["code"] == "child" and "valueCode" in p:
                    self.parents.setdefault(p["valueCode"], set()).add(c["code"])

    def is_a(self, code: str, ancestor: str, seen: frozenset[str] = frozenset()) -> bool:
        if code == ancestor:
            return True
        return any(p not in seen and self.is_a(p, ancestor, seen | {code}) for p in self.parents.get(code, ()))

    def below(self, op: str, value: str) -> list[str] | None:
        """The codes of a `concept` filter, or None for a filter that is not understood."""
        if op == "is-a":
            return [c for c in self.displays if self.is_a(c, value)]
        if op == "descendent-of":
            return [c for c in self.displays if c != value and self.is_a(c, value)]
        if op == "is-not-a":
            return [c for c in self.displays if not self.is_a(c, value)]
        return None


class Expander:
    def __init__(self, systems: dict[str, System], value_sets: dict[str, dict[str, Any]]):
        self.systems = systems
        self.value_sets = value_sets

    def include(self, part: dict[str, Any], seen: frozenset[str]) -> Codes | None:
        """ValueSet.compose.include: the codes of its system, cut down by each value set it names."""
        found = self.of_system(part)
        for url in part.get("valueSet", ()):
            other = self.expand(url.split("|")[0], seen)
            if other is None:
                return None
            if "system" not in part and found == {}:
                found = other
            elif found is not None:
                found = {s: {c: None for c in codes if c in other.get(s, ())} for s, codes in found.items()}
        return found

    def of_system(self, part: dict[str, Any]) -> Codes | None:
        url = part.get("system")
        if url is None:
            return {}
        if part.get("concept"):
            return {url: {c["code"]: None for c in part["concept"]}}
        system = self.systems.get(url)
        if system is None:
            return None
        codes = list(system.displays)
        for f in part.get("filter", ()):
            kept = system.below(f["op"], f["value"]) if f["property"] == "concept" else None
            if kept is None:
                return None
            codes = [c for c in codes if c in set(kept)]
        return {url: dict.fromkeys(codes)}

    def expand(self, url: str, seen: frozenset[str] = frozenset()) -> Codes | None:
        """The codes of a value set by system, or None where they cannot all be listed."""
        resource = self.value_sets.get(url)
        if resource is None or url in seen or not resource.get("compose"):
            return None
        found: Codes = {}
        for part in resource["compose"].get("include", ()):
            codes = self.include(part, seen | {url})
            if codes is None:
                return None
            for s, more in codes.items():
                found.setdefault(s, {}).update(more)
        for part in resource["compose"].get("exclude", ()):
            codes = self.include(part, seen | {url})
            if codes is None:
                return None
            for s, fewer in codes.items():
                found[s] = {c: None for c in found.get(s, {}) if c not in fewer}
        return found


_FOR_READERS = frozenset(("text", "meta", "contact", "extension", "copyright", "purpose", "publisher", "useContext", "jurisdiction",
                          "identifier", "contained"))  # fmt: skip


def _slim(resource: dict[str, Any]) -> bytes:
    return msgspec.msgpack.encode({k: v for k, v in resource.items() if k not in _FOR_READERS and not k.startswith("_")})


def _by_url(resources: list[dict[str, Any]], type: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for r in resources:
        if r["resourceType"] == type:
            found.setdefault(r["url"], _slim(r))
    return dict(sorted(found.items()))


def tables(resources: list[dict[str, Any]]) -> dict[str, Any]:
    value_sets: dict[str, dict[str, Any]] = {}
    systems: dict[str, System] = {}
    for r in resources:
        if r["resourceType"] == "ValueSet":
            value_sets.setdefault(r["url"], r)
        elif r["resourceType"] == "CodeSystem" and r.get("content") == "complete":
            systems.setdefault(r["url"], System(r))
    expander = Expander(systems, value_sets)
    expanded: dict[str, bytes] = {}
    for url in sorted(value_sets):
        codes = expander.expand(url)
        if codes is not None:
            whole = {s: s in systems and len(c) == len(systems[s].displays) for s, c in codes.items()}
            expanded[url] = msgspec.msgpack.encode([[s, None if whole[s] else sorted(c)] for s, c in sorted(codes.items())])
    return {
        "codes": {url: msgspec.msgpack.encode(s.displays) for url, s in sorted(systems.items())},
        "valuesets": expanded,
        "codesystems": _by_url(resources, "CodeSystem"),
        "compositions": _by_url(resources, "ValueSet"),
        "conceptmaps": _by_url(resources, "ConceptMap"),
    }
