"""Wrong passwords make the next try wait: twice as long each time. Counted in the database, so for all processes together, by three
keys: login and address together (few tries), login (more: somebody guesses from many places), address (many: a hospital may stand
behind one). A try is counted before the password is looked at, so that many tries at once gain nothing."""

from __future__ import annotations

import hashlib
import ipaddress
from typing import NamedTuple

from longbien.base.db import Database
from longbien.base.errors import TooMany
from longbien.base.sql import queries

from .settings import AccessSettings

Q = queries(__file__, "sql/access.sql")
FORGOTTEN = 86400
"""Seconds after which a row of the past is removed."""


class Key(NamedTuple):
    hash: bytes
    free: int


def keys(login: str, address: str | None, settings: AccessSettings) -> list[Key]:
    def key(*parts: str) -> bytes:
        return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).digest()[:16]

    where = _network(address or "-")
    return [
        Key(key("pair", login, where), settings.free_tries),
        Key(key("login", login), settings.free_tries_login),
        Key(key("address", where), settings.free_tries_address),
    ]


def _network(address: str) -> str:
    """Of an IPv6 address its /64: one customer has them all, and would have a fresh address for every try."""
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    return str(parsed.ipv4_mapped or ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))


async def count(db: Database, asked: list[Key], longest: int) -> int:
    """Count one try under every key; give how many are left before the first wait. Raises TooMany while a wait runs."""
    left = 1_000_000
    for key in asked:
        row = await db.fetchrow(Q.throttle_count, key.hash, key.free, longest)
        if row is None:
            wait = await db.fetchval(Q.throttle_wait, key.hash) or 1
            raise TooMany(f"Too many wrong passwords. Try again in {_words(wait)}.", int(wait))
        left = min(left, key.free - row["failures"])
    return max(left, 0)


async def forgive(db: Database, asked: list[Key]) -> None:
    """After the right password: the pair starts anew, the others lose this try."""
    await db.execute(Q.throttle_forgive, [asked[0].hash], [k.hash for k in asked[1:]])


async def clean(db: Database) -> None:
    await db.execute(Q.throttle_clean, FORGOTTEN)


def _words(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 120 else f"{round(seconds / 60)} minutes"
