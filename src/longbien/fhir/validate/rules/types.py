"""Invariants of the data types. https://hl7.org/fhir/R4/datatypes.html"""

from __future__ import annotations

from typing import Any

from ..context import Context
from .words import UCUM, Rule, has, has_choice, needs, not_after, not_both, number, one_of_two


def per_1(v: dict[str, Any], c: Context) -> bool:
    """Period: start is not after end."""
    return "start" not in v or "end" not in v or not_after(v["start"], v["end"])


def rng_2(v: dict[str, Any], c: Context) -> bool:
    """Range: low is not above high; different units are not compared."""
    low, high = v.get("low"), v.get("high")
    if low.__class__ is not dict or high.__class__ is not dict:
        return True
    a, b = number(low.get("value")), number(high.get("value"))
    same = low.get("code", low.get("unit")) == high.get("code", high.get("unit"))
    return a is None or b is None or not same or a <= b


def rat_1(v: dict[str, Any], c: Context) -> bool:
    """Ratio: numerator and denominator, both or neither; neither only with an extension."""
    return ("numerator" in v) == ("denominator" in v) and ("numerator" in v or "extension" in v)


def _quantity(v: dict[str, Any]) -> bool:
    """code where there is a value; UCUM where there is a system."""
    return (has(v, "code") or not has(v, "value")) and v.get("system", UCUM) == UCUM


def age_1(v: dict[str, Any], c: Context) -> bool:
    value = number(v.get("value"))
    return _quantity(v) and (value is None or value > 0)


def cnt_3(v: dict[str, Any], c: Context) -> bool:
    value = v.get("value")
    return _quantity(v) and v.get("code", "1") == "1" and (value is None or "." not in str(value))


def dis_1(v: dict[str, Any], c: Context) -> bool:
    return _quantity(v)


def drt_1(v: dict[str, Any], c: Context) -> bool:
    return not has(v, "code") or (v.get("system") == UCUM and has(v, "value"))


def not_negative(name: str) -> Rule:
    def rule(v: dict[str, Any], c: Context) -> bool:
        value = number(v.get(name))
        return value is None or value >= 0

    return rule


def tim_9(v: dict[str, Any], c: Context) -> bool:
    """Timing.repeat.offset only with events other than meals themselves."""
    return not has(v, "offset") or ("when" in v and not {"C", "CM", "CD", "CV"} & set(v["when"]))


def trd_3(v: dict[str, Any], c: Context) -> bool:
    kind = v.get("type")
    return (
        (kind != "named-event" or has(v, "name"))
        and (kind != "periodic" or has_choice(v, "timing"))
        and (not str(kind).startswith("data-") or has(v, "data"))
    )


def eld_2(v: dict[str, Any], c: Context) -> bool:
    low, high = v.get("min"), v.get("max")
    return low is None or high is None or high == "*" or low <= int(high)


RULES: dict[str, Rule] = {
    "per-1": per_1,
    "rng-2": rng_2,
    "rat-1": rat_1,
    "qty-3": needs("code", "system"),
    "age-1": age_1,
    "cnt-3": cnt_3,
    "dis-1": dis_1,
    "drt-1": drt_1,
    "att-1": needs("data", "contentType"),
    "cpt-2": needs("value", "system"),
    "tim-1": needs("duration", "durationUnit"),
    "tim-2": needs("period", "periodUnit"),
    "tim-4": not_negative("duration"),
    "tim-5": not_negative("period"),
    "tim-6": needs("periodMax", "period"),
    "tim-7": needs("durationMax", "duration"),
    "tim-8": needs("countMax", "count"),
    "tim-9": tim_9,
    "tim-10": not_both("timeOfDay", "when"),
    "exp-1": lambda v, c: has(v, "expression") or has(v, "reference"),
    "drq-1": one_of_two("path", "searchParam"),
    "drq-2": one_of_two("path", "searchParam"),
    "trd-1": lambda v, c: not (has(v, "data") and has_choice(v, "timing")),
    "trd-2": needs("condition", "data"),
    "trd-3": trd_3,
    "eld-2": eld_2,
    "eld-18": lambda v, c: v.get("isModifier") is not True or has(v, "isModifierReason"),
}
