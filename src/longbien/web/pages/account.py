"""One's own account: what opens it, where one is signed in. One page, whose forms each do one thing and come back to it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from ...access import factors, passwords, totp
from ...access.own_account import Own
from ...access.roles import ME, OWN_ACCOUNT
from ...base.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from ...base.words import mark
from ..page import Call, page
from .session_steps import with_cookies

METHODS = {
    "passkey": mark("passkey"),
    "password": mark("password"),
    "password+totp": mark("password and app"),
    "password+recovery": mark("password and recovery code"),
    "badge+pin": mark("badge and PIN"),
    "invitation": mark("invitation"),
    "provider": mark("identity provider"),
}
DONE = {
    "passkey": mark("The passkey is added."),
    "removed": mark("It is removed."),
    "password": mark("The password is changed."),
    "pin": mark("The PIN is set."),
    "badge": mark("The badge is added."),
    "ended": mark("The sign-in there has ended."),
    "named": mark("The new name is kept."),
    "linked": mark("The account is linked."),
}
_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)


def device(agent: str) -> str:
    """A browser as people call it, by what it says of itself."""
    names = [next((name for sign, name in table if sign in agent), "") for table in (_BROWSERS, _SYSTEMS)]
    return " · ".join(n for n in names if n)


def own(call: Call) -> Own:
    return Own(call.door.entry, call.request, call.actor)


async def show(call: Call, *, error: str = "", codes: list[str] | None = None, status: int = 200) -> Response:
    state = await own(call).state()
    offered = state["offered"]
    app = None
    if offered:
        app = SimpleNamespace(secret=offered, qr=Markup(totp.picture(totp.address(offered, call.actor.login))))  # noqa: S704
    settings = call.door.settings
    return call.html(
        "own-account.html", status, s=SimpleNamespace(**state), app=app, error=error, codes=codes or (), nav="account",
        due=not call.actor.factors, always=factors.always(call.actor.role, settings),
        least=passwords.SHORTEST if call.actor.may(ME) else settings.password_length,
        staff=not call.actor.may(ME), toast=call.w(DONE[d]) if (d := call.query.get("done", "")) in DONE else "",
        methods={k: call.w(v) for k, v in METHODS.items()}, device=device, home="/me" if call.actor.may(ME) else "/today",
        providers=call.door.entry.linkable(call.actor),
    )  # fmt: skip


@page(OWN_ACCOUNT, "HOPERAT")
async def account(call: Call) -> Response:
    return await show(call)


Act = Callable[[Call, Own], Awaitable[list[str] | None]]


def form(done: str) -> Callable[[Act], Any]:
    """A form of this page: what is wrong is said on it; else it comes back, saying `done`."""

    def make(act: Act) -> Any:
        async def handler(call: Call) -> Response:
            try:
                codes = await act(call, own(call))
            except (Invalid, Conflict, NotFound, Forbidden) as error:
                return await show(call, error=explained(call, error.text), status=error.status)
            except Unauthenticated as error:
                if type(error) is not Unauthenticated:
                    raise
                return await show(call, error=call.w("That took too long. Try again."), status=401)
            return await show(call, codes=codes) if codes else call.go(f"/account?done={done}" if done else "/account")

        handler.__name__, handler.__qualname__ = act.__name__, act.__qualname__
        return page(OWN_ACCOUNT, "HOPERAT")(handler)

    return make


SAID = (
    (r"A password needs at least (\d+)", mark("A password needs at least %(n)s characters.")),
    (r"Without a second .* (\d+)", mark("Without a second factor a password needs at least %(n)s characters.")),
    (r"This password is among", mark("This password is among the first that anybody tries. Choose another.")),
    (r"This PIN is among", mark("This PIN is among the first that anybody tries.")),
    (r"A PIN has", mark("A PIN has 4 to 8 digits.")),
    (r"Tap the badge", mark("Tap the badge on the reader: its number has 6 to 64 letters and digits.")),
    (r"This badge belongs", mark("This badge belongs to an account already.")),
    (r"This code is not right", mark("This code is not right. Look at the app again: it changes every 30 seconds.")),
    (r"A demo account", mark("A demo account is shared by all visitors: its sign-in stays as it is.")),
    (r"A passkey needs a name", mark("A passkey needs a name of 1 to 60 characters.")),
    (r"This passkey is known", mark("This passkey is known already.")),
    (r"An account may have (\d+) passkeys", mark("An account may have %(n)s passkeys.")),
    (r"Recovery codes stand in", mark("Recovery codes stand in for a second factor: set one up first.")),
)


def explained(call: Call, text: str) -> str:
    for pattern, message in SAID:
        found = re.match(pattern, text)
        if found:
            return call.w(message, n=found[1]) if found.groups() else call.w(message)
    return call.w("This did not work. Load the page again and try once more.")


def number(call: Call) -> int:
    text = call.field("number", 9)
    return int(text) if text.isascii() and text.isdigit() else 0


@page(OWN_ACCOUNT, "HOPERAT")
async def ask(call: Call) -> Response:
    """The options for making a passkey."""
    options = await own(call).offer_passkey()
    here = call.door.entry.browser(call.request)
    response = Response(options, media_type="application/json")
    return with_cookies(response, (here.set_cookie,) if here.set_cookie else ())


@form("passkey")
async def add_passkey(call: Call, mine: Own) -> None:
    name = call.field("name", 100) or device(call.request.headers.get("user-agent", "")) or "Passkey"
    await mine.add_passkey(call.field("credential"), name)


@form("named")
async def rename_passkey(call: Call, mine: Own) -> None:
    await mine.rename_passkey(number(call), call.field("name", 100))


@form("removed")
async def remove_passkey(call: Call, mine: Own) -> None:
    await mine.remove_passkey(number(call))


@form("")
async def offer_app(call: Call, mine: Own) -> None:
    await mine.offer_app()


@form("")
async def confirm_app(call: Call, mine: Own) -> list[str]:
    return await mine.confirm_app(call.field("code", 20))


@form("removed")
async def remove_app(call: Call, mine: Own) -> None:
    await mine.remove_app()


@form("")
async def new_codes(call: Call, mine: Own) -> list[str]:
    return await mine.new_codes()


@form("password")
async def set_password(call: Call, mine: Own) -> None:
    given = call.form.get("new") if call.form is not None else None
    await mine.set_password(given if isinstance(given, str) else "")


@form("pin")
async def set_pin(call: Call, mine: Own) -> None:
    await mine.set_pin(call.field("pin", 9))


@form("badge")
async def add_badge(call: Call, mine: Own) -> None:
    await mine.add_badge(call.field("card", 65))


@form("removed")
async def remove_badges(call: Call, mine: Own) -> None:
    await mine.remove_badges()


@form("ended")
async def end_session(call: Call, mine: Own) -> None:
    await mine.end_session(call.field("key", 64))


@form("ended")
async def end_others(call: Call, mine: Own) -> None:
    await mine.end_others()


@form("removed")
async def unlink(call: Call, mine: Own) -> None:
    await mine.unlink(call.field("provider", 40), call.field("subject", 255))
