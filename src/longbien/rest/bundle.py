"""Bundles out: the bytes of stored resources are put together without reading them again. http://hl7.org/fhir/R4/bundle.html"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from longbien.base import clock
from longbien.base.ids import new_id
from longbien.fhir import json as fhir_json

Link = tuple[str, str]


def bundle(type: str, links: Sequence[Link], entries: Iterable[bytes], total: int | None = None) -> bytes:
    """`entries`: each one entry as JSON. `links`: (relation, address)."""
    head: dict[str, object] = {
        "resourceType": "Bundle",
        "id": new_id(),
        "meta": {"lastUpdated": clock.instant(clock.now())},
        "type": type,
    }
    if total is not None:
        head["total"] = total
    if links:
        head["link"] = [{"relation": r, "url": u} for r, u in links]
    front = fhir_json.dumps(head)
    inside = b",".join(entries)
    return front[:-1] + b',"entry":[' + inside + b"]}" if inside else front


def entry(parts: dict[str, object], resource: bytes = b"", full_url: str = "") -> bytes:
    """One entry: fullUrl, the resource as it lies in the store, then `parts` (request, response, search)."""
    found: list[bytes] = []
    if full_url:
        found.append(b'"fullUrl":' + fhir_json.dumps(full_url))
    if resource:
        found.append(b'"resource":' + resource)
    rest = fhir_json.dumps(parts)[1:-1]
    if rest:
        found.append(rest)
    return b"{" + b",".join(found) + b"}"
