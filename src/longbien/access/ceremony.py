"""A step of coming in that is not finished: a passkey's challenge, a provider's state, a password that still wants its code. It
is found by a secret that comes back, in the browser that began it, once and in time."""

from __future__ import annotations

import json
import secrets
from typing import Any, NamedTuple

from longbien.base.db import Database
from longbien.base.errors import Unauthenticated
from longbien.base.sql import queries

from .sessions import digest

Q = queries(__file__, "sql/sign_in.sql")
SECONDS = 600


class Step(NamedTuple):
    account: int | None
    data: dict[str, Any]


async def begin(
    db: Database, kind: str, browser: bytes | None, *, account: int | None = None, data: dict[str, Any] | None = None,
    secret: str | None = None, seconds: float = SECONDS,
) -> str:  # fmt: skip
    """Gives the secret by which the step is found again."""
    made = secret or secrets.token_urlsafe(32)
    await db.fetchval(Q.ceremony_new, digest(made), kind, browser, account, json.dumps(data or {}), seconds)
    return made


async def take(db: Database, kind: str, browser: bytes | None, secret: str) -> Step:
    """Raises Unauthenticated: over, used already, or begun elsewhere."""
    row = await db.fetchrow(Q.ceremony_take, digest(secret), kind, browser)
    if row is None or not row["good"]:
        raise Unauthenticated("This took too long, or was begun elsewhere. Begin again.")
    return Step(row["account"], json.loads(row["data"]))


async def look(db: Database, kind: str, browser: bytes | None, secret: str) -> Step:
    """Without using it up. Raises as take does."""
    row = await db.fetchrow(Q.ceremony_look, digest(secret), kind, browser)
    if row is None:
        raise Unauthenticated("This took too long, or was begun elsewhere. Begin again.")
    return Step(row["account"], json.loads(row["data"]))


async def tried(db: Database, secret: str) -> int:
    """Count a wrong try; gives how many there were."""
    count: int | None = await db.fetchval(Q.ceremony_tried, digest(secret))
    return count or 0


async def once(db: Database, kind: str, name: str, seconds: float) -> bool:
    """Whether this name was not seen before (within `seconds`)."""
    return bool(await db.fetchval(Q.ceremony_new, digest(f"{kind} {name}"), kind, None, None, "{}", seconds))


async def clean(db: Database) -> None:
    await db.execute(Q.ceremony_clean)
    await db.execute(Q.known_clean)
