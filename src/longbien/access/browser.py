"""The browser's own cookie: 256 random bits that say nothing of anybody. It binds what is begun here (a challenge, a provider's
answer) to the browser that began it, and it is how a computer is known again that somebody came in from before."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from . import peer
from .peer import Connection
from .sessions import digest

YEAR = 365 * 86400


class Browser(NamedTuple):
    """hash: what is kept of it. set_cookie: to be sent as Set-Cookie when it is new (None: the browser has it)."""

    hash: bytes
    set_cookie: str | None


def _name(secure: bool) -> str:
    return "__Host-longbien-browser" if secure else "longbien-browser"


def of(request: Connection, *, secure: bool) -> bytes | None:
    """The hash of this browser's cookie, when it has one."""
    secret = peer.cookie(request, _name(secure))
    return digest("browser " + secret) if secret and 40 <= len(secret) <= 64 else None


def known_or_new(request: Connection, *, secure: bool) -> Browser:
    there = of(request, secure=secure)
    if there is not None:
        return Browser(there, None)
    secret = secrets.token_urlsafe(32)
    cookie = f"{_name(secure)}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={YEAR}" + ("; Secure" if secure else "")
    return Browser(digest("browser " + secret), cookie)
