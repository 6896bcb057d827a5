"""Wrong passwords make the next try wait: twice as long each time. Counted in the database, so for all processes together, by
three keys: login and address together (few tries), login (more: somebody guesses from many places), address (many: a hospital
may stand behind one). A try is counted before the password is looked at, so that many tries at once gain nothing.

Where somebody came in from before, by browser or by network, only the tries from there count: whoever guesses a doctor's
password from elsewhere does not keep the doctor out. A passkey is not guessed and never waits."""

from __future__ import annotations

import hashlib
import ipaddress
from typing import NamedTuple

from longbien.base.db import Database
from longbien.base.errors import TooMany
from longbien.base.sql import queries

from .settings import AccessSettings

Q = queries(__file__, "sql/access.sql")
S = queries(__file__, "sql/sign_in.sql")
FORGOTTEN = 86400
"""Seconds after which a row of the past is removed."""


class Key(NamedTuple):
    hash: bytes
    free: int


def _key(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).digest()[:16]


def keys(login: str, address: str | None, settings: AccessSettings, known: bytes | None = None) -> list[Key]:
    """`known`: the hash of the browser or network that this login came in from before."""
    if known is not None:
        return [Key(_key("known", login, known.hex()), settings.free_tries)]
    where = _network(address or "-")
    return [
        Key(_key("pair", login, where), settings.free_tries),
        Key(_key("login", login), settings.free_tries_login),
        Key(_key("address", where), settings.free_tries_address),
    ]


def code_keys(account: int, browser: bytes | None, settings: AccessSettings) -> list[Key]:
    """For one-time codes: those who come here know the password already."""
    return [Key(_key("code", str(account), browser.hex() if browser else "-"), settings.free_tries),
            Key(_key("codes", str(account)), settings.free_tries_login)]  # fmt: skip


def network(address: str | None) -> bytes:
    """The hash by which the network of an address is known again."""
    return hashlib.sha256(b"network " + _network(address or "-").encode()).digest()


async def known(db: Database, login: str, browser: bytes | None, address: str | None) -> bytes | None:
    """The browser, else the network, that this login came in from before."""
    asked = [h for h in (browser, network(address)) if h is not None]
    found = {bytes(row["hash"]) for row in await db.fetch(S.known_of, login, asked)}
    return next((h for h in asked if h in found), None)


async def remember(db: Database, account: int, browser: bytes | None, address: str | None) -> None:
    await db.execute(S.known_add, account, [h for h in (browser, network(address)) if h is not None])


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
    """After the right password: the first starts anew, the others lose this try."""
    await db.execute(Q.throttle_forgive, [asked[0].hash], [k.hash for k in asked[1:]])


async def clean(db: Database) -> None:
    await db.execute(Q.throttle_clean, FORGOTTEN)


def _words(seconds: int) -> str:
    return f"{seconds} seconds" if seconds < 120 else f"{round(seconds / 60)} minutes"
