"""The codes that this room writes, in one place."""

from __future__ import annotations

from ..base.words import mark
from ..fhir import systems as s

PAPER = "https://longbien.org/fhir/CodeSystem/paper"
PAPER_FIELD = "https://longbien.org/fhir/CodeSystem/paper-field"
"""Codes of a paper's sections: the field's name in the claim tables of decision 3176/2024 (XML11, XML13, XML14) or, of a
prescription, in the interface of decision 808/2022, so that who prints, signs or sends it finds each field by its name."""
PAPER_ROW = "https://longbien.org/fhir/CodeSystem/paper-row"
"""Beside it, the line of the form on which the records room prints the section (records/tables/rows.csv)."""
ROWS = {
    "chan_doan": "diagnosis", "thong_tin_don_thuoc": "drugs", "loi_dan": "advice", "ngay_tai_kham": "again",
    "CHAN_DOAN_RV": "diagnosis", "NGAY_HEN_KL": "again", "DON_VI": "work", "SO_NGAY_NGHI": "days", "HO_TEN_CHA_ME": "parents",
    "MA_CSKCB_DEN": "to", "DAU_HIEU_LS": "findings", "TOMTAT_KQ": "results", "PP_DIEUTRI": "treatment", "TINH_TRANG_CT": "outcome",
    "MA_LYDO_CT": "reason", "HUONG_DIEU_TRI": "advice", "PHUONGTIEN_VC": "transport",
}  # fmt: skip
TASK = "https://longbien.org/fhir/CodeSystem/task"
TICKET = "queue-ticket"
TICKET_STATES = s.BASE + "/CodeSystem/queue-state"
"""The reception's numbers (docs/house.md): Task.description is the number as it is called, restriction.period.start its turn."""
PRESCRIPTION_NUMBER = s.BASE + "/sid/prescription"
"""The national prescription code (decision 808/2022): groupIdentifier of all lines of one prescription."""
NOTE_LOINC, NOTE_LOCAL = "34108-1", "kham"
SNOMED = "http://snomed.info/sct"
REFERRAL = ("3457005", "Patient referral", "Chuyển cơ sở khám bệnh, chữa bệnh")
EXT_COPIED = s.BASE + "/StructureDefinition/copied-from"
"""On a section whose text stands as it was copied from an earlier note: valueReference of that note."""
EXT_CONTROL = s.BASE + "/StructureDefinition/drug-control-kind"
EXT_REASON_CODE = s.BASE + "/StructureDefinition/referral-reason"

PAPERS = {
    "prescription": "Đơn thuốc",
    "follow-up": "Giấy hẹn khám lại",
    "referral": "Phiếu chuyển cơ sở khám bệnh, chữa bệnh",
    "sick-leave": "Giấy chứng nhận nghỉ việc hưởng bảo hiểm xã hội",
}

#: Sections of the note: key, LOINC, its name, title in the record.
TEXTS: tuple[tuple[str, str, str, str], ...] = (
    ("reason", "10154-3", "Chief complaint Narrative - Reported", "Lý do khám"),
    ("history", "10164-2", "History of Present illness Narrative", "Bệnh sử"),
    ("past", "11348-0", "History of Past illness Narrative", "Tiền sử"),
    ("exam", "29545-1", "Physical findings Narrative", "Khám"),
    ("assessment", "51848-0", "Evaluation note", "Đánh giá"),
    ("plan", "18776-5", "Plan of care note", "Hướng xử trí"),
    ("advice", "69730-0", "Instructions", "Lời dặn"),
)
LABELS = {
    "reason": mark("Reason"),
    "history": mark("History of this illness"),
    "past": mark("Earlier illnesses, family"),
    "exam": mark("Examination"),
    "assessment": mark("Assessment"),
    "plan": mark("Plan"),
    "advice": mark("Advice to the patient"),
}
"""The same as the reader's page calls them."""
DIAGNOSES = ("29548-5", "Diagnosis Narrative", "Chẩn đoán")
DRUGS = ("57828-6", "Prescription list", "Đơn thuốc")
DONE = ("29554-3", "Procedure Narrative", "Thủ thuật đã làm")
FORMS = ("74465-6", "Questionnaire response Document", "Phiếu đã điền")
FOLLOW_UP = ("18776-5", "Plan of care note", "Hẹn khám lại")
