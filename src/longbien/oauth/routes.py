"""POST /oauth/token, /introspect, /revoke, /register; GET /oauth/jwks, /style.json, /.well-known/openid-configuration.

Nobody's cookie is looked at here, so no page of another site can make a browser act in somebody's name."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from longbien.access import certificates, peer
from longbien.access.apps import address, discovery, keys, registry, tokens
from longbien.access.apps.client import Clients
from longbien.access.apps.refusal import Refusal
from longbien.access.door import Door
from longbien.base import log
from longbien.base.db import ours
from longbien.base.errors import Invalid, LongbienError, TooLarge, Unavailable

_log = log.get(__name__)
MOST = 1 << 16
HEADERS = {"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"}
PUBLIC = {"Cache-Control": "public, max-age=300", "Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}
Handler = Callable[[Request, Door], Awaitable[Response]]


def _endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    """The faces of errors: RFC 6749 5.2 for what OAuth knows, the house's own incident number for the rest."""

    async def endpoint(request: Request) -> Response:
        door: Door | None = getattr(request.app.state, "door", None)
        try:
            if door is None:
                raise Unavailable("The server is starting.", 2)
            return await handler(request, door)
        except Exception as error:
            return _refused(error)

    endpoint.__name__ = handler.__name__
    return endpoint


def _refused(error: Exception) -> Response:
    if isinstance(error, Refusal):
        more = {"WWW-Authenticate": 'Basic realm="longbien"'} if error.status == 401 else {}
        return JSONResponse({"error": error.error, "error_description": error.text}, error.status, {**HEADERS, **more})
    mine = ours(error) or LongbienError(f"incident {log.incident(_log, error)}")
    code = "invalid_request" if mine.status < 500 else "temporarily_unavailable" if mine.status == 503 else "server_error"
    more = {"Retry-After": str(mine.retry_after)} if isinstance(mine, Unavailable) else {}
    return JSONResponse({"error": code, "error_description": mine.text}, mine.status, {**HEADERS, **more})


async def _body(request: Request, kind: str) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != kind:
        raise Refusal("invalid_request", f"The content type must be {kind}.")
    data = bytearray()
    async for part in request.stream():
        data += part
        if len(data) > MOST:
            raise TooLarge(f"At most {MOST} bytes.")
    return bytes(data)


async def _form(request: Request) -> dict[str, str]:
    try:
        pairs = parse_qsl((await _body(request, "application/x-www-form-urlencoded")).decode("ascii"), keep_blank_values=False,
                          errors="strict", max_num_fields=40)  # fmt: skip
    except ValueError:
        raise Refusal("invalid_request", "The form cannot be read.") from None
    form = dict(pairs)
    if len(form) != len(pairs) or any("\0" in v for v in form.values()):
        raise Refusal("invalid_request", "A parameter stands there twice, or holds a NUL character.")
    return form


async def _client(request: Request, door: Door, form: Mapping[str, str]) -> tuple[registry.App, bytes | None]:
    clients: Clients = request.app.state.clients
    cert = certificates.shown(request, door.proxies, door.settings)
    place = address.place(request, door)
    where = peer.peer(request, door.proxies).address
    try:
        app = await clients.known(form, request.headers.get("authorization"), cert, _audiences(place.issuer, request))
    except Refusal:
        door.knocks.note(where, "unknown client at the token endpoint")
        raise
    return app, cert


def _audiences(issuer: str, request: Request) -> tuple[str, ...]:
    return (f"{issuer}/oauth/token", issuer, f"{issuer}{request.url.path}")


async def token(request: Request, door: Door) -> Response:
    form = await _form(request)
    app, cert = await _client(request, door, form)
    where = peer.peer(request, door.proxies).address
    answer = await tokens.token(door.engine, door.settings, app, form, cert, address.place(request, door), where)
    return JSONResponse(answer, headers=HEADERS)


async def introspect(request: Request, door: Door) -> Response:
    form = await _form(request)
    app, _ = await _client(request, door, form)
    if app.auth == "none":
        raise Refusal("unauthorized_client", "Only clients that can show who they are may ask about tokens.", 401)
    return JSONResponse(
        await tokens.introspect(door.engine, app, form.get("token", ""), address.place(request, door)), headers=HEADERS
    )


async def revoke(request: Request, door: Door) -> Response:
    form = await _form(request)
    app, _ = await _client(request, door, form)
    await tokens.revoke(door.engine, app, form.get("token", ""), peer.peer(request, door.proxies).address)
    return Response(status_code=200, headers=HEADERS)


async def jwks(request: Request, door: Door) -> Response:
    return JSONResponse(await keys.published(door.engine.db), headers=PUBLIC)


async def openid(request: Request, door: Door) -> Response:
    place = address.place(request, door)
    return JSONResponse(discovery.openid_configuration(place.issuer, door.settings.app_registration), headers=PUBLIC)


async def style(request: Request, door: Door) -> Response:
    """smart_style_url: the colours of this house, for apps that want to look alike."""
    return JSONResponse(STYLE, headers=PUBLIC)


STYLE = {"color_background": "#f6f8f8", "color_error": "#b3261e", "color_highlight": "#0f5c6e", "color_modal_backdrop": "",
         "color_success": "#1e6b3a", "color_text": "#17262b", "dim_border_radius": "6px", "dim_font_size": "14px",
         "dim_spacing_size": "16px", "font_family_body": "'Be Vietnam Pro', sans-serif",
         "font_family_heading": "'Be Vietnam Pro', sans-serif"}  # fmt: skip


async def register(request: Request, door: Door) -> Response:
    """RFC 7591, for apps that act for people; off unless LONGBIEN_APP_REGISTRATION says otherwise."""
    if not door.settings.app_registration:
        raise Refusal("access_denied", "Apps are registered by an administrator of this house.", 403)
    try:
        said: Any = json.loads(await _body(request, "application/json"))
        new = _registration(said)
        client_id, secret = await registry.register(door.engine, new, by_itself=True)
    except (ValueError, RecursionError):
        raise Refusal("invalid_client_metadata", "The body is no JSON object of client metadata.") from None
    except Invalid as why:
        code = "invalid_redirect_uri" if "address" in why.text else "invalid_client_metadata"
        raise Refusal(code, why.text) from None
    answer: dict[str, Any] = {"client_id": client_id, "client_name": new.name, "redirect_uris": list(new.redirects),
              "scope": new.scope,
              "token_endpoint_auth_method": new.auth, "grant_types": ["authorization_code", "refresh_token"],
              "response_types": ["code"]}  # fmt: skip
    if secret:
        answer |= {"client_secret": secret, "client_secret_expires_at": 0}
    return JSONResponse(answer, 201, headers=HEADERS)


def _registration(said: Any) -> registry.NewApp:
    if not isinstance(said, dict):
        raise ValueError("no object")

    def text(name: str, default: str = "") -> str:
        value = said.get(name, default)
        if not isinstance(value, str):
            raise Invalid(f"{name} must be text.")
        return value

    uris, kept = said.get("redirect_uris"), said.get("jwks")
    if not isinstance(uris, list) or not 1 <= len(uris) <= 10 or not all(isinstance(u, str) for u in uris):
        raise Invalid("redirect_uris must be one to ten addresses.")
    auth = text("token_endpoint_auth_method", "none")
    if auth not in ("none", "client_secret_basic", "private_key_jwt"):
        raise Invalid("token_endpoint_auth_method must be none, client_secret_basic or private_key_jwt.")
    if "system/" in text("scope"):
        raise Invalid("Backend services are registered by an administrator.")
    return registry.NewApp(
        text("client_name"), text("scope"), auth, tuple(uris), jwks=None if kept is None else json.dumps(kept),  # type: ignore[arg-type]
        jwks_uri=text("jwks_uri") or None, launch_url=text("initiate_login_uri") or None,
    )  # fmt: skip


ROUTES: list[BaseRoute] = [
    Route("/oauth/token", _endpoint(token), methods=["POST"]),
    Route("/oauth/introspect", _endpoint(introspect), methods=["POST"]),
    Route("/oauth/revoke", _endpoint(revoke), methods=["POST"]),
    Route("/oauth/register", _endpoint(register), methods=["POST"]),
    Route("/oauth/jwks", _endpoint(jwks)),
    Route("/oauth/style.json", _endpoint(style)),
    Route("/.well-known/openid-configuration", _endpoint(openid)),
]
