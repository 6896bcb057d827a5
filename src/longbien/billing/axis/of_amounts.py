"""XML2, XML3 and the sums of XML1 -> one ExplanationOfBenefit: what was charged and who is asked for what. Pure.

It says what the facility asks for (outcome queued): what the insurer judged comes by the portal's results, not by the claim."""

from __future__ import annotations

from longbien.fhir import systems as s

from . import shape
from .of_visit import Made
from .shape import Resource, Row, coding, concept, kept, moment, number, without_empty

SHARES = {
    "THANH_TIEN_BV": "total", "THANH_TIEN_BH": "basis", "T_BHTT": "insurer", "T_BNCCT": "copay", "T_BNTT": "own",
    "T_NGUONKHAC": "other", "T_NGUONKHAC_NSNN": "other-budget", "T_NGUONKHAC_VTNN": "other-foreign",
    "T_NGUONKHAC_VTTN": "other-domestic", "T_NGUONKHAC_CL": "other-rest", "DON_GIA_BH": "insured", "T_TRANTT": "ceiling",
}  # fmt: skip
"""Field of a line -> code of its adjudication."""
RATES = {"TYLE_TT_DV": "rate", "TYLE_TT_BH": "covered", "MUC_HUONG": "benefit"}
TOTALS = {
    "T_TONGCHI_BV": "total", "T_TONGCHI_BH": "basis", "T_BHTT": "insurer", "T_BNCCT": "copay", "T_BNTT": "own",
    "T_NGUONKHAC": "other", "T_THUOC": "drugs", "T_VTYT": "supplies", "T_BHTT_GDV": "fee-for-service",
}  # fmt: skip
CODES = ("MA_DICH_VU", "MA_VAT_TU", "MA_THUOC")
KEPT = ("PHAM_VI", "MA_PTTT", "MA_GIUONG", "GOI_VTYT", "MA_XANG_DAU", "TT_THAU", "MA_HIEU_SP", "TAI_SU_DUNG", "NGAY_YL", "MA_KHOA",
        "MA_BAC_SI", "NGUOI_THUC_HIEN", "MA_MAY", "MA_PTTT_QT", "NGAY_KQ", "MA_DICH_VU", "MA_VAT_TU", "MA_THUOC")  # fmt: skip
SELF = {"display": "Người bệnh tự trả"}


def _money(text: str) -> Resource:
    value = number(text)
    return {} if value is None else {"value": value, "currency": "VND"}


def _item(n: int, row: Row) -> Resource:
    code = next((row[c].strip() for c in CODES if row.get(c, "").strip()), "")
    name = row.get("TEN_DICH_VU", "") or row.get("TEN_VAT_TU", "") or row.get("TEN_THUOC", "")
    judged: list[Resource] = [
        {"category": {"coding": [coding(shape.AMOUNT, share)]}, "amount": amount}
        for field, share in SHARES.items() if (amount := _money(row.get(field, "")))
    ]  # fmt: skip
    judged += [
        {"category": {"coding": [coding(shape.AMOUNT, rate)]}, "value": value}
        for field, rate in RATES.items() if (value := number(row.get(field, ""))) is not None
    ]  # fmt: skip
    quantity = number(row.get("SO_LUONG", ""))
    return without_empty({
        "extension": kept(row, *KEPT), "sequence": n, "category": concept(shape.GROUP, row.get("MA_NHOM", "")),
        "productOrService": concept(shape.CLAIM_CODE, code, name) or {"text": "–"},
        "servicedDate": moment(row.get("NGAY_TH_YL", "") or row.get("NGAY_YL", ""))[:10],
        "quantity": {} if quantity is None else without_empty({"value": quantity, "unit": row.get("DON_VI_TINH", "").strip()}),
        "unitPrice": _money(row.get("DON_GIA_BV", "") or row.get("DON_GIA", "")), "net": _money(row.get("THANH_TIEN_BV", "")),
        "adjudication": judged,
    })  # fmt: skip


def amounts(m: Made, head: Row, drugs: list[Row], services: list[Row], cards: list[Resource]) -> None:
    """One for the visit; nothing where the claim has no lines and no sums."""
    items = [_item(n, row) for n, row in enumerate([*drugs, *services], 1)]
    totals = [
        {"category": {"coding": [coding(shape.AMOUNT, share)]}, "amount": amount}
        for field, share in TOTALS.items() if (amount := _money(head.get(field, "")))
    ]  # fmt: skip
    if not items and not totals:
        return
    cover = {"reference": f"Coverage/{cards[0]['id']}"} if cards else SELF
    m.new(
        "ExplanationOfBenefit", "eob", identifier=[{"system": shape.CLAIM_LINK, "value": m.link}], status="active",
        type={"coding": [coding(s.HL7 + "claim-type", "institutional", "Institutional")]}, use="claim", patient=m.subject,
        billablePeriod=without_empty({"start": moment(head.get("NGAY_VAO", "")), "end": moment(head.get("NGAY_RA", ""))}),
        created=moment(head.get("NGAY_TTOAN", "")) or moment(head.get("NGAY_RA", "")) or moment(head.get("NGAY_VAO", "")),
        insurer={"display": "Bảo hiểm xã hội Việt Nam"} if cards else SELF, provider=m.origin.reference, outcome="queued",
        disposition="Cơ sở đề nghị, chưa giám định", insurance=[{"focal": True, "coverage": cover}], item=items, total=totals,
    )  # fmt: skip
    for one in items:
        one["encounter"] = [{"reference": f"Encounter/{m.encounter}"}]
