"""What the chart's forms mean: fields as typed -> FHIR resources, or what is wrong with which field. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from markupsafe import escape

from ..base import clock
from ..base.words import Words
from ..fhir.systems import ICD10_VN
from .chart.gather import ACKNOWLEDGE
from .chart.measures import LOINC
from .terms import Term

UCUM = "http://unitsofmeasure.org"
OBSERVATION_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
TASK_CODES = "https://longbien.org/fhir/CodeSystem/task"
Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes, about whom, in which visit. References are `Type/id`, "" when there is none."""

    patient: str
    practitioner: str = ""
    name: str = ""
    organization: str = ""
    encounter: str = ""


@dataclass(slots=True)
class Entry:
    """What a form became: resources to create (their ids begin with the form's own token), or errors by field."""

    resources: list[Resource] = field(default_factory=list)
    errors: dict[str, str] = field(default_factory=dict)


def _ref(reference: str, display: str = "") -> dict[str, str]:
    out = {"reference": reference} if reference else {}
    return {**out, "display": display} if display else out


def _author(writer: Writer) -> dict[str, str]:
    return _ref(f"Practitioner/{writer.practitioner}" if writer.practitioner else "", writer.name)


def _base(kind: str, id_: str, writer: Writer, subject: str = "subject") -> Resource:
    out: Resource = {"resourceType": kind, "id": id_, subject: {"reference": f"Patient/{writer.patient}"}}
    if writer.encounter:
        out["encounter"] = {"reference": f"Encounter/{writer.encounter}"}
    return out


def _concept(system: str, code: str, display: str, text: str = "") -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": text or display}


SECTIONS = (
    ("subjective", "10164-2", "History of Present illness Narrative", "Diễn biến"),
    ("objective", "29545-1", "Physical findings Narrative", "Khám"),
    ("assessment", "51848-0", "Evaluation note", "Đánh giá"),
    ("plan", "18776-5", "Plan of care note", "Hướng xử trí"),
)


def _div(text: str) -> str:
    body = "".join(f"<p>{escape(line)}</p>" for line in text.split("\n") if line.strip())
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{body}</div>'


def note(values: Mapping[str, str], writer: Writer, once: str, now: datetime, w: Words) -> Entry:
    """A progress note (tờ điều trị): a Composition with the sections that were filled in."""
    written = [(s, values.get(s[0], "").strip()) for s in SECTIONS]
    if not any(text for _, text in written):
        return Entry(errors={"subjective": w("Nothing is written yet.")})
    out = _base("Composition", once, writer)
    out |= {
        "status": "final",
        "type": _concept(LOINC, "11506-3", "Progress note", "Tờ điều trị"),
        "date": clock.instant(now),
        "author": [_author(writer)],
        "title": f"Tờ điều trị {clock.local(now):%d/%m/%Y}",
        "section": [
            {
                "title": title,
                "code": {"coding": [{"system": LOINC, "code": code, "display": display}]},
                "text": {"status": "generated", "div": _div(text)},
            }
            for (_, code, display, title), text in written
            if text
        ],
    }
    if writer.organization:
        out["custodian"] = {"reference": f"Organization/{writer.organization}"}
    return Entry([out])


@dataclass(frozen=True, slots=True)
class Vital:
    """`low` to `high`: what a living person can have; outside it is a slip of the finger and is asked back."""

    name: str
    loinc: str
    display: str
    text: str
    unit: str
    ucum: str
    low: float
    high: float


VITALS = (
    Vital("pulse", "8867-4", "Heart rate", "Mạch", "/min", "/min", 20, 300),
    Vital("temperature", "8310-5", "Body temperature", "Nhiệt độ", "°C", "Cel", 25, 45),
    Vital("breaths", "9279-1", "Respiratory rate", "Nhịp thở", "/min", "/min", 2, 120),
    Vital("spo2", "59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry", "SpO₂", "%", "%", 30, 100),
    Vital("weight", "29463-7", "Body weight", "Cân nặng", "kg", "kg", 0.3, 400),
    Vital("height", "8302-2", "Body height", "Chiều cao", "cm", "cm", 20, 260),
)
SYSTOLIC = Vital("systolic", "8480-6", "Systolic blood pressure", "Huyết áp tâm thu", "mmHg", "mm[Hg]", 30, 300)
DIASTOLIC = Vital("diastolic", "8462-4", "Diastolic blood pressure", "Huyết áp tâm trương", "mmHg", "mm[Hg]", 10, 200)


def number(text: str) -> Decimal | None:
    """A number as people here type it: 37,9 or 37.9. None when it is not one."""
    try:
        value = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return None
    return value if value.is_finite() and re.fullmatch(r"-?\d{1,6}([.,]\d{1,4})?", text.strip()) else None


def guess(value: Decimal, v: Vital) -> Decimal | None:
    """What may have been meant: the point forgotten or in the wrong place."""
    for shift in (Decimal("0.1"), Decimal(10), Decimal("0.01"), Decimal(100)):
        if v.low <= value * shift <= v.high:
            return value * shift
    return None


def _check(text: str, v: Vital, w: Words) -> tuple[Decimal | None, str]:
    value = number(text)
    if value is None:
        return None, w("A number, for example %(example)s.", example=w.number(round((v.low + v.high) / 2)))
    if v.low <= value <= v.high:
        return value, ""
    said = w("From %(low)s to %(high)s.", low=w.number(v.low), high=w.number(v.high))
    meant = guess(value, v)
    return None, said + (" " + w("Is it %(guess)s?", guess=w.number(meant.normalize())) if meant is not None else "")


def taken(text: str, now: datetime) -> datetime | None:
    """A moment as typed: "" now, 06:10 (today, or yesterday when that is still to come), 23/11 06:10, 23/11/2026 06:10. None
    when it cannot be read or lies ahead."""
    if not text.strip():
        return now
    m = re.fullmatch(r"(?:(\d{1,2})/(\d{1,2})(?:/(\d{4}))?\s+)?(\d{1,2})[:hg](\d{2})", text.strip())
    if not m:
        return None
    here = clock.local(now)
    try:
        day = here.replace(hour=int(m[4]), minute=int(m[5]), second=0, microsecond=0)
        if m[1]:
            day = day.replace(day=1).replace(year=int(m[3] or here.year), month=int(m[2])).replace(day=int(m[1]))
        elif day > here + timedelta(minutes=5):
            day -= timedelta(days=1)
    except ValueError:
        return None
    return day if day <= here + timedelta(minutes=5) else None


def vitals(values: Mapping[str, str], writer: Writer, once: str, now: datetime, w: Words) -> Entry:
    """Vital signs: one Observation each, blood pressure as one with two components (FHIR vital signs profile)."""
    entry = Entry()
    at = taken(values.get("taken", ""), now)
    if at is None:
        entry.errors["taken"] = w("A time that has passed, for example 06:10 or 23/11 06:10.")
        at = now

    def observation(suffix: str, v: Vital | None, code: dict[str, Any]) -> Resource:
        out = _base("Observation", f"{once}-{suffix}", writer)
        out |= {
            "status": "final",
            "category": [_concept(OBSERVATION_CATEGORY, "vital-signs", "Vital Signs")],
            "code": code,
            "effectiveDateTime": clock.instant(at),
            "issued": clock.instant(now),
        }
        if _author(writer):
            out["performer"] = [_author(writer)]
        return out

    def quantity(value: Decimal, v: Vital) -> dict[str, Any]:
        return {"value": value, "unit": v.unit, "system": UCUM, "code": v.ucum}

    pressures: dict[str, Decimal] = {}
    for v in (SYSTOLIC, DIASTOLIC, *VITALS):
        text = values.get(v.name, "").strip()
        if not text:
            continue
        value, wrong = _check(text, v, w)
        if value is None:
            entry.errors[v.name] = wrong
        elif v in (SYSTOLIC, DIASTOLIC):
            pressures[v.name] = value
        else:
            found = observation(v.name, v, _concept(LOINC, v.loinc, v.display, v.text))
            found["valueQuantity"] = quantity(value, v)
            entry.resources.append(found)
    if len(pressures) == 1 and not entry.errors.keys() & {"systolic", "diastolic"}:
        missing = "diastolic" if "systolic" in pressures else "systolic"
        entry.errors[missing] = w("Blood pressure needs both numbers.")
    elif len(pressures) == 2 and pressures["systolic"] <= pressures["diastolic"]:
        entry.errors["diastolic"] = w("Lower than the systolic. Swapped?")
    elif pressures:
        found = observation("bp", None, _concept(LOINC, "85354-9", "Blood pressure panel with all children optional", "Huyết áp"))
        found["component"] = [
            {"code": _concept(LOINC, v.loinc, v.display, v.text), "valueQuantity": quantity(pressures[v.name], v)}
            for v in (SYSTOLIC, DIASTOLIC)
        ]
        entry.resources.append(found)
    if not entry.resources and not entry.errors:
        entry.errors["systolic"] = w("Nothing is written yet.")
    return entry


def partial_date(text: str, now: datetime) -> str | None:
    """2019, 05/2019 or 14/05/2019 as a FHIR date; "" stays; None when it is none or lies ahead."""
    if not text.strip():
        return ""
    m = re.fullmatch(r"(?:(?:(\d{1,2})/)?(\d{1,2})/)?(\d{4})", text.strip())
    if not m or not int(m[3]) >= 1890:
        return None
    year, month, day = int(m[3]), int(m[2] or 1), int(m[1] or 1)
    try:
        moment = datetime(year, month, day, tzinfo=clock.HANOI)
    except ValueError:
        return None
    if moment > now:
        return None
    return f"{year:04d}" + (f"-{month:02d}" if m[2] else "") + (f"-{day:02d}" if m[1] else "")


def allergy(values: Mapping[str, str], writer: Writer, once: str, now: datetime, w: Words) -> Entry:
    """An AllergyIntolerance, active; confirmed when it was seen or tested."""
    entry = Entry()
    substance = values.get("substance", "").strip()[:200]
    if not substance:
        entry.errors["substance"] = w("Say what the patient reacts to.")
    onset = partial_date(values.get("onset", ""), now)
    if onset is None:
        entry.errors["onset"] = w("A year that has passed, for example 2019.")
    if entry.errors:
        return entry
    terms = "http://terminology.hl7.org/CodeSystem/allergyintolerance-"
    sure = "confirmed" if values.get("source") == "confirmed" else "unconfirmed"
    out = _base("AllergyIntolerance", once, writer, "patient")
    out |= {
        "clinicalStatus": {"coding": [{"system": terms + "clinical", "code": "active"}]},
        "verificationStatus": {"coding": [{"system": terms + "verification", "code": sure}]},
        "code": {"text": substance},
        "recordedDate": clock.instant(now),
    }
    if values.get("criticality") in ("low", "high", "unable-to-assess"):
        out["criticality"] = values["criticality"]
    if _author(writer):
        out["recorder"] = _author(writer)
    if onset:
        out["onsetDateTime"] = onset
    if reaction := values.get("reaction", "").strip()[:500]:
        out["reaction"] = [{"manifestation": [{"text": reaction}]}]
    entry.resources.append(out)
    return entry


def problem(values: Mapping[str, str], writer: Writer, once: str, now: datetime, w: Words, known: Mapping[str, Term]) -> Entry:
    """A Condition with an ICD-10 code. `known`: by code. What was typed without choosing from the list is no diagnosis: it is asked
    back."""
    entry = Entry()
    code, typed = values.get("code", "").strip(), values.get("name", "").strip()
    if code not in known and typed.upper() in known:
        code = typed.upper()
    if code not in known:
        entry.errors["name"] = w("Choose a diagnosis from the list.") if typed else w("Say which diagnosis.")
    onset = partial_date(values.get("onset", ""), now)
    if onset is None:
        entry.errors["onset"] = w("A time that has passed, for example 2019 or 05/2019.")
    if entry.errors:
        return entry
    clinical = "resolved" if values.get("status") == "resolved" else "active"
    sure = "provisional" if values.get("certainty") == "provisional" else "confirmed"
    system = "http://terminology.hl7.org/CodeSystem/condition-"
    term = known[code]
    out = _base("Condition", once, writer)
    out |= {
        "clinicalStatus": {"coding": [{"system": system + "clinical", "code": clinical}]},
        "verificationStatus": {"coding": [{"system": system + "ver-status", "code": sure}]},
        "category": [_concept(system + "category", "problem-list-item", "Problem List Item")],
        "code": _concept(term.system, code, term.vi if term.system == ICD10_VN else (term.en or term.vi), term.vi),
        "recordedDate": clock.instant(now),
    }
    if _author(writer):
        out["recorder"] = _author(writer)
    if onset:
        out["onsetDateTime"] = onset
    entry.resources.append(out)
    return entry


def acknowledgement(result: str, writer: Writer, once: str, now: datetime) -> Resource:
    """That somebody has taken note of a critical result: a completed Task with the Observation as its focus."""
    out: Resource = {
        "resourceType": "Task",
        "id": once,
        "status": "completed",
        "intent": "order",
        "code": {"coding": [{"system": TASK_CODES, "code": ACKNOWLEDGE}], "text": "Đã nhận kết quả nguy kịch"},
        "focus": {"reference": f"Observation/{result}"},
        "for": {"reference": f"Patient/{writer.patient}"},
        "authoredOn": clock.instant(now),
        "lastModified": clock.instant(now),
        "executionPeriod": {"start": clock.instant(now), "end": clock.instant(now)},
    }
    if writer.practitioner:
        out["owner"] = _author(writer)
    return out
