"""How fast one client may ask: a bucket of requests that fills again with time, in this process's memory.

    wait = limits.take(address, credential, now)      # 0, or the whole seconds until the next request has a place

A request takes one from the bucket of its credential (the session's cookie, the bearer token) and one from the bucket of its
address; who sends no credential, or a new one with every request, has the address alone. A whole hospital may stand behind one
address, so that one is large. Memory is bounded: past MOST clients the one that was silent longest is forgotten, which gives it a
full bucket again and takes nothing from anybody. A machine of this house's own (loopback) is not counted as an address: a proxy
there stands for all."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import NamedTuple

from longbien.base.config import Settings, setting

MOST = 20_000
"""Buckets of each kind that one process keeps: a few megabytes."""


class LimitSettings(Settings):
    person: float = setting(
        "LONGBIEN_RATE_SESSION", 50.0, "Requests a second that one sign-in may send to one web process, lastingly; 0: no limit."
    )
    machine: float = setting(
        "LONGBIEN_RATE_TOKEN", 2000.0, "The same for one bearer token. Hospitals' systems send in bursts: see LONGBIEN_RATE_BURST."
    )
    address: float = setting(
        "LONGBIEN_RATE_ADDRESS", 4000.0, "The same for one address (IPv6: its /64), whoever asks; a hospital may stand behind one."
    )
    burst: float = setting(
        "LONGBIEN_RATE_BURST", 20.0, "Seconds of its rate that a client who was silent may send at once, before the limit holds."
    )


class Buckets:
    """One kind of client. rate: requests a second; size: what a full bucket holds."""

    def __init__(self, rate: float, burst: float, most: int = MOST):
        self.rate, self.size, self.most = rate, max(1.0, rate * burst), most
        self._full_at: dict[bytes | str, float] = {}
        """When each bucket would be full again: one number says it all. The order is that of the last request."""

    def take(self, key: bytes | str, now: float) -> float:
        """0.0 and one is taken, or the seconds until there is one. `now`: any clock that only goes forward."""
        held = self._full_at
        full = held.pop(key, now)
        if full < now:
            full = now
        elif (full - now) * self.rate > self.size - 1.0:
            held[key] = full
            return (full - now) - (self.size - 1.0) / self.rate
        held[key] = full + 1.0 / self.rate
        if len(held) > self.most:
            del held[next(iter(held))]
        return 0.0

    def __len__(self) -> int:
        return len(self._full_at)


class Credential(NamedTuple):
    """What a client shows of itself, as it came; only told apart here, not believed."""

    secret: bytes
    machine: bool


class Limits:
    """One per process."""

    def __init__(self, settings: LimitSettings | None = None):
        s = settings or LimitSettings.read()
        self._people = Buckets(s.person, s.burst) if s.person > 0 else None
        self._machines = Buckets(s.machine, s.burst) if s.machine > 0 else None
        self._addresses = Buckets(s.address, s.burst) if s.address > 0 else None

    def take(self, address: str | None, credential: Credential | None, now: float) -> float:
        """Seconds to wait; 0.0: go on."""
        network = network_of(address) if self._addresses is not None and address is not None else ""
        if self._addresses is not None and network and (wait := self._addresses.take(network, now)):
            return wait
        if credential is None:
            return 0.0
        kind = self._machines if credential.machine else self._people
        return 0.0 if kind is None else kind.take(credential.secret, now)


@lru_cache(4096)
def network_of(address: str) -> str:
    """An IPv4 address itself, of IPv6 the /64 (one customer has all of it); '' for this machine's own and what is none."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        elif not parsed.is_loopback:
            return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))
    return "" if parsed.is_loopback else str(parsed)
