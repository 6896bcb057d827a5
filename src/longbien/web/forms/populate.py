"""What a form knows before anybody types: from the record by the form's own expressions, from what is charted already, from fixed
first values. Pure; actions.py reads the record."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, quote

from ...base.words import parse_instant
from ...fhir.systems import LOINC
from . import values
from .filling import Fields, evaluate
from .tree import NUMBERS, Form, Item, Resource, walk

_INSERT = re.compile(r"\{\{(.+?)\}\}", re.S)
PANELS = {"8480-6": ("85354-9", "55284-4"), "8462-4": ("85354-9", "55284-4")}
"""Codes that stand in a component: and the panel's own code."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a value came from: a charted Observation, and when it was taken."""

    reference: str
    at: datetime
    texts: tuple[str, ...]


@dataclass(slots=True)
class Opening:
    """What stands in the form when it is opened. fields: as typed; sources: by field name; from_record: names filled by an
    expression (shown as drawn from the record until they are touched)."""

    fields: Fields = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    from_record: dict[str, list[str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def query(expression: str, env: Mapping[str, Any]) -> tuple[str, list[tuple[str, str]]] | None:
    """An x-fhir-query with its {{FHIRPath}} filled in, as (type, parameters). None where a part of it is not known."""
    wrong: list[str] = []
    empty = False

    def put(found: re.Match[str]) -> str:
        nonlocal empty
        got = evaluate(found[1].strip(), {}, env, wrong)
        empty = empty or not got
        return quote(",".join(str(g) for g in got), safe="")

    text = _INSERT.sub(put, expression)
    kind, _, rest = text.partition("?")
    if empty or wrong or not re.fullmatch(r"[A-Z][A-Za-z]+", kind):
        return None
    return kind, parse_qsl(rest, keep_blank_values=False)


def names(items: Sequence[Item], above: str = "") -> list[tuple[str, Item]]:
    """Every item's field name, with the first instance of groups that repeat."""
    out = []
    for item in items:
        name = f"{above}/{item.segment}" if above else item.segment
        inner = f"{name}*0" if item.type == "group" and item.repeats else name
        out.append((inner, item))
        out += names(item.items, inner)
    return out


def wanted(form: Form) -> tuple[set[str], Decimal]:
    """The LOINC codes that may be charted already, and the longest time back in days."""
    items = [i for i in walk(form.items) if i.links is not None]
    found = {str(c["code"]) for i in items for c in i.codes if c.get("system") == LOINC and c.get("code")}
    return found, max((i.links for i in items if i.links is not None), default=Decimal(0))


def opening(form: Form, env: Mapping[str, Any], charted: Sequence[Resource], now: datetime, lang: str) -> Opening:
    """The form as it is opened. charted: Observations, newest first."""
    out = Opening()
    known = {**env, "now": now, "resource": {"resourceType": "QuestionnaireResponse", "status": "in-progress"}}
    for name, expression in form.variables:  # those that rest on the record; what rests on answers is empty yet
        known[name] = evaluate(expression, known["resource"], known, [])
    for name, item in names(form.items):
        if item.type in ("group", "display") or item.calculated:
            continue
        source = _charted(item, charted, now, lang) if item.links is not None else None
        if source is not None:
            out.fields[name], out.sources[name] = list(source.texts), source
            continue
        texts = _expressed(item, known, out, lang)
        if texts:
            out.fields[name] = texts
            out.from_record[name] = texts
            continue
        first = [t for a in item.initial if (t := values.typed(a, item, lang))]
        if first:
            out.fields[name] = first
    return out


def _expressed(item: Item, env: Mapping[str, Any], out: Opening, lang: str) -> list[str]:
    if not item.initial_path:
        return []
    found = evaluate(item.initial_path, env["resource"], env, out.wrong)
    return [t for a in values.answered(found, item) if (t := values.typed(a, item, lang))]


def _charted(item: Item, charted: Sequence[Resource], now: datetime, lang: str) -> Source | None:
    """The newest charted value of this item's code within its time."""
    codes = {str(c.get("code")) for c in item.codes}
    oldest = now - timedelta(days=float(item.links or 0))
    for x in charted:
        at = _taken(x)
        if at is None or at < oldest or at > now + timedelta(minutes=5) or x.get("status") in ("entered-in-error", "cancelled"):
            continue
        for part in (x, *(x.get("component") or ())):
            answer = _valued(part, codes, item)
            if answer is not None and (text := values.typed(answer, item, lang)):
                return Source(f"Observation/{x['id']}", at, (text,))
    return None


def _taken(x: Mapping[str, Any]) -> datetime | None:
    text = x.get("effectiveDateTime") or x.get("effectiveInstant") or (x.get("effectivePeriod") or {}).get("start")
    try:
        return parse_instant(str(text)) if text else None
    except ValueError:
        return None


def _valued(part: Mapping[str, Any], codes: set[str], item: Item) -> values.Answer | None:
    """A measured value as the item's answer; only where its unit is the item's own."""
    if not codes & {str(c.get("code")) for c in (part.get("code") or {}).get("coding") or ()}:
        return None
    quantity = part.get("valueQuantity")
    if isinstance(quantity, Mapping) and quantity.get("value") is not None and item.type in NUMBERS:
        if item.unit and quantity.get("code") not in (None, item.unit.code) and not item.unit.code.startswith("{"):
            return None
        number = Decimal(str(quantity["value"]))
        low, high = item.low, item.high
        if (low is not None and number < low) or (high is not None and number > high):
            return None
        return next(iter(values.answered([number], item)), None)
    if part.get("valueInteger") is not None and item.type in NUMBERS:
        return next(iter(values.answered([part["valueInteger"]], item)), None)
    return None


def untouched(names: Mapping[str, Sequence[str]], fields: Mapping[str, Sequence[str]]) -> set[str]:
    """Of these fields, those that still hold what they were given."""
    return {n for n, texts in names.items() if [t for t in fields.get(n, ()) if t.strip()] == list(texts)}
