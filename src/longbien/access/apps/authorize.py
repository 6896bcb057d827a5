"""The request at /oauth/authorize, looked at before anybody is asked (RFC 6749 4.1.1, RFC 7636, SMART 2.2).

Two kinds of wrong: where the app or its address is not known, nobody is sent anywhere (that would be an open redirect); all else
goes back to the app's own address as an error."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from longbien.base.errors import Invalid
from longbien.base.sql import queries
from longbien.record import trail
from longbien.record.engine import Engine

from .. import smart
from ..actor import Actor
from ..lines import by
from ..sessions import digest
from ..settings import AccessSettings
from . import registry
from .refusal import Refusal
from .registry import App

Q = queries(__file__, "sql/apps.sql")
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}\Z")
PARAMETERS = ("response_type", "client_id", "redirect_uri", "scope", "state", "aud", "launch", "code_challenge",
              "code_challenge_method", "nonce", "prompt", "response_mode")  # fmt: skip
LONGEST = 2000


class SentBack(Refusal):
    """Wrong, but the app is known: its own address is told. url: where to."""

    def __init__(self, error: str, text: str, url: str):
        super().__init__(error, text)
        self.url = url


@dataclass(frozen=True)
class Wish:
    """What an app asks for. said: the scope, read; every part is one that the app may ask for. launch: the secret of a launch
    from a patient's page."""

    app: App
    redirect: str
    said: smart.Said
    state: str
    challenge: str
    nonce: str | None
    launch: str | None
    iss: str

    @property
    def picks_patient(self) -> bool:
        """Must the person say which patient this is about?"""
        asks = {"launch/patient", "launch/encounter"} & self.said.others or any(o.level == "patient" for o in self.said.ones)
        return self.launch is None and bool(asks)

    def back(self, **said: str) -> str:
        return back(self.redirect, state=self.state, iss=self.iss, **said)


def back(redirect: str, **said: str) -> str:
    """The app's address with what it is told. iss: RFC 9207, against mixed-up servers."""
    glue = "&" if urlsplit(redirect).query else "?"
    return redirect + glue + urlencode({k: v for k, v in said.items() if v})


async def wish(engine: Engine, params: Sequence[tuple[str, str]], fhir: str, issuer: str) -> Wish:
    """Raises Refusal (to be shown to the person), SentBack (to be told to the app)."""
    given: dict[str, str] = {}
    for name, value in params:
        if name in PARAMETERS:
            if name in given or len(value) > LONGEST * 2:
                raise Refusal("invalid_request", f"{name} stands there twice, or is too long.")
            given[name] = value
    app = await registry.find(engine.db, given.get("client_id", "")[:100])
    if app is None or app.account is not None:
        raise Refusal("invalid_client", "This app is not registered here, or was stopped.")
    redirect = given.get("redirect_uri", "")
    if redirect not in app.redirects:
        raise Refusal("invalid_request", "The app's address is not one that was registered for it.")
    state = given.get("state", "")

    def no(error: str, text: str) -> SentBack:
        return SentBack(error, text, back(redirect, state=state, iss=issuer, error=error, error_description=text))

    if given.get("response_type") != "code":
        raise no("unsupported_response_type", "Only response_type=code is supported.")
    if given.get("response_mode", "query") != "query":
        raise no("invalid_request", "Only response_mode=query is supported.")
    if not state:
        raise no("invalid_request", "state is required.")
    if given.get("code_challenge_method") != "S256" or not _CHALLENGE.match(given.get("code_challenge", "")):
        raise no("invalid_request", "PKCE is required: code_challenge with code_challenge_method=S256.")
    if given.get("aud", "").rstrip("/") != fhir:
        raise no("invalid_request", f"aud must be the address of the FHIR server, {fhir}.")
    if given.get("prompt") == "none":
        raise no("interaction_required", "The person is always asked.")
    try:
        said = asked(app, given.get("scope", ""))
    except Invalid as why:
        raise no("invalid_scope", why.text) from None
    launch = given.get("launch") or None
    if launch is None and "launch" in said.others:
        raise no("invalid_request", "scope launch goes with the parameter launch.")
    if launch is not None and "launch" not in said.others:
        raise no("invalid_scope", "The parameter launch goes with scope launch.")
    return Wish(app, redirect, said, state, given["code_challenge"], given.get("nonce"), launch, issuer)


def asked(app: App, scope: str) -> smart.Said:
    """What is asked for, if the app may. Raises Invalid naming what may not."""
    said = smart.read(scope)
    most = app.most
    if not scope.split():
        raise Invalid("scope is required.")
    for o in said.ones:
        if o.level == "system":
            raise Invalid(f"{o}: an app that acts for a person has no system/ scopes.")
        if not smart.within(o, most.ones):
            raise Invalid(f"{str(o)[:200]}: this app was not registered for that.")
    for other in sorted(said.others - most.others):
        raise Invalid(f"{other}: this app was not registered for that.")
    if {"online_access", "offline_access"} <= said.others:
        raise Invalid("online_access and offline_access exclude each other.")
    if "fhirUser" in said.others and "openid" not in said.others:
        raise Invalid("fhirUser goes with openid.")
    smart.held(said.ones)
    return said


def granted(actor: Actor, said: smart.Said) -> smart.Said:
    """Of what is asked for, what the person's role leaves, type by type: what the app is told that it got."""
    role = actor.known_role
    ones = []
    for o in said.ones:
        if o.type == "*" or role is None:
            ones.append(o)
            continue
        may = {"r": role.types("r"), "s": role.types("r"), "c": role.types("c"), "u": role.types("u"), "d": role.types("d")}
        ops = frozenset(op for op in o.ops if o.type in may[op])
        if ops:
            ones.append(o._replace(ops=ops))
    return smart.Said(tuple(ones), said.others)


def text(said: smart.Said) -> str:
    return " ".join([*(o for o in smart.OTHERS if o in said.others), *map(str, said.ones)])


async def launched(engine: Engine, wanted: Wish, actor: Actor) -> tuple[str, str | None]:
    """(patient, encounter) of the launch that this person began. Raises SentBack."""
    row = await engine.db.fetchrow(Q.launch_look, digest(wanted.launch or ""), wanted.app.number, actor.number)
    if row is None:
        why = "The launch is not known, is over, or was begun by somebody else."
        raise SentBack("invalid_request", why, wanted.back(error="invalid_request", error_description=why))
    return row["patient"], row["encounter"]


async def begin_launch(engine: Engine, actor: Actor, app: int, patient: str, encounter: str | None) -> str:
    """The secret that the app hands back as `launch`: good for five minutes, and for this person only."""
    secret = secrets.token_urlsafe(32)
    await engine.db.execute(Q.launch_new, digest(secret), app, actor.number, patient, encounter)
    return secret


async def allow(
    engine: Engine, settings: AccessSettings, wanted: Wish, actor: Actor, *, patient: str | None, encounter: str | None,
    session: str | None,
) -> str:  # fmt: skip
    """The person said yes: where to send the browser. session: the cookie's secret, which online access lasts as long as."""
    said = granted(actor, wanted.said)
    online = "offline_access" not in said.others and session is not None
    code = secrets.token_urlsafe(32)
    scope = text(said)
    async with engine.db.transaction() as connection:
        number = await connection.fetchval(
            Q.grant_new, wanted.app.number, actor.number, scope, patient, encounter,
            digest(session) if online and session else None, settings.app_days * 86_400,
        )  # fmt: skip
        await connection.execute(
            Q.code_new, digest(code), number, wanted.redirect, wanted.challenge, wanted.nonce, wanted.launch is None
        )
    why = f"app {wanted.app.client_id} allowed (permission {number}): {scope}"
    await engine.trail.write([trail.line(by(actor.number, address=actor.address, org=actor.org), "token", why=why)])
    return wanted.back(code=code)


def deny(wanted: Wish) -> str:
    """The person said no."""
    return wanted.back(error="access_denied", error_description="The person did not allow it.")
