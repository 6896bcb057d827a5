"""Bearer tokens of machines. Shown once when made; the database keeps only the hash."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence

from longbien.base.db import Database, Row
from longbien.base.errors import Forbidden, Invalid, NotFound
from longbien.base.sql import queries
from longbien.record import trail
from longbien.record.engine import Engine

from . import smart
from .lines import by
from .sessions import digest

Q = queries(__file__, "sql/access.sql")
PREFIX = "lb_"
EVERYTHING = "system/*.*"
SENDING = "system/Claim.c"
"""What stands on the token of a sender; its role opens nothing, so that at the FHIR door it may do nothing."""


async def create_token(
    engine: Engine, name: str, scope: str = EVERYTHING, hours: float | None = None, *, by_account: int = 0
) -> str:
    """A token for the machine called `name` (its account is made when there is none). `hours` None: until revoked. Audited.
    Raises Invalid (name, scope or hours), Forbidden (the machine's account is disabled)."""
    shown = " ".join(name.split())
    if not 1 <= len(shown) <= 100 or not shown.isprintable():
        raise Invalid("A token needs a name of 1 to 100 characters.", code="value")
    if hours is not None and not 0 < hours <= 24 * 3660:
        raise Invalid("A token's hours must be more than 0 and at most ten years.", code="value")
    smart.machine(scope)
    login = "machine:" + re.sub(r"\s", "-", shown.lower())[:90]
    account = await engine.db.fetchrow(Q.machine_ensure, login, shown)
    if account is None or account["disabled"]:
        raise Forbidden(f"The account of {shown!r} is disabled.")
    token = PREFIX + secrets.token_urlsafe(32)
    number = await engine.db.fetchval(
        Q.token_new, digest(token), account["number"], " ".join(scope.split()), None if hours is None else hours * 3600
    )
    await engine.trail.write(
        [trail.line(by(by_account), "token", why=f"token {number} made for account {account['number']}: {scope}")]
    )
    return token


async def tokens(db: Database) -> Sequence[Row]:
    """Newest first: number, name, scope, created, expires, revoked."""
    return await db.fetch(Q.token_list)


async def revoke(engine: Engine, number: int, *, by_account: int = 0) -> None:
    """Works in every process within a second. Raises NotFound."""
    if await engine.db.fetchval(Q.token_revoke, number) is None:
        raise NotFound(f"There is no live token {number}.")
    await engine.trail.write([trail.line(by(by_account), "token", why=f"token {number} revoked")])


async def sender_account(engine: Engine, login: str, name: str, facility: str) -> int:
    """The account of a hospital's own system that sends claims for this facility (an Organization's id); its number. Its role
    opens no record. Raises Forbidden (it is disabled)."""
    account = await engine.db.fetchrow(Q.sender_account, f"machine:axis:{login}", name[:200], facility)
    if account is None or account["disabled"]:
        raise Forbidden(f"The account of {login!r} is disabled.")
    return int(account["number"])


async def sender_token(engine: Engine, account: int, seconds: float, address: str | None) -> str:
    """A token for such a system, good for so long. Its role decides what it may: to send. Audited."""
    token = PREFIX + secrets.token_urlsafe(32)
    number = await engine.db.fetchval(Q.token_new, digest(token), account, SENDING, seconds)
    line = trail.line(by(account, address=address), "token", why=f"token {number} taken to send claims")
    await engine.trail.write([line])
    return token
