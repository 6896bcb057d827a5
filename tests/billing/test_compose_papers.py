"""Papers of a visit as tables XML7 to XML15: what the clinic and the ward write passes the field tables. No fixtures."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from longbien.billing.claims import compose
from longbien.billing.claims.compose.case import PAPER, PAPER_FIELD, Case
from longbien.fhir import systems as s
from longbien.wire import claims_xml

DAY = date(2026, 11, 30)
DOCTOR = {"reference": "Practitioner/bs", "display": "BS. Minh"}
NAMED = {
    "Practitioner/bs": {"resourceType": "Practitioner", "id": "bs", "name": [{"text": "Lê Hoàng Minh"}],
                        "identifier": [{"system": s.PRACTICE_LICENCE, "value": "000123/HNO-CCHN"}]},
    "Organization/to": {"resourceType": "Organization", "id": "to", "identifier": [{"system": s.FACILITY_CODE, "value": "99003"}]},
}  # fmt: skip


def section(code: str, text: str, system: str = PAPER_FIELD, **more: Any) -> dict[str, Any]:
    return {
        "title": code,
        "code": {"coding": [{"system": system, "code": code}]},
        "text": {"div": f"<div><p>{text}</p></div>"},
    } | more


def paper(kind: str, *sections: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Composition", "id": f"c-{kind}", "status": "final", "type": {"coding": [{"system": PAPER, "code": kind}]},
        "date": "2026-11-30T10:00:00+07:00", "author": [DOCTOR], "section": list(sections),
    } | more  # fmt: skip


def case(*papers: dict[str, Any], klass: str = "AMB", **of: Any) -> Case:
    encounter = {
        "resourceType": "Encounter", "id": "e", "status": "finished", "class": {"code": klass}, "reasonCode": [{"text": "Sốt"}],
        "serviceType": {"coding": [{"system": s.DEPARTMENT_KIND, "code": "KKB"}]}, "participant": [{"individual": DOCTOR}],
        "identifier": [{"system": s.ENCOUNTER_NUMBER, "value": "SN1"}],
        "period": {"start": "2026-11-25T08:00:00+07:00", "end": "2026-11-30T11:00:00+07:00"},
        "diagnosis": [{"condition": {"reference": "Condition/c"}, "rank": 1}],
    }  # fmt: skip
    patient = {
        "id": "p", "name": [{"text": "Nguyễn Thị An"}], "gender": "female", "birthDate": "1990-03-14",
        "identifier": [{"system": s.CITIZEN_ID, "value": "001190012345"}], "address": [{"text": "Số 1, Hà Nội", "city": "Hà Nội"}],
    }  # fmt: skip
    cover = {"id": "t", "status": "active", "subscriberId": "DN4010123456789", "network": "99001",
             "period": {"start": "2026-01-01", "end": "2026-12-31"}}  # fmt: skip
    weight = {"code": {"coding": [{"system": s.LOINC, "code": "29463-7"}]}, "valueQuantity": {"value": 54}}
    condition = {"id": "c", "code": {"coding": [{"system": s.ICD10_VN, "code": "J18.9"}], "text": "Viêm phổi"}}
    facility = {"id": "bv", "name": "Bệnh viện", "identifier": [{"system": s.FACILITY_CODE, "value": "99001"}]}
    return Case(encounter, patient, facility, {"Condition": [condition], "Composition": papers, **of}, [cover], (), NAMED, [weight])


def made(one: Case, table: str) -> dict[str, str]:
    claim = compose.rows(one)
    claim["XML1"][0]["MA_DOITUONG_KCB"] = "1.1"
    for row in claim.get("XML14", ()):
        row["MA_DOITUONG_KCB"] = "1.1"
    faults = [(f.table, f.field, f.text % f.values) for f in claims_xml.check(claim, DAY) if f.level == "stop"]
    assert faults == []
    return claim[table][0]


def test_a_sick_leave() -> None:
    leave = paper("sick-leave", section("SO_NGAY_NGHI", "3 ngày"), section("DON_VI", "Trường Trưng Vương"),
                  event=[{"period": {"start": "2026-11-30", "end": "2026-12-02"}}])  # fmt: skip
    row = made(case(leave), "XML11")
    assert (row["SO_NGAY_NGHI"], row["TU_NGAY"], row["DEN_NGAY"]) == ("3", "20261130", "20261202")
    assert row["DON_VI"] == "Trường Trưng Vương" and row["MA_BHXH"] == "0123456789" and row["MA_BS"] == "000123/HNO-CCHN"


def test_a_follow_up_is_of_the_day_that_its_appointment_says() -> None:
    again = paper("follow-up", section("NGAY_HEN_KL", "14/12/2026: khám lại", entry=[{"reference": "Appointment/a"}]))
    row = made(case(again, Appointment=[{"id": "a", "start": "2026-12-14T07:30:00+07:00"}]), "XML14")
    assert row["NGAY_HEN_KL"] == "20261214"
    assert (
        made(case(paper("follow-up", section("appointment", "Khám lại 15/12/2026.", PAPER))), "XML14")["NGAY_HEN_KL"] == "20261215"
    )


def test_a_referral_goes_with_where_to() -> None:
    sent = paper("referral", section("DAU_HIEU_LS", "Khó thở"), section("TINH_TRANG_CT", "Tỉnh"), section("MA_LYDO_CT", "1"))
    request = {"id": "r", "performer": [{"reference": "Organization/to"}],
               "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "3457005"}]}]}  # fmt: skip
    row = made(case(sent, ServiceRequest=[request]), "XML13")
    assert row["MA_CSKCB_DEN"] == "99003" and row["DAU_HIEU_LS"] == "Khó thở" and row["MA_LYDO_CT"] == "1"


def test_a_stay_leaves_with_its_paper_and_its_summary() -> None:
    parts = (
        section("diagnosis", "Viêm phổi", PAPER),
        section("treatment", "Kháng sinh", PAPER),
        section("advice", "Nghỉ ngơi", PAPER),
    )
    stay = case(
        paper("discharge-paper", *parts), paper("discharge-summary", *parts, section("course", "Đỡ sốt", PAPER)), klass="IMP"
    )
    assert made(stay, "XML7")["PP_DIEUTRI"] == "Kháng sinh" and made(stay, "XML7")["TEN_BS"] == "Lê Hoàng Minh"
    assert made(stay, "XML8")["QT_BENHLY"] == "Đỡ sốt" and compose.rows(stay)["XML1"][0]["SO_NGAY_DTRI"] == "6"


@pytest.mark.parametrize(
    "table, kind, field",
    [("XML6", "hiv-sheet", "NOI_XN_KD"), ("XML10", "pregnancy-rest", "SO_SERI"), ("XML15", "tuberculosis", "LOAI_DTRI_LAO")],
)
def test_a_sheet_of_a_programme_is_taken_field_by_field(table: str, kind: str, field: str) -> None:
    assert compose.rows(case(paper(kind, section(field, "1"))))[table][0][field] == "1"


def test_a_child_born_in_the_stay_has_a_certificate_in_the_mothers_claim() -> None:
    child = case(klass="IMP")
    weighed = {"code": {"coding": [{"system": s.LOINC, "code": "29463-7"}]}, "valueQuantity": {"value": 3150, "unit": "g"}}
    person = {"id": "k", "gender": "male", "birthDate": "2026-11-29", "name": [{"text": "Con bà An"}]}
    born = Case(child.encounter, person, child.facility, measured=[weighed])
    mother = case(klass="IMP")
    row = compose.rows(Case(**{**{f: getattr(mother, f) for f in mother.__dataclass_fields__}, "births": [born]}))["XML9"][0]
    assert row["CAN_NANG_CON"] == "3150" and row["SO_CON"] == "1" and row["GIOI_TINH_CON"] == "1"
    assert row["HO_TEN_NND"] == "Nguyễn Thị An" and row["MA_DANTOC_NND"] == "01"
