"""A cashier's shift: the float out of the safe, cash through the drawer, a count at the end, the difference booked to its own
account with its reason, and everything back into the safe. What lies in a drawer is what the ledger says of it."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from longbien.base.errors import Conflict, Invalid
from longbien.base.ids import key64
from longbien.base.sql import queries

from .accounts import TABLES
from .ledger import Entry, Line, balance, post
from .ledger import Q as LEDGER

Q = queries(__file__, "sql/desk.sql")
MOST_NOTES = 100_000


@dataclass(frozen=True, slots=True)
class Shift:
    """cash: what the ledger says lies in the drawer now."""

    number: int
    facility: str
    cashier: int
    desk: str
    float: int
    opened: datetime
    cash: int


@cache
def notes() -> tuple[int, ...]:
    """Values of the notes that are counted, the largest first."""
    with (TABLES / "notes.csv").open(encoding="utf-8", newline="") as file:
        return tuple(int(r["value"]) for r in csv.DictReader(file))


def shift_key(shift: int) -> int:
    return key64(f"money/shift/{shift}")


async def current(db: Any, account: int) -> Shift | None:
    row = await db.fetchrow(Q.shift, account)
    return Shift(*row.values()) if row else None


async def begin(engine: Any, facility: str, account: int, desk: str, float_: int, now: datetime) -> int:
    """Open a shift. Raises Conflict where this cashier has one open, Invalid."""
    if not 0 <= float_ < 10**10:
        raise Invalid("A float is a whole number of dong.", code="value", status=422)
    async with engine.db.transaction() as connection:
        await connection.execute(LEDGER.hold, key64(f"money/cashier/{account}"))
        if await connection.fetchrow(Q.shift, account) is not None:
            raise Conflict("This cashier has a shift open already.", code="duplicate")
        number: int = await connection.fetchval(Q.open_shift, facility, account, desk[:60], float_)
        lines = [Line("cash", str(number), float_), Line("safe", "", -float_)]
        await post(connection, Entry(f"shift/{number}/open", "shift-open", f"shift/{number}", facility, lines, account), now)
    return number


def counted(count: Mapping[int, int]) -> int:
    """The sum of a count of notes. Raises Invalid for a note that there is not, or a number of them that cannot be."""
    for value, n in count.items():
        if value not in notes() or not 0 <= n <= MOST_NOTES:
            raise Invalid("A count of notes is a number for each of them.", code="value", status=422)
    return sum(value * n for value, n in count.items())


async def close(engine: Any, shift: Shift, count: Mapping[int, int], reason: str, now: datetime) -> int:
    """Count and close; gives the difference (negative: too little). Raises Invalid where there is one and nobody says why, Conflict
    where the shift is closed already."""
    total = counted(count)
    async with engine.db.transaction() as connection:
        await connection.execute(LEDGER.hold, shift_key(shift.number))
        if not await connection.fetchval(Q.is_open, shift.number):
            raise Conflict("This shift is closed already.")
        expected = await balance(connection, "cash", str(shift.number))
        if total != expected and not reason.strip():
            raise Invalid("The count differs from the ledger: say why.", code="required", status=422)
        await _booked(connection, shift, total, expected, reason, now)
        said = json.dumps({str(k): v for k, v in count.items() if v})
        await connection.execute(Q.close_shift, shift.number, total, expected, said, reason.strip()[:500])
    return total - expected


async def _booked(connection: Any, shift: Shift, total: int, expected: int, reason: str, now: datetime) -> None:
    n, cause, by = str(shift.number), f"shift/{shift.number}", shift.cashier
    off = total - expected
    lines = [Line("cash", n, off), Line("difference", n, -off)]
    await post(connection, Entry(f"{cause}/difference", "shift-difference", cause, shift.facility, lines, by, reason), now)
    lines = [Line("safe", "", total), Line("cash", n, -total)]
    await post(connection, Entry(f"{cause}/close", "shift-close", cause, shift.facility, lines, by), now)
