"""What a cashier does: take cash or a card for a bill, take a deposit. Each act carries a token of its form: sent twice, it is done
once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from longbien.base.db import Database
from longbien.base.errors import Conflict, Invalid, NotFound
from longbien.record.inside import inside, lock
from longbien.record.store import Store

from . import bills, paying
from .bills import Bill
from .ledger import Entry, Line, bill_key, post, visit_key
from .paying import Taken
from .shifts import Q, Shift, shift_key
from .terminals import Slip, Terminal


@asynccontextmanager
async def _held(engine: Any, why: str, invoice: str, shift: Shift | None) -> AsyncIterator[tuple[Store, Bill]]:
    """The bill as it is now, nobody else booking on it or closing the shift meanwhile. Raises NotFound, Conflict."""
    async with inside(paying.house(engine, why)) as within:
        await lock(within, [bill_key(invoice), *([shift_key(shift.number)] if shift else [])])
        b = await bills.one(within.engine.db, invoice)
        if b is None or b.ended is not None:
            raise NotFound("There is no such bill, or it was cancelled.")
        if shift is not None:
            await _open(within.engine.db, shift)
        yield within, b


async def _open(db: Database, shift: Shift) -> None:
    if not await db.fetchval(Q.is_open, shift.number):
        raise Conflict("This shift is closed: open another.")


async def _before(db: Database, key: str) -> int | None:
    number: int | None = await db.fetchval(Q.by_key, key)
    return number


async def cash(engine: Any, invoice: str, amount: int, shift: Shift, once: str, now: datetime) -> int:
    """Cash for a bill, all or a part of what it owes; the entry's number. Raises Conflict, NotFound."""
    key = f"cash/{once}"
    async with _held(engine, f"cash taken by account {shift.cashier}", invoice, shift) as (within, b):
        if (known := await _before(within.engine.db, key)) is not None:
            return known
        line = Line("cash", str(shift.number), amount)
        taken = Taken(amount, "cash", key, f"shift/{shift.number}", (line,), by=shift.cashier)
        return await paying.take(within, b, taken, now) or 0


async def card(engine: Any, invoice: str, amount: int, terminal: Terminal, by: int, once: str, now: datetime) -> int:
    """A card for a bill. Raises Invalid (the slip), Conflict (its number was booked already)."""
    slip = await terminal.charge(amount, once)
    key = f"card/{once}"
    async with _held(engine, f"a card taken by account {by}", invoice, None) as (within, b):
        if (known := await _before(within.engine.db, key)) is not None:
            return known
        line = Line("card", slip.terminal, amount)
        number = await paying.take(within, b, Taken(amount, "card", key, f"slip/{slip.rrn}", (line,), by=by), now) or 0
        await _slip(within.engine.db, number, slip, amount)
        return number


async def _slip(db: Database, number: int, slip: Slip, amount: int) -> None:
    await db.execute(Q.slip, number, slip.terminal, slip.rrn, slip.approval, slip.tail, amount)


async def deposit(
    engine: Any, facility: str, encounter: str, amount: int, by: int, once: str, now: datetime, *,
    shift: Shift | None = None, terminal: Terminal | None = None,
) -> int:  # fmt: skip
    """A deposit for a visit, in cash (into the shift's drawer) or by card. Where a bill of the visit is open it is set against it.
    Raises Invalid, Conflict."""
    if not 0 < amount < 10**11:
        raise Invalid("A deposit is a whole number of dong.", code="amount", status=422)
    slip = await terminal.charge(amount, once) if terminal else None
    async with inside(paying.house(engine, f"a deposit taken by account {by}")) as within:
        db, key = within.engine.db, f"deposit/{once}"
        await lock(within, [visit_key(encounter), *([shift_key(shift.number)] if shift else [])])
        if (known := await _before(db, key)) is not None:
            return known
        if shift is not None:
            await _open(db, shift)
        where = Line("card", slip.terminal, amount) if slip else Line("cash", str(shift.number if shift else 0), amount)
        kind = "deposit-card" if slip else "deposit-cash"
        cause = f"Encounter/{encounter}"
        lines = (where, Line("deposit", encounter, -amount))
        number = await post(db, Entry(key, kind, cause, facility, lines, by), now) or 0
        if slip:
            await _slip(db, number, slip, amount)
        await use_deposit(within, encounter, by, now)
        return number


async def use_deposit(within: Store, encounter: str, by: int, now: datetime) -> None:
    """What is kept for a visit, set against its bills that are open. The visit is held by who calls."""
    db = within.engine.db
    for b in await bills.of_visit(db, encounter):
        kept = int(await db.fetchval(bills.Q.deposit_of, encounter) or 0)
        if not kept or not b.owed or b.ended is not None:
            continue
        await lock(within, [bill_key(b.invoice)])
        fresh = await bills.one(db, b.invoice)
        if fresh is None or not fresh.owed:
            continue
        used = min(kept, fresh.owed)
        key = f"bill/{b.invoice}/deposit/{kept}/{fresh.owed}"
        line = Line("deposit", encounter, used)
        await paying.take(
            within, fresh, Taken(used, "deposit", key, f"Invoice/{b.invoice}", (line,), by=by, kind="deposit-used"), now
        )
