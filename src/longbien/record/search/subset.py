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
    """Top-level elements of a summary (isSummary), and the mandatory ones."""
    found = {p.removesuffix("[x]") for p in definitions.summary(type_) if "." not in p}
    return frozenset((found | mandatory(type_)) - {"text"})


@cache
def inner(type_: str, path: str) -> frozenset[str] | None:
    """What a summary holds of a group of elements (Observation.component); None for an element that has no parts of its own."""
    elements = definitions.structure(type_).elements
    element = elements.get(path)
    if element is None or element.content_reference or element.types[0].code != "BackboneElement":
        return None
    below = {e.path[len(path) + 1 :] for e in elements.values() if e.path.startswith(path + ".")}
    kept = {p for p in below if "." not in p and (f"{path}.{p}" in definitions.summary(type_) or elements[f"{path}.{p}"].min > 0)}
    return frozenset(p.removesuffix("[x]") for p in kept) | {"id", "extension", "modifierExtension"}


def _kept(name: str, wanted: frozenset[str]) -> bool:
    bare = name.removeprefix("_")
    return name in _ALWAYS or bare in wanted or any(bare.startswith(w) and bare[len(w) : len(w) + 1].isupper() for w in wanted)


def _thinned(type_: str, path: str, value: Any) -> Any:
    """A part of a summary, with the parts of it that belong to a summary."""
    wanted = inner(type_, path)
    if wanted is None:
        return value
    if isinstance(value, list):
        return [_thinned(type_, path, v) for v in value]
    return {k: _thinned(type_, f"{path}.{k}", v) for k, v in value.items() if _kept(k, wanted)}


def summarised(body: bytes, type_: str) -> bytes:
    """The resource as _summary=true gives it."""
    resource: dict[str, Any] = json.loads(body)
    wanted = summary(type_)
    return _marked({k: _thinned(type_, k, v) for k, v in resource.items() if _kept(k, wanted)})


def _marked(resource: dict[str, Any]) -> bytes:
    meta = dict(resource.get("meta") or {})
    meta["tag"] = [*(t for t in meta.get("tag", ()) if t.get("code") != "SUBSETTED"), _TAG]
    return json.dumps(resource | {"meta": meta})


def cut(body: bytes, wanted: frozenset[str] | None, *, text: bool) -> bytes:
    """The resource with `wanted` top-level elements only (None: all), with or without its text."""
    resource: dict[str, Any] = json.loads(body)
    left = {k: v for k, v in resource.items() if (text and k == "text") or (k != "text" and (wanted is None or _kept(k, wanted)))}
    return _marked(left)


def apply(page: Page, query: Query) -> None:
    if query.summary == "true":
        page.entries[:] = [e._replace(body=summarised(e.body, e.type)) for e in page.entries]
    elif query.summary in ("text", "data"):
        text = query.summary == "text"
        page.entries[:] = [e._replace(body=cut(e.body, mandatory(e.type) if text else None, text=text)) for e in page.entries]
    elif query.elements:
        chosen = frozenset(query.elements)
        for n, e in enumerate(page.entries):
            if e.mode == "match":
                page.entries[n] = e._replace(body=cut(e.body, chosen | mandatory(e.type), text="text" in chosen))
