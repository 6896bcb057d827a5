"""Signing in with a password. An unknown login costs the same time and gets the same words as a wrong password."""

from __future__ import annotations

from longbien.base.db import Row
from longbien.base.errors import TooMany, Unauthenticated
from longbien.base.sql import queries
from longbien.record import trail
from longbien.record.engine import Engine

from . import accounts, passwords, throttle
from .lines import Knocks, by
from .passwords import Hasher
from .settings import AccessSettings

Q = queries(__file__, "sql/access.sql")


async def check(
    engine: Engine, hasher: Hasher, knocks: Knocks, settings: AccessSettings, login: str, password: str, address: str | None,
    browser: bytes | None = None,
) -> Row:  # fmt: skip
    """The account whose login and password these are. `browser`: the hash of the browser's own cookie. Raises Unauthenticated
    with the number of tries left, TooMany with the seconds to wait."""
    asked = login.strip().lower()[:100].replace("\0", "").encode("utf-8", "replace").decode()
    keys = throttle.keys(asked, address, settings, await throttle.known(engine.db, asked, browser, address))
    try:
        left = await throttle.count(engine.db, keys, settings.longest_wait)
    except TooMany:
        knocks.note(address, "sign-in while made to wait")
        raise
    row = await accounts.by_login(engine.db, asked)
    usable = row is not None and row["kind"] == "person" and not row["disabled"] and _demo(row, password, settings)
    right = await hasher.verify(row["password"] if row is not None and usable else None, password)
    if row is None or not right:
        await _refused(engine, row, address)
        raise Unauthenticated(f"Login or password is wrong. {_tries(left)}")
    await throttle.forgive(engine.db, keys)
    if hasher.old(row["password"]):
        await engine.db.execute("UPDATE account SET password = $2 WHERE number = $1", row["number"], await hasher.hash(password))
    return row


def _demo(row: Row, password: str, settings: AccessSettings) -> bool:
    """The demo's accounts come in where the demo is wanted; its password opens nobody else's account."""
    return settings.demo if row["demo"] else not passwords.of_demo(password)


def _tries(left: int) -> str:
    if left <= 0:
        return "The next try has to wait."
    return f"{left} {'try' if left == 1 else 'tries'} left before a wait."


async def _refused(engine: Engine, row: Row | None, address: str | None) -> None:
    """The login as typed is never kept: people type passwords there."""
    if row is None:
        why = "unknown login"
    elif row["kind"] != "person":
        why = "no person's account"
    elif row["disabled"]:
        why = "the account is disabled"
    else:
        why = "wrong password"
    scope = by(row["number"] if row is not None else -1, address=address)
    await engine.trail.write([trail.line(scope, "sign-in", outcome=trail.REFUSED, why=why)])
