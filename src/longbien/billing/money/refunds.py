"""Giving money back: asked for by one, approved by another (the database holds that), then cash out of a drawer, or a line in a
transfer file for the bank, whose own notification closes it."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from longbien.base.errors import Conflict, Invalid, NotFound
from longbien.base.ids import key64
from longbien.wire import vietqr

from . import reference
from .accounts import banks
from .ledger import Entry, Line, balance, notice_key, post, visit_key
from .ledger import Q as LEDGER
from .shifts import Q, Shift, shift_key

FORMULA = "=+-@ "
"""What makes a cell a formula where the transfer file is opened as a spreadsheet; no name begins so."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """source: "deposit" (subject: the visit) or "suspense" (subject: the number of the notice). way: "transfer" (then bin, account,
    holder) or "cash"."""

    facility: str
    source: str
    subject: str
    amount: int
    way: str
    reason: str
    bin: str = ""
    account: str = ""
    holder: str = ""


def checked(w: Wanted) -> Wanted:
    """Raises Invalid; `code` is the field."""
    if not w.reason.strip():
        raise Invalid("Say why the money is given back.", code="reason", status=422)
    if w.way not in ("transfer", "cash") or w.source not in ("deposit", "suspense"):
        raise Invalid("A refund goes by transfer or in cash.", code="way", status=422)
    if not 0 < w.amount < 10**13:
        raise Invalid("A refund is a whole number of dong.", code="amount", status=422)
    holder = vietqr.plain(w.holder).lstrip(FORMULA).strip().upper()[:60]
    if w.way == "cash":
        return Wanted(w.facility, w.source, w.subject, w.amount, "cash", w.reason.strip()[:500])
    if w.bin not in banks():
        raise Invalid("Choose the bank.", code="bin", status=422)
    if not (w.account.isascii() and w.account.isalnum() and 4 <= len(w.account) <= 19):
        raise Invalid("An account number has 4 to 19 letters or digits.", code="account", status=422)
    if not holder:
        raise Invalid("Whose account is it?", code="holder", status=422)
    return Wanted(w.facility, w.source, w.subject, w.amount, "transfer", w.reason.strip()[:500], w.bin, w.account, holder)


def _key(source: str, subject: str) -> int:
    return visit_key(subject) if source == "deposit" else notice_key(int(subject))


async def ask(engine: Any, wanted: Wanted, by: int) -> int:
    """Ask for a refund; its number. Raises Invalid, Conflict where there is not so much to give back."""
    w = checked(wanted)
    async with engine.db.transaction() as connection:
        await connection.execute(LEDGER.hold, _key(w.source, w.subject))
        there = -await balance(connection, w.source, w.subject)
        waiting = int(await connection.fetchval(Q.waiting_refunds, w.source, w.subject))
        if w.amount > there - waiting:
            raise Conflict("There is not so much to give back.", code="amount")
        values = (w.facility, w.source, w.subject, w.amount, w.way, w.bin, w.account, w.holder, w.reason, by)
        number: int = await connection.fetchval(Q.ask_refund, reference.make(reference.REFUND), *values)
    return number


async def answer(engine: Any, number: int, facility: str, by: int, approved: bool, reason: str, now: datetime) -> None:
    """Approve or refuse; approved, the money is set aside. Raises NotFound; Conflict for one's own, and for what is answered."""
    async with engine.db.transaction() as connection:
        r = await _one(connection, number, facility)
        await connection.execute(LEDGER.hold, _key(r["source"], r["subject"]))
        r = await _one(connection, number, facility)
        if r["approved"] is not None:
            raise Conflict("This refund was answered already.")
        if r["asked_by"] == by:
            raise Conflict("A second person approves what one has asked for.", code="second-person")
        if not approved and not reason.strip():
            raise Invalid("Say why not.", code="reason", status=422)
        entry = None
        if approved:
            lines = (Line(r["source"], r["subject"], r["amount"]), Line("refund", str(number), -r["amount"]))
            made = Entry(f"refund/{number}", "refund-approved", f"refund/{number}", facility, lines, by, r["reason"])
            entry = await post(connection, made, now)
        await connection.execute(Q.answer_refund, number, r["asked_by"], by, approved, reason.strip()[:500], entry)


async def _one(db: Any, number: int, facility: str) -> Any:
    row = await db.fetchrow(Q.refund, number)
    if row is None or row["facility"] != facility:
        raise NotFound("There is no such refund here.")
    return row


async def pay_cash(engine: Any, number: int, shift: Shift, now: datetime) -> int:
    """Out of the drawer. Raises Conflict where it is not approved, not cash, paid already, or the drawer has not so much."""
    async with engine.db.transaction() as connection:
        await connection.execute(LEDGER.hold, min(key64(f"money/refund/{number}"), shift_key(shift.number)))
        await connection.execute(LEDGER.hold, max(key64(f"money/refund/{number}"), shift_key(shift.number)))
        r = await _one(connection, number, shift.facility)
        if not r["approved"] or r["way"] != "cash" or r["paid"] is not None:
            raise Conflict("This refund cannot be paid in cash now.")
        if not await connection.fetchval(Q.is_open, shift.number):
            raise Conflict("This shift is closed: open another.")
        if await balance(connection, "cash", str(shift.number)) < r["amount"]:
            raise Conflict("There is not so much cash in this drawer.", code="drawer")
        lines = (Line("refund", str(number), r["amount"]), Line("cash", str(shift.number), -r["amount"]))
        made = Entry(f"refund/{number}/paid", "refund-cash", f"refund/{number}", shift.facility, lines, shift.cashier)
        entry = await post(connection, made, now)
        await connection.execute(PAID, number, entry)
    return entry or 0


PAID = "INSERT INTO money_refund_paid (refund, entry) VALUES ($1, $2)"


async def make_file(engine: Any, facility: str, by: int) -> int | None:
    """One file with every approved transfer that is in none yet; its number, None where there is nothing to send."""
    async with engine.db.transaction() as connection:
        await connection.execute(LEDGER.hold, key64(f"money/refund-file/{facility}"))
        rows = await connection.fetch(Q.to_send, facility)
        if not rows:
            return None
        number: int = await connection.fetchval(Q.put_file, facility, transfer_file(rows), by)
        await connection.execute(Q.put_sent, [r["number"] for r in rows], number)
    return number


def transfer_file(rows: Any) -> bytes:
    """The transfers as a CSV: the columns that the banks' bulk transfer sheets ask for. The layout is the house's own; a bank's own
    sheet is made from it."""
    out = io.StringIO()
    sheet = csv.writer(out)
    sheet.writerow(["no", "bin", "bank", "account", "holder", "amount", "text"])
    for n, r in enumerate(rows, 1):
        sheet.writerow([n, r["bin"], banks()[r["bin"]].short, r["account"], r["holder"], r["amount"], r["reference"]])
    return out.getvalue().encode()
