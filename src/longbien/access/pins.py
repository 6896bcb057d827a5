"""Badges and PINs, for the shared computers of a ward: who signed in fully within the shift comes back by a tap and a short
number.

A reader types the card's number like a keyboard. The number can be copied and the PIN is short, so both together open only what
somebody opened with their full credentials some hours before, and only at a computer that the facility's people came in
from."""

from __future__ import annotations

import re

from longbien.base.db import Database
from longbien.base.errors import Conflict, Invalid
from longbien.base.sql import queries

from .passwords import Hasher
from .sealed import Seal

Q = queries(__file__, "sql/sign_in.sql")
_CARD = re.compile(r"[0-9A-Za-z:._-]{6,64}\Z")
_PIN = re.compile(r"[0-9]{4,8}\Z")
MOST = 3
"""Badges of one account."""


async def set_pin(db: Database, hasher: Hasher, account: int, pin: str) -> None:
    """Raises Invalid: 4 to 8 digits, not all alike and no run."""
    if not _PIN.match(pin) or not pin.isascii():
        raise Invalid("A PIN has 4 to 8 digits.", code="value")
    if len(set(pin)) == 1 or pin in "01234567890" or pin in "09876543210":
        raise Invalid("This PIN is among the first that anybody tries.", code="value")
    await db.execute(Q.pin_set, account, await hasher.hash(pin))


async def right(db: Database, hasher: Hasher, account: int | None, pin: str, tries: int) -> bool:
    """Whether this is the account's PIN; wrong ones are counted, and after `tries` none is right any more. An account that is
    not there, or has none, costs the same time."""
    stored: str | None = await db.fetchval(Q.pin_count, account, tries) if account is not None else None
    good = await hasher.verify(stored, pin[:8])
    if good:
        await db.execute(Q.pin_right, account)
    return good


async def add_badge(db: Database, seal: Seal, account: int, card: str) -> None:
    """Raises Invalid, Conflict (somebody else's, or too many)."""
    if not _CARD.match(card):
        raise Invalid("Tap the badge on the reader: its number has 6 to 64 letters and digits.", code="value")
    hashed = seal.hashes(card)
    for known in hashed[1:]:
        if await db.fetchval(Q.badge_whose, known) is not None:
            raise Conflict("This badge belongs to an account already.", code="duplicate")
    if not await db.fetchval(Q.badge_new, hashed[0], account):
        raise Conflict("This badge belongs to an account already.", code="duplicate")


async def whose(db: Database, seal: Seal, card: str) -> int | None:
    """The live account of a badge."""
    if not _CARD.match(card):
        return None
    for known in seal.hashes(card):
        account: int | None = await db.fetchval(Q.badge_whose, known)
        if account is not None:
            return account
    return None


async def remove(db: Database, account: int) -> None:
    await db.execute(Q.badge_drop, account)
    await db.execute(Q.pin_drop, account)
