"""System scopes of a machine's token, in the words of SMART App Launch 1.0 (system/Observation.read) and 2.x (system/*.rs).

https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html"""

from __future__ import annotations

import re
from typing import NamedTuple

from longbien.base.errors import Invalid
from longbien.record.types import number

_ONE = re.compile(r"system/(\*|[A-Z][A-Za-z]{1,60})\.(\*|read|write|c?r?u?d?s?)\Z")


class Allowed(NamedTuple):
    """Resource types; None for all."""

    reads: frozenset[str] | None
    writes: frozenset[str] | None


def parse(text: str) -> Allowed:
    """Raises Invalid, naming the part that cannot be granted. This server grants reading (r and s) and writing (c, u and d) as
    wholes, and no scopes with a query: what it could not hold exactly it refuses, rather than grant more than was asked."""
    reads: set[str] = set()
    writes: set[str] = set()
    parts = text.split()
    if not parts:
        raise Invalid('A token needs a scope, such as "system/*.rs".', code="value")
    for part in parts:
        found = _ONE.match(part)
        if not found or not found[2]:
            raise Invalid(f"Scope {part[:80]!r} is not of the form system/<type or *>.<read, write, rs, cruds or *>.", code="value")
        type_, what = found[1], found[2]
        if type_ != "*" and number(type_) is None:
            raise Invalid(f"Scope {part[:80]!r} names {type_}, which is not an R4 resource type.", code="value")
        does_read, does_write = _what(part, what)
        if does_read:
            reads.add(type_)
        if does_write:
            writes.add(type_)
    return Allowed(None if "*" in reads else frozenset(reads), None if "*" in writes else frozenset(writes))


def _what(part: str, what: str) -> tuple[bool, bool]:
    if what in ("*", "read", "write"):
        return what != "write", what != "read"
    letters = set(what)
    for whole, name in (({"r", "s"}, "reading is r and s together"), ({"c", "u", "d"}, "writing is c, u and d together")):
        if letters & whole and not whole <= letters:
            raise Invalid(f"Scope {part[:80]!r}: here {name}.", code="not-supported")
    return "r" in letters, "c" in letters
