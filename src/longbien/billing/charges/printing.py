"""The bill by group and by day, and the statement of costs 01/KBCB, as PDF.

The statement follows the layout of decision 6556/QĐ-BYT (2018), which is known from use; decision 697/2026, which is said to
replace it, was not at hand: compare before using it for a claim."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from longbien.base import clock, paper
from longbien.base.words import in_words, words
from longbien.web.chart.record import person
from longbien.web.page import Call

from ..lines import Bill, Share
from . import rules, shapes, tables, view
from .bills import Opened
from .reads import facility_code, organizations

FOLDER = Path(__file__).parent / "paper"
VI = words("vi")


async def printed(call: Call, found: Opened, form: str) -> bytes:
    """form: "bill" or "statement". Raises Unavailable when the page cannot be set."""
    offices = await organizations(call.engine, [found.read.facility])
    office = offices.get(found.read.facility, {})
    data = {**head(found, office, call.now, call.actor.name), **(statement(found) if form == "statement" else listed(found))}
    return await paper.printed(FOLDER / f"{form}.typ", data)


def money(value: Decimal | int) -> str:
    return view.amount(Decimal(value), VI).removesuffix("\u00a0đ")


def _moment(t: datetime | None) -> str:
    return f"{clock.local(t):%H} giờ {clock.local(t):%M} phút, ngày {clock.local(t):%d/%m/%Y}" if t else ""


def head(found: Opened, office: Mapping[str, Any], now: datetime, by: str) -> dict[str, Any]:
    """What every paper of a bill says first and last."""
    bill, who = found.bill, person(found.read.patient)
    visit = bill.visit
    card = visit.cards[0] if visit.cards else None
    invoice = found.invoice if not found.stale else None
    diagnoses = found.read.diagnoses
    return {
        "facility": str(office.get("name") or ""),
        "code": facility_code(office),
        "department": str((found.read.encounter.get("serviceType") or {}).get("text") or ""),
        "number": shapes.bill_number(invoice) if invoice else "",
        "provisional": invoice is None,
        "visit": visit.number,
        "inpatient": visit.kind in ("03", "04", "09"),
        "name": who.name,
        "birth": VI.date(who.birth),
        "sex": VI.sex(who.sex),
        "address": who.address,
        "card": card.number if card else "",
        "card_from": VI.date(card.begins) if card else "",
        "card_to": VI.date(card.ends) if card and card.ends else "",
        "registered": card.registered if card else "",
        "begin": _moment(visit.begin),
        "end": _moment(visit.end),
        "days": _days(visit.begin, visit.end or now),
        "emergency": visit.emergency,
        "referred": visit.referred,
        "object": bill.object,
        "diagnosis": diagnoses[0][1] if diagnoses else "",
        "icd": diagnoses[0][0] if diagnoses else "",
        "others": "; ".join(f"{name} ({code})" for code, name in diagnoses[1:]),
        "demo": view.demo(bill.shares),
        "total": money(bill.total), "basis": money(bill.basis), "insurer": money(bill.insurer), "other": money(bill.other),
        "copay": money(bill.copay), "own": money(bill.own), "to_pay": money(bill.to_pay),
        "total_words": in_words(_whole(bill)), "to_pay_words": in_words(bill.to_pay),
        "why": view.sums(bill, VI).why,
        "printed": f"{VI.date(now)} {VI.time(now)} · {by}",
        "day": f"Ngày {clock.local(now):%d} tháng {clock.local(now):%m} năm {clock.local(now):%Y}",
    }  # fmt: skip


def _whole(bill: Bill) -> int:
    return int(bill.total.quantize(1, rounding="ROUND_HALF_UP"))


def _days(begin: datetime, end: datetime) -> int:
    """SO_NGAY_DTRI: the day of leaving less the day of coming, and one (decision 3176)."""
    return (clock.local(end).date() - clock.local(begin).date()).days + 1


def listed(found: Opened) -> dict[str, Any]:
    """The bill by group, then by day."""
    bill = found.bill

    def sums(p: view.Part) -> dict[str, Any]:
        return {"title": p.title, "n": p.n, "total": money(p.total), "insurer": money(p.insurer), "pays": money(p.pays)}

    return {
        "groups": [sums(p) for p in view.by_group(bill, VI)],
        "days": [{**sums(p), "lines": [_line(x, bill) for x in p.lines if _stands(x, bill)]} for p in view.by_day(bill, VI)],
    }


def _stands(x: Share, bill: Bill) -> bool:
    """What was charged and taken back is on the screen; on paper it is left out: both come to nothing."""
    return x.line.id in {y.id for y in rules.live(s.line for s in bill.shares)}


def _line(x: Share, bill: Bill) -> dict[str, Any]:
    quantity = x.line.quantity
    whole = quantity == quantity.to_integral_value()
    return {
        "name": x.line.name, "unit": x.line.unit.lower(), "quantity": VI.number(int(quantity) if whole else quantity.normalize()),
        "price": money(x.line.price), "insured": money(x.line.insured), "rate": VI.number(int(x.line.rate)), "total":
        money(x.total), "covered": VI.number(int(x.benefit)) if x.basis else "", "basis": money(x.basis), "insurer":
        money(x.insurer), "copay": money(x.copay), "other": money(x.other), "own": money(x.own), "pays": money(x.copay + x.own),
    }  # fmt: skip


PARTS = (
    ("1", "Khám bệnh"), ("2.1", "Ngày giường điều trị ban ngày"), ("2.2", "Ngày giường điều trị nội trú"),
    ("2.3", "Ngày giường lưu"), ("3", "Xét nghiệm"), ("4", "Chẩn đoán hình ảnh"), ("5", "Thăm dò chức năng"),
    ("6", "Thủ thuật, phẫu thuật"), ("7", "Máu, chế phẩm máu, vận chuyển máu"), ("8", "Thuốc, dịch truyền"), ("9", "Vật tư y tế"),
    ("11", "Vận chuyển người bệnh"), ("12", "Dịch vụ khác"),
)  # fmt: skip


def statement(found: Opened) -> dict[str, Any]:
    """The parts of form 01/KBCB with their lines. What is the same thing at the same price is one line, as the form has it."""
    bill = found.bill
    standing = {y.id for y in rules.live(s.line for s in bill.shares)}
    of: dict[str, list[Share]] = {}
    for x in bill.shares:
        if x.line.id in standing:
            of.setdefault(tables.value("groups", x.line.group, clock.local(x.line.at).date(), "part") or "12", []).append(x)
    parts = []
    for key, title in PARTS:
        shares = of.get(key, [])
        if shares:
            parts.append({"key": key, "title": title, "lines": _merged(shares, bill), **_sums(shares)})
    return {"parts": parts, "sum": _sums([x for xs in of.values() for x in xs])}


def _sums(shares: list[Share]) -> dict[str, str]:
    names = ("total", "basis", "insurer", "copay", "other", "own")
    return {n: money(sum(getattr(x, n) for x in shares)) for n in names}


def _merged(shares: list[Share], bill: Bill) -> list[dict[str, Any]]:
    same: dict[tuple[Any, ...], list[Share]] = {}
    for x in shares:
        line = x.line
        same.setdefault((line.own, line.name, line.price, line.insured, line.rate, x.benefit), []).append(x)
    out = []
    for xs in same.values():
        quantity = sum((x.line.quantity for x in xs), xs[0].line.quantity * 0)
        whole = quantity == quantity.to_integral_value()
        out.append({**_line(xs[0], bill), **_sums(xs), "quantity": VI.number(int(quantity) if whole else quantity.normalize())})
    return out
