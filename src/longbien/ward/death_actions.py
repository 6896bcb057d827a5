"""Recording a death, all of it or nothing: the person, the visit, the causes, the paper; what lay ahead is called off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from longbien.base import clock
from longbien.base.errors import Conflict, PreconditionFailed
from longbien.base.words import mark
from longbien.fhir import json
from longbien.fhir import systems as s
from longbien.record.change import Change
from longbien.record.life import life as read_life
from longbien.record.store import Store
from longbien.web.chart import record as r
from longbien.web.entries import Writer

from .death_rules import MANNERS, UNDO_WITHIN, Cause, Death, cause_line, underlying, within_a_day
from .discharge_actions import TAKEN, bed_of, found, take_back
from .discharge_compose import html_of
from .discharge_read import OPEN, PAPER, stable
from .discharge_resources import (
    EXT_RESULT,
    LOINC,
    RESULT_CODES,
    Changes,
    author,
    concept,
    leave_places,
    provenance,
    to_clean,
)
from .discharge_rules import RESULTS

Resource = dict[str, Any]
TYPES = (
    "Encounter",
    "Appointment",
    "MedicationRequest",
    "CommunicationRequest",
    "ServiceRequest",
    "Composition",
    "Observation",
    "CarePlan",
)
CODE = "death"
WAITING = ("proposed", "pending", "booked", "waitlist")
RUNNING = ("draft", "active", "on-hold")
AWAITED = ("108252007", "363679005")
"""SNOMED CT: laboratory procedure, imaging."""
WHY = "Người bệnh tử vong"
UCUM_UNIT = {"minute": ("min", "phút"), "hour": ("h", "giờ"), "day": ("d", "ngày"), "month": ("mo", "tháng"), "year": ("a", "năm")}
TOO_LATE = mark("This was recorded more than a week ago; the records room corrects it.")


@dataclass(slots=True)
class Known:
    """What the record holds of a patient, as far as a death changes it. `visit`: the one that runs at this facility."""

    patient: Resource
    of: Mapping[str, Sequence[Resource]]
    visit: Resource | None

    def one(self, type_: str, id_: str) -> Resource | None:
        if type_ == "Patient":
            return self.patient if self.patient.get("id") == id_ else None
        return next((x for x in self.of.get(type_, ()) if x.get("id") == id_), None)

    @property
    def admitted(self) -> datetime | None:
        return r.moment(r.first(self.visit, "period", "start")) if self.visit else None

    @property
    def dead(self) -> datetime | None:
        return r.moment(self.patient.get("deceasedDateTime"))


async def known(store: Store, patient: str, organization: str | None) -> Known:
    """Read once. Raises NotFound."""
    lived = await read_life(store.engine, store.scope, patient, tuple(t for t in TYPES if t != "Observation"))
    of = {t: [json.loads(b) for b in bodies] for t, bodies in lived.bodies.items()}
    running = [
        e for e in of.get("Encounter", ())
        if e.get("status") in OPEN and (organization is None or r.reference_id(e.get("serviceProvider")) == organization)
    ]  # fmt: skip
    running.sort(key=lambda e: str(r.first(e, "period", "start") or ""))
    return Known(json.loads(lived.patient), of, running[-1] if running else None)


def ended(visit: Resource, d: Death) -> Resource:
    """The visit that ends with this death: KET_QUA_DTRI 5 (here) or 8 (outside) of decision 3176/QĐ-BYT."""
    e = deepcopy(visit)
    at = clock.instant(d.at)
    start = str(r.first(e, "period", "start") or at)
    e["statusHistory"] = [*(e.get("statusHistory") or ()), {"status": e["status"], "period": {"start": start, "end": at}}]
    e["status"] = "finished"
    e["period"] = {**(e.get("period") or {}), "end": at}
    exp = {"system": s.DISCHARGE, "code": "exp", "display": "Expired"}
    e["hospitalization"] = {**(e.get("hospitalization") or {}), "dischargeDisposition": {"coding": [exp], "text": "Tử vong"}}
    code = "5" if d.place == "here" else "8"
    e["extension"] = [x for x in e.get("extension") or () if x.get("url") not in (EXT_RESULT, s.EXT_EXPECTED_DISCHARGE)]
    e["extension"].append({"url": EXT_RESULT, "valueCoding": {"system": RESULT_CODES, "code": code, "display": RESULTS[code][0]}})
    return leave_places(e, at)


def observation(c: Cause, d: Death, key: str, visit: Resource | None, w: Writer) -> Resource:
    """One line of the chain: LOINC 69453-9, how long it lasted 69440-6 (HL7's Vital Records Death Reporting names them so)."""
    out: Resource = {
        "resourceType": "Observation",
        "id": stable("cd", key, c.line),
        "status": "final",
        "code": concept(LOINC, "69453-9", "Cause of death [US Standard Certificate of Death]", f"Nguyên nhân chết, dòng {c.line}"),
        "subject": {"reference": f"Patient/{w.patient}"},
        "effectiveDateTime": clock.instant(d.at),
        "performer": [author(w)],
        "valueCodeableConcept": {"coding": [{"system": s.ICD10_VN, "code": c.code, "display": c.text}], "text": c.text},
    }
    if visit is not None:
        out["encounter"] = {"reference": f"Encounter/{visit['id']}"}
    if c.lasted is not None:
        ucum, word = UCUM_UNIT[c.unit]
        lasted = {"value": c.number, "unit": word, "system": s.UCUM, "code": ucum}
        code = {"coding": [{"system": LOINC, "code": "69440-6", "display": "Disease onset to death interval"}]}
        out["component"] = [{"code": code, "valueQuantity": lasted}]
    return out


def circumstances(d: Death, key: str, k: Known, w: Writer) -> Resource:
    """What the record of treatment asks besides the causes (circular 32/2023/TT-BYT, items 26 to 29): from what, within a day of
    admission or after, post-mortem examination, what else contributed; who was told. No part of the notice of death."""

    def of(loinc: str, display: str, text: str) -> Resource:
        return {"code": concept(LOINC, loinc, display, text)}

    more: list[Resource] = [{**of("85699-7", "Autopsy was performed", "Khám nghiệm tử thi"), "valueBoolean": d.autopsy}]
    if d.others:
        more.append(
            {**of("69441-4", "Other significant causes or conditions of death", "Bệnh khác góp phần"), "valueString": d.others}
        )
    day = within_a_day(d.at, k.admitted) if d.place == "here" else None
    if day is not None:
        more.append({"code": {"text": "Thời gian từ khi vào viện"}, "valueString": "Trong 24 giờ" if day else "Sau 24 giờ"})
    out: Resource = {
        "resourceType": "Observation",
        "id": stable("cm", key),
        "status": "final",
        **of("69449-7", "Manner of death", "Tình hình tử vong"),
        "subject": {"reference": f"Patient/{w.patient}"},
        "effectiveDateTime": clock.instant(d.at),
        "performer": [author(w)],
        "valueCodeableConcept": {"text": MANNERS[d.manner][0]},
        "component": more,
    }
    if k.visit is not None:
        out["encounter"] = {"reference": f"Encounter/{k.visit['id']}"}
    if d.told:
        out["note"] = [{"text": f"Đã báo cho: {d.told}"}]
    return out


def paper(d: Death, key: str, k: Known, place: str, w: Writer) -> Resource:
    """The notice of death as the records room prints it (giấy báo tử, circular 25/2025/TT-BYT, form 05)."""
    at = clock.local(d.at)
    last = underlying(d.chain)
    cause = "\n".join(cause_line(c) for c in sorted(d.chain, key=lambda c: c.line))
    sections = [
        ("died", "Đã chết vào lúc", f"{at:%H} giờ {at:%M} phút, ngày {at:%d} tháng {at:%m} năm {at:%Y}"),
        ("place", "Nơi chết", place), ("cause", "Nguyên nhân chết", f"{last.text} ({last.code})\n{cause}" if last else "–"),
    ]  # fmt: skip
    out: Resource = {
        "resourceType": "Composition",
        "id": stable("death", key),
        "status": "preliminary",
        "type": concept(PAPER, "death", "Giấy báo tử"),
        "subject": {"reference": f"Patient/{w.patient}"},
        "date": clock.instant(d.at),
        "author": [author(w)],
        "title": "Giấy báo tử",
        "section": [
            {"title": t, "code": {"coding": [{"system": PAPER, "code": c}]}, "text": {"status": "generated", "div": html_of(x)}}
            for c, t, x in sections
        ],
        "custodian": {"reference": f"Organization/{w.organization}"},
    }
    if k.visit is not None:
        out["encounter"] = {"reference": f"Encounter/{k.visit['id']}"}
    return out


def called_off(k: Known, d: Death) -> list[Resource]:
    """What was planned for after the death: appointments, drugs, messages, care plans, orders. Laboratory and imaging orders
    stay: a sample that was taken may still tell something."""
    at = clock.instant(d.at)

    def of(type_: str, *states: str) -> list[Resource]:
        return [x for x in k.of.get(type_, ()) if x.get("status") in states]

    def later(a: Resource) -> bool:
        start = r.moment(a.get("start"))
        return start is None or start > d.at

    def cut(m: Resource) -> Resource:
        supply = dict(m.get("dispenseRequest") or {})
        supply["validityPeriod"] = {**(supply.get("validityPeriod") or {}), "end": at}
        return {**m, "status": "stopped", "statusReason": {"text": WHY}, "dispenseRequest": supply}

    why = {"text": WHY}
    return [
        *({**a, "status": "cancelled", "cancelationReason": why} for a in of("Appointment", *WAITING) if later(a)),
        *(cut(m) for m in of("MedicationRequest", "active", "on-hold")),
        *({**c, "status": "revoked", "statusReason": why} for c in of("CommunicationRequest", *RUNNING)),
        *({**p, "status": "revoked"} for p in of("CarePlan", *RUNNING)),
        *({**o, "status": "revoked"} for o in of("ServiceRequest", *RUNNING) if r.code_of(o.get("category")) not in AWAITED),
    ]


def key_of(k: Known) -> str:
    return str(k.patient["id"])


async def record(store: Store, k: Known, d: Death, place: str, w: Writer, now: datetime) -> bool:
    """Write it. False where this patient's death is recorded already (sent twice). Raises Conflict where the record changed."""
    if k.dead is not None:
        return False
    key = key_of(k)
    made = Changes(k)
    for line in d.chain:
        made.put(observation(line, d, key, k.visit, w), await found(store, "Observation", stable("cd", key, line.line)))
    told = circumstances(d, key, k, w)
    made.put(told, await found(store, "Observation", told["id"]))
    for other in called_off(k, d):
        made.put(other)
    made.put(paper(d, key, k, place, w))
    if k.visit is not None:
        held = [x for x in k.visit.get("location") or () if x.get("status", "active") == "active"]
        bed = await bed_of(store, held[-1] if held else None)
        if bed is not None:
            made.put(to_clean(bed), bed)
        made.put(ended(k.visit, d), k.visit)
    person = {x: v for x, v in deepcopy(k.patient).items() if x != "deceasedBoolean"}
    made.put({**person, "deceasedDateTime": clock.instant(d.at)}, k.patient)
    made.tell(provenance(key, made.what, CODE, "Tử vong", w, now), await found(store, "Provenance", stable("pv", key, CODE)))
    changes: list[Change] = made.made
    try:
        await store.commit(changes)
    except (PreconditionFailed, Conflict) as why:
        after = await found(store, "Patient", key)
        if after is not None and after.get("deceasedDateTime"):
            return False
        raise Conflict(TAKEN) from why
    return True


async def undo(store: Store, patient: str, now: datetime) -> None:
    """A death recorded by mistake: everything as it was. Raises NotFound, Conflict."""
    await take_back(store, stable("pv", patient, CODE), now, UNDO_WITHIN, TOO_LATE)
