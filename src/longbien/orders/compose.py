"""What a line of the order box means: fields as typed -> a FHIR request, or what is wrong with which field. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from ..base import clock
from ..base.words import Words
from ..fhir import systems as s
from ..web.chart.record import first
from .definitions import Item
from .kinds import KINDS, SNOMED

Resource = dict[str, Any]
PRIORITIES = ("routine", "urgent", "stat")
FIELDS = ("dose", "times", "text", "days", "priority", "override")
CHILD_YEARS = 15
"""Under this age a usual dose of adults is never taken over: the dose is typed."""
MOST_DAYS = 90
USUAL_DAYS = 7
REQUISITION = s.BASE + "/sid/requisition"
_NUMBER = re.compile(r"(\d+(?:[.,]\d+)?)")


@dataclass(slots=True)
class Line:
    """One line as it is typed. `k`: its mark in the form; `definition`: id of what is ordered. The rest are texts of the fields."""

    k: str
    definition: str
    dose: str = ""
    times: str = ""
    text: str = ""
    days: str = ""
    priority: str = "routine"
    override: str = ""

    @classmethod
    def of(cls, given: Any) -> Line | None:
        """From a kept draft; None for what is none."""
        if not isinstance(given, Mapping) or not given.get("k") or not given.get("definition"):
            return None
        known = {n: str(given[n])[:2000] for n in ("k", "definition", *FIELDS) if isinstance(given.get(n), str)}
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Context:
    """For whom, in which visit, by whom, when. References are ids, "" when there is none. `reason`: (Condition id, its name)."""

    patient: str
    now: datetime
    encounter: str = ""
    inpatient: bool = False
    practitioner: str = ""
    name: str = ""
    child: bool = False
    reason: tuple[str, str] | None = None
    requisition: str = ""
    emergency: bool = False


@dataclass(slots=True)
class Composed:
    resource: Resource
    errors: dict[str, str] = field(default_factory=dict)


def first_line(k: str, item: Item, context: Context, hint: str = "") -> Line:
    """As `_usual_line`; what is ordered in the emergency room is needed now, unless the doctor says otherwise."""
    made = _usual_line(k, item, context, hint)
    made.priority = "urgent" if context.emergency else made.priority
    return made


def _usual_line(k: str, item: Item, context: Context, hint: str) -> Line:
    """The line as Enter makes it: the usual dose of an adult; a child's stays open. `hint`: how an order set wants it given."""
    if item.kind != "drug":
        return Line(k, item.id, text=hint)
    days = "" if context.inpatient else str(USUAL_DAYS)
    if context.child:
        return Line(k, item.id, days=days)
    usual = _usual(item)
    return Line(k, item.id, usual["dose"], usual["times"], hint or item.dose, days)


def _usual(item: Item) -> dict[str, str]:
    """Dose and times a day of the usual dose, as typed."""
    dosage = item.dosage or {}
    quantity = first(dosage, "doseAndRate", "doseQuantity") or {}
    repeat = (dosage.get("timing") or {}).get("repeat") or {}
    daily = repeat.get("periodUnit") == "d" and repeat.get("period") == 1
    value = quantity.get("value")
    return {
        "dose": "" if value is None else str(value).replace(".", ","),
        "times": str(repeat.get("frequency") or "") if daily else "",
        "unit": str(quantity.get("unit") or ""),
    }


def dose_unit(item: Item) -> str:
    """The unit that doses of this drug are typed in."""
    return _usual(item)["unit"] or item.unit


def number(text: str) -> Decimal | None:
    """A number as Vietnamese or English write it; None for what is none. 0,5 and 0.5 are one."""
    try:
        value = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def instruction(line: Line, item: Item) -> str:
    """How the drug is given, in words that agree with the numbers: the usual sentence only with the usual numbers."""
    usual = _usual(item)
    if line.text.strip() and (line.text != item.dose or (line.dose, line.times) == (usual["dose"], usual["times"])):
        return line.text.strip()
    route = str(((item.dosage or {}).get("route") or {}).get("text") or "")
    return ", ".join(
        x
        for x in (
            f"{line.dose} {dose_unit(item)}/lần" if line.dose else "",
            f"{line.times} lần/ngày" if line.times else "",
            route.lower(),
        )
        if x
    )


def wrong(line: Line, item: Item, context: Context, w: Words) -> dict[str, str]:
    """What is wrong with which field."""
    errors: dict[str, str] = {}
    if item.kind != "drug":
        return errors
    dose, times, days = (x.strip() for x in (line.dose, line.times, line.days))
    if dose and ((value := number(dose)) is None or value <= 0):
        errors["dose"] = w("A number, for example 500 or 0,5.")
    if times and not (times.isdigit() and 1 <= int(times) <= 24):
        errors["times"] = w("From 1 to 24 times a day.")
    if days and not (days.isdigit() and 1 <= int(days) <= MOST_DAYS):
        errors["days"] = w("From 1 to %(n)s days.", n=MOST_DAYS)
    if not context.inpatient and not days:
        errors["days"] = w("For how many days?")
    if not dose and not line.text.strip():
        errors["dose"] = w("A child's dose: write it.") if context.child else w("Write the dose.")
    return errors


def compose(line: Line, item: Item, context: Context, id_: str, accession: str = "") -> Resource:
    """The request. `id_`: its id, made of the form's own token; `accession`: of the tube or the study."""
    return _drug(line, item, context, id_) if item.kind == "drug" else _service(line, item, context, id_, accession)


def _shared(kind: str, line: Line, item: Item, context: Context, id_: str) -> Resource:
    out: Resource = {
        "resourceType": kind,
        "id": id_,
        "instantiatesCanonical": [f"{item.url}|{item.business}" if item.business else item.url],
        "status": "active",
        "intent": "order",
        "priority": line.priority if line.priority in PRIORITIES else "routine",
        "subject": {"reference": f"Patient/{context.patient}"},
        "authoredOn": clock.instant(context.now),
    }
    if context.encounter:
        out["encounter"] = {"reference": f"Encounter/{context.encounter}"}
    if context.practitioner:
        out["requester"] = {"reference": f"Practitioner/{context.practitioner}", "display": context.name}
    if context.reason:
        out["reasonReference"] = [{"reference": f"Condition/{context.reason[0]}", "display": context.reason[1]}]
    return out


def _service(line: Line, item: Item, context: Context, id_: str, accession: str) -> Resource:
    kind = KINDS[item.kind]
    out = _shared("ServiceRequest", line, item, context, id_)
    out["code"] = dict(item.code or {})
    if kind.category:
        coding = {"system": SNOMED, "code": kind.category, "display": kind.display}
        out["category"] = [{"coding": [coding], "text": kind.vi}]
    if context.requisition:
        out["requisition"] = {"system": REQUISITION, "value": context.requisition}
    if accession:
        out["identifier"] = [
            {"type": {"coding": [{"system": s.IDENTIFIER_TYPE, "code": "ACSN"}]}, "system": s.ACCESSION_NUMBER, "value": accession}
        ]
    minutes = item.turnaround[line.priority != "routine"]
    if minutes:
        end = context.now + timedelta(minutes=minutes)
        out["occurrencePeriod"] = {"start": clock.instant(context.now), "end": clock.instant(end)}
    if text := line.text.strip():
        out["note"] = [{"text": text}]
    return out


def _drug(line: Line, item: Item, context: Context, id_: str) -> Resource:
    out = _shared("MedicationRequest", line, item, context, id_)
    category = "inpatient" if context.inpatient else "community"
    out["category"] = [{"coding": [{"system": s.MEDICATION_CATEGORY, "code": category, "display": category.title()}]}]
    out["medicationCodeableConcept"] = dict(item.code or {})
    if context.requisition:
        out["groupIdentifier"] = {"system": REQUISITION, "value": context.requisition}
    dosage: Resource = {"text": instruction(line, item)}
    if line.times.strip().isdigit():
        dosage["timing"] = {"repeat": {"frequency": int(line.times), "period": 1, "periodUnit": "d"}}
    elif not line.times.strip() and (timing := (item.dosage or {}).get("timing")) and _usual(item)["times"] == "":
        dosage["timing"] = timing  # once a week: said by the definition, not by times a day
    if route := (item.dosage or {}).get("route"):
        dosage["route"] = route
    value = number(line.dose) if line.dose.strip() else None
    if value is not None:
        exact: int | Decimal = int(value) if value == value.to_integral_value() else value
        dosage["doseAndRate"] = [{"doseQuantity": {"value": exact, "unit": dose_unit(item)}}]
    out["dosageInstruction"] = [dosage]
    start = clock.instant(context.now)
    supply: Resource = {"validityPeriod": {"start": start}}
    if line.days.strip().isdigit():
        days = int(line.days)
        supply["validityPeriod"]["end"] = clock.instant(context.now + timedelta(days=days))
        supply["expectedSupplyDuration"] = {"value": days, "unit": "ngày", "system": s.UCUM, "code": "d"}
        if amount := handed_out(line, item):
            supply["quantity"] = {"value": amount, "unit": item.unit}
    out["dispenseRequest"] = supply
    return out


def handed_out(line: Line, item: Item) -> int:
    """How many tablets (ampoules, sachets) the days need; 0 where the strength does not say. Whole ones: rounded up."""
    value, unit = number(line.dose), dose_unit(item)
    if value is None or not (line.times.isdigit() and line.days.isdigit()) or not item.unit:
        return 0
    each = Decimal(1) if unit == item.unit else _strength(item, unit)
    if each is None or each <= 0:
        return 0
    pieces = value / each * int(line.times) * int(line.days)
    return int(pieces.to_integral_value(rounding="ROUND_CEILING"))


def _strength(item: Item, unit: str) -> Decimal | None:
    """The strength of one piece in `unit`, from a name such as 'Amlodipin 5 mg'; None for combinations and solutions."""
    if "+" in item.vi or "/" in item.vi or "%" in item.vi:
        return None
    found = re.search(rf"{_NUMBER.pattern} {re.escape(unit)}(?!\w)", item.vi)
    return number(found[1]) if found else None


def summary(line: Line, item: Item, w: Words) -> str:
    """A line in words, as the list of what is about to be signed shows it."""
    if item.kind != "drug":
        return line.text
    n = handed_out(line, item)
    parts = [instruction(line, item)]
    if line.days.isdigit():
        parts.append(w.plural("%(n)s day", "%(n)s days", int(line.days)))
    if n:
        parts.append(f"{w.number(n)} {item.unit}")
    return " · ".join(p for p in parts if p)
