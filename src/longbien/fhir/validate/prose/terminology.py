"""Code systems, value sets, and SNOMED CT identifiers.

https://hl7.org/fhir/R4/codesystem.html, https://hl7.org/fhir/R4/valueset.html, https://hl7.org/fhir/R4/snomedct.html"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from ... import definitions
from ..context import Context, Place, shown
from .check import Check, objects

SNOMED = "http://snomed.info/sct"
_EXPRESSION = re.compile(r"[:+=|<{(,\s]")
# Verhoeff's dihedral check: multiplication and permutation tables (SNOMED CT Release File Specification, 5.5).
_D = ("0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
      "5987604321", "6598710432", "7659821043", "8765932104", "9876543210")  # fmt: skip
_P = ("0123456789", "1576283094", "5803796142", "8916043527", "9453126870", "4286573901", "2793806415", "7046913258")


@lru_cache(maxsize=8192)
def is_sctid(code: str) -> bool:
    """Digits (6 to 18 of them: ask before), the last a check digit: the form of every SNOMED CT identifier."""
    if not (code.isascii() and code.isdigit() and code[0] != "0"):
        return False
    check = "0"
    for i, digit in enumerate(reversed(code)):
        check = _D[int(check)][int(_P[i % 8][int(digit)])]
    return check == "0"


_LOINC = re.compile(r"[0-9]{1,7}-[0-9]")


def is_loinc(code: str) -> bool:
    """The form of a LOINC code: digits, a dash and a check digit (Luhn's)."""
    if not _LOINC.fullmatch(code):
        return False
    total = 0
    for i, digit in enumerate(reversed(code[:-2])):
        n = int(digit) * (2 if i % 2 == 0 else 1)
        total += n // 10 + n % 10
    return (10 - total % 10) % 10 == int(code[-1])


def coding(v: dict[str, Any], place: Place, c: Context) -> None:
    """A Coding of a system that the specification lists whole: an unknown code is an error where the system is R4's own
    (it can never get more codes), a warning where HL7 still publishes it (v2, v3, THO). Displays may differ."""
    system, code = v.get("system"), v.get("code")
    if system.__class__ is not str or code.__class__ is not str:
        return
    if system == SNOMED:
        if not (6 <= len(code) <= 18 and is_sctid(code)) and not _EXPRESSION.search(code):
            # A wrong code is kept and said: a life is not refused for it. HL7 refuses it, but for a LOINC code under SNOMED's name.
            say = c.error if c.strict and not is_loinc(code) else c.warn
            say("code-invalid", f"{shown(code)} is no SNOMED CT identifier: its form or check digit is wrong", place)
        return
    known = None if "version" in v else definitions.codes(system)
    if not known:
        return
    display = known.get(code)
    if display is None:
        severity = c.error if system.startswith("http://hl7.org/fhir/") else c.warn
        severity("code-invalid", f"The code {shown(code)} is unknown in the code system {system}", place)
        return
    said = v.get("display")
    if said.__class__ is str and said != display and display and said.casefold() != display.casefold():
        c.add("information", "code-invalid", f"The display {shown(said)} of {code} differs: {shown(display)}", place)


_VALUE_TYPES = {"Code": "code", "Coding": "Coding", "String": "string", "Integer": "integer", "Boolean": "boolean",
                "DateTime": "dateTime", "Decimal": "decimal"}  # fmt: skip


def code_system(v: dict[str, Any], place: Place, c: Context) -> None:
    """Properties are declared once, and concepts give them values of the declared type."""
    types: dict[str, Any] = {}
    uris: set[str] = set()
    for p, here in objects(v, "property", place):
        code, uri = p.get("code"), p.get("uri")
        if code in types:
            c.error("business-rule", f"A property with the code {shown(code)} is already defined", here)
        if uri in uris:
            c.error("business-rule", f"A property with the uri {shown(uri)} is already defined", here)
        types.setdefault(code, p.get("type"))  # type: ignore[arg-type]
        if uri is not None:
            uris.add(uri)
    stack = list(objects(v, "concept", place)) if types else []
    while stack:
        concept, here = stack.pop()
        stack.extend(objects(concept, "concept", here))
        for p, where in objects(concept, "property", here):
            kind = next((_VALUE_TYPES.get(k[5:]) for k in p if k.startswith("value")), None)
            declared = types.get(str(p.get("code")), kind)
            if kind is not None and declared != kind:
                c.error("business-rule", f"The property {shown(p['code'])} has a {kind}, but is declared {declared}", where)


def include(v: dict[str, Any], place: Place, c: Context) -> None:
    """ValueSet.compose.include: the system is absolute, the listed codes are codes of it, filters can be read."""
    system = v.get("system")
    if system.__class__ is not str:
        return
    if ":" not in system:
        c.error("value", f"The system must be an absolute URI, not {shown(system)}", place)
    version = {"version": v["version"]} if "version" in v else {}
    for concept, here in objects(v, "concept", place):
        coding({"system": system, "code": concept.get("code"), **version}, here, c)
    if system == SNOMED:
        for f, here in objects(v, "filter", place):
            if f.get("property") == "constraint" and not is_ecl(f.get("value", "")):
                c.error("value", f"{shown(f['value'])} is no expression constraint (ECL)", here)


_ECL = re.compile(
    r"\s*(?:(?P<term>\|[^|]*\|)|(?P<id>\d+|\*)|(?P<word>[A-Za-z]+)|(?P<join>!?=|[:.,{}\[\]]|\.\.)"
    r"|(?P<op><<!|>>!|<<|>>|<!|>!|<|>|!!>|!!<|\^)|(?P<open>\()|(?P<close>\))|(?P<text>\"[^\"]*\")|(?P<other>\S))"
)


def is_ecl(text: str) -> bool:
    """Whether an expression constraint has the shape of one: brackets that pair, and a word or sign (AND, OR, MINUS, a
    refinement) between any two concepts. The full grammar is SNOMED International's ECL; what is inside a refinement is
    not examined further."""
    depth, after_concept = 0, False
    for token in _ECL.finditer(text):
        kind = token.lastgroup
        if kind in ("id", "op", "open"):
            if after_concept:
                return False
            after_concept = kind == "id"
            depth += kind == "open"
        elif kind == "close":
            depth -= 1
            after_concept = True
        elif kind != "term":
            after_concept = False
        if depth < 0:
            return False
    return depth == 0 and bool(text.strip())


_PARAMETER = "http://hl7.org/fhir/tools/StructureDefinition/valueset-parameter"
_CQF = "http://hl7.org/fhir/StructureDefinition/cqf-expression"
_NAME = re.compile(r"%([A-Za-z][\w-]*)")


def value_set(v: dict[str, Any], place: Place, c: Context) -> None:
    """A filter value given as an expression names only parameters that the value set declares (valueset-parameter)."""
    declared = {
        part.get("valueCode")
        for x, _ in objects(v, "extension", place)
        if x.get("url") == _PARAMETER
        for part, _ in objects(x, "extension", place)
        if part.get("url") == "name"
    }
    for part, here in objects(v.get("compose", {}), "include", (place, "compose", None)):
        for f, where in objects(part, "filter", here):
            for x, _ in objects(f.get("_value", {}), "extension", where):
                name = _NAME.fullmatch(x.get("valueExpression", {}).get("expression", ""))
                if x.get("url") == _CQF and declared and name and name[1] not in declared:
                    c.error("business-rule", f"The filter refers to the unknown parameter {shown(name[1])}", where)


PROSE: dict[str, Check] = {
    "Coding": coding,
    "CodeSystem": code_system,
    "ValueSet": value_set,
    "ValueSet.compose.include": include,
}
