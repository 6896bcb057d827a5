"""What stands before every door, whatever is behind it: headers that every answer carries, and how fast one client may ask.

    shield = Shield(settings)
    send = shield.guarded(scope, send)       # the answer gets what it has not said itself
    wait = shield.wait(scope)                # seconds; the roof answers 429

A page says more exact things itself (web.render.HEADERS); what is set here is for answers that no browser should show as a page:
FHIR, files, streams, errors of the server. https://owasp.org/www-project-secure-headers/"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

from longbien.base.config import Settings, setting

from . import peer
from .limits import Credential, Limits
from .sessions import cookie_name

Send = Callable[[Any], Awaitable[None]]

HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    (b"cache-control", b"no-store"),
)
"""For what an answer does not say itself."""
_TRANSPORT = b"strict-transport-security"
_COOKIES = tuple(f"{cookie_name(secure)}=".encode() for secure in (True, False))


class ShieldSettings(Settings):
    hsts: int = setting(
        "LONGBIEN_HSTS_SECONDS",
        63_072_000,
        "Seconds for which browsers that came by https shall use nothing else (Strict-Transport-Security); 0: not said.",
    )


class Shield:
    """One per process. `proxies`: LONGBIEN_TRUSTED_PROXIES."""

    def __init__(self, proxies: str = "", settings: ShieldSettings | None = None, limits: Limits | None = None):
        self._proxies = peer.networks(proxies)
        self.limits = limits or Limits()
        seconds = (settings or ShieldSettings.read()).hsts
        secure = ((_TRANSPORT, b"max-age=%d; includeSubDomains" % seconds),) if seconds > 0 else ()
        self._plain = HEADERS
        self._secure = (*HEADERS, *secure)

    def guarded(self, scope: Any, send: Send) -> Send:
        """`send`, with the headers that the answer lacks."""
        secure = peer.peer(scope, self._proxies).secure if self._proxies else scope.get("scheme") == "https"
        wanted = self._secure if secure else self._plain

        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                given = message["headers"] = list(message.get("headers", ()))
                said = {name for name, _ in given}  # lower case, as ASGI has it
                given += [pair for pair in wanted if pair[0] not in said]
            await send(message)

        return guarded

    def address(self, scope: Any) -> str | None:
        if self._proxies:
            return peer.peer(scope, self._proxies).address
        client = scope.get("client")
        return client[0] if client else None

    def wait(self, scope: Any) -> float:
        """Seconds until this client may ask again; 0.0: now."""
        return self.limits.take(self.address(scope), _credential(scope["headers"]), time.monotonic())


def _credential(headers: Any) -> Credential | None:
    """The bearer token or the session's cookie, as it came. A bearer token wins, as it does at the door."""
    found: Credential | None = None
    for name, value in headers:
        if name == b"authorization":
            return Credential(value[:200], True)
        if name == b"cookie" and found is None:
            for start in _COOKIES:
                at = value.find(start)
                if at >= 0:
                    found = Credential(value[at : at + 80].partition(b";")[0], False)
                    break
    return found
