"""Fields of a charged line that XML2 and XML3 share: amounts, times, who. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ...lines import Line, Share
from . import spell
from .case import Case, Resource, reference_id
from .table import Make

TENS = Decimal(100)


def more(name: str) -> Make:
    """What the price list says of the thing under the field's own name (Line.more), "" where it says nothing."""
    return lambda case, share: spell.text(share.line.more.get(name, ""))


def amount(name: str) -> Make:
    return lambda case, share: spell.money(getattr(share, name))


def whole(value: Decimal) -> str:
    return spell.number(value, 0)


def ordered(case: Case, share: Share) -> str:
    """NGAY_YL: never after it was done, never before the patient came."""
    line = share.line
    return spell.at_moment(min(line.ordered or line.at, line.at))


def done(case: Case, share: Share) -> str:
    return spell.at_moment(share.line.at)


def request(case: Case, line: Line) -> Resource:
    """The order that the charge goes back to, {} where it names none."""
    wanted = line.order.rpartition("/")[2]
    for type_ in ("MedicationRequest", "ServiceRequest"):
        for one in case.of.get(type_, ()):
            if wanted and one.get("id") == wanted:
                return one
    return {}


def doctor(case: Case, share: Share) -> str:
    """MA_BAC_SI: who ordered it, else the visit's doctor; as practice licence."""
    by = share.line.doctor
    named = {"reference": by if "/" in by else f"Practitioner/{by}"} if by else None
    asked = request(case, share.line).get("requester")
    return case.licence(named) or case.licence(asked) or case.licence(case.doctor)


def performer(case: Case, share: Share) -> str:
    """NGUOI_THUC_HIEN: who did it (procedure, report), else who ordered it."""
    for one in causes(case, share.line):
        for key in ("performer", "resultsInterpreter"):
            found = [case.licence(p.get("actor") or p) for p in one.get(key) or () if isinstance(p, dict)]
            if said := spell.listed(found):
                return said
    return doctor(case, share)


def causes(case: Case, line: Line) -> list[Resource]:
    """What was done: procedures and reports that answer the line's order, or are the line's own cause."""
    order, cause = line.order.rpartition("/")[2], "/".join(str(line.more.get("cause") or "").split("/")[:2]).rpartition("/")[2]
    found = []
    for type_ in ("Procedure", "DiagnosticReport", "MedicationAdministration", "MedicationDispense"):
        for one in case.of.get(type_, ()):
            based = {reference_id(b) for b in one.get("basedOn") or ()}
            if (cause and one.get("id") == cause) or (order and (order in based or one.get("id") == order)):
                found.append(one)
    return found


def department(case: Case, share: Share) -> str:
    return case.department_of(share.line.department) or case.department


def rate_other(case: Case, share: Share) -> str:
    """Other sources are kept as one sum; it stands as "what is left over" (T_NGUONKHAC_CL)."""
    return spell.money(share.other)


def none(case: Case, share: Any) -> str:
    return "0.00"


AMOUNTS: dict[str, Make] = {
    "THANH_TIEN_BV": amount("total"),
    "THANH_TIEN_BH": amount("basis"),
    "T_NGUONKHAC_NSNN": none,
    "T_NGUONKHAC_VTNN": none,
    "T_NGUONKHAC_VTTN": none,
    "T_NGUONKHAC_CL": rate_other,
    "T_NGUONKHAC": rate_other,
    "MUC_HUONG": lambda c, x: whole(x.benefit),
    "T_BHTT": amount("insurer"),
    "T_BNCCT": amount("copay"),
    "T_BNTT": amount("own"),
}
WHICH: dict[str, Make] = {
    "MA_NHOM": lambda c, x: x.line.group,
    "DON_VI_TINH": lambda c, x: spell.text(x.line.unit, 50) or "lần",
    "PHAM_VI": lambda c, x: x.line.scope,
    "TYLE_TT_BH": lambda c, x: whole(x.line.covered if x.basis else Decimal(0)),
    "SO_LUONG": lambda c, x: spell.number(x.line.quantity),
    "MA_KHOA": department,
    "MA_BAC_SI": doctor,
    "NGAY_YL": ordered,
    "MA_PTTT": lambda c, x: str(x.line.more.get("MA_PTTT") or "1"),
}
