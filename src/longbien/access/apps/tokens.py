"""What is given at the token endpoint, and taken back: codes against tokens, refresh tokens (each good once), machines' own tokens,
introspection (RFC 7662), revocation (RFC 7009). All secrets are kept as hashes, so that taking one back works within a second."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from longbien.base.errors import Invalid
from longbien.base.sql import queries
from longbien.record import trail
from longbien.record.engine import Engine

from .. import certificates, smart
from ..lines import by
from ..sealed import Seal
from ..sessions import digest
from ..settings import AccessSettings
from ..tokens import PREFIX
from . import keys
from .refusal import Refusal
from .registry import App

Q = queries(__file__, "sql/apps.sql")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z")
Answer = dict[str, Any]


class Place:
    """Where this house is, for what the answers name. issuer: of id_tokens. fhir: the address of the record."""

    def __init__(self, issuer: str, fhir: str):
        self.issuer, self.fhir = issuer, fhir


async def token(
    engine: Engine,
    settings: AccessSettings,
    app: App,
    form: Mapping[str, str],
    cert: bytes | None,
    place: Place,
    address: str | None,
) -> Answer:
    """The answer to a client that is known. Raises Refusal."""
    if app.bound and cert is None:
        raise Refusal("invalid_request", "This client's tokens are bound to its certificate: come with it.")
    kind = form.get("grant_type")
    if app.account is not None:
        if kind != "client_credentials":
            raise Refusal("unauthorized_client", "A backend service uses grant_type=client_credentials.")
        return await _machine(engine, settings, app, form, cert, address)
    if kind == "authorization_code":
        return await _code(engine, settings, app, form, cert, place, address)
    if kind == "refresh_token":
        return await _refresh(engine, settings, app, form, cert, place, address)
    if kind == "client_credentials":
        raise Refusal("unauthorized_client", "This app acts for people: it cannot come by itself.")
    raise Refusal("unsupported_grant_type", "grant_type must be authorization_code, refresh_token or client_credentials.")


async def _machine(
    engine: Engine, settings: AccessSettings, app: App, form: Mapping[str, str], cert: bytes | None, address: str | None
) -> Answer:
    scope = " ".join(form.get("scope", "").split()) or app.scope
    try:
        said = smart.read(scope)
        smart.machine(scope)
    except Invalid as why:
        raise Refusal("invalid_scope", why.text) from None
    for o in said.ones:
        if not smart.within(o, app.most.ones):
            raise Refusal("invalid_scope", f"{str(o)[:200]}: this client was not registered for that.")
    seconds = settings.machine_minutes * 60
    access, number = await _new_token(engine, app, int(app.account or 0), scope, seconds, None, cert)
    await _line(engine, int(app.account or 0), f"app {app.client_id}: token {number}: {scope}", address)
    return {"access_token": access, "token_type": "Bearer", "expires_in": int(seconds), "scope": scope}


async def _code(
    engine: Engine,
    settings: AccessSettings,
    app: App,
    form: Mapping[str, str],
    cert: bytes | None,
    place: Place,
    address: str | None,
) -> Answer:
    wrong = Refusal("invalid_grant", "The code is not known, is over, was used, or belongs to another app or address.")
    row = await engine.db.fetchrow(Q.code_take, digest(form.get("code", "")))
    if row is None:
        raise wrong
    if row["before"] is not None:  # used a second time: one of the two is a thief, and nobody can tell which (RFC 6749 4.1.2)
        await _end(engine, row["app_grant"], "a code was used twice", row["account"], address)
        raise wrong
    right = row["client_id"] == app.client_id and form.get("redirect_uri") == row["redirect"]
    if not right or row["late"] or row["ended"] or row["disabled"] or not _proves(form.get("code_verifier", ""), row["challenge"]):
        await _end(
            engine, row["app_grant"], "a code was shown by the wrong app, too late or without its verifier", row["account"], address
        )
        raise wrong
    return await _give(engine, settings, app, row, cert, place, address, row["scope"], nonce=row["nonce"], banner=row["banner"])


def _proves(verifier: str, challenge: str) -> bool:
    if not _VERIFIER.match(verifier):
        return False
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(made, challenge)


async def _refresh(
    engine: Engine,
    settings: AccessSettings,
    app: App,
    form: Mapping[str, str],
    cert: bytes | None,
    place: Place,
    address: str | None,
) -> Answer:
    wrong = Refusal("invalid_grant", "The refresh token is not known, has ended, or belongs to another app.")
    row = await engine.db.fetchrow(Q.refresh_take, digest(form.get("refresh_token", "")), app.client_id, settings.idle_minutes * 60)
    if row is None:
        raise wrong
    if row["before"] is not None:  # a copy is about (RFC 9700 4.14.2)
        await _end(engine, row["app_grant"], "a refresh token was used twice", row["account"], address)
        raise wrong
    if row["late"] or row["ended"] or row["disabled"]:
        raise wrong
    if not row["signed_in"]:
        await _end(engine, row["app_grant"], "the sign-in that it was for has ended", row["account"], address)
        raise wrong
    scope = _less(form.get("scope"), row["scope"])
    return await _give(engine, settings, app, row, cert, place, address, scope)


def _less(wanted: str | None, scope: str) -> str:
    """A refresh may ask for less, for this one token. Raises Refusal."""
    if not wanted or not wanted.split():
        return scope
    try:
        asked, whole = smart.read(wanted), smart.read(scope)
        smart.held(asked.ones)
    except Invalid as why:
        raise Refusal("invalid_scope", why.text) from None
    if not asked.others <= whole.others or not all(smart.within(o, whole.ones) for o in asked.ones):
        raise Refusal("invalid_scope", "A refresh cannot ask for more than was allowed.")
    return " ".join(wanted.split())


async def _give(
    engine: Engine, settings: AccessSettings, app: App, row: Any, cert: bytes | None, place: Place, address: str | None,
    scope: str, *, nonce: str | None = None, banner: bool | None = None,
) -> Answer:  # fmt: skip
    seconds = min(settings.app_minutes * 60, max(row["left"], 1.0))
    access, number = await _new_token(engine, app, row["account"], scope, seconds, row["app_grant"], cert)
    answer: Answer = {"access_token": access, "token_type": "Bearer", "expires_in": int(seconds), "scope": scope}
    others = smart.read(row["scope"]).others
    if others & {"online_access", "offline_access"}:
        refresh = "lbr_" + secrets.token_urlsafe(32)
        await engine.db.execute(Q.refresh_new, digest(refresh), row["app_grant"])
        answer["refresh_token"] = refresh
    answer |= {k: row[k] for k in ("patient", "encounter") if row[k]}
    if banner is not None:
        answer |= {"need_patient_banner": banner, "smart_style_url": f"{place.issuer}/oauth/style.json"}
    if "openid" in others:
        answer["id_token"] = await _id_token(engine, settings, app, row["account"], others, place, seconds, nonce)
    await engine.db.execute(Q.grant_used, row["app_grant"])
    await _line(engine, row["account"], f"app {app.client_id}: token {number} (permission {row['app_grant']}): {scope}", address)
    return answer


async def _new_token(
    engine: Engine, app: App, account: int, scope: str, seconds: float, grant: int | None, cert: bytes | None
) -> tuple[str, int]:
    made = PREFIX + secrets.token_urlsafe(32)
    bound = cert if app.bound else None
    number = await engine.db.fetchval(Q.token_new, digest(made), account, scope, seconds, app.number, grant, bound)
    return made, number


async def _id_token(
    engine: Engine, settings: AccessSettings, app: App, account: int, others: frozenset[str], place: Place, seconds: float,
    nonce: str | None,
) -> str:  # fmt: skip
    who = await engine.db.fetchrow("SELECT name, login, practitioner, patient FROM account WHERE number = $1", account)
    now = int(time.time())
    claims: Answer = {"iss": place.issuer, "sub": subject(account), "aud": app.client_id, "iat": now, "exp": now + int(seconds)}
    if nonce:
        claims["nonce"] = nonce
    if (who_is := fhir_user(who)) and others & {"fhirUser", "profile"}:
        claims["fhirUser"] = f"{place.fhir}/{who_is}"
    if "profile" in others and who is not None:
        claims["name"] = who["name"]
    return await keys.sign(engine.db, seal_of(settings), claims)


def subject(account: int) -> str:
    """An account, as apps know it: always the same, and no login."""
    return hashlib.sha256(f"longbien account {account}".encode()).hexdigest()[:32]


def fhir_user(who: Any) -> str | None:
    if who is None:
        return None
    if who["practitioner"]:
        return f"Practitioner/{who['practitioner']}"
    return f"Patient/{who['patient']}" if who["patient"] else None


async def _end(engine: Engine, grant: int, why: str, account: int, address: str | None) -> None:
    if await engine.db.fetchval(Q.grant_end, grant, why) is not None:
        await _line(engine, account, f"permission {grant} of an app ended: {why}", address, outcome=trail.REFUSED)


async def _line(engine: Engine, account: int, why: str, address: str | None, outcome: int = trail.SUCCESS) -> None:
    await engine.trail.write([trail.line(by(account, address=address), "token", outcome=outcome, why=why)])


async def end_own(engine: Engine, account: int, grant: int, address: str | None) -> bool:
    """The person takes back what they allowed an app: all its tokens end within a second. False: there was none."""
    if await engine.db.fetchval(Q.grant_end_own, grant, account) is None:
        return False
    await _line(engine, account, f"permission {grant} of an app taken back", address)
    return True


async def introspect(engine: Engine, app: App, given: str, place: Place) -> Answer:
    """RFC 7662, about the client's own tokens only: of another's it is told what it is told of none."""
    row = await engine.db.fetchrow(Q.token_look, digest(given))
    if row is not None and row["client_id"] == app.client_id and row["active"]:
        answer: Answer = {"active": True, "scope": row["scope"], "client_id": app.client_id, "token_type": "Bearer",
                          "iat": row["iat"], "exp": row["exp"], "sub": subject(row["account"]), "iss": place.issuer}  # fmt: skip
        answer |= {k: row[k] for k in ("patient", "encounter") if row[k]}
        who = fhir_user({"practitioner": row["practitioner"], "patient": row["own"]})
        if who and smart.read(row["scope"]).others & {"fhirUser"}:
            answer["fhirUser"] = f"{place.fhir}/{who}"
        if row["cert"]:
            answer["cnf"] = {"x5t#S256": certificates.thumbprint(row["cert"])}
        return answer
    fresh = await engine.db.fetchrow(Q.refresh_look, digest(given))
    if fresh is not None and fresh["client_id"] == app.client_id and fresh["active"]:
        return {
            "active": True,
            "scope": fresh["scope"],
            "client_id": app.client_id,
            "exp": fresh["exp"],
            "sub": subject(fresh["account"]),
        }
    return {"active": False}


async def revoke(engine: Engine, app: App, given: str, address: str | None) -> None:
    """RFC 7009. An access token ends alone, a refresh token with all that came of it; of another's token nothing happens."""
    row = await engine.db.fetchrow(Q.token_look, digest(given))
    if row is not None and row["client_id"] == app.client_id:
        await engine.db.execute(Q.token_revoke, row["number"])
        await _line(engine, row["account"], f"app {app.client_id} gave back token {row['number']}", address)
        return
    fresh = await engine.db.fetchrow(Q.refresh_look, digest(given))
    if fresh is not None and fresh["client_id"] == app.client_id:
        await engine.db.fetchval(Q.grant_end, fresh["app_grant"], "by the app")
        await _line(engine, fresh["account"], f"app {app.client_id} gave back permission {fresh['app_grant']}", address)


@lru_cache(maxsize=8)
def seal_of(settings: AccessSettings) -> Seal:
    return Seal(settings)


async def clean(engine: Engine, settings: AccessSettings) -> None:
    """Forget what is over."""
    for query in (Q.clean_codes, Q.clean_launches, Q.clean_jtis, Q.clean_refresh):
        await engine.db.execute(query)
    await keys.clean(engine, seal_of(settings))
