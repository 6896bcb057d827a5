"""The ways in: password, passkey, one-time code, badge, invitation; and the lock of a screen that stays where it is. Each ends
in a session and a line of the trail; each refusal is a line too. `Door.entry` is the one of a process."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from longbien.base.db import Row
from longbien.base.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from longbien.base.sql import queries
from longbien.record import trail
from longbien.record.engine import Engine

from . import browser, ceremony, factors, oidc_people, oidc_settings, passkeys, peer, pins, sessions, sign_in, throttle, totp
from .actor import Actor
from .browser import Browser
from .lines import Knocks, by
from .oidc import Relying
from .oidc_settings import Provider
from .passkeys import Site
from .passwords import Hasher, normal
from .peer import Connection, Network
from .roles import PATIENTS
from .sealed import Seal
from .sessions import Came
from .settings import AccessSettings

Q = queries(__file__, "sql/sign_in.sql")
CODE_TRIES = 5
"""Wrong codes after which a password has to be given again."""
LATELY = 900.0
"""Seconds after showing who one is that factors may be changed."""


class SignedIn(NamedTuple):
    """cookies: values of Set-Cookie, to be sent all."""

    actor: Actor
    cookies: tuple[str, ...]

    @property
    def set_cookie(self) -> str:
        """The session's."""
        return self.cookies[0]


class NeedsCode(Unauthenticated):
    """The password was right, and a second factor is due. step: its secret, for `code`. cookies: to be sent."""

    def __init__(self, step: str, cookies: tuple[str, ...], *, app: bool, passkey: bool):
        super().__init__("One more step: a code or a passkey.")
        self.step, self.cookies, self.app, self.passkey = step, cookies, app, passkey


class Locked(Unauthenticated):
    """The session is there, its screen is locked: `unlock` opens it."""


class Unfinished(Forbidden):
    """Signed in, but a second factor or a longer password must be set up before anything else is open."""


class Entry:
    def __init__(
        self, engine: Engine, hasher: Hasher, knocks: Knocks, settings: AccessSettings, proxies: tuple[Network, ...],
        forget: Callable[[bytes], None],
    ):  # fmt: skip
        self.engine, self.hasher, self.knocks, self.settings = engine, hasher, knocks, settings
        self.seal = Seal(settings)
        self._proxies, self.forget = proxies, forget
        self.providers = oidc_settings.read(settings.oidc)
        self._relying = {p.name: Relying(p, engine.db) for p in self.providers}

    async def close(self) -> None:
        for relying in self._relying.values():
            await relying.close()

    # -- who asks, from where -----------------------------------------------------------------------------------------

    def site(self, request: Connection) -> Site:
        if self.settings.address:
            return Site(self.settings.address.rstrip("/"))
        scheme = "https" if self.where(request).secure else "http"
        return Site(f"{scheme}://{peer.header(request, b'host') or ''}")

    def where(self, request: Connection) -> peer.Peer:
        return peer.peer(request, self._proxies)

    def browser(self, request: Connection) -> Browser:
        return browser.known_or_new(request, secure=self.where(request).secure)

    def own(self, request: Connection) -> None:
        """Raises Forbidden: the form came from another site."""
        if peer.own_page(request) is False:
            raise Forbidden("The sign-in form came from another site.")

    def secret(self, request: Connection) -> str | None:
        """Of this browser's session."""
        return peer.cookie(request, sessions.cookie_name(self.where(request).secure))

    async def account(self, number: int) -> Row:
        """With everything that decides how it may come in. Raises Unauthenticated: it is disabled, or no person's."""
        row = await self.engine.db.fetchrow(Q.account_full, number, self.settings.badge_hours * 3600)
        if row is None or row["disabled"] or row["kind"] != "person" or (row["demo"] and not self.settings.demo):
            raise Unauthenticated("This account cannot sign in.")
        return row

    # -- the ways -----------------------------------------------------------------------------------------------------

    async def password(self, request: Connection, login: str, password: str) -> SignedIn:
        """Raises Unauthenticated (with the tries left), NeedsCode, TooMany (with the seconds to wait), Forbidden."""
        self.own(request)
        where, here = self.where(request), browser.of(request, secure=self.where(request).secure)
        row = await sign_in.check(self.engine, self.hasher, self.knocks, self.settings, login, password, where.address, here)
        return await self.one_factor(request, await self.account(row["number"]), "password", len(normal(password)))

    async def one_factor(self, request: Connection, row: Row, method: str, length: int, came: Came | None = None) -> SignedIn:
        """Go on after one factor was right."""
        verdict = factors.verdict(row, length, self.settings)
        if verdict == "code":
            raise await self._needs(request, row)
        base = came or Came(method, 1)
        return await self.begin(request, row, base._replace(method=method, factors=0 if verdict == "set-up" else 1))

    async def _needs(self, request: Connection, row: Row) -> NeedsCode:
        here = self.browser(request)
        step = await ceremony.begin(self.engine.db, "code", here.hash, account=row["number"])
        cookies = (here.set_cookie,) if here.set_cookie else ()
        return NeedsCode(step, cookies, app=row["totp"] or row["recovery"], passkey=row["passkey"])

    async def code(self, request: Connection, step: str, code: str) -> SignedIn:
        """The second step after a password: a code of the app, or a recovery code. Raises Unauthenticated, TooMany."""
        self.own(request)
        here = self.browser(request)
        found = await ceremony.look(self.engine.db, "code", here.hash, step)
        row = await self.account(found.account or 0)
        known = await throttle.known(self.engine.db, row["login"], here.hash, self.where(request).address)
        keys = throttle.code_keys(row["number"], here.hash if known == here.hash else None, self.settings)
        await throttle.count(self.engine.db, keys, self.settings.longest_wait)
        method = ""
        if row["totp"] and await totp.right(self.engine.db, self.seal, row["number"], code):
            method = "password+totp"
        elif await totp.recover(self.engine.db, row["number"], code):
            method = "password+recovery"
        if not method:
            await self.refused(request, row["number"], "wrong one-time code")
            if await ceremony.tried(self.engine.db, step) >= CODE_TRIES:
                await ceremony.take(self.engine.db, "code", here.hash, step)
            raise Unauthenticated("This code is not right.")
        await ceremony.take(self.engine.db, "code", here.hash, step)
        await throttle.forgive(self.engine.db, keys)
        return await self.begin(request, row, Came(method, 2))

    async def passkey(self, request: Connection, credential: str) -> SignedIn:
        """Raises Unauthenticated."""
        self.own(request)
        account = await self._passkey(request, credential)
        return await self.begin(request, await self.account(account), Came("passkey", 2))

    async def _passkey(self, request: Connection, credential: str) -> int:
        here = self.browser(request)
        try:
            return await passkeys.shown(self.engine.db, self.site(request), here.hash, credential)
        except Unauthenticated:
            self.knocks.note(self.where(request).address, "passkey refused")
            raise

    async def badge(self, request: Connection, card: str, pin: str) -> SignedIn:
        """A tap and a PIN, at a computer that the facility's people came in from, some hours after a full sign-in. Raises
        Unauthenticated: in the same words whatever is missing."""
        self.own(request)
        here = self.browser(request)
        account = await pins.whose(self.engine.db, self.seal, card)
        row = await self.account(account) if account is not None else None
        ward = row is not None and await self.engine.db.fetchval(Q.ward_computer, here.hash, row["organization"])
        usable = row is not None and row["lately"] and ward
        right = await pins.right(self.engine.db, self.hasher, account if usable else None, pin, self.settings.pin_tries)
        if not right or row is None:
            if account is None:
                self.knocks.note(self.where(request).address, "badge refused")
            else:
                await self.refused(request, account, "badge and PIN")
            raise Unauthenticated("Badge and PIN do not open this computer now. Sign in with a passkey or password.")
        return await self.begin(request, row, Came("badge+pin", 2))

    def relying(self, name: str) -> Relying:
        """Raises NotFound."""
        found = self._relying.get(name)
        if found is None:
            raise NotFound("There is no such identity provider.")
        return found

    async def provider(
        self, request: Connection, name: str, answer: dict[str, str], who: int | None
    ) -> tuple[SignedIn | None, str]:  # fmt: skip
        """What the browser brings back from an identity provider: (signed in, where to go on), None when it was to link an account
        that is signed in. Raises Unauthenticated, NeedsCode, Conflict, Unavailable."""
        relying, here = self.relying(name), self.browser(request)
        p = relying.provider
        try:
            said = await relying.finish(here.hash, answer)
            if said.link is not None:
                if said.link != who:
                    raise Unauthenticated("Somebody else is signed in now.")
                await oidc_people.link(self.engine, p, said, said.link)
                line = trail.line(by(said.link, address=self.where(request).address), "account", why=f"linked to {name}")
                await self.engine.trail.write([line])
                return None, said.next
            account = await oidc_people.account(self.engine, self.hasher, p, said)
        except Unauthenticated as error:
            self.knocks.note(self.where(request).address, f"{name}: {error.text}")
            raise
        row = await self.account(account)
        came = Came("provider", p.factors, provider=name, subject=said.subject, sid=said.sid)
        if p.logout:
            came = came._replace(id_token=self.seal.close(said.id_token.encode(), _told(name, said.subject)))
        if p.factors == 2:
            return await self.begin(request, row, came), said.next
        return await self.one_factor(request, row, "provider", self.settings.password_length, came), said.next

    async def ended_there(self, request: Connection, name: str, token: str) -> None:
        """A provider ends its sessions here. Raises Unauthenticated, Unavailable."""
        subject, sid = await self.relying(name).logout(token)
        for row in await self.engine.db.fetch(Q.session_end_of_provider, name, subject, sid):
            self.forget(row["hash"])
            scope = by(row["account"], address=self.where(request).address)
            await self.engine.trail.write([trail.line(scope, "sign-out", why=f"ended by {name}")])

    def linkable(self, actor: Actor) -> list[Provider]:
        """The identity providers that this person may link to their account."""
        kind = "patients" if actor.role in PATIENTS else "staff"
        return [p for p in self.providers if p.whom == kind]

    # -- a session ----------------------------------------------------------------------------------------------------

    async def begin(self, request: Connection, row: Row, came: Came) -> SignedIn:
        """A new session. An older one of this browser ends."""
        where, here = self.where(request), self.browser(request)
        await self.end(request)
        came = came._replace(browser=here.hash)
        agent = peer.header(request, b"user-agent")
        secret = await sessions.begin(self.engine.db, row["number"], came, self.settings, where.address, agent)
        actor = Actor(
            row["number"], row["login"], row["kind"], row["name"], row["role"], row["practitioner"], row["organization"],
            row["department"], address=where.address, patient=row["patient"], method=came.method, factors=came.factors,
        )  # fmt: skip
        if came.method != "badge+pin" and came.factors:  # a tap makes neither the computer nor the shift known
            await self.engine.db.execute(Q.account_came, row["number"])
            await throttle.remember(self.engine.db, row["number"], here.hash, where.address)
        why = came.method + (f" {came.provider}" if came.provider else "") + ("" if came.factors else "; a factor must be set up")
        await self.engine.trail.write([trail.line(by(actor.number, address=where.address, org=actor.org), "sign-in", why=why)])
        seconds = int(self.settings.session_hours * 3600)
        cookie = sessions.cookie(secret, secure=where.secure, seconds=seconds)
        return SignedIn(actor, (cookie, here.set_cookie) if here.set_cookie else (cookie,))

    async def end(self, request: Connection) -> Row | None:
        """Gives what the session was: account, provider, subject, id_token (sealed)."""
        secret = self.secret(request)
        if secret is None:
            return None
        gone = await sessions.end(self.engine.db, secret)
        self.forget(sessions.digest(secret))
        if gone is not None:
            scope = by(gone["account"], address=self.where(request).address)
            await self.engine.trail.write([trail.line(scope, "sign-out", why="signed out")])
        return gone

    async def leave(self, request: Connection, back: str) -> str | None:
        """End this browser's session; gives where to send the browser so that the identity provider that began it ends its own, too
        (None: nowhere). `back`: the address that the provider sends it back to. What cannot be asked of a provider does not keep
        anybody signed in here."""
        gone = await self.end(request)
        relying = self._relying.get(gone["provider"] or "") if gone is not None else None
        if gone is None or relying is None or gone["id_token"] is None:
            return None
        try:
            token = self.seal.open(gone["id_token"], _told(relying.provider.name, gone["subject"]))
            return await relying.leave(token.decode(), back)
        except (Unavailable, Forbidden):
            return None

    async def whose(self, request: Connection) -> Row | None:
        """Whose session this browser has, locked or not: account, login, name, organization, method, factors, locked, lately,
        pin, passkey."""
        secret = self.secret(request)
        if secret is None:
            return None
        return await self.engine.db.fetchrow(
            Q.session_whose, sessions.digest(secret), self.settings.idle_minutes * 60, LATELY
        )  # fmt: skip

    async def lock(self, request: Connection) -> None:
        """Nobody is at the keyboard: nothing of this session is open until somebody shows again who they are."""
        secret = self.secret(request)
        if secret is not None:
            await self.engine.db.execute(Q.session_lock, sessions.digest(secret))
            self.forget(sessions.digest(secret))

    async def unlock(self, request: Connection, *, pin: str = "", password: str = "", credential: str = "") -> None:
        """The same person again; what stood on the screen stays. Raises Unauthenticated, TooMany."""
        self.own(request)
        row, where = await self.whose(request), self.where(request)
        secret = self.secret(request)
        if row is None or secret is None:
            raise Unauthenticated("The sign-in has ended. Sign in again.")
        if credential:
            right, how = await self._passkey(request, credential) == row["account"], "passkey"
        elif pin:
            right = await pins.right(self.engine.db, self.hasher, row["account"], pin, self.settings.pin_tries)
            how = "PIN"
        else:
            here = browser.of(request, secure=where.secure)
            found = await sign_in.check(
                self.engine, self.hasher, self.knocks, self.settings, row["login"], password, where.address, here
            )
            right, how = found["number"] == row["account"], "password"
        if not right:
            await self.refused(request, row["account"], f"unlock with {how}")
            raise Unauthenticated("This does not open the screen.")
        await self.engine.db.fetchval(Q.session_proved, sessions.digest(secret), row["account"])
        self.forget(sessions.digest(secret))
        await self.engine.trail.write([trail.line(by(row["account"], address=where.address), "sign-in", why=f"unlocked: {how}")])

    async def lately(self, request: Connection) -> None:
        """Before a factor is changed. Raises Locked: the person has not shown for some time who they are."""
        row = await self.whose(request)
        if row is None or not row["lately"]:
            raise Locked("Show again who you are.")

    async def firm(self, request: Connection, number: int, method: str, count: int) -> None:
        """A factor was set up: the session that waited for it is a whole one."""
        secret = self.secret(request)
        if secret is not None:
            await self.engine.db.execute(Q.session_firm, sessions.digest(secret), count, method)
            self.forget(sessions.digest(secret))
            await self.engine.db.execute(Q.account_came, number)
            where = self.where(request)
            await throttle.remember(self.engine.db, number, browser.of(request, secure=where.secure), where.address)

    async def refused(self, request: Connection, account: int, why: str) -> None:
        scope = by(account, address=self.where(request).address)
        await self.engine.trail.write([trail.line(scope, "sign-in", outcome=trail.REFUSED, why=why)])


def _told(provider: str, subject: str) -> bytes:
    """Whose ID token is sealed."""
    return f"id token {provider} {subject}".encode()
