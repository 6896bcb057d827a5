"""$expand: the codes of a value set - http://hl7.org/fhir/R4/valueset-operation-expand.html

Flat, in the order of the value set, or by how well they match `filter`. An expansion over MOST codes is refused unless it is asked
for in pages (offset, count)."""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

from longbien.base import clock, ids
from longbien.base.errors import Invalid
from longbien.fhir import json as fhir_json
from longbien.fhir.terminology import expansion
from longbien.fhir.terminology.compose import Member, Members
from longbien.fhir.terminology.expansion import Wishes
from longbien.fhir.terminology.library import Pins, split, too_costly

from ..request import Answer, Request
from .operation import At, Given, Operation, given, wrong
from .terms import begin, value_set

MOST = 10_000
"""Codes in one answer."""
LONGEST_FILTER = 200
NEVER = ("context", "contextDirection", "date", "property", "useSupplement")
_SAID = ("url", "version", "name", "title", "status", "experimental", "date", "language")
_IN_THREAD = 3000
Found = list[Member]


class Page(NamedTuple):
    text: str | None
    offset: int
    most: int | None

    def cut(self, found: Found) -> Found:
        """Raises Invalid (too-costly) where that would be more than one answer may hold."""
        page = found[self.offset :] if self.most is None else found[self.offset : self.offset + self.most]
        if len(page) > MOST:
            raise too_costly(f"The expansion has {len(found)} codes: ask for at most {MOST} at a time, with offset and count.")
        return page


async def expand(request: Request, at: At) -> Answer:
    asked = await given(request, "valueSet")
    terms = await begin(request, asked, at, "expand", "ValueSet", "CodeSystem", never=NEVER)
    page, wishes, pins, repeated = _page(asked), _wishes(asked), _pins(asked), _parameters(asked)
    found = await value_set(request, terms, asked, at)
    members = await terms.members(found, pins, keep=not asked.all("valueSet"))
    every = await asyncio.to_thread(_chosen, members, page, wishes) if len(members) > _IN_THREAD else _chosen(members, page, wishes)
    said = {k: found[k] for k in _SAID if isinstance(found.get(k), str | bool)}
    said.setdefault("status", "active")
    if asked.flag("includeDefinition") and "compose" in found:
        said["compose"] = found["compose"]
    said["expansion"] = _expansion(every, page, wishes, repeated, members)
    return Answer(200, fhir_json.dumps({"resourceType": "ValueSet", **said}))


def _chosen(members: Members, page: Page, wishes: Wishes) -> Found:
    return expansion.kept(expansion.matching(members, page.text) if page.text else members.every, wishes)


def _page(asked: Given) -> Page:
    text = asked.text("filter")
    if text is not None and len(text) > LONGEST_FILTER:
        raise wrong("filter", f"is longer than {LONGEST_FILTER} characters.")
    return Page(text.strip() or None if text else None, asked.whole("offset") or 0, asked.whole("count"))


def _wishes(asked: Given) -> Wishes:
    only = tuple(str(d) for d in asked.all("designation"))
    wanted = asked.flag("includeDesignations") or bool(only)
    asked.flag("excludeNested")  # there is no nesting here
    asked.flag("excludePostCoordinated")  # nor are there expressions
    return Wishes(asked.text("displayLanguage"), wanted, only, asked.flag("activeOnly"), asked.flag("excludeNotForUI"))


def _pins(asked: Given) -> Pins | None:
    def versions(name: str) -> dict[str, str]:
        found = [split(str(c)) for c in asked.all(name)]
        if not all(v for _, v in found):
            raise wrong(name, "must be system|version.")
        return {url: v for url, v in found if v}

    excluded = frozenset(split(str(c))[0] for c in asked.all("exclude-system"))
    pins = Pins(versions("system-version"), versions("check-system-version"), versions("force-system-version"), excluded)
    return pins if any(pins.__dict__.values()) else None


def _expansion(every: Found, page: Page, wishes: Wishes, repeated: list[dict[str, Any]], members: Members) -> dict[str, Any]:
    shown = page.cut(every)
    said: dict[str, Any] = {
        "identifier": f"urn:uuid:{ids.new_id()}",
        "timestamp": clock.instant(clock.now()),
        "total": len(every),
        "offset": page.offset,
        "parameter": [*repeated, *_used(members)],
        "contains": [expansion.contains(m, wishes, versions=members.several_versions) for m in shown],
    }
    return {k: v for k, v in said.items() if v != []}


_KINDS = {
    "filter": "valueString", "offset": "valueInteger", "count": "valueInteger", "activeOnly": "valueBoolean",
    "includeDesignations": "valueBoolean", "includeDefinition": "valueBoolean", "excludeNotForUI": "valueBoolean",
    "excludeNested": "valueBoolean", "excludePostCoordinated": "valueBoolean", "displayLanguage": "valueCode",
    "designation": "valueString", "system-version": "valueUri", "check-system-version": "valueUri",
    "force-system-version": "valueUri", "exclude-system": "valueUri",
}  # fmt: skip

PARAMETERS = ("url", "valueSet", "valueSetVersion", *_KINDS)


def _parameters(asked: Given) -> list[dict[str, Any]]:
    """What was asked, as the standard wants it said. Raises Invalid for what is not a parameter of $expand."""
    found = []
    for name, value in asked.values:
        kind = _KINDS.get(name)
        if kind == "valueBoolean":
            value = value in (True, "true")
        elif kind == "valueInteger":
            value = int(value)
        if kind is not None and value not in ("", None):
            found.append({"name": name, kind: value})
        elif kind is None and name not in PARAMETERS and not name.startswith("_"):
            raise Invalid(f"Parameter {name[:60]!r} of $expand is not known.", code="not-supported")
    return found


def _used(members: Members) -> list[dict[str, Any]]:
    """Versions of the code systems, and which of them are here in part only."""
    found = ({"name": "version" if s.whole else s.content, "valueUri": s.canonical} for s in members.systems)
    return [p for p in found if "|" in p["valueUri"] or p["name"] != "version"]


OPERATIONS = (
    Operation("expand", ("type", "instance"), expand, "http://hl7.org/fhir/OperationDefinition/ValueSet-expand", ("ValueSet",)),
)
