"""Blobs: pixels, scans, documents, by the hash of their content. The same bytes are kept once; what is there never changes.

    blobs = Blobs(folder)
    digest = await blobs.put(chunks)          # an async iterator of bytes, or bytes
    async for chunk in blobs.read(digest): ...

A local folder: FOLDER/ab/cd/<sha256 of the content>. A blob is there whole or not at all (written aside, forced to disk, renamed).
With a ring of keys it is sealed (base.sealed); one that was kept before there was a ring is still read."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from . import sealed
from .errors import Invalid, NotFound, StorageFull, TooLarge, Unavailable
from .keys import Ring

CHUNK = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


async def _chunks(content: bytes | AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if isinstance(content, bytes):
        for at in range(0, len(content), CHUNK):
            yield content[at : at + CHUNK]
        return
    async for chunk in content:
        yield chunk


class Blobs:
    """`folder` is made when first needed, readable by this user alone. `largest`: bytes that one blob may have."""

    def __init__(self, folder: Path, *, largest: int = 1 << 34, ring: Ring | None = None):
        self.folder = folder
        self.largest = largest
        self.ring = ring

    def _path(self, digest: str) -> Path:
        if not _DIGEST.match(digest):
            raise Invalid(f"{digest[:80]!r} is not the SHA-256 of a blob.")
        return self.folder / digest[:2] / digest[2:4] / digest

    async def put(self, content: bytes | AsyncIterator[bytes]) -> str:
        """Keep the content; gives its SHA-256 in hexadecimal. Durable when this returns. Raises TooLarge, StorageFull."""
        hash_, size = hashlib.sha256(), 0
        aside = self.folder / f".{secrets.token_hex(8)}"
        try:
            await asyncio.to_thread(self.folder.mkdir, 0o700, True, True)
            sealer = sealed.Sealer(self.ring) if self.ring else None
            with aside.open("xb") as out:
                aside.chmod(0o600)
                if sealer:
                    out.write(sealer.head)
                async for chunk in _chunks(content):
                    size += len(chunk)
                    if size > self.largest:
                        raise TooLarge(f"A blob may not be larger than {self.largest:,} bytes.")
                    hash_.update(chunk)
                    await asyncio.to_thread(_write, out, sealer, chunk)
                if sealer:
                    out.write(sealer.end())
                await asyncio.to_thread(_force, out)
            await asyncio.to_thread(self._name, aside, self._path(hash_.hexdigest()))
        except OSError as why:
            raise _ours(why) from why
        finally:
            aside.unlink(missing_ok=True)
        return hash_.hexdigest()

    def _name(self, aside: Path, path: Path) -> None:
        if path.exists():
            return
        path.parent.mkdir(0o700, parents=True, exist_ok=True)
        aside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)  # the name, too, must outlive a power cut
        finally:
            os.close(folder)

    async def size(self, digest: str) -> int:
        """Bytes. Raises NotFound."""
        path = self._path(digest)
        try:
            length = (await asyncio.to_thread(path.stat)).st_size
            with path.open("rb") as source:
                head = source.read(sealed.HEAD)
        except FileNotFoundError:
            raise NotFound(f"Blob {digest} is not here.") from None
        return sealed.size(length) if self.ring and sealed.is_sealed(head) else length

    async def read(self, digest: str, start: int = 0) -> AsyncIterator[bytes]:
        """The content from byte `start`, in chunks. Read from the beginning it is checked against its hash at the end: raises
        Unavailable when the disk gave back something else. Raises NotFound."""
        path = self._path(digest)
        try:
            source = await asyncio.to_thread(path.open, "rb")
        except FileNotFoundError:
            raise NotFound(f"Blob {digest} is not here.") from None
        hash_ = hashlib.sha256()
        with source:
            pieces = _pieces(source, self.ring, start)
            while (chunk := await asyncio.to_thread(next, pieces, None)) is not None:
                hash_.update(chunk)
                yield chunk
        if start == 0 and hash_.hexdigest() != digest:
            raise Unavailable(f"Blob {digest} is damaged on the disk.")

    async def delete(self, digest: str) -> None:
        """Take it away; no error when it is not there."""
        await asyncio.to_thread(self._path(digest).unlink, True)


def _write(out: BinaryIO, sealer: sealed.Sealer | None, chunk: bytes) -> None:
    out.write(sealer.piece(chunk) if sealer else chunk)


def _pieces(source: BinaryIO, ring: Ring | None, start: int) -> Iterator[bytes]:
    if ring and sealed.is_sealed(source.peek(4) if isinstance(source, BufferedReader) else b""):
        yield from sealed.opened(source, ring, start)
        return
    source.seek(start)
    while chunk := source.read(CHUNK):
        yield chunk


def _force(out: BinaryIO) -> None:
    out.flush()
    os.fsync(out.fileno())


def _ours(why: OSError) -> StorageFull | Unavailable:
    if why.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull("The disk is full: the file was not kept.")
    return Unavailable(f"The file could not be kept: {why.strerror}.")
