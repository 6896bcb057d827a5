"""XML2 -> MedicationRequests that were filled. Pure."""

from __future__ import annotations

import re

from longbien.fhir import systems as s

from . import shape
from .of_visit import Made
from .shape import Row, coding, concept, kept, known_as, moment, number, staff, without_empty

KEPT = (
    "HAM_LUONG", "DANG_BAO_CHE", "SO_DANG_KY", "TT_THAU", "NGUON_CTRA", "MA_PP_CHEBIEN", "MA_CSKCB_THUOC", "VET_THUONG_TP",
    "NGAY_TH_YL", "MA_NHOM", "MA_KHOA", "LIEU_DUNG", "MA_DICH_VU",
)  # fmt: skip
_DOSE = re.compile(r"([\d.,]+) ([^/*]+)/lần \* ([\d.,]+) lần/ngày(?: \* (\d+) ngày)?")


def drugs(m: Made, rows: list[Row]) -> None:
    for n, row in enumerate(rows, 1):
        code, name = row.get("MA_THUOC", ""), row.get("TEN_THUOC", "")
        doctor = staff(row.get("MA_BAC_SI", ""))
        amount = number(row.get("SO_LUONG", ""))
        m.new(
            "MedicationRequest", f"r{n}",
            extension=kept(row, *KEPT), status="completed", intent="order",
            category=[{"coding": [coding(s.MEDICATION_CATEGORY, "community", "Community")]}],
            medicationCodeableConcept=known_as(m.known, ("drug",), shape.CLAIM_CODE, code, name) or {"text": "–"},
            subject=m.subject, encounter={"reference": f"Encounter/{m.encounter}"}, authoredOn=moment(row.get("NGAY_YL", "")),
            requester=doctor[0] if doctor else {}, dosageInstruction=_dosage(row),
            dispenseRequest=without_empty({
                "quantity": {} if amount is None else without_empty({"value": amount, "unit": row.get("DON_VI_TINH", "").strip()}),
            }),
        )  # fmt: skip


def _dosage(row: Row) -> list[shape.Resource]:
    """The words in which it was prescribed; the numbers of LIEU_DUNG where it is written as the decision writes it."""
    made: shape.Resource = {"text": (row.get("CACH_DUNG", "") or row.get("LIEU_DUNG", "")).strip()}
    if route := row.get("DUONG_DUNG", "").strip():
        made["route"] = concept(shape.ROUTE, route)
    if found := _DOSE.match(row.get("LIEU_DUNG", "").strip()):
        each, often = number(found[1]), number(found[3])
        if each is not None and often is not None and often == int(often) > 0:
            made["timing"] = {"repeat": {"frequency": int(often), "period": 1, "periodUnit": "d"}}
            made["doseAndRate"] = [{"doseQuantity": {"value": each, "unit": found[2].strip()}}]
    return [x] if (x := without_empty(made)) else []
