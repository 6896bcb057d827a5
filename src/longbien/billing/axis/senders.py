"""Hospital systems that may send claims: each for one facility, by a name and a secret that is shown once."""

from __future__ import annotations

import hmac
import re
import secrets
from typing import NamedTuple

from longbien.access import housework
from longbien.access.actor import Actor
from longbien.access.sessions import digest
from longbien.access.tokens import sender_account, sender_token
from longbien.base.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from longbien.base.sql import queries
from longbien.fhir import json
from longbien.fhir import systems as s
from longbien.record.engine import Engine

from .of_visit import Origin

Q = queries(__file__, "sql/axis.sql")
_LOGIN = re.compile(r"[a-z0-9._-]{3,60}\Z")
ROLE = "sender"


class Sender(NamedTuple):
    """A hospital system. facility: id of its Organization; code: the five digits. cert: sha256 of the certificate that its
    signatures must be made with, None: any that holds."""

    number: int
    account: int
    login: str
    facility: str
    code: str
    name: str
    cert: bytes | None


async def facility(engine: Engine, code: str) -> Origin:
    """The facility of this code. Raises NotFound."""
    store = housework.store(engine, "the facility of a sender of claims", reads=frozenset({"Organization"}))
    page = await store.search("Organization", [("identifier", f"{s.FACILITY_CODE}|{code}"), ("_count", "2")])
    if len(page.matches) != 1:
        raise NotFound(f"There is no facility with the code {code[:10]!r}.")
    body = json.loads(page.matches[0].body, strict=False)
    return Origin(str(body["id"]), code, str(body.get("name") or ""))


async def make(engine: Engine, login: str, code: str, name: str = "", cert: bytes | None = None) -> str:
    """Let a hospital's system send claims of the facility with this code; gives its secret, shown once. Raises Invalid (the name),
    NotFound (the facility), Conflict (the name is taken)."""
    if not _LOGIN.match(login):
        raise Invalid("A sender's name has 3 to 60 small letters, digits, dots, hyphens or underscores.", code="value")
    origin = await facility(engine, code)
    if await engine.db.fetchrow(Q.sender_by_login, login):
        raise Conflict(f"There is a sender {login!r} already.")
    account = await sender_account(engine, login, name or f"{origin.name} ({login})", origin.facility)
    secret = secrets.token_urlsafe(32)
    await engine.db.fetchval(Q.sender_new, account, login, digest(secret), origin.facility, code, cert)
    return secret


async def end(engine: Engine, login: str) -> None:
    """It may send no more. Raises NotFound."""
    if await engine.db.fetchval(Q.sender_end, login) is None:
        raise NotFound(f"There is no sender {login[:60]!r}.")


async def token(engine: Engine, login: str, secret: str, code: str, seconds: float, address: str | None) -> tuple[str, Sender]:
    """A token for who shows the right secret for this facility. Raises Unauthenticated, saying no more than that."""
    row = await engine.db.fetchrow(Q.sender_by_login, login[:60])
    held = row["secret"] if row is not None else b"\0" * 32
    right = hmac.compare_digest(held, digest(secret))
    if row is None or not right or row["disabled"] or row["code"] != code:
        raise Unauthenticated("The name, the password or the code of the facility is not right.")
    return await sender_token(engine, row["account"], seconds, address), _sender(row)


async def of(engine: Engine, actor: Actor) -> Sender:
    """Whose system this is. Raises Forbidden for everybody else."""
    row = await engine.db.fetchrow(Q.sender_of, actor.number) if actor.role == ROLE else None
    if row is None or row["disabled"]:
        raise Forbidden("Only a hospital's system that is registered to send claims may do this.")
    return _sender(row)


def _sender(row: object) -> Sender:
    r: dict[str, object] = dict(row)  # type: ignore[call-overload]
    return Sender(*(r[name] for name in Sender._fields))  # type: ignore[arg-type]
