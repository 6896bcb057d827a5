"""Rows and signed envelopes among the blobs, sealed, by their hash."""

from __future__ import annotations

import json

from longbien.base import keys
from longbien.base.blobs import Blobs
from longbien.base.place import Place, default_data
from longbien.wire.claims_xml import Claim

LARGEST = 64 << 20


def folder() -> Blobs:
    data = Place.read().data or default_data()
    return Blobs(data / "blobs" / "claims", largest=LARGEST, ring=keys.ring(data))


async def keep_rows(claim: Claim) -> str:
    """The hash; the same rows have the same."""
    return await folder().put(json.dumps(claim, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode())


async def rows(digest: str) -> Claim:
    """Raises NotFound, Unavailable."""
    found: Claim = json.loads(await content(digest))
    return found


async def content(digest: str) -> bytes:
    out = b""
    async for chunk in folder().read(digest):
        out += chunk
    return out


async def keep(data: bytes) -> str:
    return await folder().put(data)
