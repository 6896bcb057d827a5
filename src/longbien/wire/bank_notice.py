"""What a bank or an aggregator says about movements on an account, and how it signs it. Pure.

Our own protocol (documented in docs/howto/payments.md; the bank simulator speaks it):

    POST ...   X-Bank-Timestamp: 1764489600       seconds since 1970, UTC
               X-Bank-Signature: sha256=<hex>     HMAC-SHA256 of "<timestamp>.<body>" with the shared secret
    {"movements": [{"bank": "970415", "account": "113366668888", "id": "FT26334000123", "direction": "in", "amount": 1284500,
                    "at": "2026-11-30T09:15:02+07:00", "text": "LB7K2M9QXT4A", "payer": "NGUYEN THI LUA"}]}

`id` is the bank's own number of the movement: told twice, it is one movement."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from longbien.base.errors import Invalid, Unauthenticated

HANOI = timezone(timedelta(hours=7))
MOST_MOVEMENTS = 500
MOST_AMOUNT = 10**13


@dataclass(frozen=True, slots=True)
class Movement:
    """One movement: amount in whole dong, into the account positive, out of it negative; ref: the bank's own number."""

    bin: str
    account: str
    ref: str
    amount: int
    at: datetime
    text: str
    payer: str = ""


def signature(secret: str, timestamp: str, body: bytes) -> str:
    made = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return "sha256=" + made.hexdigest()


def check(secret: str, timestamp: str, given: str, body: bytes, now: datetime, window: float) -> None:
    """Raises Unauthenticated for a signature that is not of this secret, this body and this time, or is too old or too early."""
    if not secret or len(secret) < 32:
        raise Unauthenticated("Bank notifications are not set up here.")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise Unauthenticated("The notification has no timestamp.")
    if not hmac.compare_digest(signature(secret, timestamp, body).encode(), given.encode()):
        raise Unauthenticated("The signature of this notification is wrong.")
    if abs(now.timestamp() - int(timestamp)) > window:
        raise Unauthenticated("This notification is too old, or its clock is wrong.")


def write(movements: Iterable[Movement]) -> bytes:
    rows = [
        {
            "bank": m.bin,
            "account": m.account,
            "id": m.ref,
            "direction": "in" if m.amount > 0 else "out",
            "amount": abs(m.amount),
            "at": m.at.isoformat(),
            "text": m.text,
            "payer": m.payer,
        }
        for m in movements
    ]
    return json.dumps({"movements": rows}, ensure_ascii=False).encode()


def read(body: bytes) -> list[Movement]:
    """Raises Invalid naming what is wrong and where."""
    said = loads(body)
    rows = said.get("movements") if isinstance(said, dict) else None
    if not isinstance(rows, list) or len(rows) > MOST_MOVEMENTS:
        raise Invalid(f"A notification holds a list of at most {MOST_MOVEMENTS} movements.", code="structure")
    return [_movement(row, f"movements[{n}]") for n, row in enumerate(rows)]


def _movement(row: Any, where: str) -> Movement:
    if not isinstance(row, dict):
        raise Invalid(f"{where} is no movement.", code="structure")
    if row.get("direction") not in ("in", "out"):
        raise Invalid(f"{where}.direction must be in or out.", code="value")
    amount = whole(row.get("amount"), f"{where}.amount")
    return Movement(
        text(row, "bank", where, 6),
        text(row, "account", where, 40),
        text(row, "id", where, 100),
        amount if row["direction"] == "in" else -amount,
        moment(row.get("at"), f"{where}.at"),
        text(row, "text", where, 1000, empty=True),
        text(row, "payer", where, 200, empty=True),
    )


def loads(body: bytes) -> Any:
    """JSON of a stranger: UTF-8 (a byte order mark is passed over), no NaN, no number with a point as money, a limit of depth.
    Raises Invalid."""

    def refuse(what: str) -> Any:
        raise ValueError(f"{what} is no amount")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            raise ValueError("a name stands twice")
        return made

    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=refuse, parse_float=str, object_pairs_hook=once)
    except (ValueError, RecursionError) as why:
        raise Invalid(f"This is no JSON that can be read: {str(why)[:100]}", code="structure") from None


def whole(value: Any, where: str) -> int:
    """A whole number of dong above nothing. Raises Invalid."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < MOST_AMOUNT:
        raise Invalid(f"{where} must be a whole number of dong.", code="value")
    return value


def text(row: dict[str, Any], name: str, where: str, most: int, *, empty: bool = False) -> str:
    value = row.get(name, "") if empty else row.get(name)
    if value is None and empty:
        value = ""
    if not isinstance(value, str) or len(value) > most or not storable(value) or not (value.strip() or empty):
        raise Invalid(f"{where}.{name} must be text of at most {most} characters.", code="value")
    return value.strip()


def storable(value: str) -> bool:
    """No NUL and no half of a surrogate pair (JSON can write both): no database keeps them."""
    return "\0" not in value and not any("\ud800" <= c <= "\udfff" for c in value)


def moment(value: Any, where: str) -> datetime:
    """An ISO 8601 moment; without a zone it is Hanoi's. Raises Invalid."""
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Invalid(f"{where} must be a moment such as 2026-11-30T09:15:02+07:00.", code="value") from None
    at = at if at.tzinfo else at.replace(tzinfo=HANOI)
    if not datetime(2000, 1, 1, tzinfo=UTC) < at < datetime(2200, 1, 1, tzinfo=UTC):
        raise Invalid(f"{where} is no day of this century.", code="value")
    return at
