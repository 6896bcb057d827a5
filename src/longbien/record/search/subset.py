"""_summary and _elements (R4 search.html#summary): the only searches whose bodies are parsed. What was cut says SUBSETTED."""

from __future__ import annotations

from functools import cache
from typing import Any

from longbien.fhir import definitions, json
from longbien.record.page import Page

from .parse import Query

_ALWAYS = frozenset(("resourceType", "id", "meta", "implicitRules"))
_TAG = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


@cache
def mandatory(type_: str) -> frozenset[str]:
    """Top-level elements that must be there."""
    elements = definitions.structure(type_).elements.values()
    return frozenset(e.path.removesuffix("[x]") for e in elements if e.min > 0 and e.path and "." not in e.path)


@cache
def summary(type_: str) -> frozenset[str]:
    """Top-level elements of a summary: the mandatory ones and those that searches look at (the tables hold no isSummary)."""
    found = set(mandatory(type_))
    for p in definitions.search_params(type_).values():
        for part in p.expression.replace("(", "").replace(")", " ").split(" | "):
            words = part.strip().split(" ")[0].split(".")
            if len(words) > 1 and words[0] == type_:
                found.add(words[1])
    return frozenset(found - {"text"})


def _kept(name: str, wanted: frozenset[str]) -> bool:
    bare = name.removeprefix("_")
    return name in _ALWAYS or bare in wanted or any(bare.startswith(w) and bare[len(w) : len(w) + 1].isupper() for w in wanted)


def cut(body: bytes, wanted: frozenset[str] | None, *, text: bool) -> bytes:
    """The resource with `wanted` top-level elements only (None: all), with or without its text."""
    resource: dict[str, Any] = json.loads(body)
    left = {k: v for k, v in resource.items() if (text and k == "text") or (k != "text" and (wanted is None or _kept(k, wanted)))}
    meta = dict(left.get("meta") or {})
    meta["tag"] = [*(t for t in meta.get("tag", ()) if t.get("code") != "SUBSETTED"), _TAG]
    left["meta"] = meta
    return json.dumps(left)


def apply(page: Page, query: Query) -> None:
    if query.summary in ("true", "text", "data"):
        for n, e in enumerate(page.entries):
            wanted = {"true": summary, "text": mandatory}.get(query.summary, lambda _: None)(e.type)
            page.entries[n] = e._replace(body=cut(e.body, wanted, text=query.summary == "text"))
    elif query.elements:
        chosen = frozenset(query.elements)
        for n, e in enumerate(page.entries):
            if e.mode == "match":
                page.entries[n] = e._replace(body=cut(e.body, chosen | mandatory(e.type), text="text" in chosen))
