"""A birth begins a record: the child, its stay within the mother's, who the mother is, what was measured. One commit.

Mother and child find each other as FHIR has it: a RelatedPerson on each side, Patient.link (seealso) to it, and the child's
Encounter is partOf the mother's."""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from decimal import Decimal
from typing import Any

from longbien.base import clock
from longbien.base.errors import Conflict, PreconditionFailed
from longbien.fhir import systems as s
from longbien.record.store import Store
from longbien.web.chart import record as r
from longbien.web.entries import Writer

from .discharge_actions import TAKEN, found
from .discharge_read import Stay, stable
from .discharge_resources import LOINC, Changes, author, concept, provenance
from .newborn_rules import SEXES, WAYS, Birth, name, outcome

Resource = dict[str, Any]
CODE = "birth"
VITAL, EXAM = ("vital-signs", "Vital Signs"), ("exam", "Exam")
"""What is measured of a body is a vital sign by its profile; points and weeks are found."""
EXT_BIRTH_TIME = "http://hl7.org/fhir/StructureDefinition/patient-birthTime"
APGAR = {1: ("9272-6", "1 minute Apgar Score"), 5: ("9274-2", "5 minute Apgar Score"), 10: ("9271-8", "10 minute Apgar Score")}


def child_id(stay: Stay, order: int) -> str:
    return stable("nb", stay.id, str(order))


def child(stay: Stay, b: Birth) -> Resource:
    """The child's Patient: a temporary number and name until the birth is registered."""
    id_ = child_id(stay, b.order)
    mother = stay.life.person.name
    number = next(
        (str(i.get("value")) for i in stay.patient.get("identifier") or () if i.get("system") == s.PATIENT_NUMBER), id_[-8:]
    )
    out: Resource = {
        "resourceType": "Patient",
        "id": id_,
        "identifier": [{"use": "temp", "system": s.PATIENT_NUMBER, "value": f"{number}-{b.order}"}],
        "active": True,
        "name": [{"use": "temp", "text": name(mother, b.sex, b.order, b.of)}],
        "gender": b.sex,
        "birthDate": f"{clock.local(b.at):%Y-%m-%d}",
        "_birthDate": {"extension": [{"url": EXT_BIRTH_TIME, "valueDateTime": clock.instant(b.at)}]},
        "link": [{"other": {"reference": f"RelatedPerson/{stable('nc', stay.id, str(b.order))}"}, "type": "seealso"}],
    }
    if b.of > 1:
        out["multipleBirthInteger"] = b.order
    if stay.patient.get("address"):
        out["address"] = stay.patient["address"]
    if stay.encounter.get("serviceProvider"):
        out["managingOrganization"] = stay.encounter["serviceProvider"]
    return out


def relations(stay: Stay, b: Birth) -> list[Resource]:
    """The mother among the child's people, the child among the mother's."""
    mother, born = stay.life.person, f"{clock.local(b.at):%Y-%m-%d}"
    return [
        {
            "resourceType": "RelatedPerson",
            "id": stable("nm", stay.id, str(b.order)),
            "active": True,
            "patient": {"reference": f"Patient/{child_id(stay, b.order)}"},
            "relationship": [concept(s.ROLE_CODE, "NMTH", "natural mother", "mẹ")],
            "name": [{"text": mother.name}],
            "gender": "female",
            **({"birthDate": mother.birth} if mother.birth else {}),
            **({"telecom": [{"system": "phone", "value": mother.phone}]} if mother.phone else {}),
        },
        {
            "resourceType": "RelatedPerson",
            "id": stable("nc", stay.id, str(b.order)),
            "active": True,
            "patient": {"reference": f"Patient/{mother.id}"},
            "relationship": [concept(s.ROLE_CODE, "NCHILD", "natural child", "con")],
            "name": [{"text": name(mother.name, b.sex, b.order, b.of)}],
            "gender": b.sex,
            "birthDate": born,
        },
    ]


def visit(stay: Stay, b: Birth, w: Writer) -> Resource:
    """The child's own stay, within the mother's: it lies with her."""
    e = stay.encounter
    out: Resource = {
        "resourceType": "Encounter",
        "id": stable("ne", stay.id, str(b.order)),
        "status": "in-progress",
        "class": {"system": s.ACT_CODE, "code": "IMP", "display": "inpatient encounter"},
        "type": [{"text": "Sơ sinh"}],
        "subject": {"reference": f"Patient/{child_id(stay, b.order)}"},
        "participant": [{"type": [concept(s.PARTICIPATION, "ATND", "attender")], "individual": author(w)}],
        "period": {"start": clock.instant(b.at)},
        "reasonCode": [{"text": "Sinh tại cơ sở"}],
        "hospitalization": {"admitSource": concept(s.HL7 + "admit-source", "born", "Born in hospital", "Sinh tại cơ sở")},
        "partOf": {"reference": f"Encounter/{stay.id}"},
    }
    for key in ("serviceType", "serviceProvider"):
        if e.get(key):
            out[key] = e[key]
    return out


def _observation(stay: Stay, b: Birth, code: Resource, part: str, value: Resource, w: Writer) -> Resource:
    return {
        "resourceType": "Observation",
        "id": stable("no", stay.id, f"{b.order}/{part}"),
        "status": "final",
        "category": [concept(s.OBSERVATION_CATEGORY, *(VITAL if part in ("weight", "length", "head") else EXAM))],
        "code": code,
        "subject": {"reference": f"Patient/{child_id(stay, b.order)}"},
        "encounter": {"reference": f"Encounter/{stable('ne', stay.id, str(b.order))}"},
        "effectiveDateTime": clock.instant(b.at),
        "performer": [author(w)],
        **value,
    }


def measured(stay: Stay, b: Birth, w: Writer) -> list[Resource]:
    """Weight (in kilograms, as the chart draws it), length, head, gestation, Apgar."""
    out = []

    def quantity(part: str, loinc: str, display: str, text: str, value: Any, unit: str, ucum: str) -> None:
        if value:
            said = {"value": value, "unit": unit, "system": s.UCUM, "code": ucum}
            out.append(_observation(stay, b, concept(LOINC, loinc, display, text), part, {"valueQuantity": said}, w))

    quantity("weight", "29463-7", "Body weight", "Cân nặng lúc sinh", Decimal(b.grams) / 1000, "kg", "kg")
    quantity("length", "8302-2", "Body height", "Chiều dài lúc sinh", Decimal(str(b.length)) if b.length else None, "cm", "cm")
    quantity(
        "head", "9843-4", "Head Occipital-frontal circumference", "Vòng đầu", Decimal(str(b.head)) if b.head else None, "cm", "cm"
    )
    quantity("weeks", "11884-4", "Gestational age Estimated", "Tuổi thai", _weeks(b), "tuần", "wk")
    for minute, points in sorted(b.apgar.items()):
        loinc, display = APGAR[minute]
        code = concept(LOINC, loinc, display, f"Apgar {minute} phút")
        out.append(_observation(stay, b, code, f"apgar{minute}", {"valueInteger": points}, w))
    return out


def _weeks(b: Birth) -> Any:
    return b.weeks if not b.days else Decimal(b.weeks) + (Decimal(b.days) / 7).quantize(Decimal("0.1"))


def of_the_mother(stay: Stay, b: Birth, w: Writer, now: datetime) -> list[Resource]:
    """What is written of the birth in the mother's record: how it went, and its outcome."""
    code, text = outcome(b.of, b.alive)
    told = f"{WAYS[b.way][0]}, con {SEXES[b.sex][0].lower()}, {b.grams} g, thai {b.weeks} tuần" + (
        f" {b.days} ngày" if b.days else ""
    )
    told += ", Apgar " + "-".join(str(b.apgar[m]) for m in sorted(b.apgar)) if b.apgar else ""
    told += "" if b.alive else ", chết"
    who, where = {"reference": f"Patient/{w.patient}"}, {"reference": f"Encounter/{stay.id}"}
    return [
        {
            "resourceType": "Procedure",
            "id": stable("np", stay.id, str(b.order)),
            "status": "completed",
            "code": {"text": WAYS[b.way][0]},
            "subject": who,
            "encounter": where,
            "performedDateTime": clock.instant(b.at),
            "performer": [{"actor": author(w)}],
            "note": [{"text": " ".join(x for x in (told + ".", b.note) if x)}],
        },
        {
            "resourceType": "Condition",
            "id": stable("nz", stay.id, code),
            "clinicalStatus": {"coding": [{"system": s.CONDITION_CLINICAL, "code": "active"}]},
            "verificationStatus": {"coding": [{"system": s.CONDITION_VERIFICATION, "code": "confirmed"}]},
            "category": [concept(s.CONDITION_CATEGORY, "encounter-diagnosis", "Encounter Diagnosis")],
            "code": concept(s.ICD10_VN, code, text),
            "subject": who,
            "encounter": where,
            "recordedDate": clock.instant(now),
            "recorder": author(w),
        },
    ]


def linked(stay: Stay, b: Birth) -> Resource:
    """The mother's Patient with a link to the child among her people."""
    mother = deepcopy(stay.patient)
    other = f"RelatedPerson/{stable('nc', stay.id, str(b.order))}"
    links = [x for x in mother.get("link") or () if r.first(x, "other", "reference") != other]
    mother["link"] = [*links, {"other": {"reference": other}, "type": "seealso"}]
    return mother


async def record(store: Store, stay: Stay, b: Birth, w: Writer, now: datetime) -> str:
    """Write the birth; gives the id of the child's Patient, "" for a child born dead (who has no record of their own: the mother's
    tells of it). Sent twice it is written once. Raises Conflict where the mother's record changed meanwhile."""
    id_ = child_id(stay, b.order)
    if b.alive and await found(store, "Patient", id_) is not None:
        return id_
    made = Changes(stay)
    for x in of_the_mother(stay, b, w, now):
        made.put(x, await found(store, x["resourceType"], x["id"]))
    if b.alive:
        made.put(child(stay, b))
        for x in (*relations(stay, b), visit(stay, b, w), *measured(stay, b, w)):
            made.put(x)
        made.put(linked(stay, b), stay.patient)
    note = provenance(f"{stay.id}/{b.order}", made.what, CODE, "Sinh", w, now)
    made.tell(note, await found(store, "Provenance", note["id"]))
    try:
        await store.commit(made.made)
    except (PreconditionFailed, Conflict) as why:
        if await found(store, "Patient", id_) is not None:
            return id_
        raise Conflict(TAKEN) from why
    return id_ if b.alive else ""
