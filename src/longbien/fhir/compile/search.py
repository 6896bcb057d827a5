"""SearchParameters and the Patient compartment.

search       {base type: [[code, kind, expression, [targets], [[component code, component expression] ...], url] ...]}
compartment  {type: [codes of the parameters that put a resource into a patient's compartment]}"""

from __future__ import annotations

from typing import Any


def parameter(p: dict[str, Any], codes: dict[str, str]) -> list[Any]:
    components = [[codes[c["definition"]], c["expression"]] for c in p.get("component", ())]
    return [p["code"], p["type"], p.get("expression", ""), p.get("target", []), components, p["url"]]


def tables(parameters: list[dict[str, Any]], patient: dict[str, Any]) -> dict[str, Any]:
    codes = {p["url"]: p["code"] for p in parameters}
    found: dict[str, list[list[Any]]] = {}
    for p in parameters:
        for base in p["base"]:
            found.setdefault(base, []).append(parameter(p, codes))
    for rows in found.values():
        rows.sort(key=lambda r: str(r[0]))
    compartment = {r["code"]: r["param"] for r in patient["resource"] if r.get("param")}
    return {"search": dict(sorted(found.items())), "compartment": dict(sorted(compartment.items()))}
