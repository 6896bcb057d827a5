"""XML11: the sick-leave certificate."""

from __future__ import annotations

from . import spell
from .case import Case
from .papers import DIRECTOR, EVERYBODY, Paper, author, dated, father, fields, mother, of_kind, paper_number, said
from .person import CARD, LINK, social
from .table import NOT_TRACED, SIGNED, Table, visit


def period(paper: Paper) -> tuple[str, str]:
    found = next((e.get("period") or {} for e in paper.get("event") or ()), {})
    return spell.day(found.get("start")), spell.day(found.get("end"))


def days(case: Case, paper: Paper) -> str:
    begin, end = (spell.moment(f"{d[:4]}-{d[4:6]}-{d[6:]}T00:00:00+07:00") if d else None for d in period(paper))
    return str((end - begin).days + 1) if begin and end else ""


def small(case: Case, name: str) -> str:
    return name if case.years < 7 else ""


def counted(case: Case, paper: Paper) -> str:
    """SO_NGAY_NGHI: the number that the section begins with."""
    first = said("SO_NGAY_NGHI", "days")(case, paper).split()
    return first[0] if first and first[0].isdigit() else days(case, paper)


TABLE = Table(
    "XML11",
    {
        **fields({
            **LINK,
            "SO_CT": paper_number, "SO_SERI": paper_number, "SO_KCB": paper_number,
            "MA_BHXH": visit(social), "MA_THE_BHYT": CARD["MA_THE_BHYT"],
            "MA_DINH_CHI_THAI": visit(lambda c: "0"),
            "TU_NGAY": lambda c, p: period(p)[0], "DEN_NGAY": lambda c, p: period(p)[1],
            "HO_TEN_CHA": lambda c, p: small(c, father(c, p)), "HO_TEN_ME": lambda c, p: small(c, mother(c, p)),
            "MA_TTDV": DIRECTOR, "MA_BS": author, "NGAY_CT": dated, "MAU_SO": visit(lambda c: "CT07"),
        }),
        "SO_NGAY_NGHI": counted,
        "DON_VI": said("DON_VI", "work", most=1024, otherwise=visit(lambda c: "Không có")),
        "CHAN_DOAN_RV": EVERYBODY["CHAN_DOAN_RV"],
        "PP_DIEUTRI": said("PP_DIEUTRI", "treatment", otherwise=visit(lambda c: c.treatment)),
        "NGUYENNHAN_DINHCHI": said("NGUYENNHAN_DINHCHI"),
        "TUOI_THAI": said("TUOI_THAI"),
    },
    of_kind("sick-leave"),
    unknown={"MA_THE_TAM": NOT_TRACED + ": the portal gives it", "DU_PHONG": SIGNED},
)  # fmt: skip
