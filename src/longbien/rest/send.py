"""An Answer onto the wire: headers, gzip, HEAD."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from .negotiate import JSON
from .request import Answer

Send = Callable[[Any], Awaitable[None]]
WORTH_PACKING = 1400
"""Bytes: below this the whole answer fits one network packet anyway."""
_LEVEL = 1  # half of level 6's effort saved for a tenth more bytes
_LARGE = 256 * 1024
_CACHE = (b"cache-control", b"private, no-cache")
_TYPE = (b"content-type", JSON)
_NOSNIFF = (b"x-content-type-options", b"nosniff")
_VARY = (b"vary", b"accept, accept-encoding, authorization, cookie")


def _packed(body: bytes) -> bytes:
    machine = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)
    return machine.compress(body) + machine.flush()


async def send(answer: Answer, send_: Send, *, method: str, accept_encoding: bytes) -> None:
    """`no-cache` lets clients keep an answer only if they ask again each time (ETag): who may see it can change."""
    status, body, more = answer.status, answer.body, answer.headers
    if len(body) > WORTH_PACKING and b"gzip" in accept_encoding:
        body = await asyncio.to_thread(_packed, body) if len(body) > _LARGE else _packed(body)
        more = (*more, (b"content-encoding", b"gzip"))
    headers = [_CACHE, _VARY, _NOSNIFF, *more]
    if body and not any(name == b"content-type" for name, _ in more):
        headers.append(_TYPE)
    if status not in (204, 304):
        headers.append((b"content-length", b"%d" % (answer.size or len(body))))
    await send_({"type": "http.response.start", "status": status, "headers": headers})
    if answer.stream is not None and method != "HEAD":
        async for piece in answer.stream:
            await send_({"type": "http.response.body", "body": piece, "more_body": True})
    await send_({"type": "http.response.body", "body": b"" if method == "HEAD" else body})
