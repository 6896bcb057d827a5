"""ConceptMap: what a code becomes in another system. http://hl7.org/fhir/R4/conceptmap-operation-translate.html"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ...base.errors import Invalid

NO_MATCH = frozenset(("unmatched", "disjoint"))
_REVERSED = {"wider": "narrower", "narrower": "wider", "subsumes": "specializes", "specializes": "subsumes"}
DEEPEST = 5
"""Maps that hand over to another map."""


class Coded(NamedTuple):
    system: str | None
    code: str


class Match(NamedTuple):
    """`source`: the map's canonical. `concept`: a Coding, None for what has no equivalent."""

    equivalence: str
    concept: dict[str, Any] | None
    source: str
    products: tuple[tuple[str, dict[str, Any]], ...] = ()


Other = Callable[[str], dict[str, Any] | None]
"""Another map by its canonical, for group.unmapped.url."""
Dependencies = list[tuple[str, Coded]]


def translate(
    concept_map: dict[str, Any], coded: Coded, *, to: str | None = None, reverse: bool = False, given: Dependencies | None = None,
    other: Other = lambda url: None, depth: int = 0,
) -> Iterator[Match]:  # fmt: skip
    """What the map says of a code. to: only this target system. given: values of other elements that a mapping may depend on.
    Raises Invalid (422) for maps that hand over in a circle."""
    if depth > DEEPEST:
        raise Invalid("The concept map hands over to other maps in a circle, or too often.", code="processing", status=422)
    for group in _dicts(concept_map.get("group")):
        here, there = (group.get("target"), group.get("source")) if reverse else (group.get("source"), group.get("target"))
        if (coded.system and here and coded.system != here) or (to and there != to):
            continue
        found = list(_in_group(concept_map, group, coded, there, reverse, given or []))
        yield from found
        if not found and not reverse:
            yield from _unmapped(concept_map, group, coded, to, given, other, depth)


def _in_group(
    concept_map: dict[str, Any], group: dict[str, Any], coded: Coded, there: str | None, reverse: bool, given: Dependencies
) -> Iterator[Match]:
    source = named(concept_map)
    for element in _dicts(group.get("element")):
        for target in _dicts(element.get("target")):
            asked, answer = (target, element) if reverse else (element, target)
            if asked.get("code") != coded.code or not _depends(target, given):
                continue
            equivalence = str(target.get("equivalence") or "equivalent")
            equivalence = _REVERSED.get(equivalence, equivalence) if reverse else equivalence
            versions = group.get("sourceVersion") if reverse else group.get("targetVersion")
            yield Match(equivalence, _coding(there, answer, versions), source, () if reverse else tuple(_products(target)))


def _depends(target: dict[str, Any], given: Dependencies) -> bool:
    """Whether all that the mapping depends on is as it says."""
    return all(
        any(
            element == d.get("property") and coded.code == d.get("value") and coded.system in (None, d.get("system"))
            for element, coded in given
        )
        for d in _dicts(target.get("dependsOn"))
    )


def _products(target: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for p in _dicts(target.get("product")):
        coding = _coding(p.get("system"), {"code": p.get("value"), "display": p.get("display")}, None)
        if coding:
            yield str(p.get("property", "")), coding


def _unmapped(
    concept_map: dict[str, Any], group: dict[str, Any], coded: Coded, to: str | None, given: Dependencies | None, other: Other,
    depth: int,
) -> Iterator[Match]:  # fmt: skip
    """http://hl7.org/fhir/R4/conceptmap-definitions.html#ConceptMap.group.unmapped"""
    how = group.get("unmapped")
    if not isinstance(how, dict):
        return
    if how.get("mode") == "provided":
        yield Match("equal", _coding(group.get("target"), {"code": coded.code}, None), named(concept_map))
    elif how.get("mode") == "fixed":
        yield Match("inexact", _coding(group.get("target"), how, None), named(concept_map))
    elif how.get("mode") == "other-map" and (next_one := other(str(how.get("url")))) is not None:
        yield from translate(next_one, coded, to=to, given=given, other=other, depth=depth + 1)


def others(concept_map: dict[str, Any]) -> set[str]:
    """The maps that this one may hand over to."""
    found = (g["unmapped"].get("url") for g in _dicts(concept_map.get("group")) if isinstance(g.get("unmapped"), dict))
    return {u for u in found if isinstance(u, str)}


def named(concept_map: dict[str, Any]) -> str:
    url, version = concept_map.get("url"), concept_map.get("version")
    return f"{url}|{version}" if url and version else str(url or "")


def _coding(system: Any, said: dict[str, Any], version: Any) -> dict[str, Any] | None:
    if not isinstance(said.get("code"), str):
        return None
    found = {"system": system, "version": version, "code": said["code"], "display": said.get("display")}
    return {k: v for k, v in found.items() if isinstance(v, str) and v}


def _dicts(listed: Any) -> list[dict[str, Any]]:
    return [x for x in listed if isinstance(x, dict)] if isinstance(listed, list) else []
