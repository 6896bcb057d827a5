"""Every StructureDefinition of R4 by its url, as what profiles are built from: {url: zlib of MessagePack of the slim definition}.

Core types keep their snapshot, profiles and extensions their differential (the snapshot is generated, and held to the published
one by a test). Texts for people stay behind: what is kept decides whether a resource conforms."""

from __future__ import annotations

import zlib
from typing import Any

import msgspec

_KEPT = frozenset(
    ("id", "path", "sliceName", "slicing", "min", "max", "type", "contentReference", "maxLength", "mustSupport", "isModifier")
)
_VALUES = ("fixed", "pattern", "minValue", "maxValue")
_ABOUT = ("url", "version", "name", "type", "kind", "baseDefinition", "derivation", "abstract", "context")


def element(e: dict[str, Any]) -> dict[str, Any]:
    """One ElementDefinition without what only people read."""
    kept = {k: v for k, v in e.items() if k in _KEPT or k.startswith(_VALUES)}
    if "constraint" in e:
        kept["constraint"] = [{k: c[k] for k in ("key", "severity", "human", "expression") if k in c} for c in e["constraint"]]
    if "binding" in e:
        kept["binding"] = {k: e["binding"][k] for k in ("strength", "valueSet") if k in e["binding"]}
    return kept


def slim(sd: dict[str, Any]) -> dict[str, Any]:
    """A StructureDefinition without what only people read: its snapshot where it is a core type, else its differential; both
    where there is no telling."""
    kept = {k: sd[k] for k in _ABOUT if k in sd}
    constraint = sd.get("derivation") == "constraint"
    forms = ("differential", "snapshot") if constraint else ("snapshot", "differential")
    form = next((f for f in forms if f in sd), None)
    if form is not None:
        kept[form] = {"element": [element(e) for e in sd[form]["element"]]}
    return kept


def tables(*sources: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, bytes] = {}
    for sd in (r for source in sources for r in source):
        if sd["resourceType"] == "StructureDefinition" and sd.get("fhirVersion") == "4.0.1" and sd["kind"] != "logical":
            found.setdefault(sd["url"], zlib.compress(msgspec.msgpack.encode(slim(sd)), 9))
    return {"profiles": dict(sorted(found.items()))}
