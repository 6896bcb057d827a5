"""XML14: the paper that asks a patient to come again."""

from __future__ import annotations

import re

from . import spell
from .case import Case, reference_id
from .papers import DIRECTOR, EVERYBODY, TIMES, Paper, author, dated, fields, of_kind, paper_number, said
from .person import CARD, LINK, WHO
from .table import NOT_TRACED, SIGNED, Table
from .xml1 import again as days_ahead

_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


def when(case: Case, paper: Paper) -> str:
    """NGAY_HEN_KL: of the appointment that the paper names, else the first day that its text says."""
    named = {reference_id(e) for part in paper.get("section") or () for e in part.get("entry") or ()}
    for one in case.all("Appointment"):
        if one.get("id") in named:
            return spell.day(one.get("start"))
    text = said("NGAY_HEN_KL", "appointment", "again")(case, paper)
    if re.fullmatch(r"\d{8}", text):
        return text
    found = _DAY.search(text)
    return f"{found[3]}{int(found[2]):02d}{int(found[1]):02d}" if found else days_ahead(case).partition(";")[0]


TABLE = Table(
    "XML14",
    {
        **fields({
            **LINK, "SO_GIAYHEN_KL": paper_number, "MA_CSKCB": EVERYBODY["MA_CSKCB"], "HO_TEN": WHO["HO_TEN"],
            "NGAY_SINH": WHO["NGAY_SINH"], "GIOI_TINH": WHO["GIOI_TINH"], "DIA_CHI": WHO["DIA_CHI"],
            "MA_THE_BHYT": CARD["MA_THE_BHYT"], "GT_THE_DEN": CARD["GT_THE_DEN"], **TIMES,
            "MA_BENH_CHINH": EVERYBODY["MA_BENH_CHINH"], "MA_BENH_KT": EVERYBODY["MA_BENH_KT"],
            "MA_DOITUONG_KCB": EVERYBODY["MA_DOITUONG_KCB"], "MA_BAC_SI": author, "MA_TTDV": DIRECTOR, "NGAY_CT": dated,
        }),
        "NGAY_HEN_KL": when,
        "CHAN_DOAN_RV": EVERYBODY["CHAN_DOAN_RV"],
    },
    of_kind("follow-up"),
    unknown={"MA_BENH_YHCT": NOT_TRACED + ": no traditional medicine is coded", "DU_PHONG": SIGNED},
)  # fmt: skip
