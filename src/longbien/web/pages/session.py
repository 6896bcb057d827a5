"""Coming in, going out, choosing a language."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse, Response

from ...access.actor import Actor
from ...access.entry import NeedsCode
from ...access.roles import ME, SIGN_OUT
from ...base.errors import TooMany, Unauthenticated
from ...base.words import LANGUAGES
from ..page import LANGUAGE_COOKIE, NOBODY_PURPOSE, OPEN, Call, page


def inside(path: str | None) -> str:
    """A path of this site to go on to; anything else is the start."""
    if not path or not path.startswith("/") or path.startswith(("//", "/\\")) or urlsplit(path).netloc:
        return "/"
    return path


@page(OPEN, NOBODY_PURPOSE)
async def start(call: Call) -> Response:
    return call.go(home(call.who) if call.who else "/sign-in")


def home(actor: Actor) -> str:
    """Where somebody begins: patients on their own page, staff on the day's work."""
    return "/me" if actor.may(ME) else "/today"


def door_page(call: Call, *, name: str = "", error: str = "", status: int = 200) -> Response:
    state = call.request.app.state
    if call.part:
        return PlainTextResponse(error, status)
    target = call.field("next") or call.query.get("next")
    return call.html(
        "sign-in.html", status, name=name, error=error, next=inside(target), place="",
        logins=getattr(state, "demo_logins", ()) if call.door.settings.demo else (), providers=call.door.entry.providers,
    )  # fmt: skip


@page(OPEN, NOBODY_PURPOSE)
async def sign_in_form(call: Call) -> Response:
    if call.query.get("switch") == "1":
        return door_page(call)
    return call.go(home(call.who)) if call.who else door_page(call)


@page(OPEN, NOBODY_PURPOSE)
async def sign_in(call: Call) -> Response:
    name = call.field("name", 100)
    given = call.form.get("password") if call.form is not None else None
    password = given if isinstance(given, str) else ""
    try:
        came = await call.door.sign_in(call.request, name, password)
    except TooMany as error:
        return door_page(call, name=name, error=wait(call, error), status=429)
    except NeedsCode as more:
        return more_page(call, more)
    except Unauthenticated as error:
        left = re.search(r"(\d+) tr(?:y|ies) left", error.text)
        text = call.w("Staff code or password is not right.")
        if left:
            text += " " + call.w.plural("%(n)s try left before a wait.", "%(n)s tries left before a wait.", int(left[1]))
        return door_page(call, name=name, error=text, status=401)
    wanted = inside(call.field("next"))
    response = call.go(home(came.actor) if wanted == "/today" and came.actor.may(ME) else wanted)
    if not came.actor.factors:
        response = call.go("/account")
    for cookie in came.cookies:
        response.headers.append("Set-Cookie", cookie)
    return response


def more_page(call: Call, more: NeedsCode) -> Response:
    """The password was right; now a code or a passkey."""
    if call.part:
        return PlainTextResponse(call.w("This needs a second step: sign in on the sign-in page."), 401)
    response = call.html(
        "sign-in-code.html", step=more.step, app=more.app, passkey=more.passkey, error="", next=inside(call.field("next"))
    )
    for cookie in more.cookies:
        response.headers.append("Set-Cookie", cookie)
    return response


def wait(call: Call, error: TooMany) -> str:
    return call.w("Too many tries. Wait %(span)s, then try again.", span=_seconds(call, error.retry_after))


def _seconds(call: Call, n: int) -> str:
    return call.w("%(n)s s", n=n) if n < 90 else call.w("%(n)s min", n=-(-n // 60))


@page(SIGN_OUT, "HOPERAT")
async def sign_out(call: Call) -> Response:
    cookie, where = await call.door.leave(call.request, f"{call.door.entry.site(call.request).origin}/sign-in")
    # a form's answer may not lead to another site (form-action 'self'), so the page goes there itself
    away = Response("", headers={"Refresh": f"0; url={where}", "Referrer-Policy": "no-referrer"}) if where else None
    response = away or call.go("/sign-in")
    response.headers.append("Set-Cookie", cookie)
    return response


@page(OPEN, NOBODY_PURPOSE)
async def language(call: Call) -> Response:
    """Remember a language for a year, and go back to where it was chosen."""
    wanted = call.field("lang", 2)
    back = call.field("next") or urlsplit(call.request.headers.get("referer", "")).path
    response = call.go(inside(back))
    if wanted in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, wanted, max_age=365 * 86400, samesite="lax", httponly=True)
    return response
