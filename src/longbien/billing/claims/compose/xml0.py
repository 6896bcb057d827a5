"""XML0, check-in: who has come, with which card, for what. Sent at the beginning of the visit."""

from __future__ import annotations

from collections.abc import Iterable

from ...lines import Share
from . import spell
from .case import Case
from .person import CARD, LINK, WHO, number
from .table import COUNTED, NO_LIST, SPARE, Make, Table, visit

EXAMINATION = ("KB01", "Khám bệnh tại bệnh viện")
"""What every visit begins with, by the catalogue of services: until something is charged it is what somebody has come for."""


def first_inside(case: Case) -> Share | None:
    """The first cost in the ward: what MA_DICH_VU, MA_THUOC, MA_VAT_TU of a stay tell."""
    return min(case.shares, key=lambda x: x.line.at, default=None)


def _code(groups: Iterable[str], name: bool) -> Make:
    def make(case: Case, item: object) -> str:
        found = first_inside(case)
        if found is None and groups is SERVICES:
            return EXAMINATION[name]
        if found is None or found.line.group not in groups:
            return ""
        return spell.text(found.line.name, 1024) if name else found.line.code

    return make


DRUGS, SUPPLIES = ("4", "5", "6", "7", "17"), ("10", "11")
SERVICES = tuple(str(n) for n in range(1, 20) if str(n) not in (*DRUGS, *SUPPLIES))


def first_order(case: Case) -> str:
    found = first_inside(case)
    return spell.at_moment(found.line.ordered or found.line.at) if found else spell.at_moment(case.begin)


TABLE = Table(
    "XML0",
    {
        **LINK,
        "STT": COUNTED,
        "MA_BN": visit(number),
        **{k: v for k, v in WHO.items() if k != "DIA_CHI"},
        **CARD,
        "MA_DOITUONG_KCB": visit(lambda c: c.object),
        "NGAY_VAO": visit(lambda c: spell.at_moment(c.begin)),
        "NGAY_VAO_NOI_TRU": visit(lambda c: spell.at_moment(c.begin) if c.inpatient else ""),
        "LY_DO_VNT": visit(lambda c: c.reason if c.inpatient else ""),
        "MA_LOAI_KCB": visit(lambda c: c.kind),
        "MA_CSKCB": visit(lambda c: c.facility_code),
        "MA_DICH_VU": _code(SERVICES, False),
        "TEN_DICH_VU": _code(SERVICES, True),
        "MA_THUOC": _code(DRUGS, False),
        "TEN_THUOC": _code(DRUGS, True),
        "MA_VAT_TU": _code(SUPPLIES, False),
        "TEN_VAT_TU": _code(SUPPLIES, True),
        "NGAY_YL": visit(first_order),
    },
    unknown={"MA_LY_DO_VNT": NO_LIST, "DU_PHONG": SPARE},
)
