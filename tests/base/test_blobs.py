"""Blobs: kept once, whole, checked when read."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from longbien.base.blobs import CHUNK, Blobs
from longbien.base.errors import Invalid, NotFound, TooLarge, Unavailable


async def everything(parts: AsyncIterator[bytes]) -> bytes:
    return b"".join([p async for p in parts])


async def pieces(content: bytes, n: int) -> AsyncIterator[bytes]:
    for at in range(0, len(content), n):
        yield content[at : at + n]


async def test_what_was_put_is_read(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    content = bytes(range(256)) * 9000
    assert len(content) > 2 * CHUNK
    digest = await blobs.put(pieces(content, 100_000))
    assert digest == hashlib.sha256(content).hexdigest() == await blobs.put(content)
    assert await everything(blobs.read(digest)) == content
    assert await everything(blobs.read(digest, start=len(content) - 3)) == content[-3:]
    assert await blobs.size(digest) == len(content)
    files = [p for p in (tmp_path / "blobs").rglob("*") if p.is_file()]
    assert [p.name for p in files] == [digest], "kept once, nothing left aside"
    assert files[0].stat().st_mode & 0o077 == 0


async def test_what_is_not_there_or_not_a_name_is_said(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    with pytest.raises(NotFound):
        await everything(blobs.read("0" * 64))
    for name in ("../../etc/passwd", "", "A" * 64, "0" * 63):
        with pytest.raises(Invalid):
            await blobs.size(name)


async def test_one_that_is_too_large_or_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path, largest=10)
    with pytest.raises(TooLarge):
        await blobs.put(b"12345678901")

    async def breaking() -> AsyncIterator[bytes]:
        yield b"123"
        raise RuntimeError("the sender is gone")

    with pytest.raises(RuntimeError):
        await blobs.put(breaking())
    assert list(tmp_path.rglob("*")) == []


async def test_a_damaged_one_is_not_passed_off_as_whole(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    digest = await blobs.put(b"pixels")
    path = next(p for p in tmp_path.rglob("*") if p.is_file())
    path.write_bytes(b"pixelz")
    with pytest.raises(Unavailable, match="damaged"):
        await everything(blobs.read(digest))
    await blobs.delete(digest)
    await blobs.delete(digest)
    with pytest.raises(NotFound):
        await blobs.size(digest)
