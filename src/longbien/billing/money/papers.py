"""Papers of the desk: receipt, slip with the code to pay, refund slip. Vietnamese with English beneath."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from longbien.base.paper import printed
from longbien.base.words import in_words, words

from . import qr, spoken
from .accounts import banks
from .bills import Request
from .paying import MEANS_NAMES
from .view import Whose

FOLDER = Path(__file__).parent / "print"
_OF_KIND = {"payment-held": "transfer", "deposit-transfer": "transfer", "deposit-held": "transfer", "deposit-used": "deposit"}


def means(kind: str) -> str:
    """How it was paid, in Vietnamese, by the entry's kind."""
    return MEANS_NAMES[_OF_KIND.get(kind) or kind.rpartition("-")[2]]


def _shared(facility: str, who: Any, now: Any) -> dict[str, Any]:
    w = words("vi")
    return {
        "facility": facility,
        "name": who.name,
        "birth": w.date(who.birth),
        "printed": f"{w.date(now)} {w.time(now)}",
    }


async def receipt(facility: str, who: Any, row: Any, left: int | None, now: Any) -> bytes:
    """row: desk.sql's `receipt`. left: what the bill still owes (None: a deposit)."""
    w = words("vi")
    data = {
        **_shared(facility, who, now),
        "number": f"{row['number']:07d}",
        "deposit": row["bill"] is None,
        "bill": row["bill"] or "",
        "amount": w.money(row["amount"]),
        "words": in_words(row["amount"]),
        "english": spoken.english(row["amount"]),
        "means": means(row["kind"]) + (f" •••• {row['tail']}" if row["tail"] else ""),
        "at": f"{w.date(row['at'])} {w.time(row['at'])}",
        "by": row["by_name"] or "",
        "left": w.money(left) if left else "",
    }
    return await printed(FOLDER / "receipt.typ", data)


async def slip(facility: str, one: Whose, request: Request, holder: str, now: Any) -> bytes:
    """What a patient takes along to pay elsewhere: the amount, the code, the account."""
    w = words("vi")
    bank = banks().get(request.bin)
    data = {
        **_shared(facility, one.person, now),
        "bill": one.bill.number,
        "amount": w.money(request.amount),
        "words": in_words(request.amount),
        "reference": request.reference,
        "bank": bank.short if bank else request.bin,
        "account": request.account,
        "holder": holder,
        "code": qr.modules(request.text(one.bill.number)),
    }
    return await printed(FOLDER / "slip.typ", data)


async def refund(facility: str, who: Any, row: Any, now: Any) -> bytes:
    """row: desk.sql's `refund`."""
    w = words("vi")
    bank = banks().get(row["bin"])
    data = {
        **_shared(facility, who, now),
        "number": f"{row['number']:05d}",
        "amount": w.money(row["amount"]),
        "words": in_words(row["amount"]),
        "english": spoken.english(row["amount"]),
        "reason": row["reason"],
        "way": "Tiền mặt" if row["way"] == "cash" else "Chuyển khoản",
        "to": f"{row['account']} · {bank.short if bank else row['bin']} · {row['holder']}" if row["way"] == "transfer" else "",
        "reference": row["reference"],
        "asked": f"{row['asked_name']}, {w.date(row['asked'])} {w.time(row['asked'])}",
        "answered": f"{row['answered_name']}, {w.date(row['answered'])} {w.time(row['answered'])}" if row["answered"] else "",
        "paid": f"{w.date(row['paid_at'])} {w.time(row['paid_at'])}" if row["paid_at"] else "",
    }
    return await printed(FOLDER / "refund.typ", data)
