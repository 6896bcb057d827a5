"""Signing in with an identity provider: there, back, linked, and ended from there."""

from __future__ import annotations

from starlette.responses import PlainTextResponse, RedirectResponse, Response

from ...access.entry import NeedsCode
from ...access.roles import OWN_ACCOUNT
from ...base.errors import Conflict, Forbidden, Unauthenticated, Unavailable
from ..page import NOBODY_PURPOSE, OPEN, Call, page
from .session import door_page, inside, more_page
from .session_steps import with_cookies


def _back(call: Call, name: str) -> str:
    return f"{call.door.entry.site(call.request).origin}/sign-in/with/{name}/back"


async def _there(call: Call, link: int | None = None) -> Response:
    relying = call.door.entry.relying(call.request.path_params["provider"])
    here = call.door.entry.browser(call.request)
    target = "/account?done=linked" if link is not None else inside(call.query.get("next"))
    try:
        where = await relying.begin(here.hash, _back(call, relying.provider.name), target, link)
    except (Unavailable, Forbidden):
        return door_page(call, error=call.w("The identity provider cannot be reached. Sign in another way."), status=503)
    # a form's answer may not lead to another site (form-action 'self'), so the page goes there itself
    answer = RedirectResponse(where, 303) if link is None else Response("", headers={"Refresh": f"0; url={where}"})
    return with_cookies(answer, (here.set_cookie,) if here.set_cookie else ())


@page(OPEN, NOBODY_PURPOSE)
async def there(call: Call) -> Response:
    return await _there(call)


@page(OWN_ACCOUNT, "HOPERAT")
async def link(call: Call) -> Response:
    await call.door.entry.lately(call.request)
    return await _there(call, call.actor.number)


@page(OPEN, NOBODY_PURPOSE)
async def back(call: Call) -> Response:
    answer = {k: v for k, v in call.query.items() if len(v) <= 4000}
    name = call.request.path_params["provider"]
    try:
        signed, target = await call.door.entry.provider(call.request, name, answer, call.who.number if call.who else None)
    except NeedsCode as more:
        return more_page(call, more)
    except Unavailable:
        return door_page(call, error=call.w("The identity provider cannot be reached. Sign in another way."), status=503)
    except (Unauthenticated, Forbidden, Conflict):
        text = call.w("The identity provider’s answer opens no account here. Sign in another way, or ask at the reception desk.")
        return door_page(call, error=text, status=401)
    if signed is None:
        return call.go(inside(target))
    return with_cookies(call.go(inside(target) if signed.actor.factors else "/account"), signed.cookies)


@page(OPEN, NOBODY_PURPOSE)
async def logout(call: Call) -> Response:
    """Back-channel logout 1.0: the provider itself asks, with a token that it signed."""
    try:
        await call.door.entry.ended_there(call.request, call.request.path_params["provider"], call.field("logout_token"))
    except (Unauthenticated, Forbidden, Unavailable):
        return PlainTextResponse("the token is not good", 400)
    return Response(status_code=200)
