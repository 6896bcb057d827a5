"""HoSoBenhAn of a whole emergency stay: each of the eleven groups says what the record says, JSON and XML say the same, every
name is one that is known."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

import pytest
from test_rules import PATIENT

from longbien.fhir import systems as s
from longbien.records import export, papers
from longbien.records.visits import Visit

DIV = '<div xmlns="http://www.w3.org/1999/xhtml"><p>{}</p></div>'
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
DOCTOR = {"reference": "Practitioner/bs1", "display": "BS. Minh"}
SURGERY = {"coding": [{"system": "http://snomed.info/sct", "code": "387713003"}]}


def section(code: str, text: str) -> dict[str, Any]:
    return {"title": code, "code": {"coding": [{"code": code}]}, "text": {"status": "generated", "div": DIV.format(text)}}


def vital(code: str, value: Any) -> dict[str, Any]:
    coding = [{"system": s.LOINC, "code": code}]
    return {
        "id": code,
        "code": {"coding": coding},
        "valueQuantity": {"value": value},
        "effectiveDateTime": "2026-11-16T08:10:00+07:00",
    }


@pytest.fixture
def visit() -> Visit:
    stay = {
        "resourceType": "Encounter", "id": "e", "status": "finished", "class": {"system": ACT, "code": "EMER"},
        "identifier": [{"system": s.ENCOUNTER_NUMBER, "value": "SN26110001"}], "serviceType": {"text": "Khoa Cấp cứu"},
        "period": {"start": "2026-11-16T08:05:00+07:00", "end": "2026-11-16T14:30:00+07:00"},
        "participant": [{"individual": DOCTOR}], "reasonCode": [{"text": "Đau ngực"}],
        "diagnosis": [{"rank": n, "condition": {"reference": f"Condition/c{n}"}} for n in (1, 2)],
    }  # fmt: skip
    made = Visit("e", stay, PATIENT, "closed", None, {"id": "o", "name": "BV", "identifier": [
        {"system": s.FACILITY_CODE, "value": "01013"}]})  # fmt: skip
    made.of["Condition"] = [
        {"id": i, "code": {"coding": [{"system": s.ICD10_VN, "code": c, "display": n}], "text": n}}
        for i, c, n in (("c1", "I21.0", "Nhồi máu cơ tim"), ("c2", "I10", "Tăng huyết áp"))
    ]  # fmt: skip
    parts = [
        {"code": {"coding": [{"code": c}]}, "valueQuantity": {"value": v}} for c, v in (("8480-6", 150), ("8462-4", 90))
    ]  # fmt: skip
    pressure = {"id": "bp", "code": {"coding": [{"system": s.LOINC, "code": "85354-9"}]}, "component": parts}
    made.of["Observation"] = [vital("8867-4", 96), vital("8310-5", 37), pressure, {
        "id": "k", "code": {"text": "Troponin"}, "valueQuantity": {"value": 2.5, "unit": "ng/mL"}}]  # fmt: skip
    made.of["MedicationRequest"] = [{"id": "m", "authoredOn": "2026-11-16T08:20:00+07:00", "requester": DOCTOR,
                                     "medicationCodeableConcept": {"text": "Aspirin 81 mg"}}]  # fmt: skip
    made.of["ServiceRequest"] = [{"id": "o1", "authoredOn": "2026-11-16T08:15:00+07:00", "requester": DOCTOR,
                                  "code": {"text": "Troponin"}}]  # fmt: skip
    made.of["DiagnosticReport"] = [
        {"id": "r1", "code": {"text": "Sinh hoá"}, "result": [{"reference": "Observation/k"}],
         "effectiveDateTime": "2026-11-16T08:40:00+07:00"},
        {"id": "r2", "code": {"text": "X-quang ngực"}, "category": [{"coding": [{"code": "RAD"}]}],
         "conclusion": "Bóng tim to", "issued": "2026-11-16T09:00:00+07:00"},
    ]  # fmt: skip
    made.of["Procedure"] = [
        {"id": "p1", "code": {"text": "Đặt nội khí quản"}, "performedDateTime": "2026-11-16T09:10:00+07:00"},
        {"id": "p2", "code": {"text": "Đặt stent"}, "category": SURGERY, "performedDateTime": "2026-11-16T11:00:00+07:00"},
    ]  # fmt: skip
    made.of["Composition"] = [{
        "resourceType": "Composition", "id": "gc1", "status": "final", "author": [DOCTOR],
        "type": {"coding": [{"system": papers.CODES, "code": "referral"}]},
        "section": [section("MA_CSKCB_DEN", "BV Tim Hà Nội"), section("DAU_HIEU_LS", "Đau ngực trái"),
                    section("treatment", "Aspirin, heparin"), section("reason", "Vượt khả năng")],
    }]  # fmt: skip
    return made


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for k, v in value.items():
            yield from texts(v, f"{path}.{k}")
    elif isinstance(value, list):
        for v in value:
            yield from texts(v, path)
    else:
        yield path, value


SAYS = {
    "ThongTinBenhNhan": ("hoten", "Nguyễn Văn Thưởng"), "ThongTinVaoVien": ("lydovaovien", "Đau ngực"),
    "ThongTinDieuTri": ("maicd", "I21.0"), "YLenhThuocVatTu": ("tenthuocvattu", "Aspirin 81 mg"),
    "PhieuChiDinh": ("tenchidinh", "Troponin"), "KetQuaChanDoanHinhAnh": ("kqcls_ketluan", "Bóng tim to"),
    "KetQuaXetNghiem": ("ketqua", "2.5"), "GiayChuyenVien": ("dau_hieu_ls", "Đau ngực trái"), "HoSoCapCuu": ("mach", "96"),
    "PhieuThuThuat": ("trinhtuphauthuatthuthuat", "Đặt nội khí quản"), "PhieuPhauThuat": ("trinhtuphauthuatthuthuat", "Đặt stent"),
}  # fmt: skip


@pytest.mark.parametrize("group", export.GROUPS)
def test_each_group_says_what_the_record_says(visit: Visit, group: str) -> None:
    name, wanted = SAYS[group]
    found = [v for p, v in texts(export.groups(visit)[group]) if p.rpartition(".")[2] == name]
    assert wanted in found


@pytest.mark.parametrize("group", export.GROUPS)
def test_its_fields_are_the_guides_in_their_order(visit: Visit, group: str) -> None:
    made = export.groups(visit)[group]
    wanted = [p for p, _ in export.fields(group) if "." not in p]
    for one in made if isinstance(made, list) else [made]:
        assert list(one) == wanted
        assert one.get("sovaovien", "SN26110001") == "SN26110001"


def test_a_referral_names_where_from_where_to_and_which_diseases(visit: Visit) -> None:
    one = export.groups(visit)["GiayChuyenVien"][0]
    assert (one["ma_cskcb"], one["ma_cskcb_den"], one["ma_benh_chinh"], one["ma_benh_kt"]) == (
        "01013",
        "BV Tim Hà Nội",
        "I21.0",
        "I10",
    )
    assert one["pp_dieutri"] == "Aspirin, heparin" and one["ma_lydo_ct"] == "Vượt khả năng" and one["ma_bac_si"] == "bs1"


def test_a_visit_that_was_no_emergency_says_nothing_of_one(visit: Visit) -> None:
    visit.encounter["class"] = {"system": ACT, "code": "IMP"}
    assert {v for k, v in export.groups(visit)["HoSoCapCuu"].items() if k != "sovaovien"} == {""}
    visit.encounter["hospitalization"] = {"admitSource": {"coding": [{"code": "emd"}]}}
    assert export.groups(visit)["HoSoCapCuu"]["chandoan"] == "Nhồi máu cơ tim"


def test_xml_says_what_json_says(visit: Visit) -> None:
    root = ElementTree.fromstring(export.as_xml(visit))
    assert [(e.tag, e.text or "") for e in root.iter() if not len(e) and (e.text or "").strip()] == [
        (p.rpartition(".")[2], v) for p, v in texts(json.loads(json.dumps(export.as_json(visit)))) if v.strip()
    ]  # fmt: skip


def test_days_and_moments_are_written_as_the_guide_writes_them(visit: Visit) -> None:
    for path, value in texts(export.groups(visit)):
        if re.match(r"\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4}", value):
            shape = "%d/%m/%Y %H:%M:%S.%f" if ":" in value else "%d/%m/%Y"
            datetime.strptime(value, shape)
            assert ":" not in value or re.fullmatch(r".*\.\d{3}", value), path


def test_names_that_are_not_the_guides_are_those_of_decision_3176_or_of_another_group(shared: Any) -> None:
    guide = json.loads((shared / "vietnam" / "cv365_hosobenhan_fields.json").read_text("utf-8"))["groups"]
    with (shared / "vietnam" / "bhyt_xml" / "xml_fields_3176.csv").open(encoding="utf-8") as f:
        table = {row[2].lower() for row in csv.reader(f) if row and row[0] == "XML13"}
    with (papers.TABLES / "hosobenhan_more.csv").open(encoding="utf-8") as f:
        for row in csv.DictReader(f):
            words = set(re.findall(r"\w+", " ".join(guide.values())))
            assert row["field"] in (table if row["group"] == "GiayChuyenVien" else words), row
