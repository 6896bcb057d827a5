"""What one does with one's own sign-in: passkeys, one-time codes, password, PIN and badge, sessions. Every change is a line of
the trail, and is made only by who has shown within a quarter of an hour who they are (Entry.lately)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from longbien.base.errors import Forbidden, Invalid
from longbien.base.sql import queries
from longbien.record import trail

from . import accounts, factors, passkeys, passwords, pins, sessions, totp
from .actor import Actor
from .entry import Entry
from .lines import by
from .peer import Connection
from .roles import PATIENTS

Q = queries(__file__, "sql/sign_in.sql")


@dataclass
class Own:
    """One request of one person about their own account. Methods raise Locked where the person has to show again who they are,
    Forbidden for the demo's shared accounts (their factors would lock out the next visitor)."""

    entry: Entry
    request: Connection
    actor: Actor

    @property
    def db(self) -> Any:
        return self.entry.engine.db

    async def state(self) -> dict[str, Any]:
        """login, demo, password, totp (since when), recovery (how many are left), pin, badges; passkeys; identities;
        sessions."""
        row = await self.db.fetchrow(Q.factors_of, self.actor.number)
        return {
            **row,
            "passkeys": await passkeys.listed(self.db, self.actor.number),
            "identities": await self.db.fetch(Q.identity_list, self.actor.number),
            "sessions": await sessions.of(self.db, self.actor, self.entry.settings, self.entry.secret(self.request)),
            "offered": await totp.offered(self.db, self.entry.seal, self.actor.number),
        }

    async def _may(self, *, shared: bool = False) -> None:
        await self.entry.lately(self.request)
        if not shared and await self.db.fetchval("SELECT demo FROM account WHERE number = $1", self.actor.number):
            raise Forbidden("A demo account is shared by all visitors: its sign-in stays as it is.")

    async def note(self, why: str) -> None:
        scope = by(self.actor.number, address=self.actor.address, org=self.actor.org)
        await self.entry.engine.trail.write([trail.line(scope, "account", why=why)])

    async def offer_passkey(self) -> str:
        await self._may(shared=True)
        here = self.entry.browser(self.request)
        return await passkeys.offer(
            self.db, self.entry.site(self.request), here.hash, self.actor.number, self.actor.login, self.actor.name
        )

    async def add_passkey(self, credential: str, name: str) -> None:
        await self._may(shared=True)
        here, site = self.entry.browser(self.request), self.entry.site(self.request)
        number = await passkeys.add(self.db, site, here.hash, self.actor.number, credential, name)
        await self.note(f"passkey {number} added")
        await self._firm("passkey")

    async def rename_passkey(self, number: int, name: str) -> None:
        await passkeys.rename(self.db, self.actor.number, number, name)
        await self.note(f"passkey {number} renamed")

    async def remove_passkey(self, number: int) -> None:
        await self._may(shared=True)
        await passkeys.remove(self.db, self.actor.number, number)
        await self.note(f"passkey {number} removed")

    async def offer_app(self) -> None:
        await self._may()
        await totp.offer(self.db, self.entry.seal, self.actor.number)

    async def confirm_app(self, code: str) -> list[str]:
        """Gives the recovery codes."""
        await self._may()
        codes = await totp.confirm(self.db, self.entry.seal, self.actor.number, code)
        await self.note("authenticator app added; recovery codes made")
        await self._firm("password+totp")
        return codes

    async def remove_app(self) -> None:
        await self._may()
        await totp.remove(self.db, self.actor.number)
        await self.note("authenticator app and recovery codes removed")

    async def new_codes(self) -> list[str]:
        """Recovery codes: for who has an app or a passkey."""
        await self._may()
        state = await self.state()
        if not state["totp"] and not state["passkeys"]:
            raise Invalid("Recovery codes stand in for a second factor: set one up first.", code="business-rule")
        codes = await totp.recovery(self.db, self.actor.number)
        await self.note("recovery codes made")
        return codes

    async def set_password(self, new: str) -> None:
        """Long enough for the role, or at least ten characters beside a second factor."""
        await self._may()
        state = await self.state()
        second = bool(state["totp"] or state["passkeys"])
        short = len(passwords.normal(new)) < self.entry.settings.password_length
        if short and not second and self.actor.role not in PATIENTS:
            least = self.entry.settings.password_length
            raise Invalid(f"Without a second factor a password needs at least {least} characters.", code="value")
        keep = self.entry.secret(self.request)
        await accounts.choose_password(self.entry.engine, self.entry.hasher, self.actor, new, keep_session=keep)
        if not short and not factors.always(self.actor.role, self.entry.settings):
            await self._firm(self.actor.method, 1)

    async def set_pin(self, pin: str) -> None:
        await self._may()
        await pins.set_pin(self.db, self.entry.hasher, self.actor.number, pin)
        await self.note("PIN set")

    async def add_badge(self, card: str) -> None:
        await self._may()
        await pins.add_badge(self.db, self.entry.seal, self.actor.number, card)
        await self.note("badge added")

    async def remove_badges(self) -> None:
        await self._may()
        await pins.remove(self.db, self.actor.number)
        await self.note("PIN and badges removed")

    async def end_session(self, key: str) -> None:
        gone = await sessions.end_one(self.db, self.actor, key)
        if gone is not None:
            self.entry.forget(gone)
            await self.note("a session ended from another device")

    async def end_others(self) -> None:
        await sessions.end_all(self.db, self.actor.number, self.entry.secret(self.request))
        await self.note("all other sessions ended")

    async def unlink(self, provider: str, subject: str) -> None:
        await self._may()
        if await self.db.fetchval(Q.identity_drop, self.actor.number, provider, subject):
            await self.note(f"{provider} unlinked")

    async def _firm(self, method: str, count: int = 2) -> None:
        if not self.actor.factors:
            await self.entry.firm(self.request, self.actor.number, method, count)
