"""Which app is at the token endpoint: by its secret (RFC 6749 2.3.1), by a signed assertion (RFC 7523, SMART's asymmetric way), by
its certificate (RFC 8705), or, of a public one, by nothing but its name."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from longbien.base.errors import Invalid, LongbienError
from longbien.base.outside import Outside
from longbien.base.sql import queries
from longbien.record.engine import Engine

from ..sessions import digest
from . import registry
from .refusal import Refusal
from .registry import App

Q = queries(__file__, "sql/apps.sql")
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ("RS384", "ES384", "RS256", "ES256")
LONGEST_LIFE = 300
"""Seconds that an assertion may still be good (SMART: five minutes)."""
SKEW = 30
KEPT, AGAIN = 300.0, 10.0
"""Seconds that a fetched key set is used, and that pass before an unknown key makes it fetched anew."""


def _unknown(text: str = "The client is not known, or did not show that it is who it says.") -> Refusal:
    return Refusal("invalid_client", text, 401)


class Clients:
    """One per process: remembers key sets that were fetched."""

    def __init__(self, engine: Engine, outside: Outside):
        self._engine = engine
        self._outside = outside
        self._sets: dict[str, tuple[float, KeySet]] = {}

    async def known(
        self, form: Mapping[str, str], authorization: str | None, cert: bytes | None, audiences: tuple[str, ...]
    ) -> App:
        """The app that sends this form. audiences: the addresses that an assertion may be for. Raises Refusal."""
        ways = [authorization is not None, "client_assertion" in form, "client_secret" in form]
        if sum(ways) > 1:
            raise Refusal("invalid_request", "Show who you are in one way only.")
        if "client_secret" in form:
            raise _unknown("Send the secret by HTTP Basic (client_secret_basic).")
        if authorization is not None:
            return await self._by_secret(authorization, form.get("client_id"))
        if "client_assertion" in form:
            return await self._by_assertion(form, audiences)
        app = await registry.find(self._engine.db, form.get("client_id", "")[:100])
        if app is not None and app.auth == "none":
            return app
        if app is not None and app.auth == "tls_client_auth" and cert is not None and hmac.compare_digest(app.cert or b"", cert):
            return app
        raise _unknown()

    async def _by_secret(self, authorization: str, also: str | None) -> App:
        kind, _, given = authorization.partition(" ")
        try:
            name, colon, secret = base64.b64decode(given.strip(), validate=True).decode().partition(":")
        except (ValueError, binascii.Error):
            raise _unknown() from None
        if kind.lower() != "basic" or not colon:
            raise _unknown()
        name, secret = unquote_plus(name), unquote_plus(secret)
        app = await registry.find(self._engine.db, name[:100])
        if app is None or app.secret is None or not hmac.compare_digest(app.secret, digest(secret)):
            raise _unknown()
        if also is not None and also != app.client_id:
            raise _unknown("client_id and the Authorization header name two clients.")
        return app

    async def _by_assertion(self, form: Mapping[str, str], audiences: tuple[str, ...]) -> App:
        text = form["client_assertion"]
        if form.get("client_assertion_type") != ASSERTION or len(text) > 8000:
            raise Refusal("invalid_request", f"client_assertion_type must be {ASSERTION}.")
        header, claims = _unchecked(text)
        app = await registry.find(self._engine.db, str(claims.get("iss"))[:100])
        if app is None or app.auth != "private_key_jwt" or form.get("client_id", app.client_id) != app.client_id:
            raise _unknown()
        if header.get("alg") not in ALGORITHMS or not isinstance(header.get("kid"), str) or "crit" in header:
            raise _unknown(f"The assertion must be signed by one of {', '.join(ALGORITHMS)}, and name its key (kid).")
        await self._signed(app, text, header["kid"])
        await self._fresh(app, claims, audiences)
        return app

    async def _signed(self, app: App, text: str, kid: str) -> None:
        keys = await self._keys(app, kid)
        known = [k for k in keys.keys if k.kid == kid]
        if not known:
            raise _unknown("The assertion's key is not among the client's.")
        try:
            jws.deserialize_compact(text, known[0], algorithms=list(ALGORITHMS))
        except (JoseError, ValueError):
            raise _unknown("The assertion's signature is not right.") from None

    async def _keys(self, app: App, kid: str) -> KeySet:
        if app.jwks is not None:
            return registry.public_keys(app.jwks)
        uri = app.jwks_uri or ""
        fetched, keys = self._sets.get(uri, (float("-inf"), None))
        age = time.monotonic() - fetched
        if keys is not None and (age < AGAIN or (age < KEPT and any(k.kid == kid for k in keys.keys))):
            return keys
        try:
            reply = await self._outside.request("GET", uri, [("accept", "application/json")], seconds=5)
            if reply.status != 200:
                raise Invalid("no keys there")
            keys = registry.public_keys(reply.body.decode("utf-8", "replace"))
        except LongbienError:
            raise _unknown("The client's keys could not be fetched.") from None
        if len(self._sets) > 1000:
            self._sets.clear()
        self._sets[uri] = (time.monotonic(), keys)
        return keys

    async def _fresh(self, app: App, claims: dict[str, Any], audiences: tuple[str, ...]) -> None:
        now = time.time()
        aud, exp, jti = claims.get("aud"), claims.get("exp"), claims.get("jti")
        to = aud if isinstance(aud, list) else [aud]
        if claims.get("sub") != app.client_id:
            raise _unknown("iss and sub must both be the client's id.")
        if not any(a in audiences for a in to):
            raise _unknown(f"aud must be {audiences[0]}.")
        if not isinstance(exp, int | float) or isinstance(exp, bool) or not now - SKEW < exp < now + LONGEST_LIFE + SKEW:
            raise _unknown("exp must lie in the next five minutes.")
        for name in ("nbf", "iat"):
            if name in claims and (not isinstance(claims[name], int | float) or claims[name] > now + SKEW):
                raise _unknown(f"{name} lies in the future.")
        if not isinstance(jti, str) or not 1 <= len(jti) <= 200:
            raise _unknown("The assertion needs a jti.")
        if not await self._engine.db.fetchval(Q.jti_new, digest(f"{app.client_id} {jti}"), float(exp + SKEW)):
            raise _unknown("This assertion was used already.")


def _unchecked(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims as they stand there, before the signature is looked at: to know whose keys to take."""
    try:
        parts = text.split(".")
        header, claims = (json.loads(base64.urlsafe_b64decode(p + "=" * (-len(p) % 4))) for p in parts[:2])
    except (ValueError, RecursionError):
        raise _unknown("The assertion is no JWT.") from None
    if len(parts) != 3 or not isinstance(header, dict) or not isinstance(claims, dict):
        raise _unknown("The assertion is no JWT.")
    return header, claims
