"""XML7: the discharge paper of a stay."""

from __future__ import annotations

from longbien.fhir import systems as s

from .case import Case, identifier
from .papers import DIRECTOR, EVERYBODY, dated, father, fields, mother, of_kind, said
from .person import LINK, number
from .table import NOT_TRACED, SIGNED, Table, visit

ENDED_PREGNANCY = ("NGUYENNHAN_DINHCHI", "THOIGIAN_DINHCHI", "TUOI_THAI")
REST = ("SO_NGAY_NGHI", "NGOAITRU_TUNGAY", "NGOAITRU_DENNGAY")


def archive(case: Case) -> str:
    return identifier(case.encounter, s.ENCOUNTER_NUMBER) or case.id


def signer(case: Case) -> str:
    return case.licence(case.head)


def childhood(case: Case, name: str) -> str:
    return name if case.years < 16 else ""


TABLE = Table(
    "XML7",
    {
        **fields({
            **LINK,
            "SO_LUU_TRU": visit(archive),
            "MA_YTE": visit(number),
            "MA_KHOA_RV": visit(lambda c: c.department),
            "NGAY_VAO": EVERYBODY["NGAY_VAO"],
            "NGAY_RA": EVERYBODY["NGAY_RA"],
            "MA_DINH_CHI_THAI": visit(lambda c: "0"),
            "MA_TTDV": DIRECTOR,
            "MA_BS": visit(signer),
            "TEN_BS": visit(lambda c: c.staff(c.head)),
            "NGAY_CT": dated,
            "HO_TEN_CHA": lambda c, p: childhood(c, father(c, p)),
            "HO_TEN_ME": lambda c, p: childhood(c, mother(c, p)),
        }),
        "CHAN_DOAN_RV": said("CHAN_DOAN_RV", "diagnosis", most=1500, otherwise=visit(lambda c: c.diagnosis)),
        "PP_DIEUTRI": said("PP_DIEUTRI", "treatment", otherwise=visit(lambda c: c.treatment)),
        "GHI_CHU": said("GHI_CHU", "advice", most=1500),
        **{name: said(name) for name in (*ENDED_PREGNANCY, *REST)},
    },
    of_kind("discharge-paper"),
    unknown={
        "MA_CHA": NOT_TRACED + ": a parent's social insurance number",
        "MA_ME": NOT_TRACED + ": a parent's social insurance number",
        "MA_THE_TAM": NOT_TRACED + ": the portal gives it",
        "DU_PHONG": SIGNED,
    },
)  # fmt: skip
