"""A Questionnaire (FHIR R4, with the SDC guide's extensions) read once into what filling it asks. Pure.

https://hl7.org/fhir/R4/questionnaire.html, https://build.fhir.org/ig/HL7/sdc/ (populate, behaviour, extract). Read here:
translation, itemControl, hidden, unit, minValue, maxValue, maxDecimalPlaces, ordinalValue, variable, initialExpression,
calculatedExpression, enableWhenExpression, observationLinkPeriod, observationExtract, observation-extract-category,
itemExtractionContext. What is not read here changes nothing in the form; a type that cannot be filled says so on the
screen."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from ...base.errors import Invalid
from ...fhir import path
from .scores import Said

EXT = "http://hl7.org/fhir/StructureDefinition/"
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
ORDINAL = EXT + "ordinalValue"
DISPLAY = "https://longbien.org/fhir/StructureDefinition/form-display"
"""How an item is shown, where the type does not say it: total, meaning, advice, points, thresholds, narrow, wide, icd10, source,
sides (a group of the same thing right and left)."""
KIND = "https://longbien.org/fhir/CodeSystem/form-kind"
"""Questionnaire.code of this system: record, nursing, consent, score; what it is shown under and what paper it becomes."""
PATH, QUERY = "text/fhirpath", "application/x-fhir-query"
DEPTH = 12
LARGEST = 1500
Resource = dict[str, Any]
NUMBERS = frozenset({"decimal", "integer", "quantity"})


@dataclass(frozen=True, slots=True)
class Choice:
    """One allowed answer. key: what the form sends; value: {"valueCoding": ...} or another value[x]; points: ordinalValue."""

    key: str
    text: Said
    value: Mapping[str, Any]
    points: Decimal | None = None


@dataclass(frozen=True, slots=True)
class When:
    question: str
    operator: str
    answer: Any


@dataclass(frozen=True, slots=True)
class Unit:
    code: str
    said: Said

    @property
    def text(self) -> str:
        return self.said.vi


@dataclass(frozen=True, slots=True)
class Item:
    """One item. `links`: days within which a charted Observation of `codes` is taken instead of asking; `extract`: its answer
    becomes an Observation; `context`: type of the resource its children's definitions fill."""

    id: str
    type: str
    text: Said
    prefix: str = ""
    required: bool = False
    repeats: bool = False
    readonly: bool = False
    hidden: bool = False
    max_length: int | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    places: int | None = None
    unit: Unit | None = None
    choices: tuple[Choice, ...] = ()
    value_set: str = ""
    control: str = ""
    shown: str = ""
    when: tuple[When, ...] = ()
    any: bool = False
    when_path: str = ""
    initial: tuple[Mapping[str, Any], ...] = ()
    initial_path: str = ""
    calculated: str = ""
    links: Decimal | None = None
    codes: tuple[Mapping[str, Any], ...] = ()
    extract: bool = False
    category: str = ""
    context: str = ""
    definition: str = ""
    items: tuple[Item, ...] = ()

    @property
    def segment(self) -> str:
        """Its part of a field's name."""
        return quote(self.id, safe="")

    @property
    def asked(self) -> bool:
        """Is it filled by a person?"""
        return self.type not in ("group", "display") and not self.calculated and not self.readonly and not self.hidden

    def choice(self, key: str) -> Choice | None:
        return next((c for c in self.choices if c.key == key), None)


@dataclass(frozen=True)
class Form:
    """A Questionnaire. queries, variables: name -> expression, in their order. ages (whole years, both included), gender: for
    whom it is meant (useContext)."""

    id: str
    url: str
    version: str
    title: Said
    about: Said
    kind: str
    licence: str
    codes: tuple[Mapping[str, Any], ...]
    items: tuple[Item, ...]
    queries: tuple[tuple[str, str], ...]
    variables: tuple[tuple[str, str], ...]
    source: Resource = field(repr=False)
    ages: tuple[Decimal | None, Decimal | None] = (None, None)
    gender: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {i.id: i for i in walk(self.items)})

    def item(self, link: str) -> Item | None:
        found: Item | None = self.by_id.get(link)  # type: ignore[attr-defined]
        return found

    @property
    def canonical(self) -> str:
        return f"{self.url}|{self.version}" if self.version else self.url


def walk(items: Sequence[Item]) -> Iterator[Item]:
    """Every item, parents before children."""
    for item in items:
        yield item
        yield from walk(item.items)


def walk_raw(items: Sequence[Resource]) -> Iterator[Resource]:
    """Every item of a Questionnaire as it is written, parents before children."""
    for one in items:
        yield one
        yield from walk_raw(one.get("item") or ())


def _of(element: Mapping[str, Any], url: str) -> Any:
    """The value of the first extension with this URL."""
    for e in element.get("extension") or ():
        if e.get("url") == url:
            return next((v for k, v in e.items() if k.startswith("value")), None)
    return None


def _all(element: Mapping[str, Any], url: str) -> list[Any]:
    found = []
    for e in element.get("extension") or ():
        if e.get("url") == url:
            found += [v for k, v in e.items() if k.startswith("value")]
    return found


def said(element: Mapping[str, Any], name: str) -> Said:
    """A text in both languages: the resource's own (Vietnamese) and its English translation, each for the other where one lacks."""
    own = str(element.get(name) or "")
    for e in (element.get("_" + name) or {}).get("extension") or ():
        if e.get("url") == EXT + "translation":
            parts = {x.get("url"): next((v for k, v in x.items() if k.startswith("value")), "") for x in e.get("extension") or ()}
            if str(parts.get("lang", "")).startswith("en"):
                return Said(own, str(parts.get("content") or own))
    return Said(own, own)


def _choice(option: Mapping[str, Any]) -> Choice:
    name = next(k for k in option if k.startswith("value"))
    value = option[name]
    points = _of(option, ORDINAL)
    if name == "valueCoding":
        if points is None:
            points = _of(value, ORDINAL)
        elif _of(value, ORDINAL) is None:  # the answer carries its weight, so that an expression can add it up
            value = {"extension": [{"url": ORDINAL, "valueDecimal": points}], **value}
        text = said(value, "display") if value.get("display") else Said(str(value.get("code", "")), str(value.get("code", "")))
        return Choice(str(value.get("code") or value.get("display")), text, {name: value}, points)
    return Choice(str(value), Said(str(value), str(value)), {name: value}, points)


def _days(period: Any) -> Decimal | None:
    """A Duration as days. None where there is none."""
    if not isinstance(period, Mapping) or period.get("value") is None:
        return None
    per = {"min": Decimal(1) / 1440, "h": Decimal(1) / 24, "d": Decimal(1), "wk": Decimal(7), "mo": Decimal(31), "a": Decimal(366)}
    return Decimal(str(period["value"])) * per.get(str(period.get("code")), Decimal(1))


def _expression(element: Mapping[str, Any], url: str) -> str:
    found = _of(element, url)
    text = str(found.get("expression") or "") if isinstance(found, Mapping) and found.get("language", PATH) == PATH else ""
    if text:
        checked(text)
    return text


def checked(expression: str) -> None:
    """Raises Invalid for what is no FHIRPath."""
    try:
        path.compile(expression, "QuestionnaireResponse")
    except path.PathError as why:
        raise Invalid(f"The form cannot be used: {why}", code="invalid") from None


def _unit(element: Mapping[str, Any]) -> Unit | None:
    found = _of(element, EXT + "questionnaire-unit") or _of(element, EXT + "questionnaire-unitOption")
    if not isinstance(found, Mapping):
        return None
    code = str(found.get("code") or "")
    bare = "" if code.startswith("{") else code
    return Unit(code, said(found, "display") if found.get("display") else Said(bare, bare))


def _decimal(value: Any) -> Decimal | None:
    return Decimal(str(value)) if isinstance(value, int | Decimal | float) and not isinstance(value, bool) else None


def _control(element: Mapping[str, Any]) -> str:
    found = _of(element, EXT + "questionnaire-itemControl")
    return str(next((c.get("code") for c in (found or {}).get("coding") or ()), "")) if isinstance(found, Mapping) else ""


def _item(raw: Mapping[str, Any], depth: int, count: list[int]) -> Item:
    count[0] += 1
    if depth > DEPTH or count[0] > LARGEST:
        raise Invalid(f"A form may have at most {LARGEST} items, {DEPTH} deep.", code="too-long")
    period = _days(_of(raw, SDC + "observationLinkPeriod"))
    return Item(
        id=str(raw["linkId"]),
        type=str(raw["type"]),
        text=said(raw, "text"),
        prefix=str(raw.get("prefix") or ""),
        required=bool(raw.get("required")),
        repeats=bool(raw.get("repeats")),
        readonly=bool(raw.get("readOnly")),
        hidden=_of(raw, EXT + "questionnaire-hidden") is True,
        max_length=raw.get("maxLength"),
        low=_decimal(_of(raw, EXT + "minValue")),
        high=_decimal(_of(raw, EXT + "maxValue")),
        places=_of(raw, EXT + "maxDecimalPlaces"),
        unit=_unit(raw),
        choices=tuple(_choice(o) for o in raw.get("answerOption") or ()),
        value_set=str(raw.get("answerValueSet") or ""),
        control=_control(raw),
        shown=str(_of(raw, DISPLAY) or ""),
        when=tuple(_when(w) for w in raw.get("enableWhen") or ()),
        any=raw.get("enableBehavior") == "any",
        when_path=_expression(raw, SDC + "enableWhenExpression"),
        initial=tuple(i for i in raw.get("initial") or ()),
        initial_path=_expression(raw, SDC + "initialExpression"),
        calculated=_expression(raw, SDC + "calculatedExpression"),
        links=period,
        codes=tuple(raw.get("code") or ()),
        extract=_of(raw, SDC + "observationExtract") is True,
        category=str(_of(raw, SDC + "observation-extract-category") or ""),
        context=str(_of(raw, SDC + "itemExtractionContext") or ""),
        definition=str(raw.get("definition") or ""),
        items=tuple(_item(i, depth + 1, count) for i in raw.get("item") or ()),
    )


def _when(raw: Mapping[str, Any]) -> When:
    answer = next((v for k, v in raw.items() if k.startswith("answer")), None)
    return When(str(raw["question"]), str(raw["operator"]), answer)


def _kind(raw: Mapping[str, Any]) -> str:
    return str(next((c.get("code") for c in raw.get("code") or () if c.get("system") == KIND), ""))


def _meant_for(raw: Mapping[str, Any]) -> tuple[tuple[Decimal | None, Decimal | None], str]:
    ages: tuple[Decimal | None, Decimal | None] = (None, None)
    gender = ""
    for c in raw.get("useContext") or ():
        code, bounds = (c.get("code") or {}).get("code"), c.get("valueRange") or {}
        units = {(bounds.get(k) or {}).get("code", "a") for k in ("low", "high")}
        if code == "age" and units == {"a"}:
            ages = (_decimal((bounds.get("low") or {}).get("value")), _decimal((bounds.get("high") or {}).get("value")))
        if code == "gender":
            gender = str(next((x.get("code") for x in (c.get("valueCodeableConcept") or {}).get("coding") or ()), ""))
    return ages, gender


NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")


def read(raw: Resource) -> Form:
    """A Questionnaire as a form. Raises Invalid for one that cannot be filled (no linkId, a wrong expression, too many items)."""
    expressions = [v for v in _all(raw, EXT + "variable") if isinstance(v, Mapping) and NAME.match(str(v.get("name") or ""))]
    variables = tuple((str(v["name"]), str(v.get("expression") or "")) for v in expressions if v.get("language", PATH) == PATH)
    for _, text in variables:
        checked(text)
    try:
        items = tuple(_item(i, 1, [0]) for i in raw.get("item") or ())
    except (KeyError, StopIteration) as why:
        raise Invalid(f"The form cannot be used: an item lacks {why}.", code="invalid") from None
    title = said(raw, "title")
    ages, gender = _meant_for(raw)
    return Form(
        id=str(raw.get("id") or ""),
        url=str(raw.get("url") or f"Questionnaire/{raw.get('id')}"),
        version=str(raw.get("version") or ""),
        title=title if title.vi else Said(str(raw.get("name") or "?"), str(raw.get("name") or "?")),
        about=said(raw, "description"),
        kind=_kind(raw),
        licence=str(raw.get("copyright") or ""),
        codes=tuple(raw.get("code") or ()),
        items=items,
        queries=tuple((str(v["name"]), str(v.get("expression") or "")) for v in expressions if v.get("language") == QUERY),
        variables=variables,
        source=raw,
        ages=ages,
        gender=gender,
    )
