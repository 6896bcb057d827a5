"""OpenID Connect Core 1.0 as a relying party: authorization code with PKCE (RFC 7636), discovery, keys that rotate, nonce,
state bound to the browser, the issuer in the answer (RFC 9207), back-channel logout 1.0, RP-initiated logout 1.0. Who the person
is here, oidc_people.py says."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from joserfc import jwk, jwt
from joserfc.errors import JoseError

from longbien.base.db import Database
from longbien.base.errors import Forbidden, Unauthenticated, Unavailable
from longbien.base.outside import Outside, OutsideSettings, Refused, Reply

from . import ceremony
from .oidc_settings import Provider

ALGORITHMS = ("RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519", "RS384", "RS512")
"""Signatures with a public key; never `none`, never a shared secret."""
SECONDS = 10.0
KEEP = 3600.0
"""Seconds that a provider's own description and keys are believed."""
AGAIN = 10.0
"""Seconds between two questions for keys because of an unknown one: a false token must not make us ask each time."""
LEEWAY = 60
LOGOUT = "http://schemas.openid.net/event/backchannel-logout"


class Vouched(NamedTuple):
    """What a provider says of a person: claims of the ID token and, where they lacked something, of the userinfo endpoint."""

    subject: str
    sid: str | None
    acr: str | None
    claims: dict[str, Any]
    next: str
    link: int | None
    id_token: str


class Relying:
    """One provider, one process. Close it."""

    def __init__(self, provider: Provider, db: Database):
        self.provider, self._db = provider, db
        self._outside = Outside(OutsideSettings.read({"LONGBIEN_OUTSIDE_HOSTS": provider.reach}))
        self._said: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, list[dict[str, Any]]] | None = None

    async def close(self) -> None:
        await self._outside.close()

    async def begin(self, browser: bytes, back: str, next_: str, link: int | None = None) -> str:
        """The address to send the browser to. `link`: the account that this is to be linked to. Raises Unavailable."""
        said, p = await self.said(), self.provider
        verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
        data = {"provider": p.name, "verifier": verifier, "nonce": nonce, "next": next_, "back": back}
        state = await ceremony.begin(self._db, "oidc", browser, account=link, data=data)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code", "client_id": p.client_id, "redirect_uri": back, "scope": p.scopes, "state": state,
            "nonce": nonce, "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        if p.acr:
            asked["acr_values"] = " ".join(p.acr)
        where = str(said["authorization_endpoint"])
        return where + ("&" if "?" in where else "?") + urlencode(asked)

    async def finish(self, browser: bytes, answer: dict[str, str]) -> Vouched:
        """From what the browser brings back. Raises Unauthenticated, Unavailable."""
        step = await ceremony.take(self._db, "oidc", browser, answer.get("state", ""))
        data = step.data
        said = await self.said()
        given = answer.get("iss")
        expected = said.get("authorization_response_iss_parameter_supported")
        if data["provider"] != self.provider.name or ((given or expected) and given != self.provider.issuer):
            raise Unauthenticated("This answer came from another provider.")
        if "code" not in answer:
            raise Unauthenticated("The provider did not sign anybody in.")
        tokens = await self._exchange(said, answer["code"], data)
        id_token = str(tokens.get("id_token", ""))
        claims = await self._verified(id_token)
        self._check(claims, data["nonce"])
        claims = await self._complete(said, claims, tokens.get("access_token"))
        acr = claims.get("acr")
        if self.provider.acr and acr not in self.provider.acr:
            raise Unauthenticated("The provider vouches for less than is asked for here.")
        sid = claims.get("sid")
        return Vouched(claims["sub"], sid if isinstance(sid, str) else None, acr, claims, data["next"], step.account, id_token)

    async def logout(self, token: str) -> tuple[str | None, str | None]:
        """(subject, sid) whose sessions end. Raises Unauthenticated: the token is not good, or was used."""
        claims = await self._verified(token)
        self._audience(claims)
        now, subject, sid, jti = time.time(), claims.get("sub"), claims.get("sid"), claims.get("jti")
        events, issued = claims.get("events"), claims.get("iat")
        good = (
            isinstance(events, dict) and isinstance(events.get(LOGOUT), dict) and "nonce" not in claims
            and isinstance(issued, int | float) and abs(now - issued) <= 600 and isinstance(jti, str)
            and (isinstance(subject, str) or isinstance(sid, str))
        )  # fmt: skip
        if not good or not await ceremony.once(self._db, "logout", f"{self.provider.name} {jti}", 1200):
            raise Unauthenticated("This logout token is not good.")
        return subject if isinstance(subject, str) else None, sid if isinstance(sid, str) else None

    async def leave(self, id_token: str, back: str) -> str | None:
        """The address that ends the provider's own session (RP-Initiated Logout 1.0) and comes back here; None where it has
        none. Raises Unavailable."""
        where = (await self.said()).get("end_session_endpoint")
        if not isinstance(where, str) or urlsplit(where).scheme not in ("https", urlsplit(self.provider.issuer).scheme):
            return None
        asked = {"id_token_hint": id_token, "client_id": self.provider.client_id, "post_logout_redirect_uri": back}
        return where + ("&" if "?" in where else "?") + urlencode(asked)

    # -- the provider -------------------------------------------------------------------------------------------------

    async def said(self) -> dict[str, Any]:
        """The provider's description of itself (discovery). Raises Unavailable."""
        if self._said is None or time.monotonic() - self._said[0] > KEEP:
            found = await self._json("GET", self.provider.issuer.rstrip("/") + "/.well-known/openid-configuration")
            needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
            if found.get("issuer") != self.provider.issuer or not all(isinstance(found.get(n), str) for n in needed):
                raise Unavailable(f"The provider {self.provider.name} does not describe itself as it was set up here.")
            self._said = (time.monotonic(), found)
        return self._said[1]

    async def _exchange(self, said: dict[str, Any], code: str, data: dict[str, Any]) -> dict[str, Any]:
        p = self.provider
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": data["back"], "code_verifier": data["verifier"]}
        headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")]
        methods = said.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if p.client_secret and "client_secret_basic" in methods:
            pair = f"{quote(p.client_id, safe='')}:{quote(p.client_secret, safe='')}"
            headers.append(("authorization", "Basic " + base64.b64encode(pair.encode()).decode()))
        else:
            form |= {"client_id": p.client_id} | ({"client_secret": p.client_secret} if p.client_secret else {})
        reply = await self._call("POST", said["token_endpoint"], headers, urlencode(form).encode())
        if reply.status != 200:
            raise Unauthenticated("The provider did not accept its own code.")
        return _object(reply)

    async def _complete(self, said: dict[str, Any], claims: dict[str, Any], access: Any) -> dict[str, Any]:
        """Claims that the ID token lacks are asked for at the userinfo endpoint; it must speak of the same person."""
        p, where = self.provider, said.get("userinfo_endpoint")
        wanted = (p.citizen_claim, p.name_claim, p.birth_claim) if p.match == "citizen" else ()
        if all(w in claims for w in wanted) or not isinstance(where, str) or not isinstance(access, str):
            return claims
        more = await self._json("GET", where, [("authorization", f"Bearer {access}"), ("accept", "application/json")])
        if more.get("sub") != claims.get("sub"):
            raise Unauthenticated("The provider speaks of two people.")
        return {**more, **claims}

    async def _verified(self, token: str) -> dict[str, Any]:
        """The claims of a token that one of the provider's keys signed. An unknown key: they may have changed it, so ask once."""
        for fresh in (False, True):
            keys: Any = {"keys": await self._all_keys(fresh=fresh)}
            try:
                return dict(jwt.decode(token, jwk.KeySet.import_key_set(keys), algorithms=list(ALGORITHMS)).claims)
            except (JoseError, ValueError, KeyError, TypeError):
                continue
        raise Unauthenticated("The provider's token cannot be verified.")

    async def _all_keys(self, *, fresh: bool) -> list[dict[str, Any]]:
        age = time.monotonic() - self._keys[0] if self._keys else KEEP * 2
        if self._keys is None or age > KEEP or (fresh and age > AGAIN):
            found = (await self._json("GET", (await self.said())["jwks_uri"])).get("keys")
            self._keys = (time.monotonic(), [k for k in found if _signs(k)] if isinstance(found, list) else [])
        return self._keys[1]

    def _check(self, claims: dict[str, Any], nonce: str) -> None:
        """OpenID Connect Core 3.1.3.7."""
        self._audience(claims)
        now, expires, issued, subject = time.time(), claims.get("exp"), claims.get("iat"), claims.get("sub")
        good = (
            isinstance(expires, int | float) and expires > now - LEEWAY and isinstance(issued, int | float)
            and issued < now + LEEWAY and isinstance(subject, str) and 0 < len(subject) <= 255
            and secrets.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode())
        )  # fmt: skip
        if not good:
            raise Unauthenticated("The provider's token is not for this sign-in.")

    def _audience(self, claims: dict[str, Any]) -> None:
        audience, mine = claims.get("aud"), self.provider.client_id
        several = audience if isinstance(audience, list) else [audience]
        if claims.get("iss") != self.provider.issuer or mine not in several:
            raise Unauthenticated("The provider's token is for somebody else.")
        if claims.get("azp", mine) != mine or (len(several) > 1 and "azp" not in claims):
            raise Unauthenticated("The provider's token is for somebody else.")

    async def _json(self, method: str, url: str, headers: list[tuple[str, str]] | None = None) -> dict[str, Any]:
        reply = await self._call(method, url, headers or [("accept", "application/json")])
        if reply.status != 200:
            raise Unavailable(f"The provider {self.provider.name} answers {reply.status}.")
        return _object(reply)

    async def _call(self, method: str, url: str, headers: list[tuple[str, str]], content: bytes = b"") -> Reply:
        try:
            return await self._outside.request(method, url, headers, content, seconds=SECONDS)
        except Refused as why:
            raise Forbidden(f"The provider {self.provider.name} leads to an address that is not called: {why.text}") from None


def _object(reply: Reply) -> dict[str, Any]:
    try:
        found = json.loads(reply.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Unavailable("The provider's answer cannot be read.")
    return found


def _signs(key: Any) -> bool:
    """A public key for signatures."""
    return isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP") and key.get("use") in (None, "sig")
