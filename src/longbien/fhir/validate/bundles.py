"""What holds between the entries of a Bundle, beyond its invariants. Linear in the number of entries.

https://hl7.org/fhir/R4/bundle.html"""

from __future__ import annotations

import re
from typing import Any

from .context import Context, Place, shown
from .prose.references import literal

_ABSOLUTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*:\S+")
_REST = re.compile(r"https?://.*/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})")

_WITH_IDS = ("document", "message", "collection", "searchset", "history")
"""Bundles of what exists: in the others an entry may be about to get its id."""


class Bundle:
    """The entries of a Bundle by fullUrl."""

    def __init__(self, resource: dict[str, Any]):
        self.resource = resource
        found = resource.get("entry")
        self.entries = [e for e in found if e.__class__ is dict] if found.__class__ is list else []
        self._urls: dict[str, list[dict[str, Any]]] = {}
        self.by_url: dict[str, dict[str, Any]] = {}
        for e in self.entries:
            if e.get("fullUrl").__class__ is str and e.get("resource").__class__ is dict:
                self.by_url.setdefault(e["fullUrl"], e["resource"])

    def type_of(self, url: str) -> str | None:
        """The resource type of the entry with this fullUrl, None where there is no such entry."""
        target = self.by_url.get(url)
        name = target.get("resourceType") if target else None
        return name if name.__class__ is str else None

    def find(self, reference: str, source: str) -> list[dict[str, Any]]:
        """The entries that a reference from the entry with fullUrl `source` leads to.
        https://hl7.org/fhir/R4/bundle.html#references"""
        url, _, version = reference.partition("/_history/")
        if not _ABSOLUTE.match(url):
            base = _REST.fullmatch(source)
            if base is None:
                return []
            url = source[: -len(f"{base[1]}/{base[2]}")] + url
        found = [e for e in self.urls().get(url, ()) if e.get("resource").__class__ is dict]
        return [e for e in found if not version or _version(e["resource"]) == version]

    def urls(self) -> dict[str, list[dict[str, Any]]]:
        """Entries by fullUrl, several where a Bundle has several versions."""
        if not self._urls:
            for e in self.entries:
                if e.get("fullUrl").__class__ is str:
                    self._urls.setdefault(e["fullUrl"], []).append(e)
        return self._urls


def _version(resource: dict[str, Any]) -> Any:
    meta = resource.get("meta")
    return meta.get("versionId") if meta.__class__ is dict else None


def check(bundle: Bundle, place: Place, c: Context) -> None:
    _links(bundle.resource, place, c)
    kind = bundle.resource.get("type")
    entries = bundle.resource.get("entry")
    for i, e in enumerate(entries if entries.__class__ is list else ()):
        if e.__class__ is dict:
            _full_url(bundle, e, (place, "entry", i), c)
            if kind == "searchset":
                _search_result(e, (place, "entry", i), c)
    if kind == "document" and bundle.entries:
        _document(bundle, bundle.entries[0], (place, "entry", 0), c)


def _search_result(e: dict[str, Any], place: Place, c: Context) -> None:
    """What a search found has an id; what it has to say is an OperationOutcome. https://hl7.org/fhir/R4/search.html#outcome"""
    resource, search = e.get("resource"), e.get("search")
    if resource.__class__ is not dict:
        return
    is_outcome = resource.get("resourceType") == "OperationOutcome"
    mode = search.get("mode") if search.__class__ is dict else None
    if mode == "outcome" and not is_outcome:
        c.error("value", "An entry of mode outcome must be an OperationOutcome", (place, "resource", None))
    elif "id" not in resource and not is_outcome:
        c.error("required", "The resources of a search result must have ids", (place, "resource", None))


def _document(bundle: Bundle, first: dict[str, Any], place: Place, c: Context) -> None:
    """A document holds everything that its Composition refers to, each once. https://hl7.org/fhir/R4/documents.html#content"""
    composition, source = first.get("resource"), first.get("fullUrl")
    if composition.__class__ is not dict or composition.get("resourceType") != "Composition":
        return
    for reference in literal(composition):
        if reference[:1] in ("#", ""):
            continue
        found = bundle.find(reference, source if source.__class__ is str else "")
        if len(found) != 1:
            many = f"{len(found)} entries match" if found else "no entry matches"
            c.error("not-found", f"The document refers to {shown(reference)}, but {many}", (place, "resource", None))


def _links(resource: dict[str, Any], place: Place, c: Context) -> None:
    """A relation such as self or next occurs once."""
    seen: set[str] = set()
    links = resource.get("link")
    for i, link in enumerate(links if links.__class__ is list else ()):
        relation = link.get("relation") if link.__class__ is dict else None
        if relation.__class__ is str and relation in seen:
            c.error("business-rule", f"The link {shown(relation)} can occur only once", (place, "link", i))
        elif relation.__class__ is str:
            seen.add(relation)


def _full_url(bundle: Bundle, e: dict[str, Any], place: Place, c: Context) -> None:
    """fullUrl is absolute, and says the id of the resource where it is the address of one."""
    url, resource = e.get("fullUrl"), e.get("resource")
    if url.__class__ is not str or resource.__class__ is not dict:
        return
    if not _ABSOLUTE.fullmatch(url):
        c.error("value", f"The fullUrl must be an absolute URL, not {shown(url)}", place)
        return
    address = _REST.fullmatch(url)
    identity = resource.get("id")
    if address and identity is None and address[1] == resource.get("resourceType") and bundle.resource.get("type") in _WITH_IDS:
        c.error("required", f"The fullUrl {shown(url)} is the address of a resource, but the resource has no id", place)
    if address and address[1] == resource.get("resourceType") and identity.__class__ is str and identity != address[2]:
        c.error("value", f"The fullUrl {shown(url)} does not end with the id {shown(identity)}", place)
