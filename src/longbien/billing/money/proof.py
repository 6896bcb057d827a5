"""The proof at the end of a day: money, bills and ledger agree to the dong. Every line says two figures that come from two
places, and holds when they are one. What does not hold is named, never rounded away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from longbien.access import housework
from longbien.base import clock
from longbien.base.sql import queries
from longbien.base.words import mark
from longbien.fhir import json

from .shifts import Q as DESK

Q = queries(__file__, "sql/proof.sql")


@dataclass(frozen=True, slots=True)
class Line:
    """title: a marked message; one and other: the two figures (dong, or a count where `count`)."""

    key: str
    title: str
    one: int
    other: int
    count: bool = False

    @property
    def holds(self) -> bool:
        return self.one == self.other


@dataclass(frozen=True, slots=True)
class Proof:
    """accounts: rows of account, debit and credit of the day, and where it stands at its end. taken: rows of kind, n, amount."""

    facility: str
    day: date
    lines: tuple[Line, ...]
    accounts: tuple[Any, ...]
    taken: tuple[Any, ...]
    shifts: tuple[Any, ...]

    @property
    def holds(self) -> bool:
        return all(x.holds for x in self.lines)


def bounds(day: date) -> tuple[datetime, datetime]:
    begin = datetime.combine(day, time(), clock.HANOI)
    return begin, begin + timedelta(days=1)


async def proof(engine: Any, facility: str, day: date) -> Proof:
    """As of now, for the books up to this day. The bills of the day are read from the record one by one: their Invoices must say
    what the ledger says."""
    db = engine.db
    accounts = await db.fetch(Q.accounts, facility, day)
    stands = {r["account"]: r["stands"] for r in accounts}
    whole = {r["account"]: r["stands"] for r in await db.fetch(Q.accounts, facility, date(9999, 1, 1))}
    bills, bank, held = (
        await db.fetchrow(Q.bills, facility),
        await db.fetchrow(Q.bank, facility),
        await db.fetchrow(Q.held, facility),
    )
    cards, refunds = await db.fetchval(Q.cards, facility, day), await db.fetchval(Q.refunds, facility)
    wrong = await _invoices(engine, facility, day)
    lines = (
        Line("even", mark("Entries that do not sum to zero"), await db.fetchval(Q.uneven), 0, True),
        Line("balances", mark("Balances that differ from their lines"), await db.fetchval(Q.balances, facility), 0, True),
        Line("sum", mark("All accounts together"), sum(stands.values()), 0),
        Line(
            "owed",
            mark("Bills: asked less paid, and owed by the ledger"),
            bills["asked"] - bills["paid"],
            whole.get("receivable", 0),
        ),
        Line("status", mark("Bills of the day whose Invoice says otherwise"), wrong, 0, True),
        Line("bank", mark("The bank's movements, and the ledger's account of it"), bank["told"], whole.get("bank", 0)),
        Line("undecided", mark("Movements that nobody has decided yet"), bank["undecided"], 0, True),
        Line("card", mark("Slips of card terminals, and the ledger"), cards, stands.get("card", 0)),
        Line("cash", mark("Drawers that are open, and the ledger's cash"), held["cash"], whole.get("cash", 0)),
        Line("suspense", mark("The exceptions' queue, and what the ledger holds"), held["suspense"], -whole.get("suspense", 0)),
        Line("deposit", mark("Deposits by visit, and the ledger"), held["deposit"], -whole.get("deposit", 0)),
        Line("refund", mark("Refunds approved and not paid, and the ledger"), refunds, -whole.get("refund", 0)),
    )
    shifts = await db.fetch(DESK.shifts, facility, *bounds(day))
    return Proof(facility, day, lines, tuple(accounts), tuple(await db.fetch(Q.taken, facility, day)), tuple(shifts))


async def _invoices(engine: Any, facility: str, day: date) -> int:
    """How many bills of the day say another status or another amount in the record than in the ledger."""
    rows = await engine.db.fetch(Q.wrong_status, facility, *bounds(day))
    store = housework.store(engine, "the proof at the end of a day", reads=frozenset({"Invoice"}))
    wrong = 0
    for n in range(0, len(rows), 100):
        part = {r["invoice"]: r for r in rows[n : n + 100]}
        found = await store.search("Invoice", [("_id", ",".join(part)), ("_count", "100")])
        said = {e.id: json.loads(e.body) for e in found.entries}
        wrong += sum(not _agrees(r, said.get(i)) for i, r in part.items())
    return wrong


def _agrees(row: Any, invoice: dict[str, Any] | None) -> bool:
    if invoice is None:
        return False
    wanted = "cancelled" if row["ended"] else "issued" if row["owed"] else "balanced"
    return invoice.get("status") == wanted and int((invoice.get("totalNet") or {}).get("value", -1)) == row["amount"]
