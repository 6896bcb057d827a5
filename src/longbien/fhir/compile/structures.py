"""StructureDefinitions of resources and data types: one row an element.

    types       all concrete resource types, alphabetical
    summary     {resource type: [paths below it that a summary holds (isSummary)]}
    structures  {type: {"kind", "base", "abstract", "elements": [row ...],
                        "constraints": {key: [severity, human, expression]}}}

A row is [path below the type ("" is the type itself, "contact.name" an inner one), min, max (-1 is *),
[[type code, [target types or profiles], [profiles]] ...], [strength, value set] or None, content reference or None,
[constraint keys], max value set or None]. ele-1 and ext-1 hold for every element and are left out."""

from __future__ import annotations

from typing import Any

EVERYWHERE = frozenset(("ele-1", "ext-1"))
_SD = "http://hl7.org/fhir/StructureDefinition/"
_FHIR_TYPE = _SD + "structuredefinition-fhir-type"
_MAX_VALUE_SET = _SD + "elementdefinition-maxValueSet"


def type_code(t: dict[str, Any]) -> str:
    """The FHIR type of ElementDefinition.type: FHIRPath's System types carry the real one in an extension."""
    for x in t.get("extension", ()):
        if x["url"] == _FHIR_TYPE:
            return str(x.get("valueUrl") or x.get("valueUri"))
    code = str(t.get("code", ""))
    system = "http://hl7.org/fhirpath/System."
    return {"String": "string", "Boolean": "boolean", "Integer": "integer"}.get(code.removeprefix(system), code)


def types(element: dict[str, Any]) -> list[list[Any]]:
    found: list[list[Any]] = []
    for t in element.get("type", ()):
        targets = [u.removeprefix(_SD) for u in t.get("targetProfile", ())]
        found.append([type_code(t), targets, [u.removeprefix(_SD) for u in t.get("profile", ())]])
    return found


def binding(element: dict[str, Any]) -> tuple[list[str] | None, str | None]:
    """[strength, value set without its version], and the elementdefinition-maxValueSet."""
    b = element.get("binding")
    if not b:
        return None, None
    most = [x["valueCanonical"] for x in b.get("extension", ()) if x["url"] == _MAX_VALUE_SET]
    bound = [b["strength"], b["valueSet"].split("|")[0]] if b.get("valueSet") else None
    return bound, most[0].split("|")[0] if most else None


def row(element: dict[str, Any], below: str, constraints: dict[str, list[str]]) -> list[Any]:
    """One element of a snapshot; its constraints are put into `constraints`."""
    keys = []
    for c in element.get("constraint", ()):
        if c["key"] not in EVERYWHERE:
            keys.append(c["key"])
            constraints[c["key"]] = [c["severity"], c["human"], c.get("expression", "")]
    bound, most = binding(element)
    highest = -1 if element["max"] == "*" else int(element["max"])
    reference = element.get("contentReference")
    path = element["path"].removeprefix(below).removeprefix(".")
    inner = reference.split("#")[1].removeprefix(below).removeprefix(".") if reference else None
    return [path, element["min"], highest, types(element), bound, inner, keys, most]


def structure(sd: dict[str, Any]) -> dict[str, Any]:
    constraints: dict[str, list[str]] = {}
    rows = [row(e, sd["type"], constraints) for e in sd["snapshot"]["element"]]
    return {
        "kind": sd["kind"],
        "base": sd.get("baseDefinition", "").removeprefix(_SD),
        "abstract": sd["abstract"],
        "elements": rows,
        "constraints": constraints,
    }


def tables(resources: list[dict[str, Any]], data_types: list[dict[str, Any]]) -> dict[str, Any]:
    found = {}
    for sd in resources + data_types:
        published = sd["resourceType"] == "StructureDefinition" and sd.get("fhirVersion") == "4.0.1"
        if published and sd["kind"] != "logical" and sd.get("derivation") != "constraint":
            found[sd["type"]] = structure(sd)
    concrete = sorted(t for t, s in found.items() if s["kind"] == "resource" and not s["abstract"])
    return {"types": concrete, "structures": dict(sorted(found.items())), "summary": summaries(resources, concrete)}


def summaries(resources: list[dict[str, Any]], concrete: list[str]) -> dict[str, list[str]]:
    found = {}
    for sd in resources:
        if sd["resourceType"] == "StructureDefinition" and sd["type"] in concrete and sd.get("derivation") != "constraint":
            below = (e["path"].removeprefix(sd["type"] + ".") for e in sd["snapshot"]["element"] if e.get("isSummary"))
            found[sd["type"]] = sorted(below)
    return found
