"""One-time codes (RFC 6238) beside a password, for who has no passkey; and recovery codes for the day the phone is gone.
A time step opens once. A recovery code has 128 random bits, so that a plain hash of
it gives nothing away (ASVS 6.5.2), and opens once."""

from __future__ import annotations

import base64
import hmac
import io
import secrets
import time

import pyotp
import segno

from longbien.base.db import Database
from longbien.base.errors import Conflict, Invalid
from longbien.base.sql import queries

from .sealed import Seal
from .sessions import digest

Q = queries(__file__, "sql/sign_in.sql")
CODES = 10
CODE_BYTES = 16
STEP = 30


def _whose(account: int) -> bytes:
    return f"totp {account}".encode()


async def offer(db: Database, seal: Seal, account: int) -> str:
    """A new seed in base32, which counts once a code of it was given. Raises Conflict when there is one that counts already."""
    secret = pyotp.random_base32()
    if await db.fetchval(Q.totp_new, account, seal.close(secret.encode(), _whose(account))) is None:
        raise Conflict("There is an authenticator app already. Remove it first.")
    return secret


async def offered(db: Database, seal: Seal, account: int) -> str | None:
    """The seed that waits for its first code."""
    row = await db.fetchrow(Q.totp_of, account)
    return seal.open(row["secret"], _whose(account)).decode() if row and row["confirmed"] is None else None


def address(secret: str, login: str) -> str:
    """otpauth:// address of a seed."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name="Longbien")


def picture(text: str) -> str:
    """A QR code as SVG, without colours of its own."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="svg", scale=4, border=2, xmldecl=False, svgns=True, nl=False)
    return out.getvalue().decode()


async def right(db: Database, seal: Seal, account: int, code: str, *, confirmed: bool = True) -> bool:
    """Whether this is the present code (or the one before or after); it opens once. `confirmed`: only of a seed that counts."""
    row = await db.fetchrow(Q.totp_of, account)
    if row is None or (confirmed and row["confirmed"] is None):
        return False
    given = "".join(code.split())
    if len(given) != 6 or not given.isascii() or not given.isdigit():
        return False
    generator = pyotp.TOTP(seal.open(row["secret"], _whose(account)).decode())
    now = int(time.time()) // STEP
    for step in (now, now - 1, now + 1):
        if hmac.compare_digest(generator.generate_otp(step), given):
            return bool(await db.fetchval(Q.totp_step, account, step))
    return False


async def remove(db: Database, account: int) -> None:
    await db.execute(Q.totp_drop, account)
    await db.execute(Q.recovery_drop, account)


async def recovery(db: Database, account: int) -> list[str]:
    """Ten new codes, shown once; the old ones open nothing any more."""
    codes = [base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode().lower().rstrip("=") for _ in range(CODES)]
    await db.fetch(Q.recovery_new, account, [_hash(account, c) for c in codes])
    return ["-".join(c[i : i + 4] for i in range(0, len(c), 4)) for c in codes]


async def recover(db: Database, account: int, code: str) -> bool:
    """Whether this is a recovery code that was not used."""
    plain = code.replace("-", "").replace(" ", "").lower()[:64]
    return bool(await db.fetchval(Q.recovery_use, account, _hash(account, plain)))


async def confirm(db: Database, seal: Seal, account: int, code: str) -> list[str]:
    """The first code of a new seed: from now on it counts. Gives the recovery codes. Raises Invalid."""
    if not await right(db, seal, account, code, confirmed=False):
        raise Invalid("This code is not right. Look at the app again: it changes every 30 seconds.", code="value")
    return await recovery(db, account)


def _hash(account: int, code: str) -> bytes:
    return digest(f"recovery {account} {code}")
