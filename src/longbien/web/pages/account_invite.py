"""Inviting staff: the administrator's page, and the page that the link opens."""

from __future__ import annotations

from starlette.responses import Response

from ...access import facility, home_accounts, invitations
from ...access.accounts import NewAccount
from ...access.roles import ACCOUNTS, MACHINES, PATIENTS, ROLES
from ...base.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from ..page import NOBODY_PURPOSE, OPEN, Call, page
from .session_steps import came


async def _show(call: Call, *, link: str = "", error: str = "", status: int = 200) -> Response:
    open_ = await invitations.waiting(call.engine, call.actor)
    departments = await facility.departments(call.engine, call.actor.organization) if call.actor.organization else {}
    roles = [(r.name, r.vi if call.lang == "vi" else r.en) for r in ROLES.values() if r.name not in PATIENTS | MACHINES]
    return call.html(
        "invite.html", status, waiting=open_, roles=roles, named=dict(roles), departments=departments, link=link, error=error,
        nav="", given={k: call.field(k, 200) if error else "" for k in ("login", "name", "role", "department")},
    )  # fmt: skip


@page(ACCOUNTS, "HSYSADMIN")
async def form(call: Call) -> Response:
    return await _show(call)


@page(ACCOUNTS, "HSYSADMIN")
async def invite(call: Call) -> Response:
    wanted = NewAccount(
        call.field("login", 100).lower(), call.field("name", 200), call.field("role", 40),
        organization=call.actor.organization, department=call.field("department", 64) or None,
    )  # fmt: skip
    if wanted.role in PATIENTS or wanted.role not in ROLES:
        return await _show(call, error=call.w("Choose a role."), status=422)
    known = await facility.departments(call.engine, wanted.organization) if wanted.organization else {}
    if wanted.department is not None and wanted.department not in known:
        return await _show(call, error=call.w("Choose a department of this facility."), status=422)
    try:
        _, secret = await invitations.invite(call.engine, call.door.hasher, call.door.settings, call.actor, wanted)
    except Conflict:
        return await _show(call, error=call.w("There is an account with this staff code already."), status=409)
    except (Invalid, Forbidden):
        text = call.w("A staff code has 2 to 100 of a–z, 0–9, '.', '_', '-', '@'; a name 1 to 200 characters.")
        return await _show(call, error=text, status=422)
    return await _show(call, link=f"{call.door.entry.site(call.request).origin}/welcome/{secret}")


@page(ACCOUNTS, "HSYSADMIN")
async def again(call: Call) -> Response:
    """A new link for somebody who lost theirs, or everything."""
    login = call.field("login", 100).lower()
    number = await call.engine.db.fetchval("SELECT number FROM account WHERE login = $1 AND kind = 'person'", login)
    try:
        secret = await invitations.link(call.engine, call.door.settings, call.actor, number or 0)
    except (NotFound, Forbidden):
        return await _show(call, error=call.w("There is no such account at this facility."), status=404)
    return await _show(call, link=f"{call.door.entry.site(call.request).origin}/welcome/{secret}")


@page(ACCOUNTS, "HSYSADMIN")
async def revoke(call: Call) -> Response:
    text = call.field("number", 9)
    await invitations.revoke(call.engine, call.actor, int(text) if text.isascii() and text.isdigit() else 0)
    return call.go("/invitations")


@page(OPEN, NOBODY_PURPOSE)
async def welcome(call: Call) -> Response:
    """Looking does not use the link up: mail scanners look, too."""
    good = await invitations.good(call.engine, home_accounts.typed(call.request.path_params["secret"]))
    return call.html("welcome.html", 200 if good else 404, good=good, here=call.request.url.path)


@page(OPEN, NOBODY_PURPOSE)
async def accept(call: Call) -> Response:
    try:
        secret = home_accounts.typed(call.request.path_params["secret"])
        return came(call, await invitations.accept(call.door.entry, call.request, secret))
    except Unauthenticated:
        return call.html("welcome.html", 404, good=False, here=call.request.url.path)
