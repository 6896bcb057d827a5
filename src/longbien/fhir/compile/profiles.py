"""The profiles of base R4 (vital signs, SimpleQuantity ...): what each asks beyond its base type.

profiles  {url: {"type",
                 "elements": [[id, path, slice name, min, max, types, binding, fixed or None, pattern or None] ...],
                 "slicing": {id: [[discriminator type, path] ...]},
                 "constraints": [[path, key, severity, human, expression] ...]}}"""

from __future__ import annotations

from typing import Any

from .structures import EVERYWHERE, binding, types


def _value(element: dict[str, Any], prefix: str) -> Any:
    for key, value in element.items():
        if key.startswith(prefix) and len(key) > len(prefix) and key[len(prefix)].isupper():
            return value
    return None


def profile(sd: dict[str, Any]) -> dict[str, Any]:
    rows: list[list[Any]] = []
    slicing: dict[str, list[list[str]]] = {}
    constraints: list[list[str]] = []
    for e in sd["snapshot"]["element"]:
        highest = -1 if e["max"] == "*" else int(e["max"])
        row = [e["id"], e["path"].removeprefix(sd["type"]).removeprefix("."), e.get("sliceName"), e["min"], highest]
        rows.append([*row, types(e), binding(e)[0], _value(e, "fixed"), _value(e, "pattern")])
        if e.get("slicing"):
            slicing[e["id"]] = [[d["type"], d["path"]] for d in e["slicing"].get("discriminator", ())]
        constraints.extend(
            [rows[-1][1], c["key"], c["severity"], c["human"], c.get("expression", "")]
            for c in e.get("constraint", ())
            if c["key"] not in EVERYWHERE
        )
    return {"type": sd["type"], "elements": rows, "slicing": slicing, "constraints": constraints}


def tables(profiles: list[dict[str, Any]], data_types: list[dict[str, Any]]) -> dict[str, Any]:
    kept = [sd for sd in profiles + data_types if sd.get("derivation") == "constraint" and sd["fhirVersion"] == "4.0.1"]
    return {"profiles": {sd["url"]: profile(sd) for sd in sorted(kept, key=lambda sd: str(sd["url"]))}}
