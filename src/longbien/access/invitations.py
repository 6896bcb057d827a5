"""Invitations: an administrator makes an account without a password and hands over a link, which opens once and for some days.
Whoever comes by it sets up a passkey, or a password and a second factor, before anything else is open. A new link is also how
somebody comes back who has lost everything."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from longbien.base.db import Row
from longbien.base.errors import NotFound, Unauthenticated
from longbien.base.sql import queries
from longbien.record import trail
from longbien.record.engine import Engine

from . import accounts, sessions
from .accounts import NewAccount
from .actor import Actor
from .entry import Entry, SignedIn
from .lines import by
from .passwords import Hasher
from .peer import Connection
from .sessions import Came, digest
from .settings import AccessSettings

Q = queries(__file__, "sql/sign_in.sql")


async def invite(engine: Engine, hasher: Hasher, settings: AccessSettings, admin: Actor, account: NewAccount) -> tuple[int, str]:
    """(account, secret of the link). Raises what accounts.create raises."""
    number = await accounts.create(engine, hasher, admin, account)
    return number, await link(engine, settings, admin, number)


async def link(engine: Engine, settings: AccessSettings, admin: Actor | None, number: int) -> str:
    """A new link for an account of the own facility; older ones open nothing any more. Raises Forbidden, NotFound."""
    await accounts.theirs(engine, admin, number, person=True)
    maker = admin.number if admin else 0
    secret = await issue(engine, settings, maker, number, secrets.token_urlsafe(32))
    scope = by(maker, address=admin.address if admin else None, org=admin.org if admin else None)
    await engine.trail.write([trail.line(scope, "account", why=f"account {number} invited")])
    return secret


async def issue(engine: Engine, settings: AccessSettings, maker: int, number: int, secret: str) -> str:
    """Let this secret open the account once; who calls has seen to the right and to the trail."""
    await engine.db.fetchval(Q.invitation_new, digest(secret), number, settings.invitation_hours * 3600, maker)
    return secret


async def waiting(engine: Engine, admin: Actor) -> Sequence[Row]:
    """Links that were not used yet: number, login, name, role, created, expires."""
    return await engine.db.fetch(Q.invitation_open, admin.organization)


async def revoke(engine: Engine, admin: Actor, number: int) -> None:
    """Raises NotFound: there is none at this facility."""
    account = await engine.db.fetchval(Q.invitation_revoke, number, admin.organization)
    if account is None:
        raise NotFound("There is no such invitation.")
    scope = by(admin.number, address=admin.address, org=admin.org)
    await engine.trail.write([trail.line(scope, "account", why=f"invitation of account {account} revoked")])


async def good(engine: Engine, secret: str) -> bool:
    return await engine.db.fetchval(Q.invitation_look, digest(secret)) is not None


async def accept(entry: Entry, request: Connection, secret: str) -> SignedIn:
    """In, to set up how one signs in from now on; other sessions of the account end. Raises Unauthenticated."""
    entry.own(request)
    account = await entry.engine.db.fetchval(Q.invitation_use, digest(secret))
    if account is None:
        entry.knocks.note(entry.where(request).address, "unknown invitation")
        raise Unauthenticated("This link was used, has expired, or is none of ours.")
    row = await entry.account(account)
    await sessions.end_all(entry.engine.db, account)
    return await entry.begin(request, row, Came("invitation", 0))
