"""The one door: who is this, and what may they open. REST, pages, DICOMweb and sockets all come in here.

    door = Door(engine, AccessSettings.read())
    actor = await door.actor(request)                  # cookie or bearer token; raises Unauthenticated
    store = await door.store(request, "TREAT")         # the record as this actor may see it

`request` is an ASGI scope or anything that is a mapping of one (Starlette's Request, WebSocket)."""

from __future__ import annotations

import hmac
from dataclasses import replace
from typing import Any

from longbien.base.db import Row
from longbien.base.errors import Forbidden, LongbienError, Unauthenticated
from longbien.base.ids import patient_key
from longbien.base.sql import queries
from longbien.record import trail
from longbien.record.engine import Engine
from longbien.record.scope import Scope
from longbien.record.store import Store

from . import accounts, certificates, peer, policy, purpose, reach, sessions, sign_in, smart
from .actor import Actor, Through
from .entry import Entry, Locked, SignedIn, Unfinished
from .fresh import Fresh
from .lines import Knocks
from .passwords import Hasher
from .peer import Connection
from .roles import PATIENTS
from .settings import AccessSettings

Q = queries(__file__, "sql/access.sql")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_UNLOCKED = sorted(PATIENTS)
"""Their own telephones lock themselves."""


class Door:
    """One per process. Close it before the engine."""

    def __init__(self, engine: Engine, settings: AccessSettings | None = None):
        self.engine = engine
        self.settings = settings or AccessSettings.read()
        self.hasher = Hasher(self.settings)
        self.knocks = Knocks(engine)
        self.base_url = ""
        """The address of the record as others see it (LONGBIEN_BASE_URL); "": as each request says."""
        self.proxies = peer.networks(self.settings.trusted_proxies)
        self.entry = Entry(engine, self.hasher, self.knocks, self.settings, self.proxies, self.forget_session)
        self._by_token = Fresh(self._ask_token)
        self._by_session = Fresh(self._ask_session)
        self._untouched = Fresh(self._look_at_session)

    async def close(self) -> None:
        await self.entry.close()
        await self.knocks.close()

    # -- who ----------------------------------------------------------------------------------------------------------

    async def actor(self, request: Connection, *, touch: bool = True, unfinished: bool = False) -> Actor:
        """Who this is. A bearer token wins over a cookie. `touch` False: nobody is at the keyboard (a page that keeps itself up
        to date), so the session goes on growing idle. `unfinished`: also who must set up a second factor first. Raises
        Unauthenticated (Locked: the screen is); Forbidden when another site's page uses a cookie (Unfinished: a factor is due);
        Unavailable."""
        where = peer.peer(request, self.proxies)
        given = peer.header(request, b"authorization")
        if given is not None:
            return await self._bearer(given, request, where.address)
        secret = peer.cookie(request, sessions.cookie_name(where.secure))
        if secret is None:
            raise Unauthenticated("Sign in first, or send a bearer token.")
        self._not_from_elsewhere(request, secret)
        known = self._by_session if touch else self._untouched
        found = await known.get(sessions.digest(secret))
        if found is None:
            raise Unauthenticated("The sign-in has ended. Sign in again.")
        if found.locked:
            raise Locked("The screen is locked.")
        if not found.factors and not unfinished:
            raise Unfinished("A second factor or a longer password has to be set up first.")
        return replace(found, address=where.address)

    async def store(
        self, request: Connection, purpose_: str | None = None, *, patient: str | None = None, reason: str | None = None
    ) -> Store:  # fmt: skip
        """The record as whoever sent `request` may see it. With `patient` (an id) the trail gets the exact reason that opens
        this one patient (one question to the database more)."""
        return await self.store_for(await self.actor(request), purpose_, patient=patient, reason=reason)

    async def store_for(
        self, actor: Actor, purpose_: str | None = None, *, patient: str | None = None, reason: str | None = None
    ) -> Store:  # fmt: skip
        if patient is not None and reason is None:
            reason = await self.why(actor, patient)
        return Store(self.engine, policy.scope(actor, purpose_, settings=self.settings, reason=reason))

    def scope(self, actor: Actor, purpose_: str | None = None, *, reason: str | None = None) -> Scope:
        return policy.scope(actor, purpose_, settings=self.settings, reason=reason)

    def finding(self, actor: Actor) -> Store:
        """To look for a person in the whole city: Patient resources only."""
        return Store(self.engine, policy.finding(actor, settings=self.settings))

    async def why(self, actor: Actor, patient_id: str) -> str | None:
        """What opens this patient's record to `actor`, as the trail and the page say it; None when nothing does."""
        rule = await policy.why(self.engine.db, actor, patient_id, settings=self.settings)
        if rule is None or rule == "new":  # nobody's record: it may be begun (the commit decides), but there is nothing to open
            return None
        if rule in ("purpose", "emergency"):
            grant = await purpose.stated(self.engine, actor, patient_id)
            return f"{rule}: {grant.reason}" if grant else rule
        return f"care at {actor.organization}" if rule == "care" else rule

    async def again(self, account: int, token: int | None) -> Actor | None:
        """Who an account is now, for work that goes on in its name after the request (a subscription): None once the account is
        disabled, or the token it came with has ended."""
        return await actor_now(self.engine, account, token)

    async def refused(self, actor: Actor, error: LongbienError, *, patient: str | None = None) -> None:
        """Write into the trail that the door's answer was no (a type or a page that the role may not have). Rows that a scope
        hides are written by the store itself."""
        scope = Scope(actor.number, actor.name, "", "", org=actor.org, address=actor.address)
        pat = patient_key(patient) if patient else None
        await self.engine.trail.write([trail.line(scope, "refused", pat=pat, outcome=trail.REFUSED, why=error.text)])

    # -- people -------------------------------------------------------------------------------------------------------

    async def sign_in(self, request: Connection, login: str, password: str) -> SignedIn:
        """A new session for the right password; send its cookies. An older session of this browser ends. Raises Unauthenticated
        (with the tries left; NeedsCode when a second factor is due), TooMany (with the seconds to wait), Forbidden (the form
        came from another site)."""
        return await self.entry.password(request, login, password)

    async def sign_out(self, request: Connection) -> str:
        """End this browser's session; gives the Set-Cookie that removes the cookie. No error when there was none."""
        await self.entry.end(request)
        return sessions.cookie("", secure=self.entry.where(request).secure, seconds=0)

    async def leave(self, request: Connection, back: str) -> tuple[str, str | None]:
        """As sign_out; and where to send the browser, so that the identity provider that vouched ends its session too (None:
        nowhere)."""
        where = await self.entry.leave(request, back)
        return sessions.cookie("", secure=self.entry.where(request).secure, seconds=0), where

    async def change_password(self, request: Connection, old: str, new: str) -> None:
        """One's own, throttled like signing in. This session goes on, the others end."""
        actor, here = await self.actor(request, unfinished=True), self.entry.browser(request)
        await sign_in.check(self.engine, self.hasher, self.knocks, self.settings, actor.login, old, actor.address, here.hash)
        await accounts.choose_password(self.engine, self.hasher, actor, new, keep_session=self._secret(request))

    def forget_session(self, digest: bytes) -> None:
        """What this process remembers of a session; the others do within a second."""
        self._by_session.forget(digest)
        self._untouched.forget(digest)

    # -- forms --------------------------------------------------------------------------------------------------------

    def csrf(self, request: Connection) -> str:
        """The token to put into this session's forms (or into header X-CSRF-Token); empty when there is no session."""
        secret = self._secret(request)
        return sessions.csrf(secret) if secret else ""

    def check_csrf(self, request: Connection, given: str | None) -> None:
        """Raises Forbidden when the form does not belong to this session."""
        expected = self.csrf(request)
        if not expected or not hmac.compare_digest(expected.encode(), (given or "").encode("utf-8", "replace")):
            raise Forbidden("This form does not belong to your sign-in. Load the page again.")

    def _not_from_elsewhere(self, request: Connection, secret: str) -> None:
        """A cookie is sent by the browser whoever asks. What changes things, and every socket, must come from our own pages."""
        socket = request.get("type") == "websocket"
        if not socket and request.get("method", "GET") in _SAFE:
            return
        if peer.own_page(request) is True:
            return
        given = peer.header(request, b"x-csrf-token")
        if given is None or not hmac.compare_digest(sessions.csrf(secret).encode(), given.encode("utf-8", "replace")):
            raise Forbidden("This request did not come from a page of this site.")

    # -- inside -------------------------------------------------------------------------------------------------------

    async def _bearer(self, given: str, request: Connection, address: str | None) -> Actor:
        kind, _, token = given.partition(" ")
        if kind.lower() != "bearer":
            raise Unauthenticated("Send the token as 'Authorization: Bearer ...'.")
        found = await self._by_token.get(sessions.digest(token.strip()))
        if found is None:
            self.knocks.note(address, "unknown token")
            raise Unauthenticated("The token is not known, has expired or was revoked.")
        if found.cert is not None and found.cert != certificates.shown(request, self.proxies, self.settings):
            self.knocks.note(address, "token without its certificate")
            raise Unauthenticated("The token is bound to a client certificate, which did not come with the request.")
        return replace(found, address=address)

    async def _ask_token(self, digest: bytes) -> Actor | None:
        row = await self.engine.db.fetchrow(Q.token_actor, digest)
        return None if row is None else _with_token(row)

    async def _ask_session(self, digest: bytes) -> Actor | None:
        return await self._look_at_session(digest, touch=True)

    async def _look_at_session(self, digest: bytes, touch: bool = False) -> Actor | None:
        row = await self.engine.db.fetchrow(Q.session_actor, digest, self.settings.idle_minutes * 60, self._lock_seconds, _UNLOCKED)
        if row is None:
            return None
        fields = _fields(row)
        if fields.pop("stale") and touch and not fields["locked"]:
            await self.engine.db.execute(Q.session_seen, digest)
        return Actor(**fields)

    @property
    def _lock_seconds(self) -> float:
        """A minute more than the page waits: what is written down of a session is up to a minute old."""
        return self.settings.lock_minutes * 60 + 90 if self.settings.lock_minutes > 0 else 0.0

    def _secret(self, request: Connection) -> str | None:
        return self.entry.secret(request)


async def actor_now(engine: Engine, account: int, token: int | None = None) -> Actor | None:
    """As Door.again, for who has no door at hand (the command line)."""
    row = await engine.db.fetchrow(Q.actor_again, account, token)
    return None if row is None else _with_token(row)


def _fields(row: Row) -> dict[str, Any]:
    """An account's row as the fields of an Actor."""
    return {**row, "reach": reach.read(row["reach"])}


def _with_token(row: Row) -> Actor:
    """An account that came with a token: what its scope leaves, and the app that acts for it."""
    fields = _fields(row)
    number, client_id, name = fields.pop("app"), fields.pop("client_id"), fields.pop("app_name")
    context, grant, scope = fields.pop("context"), fields.pop("app_grant"), fields.pop("scope")
    if scope is None:
        return Actor(**fields)
    if grant is None:
        return Actor(**fields, held=smart.machine(scope))
    return Actor(**fields, held=smart.held(smart.read(scope).ones), app=Through(number, client_id, name, context, grant))
