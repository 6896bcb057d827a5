"""The extensions of base R4: {url: [is a modifier, [[context kind, expression] ...], [value types], value is required,
{inner url: [min, max, [value types]]} or None, [strength, value set] or None]}."""

from __future__ import annotations

from typing import Any

from .structures import binding, type_code


def extension(sd: dict[str, Any]) -> list[Any]:
    elements = sd["snapshot"]["element"]
    by_id = {e["id"]: e for e in elements}
    value = by_id.get("Extension.value[x]", {"max": "0"})
    allowed = [] if value["max"] == "0" else [type_code(t) for t in value.get("type", ())]
    inner: dict[str, list[Any]] = {}
    for e in elements:
        if not e["id"].startswith("Extension.extension:") or e["id"].count(".") != 1:
            continue
        url = by_id.get(e["id"] + ".url", {}).get("fixedUri", e.get("sliceName"))
        v = by_id.get(e["id"] + ".value[x]", {"max": "0"})
        kinds = [] if v["max"] == "0" else [type_code(t) for t in v.get("type", ())]
        inner[url] = [e["min"], -1 if e["max"] == "*" else int(e["max"]), kinds]
    contexts = [[c["type"], c["expression"]] for c in sd.get("context", ())]
    modifier = bool(by_id["Extension"].get("isModifier"))
    return [modifier, contexts, allowed, bool(value.get("min")), inner or None, binding(value)[0]]


def tables(definitions: list[dict[str, Any]]) -> dict[str, Any]:
    base = [sd for sd in definitions if sd.get("fhirVersion") == "4.0.1" and sd["type"] == "Extension"]
    return {"extensions": {sd["url"]: extension(sd) for sd in sorted(base, key=lambda sd: str(sd["url"]))}}
