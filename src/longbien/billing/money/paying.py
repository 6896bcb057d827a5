"""Taking money for a bill: the ledger's entry, the PaymentNotice beside it and, when nothing is owed any more, the Invoice as
balanced, in one transaction, whatever the money came by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from longbien.access import housework
from longbien.base import clock
from longbien.base.errors import Conflict
from longbien.base.ids import patient_key
from longbien.fhir import json
from longbien.fhir import systems as s
from longbien.record.change import Change, Create, Update
from longbien.record.live import News
from longbien.record.store import Store

from . import bills
from .bills import Bill
from .ledger import Entry, Line, post

MEANS = s.BASE + "/CodeSystem/payment-means"
EXT_MEANS = s.BASE + "/StructureDefinition/payment-means"
LEDGER_NUMBER = s.BASE + "/sid/ledger"
PAYMENT_STATUS = "http://terminology.hl7.org/CodeSystem/paymentstatus"
MEANS_NAMES = {"transfer": "Chuyển khoản", "cash": "Tiền mặt", "card": "Thẻ", "deposit": "Tạm ứng"}
TAKEN = ("payment-transfer", "payment-cash", "payment-card", "payment-held", "deposit-used")
"""Kinds of entries that pay a bill."""


def house(engine: Any, reason: str) -> Store:
    """The warrant of the money's own work."""
    return housework.store(
        engine, reason, reads=frozenset({"Invoice"}), creates=frozenset({"PaymentNotice"}), updates=frozenset({"Invoice"})
    )


@dataclass(frozen=True, slots=True)
class Taken:
    """What came in for one bill. means: of MEANS_NAMES. lines: the other side of the entry (where the money is now), debits;
    their sum may be more than `amount`, then `rest` says what becomes of the remainder. reference: the one that was paid, "" at
    the desk."""

    amount: int
    means: str
    key: str
    cause: str
    lines: tuple[Line, ...]
    rest: tuple[Line, ...] = ()
    by: int = 0
    reference: str = ""
    note: str = ""
    kind: str = ""


async def take(within: Store, b: Bill, t: Taken, now: datetime) -> int | None:
    """Book it; the bill is held by who calls (ledger.bill_key). The entry's number, None where its cause was booked already. Raises
    Conflict for more than is owed."""
    if t.amount <= 0 or t.amount > b.owed:
        raise Conflict("This bill owes less than that by now.", code="business-rule")
    kind = t.kind or f"payment-{t.means}"
    lines = (*t.lines, Line("receivable", b.invoice, -t.amount), *t.rest)
    number = await post(within.engine.db, Entry(t.key, kind, t.cause, b.facility, lines, t.by, t.note), now)
    if number is None:
        return None
    owed = b.owed - t.amount
    db = within.engine.db
    if t.reference:
        await db.execute(bills.Q.end_request, t.reference, "part" if owed else "paid", number)
    if owed:
        await bills.ask(db, b, owed, t.by)
    else:
        await db.execute(bills.Q.end_others, b.invoice, "otherwise", number)
    await _told(within, b, number, t, owed, now)
    return number


async def _told(within: Store, b: Bill, number: int, t: Taken, owed: int, now: datetime) -> None:
    """The record hears of it, and so does every open page."""
    own = Store(within.engine, house(within.engine, f"payment: entry {number} of the ledger").scope)
    there = await own.read("Invoice", b.invoice)
    body = json.loads(there.body)
    changes: list[Change] = [Create(made := notice(b, number, t, now), id=made["id"])]
    if not owed:
        changes.append(Update({**body, "status": "balanced"}, if_match=there.version))
    await own.commit(changes)
    if owed:
        told(within, str((body.get("subject") or {}).get("reference") or "").rpartition("/")[2], b.invoice)


async def settle(engine: Any, invoice: str) -> None:
    """A bill that owes nothing from the first: its Invoice as balanced."""
    own = house(engine, "a deposit was enough")
    there = await own.read("Invoice", invoice)
    body = json.loads(there.body)
    if body.get("status") == "issued":
        await own.commit([Update({**body, "status": "balanced"}, if_match=there.version)])


def settler(engine: Any) -> Any:
    async def run(payload: Mapping[str, Any]) -> None:
        await settle(engine, str(payload["invoice"]))

    return run


def told(within: Store, patient: str, invoice: str) -> None:
    """Tell open pages of this patient that something about a bill is new."""
    if patient:
        within.engine.live.tell([News(patient_key(patient), "Invoice", invoice, 0)])


def notice(b: Bill, number: int, t: Taken, now: datetime) -> dict[str, Any]:
    """The PaymentNotice. It belongs to no patient's compartment (R4 has none for it): only the house reads it, by its Invoice."""
    means = {"system": MEANS, "code": t.means, "display": MEANS_NAMES[t.means]}
    return {
        "resourceType": "PaymentNotice",
        "id": f"pn-{number}",
        "extension": [{"url": EXT_MEANS, "valueCoding": means}],
        "status": "active",
        "request": {"reference": f"Invoice/{b.invoice}"},
        "created": clock.instant(now),
        "payment": {"identifier": {"system": LEDGER_NUMBER, "value": str(number)}},
        "paymentDate": clock.local(now).date().isoformat(),
        "recipient": {"reference": f"Organization/{b.facility}"},
        "amount": {"value": t.amount, "currency": "VND"},
        "paymentStatus": {"coding": [{"system": PAYMENT_STATUS, "code": "paid"}]},
    }
