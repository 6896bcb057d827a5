"""XML13: the paper with which a patient goes to another facility."""

from __future__ import annotations

from .case import Case
from .papers import DIRECTOR, EVERYBODY, TIMES, Paper, author, fields, of_kind, paper_number, said
from .person import CARD, LINK, ORIGIN, WHO
from .table import NOT_TRACED, SIGNED, Table, visit
from .xml1 import came_from, goes_to

NOTHING = "Không có"


def why(case: Case, paper: Paper) -> str:
    """MA_LYDO_CT: 1 by the facility's judgement, 2 at the patient's wish."""
    first = said("MA_LYDO_CT")(case, paper)
    return first if first in ("1", "2", "3") else "2" if case.leaving == "5" else "1"


TABLE = Table(
    "XML13",
    {
        **fields({
            **LINK,
            "SO_HOSO": paper_number, "SO_CHUYENTUYEN": paper_number, "GIAY_CHUYEN_TUYEN": paper_number,
            "MA_CSKCB": EVERYBODY["MA_CSKCB"], "MA_CSKCB_DI": visit(came_from),
            "HO_TEN": WHO["HO_TEN"], "NGAY_SINH": WHO["NGAY_SINH"], "GIOI_TINH": WHO["GIOI_TINH"], "DIA_CHI": WHO["DIA_CHI"],
            **ORIGIN, "MA_THE_BHYT": CARD["MA_THE_BHYT"], "GT_THE_DEN": CARD["GT_THE_DEN"], **TIMES,
            "MA_BENH_CHINH": EVERYBODY["MA_BENH_CHINH"], "MA_BENH_KT": EVERYBODY["MA_BENH_KT"],
            "MA_LOAI_RV": EVERYBODY["MA_LOAI_RV"], "MA_BAC_SI": author, "MA_TTDV": DIRECTOR,
        }),
        "MA_CSKCB_DEN": visit(goes_to),
        "DAU_HIEU_LS": said("DAU_HIEU_LS", "findings", otherwise=visit(lambda c: c.reason or NOTHING)),
        "CHAN_DOAN_RV": EVERYBODY["CHAN_DOAN_RV"],
        "QT_BENHLY": said("QT_BENHLY", "course", "findings", otherwise=visit(lambda c: c.told("course") or c.reason or NOTHING)),
        "TOMTAT_KQ": said("TOMTAT_KQ", "results", otherwise=visit(lambda c: NOTHING)),
        "PP_DIEUTRI": said("PP_DIEUTRI", "treatment", otherwise=visit(lambda c: c.treatment)),
        "TINH_TRANG_CT": said("TINH_TRANG_CT", "outcome"),
        "MA_LYDO_CT": why,
        "HUONG_DIEU_TRI": said("HUONG_DIEU_TRI", "advice", otherwise=visit(lambda c: NOTHING)),
        "PHUONGTIEN_VC": said("PHUONGTIEN_VC", "transport", most=255, otherwise=visit(lambda c: NOTHING)),
        "HOTEN_NGUOI_HT": said("HOTEN_NGUOI_HT", most=255),
        "CHUCDANH_NGUOI_HT": said("CHUCDANH_NGUOI_HT", most=255),
    },
    of_kind("referral", lambda c: c.leaving in ("2", "5")),
    unknown={"MA_BENH_YHCT": NOT_TRACED + ": no traditional medicine is coded", "DU_PHONG": SIGNED},
)  # fmt: skip
