"""ValueSet.expansion: what is kept of a value set's codes, in which order, and how each is written.
http://hl7.org/fhir/R4/valueset-operation-expand.html"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from ...base.fold import fold
from .compose import Member, Members
from .concepts import Concept, Designation, speaks

MOST_WORDS = 8


class Wishes(NamedTuple):
    """language: of the display. designations: write them; `only`: those of these languages or 'system|code' uses, where any are
    named."""

    language: str | None = None
    designations: bool = False
    only: tuple[str, ...] = ()
    active_only: bool = False
    selectable_only: bool = False


def kept(members: Iterable[Member], wishes: Wishes) -> list[Member]:
    """Those that are wished for."""
    found = list(members)
    if wishes.active_only:
        found = [m for m in found if not m.concept.inactive]
    return [m for m in found if not m.concept.abstract] if wishes.selectable_only else found


def matching(members: Members, text: str) -> list[Member]:
    """Those that hold every word of `text`, with or without tones, at the beginning of one of theirs: an exact code first, then
    codes that begin so, names with the same tones, names that begin so, short names, the value set's own order."""
    words = fold(text).split()[:MOST_WORDS]
    found = list(zip(members.every, members.keys_folded, strict=True))
    for word in sorted((f" {w}" for w in words), key=len, reverse=True):  # the longest first: it leaves fewest
        found = [one for one in found if word in one[1]]
    whole, toned = " ".join(words), " ".join(text.casefold().split())

    def rank(one: tuple[Member, str]) -> tuple[Any, ...]:
        member, key = one
        return (
            member.concept.code.casefold() != toned,
            not key.startswith(f"  {whole}"),
            toned != whole and not any(toned in n.casefold() for n in member.concept.names()),
            f"  {whole}" not in key,
            f" {whole}" not in key,
            len(member.concept.display or ""),
        )

    return [m for m, _ in sorted(found, key=rank)]


def contains(member: Member, wishes: Wishes, *, versions: bool = False) -> dict[str, Any]:
    """One entry of expansion.contains."""
    c = member.concept
    said: dict[str, Any] = {"system": member.url}
    if c.abstract:
        said["abstract"] = True
    if c.inactive:
        said["inactive"] = True
    if versions and member.version:
        said["version"] = member.version
    said["code"] = c.code
    display = c.called(wishes.language, member.language)
    if display:
        said["display"] = display
    if wishes.designations and (others := designations(c, member.language, wishes.only)):
        said["designation"] = others
    return said


def designations(c: Concept, own: str | None, only: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """The other names of a concept as JSON; where the language of the display is known, the display among them."""
    listed = list(c.designation)
    if own and c.display and not any(d.language == own and d.value == c.display for d in listed):
        listed.insert(0, Designation(c.display, own))
    return [as_json(d) for d in listed if not only or any(_wanted(d, w) for w in only)]


def _wanted(d: Designation, wish: str) -> bool:
    """`wish`: a language, 'urn:ietf:bcp:47|vi', or a use as 'system|code'."""
    system, bar, code = wish.rpartition("|")
    if d.use is not None and bar and (d.use.system, d.use.code) == (system, code):
        return True
    return d.language is not None and system in ("", "urn:ietf:bcp:47") and speaks(d.language, code)


def as_json(given: msgspec.Struct) -> dict[str, Any]:
    """A struct as JSON has it: without what it does not say."""
    said: dict[str, Any] = {k: v for k, v in msgspec.structs.asdict(given).items() if v is not None}
    return {k: as_json(v) if isinstance(v, msgspec.Struct) else v for k, v in said.items()}
