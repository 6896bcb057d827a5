"""Passkeys (WebAuthn level 3). A passkey is bound to this site by the browser, so it cannot be typed into a false page; the
authenticator asks for a PIN, a face or a finger, so it counts as two factors. Nothing in the options says which kind of
authenticator: the phone in one's pocket does as well as the computer's own (hybrid), and a key that the browser knows by itself
(discoverable) needs no login."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from longbien.base.db import Database, Row
from longbien.base.errors import Conflict, Invalid, NotFound, Unauthenticated
from longbien.base.sql import queries

from . import ceremony

Q = queries(__file__, "sql/sign_in.sql")
MOST = 20
"""Passkeys of one account."""
_TRANSPORTS = frozenset(t.value for t in AuthenticatorTransport)
_VERIFY = UserVerificationRequirement.REQUIRED
_WRONG = "This passkey does not open anything here."


class Site(NamedTuple):
    """What a passkey is bound to: the origin (https://host:port) of the pages, and its host."""

    origin: str

    @property
    def id(self) -> str:
        return urlsplit(self.origin).hostname or ""


async def offer(db: Database, site: Site, browser: bytes, account: int, login: str, name: str) -> str:
    """The options for making one, as JSON for the browser. Raises Conflict (there are too many)."""
    have = await listed(db, account)
    if len(have) >= MOST:
        raise Conflict(f"An account may have {MOST} passkeys.")
    handle: bytes = await db.fetchval(Q.account_handle, account, secrets.token_bytes(32))
    options = generate_registration_options(
        rp_id=site.id, rp_name="Longbien", user_id=handle, user_name=login, user_display_name=name, timeout=300_000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_VERIFY
        ),
        exclude_credentials=[_described(row) for row in have],
    )  # fmt: skip
    await _remember(db, "passkey-new", browser, options.challenge, account)
    return options_to_json(options)


async def add(db: Database, site: Site, browser: bytes, account: int, credential: str, name: str) -> int:
    """Keep a new one; gives its number. Raises Invalid (the answer does not hold), Unauthenticated (it took too long),
    Conflict."""
    given = _read(credential)
    challenge = await _challenge(db, "passkey-new", browser, given, account)
    try:
        made = verify_registration_response(
            credential=given, expected_challenge=challenge, expected_rp_id=site.id, expected_origin=site.origin,
            require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, ValueError, KeyError, TypeError):
        raise Invalid("What the authenticator answered cannot be used.", code="value") from None
    said = (given.get("response") or {}).get("transports")
    transports = sorted(_TRANSPORTS & {t for t in said if isinstance(t, str)}) if isinstance(said, list) else []
    number: int | None = await db.fetchval(
        Q.passkey_new, made.credential_id, account, made.credential_public_key, made.sign_count, _name(name), transports,
        made.credential_backed_up,
    )  # fmt: skip
    if number is None:
        raise Conflict("This passkey is known already.", code="duplicate")
    return number


async def ask(db: Database, site: Site, browser: bytes, account: int | None = None) -> str:
    """The options for showing one, as JSON; without `account` the browser offers whichever it has for this site."""
    allowed = [_described(row) for row in await listed(db, account)] if account is not None else []
    options = generate_authentication_options(rp_id=site.id, timeout=300_000, allow_credentials=allowed, user_verification=_VERIFY)
    await _remember(db, "passkey", browser, options.challenge, account)
    return options_to_json(options)


async def shown(db: Database, site: Site, browser: bytes, credential: str) -> int:
    """The number of the account whose passkey answered. Raises Unauthenticated; the same words whatever was wrong."""
    try:
        given = _read(credential)
        challenge = await _challenge(db, "passkey", browser, given)
        row = await db.fetchrow(Q.passkey_one, base64url_to_bytes(given["rawId"]))
        if row is None or row["disabled"]:
            raise Unauthenticated(_WRONG)
        handle = (given.get("response") or {}).get("userHandle")
        if handle and base64url_to_bytes(handle) != row["handle"]:
            raise Unauthenticated(_WRONG)
        seen = verify_authentication_response(
            credential=given, expected_challenge=challenge, expected_rp_id=site.id, expected_origin=site.origin,
            credential_public_key=row["public_key"], credential_current_sign_count=row["signs"], require_user_verification=True,
        )  # fmt: skip
    except (WebAuthnException, Invalid, ValueError, KeyError, TypeError):
        raise Unauthenticated(_WRONG) from None
    await db.execute(Q.passkey_used, row["id"], seen.new_sign_count, seen.credential_backed_up)
    account: int = row["account"]
    return account


async def listed(db: Database, account: int) -> Sequence[Row]:
    """number, id, name, transports, synced, created, used."""
    return await db.fetch(Q.passkey_list, account)


async def rename(db: Database, account: int, number: int, name: str) -> None:
    """Raises NotFound, Invalid."""
    if await db.fetchval(Q.passkey_name, account, number, _name(name)) is None:
        raise NotFound("There is no such passkey.")


async def remove(db: Database, account: int, number: int) -> None:
    """Raises NotFound."""
    if await db.fetchval(Q.passkey_drop, account, number) is None:
        raise NotFound("There is no such passkey.")


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not 1 <= len(name) <= 60 or not name.isprintable():
        raise Invalid("A passkey needs a name of 1 to 60 characters.", code="value")
    return name


def _described(row: Row) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(id=row["id"], transports=[AuthenticatorTransport(t) for t in row["transports"]] or None)


def _read(credential: str) -> dict[str, Any]:
    try:
        given = json.loads(credential)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict) or not isinstance(given.get("rawId"), str) or not isinstance(given.get("response"), dict):
        raise Invalid("That is no answer of an authenticator.", code="structure")
    return given


async def _remember(db: Database, kind: str, browser: bytes, challenge: bytes, account: int | None) -> None:
    await ceremony.begin(db, kind, browser, account=account, secret=bytes_to_base64url(challenge))


async def _challenge(db: Database, kind: str, browser: bytes, given: dict[str, Any], account: int | None = None) -> bytes:
    """The challenge that was answered, if it is one of ours: used once, in this browser, for this account."""
    try:
        client = json.loads(base64url_to_bytes(given["response"]["clientDataJSON"]))
        challenge = client["challenge"]
        step = await ceremony.take(db, kind, browser, challenge)
        if account is not None and step.account != account:
            raise Unauthenticated(_WRONG)
        return base64url_to_bytes(challenge)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Invalid("That is no answer of an authenticator.", code="structure") from None
