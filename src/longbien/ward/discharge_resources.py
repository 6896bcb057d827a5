"""The end of a stay as resources: one commit, or nothing of it. Pure: what is to be written, from the stay as it was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any, Protocol

from longbien.base import clock
from longbien.fhir import systems as s
from longbien.record.change import Change, Create, Update
from longbien.web.chart import record as r
from longbien.web.entries import Writer
from longbien.web.terms import Term

from .codes import CLEANING
from .discharge_compose import html_of
from .discharge_form import Kept, Leaving
from .discharge_read import DISCHARGE, FOLLOW_RESULT, PAPER, TASK, Stay, stable, version
from .discharge_rules import KINDS, RESULTS, SECTIONS
from .rules import with_status

Resource = dict[str, Any]
EXT_RESULT = s.BASE + "/StructureDefinition/treatment-result"
RESULT_CODES = s.BASE + "/CodeSystem/treatment-result"
KIND_CODES = s.BASE + "/CodeSystem/discharge-kind"
PRESCRIPTION = s.BASE + "/sid/prescription"
SCT = "http://snomed.info/sct"
LOINC = "http://loinc.org"
TITLES = {
    "discharge-paper": "Giấy ra viện",
    "discharge-summary": "Tóm tắt hồ sơ bệnh án",
    "follow-up": "Giấy hẹn khám lại",
    "referral": "Giấy chuyển cơ sở khám bệnh, chữa bệnh",
    "prescription": "Đơn thuốc",
}
VISIT = timedelta(minutes=30)
WHY = {
    "not-needed": "Không còn cần",
    "outpatient": "Người bệnh lấy kết quả khi tái khám",
    "patient-wish": "Người bệnh xin ra trước khi có kết quả",
    "other": "Lý do khác",
}


class Known(Protocol):
    """What was read before writing."""

    def one(self, type_: str, id_: str) -> Resource | None: ...


class Changes:
    """The changes of one commit. put: replaces what is there at the version that was read, or is new; `what` was written, with the
    version that it will be."""

    def __init__(self, known: Known):
        self.known = known
        self.made: list[Change] = []
        self.what: list[str] = []

    def put(self, resource: Resource, before: Resource | None = None) -> None:
        type_, id_ = str(resource["resourceType"]), str(resource["id"])
        known = before or self.known.one(type_, id_)
        if known is None:
            self.made.append(Create(resource, id=id_))
            self.what.append(f"{type_}/{id_}/_history/1")
        else:
            self.made.append(Update(resource, if_match=version(known)))
            self.what.append(f"{type_}/{id_}/_history/{version(known) + 1}")

    def tell(self, note: Resource, before: Resource | None) -> None:
        """The Provenance of all this; `before`: the one of an earlier such act that was taken back."""
        self.made.append(Update(note, if_match=version(before)) if before else Create(note, id=note["id"]))


def author(w: Writer) -> Resource:
    out = {"reference": f"Practitioner/{w.practitioner}"} if w.practitioner else {}
    return {**out, "display": w.name} if w.name else out


def concept(system: str, code: str, display: str, text: str = "") -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": text or display}


def finished(stay: Stay, out: Leaving, diagnoses: Iterable[tuple[str, str]]) -> Resource:
    """The Encounter as it ends. `diagnoses`: (Condition id, its words), the main one first."""
    e = deepcopy(stay.encounter)
    end = clock.instant(out.end)
    e["statusHistory"] = [
        *(e.get("statusHistory") or ()),
        {"status": e["status"], "period": {"start": r.first(stay.encounter, "period", "start"), "end": end}},
    ]
    e["status"] = "finished"
    e["period"] = {**(e.get("period") or {}), "end": end}
    wording, _, code, display = KINDS[out.kind]
    coding = [
        {"system": KIND_CODES, "code": out.kind, "display": wording},
        {"system": s.DISCHARGE, "code": code, "display": display},
    ]
    hospital = dict(e.get("hospitalization") or {})
    hospital["dischargeDisposition"] = {"coding": coding, "text": wording}
    if out.destination:
        hospital["destination"] = {"display": out.destination}
    e["hospitalization"] = hospital
    e["extension"] = [x for x in e.get("extension") or () if x.get("url") not in (EXT_RESULT, s.EXT_EXPECTED_DISCHARGE)]
    said = RESULTS[out.result][0]
    e["extension"].append({"url": EXT_RESULT, "valueCoding": {"system": RESULT_CODES, "code": out.result, "display": said}})
    final = [
        {
            "condition": {"reference": f"Condition/{id_}", "display": text},
            "use": {"coding": [{"system": s.DIAGNOSIS_ROLE, "code": "DD", "display": "Discharge diagnosis"}]},
            "rank": rank,
        }
        for rank, (id_, text) in enumerate(diagnoses, 1)
    ]
    admitted = [d for d in e.get("diagnosis") or () if r.code_of(d.get("use")) == "AD"]
    e["diagnosis"] = final + admitted
    return leave_places(e, end)


def leave_places(e: Resource, end: str) -> Resource:
    """Whoever has gone occupies no bed."""
    for place in e.get("location") or ():
        if place.get("status", "active") == "active":
            place["status"] = "completed"
            place["period"] = {**(place.get("period") or {}), "end": end}
    return e


def to_clean(bed: Resource) -> Resource:
    """A bed that somebody has left: it waits for housekeeping."""
    return with_status(bed, CLEANING)


def condition(stay: Stay, term: Term, w: Writer, now: datetime) -> Resource:
    """A final diagnosis that was not yet written."""
    return {
        "resourceType": "Condition",
        "id": stable("dd", stay.id, term.code),
        "clinicalStatus": {"coding": [{"system": s.CONDITION_CLINICAL, "code": "active"}]},
        "verificationStatus": {"coding": [{"system": s.CONDITION_VERIFICATION, "code": "confirmed"}]},
        "category": [concept(s.CONDITION_CATEGORY, "encounter-diagnosis", "Encounter Diagnosis")],
        "code": concept(term.system, term.code, term.vi if term.system == s.ICD10_VN else (term.en or term.vi), term.vi),
        "subject": {"reference": f"Patient/{w.patient}"},
        "encounter": {"reference": f"Encounter/{stay.id}"},
        "recordedDate": clock.instant(now),
        "recorder": author(w),
    }


def stopped(request: Resource, kept: Kept, end: datetime) -> Resource:
    """An inpatient order after discharge: completed where the drug goes on at home by a new one, else stopped."""
    out = deepcopy(request)
    out["status"] = "completed" if kept.home else "stopped"
    out["statusReason"] = {"text": "Kê đơn mang về" if kept.home else "Ra viện"}
    supply = dict(out.get("dispenseRequest") or {})
    supply["validityPeriod"] = {**(supply.get("validityPeriod") or {}), "end": clock.instant(end)}
    out["dispenseRequest"] = supply
    return out


def taken_home(stay: Stay, request: Resource, kept: Kept, w: Writer, end: datetime) -> Resource:
    """The prescription of a drug that goes on at home. Its structured dose is kept only while its words are: a changed sentence
    beside an old number would say two things."""
    before = dict((request.get("dosageInstruction") or [{}])[0])
    dosage: Resource = before if before.get("text") == kept.sig else {k: v for k, v in before.items() if k == "route"}
    out: Resource = {
        "resourceType": "MedicationRequest",
        "id": stable("th", stay.id, str(request["id"])),
        "status": "active",
        "intent": "order",
        "category": [concept(s.MEDICATION_CATEGORY, "discharge", "Discharge")],
        "subject": {"reference": f"Patient/{w.patient}"},
        "encounter": {"reference": f"Encounter/{stay.id}"},
        "authoredOn": clock.instant(end),
        "requester": author(w),
        "groupIdentifier": {"system": PRESCRIPTION, "value": stable("gp", stay.id)},
        "dosageInstruction": [{**dosage, "text": kept.sig}],
        "dispenseRequest": {
            "validityPeriod": {"start": clock.instant(end), "end": clock.instant(end + timedelta(days=kept.days))},
            "expectedSupplyDuration": {"value": kept.days, "unit": "ngày", "system": s.UCUM, "code": "d"},
        },
        "priorPrescription": {"reference": f"MedicationRequest/{request['id']}"},
    }
    for name in ("medicationCodeableConcept", "medicationReference", "reasonReference", "reasonCode"):
        if name in request:
            out[name] = request[name]
    if kept.note:
        out["note"] = [{"text": kept.note}]
    quantity = _quantity(before if before.get("text") == kept.sig else {}, kept.days)
    if quantity:
        out["dispenseRequest"]["quantity"] = quantity
    return out


def _quantity(dosage: Mapping[str, Any], days: int) -> Resource | None:
    """Tablets for so many days, where a dose counts them and says how often a day."""
    dose = r.first(dosage, "doseAndRate", "doseQuantity") or {}
    repeat = r.first(dosage, "timing", "repeat") or {}
    if dose.get("unit") != "viên" or not repeat.get("frequency") or repeat.get("periodUnit") != "d":
        return None
    return {"value": round(float(dose["value"]) * int(repeat["frequency"]) * days), "unit": "viên"}


def follow_result(stay: Stay, order: str, why: str, who: str, w: Writer, now: datetime) -> Resource:
    """Somebody's task: to look at a result that comes after the patient has gone."""
    title = next((a.title for a in stay.awaited() if a.id == order), "")
    return {
        "resourceType": "Task",
        "id": stable("fr", stay.id, order),
        "status": "requested",
        "intent": "order",
        "code": concept(TASK, FOLLOW_RESULT, "Follow up a result after discharge", "Theo dõi kết quả sau ra viện"),
        "description": title or "Kết quả",
        "focus": {"reference": f"ServiceRequest/{order}"},
        "for": {"reference": f"Patient/{w.patient}"},
        "encounter": {"reference": f"Encounter/{stay.id}"},
        "authoredOn": clock.instant(now),
        "lastModified": clock.instant(now),
        "requester": author(w),
        "owner": {"reference": f"Practitioner/{who}"},
        "reasonCode": {"text": WHY.get(why, why)},
    }


def appointment(stay: Stay, out: Leaving, w: Writer) -> Resource:
    when = out.follow_up or out.end
    return {
        "resourceType": "Appointment",
        "id": stable("fu", stay.id),
        "status": "booked",
        "serviceType": [stay.encounter["serviceType"]] if stay.encounter.get("serviceType") else [{"text": "Khám lại"}],
        "appointmentType": concept(s.HL7 + "v2-0276", "FOLLOWUP", "A follow up visit from a previous appointment"),
        "reasonCode": [{"text": out.follow_up_for or "Khám lại sau ra viện"}],
        "description": "Khám lại sau ra viện",
        "start": clock.instant(when),
        "end": clock.instant(when + VISIT),
        "created": clock.instant(out.end),
        "participant": [
            {"actor": {"reference": f"Patient/{w.patient}"}, "status": "accepted"},
            {"actor": author(w), "status": "accepted"},
            *([{"actor": dict(out.follow_up_room), "status": "accepted"}] if out.follow_up_room else []),
        ],
    }


def paper(
    stay: Stay, code: str, sections: Iterable[tuple[str, str, str]], w: Writer, end: datetime, entries: Iterable[str] = ()
) -> Resource:
    """A legal paper as the records room prints and signs it. `sections`: (code, title, text); the facts of its head (who, when
    admitted, when left, which facility) are those of Patient, Encounter and Organization. Circular 32/2023 names the sections."""
    refs = [{"reference": x} for x in entries]
    made = []
    for key, title, text in sections:
        one: Resource = {"title": title, "text": {"status": "generated", "div": html_of(text)}}
        if key:
            one["code"] = {"coding": [{"system": PAPER, "code": key}]}
        made.append(one)
    if refs and made:
        made[-1]["entry"] = refs
    return {
        "resourceType": "Composition",
        "id": stable(code[:16], stay.id),
        "status": "preliminary",
        "type": concept(PAPER, code, TITLES[code], TITLES[code]),
        "subject": {"reference": f"Patient/{w.patient}"},
        "encounter": {"reference": f"Encounter/{stay.id}"},
        "date": clock.instant(end),
        "author": [author(w)],
        "title": TITLES[code],
        "event": [{"period": {"start": r.first(stay.encounter, "period", "start"), "end": clock.instant(end)}}],
        "section": made,
        **({"custodian": {"reference": f"Organization/{w.organization}"}} if w.organization else {}),
    }


def papers(stay: Stay, out: Leaving, named: list[tuple[str, str, str]], drugs: list[Resource], w: Writer) -> list[Resource]:
    """The papers of this leaving. `named`: (Condition id, its words, its code), the main one first."""
    given = out.sections
    diagnosis = diagnosis_line([(text, code) for _, text, code in named])
    home = "\n".join(drug_line(n, d) for n, d in enumerate(drugs, 1))
    again = ""
    if out.follow_up:
        again = f"Khám lại {clock.local(out.follow_up):%H giờ %M phút, ngày %d/%m/%Y}"
        again += f", {out.follow_up_for}." if out.follow_up_for else "."
    notes = "\n".join(x for x in (given["advice"], again) if x)
    state = f"{RESULTS[out.result][0]}. {given['state']}".strip()
    whole = [("admission-diagnosis", "Chẩn đoán lúc vào viện", admission(stay))] if admission(stay) else []
    whole.append(("diagnosis", "Chẩn đoán lúc ra viện", diagnosis))
    whole += [
        ("outcome", title, state) if key == "state" else (key, title, given[key]) for key, _, title, _ in SECTIONS if given[key]
    ]
    if home:
        whole.append(("drugs", "Thuốc mang về", home))
    made = [
        paper(stay, "discharge-summary", [*whole, ("appointment", "Hẹn khám lại", again)] if again else whole, w, out.end),
        paper(stay, "discharge-paper", [
            ("diagnosis", "Chẩn đoán", diagnosis), ("treatment", "Phương pháp điều trị", given["treatment"]),
            ("outcome", "Tình trạng ra viện", state), ("advice", "Ghi chú", notes),
        ], w, out.end),
    ]  # fmt: skip
    if drugs:
        refs = [f"MedicationRequest/{d['id']}" for d in drugs]
        made.append(paper(stay, "prescription", [
            ("diagnosis", "Chẩn đoán", diagnosis), ("advice", "Lời dặn", given["advice"]),
            *([("appointment", "Khám lại", again)] if again else []), ("drugs", "Thuốc", home),
        ], w, out.end, refs))  # fmt: skip
    if out.follow_up:
        made.append(paper(stay, "follow-up", [
            ("diagnosis", "Chẩn đoán", diagnosis), ("appointment", "Hẹn khám lại", again), ("advice", "Lời dặn", given["advice"]),
        ], w, out.end, [f"Appointment/{stable('fu', stay.id)}"]))  # fmt: skip
    if out.destination:
        made.append(paper(stay, "referral", [
            ("to", "Kính gửi", out.destination), ("findings", "Dấu hiệu lâm sàng", given["course"]),
            ("results", "Kết quả cận lâm sàng", given["results"] or "–"), ("diagnosis", "Chẩn đoán", diagnosis),
            ("treatment", "Phương pháp, thuốc đã sử dụng trong điều trị", given["treatment"] or "–"),
            ("outcome", "Tình trạng người bệnh lúc chuyển", state), ("reason", "Lý do chuyển", out.why_referred),
            ("advice", "Hướng điều trị", given["advice"] or "–"),
            ("transport", "Phương tiện vận chuyển và người hộ tống", out.transport or "–"),
        ], w, out.end))  # fmt: skip
    return made


def diagnosis_line(named: list[tuple[str, str]]) -> str:
    """Suy tim mất bù (I50.0). Kèm theo: rung nhĩ (I48)."""
    said = [f"{text} ({code})" if code else text for text, code in named]
    if not said:
        return "–"
    return said[0] + "." + (" Kèm theo: " + "; ".join(said[1:]) + "." if said[1:] else "")


def admission(stay: Stay) -> str:
    """What was thought at admission: the stay's diagnoses of that role."""
    said = [d for d in stay.encounter.get("diagnosis") or () if r.code_of(d.get("use")) == "AD"]
    return "; ".join(
        x for d in sorted(said, key=lambda d: int(d.get("rank") or 99)) if (x := str(r.first(d, "condition", "display") or ""))
    )


def drug_line(n: int, d: Resource) -> str:
    name = r.concept(d.get("medicationCodeableConcept")) or str((d.get("medicationReference") or {}).get("display") or "")
    supply = d.get("dispenseRequest") or {}
    days = r.first(supply, "expectedSupplyDuration", "value")
    count = r.first(supply, "quantity", "value")
    much = f", {count} viên" if count else ""
    return f"{n}. {name}: {r.first(d, 'dosageInstruction', 'text')} ({days} ngày{much})"


def referral_request(stay: Stay, out: Leaving, w: Writer) -> Resource:
    """What the next facility is asked: a ServiceRequest of category referral."""
    return {
        "resourceType": "ServiceRequest",
        "id": stable("rf", stay.id),
        "status": "active",
        "intent": "order",
        "category": [concept(SCT, "3457005", "Patient referral", "Chuyển cơ sở")],
        "code": {"text": "Chuyển cơ sở khám bệnh, chữa bệnh"},
        "subject": {"reference": f"Patient/{w.patient}"},
        "encounter": {"reference": f"Encounter/{stay.id}"},
        "authoredOn": clock.instant(out.end),
        "requester": author(w),
        "performer": [{"display": out.destination}],
        "reasonCode": [{"text": out.why_referred}],
    }


def prepared(stay: Stay, values: Mapping[str, str], w: Writer, now: datetime, status: str = "in-progress") -> Resource:
    """The shared draft of a discharge: what was chosen and written so far, a Task of the stay. Since when it is under way is its
    executionPeriod: the clock of the day of discharge."""
    before = stay.draft()
    begun = r.first(before, "executionPeriod", "start") if before else None
    return {
        "resourceType": "Task",
        "id": stable("dc", stay.id),
        "status": status,
        "intent": "order",
        "code": concept(TASK, DISCHARGE, "Discharge", "Ra viện"),
        "focus": {"reference": f"Encounter/{stay.id}"},
        "for": {"reference": f"Patient/{w.patient}"},
        "encounter": {"reference": f"Encounter/{stay.id}"},
        "authoredOn": (before or {}).get("authoredOn") or clock.instant(now),
        "lastModified": clock.instant(now),
        "owner": author(w),
        "executionPeriod": {
            "start": begun or clock.instant(now),
            **({"end": clock.instant(now)} if status == "completed" else {}),
        },
        "input": [{"type": {"text": k}, "valueString": v} for k, v in sorted(values.items()) if v.strip()] or [
            {"type": {"text": "end"}, "valueString": "–"}
        ],
    }  # fmt: skip


def typed(draft: Resource | None) -> dict[str, str]:
    """The fields of a shared draft."""
    given = (draft or {}).get("input") or ()
    return {str((i.get("type") or {}).get("text")): str(i.get("valueString") or "") for i in given}


def provenance(key: str, what: Iterable[str], code: str, text: str, w: Writer, now: datetime) -> Resource:
    """Who did what in one act, by versions: what taking it back reads."""
    return {
        "resourceType": "Provenance",
        "id": stable("pv", key, code),
        "target": [{"reference": f"Patient/{w.patient}"}, *({"reference": x} for x in what)],
        "recorded": clock.instant(now),
        "activity": concept(TASK, code, text),
        "agent": [{"who": author(w)}],
    }


def leaving(
    stay: Stay, out: Leaving, values: Mapping[str, str], w: Writer, now: datetime, bed: Resource | None, before: Resource | None
) -> list[Change]:
    """Everything that a discharge writes. `bed`: the Location that is left; `before`: the Provenance of an earlier discharge of
    this stay that was taken back."""
    made = Changes(stay)
    added = [condition(stay, t, w, now) for t in out.added]
    for new in added:
        made.put(new)
    old = [c for i in out.diagnoses if (c := stay.one("Condition", i))]
    ordered = [*added[:1], *old, *added[1:]] if out.added_main else [*old, *added]
    named = [(str(c["id"]), r.concept(c.get("code")), _icd(c)) for c in ordered]
    for order, (why, who) in out.let_go.items():
        made.put(follow_result(stay, order, why, who, w, now))
        request = stay.one("ServiceRequest", order)
        if why == "not-needed" and request is not None:
            made.put({**deepcopy(request), "status": "revoked"})
    home = []
    for request in stay.drugs():
        kept = out.drugs[str(request["id"])]
        made.put(stopped(request, kept, out.end))
        if kept.home:
            home.append(taken_home(stay, request, kept, w, out.end))
            made.put(home[-1])
    if out.follow_up:
        made.put(appointment(stay, out, w))
    if out.destination:
        made.put(referral_request(stay, out, w))
    for p in papers(stay, out, named, home, w):
        made.put(p)
    made.put(prepared(stay, values, w, now, "completed"))
    if bed is not None:
        made.put(to_clean(bed), bed)
    made.put(finished(stay, out, [(i, text) for i, text, _ in named]), stay.encounter)
    note = provenance(stay.id, made.what, DISCHARGE, "Ra viện", w, now)
    made.tell(note, before)
    return made.made


def _icd(c: Resource) -> str:
    return next(
        (str(x.get("code")) for x in (c.get("code") or {}).get("coding") or () if "icd" in str(x.get("system")).lower()), ""
    )
