"""Which apps there are: registered by an administrator, by the command line, or by themselves (RFC 7591) if the house lets them."""

from __future__ import annotations

import ipaddress
import json
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from longbien.base.db import Database, Row
from longbien.base.errors import Conflict, Invalid, NotFound
from longbien.base.sql import queries
from longbien.record import trail
from longbien.record.engine import Engine

from .. import accounts, certificates, smart
from ..lines import by
from ..sessions import digest

Q = queries(__file__, "sql/apps.sql")
A = queries(accounts.__file__, "sql/access.sql")
Auth = Literal["none", "client_secret_basic", "private_key_jwt", "tls_client_auth"]
AUTHS: tuple[Auth, ...] = ("none", "client_secret_basic", "private_key_jwt", "tls_client_auth")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
_OWN_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+\Z")


@dataclass(frozen=True)
class NewApp:
    """scope: the most it may ask for. redirects: for apps that act for a person. by_itself: a backend service (system/ scopes).
    cert: PEM, for tls_client_auth. bound: its tokens are good only over its own certificate."""

    name: str
    scope: str
    auth: Auth = "none"
    redirects: tuple[str, ...] = ()
    launch_url: str | None = None
    jwks: str | None = None
    jwks_uri: str | None = None
    cert: str | None = None
    bound: bool = False
    facility: str | None = None


@dataclass(frozen=True)
class App:
    """An app that may come now. account: of a backend service, the machine that it is."""

    number: int
    client_id: str
    name: str
    auth: Auth
    secret: bytes | None = field(repr=False)
    jwks: str | None
    jwks_uri: str | None
    cert: bytes | None
    redirects: tuple[str, ...]
    scope: str
    account: int | None
    bound: bool

    @property
    def most(self) -> smart.Said:
        return smart.read(self.scope)


async def register(
    engine: Engine, new: NewApp, *, by_account: int = 0, client_id: str | None = None, by_itself: bool = False
) -> tuple[str, str | None]:
    """(client_id, secret or None: shown once). Audited. Raises Invalid (naming the field), Conflict (the id is taken)."""
    app = _checked(new)
    id_ = client_id or f"app-{secrets.token_hex(8)}"
    if not re.fullmatch(r"[A-Za-z0-9._-]{3,60}", id_):
        raise Invalid("A client id has 3 to 60 letters, digits, dots, hyphens or underscores.", code="value")
    secret = secrets.token_urlsafe(32) if app.auth == "client_secret_basic" else None
    cert = None if app.cert is None else certificates.of_pem(app.cert)
    if await engine.db.fetchval("SELECT 1 FROM app WHERE client_id = $1", id_):
        raise Conflict(f"There is an app with the client id {id_!r} already.")
    account = await _machine(engine.db, app, id_) if _service(app) else None
    number = await engine.db.fetchval(
        Q.app_new, id_, app.name, app.auth, digest(secret) if secret else None, app.jwks, app.jwks_uri, cert, list(app.redirects),
        app.launch_url, app.scope, account, app.facility, app.bound, by_itself, by_account,
    )  # fmt: skip
    await engine.trail.write([trail.line(by(by_account), "token", why=f"app {id_} registered (number {number}): {app.scope}")])
    return id_, secret


def _service(app: NewApp) -> bool:
    return any(o.level == "system" for o in smart.read(app.scope).ones)


async def _machine(db: Database, app: NewApp, client_id: str) -> int:
    account = await db.fetchrow(A.machine_ensure, f"machine:app:{client_id.lower()}", app.name)
    if account is None or account["disabled"]:
        raise Invalid(f"The account of {client_id!r} is disabled.")
    return int(account["number"])


def _checked(new: NewApp) -> NewApp:
    name = " ".join(new.name.split())
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise Invalid("An app needs a name of 1 to 100 characters.", code="value")
    said = smart.read(new.scope)
    levels = {o.level for o in said.ones}
    if not new.scope.split():
        raise Invalid('An app needs the scopes that it may ask for, such as "launch patient/Observation.rs".', code="value")
    smart.held([o for o in said.ones if o.level == "system"])
    if new.auth not in AUTHS:
        raise Invalid(f"How an app shows who it is must be one of {', '.join(AUTHS)}.", code="value")
    if "system" in levels:
        if levels != {"system"} or said.others:
            raise Invalid(
                "An app comes by itself (system/ scopes) or acts for people (patient/, user/): register two apps.", code="value"
            )
        if new.auth not in ("private_key_jwt", "tls_client_auth"):
            raise Invalid("A backend service shows who it is by private_key_jwt or tls_client_auth.", code="value")
        if new.redirects or new.launch_url:
            raise Invalid("A backend service has no addresses to be sent back to.", code="value")
    elif not new.redirects:
        raise Invalid("An app that acts for people needs an address to be sent back to (redirect).", code="value")
    for uri in new.redirects:
        check_redirect(uri)
    if new.launch_url:
        check_redirect(new.launch_url)
    if new.jwks is not None:
        public_keys(new.jwks)
    if new.auth == "private_key_jwt" and not (new.jwks or new.jwks_uri):
        raise Invalid("private_key_jwt needs the app's public keys (jwks or jwks_uri).", code="value")
    if new.auth == "tls_client_auth":
        _check_cert(new.cert)
    elif new.cert is not None:
        raise Invalid("A certificate goes with tls_client_auth only.", code="value")
    return NewApp(name, " ".join(new.scope.split()), new.auth, new.redirects, new.launch_url or None, new.jwks,
                  new.jwks_uri or None, new.cert, new.bound or new.auth == "tls_client_auth", new.facility)  # fmt: skip


def _check_cert(pem: str | None) -> None:
    try:
        certificates.of_pem(pem or "")
    except ValueError:
        raise Invalid("tls_client_auth needs the app's certificate as PEM.", code="value") from None


def check_redirect(uri: str) -> None:
    """https, http of the app's own computer (RFC 8252), or a scheme of the app's own that is a domain turned round. Raises
    Invalid."""
    wrong = Invalid(
        f"The address {uri[:80]!r} must be https, http://127.0.0.1 or a scheme such as vn.example.app:/back.", code="value"
    )
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        raise wrong from None
    if (
        len(uri) > 500
        or not uri.isascii()
        or not uri.isprintable()
        or set(uri) & set(" \"<>\\^`{|}';,")
        or "#" in uri
        or parts.username is not None
    ):
        raise wrong
    if parts.scheme == "https" and host and "*" not in host:
        return
    if parts.scheme == "http" and (host in LOOPBACK or _loopback(host)):
        return
    if _OWN_SCHEME.match(parts.scheme) and not parts.query:
        return
    raise wrong


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def public_keys(text: str) -> KeySet:
    """A JWK set of public keys. Raises Invalid for what is none, or holds a private key."""
    try:
        said: Any = json.loads(text)
        keys = said["keys"]
        if not isinstance(keys, list) or not 1 <= len(keys) <= 20 or len(text) > 60_000:
            raise ValueError("keys")
        if any(k.get("kty") not in ("RSA", "EC") or "d" in k or not k.get("kid") for k in keys):
            raise ValueError("kind")
        return KeySet.import_key_set({"keys": keys})
    except (ValueError, TypeError, KeyError, AttributeError, JoseError):
        raise Invalid("The keys must be a JWK set of public RSA or EC keys, each with a kid.", code="value") from None


async def find(db: Database, client_id: str) -> App | None:
    """The app with this id, if it may come now."""
    row = await db.fetchrow(Q.app_by_client, client_id)
    if row is None or row["account_disabled"]:
        return None
    return App(row["number"], row["client_id"], row["name"], row["auth"], row["secret"], row["jwks"], row["jwks_uri"], row["cert"],
               tuple(row["redirects"]), row["scope"], row["account"], row["bound"])  # fmt: skip


async def listed(db: Database, facility: str | None) -> Sequence[Row]:
    """Those of a facility and of the city (None: all), as rows of `app` with open (running permissions) and last."""
    return await db.fetch(Q.app_list, facility)


async def launchable(db: Database, facility: str | None) -> Sequence[Row]:
    """client_id, name, launch_url of those that can be opened from a patient's page."""
    return await db.fetch(Q.app_launchable, facility)


async def disable(engine: Engine, client_id: str, *, by_account: int = 0) -> None:
    """All its tokens end within a second, everywhere. Raises NotFound."""
    if await engine.db.fetchval(Q.app_disable, client_id) is None:
        raise NotFound(f"There is no app {client_id[:60]!r} that could be stopped.")
    await engine.trail.write([trail.line(by(by_account), "token", why=f"app {client_id} stopped")])


async def enable(engine: Engine, client_id: str, *, by_account: int = 0) -> None:
    """Raises NotFound."""
    if await engine.db.fetchval(Q.app_enable, client_id) is None:
        raise NotFound(f"There is no app {client_id[:60]!r} that was stopped.")
    await engine.trail.write([trail.line(by(by_account), "token", why=f"app {client_id} let in again")])


async def new_secret(engine: Engine, client_id: str, *, by_account: int = 0) -> str:
    """A new secret; the old one is good no more. Raises NotFound."""
    secret = secrets.token_urlsafe(32)
    if await engine.db.fetchval(Q.app_secret, client_id, digest(secret)) is None:
        raise NotFound(f"There is no app {client_id[:60]!r} with a secret.")
    await engine.trail.write([trail.line(by(by_account), "token", why=f"app {client_id}: a new secret")])
    return secret
