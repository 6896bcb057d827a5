"""$lookup: what is known of a code - http://hl7.org/fhir/R4/codesystem-operation-lookup.html"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from longbien.base.errors import NotFound
from longbien.fhir import json as fhir_json
from longbien.fhir.terminology import expansion
from longbien.fhir.terminology.concepts import Coding, Concept, System, speaks

from ..request import Answer, Request
from .operation import At, Operation, given, parameters
from .terms import begin, codes, system

Part = tuple[str, str, Any]


async def lookup(request: Request, at: At) -> Answer:
    asked = await given(request, "coding")
    terms = await begin(request, asked, at, "lookup", "CodeSystem", never=("date", "codeableConcept", "codeSystem"))
    (code,) = codes(asked)
    found = await system(request, terms, asked, at, code.system, code.version)
    concept = found.find(code.code)
    if concept is None:
        where = f"{found.canonical[:300]!r}"
        part = "" if found.whole else f", of which only a part ({found.content}) is here: it may be a code of it"
        raise NotFound(f"{code.code[:100]!r} is not known in {where}{part}.")
    wanted = [str(p) for p in asked.all("property")]
    language = asked.text("displayLanguage")
    return Answer(200, fhir_json.dumps(parameters(*_said(found, concept, language, wanted))))


def _said(system: System, c: Concept, language: str | None, wanted: list[str]) -> Iterator[Part]:
    yield "name", "valueString", system.name or system.title or system.url
    if system.version:
        yield "version", "valueString", system.version
    yield "display", "valueString", c.called(language, system.language) or c.code
    for d in expansion.designations(c, system.language):
        lang = str(d.get("language", ""))
        if not wanted or "designation" in wanted or any(w.startswith("lang.") and speaks(lang, w[5:]) for w in wanted):
            yield "designation", "part", _parts(d)
    for code, kind, value in _properties(system, c):
        if not wanted or code in wanted:
            facts: list[Part] = [("code", "valueCode", code), ("value", kind, value)]
            if (declared := system.declared.get(code)) is not None and declared.description:
                facts.append(("description", "valueString", declared.description))
            yield "property", "part", [_one(*f) for f in facts]


def _properties(system: System, c: Concept) -> Iterator[Part]:
    if c.definition:
        yield "definition", "valueString", c.definition
    hierarchy = [("parent", p) for p in system.up.get(c.code, ())] + [("child", d) for d in system.down.get(c.code, ())]
    for name, code in hierarchy:
        yield name, "valueCode", code
    for p in c.property:
        kind, value = p.value
        if (p.code, p.text) not in hierarchy:
            yield p.code, kind, expansion.as_json(value) if isinstance(value, Coding) else value


def _parts(d: dict[str, Any]) -> list[dict[str, Any]]:
    kinds = {"language": "valueCode", "use": "valueCoding", "value": "valueString"}
    return [_one(name, kind, d[name]) for name, kind in kinds.items() if d.get(name)]


def _one(name: str, kind: str, value: Any) -> dict[str, Any]:
    return {"name": name, kind: value}


OPERATIONS = (Operation("lookup", ("type",), lookup, "http://hl7.org/fhir/OperationDefinition/CodeSystem-lookup", ("CodeSystem",)),)
