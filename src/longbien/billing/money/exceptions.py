"""The exceptions: money that the machine could not place, each with what can be done about it in one click. What is open is what
the ledger holds as not explained, so the queue and the books cannot differ."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from longbien.base.errors import Conflict, Invalid, NotFound
from longbien.record.inside import inside, lock
from longbien.record.store import Store

from . import bills, desk, notices, paying, refunds
from .bills import Bill
from .ledger import Entry, Line, bill_key, notice_key, post, visit_key
from .paying import Taken
from .shifts import Q

ACTS = ("bill", "deposit", "fee", "refund-out")


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person decides: act "bill" (invoice), "deposit" (encounter), "fee" (money out was a bank's charge), "refund-out"
    (money out was this refund). reason: what the person says to it."""

    act: str
    invoice: str = ""
    encounter: str = ""
    refund: int = 0
    reason: str = ""


async def resolve(engine: Any, number: int, facility: str, choice: Choice, by: int, now: datetime) -> str:
    """Do it; gives the act. Raises NotFound, Conflict where somebody else was first."""
    if choice.act not in ACTS:
        raise Invalid("There is nothing of that kind to do.", code="value")
    async with inside(paying.house(engine, f"bank notice {number} resolved by account {by}")) as within:
        db = within.engine.db
        await lock(within, [notice_key(number)])
        row = await db.fetchrow(Q.exception, number)
        if row is None or row["facility"] not in (facility, ""):
            raise NotFound("There is no such notice here.")
        asked = int(await db.fetchval(Q.waiting_refunds, "suspense", str(number)))
        if not (row["held"] - asked if choice.act in ("bill", "deposit") else row["gone"]):
            raise Conflict("Somebody else has dealt with this already.")
        entry, invoice = await _ways(within, row, asked, facility, choice, by, now)
        refund = choice.refund or None
        await db.execute(notices.Q.resolution, number, choice.act, invoice, entry, refund, by, choice.reason[:500])
    return choice.act


async def _ways(
    within: Store, row: Any, asked: int, facility: str, c: Choice, by: int, now: datetime
) -> tuple[int | None, str | None]:
    left = row["held"] - asked
    if c.act == "bill":
        return await _to_bill(within, row, left, facility, c, by, now), c.invoice
    if c.act == "deposit":
        return await _to_deposit(within, row, left, facility, c, by, now), None
    return await _went_out(within, row, facility, c, by, now), None


async def _to_bill(within: Store, row: Any, left: int, facility: str, c: Choice, by: int, now: datetime) -> int | None:
    """As much as the bill owes; what is over stays in the queue."""
    await lock(within, [bill_key(c.invoice)])
    b: Bill | None = await bills.one(within.engine.db, c.invoice)
    if b is None or b.ended is not None or b.facility != facility:
        raise NotFound("There is no such bill here.")
    if not b.owed:
        raise Conflict("This bill is paid.")
    amount, n = min(left, b.owed), row["number"]
    line = Line("suspense", str(n), amount)
    key = f"notice/{n}/bill/{b.invoice}/{row['held']}"  # what is held only ever falls: each act has its own key
    taken = Taken(amount, "transfer", key, f"notice/{n}", (line,), by=by, note=c.reason, kind="payment-held")
    return await paying.take(within, b, taken, now)


async def _to_deposit(within: Store, row: Any, left: int, facility: str, c: Choice, by: int, now: datetime) -> int | None:
    if not c.encounter:
        raise NotFound("For which visit shall it be kept?")
    await lock(within, [visit_key(c.encounter)])
    n = row["number"]
    lines = (Line("suspense", str(n), left), Line("deposit", c.encounter, -left))
    made = Entry(f"notice/{n}/deposit/{row['held']}", "deposit-held", f"notice/{n}", facility, lines, by, c.reason)
    entry = await post(within.engine.db, made, now)
    await desk.use_deposit(within, c.encounter, by, now)
    return entry


async def _went_out(within: Store, row: Any, facility: str, c: Choice, by: int, now: datetime) -> int | None:
    n, gone = row["number"], row["gone"]
    if c.act == "fee":
        lines = (Line("fee", str(n), gone), Line("outgoing", str(n), -gone))
        return await post(within.engine.db, Entry(f"notice/{n}/fee", "bank-fee", f"notice/{n}", facility, lines, by, c.reason), now)
    r = await within.engine.db.fetchrow(Q.refund, c.refund)
    if r is None or r["facility"] != facility or not r["approved"] or r["paid"] is not None or r["amount"] != gone:
        raise Conflict("This is no refund that waits for exactly that amount.")
    lines = (Line("refund", str(c.refund), gone), Line("outgoing", str(n), -gone))
    entry = await post(within.engine.db, Entry(f"notice/{n}/refund", "refund-transfer", f"notice/{n}", facility, lines, by), now)
    await within.engine.db.execute(refunds.PAID, c.refund, entry)
    return entry
