"""Calling out: HTTP to addresses that somebody else gave (a subscription's endpoint, the files of an import).

Who gives an address must not be able to make this server speak to its own network for him. So: http and https only; every name is
resolved here and the address connected to is the one that was looked at; private and loopback networks never, except for hosts that
the setting lists; no redirect is followed; answers are read up to a limit and within a time; certificates are checked."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpcore

from .config import Settings, setting
from .errors import Invalid, LongbienError, Unavailable

MOST_ANSWER = 64 * 1024
"""Bytes of an answer that are read; the rest says nothing that we need."""
LONGEST_URL = 2000


class OutsideSettings(Settings):
    hosts: str = setting(
        "LONGBIEN_OUTSIDE_HOSTS",
        "",
        "Hosts that subscriptions and imports may call, comma between: a name, *.name, an address or a network, each with :port if "
        "wanted. Listed hosts may be private and may be http. Empty: every public host, by https only.",
    )


class Refused(LongbienError):
    """This address is not called from here."""

    status = 400
    code = "business-rule"


class Reply(NamedTuple):
    """headers: lower-case names. body: the first MOST_ANSWER bytes."""

    status: int
    headers: dict[str, str]
    body: bytes


class _Rule(NamedTuple):
    """One listed host: a name ('*.x' for what is below it) or a network, and the port (None: any)."""

    name: str
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None
    port: int | None


def rules(text: str) -> tuple[_Rule, ...]:
    """Raises Invalid for what is no host."""
    return tuple(_rule(part.strip()) for part in text.split(",") if part.strip())


def _rule(text: str) -> _Rule:
    host, port = text, None
    head, colon, tail = text.rpartition(":")
    if colon and tail.isdigit() and (":" not in head or head.endswith("]")):
        host, port = head, int(tail)
    host = host.strip("[]").lower()
    try:
        return _Rule(host, ipaddress.ip_network(host, strict=False), port)
    except ValueError:
        pass
    if not host or "/" in host or not all(c.isalnum() or c in "-._*" for c in host) or "*" in host.removeprefix("*."):
        raise Invalid(f"LONGBIEN_OUTSIDE_HOSTS: {text[:100]!r} is no host, *.host, address or network.")
    return _Rule(host, None, port)


class Outside:
    """One per process; close it. `request` raises Refused (never called), Unavailable (called without success)."""

    def __init__(self, settings: OutsideSettings | None = None):
        self.listed = rules((settings or OutsideSettings.read()).hosts)
        self._backend = _Backend(self)
        self._pool: httpcore.AsyncConnectionPool | None = None

    async def close(self) -> None:
        if self._pool is not None:
            await self._pool.aclose()

    def check(self, url: str) -> tuple[str, int]:
        """(host, port) of an address that could be called; what its name leads to is looked at on every call. Raises Refused."""
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower().rstrip("."), parts.port
        except ValueError:
            raise Refused("The address cannot be read.") from None
        if (
            parts.scheme not in ("http", "https")
            or not host
            or len(url) > LONGEST_URL
            or not url.isascii()
            or not url.isprintable()
        ):
            raise Refused("The address must be an absolute http or https URL of plain letters.")
        if " " in url or "\\" in url or parts.username is not None or parts.password is not None or parts.fragment:
            raise Refused("The address must hold no blanks, no user or password and no fragment.")
        port = port or (443 if parts.scheme == "https" else 80)
        known = self._names(host, port) or self._addresses(_literal(host), port)
        if self.listed and not known and not any(r.network for r in self.listed):
            raise Refused(f"{host} is not among the hosts that this server may call.")
        if parts.scheme == "http" and not known and not (self.listed and any(r.network for r in self.listed)):
            raise Refused("The address must be https: only listed hosts may be called by http.")
        if (address := _literal(host)) and not self.allowed(host, address, port):
            raise Refused(f"{host} is not an address that this server may call.")
        return host, port

    async def look(self, url: str) -> None:
        """Whether the address leads anywhere that may be called. Raises Refused; Unavailable when its name is not known."""
        host, port = self.check(url)
        await self.addresses(host, port)

    async def addresses(self, host: str, port: int) -> list[str]:
        """Where a name leads, as far as it may be called."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Unavailable(f"The name {host[:200]} is not known.") from None
        every = list(dict.fromkeys(str(f[4][0]) for f in found))
        allowed = [a for a in every if self.allowed(host, ipaddress.ip_address(a.partition("%")[0]), port)]
        if not allowed:
            raise Refused(f"{host[:200]} leads to an address that this server may not call.")
        return allowed

    def allowed(self, host: str, address: Any, port: int) -> bool:
        if self._names(host, port) or self._addresses(address, port):
            return True
        return not self.listed and public(address)

    def _names(self, host: str, port: int) -> bool:
        return any(
            r.network is None and r.port in (None, port) and (host == r.name or (r.name[:2] == "*." and host.endswith(r.name[1:])))
            for r in self.listed
        )

    def _addresses(self, address: Any, port: int) -> bool:
        return address is not None and any(r.network and r.port in (None, port) and address in r.network for r in self.listed)

    async def request(
        self, method: str, url: str, headers: Sequence[tuple[str, str]] = (), content: bytes = b"", *, seconds: float
    ) -> Reply:
        """One request within `seconds` in all. Any status is a reply; nothing is followed."""
        async with self.stream(method, url, headers, content, seconds=seconds, whole=True) as (status, got, chunks):
            body = b""
            async for chunk in chunks:
                body += chunk
                if len(body) >= MOST_ANSWER:
                    break
            return Reply(status, got, body[:MOST_ANSWER])

    @asynccontextmanager
    async def stream(
        self, method: str, url: str, headers: Sequence[tuple[str, str]] = (), content: bytes = b"", *, seconds: float,
        whole: bool = False,
    ) -> AsyncIterator[tuple[int, dict[str, str], AsyncIterator[bytes]]]:  # fmt: skip
        """(status, headers, body in pieces). `seconds`: for each step; with `whole` for everything together."""
        self.check(url)
        sent = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in headers]
        pace = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        try:
            async with asyncio.timeout(seconds if whole else None):
                async with self._open().stream(method, url, headers=sent, content=content, extensions={"timeout": pace}) as answer:
                    got = {n.decode("latin-1").lower(): v.decode("latin-1") for n, v in answer.headers}
                    yield answer.status, got, answer.aiter_stream()
        except (httpcore.TimeoutException, TimeoutError):
            raise Unavailable(f"No answer within {seconds:g} seconds.") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, OSError, ssl.SSLError) as why:
            raise Unavailable(f"No answer: {type(why).__name__}{_of_tls(why)}.") from None

    def _open(self) -> httpcore.AsyncConnectionPool:
        if self._pool is None:
            self._pool = httpcore.AsyncConnectionPool(
                ssl_context=ssl.create_default_context(), max_connections=1000, max_keepalive_connections=50, keepalive_expiry=15,
                network_backend=self._backend,
            )  # fmt: skip
        return self._pool


def _of_tls(why: BaseException) -> str:
    return " (the certificate is not accepted)" if "CERTIFICATE_VERIFY_FAILED" in str(why) else ""


def _literal(host: str) -> Any:
    """The address that a host is written as; None for a name."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


@lru_cache(1024)
def public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether anybody on the Internet could mean the same host by it."""
    inner = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    if inner is not None:
        return public(inner)
    if address.version == 6 and address in ipaddress.ip_network("64:ff9b::/96"):
        return public(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return address.is_global and not address.is_multicast and not address.is_reserved


class _Backend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were looked at, never to a name (which could lead elsewhere the next time it is asked)."""

    def __init__(self, outside: Outside):
        self._outside = outside
        self._real = httpcore.AnyIOBackend()

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:  # fmt: skip
        last: Exception | None = None
        for address in (await self._outside.addresses(host, port))[:4]:
            try:
                return await self._real.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as why:
                last = why
        raise last or httpcore.ConnectError(f"{host} has no address")

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.UnsupportedProtocol("no sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
