"""Vital signs: an Observation with one of these codes conforms to the vital signs profile of R4, whatever it says of
itself. https://hl7.org/fhir/R4/observation-vitalsigns.html"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ..context import Context, Place
from ..rules.words import UCUM, codings, has_choice
from .check import Check, objects

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
_CATEGORY = ("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs")


class Vital(NamedTuple):
    """The LOINC code that must be among the codings, and the UCUM units of the value (none: it is a panel)."""

    name: str
    magic: str
    units: frozenset[str]


def _vital(name: str, magic: str, units: str = "") -> Vital:
    return Vital(name, magic, frozenset(units.split()))


RESPIRATION = _vital("respiratory rate", "9279-1", "/min")
HEART = _vital("heart rate", "8867-4", "/min")
OXYGEN = _vital("oxygen saturation", "2708-6", "%")
TEMPERATURE = _vital("body temperature", "8310-5", "Cel [degF]")
HEIGHT = _vital("body height", "8302-2", "cm [in_i]")
HEAD = _vital("head circumference", "9843-4", "cm [in_i]")
WEIGHT = _vital("body weight", "29463-7", "g kg [lb_av]")
BMI = _vital("body mass index", "39156-5", "kg/m2")
PRESSURE = _vital("blood pressure", "85354-9")
PANEL = _vital("vital signs panel", "85353-1")

# Which code means which: the profiles' own LOINC codes, narrower LOINC codes that the panels are often sent with, and the
# SNOMED CT observables.
MEANS: dict[tuple[Any, Any], Vital] = {
    **{(LOINC, v.magic): v for v in (RESPIRATION, HEART, OXYGEN, TEMPERATURE, HEIGHT, HEAD, WEIGHT, BMI, PRESSURE, PANEL)},
    **{(LOINC, code): PRESSURE for code in ("35094-2", "76534-7", "76535-4", "96607-7")},
    **{(SNOMED, code): TEMPERATURE for code in ("276885007", "386725007")},
    (SNOMED, "86290005"): RESPIRATION,
    (SNOMED, "364075005"): HEART,
    (SNOMED, "431314004"): OXYGEN,
    (SNOMED, "50373000"): HEIGHT,
    (SNOMED, "363812007"): HEAD,
    (SNOMED, "27113001"): WEIGHT,
    (SNOMED, "60621009"): BMI,
    (SNOMED, "75367002"): PRESSURE,
}


def meant(codes: Iterable[tuple[Any, Any]]) -> Vital | None:
    for code in codes:
        found = MEANS.get(code)
        if found is not None:
            return found
    return None


def observation(v: dict[str, Any], place: Place, c: Context) -> None:
    codes = codings(v.get("code"))
    vital = meant(codes)
    if vital is None or v.get("status") == "entered-in-error":
        return
    if (LOINC, vital.magic) not in codes:
        text = f"A {vital.name} must be coded with LOINC {vital.magic} too (vital signs profile)"
        c.error("business-rule", text, (place, "code", None))
    if _CATEGORY not in codings(v.get("category")):
        text = f"A {vital.name} must be of the category vital-signs (vital signs profile)"
        c.error("business-rule", text, place)
    for name in ("subject", "effective"):
        if name not in v and not has_choice(v, name):
            c.error("required", f"{name} is required for a {vital.name} (vital signs profile)", place)
    if "effectiveTiming" in v or "effectiveInstant" in v:
        c.error("structure", "effective must be a dateTime or a Period for a vital sign", place)
    _value(vital, v, place, c)


def _value(vital: Vital, v: dict[str, Any], place: Place, c: Context) -> None:
    """A value in one of the units of the profile, or a reason why there is none."""
    quantity = v.get("valueQuantity")
    if quantity.__class__ is dict and vital.units:
        unit = (quantity.get("system"), quantity.get("code"))
        if unit[0] != UCUM or unit[1] not in vital.units:
            text = f"A {vital.name} must be in UCUM {' or '.join(sorted(vital.units))} (vital signs profile)"
            c.error("business-rule", text, (place, "value", None))
        if "value" not in quantity:
            c.error("required", f"value is required for a {vital.name}", (place, "value", None))
    elif vital.units and has_choice(v, "value") and quantity is None:
        c.error("structure", f"The value of a {vital.name} must be a Quantity (vital signs profile)", place)
    elif not has_choice(v, "value") and not {"dataAbsentReason", "component", "hasMember"} & v.keys():
        text = f"vs-2: a {vital.name} needs a value, components, members or a dataAbsentReason"
        c.error("invariant", text, place)
    for part, here in objects(v, "component", place):
        if not has_choice(part, "value") and "dataAbsentReason" not in part:
            c.error("invariant", "vs-3: a component needs a value or a dataAbsentReason", here)


PROSE: dict[str, Check] = {"Observation": observation}
