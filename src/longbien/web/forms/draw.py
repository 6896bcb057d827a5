"""Pieces of a Questionnaire, short to write: texts in two languages, items, expressions, units. Pure."""

from __future__ import annotations

from typing import Any

from ...fhir.systems import UCUM
from .tree import DISPLAY, EXT, PATH, QUERY, SDC

Resource = dict[str, Any]
HOUSE = "https://longbien.org/fhir/"
ANSWERS = HOUSE + "CodeSystem/form-answer"
"""Codes of answers that no body outside has numbered."""
LOINC = "http://loinc.org"


def extension(url: str, **value: Any) -> Resource:
    return {"url": url, **value}


def text(name: str, vi: str, en: str = "") -> Resource:
    """An element's text in Vietnamese with its English translation beside it."""
    out: Resource = {name: vi}
    if en and en != vi:
        parts = [{"url": "lang", "valueCode": "en"}, {"url": "content", "valueString": en}]
        out["_" + name] = {"extension": [{"url": EXT + "translation", "extension": parts}]}
    return out


def expression(what: str) -> Resource:
    return {"language": PATH, "expression": what}


def variable(name: str, what: str, language: str = PATH) -> Resource:
    return extension(EXT + "variable", valueExpression={"name": name, "language": language, "expression": what})


def query(name: str, what: str) -> Resource:
    return variable(name, what, QUERY)


def item(link: str, kind: str, vi: str = "", en: str = "", **more: Any) -> Resource:
    """An item. more: any element of Questionnaire.item, and for the extensions unit=(code, vi, en), low, high, places, shown, calc,
    init, links=hours, loinc=(code, display), extract=category, control, weightless options=[(code, vi, en, points)]."""
    out: Resource = {"linkId": link, "type": kind}
    if vi:
        out |= text("text", vi, en)
    found: list[Resource] = []
    for name in list(more):
        if name in _EXTENSIONS:
            found += _EXTENSIONS[name](more.pop(name))
    if "loinc" in more:
        code, display = more.pop("loinc")
        out["code"] = [{"system": LOINC, "code": code, "display": display}]
    if "options" in more:
        out["answerOption"] = [option(f"{link}.{c}", v, e, p) for c, v, e, p in more.pop("options")]
    if found:
        out["extension"] = found
    return {**out, **more}


def option(code: str, vi: str, en: str, points: int | None = None) -> Resource:
    made: Resource = {"valueCoding": {"system": ANSWERS, "code": code, **text("display", vi, en)}}
    if points is not None:
        made["extension"] = [extension(EXT + "ordinalValue", valueDecimal=points)]
    return made


def _number(url: str) -> Any:
    return lambda v: [extension(EXT + url, **{"valueInteger" if isinstance(v, int) else "valueDecimal": v})]


def _unit(unit: tuple[str, ...]) -> list[Resource]:
    code, vi, *en = unit
    display = text("display", vi, *en) if vi else {}
    return [extension(EXT + "questionnaire-unit", valueCoding={"system": UCUM, "code": code, **display})]


def _links(hours: int) -> list[Resource]:
    period = {"value": hours, "unit": "h", "system": UCUM, "code": "h"}
    return [extension(SDC + "observationLinkPeriod", valueDuration=period)]


def _extract(category: str) -> list[Resource]:
    out = [extension(SDC + "observationExtract", valueBoolean=True)]
    return [*out, extension(SDC + "observation-extract-category", valueCode=category)]


def _control(code: str) -> list[Resource]:
    coding = {"system": "http://hl7.org/fhir/questionnaire-item-control", "code": code}
    return [extension(EXT + "questionnaire-itemControl", valueCodeableConcept={"coding": [coding]})]


_EXTENSIONS = {
    "unit": _unit,
    "low": _number("minValue"),
    "high": _number("maxValue"),
    "places": _number("maxDecimalPlaces"),
    "shown": lambda v: [extension(DISPLAY, valueCode=v)],
    "calc": lambda v: [extension(SDC + "calculatedExpression", valueExpression=expression(v))],
    "init": lambda v: [extension(SDC + "initialExpression", valueExpression=expression(v))],
    "when_path": lambda v: [extension(SDC + "enableWhenExpression", valueExpression=expression(v))],
    "links": _links,
    "extract": _extract,
    "control": _control,
}


def meant_for(low: int | None = None, high: int | None = None, gender: str = "") -> Resource:
    """For whom a form is (Questionnaire.useContext): whole years from `low` to `high`, both included; administrative gender."""
    out: list[Resource] = []
    usage = "http://terminology.hl7.org/CodeSystem/usage-context-type"
    if low is not None or high is not None:
        bounds = {
            k: {"value": v, "unit": "a", "system": UCUM, "code": "a"} for k, v in (("low", low), ("high", high)) if v is not None
        }
        out.append({"code": {"system": usage, "code": "age"}, "valueRange": bounds})
    if gender:
        coding = {"system": "http://hl7.org/fhir/administrative-gender", "code": gender}
        out.append({"code": {"system": usage, "code": "gender"}, "valueCodeableConcept": {"coding": [coding]}})
    return {"useContext": out} if out else {}
