"""XML1 -> the person, the card, the visit and what it was for. Pure."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache

from longbien.fhir import systems as s

from ..claims.compose.departments import claim_codes
from . import shape
from .shape import Resource, Row, coding, concept, kept, listed, moment, without_empty

CLASSES = {"03": ("IMP", "inpatient encounter"), "04": ("SS", "short stay"), "06": ("IMP", "inpatient encounter"),
           "09": ("IMP", "inpatient encounter"), "12": ("HH", "home health"), "14": ("VR", "virtual")}  # fmt: skip
"""MA_LOAI_KCB -> Encounter.class; every other is AMB."""
DISCHARGED = {"1": ("home", "Home"), "2": ("other-hcf", "Other healthcare facility"), "3": ("aadvice", "Left against advice"),
              "4": ("aadvice", "Left against advice"), "5": ("other-hcf", "Other healthcare facility")}  # fmt: skip
GENDERS = {"1": "male", "2": "female", "3": "unknown"}
VIETNAM = "000"
EXT_NATIONALITY = "http://hl7.org/fhir/StructureDefinition/patient-nationality"
EMERGENCY = "2"
NOT_INSURED = "9"


@dataclass(frozen=True)
class Origin:
    """Whose claim it is: id and name of the facility's Organization, its code; where the claim came in (a receipt's number, "" for
    none)."""

    facility: str
    code: str
    name: str = ""
    receipt: str = ""

    @property
    def reference(self) -> Resource:
        return without_empty({"reference": f"Organization/{self.facility}", "display": self.name})


@dataclass
class Made:
    """What a claim becomes. base: what every id begins with, made of the facility and MA_LK, so that the same claim is the same
    resources. patient: whose record it goes into."""

    origin: Origin
    link: str
    patient: str
    out: list[Resource] = field(default_factory=list)
    known: shape.Known = field(default_factory=dict)

    @property
    def base(self) -> str:
        return base_of(self.origin.code, self.link)

    @property
    def encounter(self) -> str:
        return self.base

    @property
    def subject(self) -> Resource:
        return {"reference": f"Patient/{self.patient}"}

    def new(self, type_: str, suffix: str, **body: object) -> Resource:
        """A resource of this visit, without what is empty."""
        made: Resource = {"resourceType": type_, "id": f"{self.base}-{suffix}" if suffix else self.base}
        if self.origin.receipt:
            made["meta"] = {"source": f"urn:longbien:axis:{self.origin.receipt}"}
        made |= without_empty(dict(body))
        self.out.append(made)
        return made


def base_of(facility_code: str, link: str) -> str:
    return f"lk-{hashlib.sha256(f'{facility_code}|{link}'.encode()).hexdigest()[:24]}"


# ---- the person


def person(row: Row, id_: str, facility: Resource) -> Resource:
    """The Patient that XML1 tells of, as a new one."""
    cards = listed(row.get("MA_THE_BHYT", ""))
    ids = [_id(*_citizen(row.get("SO_CCCD", "").strip()))] if row.get("SO_CCCD", "").strip() else []
    for card in cards[:1]:
        if len(card) == 15:
            ids.append(_id("official", "HC", s.INSURANCE_NUMBER, card))
        if len(card) in (10, 15):
            ids.append(_id("secondary", "SS", s.SOCIAL_INSURANCE_NUMBER, card[-10:]))
    name = " ".join(row.get("HO_TEN", "").split())
    words = name.split()
    human: Resource = {"use": "official", "text": name}
    if len(words) > 1:
        human |= {"family": words[0], "given": words[1:]}
    phone = row.get("DIEN_THOAI", "").strip()
    return without_empty({
        "resourceType": "Patient", "id": id_, "extension": _origins(row), "identifier": ids, "active": True,
        "name": [human] if name else [], "gender": GENDERS.get(row.get("GIOI_TINH", "").strip(), "unknown"),
        "birthDate": shape.birth(row.get("NGAY_SINH", "")), "address": _address(row),
        "telecom": [{"system": "phone", "value": phone, "use": "mobile"}] if phone else [],
        "managingOrganization": facility,
    })  # fmt: skip


def _citizen(number: str) -> tuple[str, str, str, str]:
    if number.isdigit() and len(number) == 12:
        return "official", "NI", s.CITIZEN_ID, number
    if number.isdigit() and len(number) == 9:
        return "old", "NI", s.OLD_CITIZEN_ID, number
    return "official", "PPN", s.PASSPORT, number


def _id(use: str, type_: str, system: str, value: str) -> Resource:
    return {"use": use, "type": {"coding": [{"system": s.IDENTIFIER_TYPE, "code": type_}]}, "system": system, "value": value}


def _origins(row: Row) -> list[Resource]:
    out: list[Resource] = []
    if code := row.get("MA_DANTOC", "").strip():
        out.append({"url": s.EXT_ETHNICITY, "valueCoding": {"system": s.ETHNICITY, "code": code}})
    if code := row.get("MA_NGHE_NGHIEP", "").strip():
        out.append({"url": shape.EXT_OCCUPATION, "valueCoding": {"system": shape.OCCUPATION, "code": code}})
    if (code := row.get("MA_QUOCTICH", "").strip()) and code != VIETNAM:
        said = {"url": "code", "valueCodeableConcept": concept(shape.NATIONALITY, code)}
        out.append({"url": EXT_NATIONALITY, "extension": [said]})
    return out


def _address(row: Row) -> list[Resource]:
    text, ward = row.get("DIA_CHI", "").strip(), row.get("MAXA_CU_TRU", "").strip()
    made: Resource = {"use": "home", "text": text, "country": "VN"} if text else {}
    if ward:
        made = {"extension": [{"url": s.EXT_WARD, "valueCoding": {"system": s.WARD, "code": ward}}], **(made or {"use": "home"})}
    return [made] if made else []


# ---- the card


def covers(m: Made, row: Row) -> list[Resource]:
    """A Coverage for each card that the claim names; the same card of one person is one resource, whoever sends it."""
    places, begins, ends = (listed(row.get(n, "")) for n in ("MA_DKBD", "GT_THE_TU", "GT_THE_DEN"))
    made = []
    for n, card in enumerate(listed(row.get("MA_THE_BHYT", ""))):
        period = without_empty({"start": moment(_at(begins, n)), "end": moment(_at(ends, n))})
        id_ = f"the-{hashlib.sha256(f'{m.patient}|{card}|{period}'.encode()).hexdigest()[:24]}"
        system = s.INSURANCE_NUMBER if len(card) == 15 else s.SOCIAL_INSURANCE_NUMBER
        level = int(card[2]) if len(card) == 15 and card[2].isdigit() else None
        made.append(without_empty({
            "resourceType": "Coverage", "id": id_, "identifier": [{"system": system, "value": card}],
            "extension": [{"url": s.EXT_BENEFIT_LEVEL, "valueInteger": level}] if level is not None else [],
            "status": "active", "subscriberId": card,
            "type": {"coding": [coding(s.ACT_CODE, "PUBLICPOL")], "text": "Bảo hiểm y tế"},
            "beneficiary": m.subject, "payor": [{"display": "Bảo hiểm xã hội Việt Nam"}], "period": period,
            "network": _at(places, n),
        }))  # fmt: skip
    m.out += made
    return made


def _at(values: list[str], n: int) -> str:
    return values[n] if n < len(values) else ""


# ---- the visit


@cache
def _kinds() -> dict[str, str]:
    """MA_KHOA -> the kind of department that alone has it."""
    codes = list(claim_codes().values())
    return {code: kind for kind, code in claim_codes().items() if codes.count(code) == 1}


def department(code: str) -> Resource:
    first = (listed(code) or [""])[0]
    if not first:
        return {}
    house = [coding(s.DEPARTMENT_KIND, _kinds()[first])] if first in _kinds() else []
    return {"coding": [*house, coding(shape.DEPARTMENT, first)], "text": first}


def encounter(m: Made, row: Row, cards: list[Resource]) -> Resource:
    kind, object_ = row.get("MA_LOAI_KCB", "").strip(), row.get("MA_DOITUONG_KCB", "").strip()
    code, display = CLASSES.get(kind, ("EMER", "emergency") if object_ == EMERGENCY else ("AMB", "ambulatory"))
    end = moment(row.get("NGAY_RA", ""))
    return m.new(
        "Encounter", "",
        extension=[*_line(object_, cards), *_result(row), *kept(row, *KEPT)],
        identifier=[{"system": s.ENCOUNTER_NUMBER, "value": m.link}, {"system": shape.CLAIM_LINK, "value": m.link}],
        status="finished" if end else "in-progress",
        **{"class": coding(s.ACT_CODE, code, display)},
        type=[concept(shape.KIND, kind)] if kind else [],
        serviceType=department(row.get("MA_KHOA", "")),
        subject=m.subject,
        period=without_empty({"start": moment(row.get("NGAY_VAO", "")), "end": end}),
        reasonCode=[concept("", "", row.get("LY_DO_VV", ""))] if row.get("LY_DO_VV", "").strip() else [],
        hospitalization=_hospital(row),
        serviceProvider=m.origin.reference,
    )  # fmt: skip


KEPT = (
    "MA_BN", "LY_DO_VNT", "MA_LY_DO_VNT", "NGAY_VAO_NOI_TRU", "NGAY_MIEN_CCT", "GIAY_CHUYEN_TUYEN", "SO_NGAY_DTRI", "PP_DIEU_TRI",
    "GHI_CHU", "NGAY_TTOAN", "MA_TAI_NAN", "MA_KHUVUC", "CAN_NANG_CON", "NAM_NAM_LIEN_TUC", "NGAY_TAI_KHAM", "MA_HSBA", "MA_TTDV",
    "NHOM_MAU", "MA_BENH_YHCT", "CHAN_DOAN_VAO", "CHAN_DOAN_RV", "MA_KHOA", "NAM_QT", "THANG_QT", "MATINH_CU_TRU", "MAHUYEN_CU_TRU",
)  # fmt: skip
"""Fields of XML1 that stand on the Encounter as they were sent."""


def _line(object_: str, cards: list[Resource]) -> list[Resource]:
    if not object_:
        return []
    parts: list[Resource] = [{"url": "line", "valueCoding": coding(shape.LINES, object_)}]
    if cards and object_ != NOT_INSURED:
        parts.append({"url": "coverage", "valueReference": {"reference": f"Coverage/{cards[0]['id']}"}})
    return [{"url": shape.EXT_LINE, "extension": parts}]


def _result(row: Row) -> list[Resource]:
    code = row.get("KET_QUA_DTRI", "").strip()
    return [{"url": shape.EXT_RESULT, "valueCoding": coding(shape.RESULTS, code)}] if code else []


def _hospital(row: Row) -> Resource:
    code = row.get("MA_LOAI_RV", "").strip()
    out: Resource = {}
    if code:
        hl7 = [coding(s.DISCHARGE, *DISCHARGED[code])] if code in DISCHARGED else []
        out["dischargeDisposition"] = {"coding": [coding(shape.LEAVING, code), *hl7]}
    for name, key in (("MA_NOI_DI", "origin"), ("MA_NOI_DEN", "destination")):
        if place := row.get(name, "").strip():
            out[key] = {"identifier": {"system": s.FACILITY_CODE, "value": place}, "display": place}
    return out


# ---- what it was for


def conditions(m: Made, row: Row, visit: Resource) -> None:
    """MA_BENH_CHINH, then MA_BENH_KT; the words of CHAN_DOAN_RV go with the code where there is one word group for each."""
    codes = [c for c in (row.get("MA_BENH_CHINH", "").strip(), *listed(row.get("MA_BENH_KT", ""))) if c]
    words = [w.strip() for w in row.get("CHAN_DOAN_RV", "").split(";")]
    texts = words if len(words) == len(codes) else [row.get("CHAN_DOAN_RV", "").strip(), *codes[1:]]
    visit["diagnosis"] = []
    for n, (code, text) in enumerate(zip(codes, texts, strict=False), 1):
        made = m.new(
            "Condition", f"c{n}",
            clinicalStatus={"coding": [coding(s.CONDITION_CLINICAL, "active")]},
            verificationStatus={"coding": [coding(s.CONDITION_VERIFICATION, "confirmed")]},
            category=[{"coding": [coding(s.CONDITION_CATEGORY, "encounter-diagnosis", "Encounter Diagnosis")]}],
            code=concept(s.ICD10_VN, code, text or code), subject=m.subject, encounter={"reference": f"Encounter/{m.encounter}"},
            recordedDate=moment(row.get("NGAY_RA", "")) or moment(row.get("NGAY_VAO", "")),
        )  # fmt: skip
        use = ("DD", "Discharge diagnosis") if n == 1 else ("CM", "Comorbidity diagnosis")
        visit["diagnosis"].append({
            "condition": {"reference": f"Condition/{made['id']}", "display": text or code},
            "use": {"coding": [coding(s.DIAGNOSIS_ROLE, *use)]}, "rank": n,
        })  # fmt: skip
    if not visit["diagnosis"]:
        del visit["diagnosis"]


MEASURES = (
    ("CAN_NANG", "29463-7", "Body weight", "Cân nặng", "kg", "kg"),
    ("DU_PHONG", "8302-2", "Body height", "Chiều cao", "cm", "cm"),
)


def measures(m: Made, row: Row) -> None:
    """Weight, and the height that DU_PHONG carries (decision 3176)."""
    for n, (name, loinc, display, text, unit, ucum) in enumerate(MEASURES):
        value = shape.number(row.get(name, ""))
        if value is None or not 0 < value < 1000:
            continue
        m.new(
            "Observation", f"m{n}", status="final",
            category=[{"coding": [coding(s.OBSERVATION_CATEGORY, "vital-signs", "Vital Signs")]}],
            code={"coding": [coding(s.LOINC, loinc, display)], "text": text}, subject=m.subject,
            encounter={"reference": f"Encounter/{m.encounter}"}, effectiveDateTime=moment(row.get("NGAY_VAO", "")),
            valueQuantity={"value": value, "unit": unit, "system": s.UCUM, "code": ucum},
        )  # fmt: skip
