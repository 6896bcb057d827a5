"""Seeded chance and stable ids: the same seed and counters give the same city, on any machine, in any number of processes."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from random import Random
from typing import TypeVar

T = TypeVar("T")


def stable_id(*parts: object) -> str:
    """A FHIR id in UUID form (RFC 9562 version 8: custom), made of a hash of the parts and of nothing else."""
    n = int.from_bytes(blake2b("/".join(map(str, parts)).encode(), digest_size=16).digest(), "big")
    n = n & ~(0xF << 76) | (0x8 << 76)
    n = n & ~(0x3 << 62) | (0x2 << 62)
    h = f"{n:032x}"
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


class Chance(Random):
    """Random with the few draws that the city needs. Seeded by its parts alone."""

    def __init__(self, *parts: object) -> None:
        digest = blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
        super().__init__(int.from_bytes(digest, "big"))

    def happens(self, p: float) -> bool:
        return self.random() < p

    def weighted(self, items: Sequence[tuple[T, float]]) -> T:
        """One of (thing, weight)."""
        x = self.random() * sum(w for _, w in items)
        for thing, w in items:
            x -= w
            if x < 0:
                return thing
        return items[-1][0]

    def digits(self, n: int) -> str:
        return f"{self.randrange(10**n):0{n}d}"

    def near(self, middle: float, spread: float, low: float, high: float) -> float:
        """A normal draw cut at low and high."""
        return min(high, max(low, self.gauss(middle, spread)))
