"""$subsumes: does one code stand above the other? - http://hl7.org/fhir/R4/codesystem-operation-subsumes.html"""

from __future__ import annotations

from longbien.base.errors import Invalid, NotFound
from longbien.fhir import json as fhir_json
from longbien.fhir.terminology.concepts import Concept, System

from ..request import Answer, Request
from .operation import At, Given, Operation, given, parameters, wrong
from .terms import Asked, begin, coding, system

_NO_SUBSUMPTION = frozenset(("grouped-by", "part-of"))


async def subsumes(request: Request, at: At) -> Answer:
    asked = await given(request, "codeSystem")
    terms = await begin(request, asked, at, "subsumes", "CodeSystem")
    a, b = _side(asked, "A"), _side(asked, "B")
    if a.system and b.system and a.system != b.system:
        raise wrong("codingB", "is of another code system than codingA.")
    found = await system(request, terms, asked, at, a.system or b.system, a.version or b.version)
    if found.meaning in _NO_SUBSUMPTION:
        text = f"The hierarchy of {found.canonical[:300]!r} is {found.meaning!r}, which is no subsumption."
        raise Invalid(text, code="not-supported", status=422)
    one, other = _concept(found, a), _concept(found, b)
    return Answer(200, fhir_json.dumps(parameters(("outcome", "valueCode", outcome(found, one, other)))))


def outcome(system: System, a: Concept, b: Concept) -> str:
    if a.code == b.code:
        return "equivalent"
    down, up = a.code in system.above(b.code), b.code in system.above(a.code)
    return "equivalent" if down and up else "subsumes" if down else "subsumed-by" if up else "not-subsumed"


def _side(asked: Given, side: str) -> Asked:
    code, whole = asked.text(f"code{side}"), asked.one(f"coding{side}")
    if (code is None) == (whole is None):
        raise Invalid(f"One of code{side} and coding{side} must be given.", code="required")
    if whole is not None:
        return coding(whole, f"coding{side}")
    return Asked(code or "", asked.text("system"), asked.text("version"), None)


def _concept(system: System, asked: Asked) -> Concept:
    found = system.find(asked.code)
    if found is None:
        raise NotFound(f"{asked.code[:100]!r} is not known in {system.canonical[:300]!r}.")
    return found


OPERATIONS = (
    Operation(
        "subsumes", ("type", "instance"), subsumes, "http://hl7.org/fhir/OperationDefinition/CodeSystem-subsumes", ("CodeSystem",)
    ),
)
