"""The administrator's form of one definition: what stands in its fields, and the definition as edited. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from ..base.words import Words
from ..fhir import systems as s
from ..web.chart.record import first
from .compose import number
from .definitions import ALIAS, CHILD, HIGH_ALERT, ROUTINE, URGENT, USAGE_CONTEXT, definition
from .index import Index

Resource = dict[str, Any]
STATUSES = ("draft", "active", "retired")
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
ICD = re.compile(r"[A-Z]\d{2}(\.\d{1,2})?")
MOST_ITEMS = 120


def fields(r: Mapping[str, Any]) -> dict[str, str]:
    """A definition as the form shows it."""
    period = r.get("effectivePeriod") or {}
    out = {
        "title": str(r.get("title") or ""),
        "en": str(r.get("subtitle") or ""),
        "status": str(r.get("status") or "draft"),
        "start": str(period.get("start") or "")[:10],
        "end": str(period.get("end") or "")[:10],
    }
    if r.get("resourceType") == "PlanDefinition":
        topics = [str(c["code"]) for t in r.get("topic") or () for c in t.get("coding") or () if c.get("code")]
        return {**out, "advice": str(r.get("description") or ""), "icd": ", ".join(topics)}
    dosage: Any = first(r, "dosage") or {}
    quantity = first(dosage, "doseAndRate", "doseQuantity") or {}
    return out | {
        "aliases": "; ".join(_values(r, ALIAS)),
        "group": str(first(r, "topic", "text") or ""),
        "usage": str(r.get("usage") or ""),
        "icd": ", ".join(_focus(r)),
        "text": str(dosage.get("text") or ""),
        "dose": str(quantity.get("value") if quantity.get("value") is not None else "").replace(".", ","),
        "unit": str(quantity.get("unit") or ""),
        "times": str(first(dosage, "timing", "repeat", "frequency") or ""),
        "child": next(iter(_values(r, CHILD)), ""),
        "high_alert": "1" if any(x.get("url") == HIGH_ALERT and x.get("valueBoolean") for x in r.get("extension") or ()) else "",
        "routine": _minutes(r, ROUTINE),
        "urgent": _minutes(r, URGENT),
    }


def _values(r: Mapping[str, Any], url: str) -> list[str]:
    return [str(x["valueString"]) for x in r.get("extension") or () if x.get("url") == url and x.get("valueString")]


def _minutes(r: Mapping[str, Any], url: str) -> str:
    found = next((x.get("valueDuration") for x in r.get("extension") or () if x.get("url") == url), None) or {}
    return str(found.get("value") or "")


def _focus(r: Mapping[str, Any]) -> list[str]:
    used = (u for u in r.get("useContext") or () if (u.get("code") or {}).get("code") == "focus")
    return [str(c["code"]) for u in used for c in (u.get("valueCodeableConcept") or {}).get("coding") or () if c.get("code")]


def edited(r: Resource, values: Mapping[str, str], index: Index, w: Words) -> tuple[Resource, dict[str, str]]:
    """The definition with what was typed, and what is wrong with which field. What the form does not show stays as it is; the
    business version goes up by one."""
    errors = _wrong(values, w)
    out = {**r, "title": values.get("title", ""), "status": values.get("status") if values.get("status") in STATUSES else "draft"}
    _put(out, "subtitle", values.get("en", ""))
    _put(out, "effectivePeriod", {k: values[k] for k in ("start", "end") if values.get(k)})
    out["version"] = str(int(r["version"]) + 1) if str(r.get("version") or "").isdigit() else "1"
    if r.get("resourceType") == "PlanDefinition":
        return _set(out, values, index, errors, w), errors
    keep = [x for x in r.get("extension") or () if x.get("url") not in (ALIAS, CHILD, HIGH_ALERT, ROUTINE, URGENT)]
    keep += [{"url": ALIAS, "valueString": a.strip()} for a in values.get("aliases", "").split(";") if a.strip()]
    if values.get("child"):
        keep.append({"url": CHILD, "valueString": values["child"]})
    if values.get("high_alert"):
        keep.append({"url": HIGH_ALERT, "valueBoolean": True})
    for url, name in ((ROUTINE, "routine"), (URGENT, "urgent")):
        if values.get(name, "").isdigit():
            keep.append({"url": url, "valueDuration": {"value": int(values[name]), "unit": "min", "system": s.UCUM, "code": "min"}})
    _put(out, "extension", keep)
    _put(out, "usage", values.get("usage", ""))
    _put(out, "topic", [{"text": values["group"]}] if values.get("group") else [])
    _put(out, "useContext", _others(r) + [_context(icd) for icd in _codes(values)])
    if isinstance(out.get("code"), dict) and r.get("kind") == "MedicationRequest":
        _put(out, "dosage", _dosage(r, values))
    return out, errors


def _put(out: Resource, key: str, value: Any) -> None:
    if value:
        out[key] = value
    else:
        out.pop(key, None)


def _codes(values: Mapping[str, str]) -> list[str]:
    return [c.strip().upper() for c in values.get("icd", "").replace(";", ",").split(",") if c.strip()]


def _others(r: Mapping[str, Any]) -> list[Resource]:
    return [u for u in r.get("useContext") or () if (u.get("code") or {}).get("code") != "focus"]


def _context(icd: str) -> Resource:
    coding = {"system": s.ICD10_VN, "code": icd}
    return {"code": {"system": USAGE_CONTEXT, "code": "focus"}, "valueCodeableConcept": {"coding": [coding]}}


def _dosage(r: Mapping[str, Any], values: Mapping[str, str]) -> list[Resource]:
    old: Any = first(r, "dosage") or {}
    made = {k: v for k, v in old.items() if k not in ("text", "timing", "doseAndRate")}
    _put(made, "text", values.get("text", ""))
    if values.get("times", "").isdigit():
        made["timing"] = {"repeat": {"frequency": int(values["times"]), "period": 1, "periodUnit": "d"}}
    value = number(values.get("dose", "")) if values.get("dose") else None
    if value is not None:
        exact: int | Decimal = int(value) if value == value.to_integral_value() else value
        made["doseAndRate"] = [{"doseQuantity": {"value": exact, **({"unit": values["unit"]} if values.get("unit") else {})}}]
    return [made, *list(r.get("dosage") or ())[1:]] if made else []


def _wrong(values: Mapping[str, str], w: Words) -> dict[str, str]:
    errors: dict[str, str] = {}
    if not values.get("title", "").strip():
        errors["title"] = w("It needs a name.")
    for name in ("start", "end"):
        if values.get(name) and not _date(values[name]):
            errors[name] = w("A day, for example 2026-12-31.")
    if not errors and values.get("start") and values.get("end") and values["end"] < values["start"]:
        errors["end"] = w("Before the first day.")
    if values.get("dose") and ((value := number(values["dose"])) is None or value <= 0):
        errors["dose"] = w("A number, for example 500 or 0,5.")
    if values.get("times") and not (values["times"].isdigit() and 1 <= int(values["times"]) <= 24):
        errors["times"] = w("From 1 to 24 times a day.")
    for name in ("routine", "urgent"):
        if values.get(name) and not (values[name].isdigit() and 1 <= int(values[name]) <= 60 * 24 * 60):
            errors[name] = w("Minutes, a whole number.")
    bad = [c for c in _codes(values) if not ICD.fullmatch(c)]
    if bad:
        errors["icd"] = w("Not an ICD-10 code: %(what)s", what=", ".join(bad))
    return errors


def _date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == 10


def _set(out: Resource, values: Mapping[str, str], index: Index, errors: dict[str, str], w: Words) -> Resource:
    """An order set: what is ticked, what goes, what comes (ids or kind:code, by commas)."""
    _put(out, "description", values.get("advice", "") or values.get("title", ""))
    _put(out, "topic", [{"coding": [{"system": s.ICD10_VN, "code": c}]} for c in _codes(values)])
    actions = []
    for n, old in enumerate(out.get("action") or ()):
        if values.get(f"gone-{n}"):
            continue
        one = {**old, "precheckBehavior": "yes" if values.get(f"tick-{n}") else "no"}
        _put(one, "textEquivalent", values.get(f"hint-{n}", ""))
        actions.append(one)
    unknown = []
    for word in (x.strip() for x in values.get("more", "").replace(";", ",").split(",")):
        kind, _, code = word.partition(":")
        item = index.by_id.get(word) or index.by_code.get((kind.strip(), code.strip()))
        if item is not None and item.kind != "set" and item.code:
            coding = [dict(c) for c in item.code.get("coding") or ()][:1]
            actions.append(
                {"title": item.vi, "code": [{"coding": coding}], "requiredBehavior": "could", "precheckBehavior": "yes",
                 "definitionCanonical": item.url}
            )  # fmt: skip
        elif word:
            unknown.append(word)
    if unknown:
        errors["more"] = w("Not in the catalogue: %(what)s", what=", ".join(unknown))
    if len(actions) > MOST_ITEMS:
        errors["more"] = w("At most %(n)s items.", n=MOST_ITEMS)
    _put(out, "action", actions)
    return out


def new(kind: str, values: Mapping[str, str], index: Index, w: Words) -> tuple[Resource, dict[str, str]]:
    """A definition that was not there. `values` hold its code too."""
    code = values.get("code", "").strip()
    made = definition(kind, code or "x", values.get("title", ""), version="0")
    out, errors = edited(made, values, index, w)
    if not CODE.fullmatch(code):
        errors["code"] = w("Letters, digits, points and dashes, up to 40.")
    elif (kind, code) in index.by_code or made["id"] in index.by_id:
        errors["code"] = w("This code is taken.")
    return out, errors
