"""The small shapes that resources are made of: codes of the catalogues, stamps, exact numbers, reference ranges.

They are made once and shared between resources: whoever takes them must not change them in place.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from longbien.demo.starter import Band, by
from longbien.fhir import systems as s

Resource = dict[str, Any]
Number = int | Decimal

NOTES: dict[str, tuple[str, str, str]] = {
    # local code: title, LOINC document type, LOINC name
    "kham": ("Phiếu khám bệnh", "34108-1", "Outpatient Note"),
    "vao-vien": ("Bệnh án vào viện", "34117-2", "History and physical note"),
    "dieu-tri": ("Tờ điều trị", "11506-3", "Progress note"),
    "cham-soc": ("Phiếu chăm sóc", "34746-8", "Nurse Note"),
    "ra-vien": ("Tóm tắt ra viện", "18842-5", "Discharge summary"),
}
CLASSES = {
    "AMB": ("AMB", "ambulatory"),
    "IMP": ("IMP", "inpatient encounter"),
    "EMER": ("EMER", "emergency"),
    "VR": ("VR", "virtual"),
}
# The members that a result sheet prints first; the rest of a 28-line count adds weight to the demo and nothing to the reading.
PANELS: dict[str, tuple[str, ...]] = {
    "CBC": ("RBC", "HGB", "HCT", "MCV", "WBC", "NEUP", "LYMP", "PLT"),
    "LYTES": ("NA", "K", "CL"),
    "LIPID": ("CHOL", "TG", "HDL", "LDL"),
    "COAG": ("PT", "INR", "APTT", "FIB"),
    "ABG": ("PHA", "PCO2", "PO2", "HCO3", "BE", "SO2A", "LACA"),
}
VITAL_SIGNS = [
    {"coding": [{"system": s.OBSERVATION_CATEGORY, "code": "vital-signs", "display": "Vital Signs"}], "text": "Dấu hiệu sinh tồn"}
]
LABORATORY = [{"coding": [{"system": s.OBSERVATION_CATEGORY, "code": "laboratory", "display": "Laboratory"}], "text": "Xét nghiệm"}]
IMAGING = [{"coding": [{"system": s.OBSERVATION_CATEGORY, "code": "imaging", "display": "Imaging"}], "text": "Hình ảnh"}]
INTERPRETATIONS = {
    c: [{"coding": [{"system": s.INTERPRETATION, "code": c, "display": en}], "text": vi}]
    for c, en, vi in (
        ("HH", "Critical high", "nguy kịch cao"),
        ("H", "High", "cao"),
        ("N", "Normal", "bình thường"),
        ("L", "Low", "thấp"),
        ("LL", "Critical low", "nguy kịch thấp"),
        ("POS", "Positive", "dương tính"),
        ("NEG", "Negative", "âm tính"),
    )
}


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment on the Hanoi wall clock."""
    return datetime(day.year, day.month, day.day, hour, minute)


def stamp(t: datetime) -> str:
    return t.isoformat(timespec="seconds") + "+07:00"


def exact(value: float, decimals: int) -> Number:
    """A number with just so many decimals, as the analyser prints it."""
    return round(value) if decimals == 0 else Decimal(f"{value:.{decimals}f}")


@cache
def lab_code(code: str) -> Resource:
    r = by("labs")[code]
    coding = [{"system": s.LAB, "code": code, "display": r["name_vi"]}]
    # 2708-6 binds an Observation to the vital-signs profile, which a blood gas is not: that one goes by its local code.
    if r["loinc"] and r["loinc"] != "2708-6":
        coding.append({"system": s.LOINC, "code": r["loinc"], "display": r["name_en"]})
    return {"coding": coding, "text": r["short_name"] or r["name_vi"]}


@cache
def vital_code(code: str) -> Resource:
    r = by("vitals")[code]
    local = {"system": s.VITAL, "code": code, "display": r["name_vi"]}
    return {"coding": [{"system": s.LOINC, "code": r["loinc"], "display": r["name_en"]}, local], "text": r["name_vi"]}


@cache
def drug_code(code: str) -> Resource:
    r = by("drugs")[code]
    coding = [{"system": s.DRUG, "code": code, "display": f"{r['ingredient_vi']} {r['strength']}"}]
    if len(r["atc"]) == 7:
        coding.append({"system": s.ATC, "code": r["atc"], "display": r["atc_name"]})
    return {"coding": coding, "text": f"{r['ingredient_vi']} {r['strength']}"}


@cache
def imaging_code(code: str) -> Resource:
    name = by("imaging")[code]["name_vi"]
    return {"coding": [{"system": s.IMAGING, "code": code, "display": name}], "text": name}


@cache
def service_code(code: str) -> Resource:
    r = by("services")[code]
    coding = [{"system": s.SERVICE, "code": code, "display": r["name_vi"]}]
    if r["icd9cm"]:
        coding.append({"system": s.ICD9CM_PROCEDURES, "code": r["icd9cm"]})
    return {"coding": coding, "text": r["name_vi"]}


@cache
def range_of(found: Band, unit: str, ucum: str) -> list[Resource]:
    def side(text: str) -> Resource:
        value: Number = Decimal(text) if "." in text else int(text)
        return {"value": value, "unit": unit, "system": s.UCUM, "code": ucum}

    limits: Resource = {}
    if found.low_text:
        limits["low"] = side(found.low_text)
    if found.high_text:
        limits["high"] = side(found.high_text)
    return [limits] if limits else []


@cache
def concept(system: str, code: str, display: str, text: str = "") -> Resource:
    concept: Resource = {"coding": [{"system": system, "code": code, "display": display}]}
    if text:
        concept["text"] = text
    return concept
