"""The other ways in and the lock of the screen: passkey, code, badge; lock, unlock, and the sign that somebody is there."""

from __future__ import annotations

import re

from starlette.responses import PlainTextResponse, Response

from ...access import passkeys
from ...access.entry import SignedIn
from ...access.roles import ME, OWN_ACCOUNT
from ...base.errors import LongbienError, TooMany, Unauthenticated
from ..page import NOBODY_PURPOSE, OPEN, Call, page
from .session import home, inside, wait

_PIN = re.compile(r"[0-9]{4,8}\Z")


def came(call: Call, signed: SignedIn) -> Response:
    """In: on to where they wanted to go; a session that waits for a factor goes to where one is set up."""
    wanted = inside(call.field("next") or call.query.get("next"))
    if wanted in ("/", "/today") and signed.actor.may(ME):
        wanted = home(signed.actor)
    response = call.go(wanted if signed.actor.factors else "/account")
    return with_cookies(response, signed.cookies)


def with_cookies(response: Response, cookies: tuple[str, ...]) -> Response:
    for cookie in cookies:
        response.headers.append("Set-Cookie", cookie)
    return response


def said(call: Call, error: LongbienError, text: str) -> Response:
    """A refusal for a script that sent the form."""
    if isinstance(error, TooMany):
        return PlainTextResponse(wait(call, error), 429)
    return PlainTextResponse(text, error.status)


@page(OPEN, NOBODY_PURPOSE)
async def ask(call: Call) -> Response:
    """The options for showing a passkey."""
    call.door.entry.own(call.request)
    here = call.door.entry.browser(call.request)
    options = await passkeys.ask(call.engine.db, call.door.entry.site(call.request), here.hash)
    response = Response(options, media_type="application/json")
    return with_cookies(response, (here.set_cookie,) if here.set_cookie else ())


@page(OPEN, NOBODY_PURPOSE)
async def passkey(call: Call) -> Response:
    try:
        signed = await call.door.entry.passkey(call.request, call.field("credential"))
    except Unauthenticated as error:
        return said(call, error, call.w("This passkey does not open anything here. Try again, or use your password."))
    return came(call, signed)


def code_page(call: Call, step: str, *, app: bool, passkey: bool, error: str = "", status: int = 200) -> Response:
    target = inside(call.field("next"))
    return call.html("sign-in-code.html", status, step=step, app=app, passkey=passkey, error=error, next=target)


@page(OPEN, NOBODY_PURPOSE)
async def code(call: Call) -> Response:
    step = call.field("step", 100)
    try:
        return came(call, await call.door.entry.code(call.request, step, call.field("code", 40)))
    except TooMany as error:
        return code_page(call, step, app=True, passkey=False, error=wait(call, error), status=429)
    except Unauthenticated:
        text = call.w("This code is not right, or it took too long. After five wrong ones the password is asked again.")
        return code_page(call, step, app=True, passkey=False, error=text, status=401)


@page(OPEN, NOBODY_PURPOSE)
async def badge(call: Call) -> Response:
    try:
        signed = await call.door.entry.badge(call.request, call.field("badge", 64), call.field("pin", 8))
    except Unauthenticated as error:
        text = call.w("Badge and PIN do not open this computer now. Sign in with a passkey or password.")
        return said(call, error, text)
    return came(call, signed)


@page(OPEN, NOBODY_PURPOSE)
async def lock(call: Call) -> Response:
    """Locking never fails: who is not signed in has nothing to lock."""
    call.door.entry.own(call.request)
    await call.door.entry.lock(call.request)
    return Response(status_code=204)


@page(OPEN, NOBODY_PURPOSE)
async def unlock_form(call: Call) -> Response:
    row = await call.door.entry.whose(call.request)
    if row is None:
        return call.go("/sign-in")
    return call.html(
        "unlock.html", next=inside(call.query.get("next")), who=row["name"], pin=row["pin"], passkey=row["passkey"], error=""
    )


@page(OPEN, NOBODY_PURPOSE)
async def unlock(call: Call) -> Response:
    given = call.form.get("word") if call.form is not None else None
    word = given if isinstance(given, str) else ""
    pin = bool(_PIN.match(word))
    try:
        await call.door.entry.unlock(
            call.request, pin=word if pin else "", password="" if pin else word, credential=call.field("credential")
        )
    except (Unauthenticated, TooMany) as error:
        text = wait(call, error) if isinstance(error, TooMany) else call.w("This does not open the screen.")
        row = await call.door.entry.whose(call.request)
        if call.part or row is None or call.field("credential"):
            return PlainTextResponse(text, error.status) if call.part else call.go("/sign-in")
        return call.html(
            "unlock.html", error.status, next=inside(call.field("next")), who=row["name"], pin=row["pin"],
            passkey=row["passkey"], error=text,
        )  # fmt: skip
    return call.go(inside(call.field("next")))


@page(OWN_ACCOUNT, "HOPERAT")
async def here(call: Call) -> Response:
    """Somebody is at the keyboard; writing a long note asks for nothing else."""
    return Response(status_code=204)
