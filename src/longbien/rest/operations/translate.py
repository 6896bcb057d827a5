"""$translate: what a code becomes in another system - http://hl7.org/fhir/R4/conceptmap-operation-translate.html"""

from __future__ import annotations

from typing import Any

from longbien.base.errors import NotFound
from longbien.fhir import json as fhir_json
from longbien.fhir.terminology.maps import NO_MATCH, Coded, Dependencies, Match
from longbien.record.terminology.terms import Terms

from ..request import Answer, Request
from .operation import At, Given, Operation, given, parameters, wrong
from .terms import begin, canonical, codes, codings, inline, of_instance


async def translate(request: Request, at: At) -> Answer:
    asked = await given(request, "conceptMap")
    terms = await begin(request, asked, at, "translate", "ConceptMap")
    concept_map = await _map(request, terms, asked, at)
    found: list[Match] = []
    for code in codes(asked):
        if concept_map is None and code.system is None:
            raise wrong("system", "is missing: a code alone means nothing.")
        found += await terms.translate(
            code.coded, concept_map, to=asked.text("targetsystem") or asked.text("targetSystem"), source=asked.text("source"),
            target=asked.text("target"), reverse=asked.flag("reverse"), given=_dependencies(asked),
        )  # fmt: skip
    fine = any(m.equivalence not in NO_MATCH for m in found)
    said: list[tuple[str, str, Any]] = [("result", "valueBoolean", fine)]
    if not found:
        said.append(("message", "valueString", "No mapping of this code was found."))
    said += [("match", "part", _match(m)) for m in found]
    return Answer(200, fhir_json.dumps(parameters(*said)))


async def _map(request: Request, terms: Terms, asked: Given, at: At) -> dict[str, Any] | None:
    sent, url = inline(asked, "conceptMap", "ConceptMap"), canonical(asked, "url", "conceptMapVersion")
    if at.id is not None:
        found: dict[str, Any] = await of_instance(request, terms, at)
        return found
    if sent is not None or url is None:
        return sent
    named = await terms.concept_map(url)
    if named is None:
        raise NotFound(f"Concept map {url[:300]!r} is not known here.")
    return named


def _dependencies(asked: Given) -> Dependencies:
    """Each a pair of parts: element (uri) and concept (CodeableConcept)."""
    found: Dependencies = []
    for one in asked.all("dependency"):
        parts = dict(one) if isinstance(one, list) else {}
        if not isinstance(parts.get("element"), str):
            raise wrong("dependency", "needs the parts element and concept.")
        found += [(parts["element"], Coded(c.system, c.code)) for c in codings(parts.get("concept"), "dependency")]
    return found


def _match(m: Match) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = [{"name": "equivalence", "valueCode": m.equivalence}]
    if m.concept:
        parts.append({"name": "concept", "valueCoding": m.concept})
    for element, coding in m.products:
        both = [{"name": "element", "valueUri": element}, {"name": "concept", "valueCoding": coding}]
        parts.append({"name": "product", "part": both})
    if m.source:
        parts.append({"name": "source", "valueUri": m.source})
    return parts


OPERATIONS = (
    Operation(
        "translate",
        ("type", "instance"),
        translate,
        "http://hl7.org/fhir/OperationDefinition/ConceptMap-translate",
        ("ConceptMap",),
    ),
)
