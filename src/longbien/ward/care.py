"""What nurses and doctors write of a stay besides values and drugs: tasks, diet, care team, the treatment sheet. Pure."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from markupsafe import escape

from longbien.base import clock
from longbien.base.ids import key64
from longbien.base.words import mark
from longbien.base.words import words as spoken
from longbien.fhir import systems as s
from longbien.web.chart import record as r

from .codes import DIET, NURSING, NURSING_ORDER, PAPER, SNOMED, TASK, Resource, concept

DIETS: tuple[tuple[str, str, str], ...] = (
    ("COM", mark("Normal diet"), "Regular diet (rice)"), ("CHAO", mark("Rice porridge, soft"), "Soft diet (rice porridge)"),
    ("SUP", mark("Liquid"), "Liquid diet (soup)"), ("THA", mark("Low salt (heart, pressure)"), "Low-salt diet"),
    ("DTD", mark("Diabetes"), "Diabetic diet"), ("THAN", mark("Kidney: low protein, low potassium"), "Kidney disease diet"),
    ("ONG", mark("By tube"), "Tube feeding"), ("NHIN", mark("Fasting"), "Nothing by mouth"),
)  # fmt: skip
"""(code, words, display): the common ones of the house's list of diets; the order box has them all."""
FASTS = frozenset({"NHIN", "NHINPT"})
REGIME = "182922004"  # SNOMED CT Dietary regime: category of an order of a diet
USUAL: tuple[str, ...] = (
    mark("Turn the patient"), mark("Weigh the patient"), mark("Capillary glucose"), mark("Change the dressing"),
    mark("Care of the catheter"),
    mark("Measure blood pressure"), mark("Take a blood sample"), mark("Prepare for the examination"),
)  # fmt: skip


def every(text: str) -> float | None:
    """The hours between two, where words say so: "mỗi 4 giờ", "4 giờ/lần", "ngày 3 lần", "every 2 hours"."""
    low = text.lower()
    if m := re.search(r"(?:mỗi|every)\s+(\d{1,2})\s*(?:giờ|h\b|hours?)|(\d{1,2})\s*(?:giờ|h)\s*/\s*lần", low):
        hours = float(m[1] or m[2])
        return hours if 0 < hours <= 48 else None
    if re.search(r"(?:mỗi|every)\s+(?:giờ|hour)\b", low):
        return 1.0
    if m := re.search(r"(?:ngày|daily)\s+(\d)\s*(?:lần|times)", low):
        return 24 / int(m[1]) if int(m[1]) else None
    return None


def _of_stay(kind: str, id_: str, patient: str, stay: str, subject: str = "subject") -> Resource:
    return {
        "resourceType": kind,
        "id": id_,
        subject: {"reference": f"Patient/{patient}"},
        "encounter": {"reference": f"Encounter/{stay}"},
    }


def task(what: str, due: datetime, now: datetime, patient: str, stay: str, by: Resource, id_: str, order: str = "") -> Resource:
    """Something that a nurse does by a time. order: the ServiceRequest that asks for it."""
    out = _of_stay("Task", id_, patient, stay, "for") | {
        "status": "requested",
        "intent": "order",
        "code": concept(TASK, NURSING, "Nursing task", "Việc chăm sóc"),
        "description": what,
        "authoredOn": clock.instant(now),
        "lastModified": clock.instant(now),
        "requester": by,
        "restriction": {"period": {"end": clock.instant(due)}},
    }
    if order:
        out["basedOn"] = [{"reference": f"ServiceRequest/{order}"}]
    return out


def done(task_: Mapping[str, Any], now: datetime, by: Resource) -> Resource:
    """The task as it is once somebody did it."""
    return {
        **task_,
        "status": "completed",
        "owner": by,
        "lastModified": clock.instant(now),
        "executionPeriod": {"end": clock.instant(now)},
    }


def interval(repeat: Mapping[str, Any]) -> timedelta:
    """The time between two of a Timing's repeat."""
    unit = {"h": 1.0, "min": 1 / 60, "d": 24.0, "wk": 168.0}.get(str(repeat.get("periodUnit") or "h"), 1.0)
    return timedelta(hours=max(0.25, float(repeat.get("period") or 24) * unit / max(1, int(repeat.get("frequency") or 1))))


def first_id(order: str) -> str:
    """The id of the first task of a nursing order: however it is made, it is made once."""
    return f"nt-{key64(f'first/{order}') & (2**63 - 1):x}"


def first_due(order: Mapping[str, Any], now: datetime) -> datetime:
    """When the first task of an order is due: when the order says, else after its interval (at most a day), else in an hour."""
    at = r.moment(order.get("occurrenceDateTime") or r.first(order, "occurrencePeriod", "start"))
    if at is not None:
        return max(at, now)
    repeat = r.first(order, "occurrenceTiming", "repeat") or {}
    return now + (min(interval(repeat), timedelta(hours=24)) if repeat.get("period") else timedelta(hours=1))


def following(task_: Mapping[str, Any], order: Mapping[str, Any], now: datetime, id_: str) -> Resource | None:
    """The next task of an order that recurs; None where it is done once, or runs no more."""
    repeat = r.first(order, "occurrenceTiming", "repeat") or {}
    if order.get("status") != "active" or not repeat.get("period"):
        return None
    step = interval(repeat)
    due = r.moment(r.first(task_, "restriction", "period", "end")) or now
    while due <= now:
        due += step
    out = {k: v for k, v in task_.items() if k not in ("meta", "owner", "executionPeriod", "text")}
    out |= {"id": id_, "status": "requested", "authoredOn": clock.instant(now), "lastModified": clock.instant(now)}
    out["restriction"] = {"period": {"end": clock.instant(due)}}
    return out


def nursing_order(what: str, now: datetime, patient: str, stay: str, by: Resource, id_: str) -> Resource:
    """An order to the nurses in words."""
    hours = every(what)
    out = _of_stay("ServiceRequest", id_, patient, stay) | {
        "status": "active",
        "intent": "order",
        "category": [concept(SNOMED, NURSING_ORDER, "Nursing procedure", "Chăm sóc")],
        "code": {"text": what},
        "authoredOn": clock.instant(now),
        "requester": by,
    }
    if hours:
        out["occurrenceTiming"] = {"repeat": {"frequency": 1, "period": round(hours, 2), "periodUnit": "h"}}
    return out


def diet(code: str, said: str, now: datetime, patient: str, stay: str, by: Resource, id_: str) -> Resource:
    """An order of one of DIETS, as the order box writes it too."""
    words, display = next((w, d) for c, w, d in DIETS if c == code)
    out = _of_stay("ServiceRequest", id_, patient, stay) | {
        "status": "active",
        "intent": "order",
        "category": [concept(SNOMED, REGIME, "Dietary regime", "Chế độ ăn")],
        "code": concept(DIET, code, display, spoken("vi")(words)),
        "authoredOn": clock.instant(now),
    }
    if said:
        out["patientInstruction"] = said
    return out | ({"requester": by} if by.get("reference") else {})


def is_diet(order: Mapping[str, Any]) -> bool:
    return r.code_of(order.get("category")) == REGIME


def joined(team: Mapping[str, Any], role: str, by: Resource) -> Resource:
    """The team with one more; twice is once."""
    out: Resource = copy.deepcopy(dict(team))
    if all(r.first(p, "member", "reference") != by.get("reference") for p in out.get("participant") or ()):
        out.setdefault("participant", []).append({"role": [{"text": role}], "member": by})
    return out


def parted(team: Mapping[str, Any], who: str) -> Resource:
    """The team without somebody (a reference)."""
    out: Resource = copy.deepcopy(dict(team))
    out["participant"] = [p for p in out.get("participant") or () if r.first(p, "member", "reference") != who]
    if not out["participant"]:
        del out["participant"]
    return out


def _div(text: str) -> str:
    body = "".join(f"<p>{escape(line)}</p>" for line in text.split("\n") if line.strip())
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{body}</div>'


def sheet(
    course: str, orders: str, entries: list[Resource], now: datetime, patient: str, stay: str, by: Resource, facility: str, id_: str
) -> Resource:
    """An entry of the treatment sheet (phiếu theo dõi điều trị, MS 36/BV2 of circular 32/2023/TT-BYT): the course, and the orders
    with what they became."""
    section: list[Resource] = []
    if course:
        code = {"coding": [{"system": s.LOINC, "code": "10164-2", "display": "History of Present illness Narrative"}]}
        section.append({"title": "Diễn biến bệnh", "code": code, "text": {"status": "generated", "div": _div(course)}})
    if orders:
        code = {"coding": [{"system": s.LOINC, "code": "18776-5", "display": "Plan of care note"}]}
        one: Resource = {"title": "Y lệnh", "code": code, "text": {"status": "generated", "div": _div(orders)}}
        section.append(one | ({"entry": entries} if entries else {}))
    kind = {
        "coding": [
            {"system": PAPER, "code": "treatment-sheet", "display": "Treatment sheet"},
            {"system": s.LOINC, "code": "11506-3", "display": "Progress note"},
        ],
        "text": "Phiếu theo dõi điều trị",
    }
    return _of_stay("Composition", id_, patient, stay) | {
        "status": "final",
        "type": kind,
        "date": clock.instant(now),
        "author": [by],
        "title": f"Phiếu theo dõi điều trị {clock.local(now):%d/%m/%Y}",
        "section": section,
        "custodian": {"reference": f"Organization/{facility}"},
    }


@dataclass(slots=True)
class Sheet:
    """One line of the treatment sheet: who wrote when, the course, and the orders given with it."""

    at: datetime
    by: str
    course: list[str] = field(default_factory=list)
    orders: list[tuple[str, str]] = field(default_factory=list)
    """(words, status)"""


TOGETHER = timedelta(minutes=60)


def sheets(notes: list[Mapping[str, Any]], orders: list[Mapping[str, Any]], lang: str) -> list[Sheet]:
    """The treatment sheet of a stay, newest first: notes, and what the same hand ordered within the hour."""
    events: list[tuple[datetime, str, str, str, str]] = []
    for n in notes:
        at = r.moment(n.get("date"))
        if at is None or n.get("status") == "entered-in-error":
            continue
        text = "\n".join(
            f"{x.get('title') or ''}: {r.bare(str(r.first(x, 'text', 'div') or ''))}"
            for x in n.get("section") or ()
            if x.get("title") != "Y lệnh"
        )
        events.append((at, str(r.first(n, "author", "display") or ""), "course", text, ""))
    for o in orders:
        at = r.moment(o.get("authoredOn") or o.get("dateTime"))
        if at is not None and o.get("status") not in ("draft", "entered-in-error"):
            by = str(r.first(o, "requester", "display") or r.first(o, "orderer", "display") or "")
            events.append((at, by, "order", _words(o, lang), str(o.get("status") or "")))
    out: list[Sheet] = []
    for at, by, kind, text, status in sorted(events, key=lambda e: e[0]):
        same = next((x for x in reversed(out) if x.by == by and at - x.at <= TOGETHER), None)
        if same is None:
            out.append(same := Sheet(at, by))
        if kind == "course":
            same.course += [t for t in text.split("\n") if t.strip()]
        else:
            same.orders.append((text, status))
    return out[::-1]


def _words(order: Mapping[str, Any], lang: str) -> str:
    if order.get("resourceType") == "MedicationRequest":
        found = r.drug(dict(order), {}, lang)
        dose = str(r.first(order, "dosageInstruction", "text") or (found.dose if found else ""))
        return f"{found.name if found else ''} {dose}".strip()
    return r.concept(order.get("code"), lang)
