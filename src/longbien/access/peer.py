"""Where a connection comes from: the address, whether it is https, whether a browser sent it from our own pages.

Works on an ASGI scope; Starlette's Request and WebSocket are mappings of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from longbien.base.errors import Invalid

Connection = Mapping[str, Any]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Peer(NamedTuple):
    address: str | None
    secure: bool


def networks(text: str) -> tuple[Network, ...]:
    """`10.0.0.0/8, ::1`. Raises Invalid."""
    try:
        return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())
    except ValueError as why:
        raise Invalid(f"LONGBIEN_TRUSTED_PROXIES={text!r} cannot be used: {why}") from None


def header(connection: Connection, name: bytes) -> str | None:
    """The first header of this (lower-case) name."""
    for key, value in connection["headers"]:
        if key == name:
            return bytes(value).decode("latin-1")
    return None


def _all(connection: Connection, name: bytes) -> str:
    return ",".join(bytes(v).decode("latin-1") for k, v in connection["headers"] if k == name)


def cookie(connection: Connection, name: str) -> str | None:
    for part in _all(connection, b"cookie").replace(",", ";").split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value.strip('"') or None
    return None


def inside(address: str, trusted: tuple[Network, ...]) -> bool:
    """Whether an address lies in one of these networks."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in trusted)


def peer(connection: Connection, trusted: tuple[Network, ...]) -> Peer:
    """The nearest address that is not a trusted proxy. What an untrusted one says about others is not believed."""
    client = connection.get("client")
    address: str | None = client[0] if client else None
    secure = connection.get("scheme", "http") in ("https", "wss")
    if not trusted or address is None or not inside(address, trusted):
        return Peer(address, secure)
    hops = [hop.strip().strip('"') for hop in _all(connection, b"x-forwarded-for").split(",") if hop.strip()]
    while hops:
        hop = hops.pop()
        try:
            address = str(ipaddress.ip_address(hop))
        except ValueError:
            break
        if not inside(address, trusted):
            break
    proto = _all(connection, b"x-forwarded-proto").split(",")[-1].strip().lower()
    return Peer(address, secure if not proto else proto in ("https", "wss"))


def own_page(connection: Connection) -> bool | None:
    """Whether a page of this very site sent the request, as the browser says; None when it does not say."""
    site = header(connection, b"sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = header(connection, b"origin")
    if origin is None:
        return None
    try:
        return urlsplit(origin).netloc.lower() == (header(connection, b"host") or "").lower() != ""
    except ValueError:  # no browser sends such a thing
        return False


VIA = "longbien.via_proxy"


def unveiled(scope: Any, trusted: tuple[Network, ...]) -> None:
    """Put into an ASGI scope whom a trusted proxy speaks for (client, scheme), and that it did: only then a certificate that stands
    in a header is believed."""
    client = scope.get("client")
    if not trusted or not client or not inside(client[0], trusted):
        return
    found = peer(scope, trusted)
    scope[VIA] = True
    scope["client"] = (found.address, client[1])
    if found.secure:
        scope["scheme"] = "wss" if scope["type"] == "websocket" else "https"
