"""Reference: a literal reference points to an allowed type, a fragment to something contained.

https://hl7.org/fhir/R4/references.html"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .. import definitions
from .context import Context, Place, shown

# A RESTful reference, relative or absolute: type, id and version. https://hl7.org/fhir/R4/references.html#literal
LITERAL = re.compile(
    r"(?:(https?://[^\s?]*)/)?([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/([A-Za-z0-9\-.]{1,64}))?(?:#.*)?"
)
CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?\S+")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*:")


def literal_type(reference: str) -> str | None:
    """The resource type that a literal reference names, None where it does not say."""
    found = LITERAL.fullmatch(reference) or CONDITIONAL.fullmatch(reference)
    name = found and (found[2] if found.re is LITERAL else found[1])
    return name if name and definitions.is_type(name) else None


def target_type(reference: str, place: Place, c: Context) -> str | None:
    """The type of what is referred to, where it can be known; faults of the reference itself are reported."""
    if reference[0] == "#":
        c.fragments.append(reference)
        if reference == "#":
            return c.root.get("resourceType") if c.root is not c.resource else None
        target = c.contained(reference[1:])
        if target is None:
            c.error("invariant", f"ref-1: {shown(reference)} refers to nothing contained", place)
            return None
        named = target.get("resourceType")
        return named if named.__class__ is str else None
    found = LITERAL.fullmatch(reference)
    if found:
        if definitions.is_type(found[2]):
            return found[2]
        if found[1] is None:
            c.error("value", f"{shown(reference)}: {found[2]} is no resource type", place)
        return None
    if reference.startswith("urn:uuid:") or reference.startswith("urn:oid:"):
        return None if c.bundle is None else c.bundle.type_of(reference)
    if not _SCHEME.match(reference):
        asked = CONDITIONAL.fullmatch(reference)
        if asked and definitions.is_type(asked[1]):
            return asked[1]
        c.error("value", f"{shown(reference)} is no reference: Type/id, an absolute URL or #id", place)
    return None


def checker(targets: frozenset[str]) -> Callable[[Any, dict[str, Any], Place, Context], None]:
    """A check of one Reference against the types that its element allows (empty: any)."""
    allowed = frozenset() if "Resource" in targets else targets
    listed = ", ".join(sorted(targets))

    def check(v: Any, host: dict[str, Any], place: Place, c: Context) -> None:
        if v.__class__ is not dict:
            return
        reference, said = v.get("reference"), v.get("type")
        kind = target_type(reference, place, c) if reference.__class__ is str and reference else None
        if said.__class__ is str:
            said = said.removeprefix("http://hl7.org/fhir/StructureDefinition/")
            if kind is not None and said != kind:
                c.error("value", f"The reference points to {kind}, but its type says {shown(said)}", place)
            kind = kind or (said if definitions.is_type(said) else None)
        if allowed and kind is not None and kind not in allowed:
            c.error("structure", f"A reference to {kind} is not allowed here, only to {listed}", place)

    return check
