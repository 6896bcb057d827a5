"""One answer as it is typed, and as FHIR has it. Pure.

Numbers come as 37,9 or 37.9, days as 23/11/2026, moments as 23/11/2026 06:10 (or 06:10 alone: today), times as 06:10. What cannot
be read gives the sentence that stands beside the field, never an exception."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any, NamedTuple

from ...base import clock
from ...base.words import Words, parse_instant
from ...fhir.systems import ICD10_VN, UCUM
from .tree import NUMBERS, Item

Answer = dict[str, Any]
"""{"valueX": ...}, as in QuestionnaireResponse.item.answer."""
LONGEST = 20_000
DAY = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})\Z")
ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})\Z")
PART = re.compile(r"(?:(\d{1,2})[/.-])?(\d{4})\Z")
CLOCK = re.compile(r"(\d{1,2})\s*[:hg]\s*(\d{2})(?::\d{2})?\Z")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
ICD = re.compile(r"\s*([A-Z]\d{2}(?:\.\d{1,2})?)\s*[:·-]\s*(.+)\Z", re.S)


class Read(NamedTuple):
    """answer: None where there is none or it cannot be read; error: what to do about it."""

    answer: Answer | None = None
    error: str = ""


def _number(text: str) -> Decimal | None:
    bare = text.strip().replace(" ", "").replace(",", ".")
    if not re.fullmatch(r"[-+]?\d{1,9}(\.\d{1,6})?", bare):
        return None
    try:
        return Decimal(bare)
    except InvalidOperation:
        return None


def _bounded(value: Decimal, item: Item, w: Words) -> str:
    """The sentence for what lies outside the item's bounds; "" for what does not."""
    if item.low is not None and item.high is not None and not item.low <= value <= item.high:
        said = w("From %(low)s to %(high)s.", low=w.number(item.low), high=w.number(item.high))
        for shift in (Decimal("0.1"), Decimal(10), Decimal("0.01"), Decimal(100)):
            if item.low <= value * shift <= item.high:
                return said + " " + w("Is it %(guess)s?", guess=w.number((value * shift).normalize()))
        return said
    if item.low is not None and value < item.low:
        return w("At least %(low)s.", low=w.number(item.low))
    if item.high is not None and value > item.high:
        return w("At most %(high)s.", high=w.number(item.high))
    return ""


def _numeric(text: str, item: Item, w: Words) -> Read:
    value = _number(text)
    if value is None:
        return Read(None, w("A number, for example %(example)s.", example=w.number(item.low if item.low is not None else 12)))
    if item.type == "integer" and value != value.to_integral_value():
        return Read(None, w("A whole number."))
    if item.places is not None and -int(value.normalize().as_tuple().exponent) > item.places:
        return Read(None, w("At most %(n)s decimals.", n=w.number(item.places)))
    wrong = _bounded(value, item, w)
    if wrong:
        return Read(None, wrong)
    return Read(number_answer(item, value))


def number_answer(item: Item, value: Decimal) -> Answer:
    """A number as the item's own type."""
    if item.type == "integer":
        return {"valueInteger": int(value)}
    if item.type == "quantity":
        unit = {"unit": item.unit.text, "system": UCUM, "code": item.unit.code} if item.unit else {}
        return {"valueQuantity": {"value": value, **unit}}
    return {"valueDecimal": value}


def _day(text: str) -> str | None:
    """A day, a month or a year as FHIR has it."""
    found = DAY.match(text)
    iso = ISO_DAY.match(text)
    part = PART.match(text)
    try:
        if found:
            return date(int(found[3]), int(found[2]), int(found[1])).isoformat()
        if iso:
            return date(int(iso[1]), int(iso[2]), int(iso[3])).isoformat()
        if part:
            return date(int(part[2]), int(part[1] or 1), 1).isoformat()[: 7 if part[1] else 4]
    except ValueError:
        return None
    return None


def _clock(text: str) -> tuple[int, int] | None:
    found = CLOCK.match(text)
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        return None
    return int(found[1]), int(found[2])


def _moment(text: str, now: datetime) -> datetime | None:
    """06:10 | 23/11/2026 06:10 | 06:10 23/11/2026 | 23/11/2026."""
    parts = text.replace(",", " ").split()
    days = [d for p in parts if (d := _day(p)) and len(d) == 10]
    clocks = [c for p in parts if (c := _clock(p))]
    if len(days) + len(clocks) != len(parts) or len(days) > 1 or len(clocks) > 1 or not parts:
        return None
    here = clock.local(now)
    day = date.fromisoformat(days[0]) if days else here.date()
    hour, minute = clocks[0] if clocks else (0, 0)
    return here.replace(year=day.year, month=day.month, day=day.day, hour=hour, minute=minute, second=0, microsecond=0)


def _dated(text: str, item: Item, w: Words, now: datetime) -> Read:
    if item.type == "time":
        found = _clock(text)
        said = w("Hours and minutes, for example 06:10.")
        return Read({"valueTime": f"{found[0]:02d}:{found[1]:02d}:00"}) if found else Read(None, said)
    if item.type == "date":
        day = _day(text)
        if day is None:
            return Read(None, w("A day, for example 23/11/2026."))
        if not "1850" <= day[:4] <= str(clock.local(now).year + 50):
            return Read(None, w("The year cannot be right."))
        return Read({"valueDate": day})
    moment = _moment(text, now)
    if moment is None:
        return Read(None, w("Day and time, for example 23/11/2026 06:10."))
    if not 1850 <= moment.year <= clock.local(now).year + 50:
        return Read(None, w("The year cannot be right."))
    if moment > now + timedelta(days=3660):
        return Read(None, w("The year cannot be right."))
    return Read({"valueDateTime": moment.isoformat(timespec="seconds")})


def _chosen(text: str, item: Item, w: Words) -> Read:
    choice = item.choice(text)
    if choice is not None:
        return Read(dict(choice.value))
    if item.value_set or item.type == "open-choice":
        icd = ICD.match(text) if item.shown == "icd10" else None
        if icd:
            coding = {"system": ICD10_VN, "code": icd[1], "display": icd[2].strip()[:300]}
            return Read({"valueCoding": coding})
        return Read({"valueString": text[:LONGEST]})
    return Read(None, w("Choose one of the answers."))


def read(text: str, item: Item, w: Words, now: datetime) -> Read:
    """What was typed, as an answer. "" gives neither answer nor error."""
    text = CONTROLS.sub("", text).strip()
    if not text or item.type in ("group", "display", "attachment"):
        return Read()
    if item.max_length is not None and len(text) > item.max_length and item.type in ("string", "text", "url", "open-choice"):
        return Read(None, w("At most %(n)s characters; there are %(have)s.", n=item.max_length, have=w.number(len(text))))
    if item.type in NUMBERS:
        return _numeric(text, item, w)
    if item.type in ("date", "dateTime", "time"):
        return _dated(text, item, w, now)
    if item.type == "boolean":
        known = {"true": True, "1": True, "on": True, "false": False, "0": False}.get(text)
        return Read({"valueBoolean": known}) if known is not None else Read(None, w("Choose one of the answers."))
    if item.type in ("choice", "open-choice"):
        return _chosen(text, item, w)
    if item.type == "url":
        return Read({"valueUri": text}) if re.fullmatch(r"\S+", text) else Read(None, w("An address without spaces."))
    if item.type == "reference":
        return Read({"valueReference": {"display": text[:LONGEST]}})
    return Read({"valueString": text[:LONGEST]})


def plain(value: Decimal | int, lang: str) -> str:
    """A number as it is typed here: no thousands, the reader's point."""
    text = f"{Decimal(value):f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace(".", ",") if lang == "vi" else text


def _named(answer: Mapping[str, Any]) -> tuple[str, Any]:
    return next(((k, v) for k, v in answer.items() if k.startswith("value")), ("", None))


def typed(answer: Mapping[str, Any], item: Item, lang: str) -> str:
    """An answer as the field holds it: what `read` would read back. "" for what the field cannot hold."""
    name, value = _named(answer)
    if value is None:
        return ""
    if name == "valueCoding":
        known = next((c.key for c in item.choices if c.value.get(name, {}).get("code") == value.get("code")), "")
        if known or (item.type == "choice" and item.choices):
            return known
        code, shown = str(value.get("code") or ""), str(value.get("display") or value.get("code") or "")
        return f"{code} · {shown}" if code and code != shown else shown
    if name == "valueQuantity":
        value = value.get("value")
        return plain(value, lang) if value is not None else ""
    if name == "valueBoolean":
        return "true" if value else "false"
    if name in ("valueDecimal", "valueInteger"):
        return plain(value, lang)
    if name == "valueDate":
        return "/".join(reversed(str(value).split("-")))
    if name == "valueDateTime":
        return f"{clock.local(parse_instant(str(value))):%d/%m/%Y %H:%M}"
    if name == "valueTime":
        return str(value)[:5]
    if name == "valueReference":
        return str(value.get("display") or value.get("reference") or "")
    return str(value) if isinstance(value, str) else ""


def shown(answer: Mapping[str, Any], item: Item, w: Words) -> str:
    """An answer as it is read on a page or a paper."""
    name, value = _named(answer)
    if name == "valueBoolean":
        return w("yes") if value else w("no")
    if name == "valueCoding":
        choice = next((c for c in item.choices if c.value.get(name, {}).get("code") == value.get("code")), None)
        if choice is not None:
            return choice.text.of(w.lang)
    text = typed(answer, item, w.lang)
    if name in ("valueDecimal", "valueInteger", "valueQuantity"):
        amount = value.get("value") if name == "valueQuantity" else value
        text = w.number(amount) if amount is not None else ""
        return f"{text} {item.unit.said.of(w.lang)}" if item.unit and item.unit.text and text else text
    return text


def answered(found: list[Any], item: Item) -> list[Answer]:
    """What a FHIRPath expression gave, as answers of the item's type; what does not fit it is dropped."""
    out: list[Answer] = []
    for value in found[: None if item.repeats else 1]:
        made = _answer(value, item)
        if made is not None:
            out.append(made)
    return out


def _answer(value: Any, item: Item) -> Answer | None:
    if isinstance(value, Mapping) and "value" in value and item.type in NUMBERS:
        value = value["value"]
    if item.type in NUMBERS:
        if isinstance(value, bool) or not isinstance(value, int | Decimal | float):
            return None
        number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
        places = 0 if item.type == "integer" else item.places
        if places is not None:
            number = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
        return number_answer(item, number)
    if item.type in ("choice", "open-choice"):
        return _coded(value, item)
    if item.type == "boolean":
        return {"valueBoolean": value} if isinstance(value, bool) else None
    name = {"date": "valueDate", "dateTime": "valueDateTime", "time": "valueTime", "url": "valueUri"}.get(item.type, "valueString")
    if item.type == "reference":
        return {"valueReference": dict(value)} if isinstance(value, Mapping) else {"valueReference": {"display": str(value)}}
    if isinstance(value, Mapping | list):
        return None
    text = str(value).removeprefix("@").removeprefix("T") if item.type == "time" else str(value)
    if item.type == "date":
        text = text[:10]
    if item.type == "dateTime" and len(text) > 10:
        text = clock.local(parse_instant(text)).isoformat(timespec="seconds")
    return {name: text} if text else None


def _coded(value: Any, item: Item) -> Answer | None:
    code = value.get("code") if isinstance(value, Mapping) else value
    choice = item.choice(str(code))
    if choice is not None:
        return dict(choice.value)
    if item.choices and item.type == "choice":
        return None
    if isinstance(value, Mapping):
        return {"valueCoding": {k: value[k] for k in ("system", "code", "display") if k in value}}
    return {"valueString": str(value)} if value not in (None, "") else None
