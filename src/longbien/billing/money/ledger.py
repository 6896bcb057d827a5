"""The ledger: entries of lines that sum to zero, whole dong, only ever added to. The database holds all three (migrations/0220): a
deferred constraint the sum, rights and triggers that nothing is changed, a key that each cause is booked once.

Debit is positive, credit negative. A line's subject is what its account is about (tables/accounts.csv): the bill of a receivable,
the visit of a deposit, the notice of money that nobody has explained yet, the shift of cash. What stands on one subject is kept
by the database (money_balance), which refuses a balance on the wrong side: no deposit is used twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from longbien.base import clock
from longbien.base.ids import key64
from longbien.base.sql import queries

Q = queries(__file__, "sql/ledger.sql")


class Line(NamedTuple):
    account: str
    subject: str
    amount: int


@dataclass(frozen=True, slots=True)
class Entry:
    """key: of its cause, booked once. by: the account that did it, 0 the house."""

    key: str
    kind: str
    cause: str
    facility: str
    lines: Sequence[Line]
    by: int = 0
    note: str = ""


async def post(db: Any, entry: Entry, now: datetime) -> int | None:
    """Book it, in the transaction of `db` (a connection, or the database of a Store within); its number, None where its cause was
    booked already. Lines of nothing are left out; an entry of nothing is none. Raises Overtaken where a balance would be on the
    wrong side: somebody else was first."""
    lines = [x for x in entry.lines if x.amount]
    if not lines:
        return None
    columns = ([x.account for x in lines], [x.subject for x in lines], [x.amount for x in lines])
    day = clock.local(now).date()
    number: int | None = await db.fetchval(
        Q.post, entry.key, entry.kind, entry.cause, entry.facility, day, now, entry.by, entry.note[:500], *columns
    )
    return number


async def balance(db: Any, account: str, subject: str) -> int:
    """What stands there: debit positive."""
    return int(await db.fetchval(Q.balance, account, subject) or 0)


def bill_key(invoice: str) -> int:
    """Whoever books something about a bill holds this (record.inside.lock)."""
    return key64(f"money/bill/{invoice}")


def notice_key(notice: int) -> int:
    return key64(f"money/notice/{notice}")


def visit_key(encounter: str) -> int:
    return key64(f"money/visit/{encounter}")
