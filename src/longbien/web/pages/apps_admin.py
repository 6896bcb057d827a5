"""Registering apps, and stopping them: the administrator's page."""

from __future__ import annotations

from starlette.responses import Response

from ...access.apps import registry
from ...access.roles import APP_REGISTER
from ...base.errors import Conflict, Invalid, NotFound
from ..page import Call, page

FIELDS = ("name", "client_id", "scope", "auth", "redirects", "launch_url", "jwks", "jwks_uri", "cert")


@page(APP_REGISTER, "HSYSADMIN")
async def listed(call: Call) -> Response:
    return await _show(call)


async def _show(call: Call, error: str = "", made: tuple[str, str | None] | None = None, status: int = 200) -> Response:
    rows = await registry.listed(call.engine.db, call.actor.organization)
    given = {f: call.field(f, 20_000) for f in FIELDS} if error else dict.fromkeys(FIELDS, "")
    return call.html("apps/admin.html", status, apps=rows, error=error, made=made, given=given, auths=registry.AUTHS)


@page(APP_REGISTER, "HSYSADMIN")
async def register(call: Call) -> Response:
    new = registry.NewApp(
        call.field("name", 200), call.field("scope", 4000), call.field("auth", 40) or "none",  # type: ignore[arg-type]
        tuple(call.field("redirects", 5000).split()), call.field("launch_url", 500) or None, call.field("jwks") or None,
        call.field("jwks_uri", 500) or None, call.field("cert") or None, facility=call.actor.organization,
    )  # fmt: skip
    try:
        made = await registry.register(
            call.engine, new, by_account=call.actor.number, client_id=call.field("client_id", 60) or None
        )
    except (Invalid, Conflict) as why:
        return await _show(call, why.text, status=422)
    return await _show(call, made=made)


@page(APP_REGISTER, "HSYSADMIN")
async def change(call: Call) -> Response:
    id_, what = call.request.path_params["client_id"], call.request.path_params["what"]
    mine = {r["client_id"] for r in await registry.listed(call.engine.db, call.actor.organization)}
    act = {"stop": registry.disable, "start": registry.enable}.get(what)
    if act is None or id_ not in mine:
        raise NotFound("There is no such app.")
    await act(call.engine, id_, by_account=call.actor.number)
    return call.go("/admin/apps")
