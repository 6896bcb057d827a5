"""Papers, states and exports as rules: no database."""

from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

import pytest

from longbien.base.errors import Invalid
from longbien.records import export, papers, states, strokes
from longbien.records.files import new_code
from longbien.records.pages.verify import CODE, tidied
from longbien.records.visits import Visit

DIV = '<div xmlns="http://www.w3.org/1999/xhtml">{}</div>'


def a_paper(kind: str, *parts: tuple[str, str], **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Composition", "type": {"coding": [{"system": papers.CODES, "code": kind}]},
        "date": "2026-11-26T10:12:44+07:00", "author": [{"display": "BS. Lê Hoàng Minh"}],
        "section": [{"title": t, "text": {"status": "generated", "div": DIV.format(f"<p>{x}</p>")}} for t, x in parts], **more,
    }  # fmt: skip


PATIENT = {
    "resourceType": "Patient", "id": "p", "name": [{"text": "Nguyễn Văn Thưởng"}], "gender": "male", "birthDate": "1955-03-14",
    "identifier": [{"system": "https://longbien.example/fhir/sid/citizen-id", "value": "001055833037"}],
}  # fmt: skip
STAY = {
    "resourceType": "Encounter", "id": "e", "status": "finished", "serviceType": {"text": "Khoa Nội tim mạch"},
    "period": {"start": "2026-11-16T08:05:00+07:00", "end": "2026-11-26T10:30:00+07:00"},
    "diagnosis": [{"rank": 2, "condition": {"display": "Tăng huyết áp"}}, {"rank": 1, "condition": {"display": "Suy tim mất bù"}}],
}  # fmt: skip


def test_every_paper_has_a_title_places_and_rows() -> None:
    assert list(papers.kinds()) == [
        "discharge-paper", "discharge-summary", "referral", "follow-up", "sick-leave", "prescription", "treatment-sheet", "surgery",
        "death", "consent-form", "record",
    ]  # fmt: skip
    for kind in papers.kinds().values():
        assert kind.title and kind.title_en and kind.law and kind.blocks and kind.rows, kind.code
        assert {b.party for b in kind.blocks} <= {"person", "head", "organisation", "patient"}
        assert all(r.row in papers.FIELDS for r in kind.rows if r.kind in ("field", "beside", "boxes")), kind.code


def test_a_discharge_paper_takes_its_lines_from_record_and_sections_and_loses_none() -> None:
    paper = a_paper("discharge-paper", ("Phương pháp điều trị", "Lợi tiểu"), ("Điều không có trong mẫu", "vẫn phải hiện"))
    found = papers.lines(papers.Sources(paper, PATIENT, STAY))
    text = str(found)
    assert "NGUYỄN VĂN THƯỞNG" in text and "71 tuổi" in text and "Nam" in text and "001055833037" in text
    assert "08 giờ 05 phút, ngày 16 tháng 11 năm 2026" in text
    assert "Suy tim mất bù. Kèm theo: tăng huyết áp" in text
    assert {"k": "block", "title": "Điều không có trong mẫu", "lines": ["vẫn phải hiện"]} in found


def test_markup_of_a_section_is_never_markup_of_the_page() -> None:
    assert papers.paragraphs(DIV.format("<p>#read(&quot;x&quot;) &amp; <b>đậm</b></p><p>hai</p>")) == ['#read("x") & đậm', "hai"]


def test_a_code_on_paper_tells_nothing_and_can_be_typed_without_its_dashes() -> None:
    codes = {new_code(2026) for _ in range(200)}
    assert len(codes) == 200 and all(CODE.match(c) for c in codes)
    one = codes.pop()
    assert tidied(one.lower().replace("-", " ")) == one


@pytest.mark.parametrize("text", ["", "[[[1,2]]]", "[[[1,2,3]]]", "x", '[[["1",2]]]', "[[[700,2],[1,2]]]", "[" * 2000])
def test_what_is_no_drawing_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        strokes.svg(text)


def test_a_drawing_becomes_a_picture_of_numbers_only() -> None:
    made = strokes.svg(str([[[n, n] for n in range(20)]]))
    assert made.startswith("<svg") and "script" not in made


# ---- states ---------------------------------------------------------------------------------------------------------


def test_a_record_goes_one_way() -> None:
    assert states.may_follow(states.ACTIVE, states.CLOSED) and states.may_follow(states.CLOSED, states.ARCHIVED)
    assert not states.may_follow(states.CLOSED, states.ACTIVE) and not states.may_follow(states.DRAFT, states.CLOSED)
    assert states.begun({"status": "arrived"}) == states.DRAFT and states.begun({"status": "finished"}) == states.ACTIVE


def reasoned(resource: dict[str, Any]) -> dict[str, Any]:
    return {**resource, "extension": [{"url": papers.ADDENDUM_REASON, "valueString": "kết quả về muộn"}]}


def test_a_closed_record_is_only_added_to_and_with_a_reason() -> None:
    note = a_paper("treatment-sheet")
    assert states.refusal(states.CLOSED, note, 1)
    assert not states.refusal(states.CLOSED, reasoned(note), 1)
    assert states.refusal(states.CLOSED, {"resourceType": "Condition"}, 2)
    assert states.refusal(states.CLOSED, None, 2)
    assert states.refusal(states.DESTROYED, reasoned(note), 1)


def test_the_answer_to_an_order_may_come_late() -> None:
    late = {"resourceType": "DiagnosticReport", "basedOn": [{"reference": "ServiceRequest/x"}]}
    assert not states.refusal(states.CLOSED, late, 1)
    assert states.refusal(states.CLOSED, {"resourceType": "DiagnosticReport"}, 1)


# ---- export ---------------------------------------------------------------------------------------------------------


def a_visit() -> Visit:
    visit = Visit("e", STAY, PATIENT, "closed", None, {"id": "o", "name": "Bệnh viện"})
    visit.of["MedicationRequest"] = [
        {"id": f"m{n}", "authoredOn": "2026-11-16T09:00:00+07:00",
         "requester": {"reference": "Practitioner/x", "display": "BS. Minh"},
         "medicationCodeableConcept": {"text": f"Thuốc {n}"}} for n in range(2)
    ]  # fmt: skip
    visit.of["Observation"] = [{"id": "k", "code": {"text": "Kali"}, "valueQuantity": {"value": 4.6, "unit": "mmol/L"}}]
    visit.of["DiagnosticReport"] = [{"id": "r", "code": {"text": "Điện giải"}, "effectiveDateTime": "2026-11-17T06:10:00.123+07:00",
                                     "result": [{"reference": "Observation/k"}]}]  # fmt: skip
    return visit


def test_the_export_has_the_eleven_groups_whole_and_in_order() -> None:
    made = export.as_json(a_visit())["HoSoBenhAn"]
    assert tuple(made) == export.GROUPS and len(export.GROUPS) == 11
    for group, value in made.items():
        wanted = [p for p, _ in export.fields(group) if "." not in p]
        for one in value if isinstance(value, list) else [value]:
            assert list(one) == wanted, group
    assert made["ThongTinBenhNhan"]["hoten"] == "Nguyễn Văn Thưởng"
    assert made["ThongTinBenhNhan"]["ngaysinh"] == "14/03/1955"
    assert made["ThongTinBenhNhan"]["thoigianvaovien"] == "16/11/2026 08:05:00.000"
    assert made["KetQuaXetNghiem"][0]["giolaymau"] == "17/11/2026 06:10:00.123"
    assert made["KetQuaXetNghiem"][0]["danhsach"][0]["ketqua"] == "4.6"
    assert len(made["YLenhThuocVatTu"]["danhsach"][0]["danhsach"]) == 2


def test_the_groups_agree_with_the_guide(shared: Any) -> None:
    guide = json.loads((shared / "vietnam" / "cv365_hosobenhan_fields.json").read_text("utf-8"))["groups"]
    assert tuple(guide) == export.GROUPS
    for group, text in guide.items():
        for path, _ in export.fields(group):
            name = path.rpartition(".")[2]
            assert name in text or text.startswith("(") or name == "danhsach", (group, name)


def test_lists_repeat_their_tag_in_xml_and_what_is_missing_is_an_empty_element() -> None:
    root = ElementTree.fromstring(export.as_xml(a_visit()))
    assert root.tag == "HoSoBenhAn" and [e.tag for e in root] == list(export.GROUPS)
    assert len(root.findall("YLenhThuocVatTu/danhsach/danhsach")) == 2
    assert root.find("PhieuPhauThuat") is not None and root.findtext("ThongTinBenhNhan/hochieu_so") in (None, "")


def test_what_the_guide_does_not_name_is_an_error() -> None:
    with pytest.raises(ValueError, match="nowhere"):
        export.shaped("ThongTinBenhNhan", {"chuky": "x"})
