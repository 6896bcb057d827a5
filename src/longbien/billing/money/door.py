"""POST /bank/{bank}/notices: where banks tell of money. No page: no cookie is looked at, the adapter's own proof is. What comes
is kept before it is thanked for; the same twice is thanked for twice."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from longbien.access import peer
from longbien.access.door import Door
from longbien.base import clock, log
from longbien.base.db import ours
from longbien.base.errors import Invalid, LongbienError, NotFound, TooLarge, Unauthenticated, Unavailable

from . import notices
from .banks import adapters
from .settings import MoneySettings

MOST = 1 << 20
PATIENCE = 15.0
_log = log.get(__name__)


async def told(request: Request) -> Response:
    door: Door = request.app.state.door
    try:
        bank = request.path_params["bank"]
        adapter = adapters(MoneySettings.read()).get(bank)
        if adapter is None:
            raise NotFound("No such bank is known here.")
        body = await _body(request)
        try:
            adapter.check(request.headers, body, clock.now())
        except Unauthenticated:
            door.knocks.note(peer.peer(request, door.proxies).address, "bank notification refused")
            raise
        if await notices.deliver(door.engine, bank, "webhook", adapter.form, body) is None:
            _log.info("a delivery of bank %s came again", bank)
        return JSONResponse(adapter.answer())
    except Exception as error:
        mine = ours(error) or LongbienError(f"incident {log.incident(_log, error)}")
        more = {"Retry-After": str(mine.retry_after)} if isinstance(mine, Unavailable) else {}
        return JSONResponse({"error": mine.code, "text": mine.text}, mine.status, more)


async def _body(request: Request) -> bytes:
    data = bytearray()
    try:
        async with asyncio.timeout(PATIENCE):
            async for part in request.stream():
                data += part
                if len(data) > MOST:
                    raise TooLarge(f"A notification may have at most {MOST:,} bytes.")
    except (TimeoutError, ClientDisconnect):
        raise Invalid("The notification was cut off.", code="incomplete") from None
    return bytes(data)


ROUTES = [Route("/bank/{bank}/notices", told, methods=["POST"])]
