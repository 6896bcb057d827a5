"""The starter catalogues as FHIR resources: code systems, value sets, tests with ranges, drugs, order sets, demo prices.

Every id is made of the catalogue's own code, so that a second load changes nothing. Vietnamese is the display, English a
designation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any

from longbien.demo import facilities, orderables
from longbien.demo.shapes import NOTES
from longbien.demo.starter import Row, by, rows
from longbien.fhir import systems as s

Resource = dict[str, Any]
DATE = "2026-11-23"
PUBLISHER = "Longbien"
REGISTRATION = "https://longbien.org/fhir/sid/drug-registration"  # SO_DANG_KY of a claim
TENDER = "https://longbien.org/fhir/StructureDefinition/drug-tender"  # TT_THAU of a claim: decision;package;group;year
_GENDER = {"M": "male", "F": "female"}


def icd10() -> Iterator[tuple[str, str, str, str, bool, str, str]]:
    """ICD-10 of Vietnam (decision 4469/2020, superseded by circular 06/2026), chapters and groups too.

    (code, Vietnamese, English, parent, not a principal diagnosis, sex 'M'/'F'/'', age in days 'from-to' with open ends or '').
    """
    for r in rows("icd10_vn"):
        yield r["code"], r["name_vi"], r["name_en"], r["parent"], r["not_principal"] == "1", r["sex"], r["age_days"]


def fhir_id(prefix: str, code: str) -> str:
    """A catalogue code as a legal id: letters, digits, '-' and '.'."""
    return f"{prefix}-{code.replace('_', '-').replace(' ', '-')}".lower()


def resources() -> Iterator[Resource]:
    """The whole catalogue, each resource after what it refers to."""
    yield from code_systems()
    yield from value_sets()
    yield from observation_definitions()
    yield from medications()
    yield from orderables.resources()
    yield from prices()


# --- code systems


def _concept(code: str, vi: str, en: str = "", **properties: str) -> Resource:
    concept: Resource = {"code": code, "display": vi}
    if en:
        concept["designation"] = [{"language": "en", "value": en}]
    kept = [{"code": k.replace("_", "-"), "valueString": v} for k, v in properties.items() if v]
    if kept:
        concept["property"] = kept
    return concept


def _system(url: str, name: str, title: str, concepts: Iterable[Resource], **more: Any) -> Resource:
    listed = list(concepts)
    used = sorted({p["code"] for c in listed for p in c.get("property", ())})
    system: Resource = {
        "resourceType": "CodeSystem",
        "id": url.rsplit("/", 1)[1],
        "language": "vi",
        "url": url,
        "version": "2026.11",
        "name": name,
        "title": title,
        "status": "active",
        "experimental": False,
        "date": DATE,
        "publisher": PUBLISHER,
        "caseSensitive": True,
        "valueSet": url.replace("/CodeSystem/", "/ValueSet/"),
        "content": "complete",
        "count": len(listed),
        **more,
    }
    if used and "property" not in more:
        system["property"] = [{"code": p, "type": "string"} for p in used]
    system["concept"] = listed
    return system


def _icd_concepts() -> Iterator[Resource]:
    for r in rows("icd10_vn"):
        concept = _concept(r["code"], r["name_vi"], r["name_en"])
        facts: list[Resource] = []
        if r["parent"]:
            facts.append({"code": "parent", "valueCode": r["parent"]})
        if r["not_principal"]:
            facts.append({"code": "not-principal", "valueBoolean": True})
        facts += [
            {"code": name, "valueString": r[column]}
            for name, column in (("sex", "sex"), ("age-days", "age_days"), ("mark", "mark"), ("kind", "kind"))
            if r[column]
        ]
        if facts:
            concept["property"] = facts
        yield concept


def _once(name: str, code: str = "code", vi: str = "name_vi", en: str = "name_en", **properties: str) -> Iterator[Resource]:
    for key, r in by(name, code).items():
        yield _concept(key, r[vi], r.get(en, ""), **{k: r[column] for k, column in properties.items()})


def _department_kinds() -> dict[str, str]:
    """Department code -> name; the longest name where facilities differ."""
    kinds: dict[str, str] = {}
    for f in facilities.FACILITIES:
        for d in f.departments:
            if len(d.name) > len(kinds.get(d.code, "")):
                kinds[d.code] = d.name
    return kinds


VACCINES = {
    "BCG": ("BCG (lao)", "BCG"),
    "HBV": ("Viêm gan B sơ sinh", "Hepatitis B, birth dose"),
    "5IN1": ("Bạch hầu, ho gà, uốn ván, viêm gan B, Hib", "DTwP-HepB-Hib"),
    "OPV": ("Bại liệt uống", "Oral polio"),
    "IPV": ("Bại liệt tiêm", "Inactivated polio"),
    "MV": ("Sởi", "Measles"),
    "MR": ("Sởi - rubella", "Measles, rubella"),
    "JE": ("Viêm não Nhật Bản", "Japanese encephalitis"),
    "DPT": ("Bạch hầu, ho gà, uốn ván", "DTwP"),
    "COVID19": ("COVID-19", "COVID-19"),
    "CUM": ("Cúm mùa", "Seasonal influenza"),
}
ALLERGENS = {"crustacean": ("Tôm, cua", "Crustaceans"), "peanut": ("Lạc", "Peanut"), "pollen": ("Phấn hoa", "Pollen")}
FLAGS = {
    "fall-risk": ("Nguy cơ ngã cao", "High risk of falls"),
    "isolation-droplet": ("Cách ly giọt bắn", "Droplet isolation"),
    "monitor": ("Theo dõi monitor liên tục", "Continuous monitoring"),
}


def code_systems() -> Iterator[Resource]:
    def named(table: dict[str, tuple[str, str]]) -> Iterator[Resource]:
        return (_concept(code, vi, en) for code, (vi, en) in table.items())

    yield _system(
        s.ICD10_VN,
        "ICD10VN",
        "ICD-10 Việt Nam (QĐ 4469/2020)",
        _icd_concepts(),
        version="4469-2020",
        description="Quyết định 4469/QĐ-BYT năm 2020; đã được Thông tư 06/2026 thay thế từ 01/07/2026. Dùng cho dữ liệu mẫu.",
        hierarchyMeaning="is-a",
        property=[
            {"code": "parent", "uri": "http://hl7.org/fhir/concept-properties#parent", "type": "code"},
            {"code": "not-principal", "description": "Không dùng làm bệnh chính", "type": "boolean"},
            {"code": "sex", "description": "M: chỉ nam, F: chỉ nữ", "type": "string"},
            {"code": "age-days", "description": "Tuổi hợp lệ, ngày: từ-đến", "type": "string"},
            {"code": "mark", "description": "Dấu † hoặc *", "type": "string"},
            {"code": "kind", "description": "chapter, group; trống: mã bệnh", "type": "string"},
        ],
    )
    labs = _once("labs", specimen="specimen_vi", group="group_code", short_name="short_name", loinc="loinc")
    yield _system(s.LAB, "Lab", "Xét nghiệm", labs)
    yield _system(s.LAB_GROUP, "LabGroup", "Nhóm xét nghiệm", _once("labs", "group_code", "group_vi", "-"))
    yield _system(s.VITAL, "Vital", "Dấu hiệu sinh tồn", _once("vitals", loinc="loinc"))
    drugs = (
        _concept(c, f"{r['ingredient_vi']} {r['strength']}", r["name_en"], atc=r["atc"], form=r["form_vi"], group=r["group_vi"])
        for c, r in by("drugs").items()
    )
    yield _system(s.DRUG, "Drug", "Thuốc", drugs)
    yield _system(s.IMAGING, "Imaging", "Chẩn đoán hình ảnh, thăm dò chức năng", _once("imaging", modality="dicom_modality"))
    yield _system(s.SERVICE, "Service", "Dịch vụ kỹ thuật", _once("services", group="group", dept="dept", icd9cm="icd9cm"))
    yield _system(s.DIET, "Diet", "Chế độ ăn", _once("diets"))
    yield _system(s.NURSING, "Nursing", "Chăm sóc, theo dõi", _once("nursing"))
    yield _system(s.WARD, "WardHanoi", "Phường, xã của Hà Nội từ 01/07/2025", _once("wards_hanoi", vi="name", kind="type"))
    yield _system(s.ETHNICITY, "Ethnicity", "Dân tộc", _once("ethnic_groups"))
    objects = _once("insurance_objects", vi="name_short", level="usual_benefit_level", percent="basic_rate_percent")
    yield _system(s.INSURANCE_OBJECT, "InsuranceObject", "Đối tượng tham gia BHYT", objects)
    yield _system(
        s.STAFF_ROLE, "StaffRole", "Vai trò nhân viên", named({k: (vi, en) for k, (vi, en, _) in facilities.ROLES.items()})
    )
    yield _system(s.NOTE_TYPE, "NoteType", "Loại giấy tờ", named({k: (vi, en) for k, (vi, _, en) in NOTES.items()}))
    yield _system(s.VACCINE, "Vaccine", "Vắc xin", named(VACCINES))
    yield _system(s.ALLERGEN, "Allergen", "Dị nguyên", named(ALLERGENS))
    yield _system(s.FLAG, "Flag", "Cảnh báo", named(FLAGS))
    yield _system(s.COMMUNICATION_CATEGORY, "CommunicationCategory", "Loại thông tin gửi đi", [_concept("notice", "Thông báo")])
    kinds = (_concept(code, name) for code, name in _department_kinds().items())
    yield _system(s.DEPARTMENT_KIND, "DepartmentKind", "Khoa, phòng", kinds)


def value_sets() -> Iterator[Resource]:
    """All codes of each system, and the doctors' favourite problems with their search aliases."""
    for url in sorted(s.CODE_SYSTEMS):
        name = url.rsplit("/", 1)[1]
        yield _value_set(name, [{"system": url}])
    favourites = [_favourite(r) for r in rows("problems") if r["icd10"] in by("icd10_vn")]
    yield _value_set("favourite-problems", [{"system": s.ICD10_VN, "concept": favourites}])


def _value_set(name: str, include: list[Resource]) -> Resource:
    return {
        "resourceType": "ValueSet",
        "id": name,
        "url": f"{s.BASE}/ValueSet/{name}",
        "version": "2026.11",
        "name": "".join(w.capitalize() for w in name.split("-")),
        "title": name,
        "status": "active",
        "date": DATE,
        "publisher": PUBLISHER,
        "compose": {"include": include},
    }


def _favourite(r: Row) -> Resource:
    words = [{"language": "vi-x-khongdau", "value": a.strip()} for a in r["aliases_no_diacritics"].split(";") if a.strip()]
    if r["name_en"]:
        words.insert(0, {"language": "en", "value": r["name_en"]})
    concept: Resource = {"code": r["icd10"], "display": r["name_vi"]}
    if words:
        concept["designation"] = words
    return concept


# --- tests and their ranges


def observation_definitions() -> Iterator[Resource]:
    """One for each laboratory test and vital sign that is measured; intervals by sex and age in days."""
    for code, r in by("labs").items():
        if r["kind"] != "panel":
            limits = [x for x in rows("labs") if x["code"] == code]
            yield _definition("xn", s.LAB, code, r, "laboratory", limits, ("ref_low", "ref_high", "critical_low", "critical_high"))
    for code, r in by("vitals").items():
        limits = [x for x in rows("vitals") if x["code"] == code and x["sex"] != "fetus"]
        yield _definition("sh", s.VITAL, code, r, "vital-signs", limits, ("normal_low", "normal_high", "alert_low", "alert_high"))


def _definition(
    prefix: str, system: str, code: str, r: Row, category: str, limits: list[Row], columns: tuple[str, str, str, str]
) -> Resource:
    coding = [{"system": system, "code": code, "display": r["name_vi"]}]
    if r["loinc"]:
        coding.append({"system": s.LOINC, "code": r["loinc"]})
    numeric = bool(r["ucum"])
    definition: Resource = {
        "resourceType": "ObservationDefinition",
        "id": fhir_id(prefix, code),
        "category": [{"coding": [{"system": s.OBSERVATION_CATEGORY, "code": category}]}],
        "code": {"coding": coding, "text": r.get("short_name") or r["name_vi"]},
        "permittedDataType": ["Quantity" if numeric else "string"],
        "preferredReportName": r["name_vi"],
    }
    if numeric:
        unit = {"coding": [{"system": s.UCUM, "code": r["ucum"]}], "text": r.get("unit_print_vi") or r["ucum"]}
        definition["quantitativeDetails"] = {"unit": unit, "decimalPrecision": int(r["decimals"] or 0)}
        intervals = [x for row in limits for x in _intervals(row, columns)]
        if intervals:
            definition["qualifiedInterval"] = intervals
    return definition


def _range(low: str, high: str, ucum: str) -> Resource | None:
    sides = {k: {"value": _exact(v), "system": s.UCUM, "code": ucum} for k, v in (("low", low), ("high", high)) if v}
    return sides or None


def _exact(text: str) -> int | Decimal:
    return Decimal(text) if "." in text else int(text)


def _intervals(r: Row, columns: tuple[str, str, str, str]) -> Iterator[Resource]:
    for category, low, high in (("reference", columns[0], columns[1]), ("critical", columns[2], columns[3])):
        limits = _range(r[low], r[high], r["ucum"])
        if not limits:
            continue
        interval: Resource = {"category": category, "range": limits}
        if r["sex"] in _GENDER:
            interval["gender"] = _GENDER[r["sex"]]
        age = _range(r["age_from_days"], r["age_to_days_exclusive"], "d")
        if age:
            interval["age"] = age
        yield interval


# --- drugs


def medications() -> Iterator[Resource]:
    for n, (code, r) in enumerate(by("drugs").items(), 1):
        concept: Resource = {
            "coding": [{"system": s.DRUG, "code": code, "display": f"{r['ingredient_vi']} {r['strength']}"}],
            "text": f"{r['ingredient_vi']} {r['strength']}",
        }
        if len(r["atc"]) == 7:
            concept["coding"].append({"system": s.ATC, "code": r["atc"], "display": r["atc_name"]})
        yield {
            "resourceType": "Medication",
            "id": fhir_id("thuoc", code),
            "extension": [{"url": TENDER, "valueString": "MAU-01/QĐ-BV;G1;N2;2026"}],
            "identifier": [{"system": REGISTRATION, "value": f"MAU-{n:05d}-26"}],
            "code": concept,
            "status": "active",
            "form": {"text": r["form_vi"]},
            "ingredient": [
                {"itemCodeableConcept": {"text": name.strip()}, "isActive": True} for name in r["ingredient_vi"].split(" + ")
            ],
        }
        yield _knowledge(code, r, concept)


_FACTS = {
    "control-kind": "control_kind",
    "pregnancy": "pregnancy_code",
    "renal-egfr-below": "renal_egfr_below",
    "renal-rules": "renal_rules_vi",
    "paediatric-rule": "paediatric_rule_vi",
    "max-per-day": "max_per_day",
    "high-alert": "high_alert",
    "lasa-group": "lasa_group",
}


def _knowledge(code: str, r: Row, concept: Resource) -> Resource:
    dosage: Resource = {"text": r["usual_dose_vi"]}
    if r["dose"] and r["dose_unit"]:
        dosage["doseAndRate"] = [{"doseQuantity": {"value": _exact(r["dose"]), "unit": r["dose_unit"]}}]
    if r["times_per_day"].isdigit():
        dosage["timing"] = {"repeat": {"frequency": int(r["times_per_day"]), "period": 1, "periodUnit": "d"}}
    knowledge: Resource = {
        "resourceType": "MedicationKnowledge",
        "id": fhir_id("tt", code),
        "extension": [
            {"url": f"{s.BASE}/StructureDefinition/drug-{name}", "valueString": r[column]}
            for name, column in _FACTS.items()
            if r[column] and r[column] != "0"
        ],
        "code": concept,
        "status": "active",
        "doseForm": {"text": r["form_vi"]},
        "productType": [{"text": r["group_vi"]}],
        "administrationGuidelines": [{"dosage": [{"type": {"text": "Liều thường dùng, người lớn"}, "dosage": [dosage]}]}],
        "intendedRoute": [{"text": r["route_vi"]}],
        "associatedMedication": [{"reference": f"Medication/{fhir_id('thuoc', code)}"}],
    }
    if r["brand_example"]:
        knowledge["synonym"] = [r["brand_example"]]
    if not knowledge["extension"]:
        del knowledge["extension"]
    return knowledge


_KINDS = {"drug": s.DRUG, "lab": s.LAB, "imaging": s.IMAGING, "service": s.SERVICE}


# --- prices


def prices() -> Iterator[Resource]:
    """Demo prices, rounded, of no real tariff. What costs nothing by itself (a panel's member) has none."""
    for r in rows("prices"):
        if r["price_vnd_demo"] in ("", "0"):
            continue
        name = fhir_id(f"gia-{r['kind']}", r["code"])
        yield {
            "resourceType": "ChargeItemDefinition",
            "id": name,
            "url": f"{s.BASE}/ChargeItemDefinition/{name}",
            "title": r["name_vi"],
            "status": "draft",
            "experimental": True,
            "description": "Giá mẫu, không dùng để thanh toán",
            "code": {"coding": [{"system": _KINDS[r["kind"]], "code": r["code"], "display": r["name_vi"]}], "text": r["unit_vi"]},
            "propertyGroup": [
                {"priceComponent": [{"type": "base", "amount": {"value": int(r["price_vnd_demo"]), "currency": "VND"}}]}
            ],
        }


@cache
def displays() -> dict[tuple[str, str], str]:
    """(system, code) -> Vietnamese display, of every system here."""
    return {(cs["url"], c["code"]): c["display"] for cs in code_systems() for c in cs["concept"]}
