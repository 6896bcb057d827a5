"""XML1: the visit as a whole. Its sums are the sums of XML2 and XML3 as they stand (decision 3176: T_TONGCHI_BV and the rest)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from longbien.base import clock
from longbien.fhir import systems as s

from ...lines import ZERO, Share
from . import spell
from .case import HEIGHT, SUPPLY_GROUPS, WEIGHT, Case, code_of, identifier, reference_id
from .person import CARD, DISTRICT, LINK, ORIGIN, WHERE, WHO, number, phone
from .table import COUNTED, NO_LIST, NOT_ASKED, NOT_TRACED, Make, Table, visit

BLOOD_GROUP = "883-9"
MOST_OTHERS = 12


def total(field: str, *, drugs: bool | None = None, groups: frozenset[str] | None = None) -> Make:
    def of(case: Case, item: object) -> str:
        found = case.shares if drugs is None else case.lines(drugs)
        chosen = [x for x in found if groups is None or x.line.group in groups]
        return spell.money(sum((_rounded(x, field) for x in chosen), ZERO))

    return of


def _rounded(share: Share, field: str) -> Decimal:
    return Decimal(spell.money(getattr(share, field)))


def of_fee(case: Case, item: object) -> str:
    """T_BHTT_GDV: what is not paid by capitation or by case (MA_PTTT 1)."""
    return spell.money(sum((_rounded(x, "insurer") for x in case.shares if str(x.line.more.get("MA_PTTT") or "1") == "1"), ZERO))


def came_from(case: Case) -> str:
    """MA_NOI_DI: who referred."""
    origin = (case.encounter.get("hospitalization") or {}).get("origin")
    return _facility(case, origin)


def goes_to(case: Case) -> str:
    for one in case.all("ServiceRequest"):
        if code_of(one.get("category"), "http://snomed.info/sct") == "3457005":
            for to in one.get("performer") or ():
                if found := _facility(case, to):
                    return found
    return _facility(case, (case.encounter.get("hospitalization") or {}).get("destination"))


def _facility(case: Case, reference: object) -> str:
    ref = reference if isinstance(reference, dict) else {}
    there = case.named.get(str(ref.get("reference") or ""), {})
    return identifier(there, s.FACILITY_CODE) or str((ref.get("identifier") or {}).get("value") or "")


def operations(case: Case) -> str:
    return spell.listed(
        code_of(p.get("code"), s.ICD9CM_PROCEDURES) for p in case.all("Procedure") if p.get("status") == "completed"
    )


def again(case: Case) -> str:
    """NGAY_TAI_KHAM: days of the appointments made in the visit."""
    found = {reference_id(e) for note in case.compositions for part in note.get("section") or () for e in part.get("entry") or ()
             if str(e.get("reference") or "").startswith("Appointment/")}  # fmt: skip
    return spell.listed(spell.day(a.get("start")) for a in case.all("Appointment") if a.get("id") in found)


def paid(case: Case) -> datetime | None:
    """NGAY_TTOAN: when the patient settled; what was never to be paid is settled at the end of the visit."""
    bills = [i for i in case.all("Invoice") if i.get("status") == "balanced"]
    return spell.moment(bills[-1].get("date")) if bills else None


def weight(case: Case) -> str:
    said = case.measure(WEIGHT)
    return f"{Decimal(str(said)):.2f}"[:6] if said is not None else ""


def grams(child: Case) -> str:
    """A newborn's weight in grams, whether it was written in kilograms or grams."""
    said = child.measure(WEIGHT)
    if said is None:
        return ""
    exact = Decimal(str(said))
    return spell.number(exact if exact > 100 else exact * 1000, 0)


def babies(case: Case) -> str:
    return ";".join(g for b in case.births if (g := grams(b)))


def blood(case: Case) -> str:
    for o in reversed(case.of.get("Observation", ())):
        if code_of(o.get("code"), s.LOINC) == BLOOD_GROUP:
            return spell.text(o.get("valueString") or (o.get("valueCodeableConcept") or {}).get("text"), 5)
    return ""


def five_years(case: Case) -> str:
    if case.bill is None or not case.bill.visit.cards:
        return ""
    since = case.bill.visit.cards[0].five_years
    return f"{since:%Y%m%d}" if since else ""


def region(case: Case) -> str:
    return case.bill.visit.cards[0].region if case.bill is not None and case.bill.visit.cards else ""


def month(form: str) -> Make:
    return visit(lambda c: f"{clock.local(c.end):{form}}" if c.end else "")


def referral_number(case: Case) -> str:
    for one in case.of.get("ServiceRequest", ()):
        if reference_id(one.get("encounter")) != case.id and one.get("requisition"):
            return str(one["requisition"].get("value") or "")
    return ""


TABLE = Table(
    "XML1",
    {
        **LINK,
        "STT": COUNTED,
        "MA_BN": visit(number),
        **WHO,
        "NHOM_MAU": visit(blood),
        **ORIGIN,
        **WHERE,
        "DIEN_THOAI": visit(phone),
        **CARD,
        "LY_DO_VV": visit(lambda c: c.reason or c.admitted_for),
        "LY_DO_VNT": visit(lambda c: c.reason if c.inpatient else ""),
        "CHAN_DOAN_VAO": visit(lambda c: c.admitted_for or c.reason),
        "CHAN_DOAN_RV": visit(lambda c: c.diagnosis or c.reason),
        "MA_BENH_CHINH": visit(lambda c: (c.icd or [""])[0][:7]),
        "MA_BENH_KT": visit(lambda c: spell.listed(c.icd[1:], MOST_OTHERS)),
        "MA_PTTT_QT": visit(operations),
        "MA_DOITUONG_KCB": visit(lambda c: c.object),
        "MA_NOI_DI": visit(came_from),
        "MA_NOI_DEN": visit(goes_to),
        "NGAY_VAO": visit(lambda c: spell.at_moment(c.begin)),
        "NGAY_VAO_NOI_TRU": visit(lambda c: spell.at_moment(c.begin) if c.inpatient else ""),
        "NGAY_RA": visit(lambda c: spell.at_moment(c.end)),
        "GIAY_CHUYEN_TUYEN": visit(referral_number),
        "SO_NGAY_DTRI": visit(lambda c: str(c.days)),
        "PP_DIEU_TRI": visit(lambda c: c.treatment),
        "KET_QUA_DTRI": visit(lambda c: c.result),
        "MA_LOAI_RV": visit(lambda c: c.leaving),
        "GHI_CHU": visit(lambda c: c.told("advice", "loi_dan", "69730-0", "Lời dặn", "Ghi chú")),
        "NGAY_TTOAN": visit(lambda c: spell.at_moment(paid(c))),
        "T_THUOC": total("total", drugs=True),
        "T_VTYT": total("total", drugs=False, groups=SUPPLY_GROUPS),
        "T_TONGCHI_BV": total("total"),
        "T_TONGCHI_BH": total("basis"),
        "T_BNTT": total("own"),
        "T_BNCCT": total("copay"),
        "T_BHTT": total("insurer"),
        "T_NGUONKHAC": total("other"),
        "T_BHTT_GDV": of_fee,
        "NAM_QT": month("%Y"),
        "THANG_QT": month("%m"),
        "MA_LOAI_KCB": visit(lambda c: c.kind),
        "MA_KHOA": visit(lambda c: c.departments[:50]),
        "MA_CSKCB": visit(lambda c: c.facility_code),
        "MA_KHUVUC": visit(region),
        "CAN_NANG": visit(weight),
        "CAN_NANG_CON": visit(babies),
        "NAM_NAM_LIEN_TUC": visit(five_years),
        "NGAY_TAI_KHAM": visit(again),
        "MA_HSBA": visit(lambda c: identifier(c.encounter, s.ENCOUNTER_NUMBER) or c.id),
        "MA_TTDV": visit(lambda c: c.licence(c.director)),
        "DU_PHONG": visit(lambda c: spell.number(c.measure(HEIGHT), 1) if c.measure(HEIGHT) is not None else ""),
    },
    unknown={
        "MAHUYEN_CU_TRU": DISTRICT,
        "NGAY_MIEN_CCT": NOT_ASKED,
        "MA_LY_DO_VNT": NO_LIST,
        "MA_BENH_YHCT": NOT_TRACED + ": no traditional medicine is coded",
        "MA_TAI_NAN": NO_LIST,
    },
)
