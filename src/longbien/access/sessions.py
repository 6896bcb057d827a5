"""Sessions of people. The cookie holds 256 random bits; the database only their hash."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import NamedTuple

from longbien.base.db import Database, Row
from longbien.base.sql import queries

from .actor import Actor
from .settings import AccessSettings

Q = queries(__file__, "sql/access.sql")
S = queries(__file__, "sql/sign_in.sql")


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def csrf(secret: str) -> str:
    """The form token that belongs to a session: known only to who holds the cookie, and the cookie cannot be told from it."""
    return hashlib.sha256(b"csrf " + secret.encode("utf-8", "replace")).hexdigest()[:43]


def cookie_name(secure: bool) -> str:
    return "__Host-longbien" if secure else "longbien"


def cookie(secret: str, *, secure: bool, seconds: int) -> str:
    """The value of Set-Cookie. seconds 0 removes it."""
    return f"{cookie_name(secure)}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}" + ("; Secure" if secure else "")


class Came(NamedTuple):
    """How a session was begun. method: one of actor.METHODS; factors: how many were shown, 0 when one must be set up first;
    provider, subject, sid: of an identity provider, which may end the session."""

    method: str
    factors: int
    browser: bytes | None = None
    provider: str | None = None
    subject: str | None = None
    sid: str | None = None
    id_token: bytes | None = None
    """What the provider said, sealed: shown to it again at the end."""


async def begin(db: Database, account: int, came: Came, settings: AccessSettings, address: str | None, agent: str | None) -> str:
    """A new session; gives the secret for the cookie."""
    secret = secrets.token_urlsafe(32)
    shown = (agent or "").replace("\0", "")[:300].encode("utf-8", "replace").decode()
    await db.execute(
        S.session_begin, digest(secret), account, settings.session_hours * 3600, address, shown, came.method, came.factors,
        came.browser, came.provider, came.subject, came.sid, came.id_token,
    )  # fmt: skip
    return secret


async def end(db: Database, secret: str) -> Row | None:
    """End it; gives what it was (account, provider, subject, id_token), or None when there was no such session."""
    return await db.fetchrow(S.session_gone, digest(secret))


async def of(db: Database, actor: Actor, settings: AccessSettings, this: str | None = None) -> Sequence[Row]:
    """The open sessions of this actor: key, created, seen, expires, address, agent, method, factors, locked, this."""
    return await db.fetch(S.session_listed, actor.number, settings.idle_minutes * 60, digest(this) if this else b"")


async def end_one(db: Database, actor: Actor, key: str) -> bytes | None:
    """End another session of one's own, by its key in `of`; gives its digest when there was one."""
    gone: bytes | None = await db.fetchval(S.session_end_listed, actor.number, key)
    return gone


async def end_all(db: Database, account: int, but: str | None = None) -> None:
    """End every session of an account, except the one with this secret."""
    await db.execute(Q.session_end_all, account, digest(but) if but else b"")


async def clean(db: Database, settings: AccessSettings) -> None:
    """Remove what has expired."""
    await db.execute(Q.session_clean, settings.idle_minutes * 60)
