"""$validate-code: is this code one of a code system, or of a value set? - http://hl7.org/fhir/R4/codesystem-operation-validate-code.html
and http://hl7.org/fhir/R4/valueset-operation-validate-code.html

A code that is not in a fragment is not wrong: result is true, and message says that it could not be checked. What a code system
that is not here holds cannot be said at all: result is false, and message says why."""

from __future__ import annotations

import unicodedata
from typing import Any, NamedTuple

from longbien.fhir import json as fhir_json
from longbien.fhir.terminology import compose
from longbien.fhir.terminology.compose import NO, YES, Verdict
from longbien.fhir.terminology.concepts import Concept, System
from longbien.record.terminology.terms import Terms

from ..request import Answer, Request
from .operation import At, Given, Operation, given, parameters, wrong
from .terms import Asked, begin, codes, system, value_set


class Said(NamedTuple):
    result: bool
    message: str = ""
    display: str | None = None


def answer(said: list[Said]) -> Answer:
    """The first code that is fine; else what is wrong with each."""
    best = next((s for s in said if s.result), None)
    if best is None:
        best = Said(False, " ".join(s.message for s in said if s.message), next((s.display for s in said if s.display), None))
    found: list[tuple[str, str, Any]] = [("result", "valueBoolean", best.result)]
    found += [("message", "valueString", best.message)] if best.message else []
    found += [("display", "valueString", best.display)] if best.display else []
    return Answer(200, fhir_json.dumps(parameters(*found)))


async def in_code_system(request: Request, at: At) -> Answer:
    asked = await given(request, "codeSystem")
    terms = await begin(request, asked, at, "validate-code", "CodeSystem", never=("date",))
    said = []
    for code in codes(asked, system="url"):
        url = asked.text("url") or code.system or asked.text("system")
        found = await system(request, terms, asked, at, url, code.version or asked.text("version"))
        if code.system and code.system != found.url:
            said.append(Said(False, f"{code.code[:100]!r} is of {code.system[:200]!r}, not of {found.url[:200]!r}."))
        else:
            said.append(_judge(_in(found, code.code), found.find(code.code), found, code, asked, "code system"))
    return answer(said)


def _in(found: System, code: str) -> Verdict:
    if found.find(code) is not None:
        return YES
    if found.listed or found.whole:
        return NO if found.whole else compose.unsure(found, code)
    return Verdict(None, f"What is in code system {found.canonical[:300]!r} is not known here.")


async def in_value_set(request: Request, at: At) -> Answer:
    asked = await given(request, "valueSet")
    terms = await begin(request, asked, at, "validate-code", "ValueSet", "CodeSystem", never=("context", "date"))
    found = await value_set(request, terms, asked, at)
    return answer([await _of(terms, found, code, asked) for code in codes(asked, version="systemVersion")])


async def _of(terms: Terms, value_set: dict[str, object], code: Asked, asked: Given) -> Said:
    if code.system is None:
        raise wrong("system", "is missing: a code alone means nothing.")
    canonical = f"{code.system}|{code.version}" if code.version else code.system
    library = await terms.library(value_set, systems=(canonical,))
    verdict = await terms.run(library, lambda: compose.holds(library, value_set, str(code.system), code.code, code.version))
    key = (code.system, code.code, code.version)
    concept = compose.concept_of(library, value_set, key) if verdict.answer is not False else None
    return _judge(verdict, concept, library.system(code.system, code.version), code, asked, "value set")


def _judge(verdict: Verdict, concept: Concept | None, system: System | None, code: Asked, asked: Given, of: str) -> Said:
    where = f"{(code.system or (system.url if system else ''))[:200]}|{code.code[:100]}"
    if verdict.answer is None:
        return Said(verdict.lenient, verdict.why)
    if not verdict.answer:
        return Said(False, f"{where} is not in the {of}.")
    if concept is None:
        return Said(True)
    display = concept.called(asked.text("displayLanguage"), system.language if system else None)
    if concept.abstract and asked.one("abstract") is not None and not asked.flag("abstract"):
        return Said(False, f"{where} is abstract: it stands for a group and cannot be chosen.", display)
    names = [*concept.names(), *(system.find(concept.code) or concept).names()] if system else list(concept.names())
    if code.display and names and _plain(code.display) not in {_plain(n) for n in names}:
        return Said(False, f"The display of {where} is {display!r}, not {code.display[:200]!r}.", display)
    return Said(True, "", display)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


OPERATIONS = (
    Operation(
        "validate-code", ("type", "instance"), in_code_system,
        "http://hl7.org/fhir/OperationDefinition/CodeSystem-validate-code", ("CodeSystem",),
    ),
    Operation(
        "validate-code", ("type", "instance"), in_value_set,
        "http://hl7.org/fhir/OperationDefinition/ValueSet-validate-code", ("ValueSet",),
    ),
)  # fmt: skip
