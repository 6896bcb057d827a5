"""The keys that id_tokens are signed with. The newest signs; when it is replaced it stays published until what it signed has ended,
so that keys rotate without anybody noticing. Their private parts are sealed under a key that is not in the database
(access/sealed.py); one that cannot be opened any more (its sealing key was taken away) is replaced."""

from __future__ import annotations

import json
import secrets
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

from longbien.base.db import Database
from longbien.base.errors import Unavailable
from longbien.base.sql import queries
from longbien.record import trail
from longbien.record.engine import Engine

from ..lines import by
from ..sealed import Seal

Q = queries(__file__, "sql/apps.sql")
ALGORITHM = "RS256"
PUBLISHED_SECONDS = 86_400
"""A replaced key stays published for a day; what it signed is good for an hour."""
AGE_SECONDS = 90 * 86_400
_LOCK = 0x6C62_6B65


async def published(db: Database) -> dict[str, Any]:
    """The JWK set at jwks_uri."""
    return {"keys": [json.loads(r["public"]) for r in await db.fetch(Q.key_list)]}


async def rotate(engine: Engine, seal: Seal, *, by_account: int = 0) -> str:
    """A new key signs from now on; its kid. The old ones stay published for a day."""
    kid = await _make(engine.db, seal)
    await engine.trail.write([trail.line(by(by_account), "token", why=f"signing key {kid} made")])
    return kid


async def _make(db: Database, seal: Seal, *, unless_there: bool = False) -> str:
    kid = secrets.token_hex(8)
    key = RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": ALGORITHM}, private=True)
    async with db.transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        if unless_there and (there := _signing(await connection.fetch(Q.key_list), seal)) is not None:
            return there[0]
        private = seal.close(json.dumps(key.as_dict(private=True)).encode(), _name(kid))
        await connection.execute(Q.key_new, kid, private, json.dumps(key.as_dict(private=False)))
        await connection.execute(Q.key_retire, kid, float(PUBLISHED_SECONDS))
    return kid


def _name(kid: str) -> bytes:
    return f"sign key {kid}".encode()


def _signing(rows: Any, seal: Seal) -> tuple[str, str] | None:
    """(kid, private JWK) of the key that signs now; None where there is none that can be opened."""
    row = next((r for r in rows if r["until"] is None), None)
    if row is None or row["sealed"] is None:
        return None
    try:
        return row["kid"], seal.open(row["sealed"], _name(row["kid"])).decode()
    except Unavailable:
        return None


async def sign(db: Database, seal: Seal, claims: dict[str, Any]) -> str:
    """An id_token. The first key is made when it is first needed."""
    there = _signing(await db.fetch(Q.key_list), seal)
    if there is None:
        await _make(db, seal, unless_there=True)
        there = _signing(await db.fetch(Q.key_list), seal)
        assert there is not None
    return jwt.encode({"alg": ALGORITHM, "kid": there[0], "typ": "JWT"}, claims, RSAKey.import_key(json.loads(there[1])))


async def clean(engine: Engine, seal: Seal) -> None:
    """Rotate when the key has signed for 90 days; forget what is published no more."""
    await engine.db.execute(Q.key_clean)
    old = await engine.db.fetchval(
        "SELECT max(created) < now() - make_interval(secs => $1) FROM sign_key WHERE until IS NULL", float(AGE_SECONDS)
    )
    if old:
        await rotate(engine, seal)
