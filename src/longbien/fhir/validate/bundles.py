"""What holds between the entries of a Bundle, beyond its invariants. Linear in the number of entries.

https://hl7.org/fhir/R4/bundle.html"""

from __future__ import annotations

import re
from typing import Any

from .context import Context, Place, shown

_ABSOLUTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*:\S+")
_REST = re.compile(r"https?://.*/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})")


class Bundle:
    """The entries of a Bundle by fullUrl."""

    def __init__(self, resource: dict[str, Any]):
        self.resource = resource
        found = resource.get("entry")
        self.entries = [e for e in found if e.__class__ is dict] if found.__class__ is list else []
        self.by_url: dict[str, dict[str, Any]] = {}
        for e in self.entries:
            if e.get("fullUrl").__class__ is str and e.get("resource").__class__ is dict:
                self.by_url.setdefault(e["fullUrl"], e["resource"])

    def type_of(self, url: str) -> str | None:
        """The resource type of the entry with this fullUrl, None where there is no such entry."""
        target = self.by_url.get(url)
        name = target.get("resourceType") if target else None
        return name if name.__class__ is str else None


def check(bundle: Bundle, place: Place, c: Context) -> None:
    _links(bundle.resource, place, c)
    entries = bundle.resource.get("entry")
    for i, e in enumerate(entries if entries.__class__ is list else ()):
        if e.__class__ is dict:
            _full_url(bundle, e, (place, "entry", i), c)


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
    if address and address[1] == resource.get("resourceType") and identity.__class__ is str and identity != address[2]:
        c.error("value", f"The fullUrl {shown(url)} does not end with the id {shown(identity)}", place)
