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
from longbien.base.words import mark
from longbien.base.words import words as spoken
from longbien.fhir import systems as s
from longbien.web.chart import record as r

from .codes import DIET, NURSING, NURSING_ORDER, PAPER, SNOMED, TASK, Resource, concept

DIETS: tuple[tuple[str, str, str], ...] = (
    ("normal", mark("Normal diet"), "Normal diet"), ("soft", mark("Rice porridge, soft"), "Soft diet"),
    ("liquid", mark("Liquid"), "Liquid diet"), ("low-salt", mark("Low salt (heart, pressure)"), "Low salt diet"),
    ("diabetic", mark("Diabetes"), "Diabetic diet"), ("renal", mark("Kidney: low protein, low potassium"), "Renal diet"),
    ("tube", mark("By tube"), "Enteral feeding"), ("fasting", mark("Fasting"), "Nil by mouth"),
)  # fmt: skip
"""(code, words, display): what a kitchen here cooks; the hospital's own list comes in their place."""
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


def following(task_: Mapping[str, Any], order: Mapping[str, Any], now: datetime, id_: str) -> Resource | None:
    """The next task of an order that recurs; None where it is done once, or runs no more."""
    repeat = r.first(order, "occurrenceTiming", "repeat") or {}
    if order.get("status") != "active" or not repeat.get("period"):
        return None
    step = timedelta(hours=float(repeat["period"]) * (24 if repeat.get("periodUnit") == "d" else 1))
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
    """A NutritionOrder of one of DIETS."""
    words, display = next((w, d) for c, w, d in DIETS if c == code)
    kind = concept(DIET, code, display, spoken("vi")(words))
    out = _of_stay("NutritionOrder", id_, patient, stay, "patient") | {
        "status": "active", "intent": "order", "dateTime": clock.instant(now), "oralDiet": {"type": [kind]},
    }  # fmt: skip
    if said:
        out["oralDiet"]["instruction"] = said
    if by.get("reference"):
        out["orderer"] = by
    return out


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
    if order.get("resourceType") == "NutritionOrder":
        return r.concept(r.first(order, "oralDiet", "type"), lang)
    return r.concept(order.get("code"), lang)
