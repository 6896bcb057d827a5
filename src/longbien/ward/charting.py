"""Charting a round of vital signs: what was typed for one patient -> Observations whose ids are the round's. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from longbien.base import clock
from longbien.base.words import Words
from longbien.fhir import systems as s
from longbien.web import entries

from . import signs
from .codes import LEVEL, OXYGEN, Resource, concept

GRID = ("systolic", "diastolic", "pulse", "temperature", "breaths", "spo2", "oxygen", "level")
"""The columns of the ward's grid."""
MORE = ("pain", "glucose", "weight")
_GLUCOSE = "Glucose [Moles/volume] in Capillary blood by Glucometer"
_PAIN = "Pain severity - 0-10 verbal numeric rating [Score] - Reported"
OWN = {
    "oxygen": (OXYGEN, "Inhaled oxygen flow rate", "Lưu lượng oxy", "L/min", "L/min", Decimal(0), Decimal(60)),
    "pain": ("72514-3", _PAIN, "Điểm đau", "điểm", "{score}", Decimal(0), Decimal(10)),
    "glucose": ("14743-9", _GLUCOSE, "Đường máu mao mạch", "mmol/L", "mmol/L", Decimal("0.5"), Decimal(60)),
}
"""What the chart's own form does not have: LOINC, display, text, unit, UCUM, from, to."""


def chart(values: Mapping[str, str], writer: entries.Writer, token: str, now: datetime, w: Words) -> entries.Entry:
    """Observations, each with an id of the round's (`token`), or what is wrong with which field."""
    own = {k: values.get(k, "").strip() for k in (*OWN, "level")}
    usual = any(values.get(v.name, "").strip() for v in (entries.SYSTOLIC, entries.DIASTOLIC, *entries.VITALS))
    made = entries.vitals(values, writer, token, now, w) if usual else entries.Entry()
    at = entries.taken(values.get("taken", ""), now)
    if at is None:
        made.errors["taken"] = w("A time that has passed, for example 06:10 or 23/11 06:10.")
        at = now
    for key, (loinc, display, text, unit, ucum, low, high) in OWN.items():
        if not own[key]:
            continue
        value = entries.number(own[key])
        if value is None or not low <= value <= high:
            made.errors[key] = w("From %(low)s to %(high)s.", low=w.number(low), high=w.number(high))
            continue
        one = _base(writer, f"{token}-{key}", concept(s.LOINC, loinc, display, text), at, now)
        made.resources.append(one | {"valueQuantity": {"value": value, "unit": unit, "system": s.UCUM, "code": ucum}})
    if own["level"]:
        if own["level"].upper() in {x[0] for x in signs.LEVELS}:
            code = concept(s.LOINC, LEVEL, "Level of responsiveness", "Ý thức ACVPU")
            made.resources.append(_base(writer, f"{token}-level", code, at, now) | {"valueString": own["level"].upper()})
        else:
            made.errors["level"] = w("A, C, V, P or U.")
    if not made.resources and not made.errors:
        made.errors["pulse"] = w("Nothing is written yet.")
    return made


def _base(writer: entries.Writer, id_: str, code: Resource, at: datetime, now: datetime) -> dict[str, Any]:
    out: dict[str, Any] = {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "category": [concept(s.OBSERVATION_CATEGORY, "vital-signs", "Vital Signs")],
        "code": code,
        "subject": {"reference": f"Patient/{writer.patient}"},
        "encounter": {"reference": f"Encounter/{writer.encounter}"},
        "effectiveDateTime": clock.instant(at),
        "issued": clock.instant(now),
    }
    if author := entries._author(writer):
        out["performer"] = [author]
    return out
