"""A second person says yes beside the one who is signed in: by their own login or badge, with their PIN or password. Nobody else's
session begins or ends by it."""

from __future__ import annotations

import re

from longbien.base.db import Row
from longbien.base.errors import Unauthenticated
from longbien.base.words import mark
from longbien.record import trail

from . import accounts, browser, pins, sign_in
from .actor import Actor
from .entry import Entry
from .lines import by
from .peer import Connection
from .roles import Permission

_PIN = re.compile(r"[0-9]{4,8}\Z")
NOT_RIGHT = mark("Name and PIN or password do not belong together, or this person may not confirm it.")


async def second(
    entry: Entry, request: Connection, first: Actor, name: str, secret: str, may: Permission, why: str
) -> Row:  # fmt: skip
    """The account (number, name, role, practitioner ...) of a colleague of `first` at the same facility who holds `may`. `name`: a
    login, or a badge as the reader types it; a PIN counts some hours after a full sign-in, as at the ward's computers. A line of
    the trail either way. Raises Unauthenticated, in the same words whatever is wrong; TooMany (passwords)."""
    entry.own(request)
    row = await _named(entry, name)
    other = row if row is not None and _fit(row, first, may) else None
    pin = _PIN.match(secret) is not None
    right = await (_pin(entry, other, secret) if pin else _password(entry, request, other, name, secret))
    if not right or other is None:
        if row is not None:
            await entry.refused(request, row["number"], f"second person: {why}")
        raise Unauthenticated(NOT_RIGHT)
    scope = by(other["number"], address=entry.where(request).address)
    await entry.engine.trail.write([trail.line(scope, "sign-in", why=f"second person: {why}")])
    return other


def _fit(row: Row, first: Actor, may: Permission) -> bool:
    """Somebody else, of the same facility, whose work it is."""
    return row["number"] != first.number and row["organization"] == first.organization and row["role"] in may.roles


async def _named(entry: Entry, name: str) -> Row | None:
    number = await pins.whose(entry.engine.db, entry.seal, name.strip())
    if number is None:
        found = await accounts.by_login(entry.engine.db, name.strip().lower()[:100])
        number = found["number"] if found is not None else None
    if number is None:
        return None
    try:
        return await entry.account(number)
    except Unauthenticated:
        return None


async def _pin(entry: Entry, row: Row | None, pin: str) -> bool:
    usable = row is not None and row["lately"]
    return await pins.right(entry.engine.db, entry.hasher, row["number"] if usable and row else None, pin, entry.settings.pin_tries)


async def _password(entry: Entry, request: Connection, row: Row | None, name: str, password: str) -> bool:
    where = entry.where(request)
    here = browser.of(request, secure=where.secure)
    login = row["login"] if row is not None else name
    try:
        found = await sign_in.check(
            entry.engine, entry.hasher, entry.knocks, entry.settings, login, password, where.address, here
        )  # fmt: skip
    except Unauthenticated:  # counted and noted there
        return False
    return row is not None and bool(found["number"] == row["number"])
