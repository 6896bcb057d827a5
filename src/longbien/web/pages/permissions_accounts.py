"""The accounts of one's facility: list, role, department, disable and enable. Invitations are made elsewhere."""

from __future__ import annotations

from types import SimpleNamespace

from starlette.responses import Response

from ...access import accounts, facility, sentences
from ...access.roles import ACCOUNTS, ROLES, STAFF
from ...base import clock
from ...base.db import Row
from ...base.errors import Invalid, NotFound
from ...base.fold import fold
from ...base.words import mark
from ..page import Call, page
from .permissions import own_facility, tabs, titled

DONE = {
    "disable": mark("The account is disabled; nobody is signed in with it any more."),
    "enable": mark("The account is open again."),
    "role": mark("The role is changed; it is in force within a second."),
    "move": mark("The department is changed; it is in force within a second."),
    "strict": mark("In force within a second."),
}


@page(ACCOUNTS, "HSYSADMIN")
async def listed(call: Call) -> Response:
    """?q= a part of a name or a login."""
    at = own_facility(call.actor)
    known = await facility.departments(call.engine, at)
    query = call.query.get("q", "").strip()[:100]
    rows = [r for r in await accounts.listed(call.engine.db, organization=at, count=1000) if r["kind"] == "person"]
    found = [_row(call, r, known) for r in rows if fold(query) in fold(f"{r['name']} {r['login']} {titled(call, r['role'])}")]
    return call.html(
        "permissions/accounts.html", tabs=tabs(call), here="/permissions/accounts", rows=found, total=len(rows), query=query,
        strict=await facility.strict(call.engine, at), done=_done(call),
    )  # fmt: skip


@page(ACCOUNTS, "HSYSADMIN")
async def one(call: Call) -> Response:
    at = own_facility(call.actor)
    known = await facility.departments(call.engine, at)
    account = await _account(call, at)
    role = ROLES.get(account["role"])
    return call.html(
        "permissions/account.html", tabs=tabs(call), here="/permissions/accounts",
        account=_row(call, account, known),
        departments=known, roles=[(name, titled(call, name)) for name in ROLES if name in STAFF],
        own=account["number"] == call.actor.number,
        said=sentences.of_role(role, call.w, call.door.settings) if role else None,
        strict=sentences.strict(call.w) if role and role.personal and await facility.strict(call.engine, at) else "",
        done=_done(call),
    )  # fmt: skip


@page(ACCOUNTS, "HSYSADMIN")
async def change(call: Call) -> Response:
    """act: disable, enable, role (with role), move (with department)."""
    account = await _account(call, own_facility(call.actor))
    number, act = account["number"], call.field("act", 20)
    if act == "disable":
        await accounts.disable(call.engine, call.actor, number)
    elif act == "enable":
        await accounts.enable(call.engine, call.actor, number)
    elif act == "role":
        await accounts.set_role(call.engine, call.actor, number, call.field("role", 40))
    elif act == "move":
        await accounts.move(call.engine, call.actor, number, call.field("department", 64) or None)
    else:
        raise Invalid("There is no such act.", code="value")
    return call.go(f"/permissions/accounts/{number}?done={act}")


@page(ACCOUNTS, "HSYSADMIN")
async def strict(call: Call) -> Response:
    """to: on or off."""
    to = call.field("to", 3)
    if to not in ("on", "off"):
        raise Invalid("Say on or off.", code="value")
    await facility.set_strict(call.engine, call.actor, own_facility(call.actor), to == "on")
    return call.go("/permissions/accounts?done=strict")


def _done(call: Call) -> str:
    message = DONE.get(call.query.get("done", ""))
    return call.w(message) if message else ""


async def _account(call: Call, at: str) -> Row:
    """One of this facility; another's is not there."""
    number = call.request.path_params["number"]
    rows = await call.engine.db.fetch(accounts.Q.account_one, int(number), at) if number.isdigit() and len(number) < 10 else []
    if not rows:
        raise NotFound("There is no such account.")
    return rows[0]


def _row(call: Call, r: Row, known: dict[str, str]) -> SimpleNamespace:
    signed_in = r["signed_in"]
    return SimpleNamespace(
        number=r["number"], login=r["login"], name=r["name"], role=r["role"], title=titled(call, r["role"]),
        department=r["department"], place=known.get(r["department"] or "", ""),
        disabled=r["disabled"] is not None, covers=r["covers"],
        seen=call.w.date(clock.local(signed_in).date()) if signed_in else "",
    )  # fmt: skip
