"""XML5 -> notes, XML6 to XML15 -> papers: Compositions whose sections bear the names of the fields. Pure."""

from __future__ import annotations

from html import escape

from longbien.fhir import systems as s

from . import shape
from .of_visit import Made
from .shape import Resource, Row, coding, kept, moment, staff, without_empty

PAPERS = {
    "XML6": ("hiv-sheet", "Hồ sơ chăm sóc và điều trị HIV/AIDS"), "XML7": ("discharge-paper", "Giấy ra viện"),
    "XML8": ("discharge-summary", "Tóm tắt hồ sơ bệnh án"), "XML9": ("birth-certificate", "Giấy chứng sinh"),
    "XML10": ("pregnancy-rest", "Giấy chứng nhận nghỉ dưỡng thai"),
    "XML11": ("sick-leave", "Giấy chứng nhận nghỉ việc hưởng bảo hiểm xã hội"), "XML12": ("disability", "Giám định y khoa"),
    "XML13": ("referral", "Giấy chuyển cơ sở khám bệnh, chữa bệnh"), "XML14": ("follow-up", "Giấy hẹn khám lại"),
    "XML15": ("tuberculosis", "Hồ sơ quản lý bệnh lao"),
}  # fmt: skip
"""Table -> (kind of paper, its title)."""
NUMBERS = ("SO_GIAYHEN_KL", "SO_HOSO", "SO_CT", "SO_LUU_TRU", "SO")
NOTE = {
    "coding": [coding(s.LOINC, "11506-3", "Progress note"), coding(s.NOTE_TYPE, "dieu-tri", "Tờ điều trị")],
    "text": "Tờ điều trị",
}
SECTIONS = (
    ("DIEN_BIEN_LS", "Diễn biến"),
    ("GIAI_DOAN_BENH", "Giai đoạn bệnh"),
    ("HOI_CHAN", "Hội chẩn"),
    ("PHAU_THUAT", "Phẫu thuật, thủ thuật"),
)


def section(name: str, title: str, text: str) -> Resource:
    """A section of this field; the paragraphs of its text."""
    body = "".join(f"<p>{escape(line, quote=False)}</p>" for line in text.split("\n") if line.strip())
    return {
        "title": title, "code": {"coding": [coding(shape.PAPER_FIELD, name)]},
        "text": {"status": "additional", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{body}</div>'},
    }  # fmt: skip


def _author(m: Made, licences: str) -> list[Resource]:
    return staff(licences) or [m.origin.reference]


def _composition(
    m: Made, suffix: str, type_: Resource, title: str, at: str, author: str, sections: list[Resource], **more: object
) -> None:
    if not sections:
        return
    m.new(
        "Composition", suffix, status="final", type=type_, subject=m.subject, encounter={"reference": f"Encounter/{m.encounter}"},
        date=moment(at), author=_author(m, author), title=title, custodian=m.origin.reference, section=sections, **more,
    )  # fmt: skip


def notes(m: Made, rows: list[Row], end: str) -> None:
    for n, row in enumerate(rows, 1):
        parts = [section(name, title, row[name]) for name, title in SECTIONS if row.get(name, "").strip()]
        _composition(m, f"n{n}", NOTE, "Tờ điều trị", row.get("THOI_DIEM_DBLS", "") or end, row.get("NGUOI_THUC_HIEN", ""), parts)


def papers(m: Made, table: str, rows: list[Row], end: str) -> None:
    kind, title = PAPERS[table]
    type_ = {"coding": [coding(shape.PAPER, kind, title)], "text": title}
    for n, row in enumerate(rows, 1):
        parts = [section(name, name, value) for name, value in row.items() if value.strip() and name not in ("MA_LK", "STT")]
        number = next((row[k].strip() for k in NUMBERS if row.get(k, "").strip()), "")
        identifier = without_empty({"value": number})
        at = row.get("NGAY_CT", "") or end
        author = row.get("MA_BS", "") or row.get("MA_BAC_SI", "") or row.get("MA_TTDV", "")
        suffix = f"{table.lower()}-{n}"
        _composition(m, suffix, type_, title, at, author, parts, identifier=identifier, extension=kept(row, "STT"))
