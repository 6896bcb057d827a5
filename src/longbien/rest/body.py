"""A request's body: read with a limit on its size and on the time it may take, unpacked when it is gzip."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from longbien.base.errors import Invalid, NotSupported, TooLarge, Unavailable

Receive = Callable[[], Awaitable[Any]]


LARGE = 4 << 20
"""Bytes: from here on a body waits for one of the few places for large ones, so that memory stays bounded."""
SILENCE = 15.0
"""Seconds between two pieces of a body."""
PATIENCE = 60.0
"""Seconds that a large body waits for its place."""


class Place:
    """One request's right to a large body: taken when the body shows to be large, kept until the answer is made."""

    def __init__(self, places: asyncio.Semaphore):
        self._places = places
        self._taken = False

    async def take(self) -> None:
        """Raises Unavailable when all places stay taken."""
        if self._taken:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self._places.acquire()
        except TimeoutError:
            raise Unavailable("Too many large requests at once. Try again later.", 30) from None
        self._taken = True

    def give_back(self) -> None:
        if self._taken:
            self._taken = False
            self._places.release()


class Disconnected(Exception):
    """The client went away before it had sent its request: nobody waits for an answer."""


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than this server takes ({limit:,} bytes). Send it in parts, or import it as a file.")


async def read(receive: Receive, headers: dict[bytes, bytes], limit: int, seconds: float, place: Place) -> bytes:
    """The whole body. Raises TooLarge (before reading, where the client says the length), Invalid, NotSupported, Disconnected."""
    stated = headers.get(b"content-length", b"")
    if stated.isdigit() and int(stated) > limit:
        raise _too_large(limit)
    packed = headers.get(b"content-encoding", b"identity").strip().lower()
    if packed not in (b"identity", b"gzip", b""):
        raise NotSupported(f"Content-Encoding {packed[:40].decode('latin-1')!r} is not known: send gzip or none.", status=415)
    message = await next_piece(receive)
    if message["type"] == "http.request" and not message.get("more_body"):
        data: bytes = message.get("body", b"")
    else:
        try:
            async with asyncio.timeout(seconds):
                data = await _rest(receive, message, limit, place)
        except TimeoutError:
            raise Invalid(f"The body did not arrive within {seconds:g} seconds.", status=408, code="timeout") from None
    if len(data) > limit:
        raise _too_large(limit)
    if packed != b"gzip":
        return data
    if len(data) > LARGE // 100:  # JSON packs to a twentieth, malice to a thousandth
        await place.take()
    return await asyncio.to_thread(_unpacked, data, limit)


async def next_piece(receive: Receive) -> Any:
    """The next piece. Raises Invalid where none comes: a place for large bodies is not for who only says that he will send one."""
    try:
        async with asyncio.timeout(SILENCE):
            return await receive()
    except TimeoutError:
        raise Invalid(f"The body stopped arriving for {SILENCE:g} seconds.", status=408, code="timeout") from None


async def _rest(receive: Receive, message: Any, limit: int, place: Place) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise Disconnected
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _too_large(limit)
        if size > LARGE:
            await place.take()
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await next_piece(receive)


def _unpacked(data: bytes, limit: int) -> bytes:
    machine = zlib.decompressobj(wbits=31)
    try:
        out = machine.decompress(data, limit + 1)
    except zlib.error:
        raise Invalid("The body is not gzip, though Content-Encoding says so.", code="structure") from None
    if len(out) > limit or machine.unconsumed_tail:
        raise _too_large(limit)
    if not machine.eof or machine.unused_data:
        raise Invalid("The gzip body is cut off or followed by something else.", code="structure")
    return out
