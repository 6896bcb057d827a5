"""Bills as the money sees them: the guard that books an Invoice in its own transaction, and the references that payers carry.

An Invoice that is issued becomes a receivable, its visit's deposit is set against it at once, and a reference is made for what
remains (or a job makes it balanced where nothing does). It is balanced when the ledger says that nothing is owed, whoever writes
it; cancelled, what was paid of it becomes the visit's deposit again. What it asks is never changed: a bill is cancelled and
another issued."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from longbien.base import clock, jobs
from longbien.base.errors import Conflict, Invalid
from longbien.base.sql import queries
from longbien.base.words import parse_instant
from longbien.record.change import Guarded, Resource
from longbien.record.scope import Scope
from longbien.wire import vietqr

from ..charges.shapes import BILL_NUMBER, EXT_BILL_ENCOUNTER
from . import reference
from .ledger import Entry, Line, bill_key, post
from .ledger import Q as LEDGER

Q = queries(__file__, "sql/bills.sql")
NUMBERS, EXT_ENCOUNTER = BILL_NUMBER, EXT_BILL_ENCOUNTER


SETTLE = "money.settle"
"""Queue of bills that owe nothing from the first (a deposit was enough): their Invoice becomes balanced."""


def is_bill(invoice: Resource) -> bool:
    """Ours, and no Invoice of somebody else's."""
    mine = any(i.get("system") == NUMBERS for i in invoice.get("identifier") or ())
    return mine or any(x.get("url") == EXT_ENCOUNTER for x in invoice.get("extension") or ())


@dataclass(frozen=True, slots=True)
class Bill:
    """One bill: what the patient pays of it and what is still owed, whole dong. ended: "cancelled" or None."""

    invoice: str
    number: str
    facility: str
    encounter: str
    amount: int
    issued: datetime
    owed: int = 0
    ended: str | None = None

    @property
    def paid(self) -> int:
        return self.amount - self.owed


def of(invoice: Resource) -> Bill:
    """What an Invoice asks. Raises Invalid for one that the ledger could not hold."""
    numbers = [str(i.get("value") or "") for i in invoice.get("identifier") or () if i.get("system") == NUMBERS]
    if len(numbers) != 1 or not numbers[0]:
        raise Invalid("An issued bill has exactly one number.", code="business-rule", status=422)
    amount = dong(invoice.get("totalNet"))
    visit = next((x.get("valueReference") for x in invoice.get("extension") or () if x.get("url") == EXT_ENCOUNTER), None)
    at = invoice.get("date")
    issued = parse_instant(at) if isinstance(at, str) else clock.now()
    return Bill(str(invoice.get("id")), numbers[0], _id(invoice.get("issuer")), _id(visit), amount, issued, amount)


def dong(money: Any) -> int:
    """Whole dong of a Money. Raises Invalid for another currency, a fraction, less than nothing."""
    try:
        value = Decimal(str((money or {}).get("value")))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value != value.to_integral_value() or value < 0 or value >= 10**13:
        raise Invalid("What a patient pays is a whole number of dong.", code="business-rule", status=422)
    if (money or {}).get("currency", "VND") != "VND":
        raise Invalid("Bills are in dong (VND).", code="business-rule", status=422)
    return int(value)


def _id(ref: Any) -> str:
    return str((ref or {}).get("reference") or "").rpartition("/")[2]


def bill(row: Any) -> Bill:
    return Bill(
        row["invoice"],
        row["number"],
        row["facility"],
        row["encounter"],
        row["amount"],
        row["issued"],
        int(row["owed"]),
        row["ended"],
    )


async def one(db: Any, invoice: str) -> Bill | None:
    row = await db.fetchrow(Q.one, invoice)
    return bill(row) if row else None


async def of_visit(db: Any, encounter: str) -> list[Bill]:
    return [bill(r) for r in await db.fetch(Q.of_visit, encounter)]


async def guard(engine: Any, scope: Scope, change: Guarded, connection: Any) -> Resource | None:
    """Asked of every write of an Invoice, in its own transaction. Raises Conflict for what would change a bill that stands,
    Invalid for one that cannot stand, Overtaken for a number that was given already."""
    invoice = change.resource
    await connection.execute(LEDGER.hold, bill_key(change.id))
    there = await one(connection, change.id)
    status = str(invoice.get("status")) if invoice else "deleted"
    if there is None:
        if invoice and is_bill(invoice) and status in ("issued", "balanced"):
            await _first(scope, change, connection)
        return invoice
    if invoice is None or status in ("draft", "entered-in-error"):
        raise Conflict("A bill that was issued stays: cancel it, and issue another.", code="business-rule")
    _same(there, of({**invoice, "id": change.id}))
    if status == "cancelled":
        if there.ended is None:
            await _cancel(scope, there, connection)
    elif there.ended is not None:
        raise Conflict("This bill was cancelled.", code="business-rule")
    elif status == "balanced" and there.owed:
        raise Conflict("This bill is not paid yet: the ledger says what is owed.", code="business-rule")
    elif not there.owed:  # whoever writes an earlier state of it again
        return {**invoice, "status": "balanced"}
    return invoice


def _same(there: Bill, said: Bill) -> None:
    if (there.number, there.amount, there.facility, there.encounter) != (said.number, said.amount, said.facility, said.encounter):
        raise Conflict("What a bill asks is not changed: cancel it, and issue another.", code="business-rule")


async def _first(scope: Scope, change: Guarded, connection: Any) -> None:
    invoice: Resource = change.resource or {}
    b = of({**invoice, "id": change.id})
    now = clock.now()
    await connection.execute(Q.put, b.invoice, b.number, b.facility, b.encounter, b.amount, b.issued)
    cause = f"Invoice/{b.invoice}"
    lines = [Line("receivable", b.invoice, b.amount), Line("revenue", b.invoice, -b.amount)]
    await post(connection, Entry(f"bill/{b.invoice}", "bill", cause, b.facility, lines, scope.actor, b.number), now)
    if invoice.get("status") == "balanced":
        await _elsewhere(scope, b, connection, now)
        return
    kept = int(await connection.fetchval(Q.deposit_of, b.encounter) or 0) if b.encounter else 0
    used = min(kept, b.amount)
    lines = [Line("deposit", b.encounter, used), Line("receivable", b.invoice, -used)]
    await post(connection, Entry(f"bill/{b.invoice}/deposit", "deposit-used", cause, b.facility, lines, scope.actor), now)
    if used < b.amount:
        await ask(connection, b, b.amount - used, scope.actor)
    else:
        await jobs.enqueue(connection, SETTLE, {"invoice": b.invoice}, key=b.invoice)


async def _elsewhere(scope: Scope, b: Bill, connection: Any, now: datetime) -> None:
    """A bill that comes in as paid already, from the house that was there before (an import): what another system took is an
    account of its own. At a desk there is no such thing."""
    if b.amount and not scope.unlimited:
        raise Conflict("This bill is not paid yet: the ledger says what is owed.", code="business-rule")
    lines = [Line("elsewhere", b.invoice, b.amount), Line("receivable", b.invoice, -b.amount)]
    await post(
        connection, Entry(f"bill/{b.invoice}/elsewhere", "elsewhere", f"Invoice/{b.invoice}", b.facility, lines, scope.actor), now
    )


async def _cancel(scope: Scope, b: Bill, connection: Any) -> None:
    if b.paid and not b.encounter:
        raise Conflict("A bill without a visit that was paid cannot be cancelled: nobody would know whose the money is.")
    await connection.execute(Q.cancel, b.invoice)
    await connection.execute(Q.end_others, b.invoice, "otherwise", None)
    lines = [Line("revenue", b.invoice, b.amount), Line("receivable", b.invoice, -b.owed), Line("deposit", b.encounter, -b.paid)]
    entry = Entry(f"bill/{b.invoice}/cancelled", "cancelled", f"Invoice/{b.invoice}", b.facility, lines, scope.actor, b.number)
    await post(connection, entry, clock.now())


# ---- references ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Request:
    """A reference that is good for one payment of one amount to one account."""

    reference: str
    amount: int
    bin: str
    account: str

    def transfer(self, bill_number: str = "") -> vietqr.Transfer:
        """What the code on screen and paper says: the reference as its purpose, nothing of the patient."""
        number = bill_number if len(bill_number) <= 25 and bill_number == vietqr.plain(bill_number) else ""
        return vietqr.Transfer(self.bin, self.account, self.amount, bill=number, purpose=self.reference)

    def text(self, bill_number: str = "") -> str:
        return vietqr.build(self.transfer(bill_number))


async def ask(db: Any, b: Bill, amount: int, by: int) -> Request | None:
    """The reference for what is owed of a bill: the one that is good, or a new one that ends those for another amount. None where
    the facility has no bank account."""
    place = await db.fetchrow(Q.account_of, b.facility)
    if place is None or amount <= 0:
        return None
    for row in await db.fetch(Q.requests, b.invoice):
        if row["amount"] == amount and (row["bin"], row["account"]) == (place["bin"], place["account"]):
            return Request(row["reference"], row["amount"], row["bin"], row["account"])
    await db.execute(Q.end_others, b.invoice, "replaced", None)
    made = Request(reference.make(), amount, place["bin"], place["account"])
    await db.execute(Q.request, made.reference, "bill", b.facility, b.encounter, b.invoice, amount, made.bin, made.account, by)
    return made


async def current(engine: Any, invoice: str, by: int = 0) -> tuple[Bill | None, Request | None]:
    """A bill and the reference that is good for what is owed of it (made, where the account came after the bill)."""
    async with engine.db.transaction() as connection:
        await connection.execute(LEDGER.hold, bill_key(invoice))
        b = await one(connection, invoice)
        return b, await ask(connection, b, b.owed, by) if b and b.owed and b.ended is None else None


async def ask_deposit(db: Any, facility: str, encounter: str, amount: int, by: int) -> Request | None:
    """A reference for a deposit of a visit; one of the same amount that is still good is given again."""
    place = await db.fetchrow(Q.account_of, facility)
    if place is None:
        return None
    for row in await db.fetch(Q.deposit_requests, encounter):
        if row["amount"] == amount and (row["bin"], row["account"]) == (place["bin"], place["account"]):
            return Request(row["reference"], row["amount"], row["bin"], row["account"])
    made = Request(reference.make(), amount, place["bin"], place["account"])
    await db.execute(Q.request, made.reference, "deposit", facility, encounter, None, amount, made.bin, made.account, by)
    return made
