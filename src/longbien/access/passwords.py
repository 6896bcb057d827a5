"""Passwords: argon2id (RFC 9106), hashed in threads, a bounded number at a time: one hash takes 64 MiB and a tenth of a second."""

from __future__ import annotations

import asyncio
import unicodedata
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from longbien.base.errors import Invalid, TooMany

from .settings import AccessSettings

T = TypeVar("T")
SHORTEST, LONGEST = 10, 200
WAITING = 50
"""How many may stand in line for a check before newcomers are told to come back."""

# Words that people make long passwords of: one of them, however often, with digits or signs around it, is refused.
_COMMON = frozenset(
    word
    for line in (
        "password passw0rd p@ssw0rd p@ssword matkhau mậtkhẩu qwerty qwertyuiop asdfghjkl zxcvbnm qazwsx admin administrator root",
        "letmein welcome iloveyou yeuem anhyeuem emyeuanh yêuem hanoi hànội vietnam việtnam vietnamvodich benhvien bệnhviện",
        "bacsi bácsĩ dieuduong điềudưỡng abc abcd abcde abcdef abcdefgh monkey dragon sunshine football baseball princess",
        "superman batman changeme default login guest test testing user secret longbien hospital doctor nurse",
    )
    for word in line.split()
)
_RUNS = "01234567890123456789 98765432109876543210 qwertyuiopasdfghjklzxcvbnm abcdefghijklmnopqrstuvwxyz"


_DEMO = "cau-long-bien-1902"


def of_demo(password: str) -> bool:
    """Whether this is the demo's, which everybody may read on its screen."""
    return normal(password[: 4 * LONGEST]) == _DEMO


def normal(password: str) -> str:
    """NFKC: the same password from every keyboard (RFC 8265, OpaqueString)."""
    return unicodedata.normalize("NFKC", password)


def check(password: str, login: str = "", name: str = "") -> None:
    """Whether a new password is good enough. Raises Invalid, saying why not."""
    p = normal(password)
    if len(p) < SHORTEST:
        raise Invalid(f"A password needs at least {SHORTEST} characters.", code="value")
    if len(p) > LONGEST or "\0" in p:
        raise Invalid(f"A password may have at most {LONGEST} characters and no NUL.", code="value")
    low = p.casefold().replace(" ", "")
    letters = low.strip("0123456789!@#$%^&*()-_=+.,?/")
    repeated = any(low == (low[:n] * len(low))[: len(low)] for n in range(1, 5))
    run = any(low in line for line in _RUNS.split())
    common = (
        low in _COMMON
        or letters in _COMMON
        or any(len(w) > 2 and letters == w * (len(letters) // len(w)) for w in _COMMON if letters)
    )
    if not letters and len(set(low)) <= 4:
        repeated = True
    own = [part for part in (login.casefold(), name.casefold().replace(" ", "")) if len(part) > 3]
    if repeated or run or common or of_demo(p) or any(letters == part.strip(".") or low == part for part in own):
        raise Invalid("This password is among the first that anybody tries. Choose another.", code="value")


class Hasher:
    """One per process."""

    def __init__(self, settings: AccessSettings):
        self._argon = PasswordHasher(time_cost=settings.password_time, memory_cost=settings.password_memory, parallelism=1)
        self._gate = asyncio.Semaphore(settings.password_at_once)
        self._waiting = 0
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        return await self._in_thread(lambda: self._argon.hash(normal(password)))

    async def verify(self, stored: str | None, password: str) -> bool:
        """`stored` None (no such account, or none with a password) costs the same time and is always False."""
        known = stored or await self._of_nobody()
        right = await self._in_thread(lambda: self._same(known, password[: 4 * LONGEST]))
        return right and stored is not None

    def old(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than now."""
        return self._argon.check_needs_rehash(stored)

    def _same(self, stored: str, password: str) -> bool:
        try:
            return self._argon.verify(stored, normal(password))
        except (VerificationError, InvalidHashError):
            return False

    async def _of_nobody(self) -> str:
        if self._nobody is None:
            self._nobody = await self._in_thread(lambda: self._argon.hash("nobody has this password"))
        return self._nobody

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING:
            raise TooMany("Too many people are signing in at this moment.", 2)
        self._waiting += 1
        try:
            async with self._gate:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1
