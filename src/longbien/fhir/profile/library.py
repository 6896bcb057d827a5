"""The profiles that are known, each compiled when first asked for and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from .. import definitions
from ..validate.context import Place
from ..validate.invariants import STUMBLES
from . import check
from .faults import Unusable
from .node import Element, Node, listed, tree
from .run import Item, Run
from .snapshot import MOST_ELEMENTS, SD, Walk, generate

Find = Callable[[str], dict[str, Any] | None]
CodesOf = Callable[[str], Mapping[str, frozenset[str]] | None]
LONGEST_CHAIN = 30
MOST_SAID = 200_000
"""Characters of all invariants of one definition."""


class Profile(NamedTuple):
    """`check(value, place, run)` puts what is wrong into the run."""

    url: str
    type: str
    check: Callable[[Any, Place, Run], None]


class Library:
    """`find` gives a StructureDefinition by url (without version), beside those of R4; `codes_of` the codes of a value set by
    system, None where it cannot be listed. What has been compiled is kept: make a new Library when definitions change."""

    def __init__(self, find: Find = lambda url: None, codes_of: CodesOf = definitions.value_set):
        self.find = find
        self.codes_of = codes_of
        self._trees: dict[str, Node | None] = {}
        self._profiles: dict[str, Profile | Unusable] = {}
        self._building: list[str] = []

    def definition(self, url: str) -> dict[str, Any] | None:
        """The StructureDefinition under a canonical url: one of R4 first, which nobody redefines."""
        url = url.partition("|")[0]
        return definitions.structure_definition(url) or self.find(url)

    def get(self, url: str) -> Profile | None:
        """The profile, None where it is not known or cannot be used (`why` says why)."""
        found = self._compiled(url)
        return found if isinstance(found, Profile) else None

    def why(self, url: str) -> Unusable | None:
        """Why a profile cannot be used; None where it can."""
        found = self._compiled(url)
        return found if isinstance(found, Unusable) else None

    def _compiled(self, url: str) -> Profile | Unusable:
        url = url.partition("|")[0]
        found = self._profiles.get(url)
        if found is None:
            try:
                found = self._compile(url)
            except Unusable as fault:
                found = fault
            except RecursionError:
                found = Unusable(f"{url[:300]}: nested too deep.", code="too-costly")
            except STUMBLES as why:
                found = Unusable(f"{url[:300]} is malformed: {type(why).__name__}.")
            if not isinstance(found, Unusable) or found.missing != url:
                self._profiles[url] = found  # what is not known costs nothing to find out again, and names come from outside
        return found

    def _compile(self, url: str) -> Profile:
        made = self.tree(url)
        if made is None:
            raise Unusable(f"The profile {url[:300]} is not known here.", code="not-found", missing=url)
        return compiled(url, made.copy(), self)

    def tree(self, url: str) -> Node | None:
        """The snapshot's tree (not to be changed), None where the url is not known. Raises Unusable."""
        url = url.partition("|")[0]
        if url in self._trees:
            return self._trees[url]
        sd = self.definition(url)
        if sd is None:
            return None
        if url in self._building or len(self._building) >= LONGEST_CHAIN:
            raise Unusable(
                f"{url} is its own base, or its bases are more than {LONGEST_CHAIN}.", "StructureDefinition.baseDefinition"
            )
        self._building.append(url)
        try:
            self._trees[url] = made = self._grow(sd)
        finally:
            self._building.pop()
        return made

    def _grow(self, sd: dict[str, Any]) -> Node:
        if sd.get("derivation") != "constraint":
            if sd.get("kind") == "logical" or definitions.structure_definition(str(sd.get("url"))) is None:
                text = "Only profiles (derivation = constraint) can be validated against, no types of one's own."
                raise Unusable(text, "StructureDefinition.derivation", code="not-supported")
            return tree(_elements(sd, "snapshot"))
        base = self.tree(str(sd.get("baseDefinition")))
        if base is not None and "differential" in sd:
            return generate(base, _elements(sd, "differential"), self._known)
        if "snapshot" not in sd:
            missing = str(sd.get("baseDefinition"))[:300]
            text = f"Its base {missing} is not known here." if base is None else "It has neither differential nor snapshot."
            raise Unusable(text, "StructureDefinition.baseDefinition", code="not-found", missing=missing if base is None else "")
        core = base or self.tree(SD + str(sd.get("type")))
        if core is None:
            raise Unusable(
                f"The type {str(sd.get('type'))[:100]!r} is not one of R4.", "StructureDefinition.type", code="not-found"
            )
        return generate(core, _elements(sd, "snapshot"), self._known)

    def _known(self, url: str) -> Node | None:
        """For unfolding: what is being built, or cannot be used, is as if it were not known."""
        if url.partition("|")[0] in self._building:
            return None
        try:
            return self.tree(url)
        except Unusable:
            return None

    def type_of(self, url: str) -> str | None:
        """The type that a profile constrains, None where the profile is not known."""
        if url.startswith(SD) and definitions.is_type(url[len(SD) :]):
            return url[len(SD) :]
        sd = self.definition(url)
        return None if sd is None else str(sd.get("type"))

    def derives(self, url: str, ancestor: str) -> bool:
        """Whether a profile is another one or built upon it."""
        for _ in range(LONGEST_CHAIN):
            if url == ancestor:
                return True
            sd = self.definition(url)
            if sd is None or sd.get("derivation") != "constraint":
                return False
            url = str(sd.get("baseDefinition")).partition("|")[0]
        return False


def _elements(sd: dict[str, Any], form: str) -> list[Element]:
    held = sd[form]
    found = held.get("element") if isinstance(held, dict) else None
    if not isinstance(found, list) or not found or not all(isinstance(e, dict) for e in found):
        raise Unusable(f"{form} has no elements.", f"StructureDefinition.{form}")
    said = sum(len(str(c.get("expression", ""))) for e in found for c in e.get("constraint", ()))
    if said > MOST_SAID:
        text = f"{form} has invariants of {said} characters; {MOST_SAID} are the most."
        raise Unusable(text, f"StructureDefinition.{form}", code="too-costly")
    if len(found) > MOST_ELEMENTS:
        raise Unusable(
            f"{form} has {len(found)} elements; {MOST_ELEMENTS} are the most.", f"StructureDefinition.{form}", code="too-long"
        )
    return found


def compiled(url: str, node: Node, library: Library) -> Profile:
    """A profile from its tree (which is unfolded further: give a copy). Raises Unusable."""
    inside = check.root(node, Walk(node, library._known))
    wanted = node.name
    abstract = wanted in ("Resource", "DomainResource", "Element", "BackboneElement")

    def judge(value: Any, place: Place, run: Run) -> None:
        kind = wanted
        if value.__class__ is dict and value.get("resourceType").__class__ is str:
            kind = value["resourceType"]
            if kind != wanted and not abstract:
                run.error("structure", f"{url} is a profile on {wanted}, not on {kind}", place)
                return
        inside(Item(value, None, place, kind, ""), run)

    return Profile(url, wanted, judge)


def snapshot(sd: dict[str, Any], library: Library) -> list[Element]:
    """The snapshot of a StructureDefinition, generated. Raises Unusable."""
    return listed(library._grow(sd))


def check_definition(sd: dict[str, Any], library: Library) -> None:
    """Whether a StructureDefinition can be used. Raises Unusable naming the element; `missing` is set where only its base is
    not there yet. Definitions of types of one's own (logical models) are not looked at: nothing is validated against them."""
    if sd.get("derivation") != "constraint" or sd.get("kind") == "logical":
        return
    url = str(sd.get("url"))
    probe = Library(lambda asked: sd if asked == url else library.find(asked), library.codes_of)
    if definitions.structure_definition(url) is not None:
        return  # R4's own: what is built in stands
    if (fault := probe.why(url)) is not None:
        raise fault
