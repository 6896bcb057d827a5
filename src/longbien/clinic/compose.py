"""What a signed visit becomes: resources from what was typed. Pure; ids begin with the form's token, so that the same form sent
twice is the same resources."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from markupsafe import escape

from ..base import clock
from ..fhir import systems as s
from ..web.entries import Writer
from ..web.terms import Term
from . import codes
from .dosing import TIMES, WHEN, Drug, Line, Taken, printed_quantity, sig

Resource = dict[str, Any]
MORNING, LONG = time(7, 30), timedelta(minutes=10)
"""A follow-up is said by its day; it stands at the opening of the morning until reception gives it an hour."""


@dataclass(frozen=True)
class Written:
    """A line as it will be written."""

    drug: Drug
    taken: Taken
    line: Line
    reason: str = ""  # why it is written against a warning


def reference(type_: str, id_: str, display: str = "") -> Resource:
    out = {"reference": f"{type_}/{id_}"}
    return {**out, "display": display} if display else out


def author(writer: Writer) -> Resource:
    return reference("Practitioner", writer.practitioner, writer.name) if writer.practitioner else {"display": writer.name}


def concept(system: str, code: str, display: str, text: str = "") -> Resource:
    out: Resource = {"coding": [{"system": system, "code": code, "display": display}]}
    return {**out, "text": text} if text else out


def base(kind: str, id_: str, writer: Writer, subject: str = "subject") -> Resource:
    out: Resource = {"resourceType": kind, "id": id_, subject: {"reference": f"Patient/{writer.patient}"}}
    if writer.encounter and kind != "Appointment":
        out["encounter"] = {"reference": f"Encounter/{writer.encounter}"}
    return out


def div(text: str) -> Resource:
    body = "".join(f"<p>{escape(line)}</p>" for line in text.split("\n") if line.strip()) or "<p></p>"
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{body}</div>'}


def section(loinc: str, display: str, title: str, text: str, entries: Sequence[str] = ()) -> Resource:
    out: Resource = {"title": title, "code": concept(s.LOINC, loinc, display), "text": div(text)}
    if entries:
        out["entry"] = [{"reference": e} for e in entries]
    return out


def field(name: str, title: str, text: str, entries: Sequence[str] = ()) -> Resource:
    """A section of a paper: `name` as codes.PAPER_FIELD says."""
    code = concept(codes.PAPER_FIELD, name, title)
    if row := codes.ROWS.get(name):
        code["coding"].append({"system": codes.PAPER_ROW, "code": row})
    out: Resource = {"title": title, "code": code, "text": div(text)}
    if entries:
        out["entry"] = [{"reference": e} for e in entries]
    return out


# --- the note


def note(
    texts: Mapping[str, str], more: Sequence[Resource], writer: Writer, id_: str, now: datetime, copied: Mapping[str, str], of: str
) -> Resource:
    """The outpatient note (phiếu khám bệnh). `copied`: key -> the text of note `of` that a section was copied from; what stands
    as it was is marked."""
    out = base("Composition", id_, writer)
    sections = []
    for key, loinc, display, title in codes.TEXTS:
        if text := texts.get(key, "").strip():
            made = section(loinc, display, title, text)
            if of and copied.get(key, "").strip() == text and key != "reason":
                made["extension"] = [{"url": codes.EXT_COPIED, "valueReference": {"reference": f"Composition/{of}"}}]
            sections.append(made)
    at = clock.instant(now)
    out |= {
        "status": "final",
        "type": {
            "coding": [
                {"system": s.LOINC, "code": codes.NOTE_LOINC, "display": "Outpatient Note"},
                {"system": s.NOTE_TYPE, "code": codes.NOTE_LOCAL, "display": "Phiếu khám bệnh"},
            ],
            "text": "Phiếu khám bệnh",
        },
        "date": at,
        "author": [author(writer)],
        "title": f"Phiếu khám bệnh {clock.local(now):%d/%m/%Y}",
        "attester": [{"mode": "professional", "time": at, "party": author(writer)}],
        "section": [*sections, *more],
    }
    return with_custodian(out, writer)


def with_custodian(out: Resource, writer: Writer) -> Resource:
    if writer.organization:
        out["custodian"] = reference("Organization", writer.organization)
    return out


# --- diagnoses


def condition(term: Term, suspected: bool, writer: Writer, id_: str, now: datetime) -> Resource:
    """An encounter diagnosis."""
    out = base("Condition", id_, writer)
    out |= {
        "clinicalStatus": concept(s.CONDITION_CLINICAL, "active", "Active"),
        "verificationStatus": concept(
            s.CONDITION_VERIFICATION, *(("provisional", "Provisional") if suspected else ("confirmed", "Confirmed"))
        ),
        "category": [concept(s.CONDITION_CATEGORY, "encounter-diagnosis", "Encounter Diagnosis")],
        "code": concept(term.system, term.code, term.vi, term.vi),
        "recordedDate": clock.instant(now),
        "recorder": author(writer),
        "asserter": author(writer),
    }
    return out


def finished(
    encounter: Mapping[str, Any], diagnosed: Sequence[tuple[str, str]], writer: Writer, now: datetime, reason: str
) -> Resource:
    """The Encounter as it ends: its diagnoses by rank (the first is the principal one), who saw the patient, since when which
    status."""
    out = {k: v for k, v in encounter.items() if k != "meta"}
    at = clock.instant(now)
    out = moved(out, "finished", now)
    out["period"] = {**out.get("period", {}), "end": at}
    out["diagnosis"] = [
        {
            "condition": reference("Condition", id_, name),
            "use": concept(s.DIAGNOSIS_ROLE, *(("DD", "Discharge diagnosis") if rank == 1 else ("CM", "Comorbidity diagnosis"))),
            "rank": rank,
        }
        for rank, (id_, name) in enumerate(diagnosed, 1)
    ]
    if reason:
        out["reasonCode"] = [{"text": reason[:500]}]
    return seen_by(out, writer)


def moved(encounter: Mapping[str, Any], status: str, now: datetime) -> Resource:
    """The Encounter in another status; the one before goes into its history."""
    out = {k: v for k, v in encounter.items() if k != "meta"}
    before = str(out.get("status") or "planned")
    if before == status:
        return out
    history = list(out.get("statusHistory") or ())
    since = (history[-1].get("period") or {}).get("end") if history else (out.get("period") or {}).get("start")
    period = {"end": clock.instant(now)}
    if since:
        period["start"] = since
    out["statusHistory"] = [*history, {"status": before, "period": period}]
    out["status"] = status
    return out


def seen_by(encounter: Resource, writer: Writer) -> Resource:
    """The doctor stands among the participants."""
    if not writer.practitioner:
        return encounter
    me = f"Practitioner/{writer.practitioner}"
    there = list(encounter.get("participant") or ())
    if not any((p.get("individual") or {}).get("reference") == me for p in there):
        there.append({"type": [concept(s.PARTICIPATION, "ATND", "attender")], "individual": author(writer)})
    return {**encounter, "participant": there}


def procedure(code: Resource, because: Sequence[tuple[str, str]], writer: Writer, id_: str, now: datetime) -> Resource:
    """What was done in the visit."""
    out = base("Procedure", id_, writer)
    out |= {"status": "completed", "code": code, "performedDateTime": clock.instant(now), "recorder": author(writer)}
    out["category"] = concept(codes.SNOMED, "387713003", "Surgical procedure", "Thủ thuật")
    performer: Resource = {"actor": author(writer)}
    if writer.organization:
        performer["onBehalfOf"] = reference("Organization", writer.organization)
    out["performer"] = [performer]
    if because:
        out["reasonReference"] = [reference("Condition", *because[0])]
    return out


# --- the prescription


def request(
    written: Written, number: str, because: Sequence[tuple[str, str]], writer: Writer, id_: str, now: datetime, replaces: str = ""
) -> Resource:
    """One line as a MedicationRequest. `number`: the prescription's (groupIdentifier)."""
    drug, taken = written.drug, written.taken
    out = base("MedicationRequest", id_, writer)
    end = now + timedelta(days=taken.days)
    out |= {
        "status": "active",
        "intent": "order",
        "category": [concept(s.MEDICATION_CATEGORY, "community", "Community")],
        "medicationCodeableConcept": json.loads(drug.order) if drug.order else concept(s.DRUG, drug.code, drug.name, drug.name),
        "authoredOn": clock.instant(now),
        "requester": author(writer),
        "groupIdentifier": {"system": codes.PRESCRIPTION_NUMBER, "value": number},
        "dosageInstruction": dosage(written),
        "dispenseRequest": {
            "validityPeriod": {"start": clock.instant(now), "end": clock.instant(end)},
            "quantity": {"value": int(taken.quantity), "unit": drug.unit},
            "expectedSupplyDuration": {"value": taken.days, "unit": "ngày", "system": s.UCUM, "code": "d"},
        },
    }
    if because:
        out["reasonReference"] = [reference("Condition", i, name) for i, name in because[:1]]
    if written.reason:
        out["note"] = [{"authorReference": author(writer), "time": clock.instant(now), "text": f"Vẫn kê: {written.reason}"}]
    if replaces:
        out["priorPrescription"] = reference("MedicationRequest", replaces)
    return out


def dosage(written: Written) -> list[Resource]:
    """One Dosage for each amount, with the times of day at which it is taken; the first says all of it in words."""
    drug, taken = written.drug, written.taken
    by: dict[Decimal, list[str]] = {}
    for at, amount in zip(TIMES, taken.doses, strict=True):
        if amount:
            by.setdefault(amount, []).append(WHEN[at])
    text = sig(taken, drug, written.line.note)
    out: list[Resource] = []
    for n, (amount, when) in enumerate(by.items() or [(Decimal(0), [])], 1):
        one: Resource = {"sequence": n, "route": {"text": drug.route}}
        if n == 1:
            one["text"] = text
        if amount:
            one["timing"] = {"repeat": {"frequency": len(when), "period": 1, "periodUnit": "d", "when": when}}
            one["doseAndRate"] = [{"doseQuantity": {"value": exact(amount), "unit": drug.unit}}]
        else:
            one["asNeededBoolean"] = True
        if n == 1 and written.line.note:
            one["additionalInstruction"] = [{"text": written.line.note}]
        out.append(one)
    return out


def exact(value: Decimal) -> int | Decimal:
    return int(value) if value == value.to_integral_value() else value


def listed(written: Sequence[Written]) -> str:
    """The lines as the note says them: one a line."""
    return "\n".join(
        f"{n}. {x.drug.name}, {printed_quantity(x.taken.quantity, x.drug)}. {sig(x.taken, x.drug, x.line.note)}."
        for n, x in enumerate(written, 1)
    )


def paper(code: str, sections: Sequence[Resource], writer: Writer, id_: str, now: datetime, number: str = "") -> Resource:
    """A legal paper for the records room: which one is type.coding; a section a field of its form."""
    title = codes.PAPERS[code]
    out = base("Composition", id_, writer)
    at = clock.instant(now)
    out |= {
        "status": "final",
        "type": concept(codes.PAPER, code, title, title),
        "date": at,
        "author": [author(writer)],
        "title": title,
        "attester": [{"mode": "professional", "time": at, "party": author(writer)}],
        "section": [x for x in sections if x],
    }
    if number:
        out["identifier"] = {"system": codes.PRESCRIPTION_NUMBER, "value": number}
    return with_custodian(out, writer)


def prescription(
    number: str, written: Sequence[Written], ids: Sequence[str], diagnoses: str, texts: Mapping[str, str],
    writer: Writer,
    id_: str, now: datetime, follow_days: int | None, replaces: str = "",
) -> Resource:  # fmt: skip
    """The paper "Đơn thuốc" with the fields of decision 808/2022 (circular 26/2025)."""
    weight, guardian = texts.get("weight", ""), texts.get("guardian", "")
    sections = [
        field("ma_don_thuoc", "Mã đơn thuốc", number),
        field("chan_doan", "Chẩn đoán", diagnoses),
        field("thong_tin_don_thuoc", "Thuốc", listed(written), [f"MedicationRequest/{i}" for i in ids]),
        field("can_nang", "Cân nặng (kg)", weight) if weight and guardian else {},
        field("thong_tin_nguoi_giam_ho", "Người đưa trẻ đến khám", guardian) if guardian else {},
        field("loi_dan", "Lời dặn", texts["advice"]) if texts.get("advice") else {},
        field("ngay_tai_kham", "Khám lại", _days_ahead(follow_days, now)) if follow_days else {},
    ]
    out = paper("prescription", [x for x in sections if x], writer, id_, now, number)
    if replaces:
        out["relatesTo"] = [{"code": "replaces", "targetReference": {"reference": f"Composition/{replaces}"}}]
    return out


def _days_ahead(days: int, now: datetime) -> str:
    """The national interface counts days; people read the date."""
    return f"sau {days} ngày ({clock.local(now) + timedelta(days=days):%d/%m/%Y})"


# --- the next visit


def appointment(day: date, what: str, place: Resource | None, writer: Writer, id_: str, now: datetime, of: str) -> Resource:
    """The follow-up as an Appointment, booked for the morning's opening of that day."""
    start = datetime.combine(day, MORNING, clock.HANOI)
    people: list[Resource] = [{"actor": {"reference": f"Patient/{writer.patient}"}, "status": "accepted"}]
    if writer.practitioner:
        people.append({"actor": author(writer), "status": "accepted"})
    if place:
        people.append({"actor": place, "status": "accepted"})
    out: Resource = {
        "resourceType": "Appointment",
        "id": id_,
        "status": "booked",
        "appointmentType": concept(s.HL7 + "v2-0276", "FOLLOWUP", "A follow up visit from a previous appointment"),
        "start": clock.instant(start),
        "end": clock.instant(start + LONG),
        "minutesDuration": int(LONG.total_seconds() // 60),
        "created": clock.instant(now),
        "participant": people,
    }
    if what:
        out["reasonCode"] = [{"text": what[:500]}]
        out["description"] = what[:500]
    if of:
        out["serviceType"] = [{"text": of}]
    return out
