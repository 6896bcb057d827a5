"""XML3: examinations, beds, tests, procedures, supplies, transport that were charged, a row a line of the bill."""

from __future__ import annotations

from datetime import datetime

from longbien.fhir import systems as s

from ...lines import Share
from . import spell
from .case import SUPPLY_GROUPS, Case, code_of, reference_id
from .lines import AMOUNTS, WHICH, causes, done, more, performer
from .person import LINK
from .table import COUNTED, NO_LIST, NOT_TRACED, SPARE, Make, Table

BEDS = frozenset(("14", "15", "16"))
ANAESTHESIA = s.BASE + "/StructureDefinition/anaesthesia"


def supply(share: Share) -> bool:
    return share.line.group in SUPPLY_GROUPS


def service(case: Case, share: Share) -> str:
    """MA_DICH_VU; of a supply the procedure that it was used in, where the price list says so."""
    return str(share.line.more.get("MA_DICH_VU") or "") if supply(share) else share.line.code or share.line.own


def of_supply(make: Make) -> Make:
    return lambda case, share: make(case, share) if supply(share) else ""


def icd9(case: Case, share: Share) -> str:
    return spell.listed(code_of(p.get("code"), s.ICD9CM_PROCEDURES) for p in causes(case, share.line))


def bed(case: Case, share: Share) -> str:
    """MA_GIUONG: H and three digits, of the bed lain in when the line was made."""
    if share.line.group not in BEDS:
        return ""
    if said := str(share.line.more.get("MA_GIUONG") or ""):
        return said
    name = next((str((x.get("location") or {}).get("display") or "") for x in reversed(case.encounter.get("location") or ())), "")
    digits = "".join(c for c in name.rpartition("·")[2] if c.isdigit())
    return f"H{int(digits):03d}"[:4] if digits else ""


def resulted(case: Case, share: Share) -> datetime | None:
    found = [
        t for c in causes(case, share.line) if (t := spell.moment(c.get("issued") or (c.get("performedPeriod") or {}).get("end")))
    ]
    return max(found, default=None) or share.line.ended


def result_at(case: Case, share: Share) -> str:
    found = resulted(case, share)
    return spell.at_moment(max(found, share.line.at)) if found else ""


def anaesthesia(case: Case, share: Share) -> str:
    for one in causes(case, share.line):
        for x in one.get("extension") or ():
            if x.get("url") == ANAESTHESIA:
                return str((x.get("valueCoding") or {}).get("code") or "")
    return str(share.line.more.get("PP_VO_CAM") or "")


def disease(case: Case, share: Share) -> str:
    """MA_BENH: what the order was for, where it says so."""
    reasons = {reference_id(r) for c in causes(case, share.line) for r in c.get("reasonReference") or ()}
    return spell.listed(code_of(c.get("code"), s.ICD10_VN, s.ICD10) for c in case.conditions if c.get("id") in reasons)


TABLE = Table(
    "XML3",
    {
        **LINK,
        "STT": COUNTED,
        "MA_DICH_VU": service,
        "MA_PTTT_QT": icd9,
        "MA_VAT_TU": of_supply(lambda c, x: x.line.code or x.line.own),
        "GOI_VTYT": more("GOI_VTYT"),
        "TEN_VAT_TU": of_supply(lambda c, x: spell.text(x.line.name, 1024)),
        "TEN_DICH_VU": lambda c, x: "" if supply(x) else spell.text(x.line.name, 1024),
        "MA_XANG_DAU": more("MA_XANG_DAU"),
        "DON_GIA_BV": lambda c, x: spell.number(x.line.price),
        "DON_GIA_BH": lambda c, x: spell.number(x.line.insured),
        "TT_THAU": more("TT_THAU"),
        "TYLE_TT_DV": lambda c, x: spell.number(x.line.rate, 0),
        "T_TRANTT": lambda c, x: spell.money(x.line.ceiling) if x.line.ceiling is not None else "",
        "MA_GIUONG": bed,
        "NGUOI_THUC_HIEN": performer,
        "MA_BENH": disease,
        "NGAY_TH_YL": done,
        "NGAY_KQ": result_at,
        "PP_VO_CAM": anaesthesia,
        "MA_MAY": more("MA_MAY"),
        "MA_HIEU_SP": more("MA_HIEU_SP"),
        "TAI_SU_DUNG": more("TAI_SU_DUNG"),
        **WHICH,
        **AMOUNTS,
    },
    lambda case: case.lines(drugs=False),
    unknown={
        "MA_BENH_YHCT": NOT_TRACED + ": no traditional medicine is coded",
        "VET_THUONG_TP": NOT_TRACED,
        "VI_TRI_TH_DVKT": NO_LIST,
        "DU_PHONG": SPARE,
    },
)
