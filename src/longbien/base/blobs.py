"""Blobs: pixels, scans, documents, by the hash of their content. The same bytes are kept once; what is there never changes.

    blobs = Blobs(folder)
    digest = await blobs.put(chunks)          # an async iterator of bytes, or bytes
    async for chunk in blobs.read(digest): ...

A local folder: FOLDER/ab/cd/<sha256>. A blob is there whole or not at all (written aside, forced to disk, renamed)."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from .errors import Invalid, NotFound, StorageFull, TooLarge, Unavailable

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

    def __init__(self, folder: Path, *, largest: int = 1 << 34):
        self.folder = folder
        self.largest = largest

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
            with aside.open("xb") as out:
                aside.chmod(0o600)
                async for chunk in _chunks(content):
                    size += len(chunk)
                    if size > self.largest:
                        raise TooLarge(f"A blob may not be larger than {self.largest:,} bytes.")
                    hash_.update(chunk)
                    await asyncio.to_thread(out.write, chunk)
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
        try:
            return (await asyncio.to_thread(self._path(digest).stat)).st_size
        except FileNotFoundError:
            raise NotFound(f"Blob {digest} is not here.") from None

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
            source.seek(start)
            while chunk := await asyncio.to_thread(source.read, CHUNK):
                hash_.update(chunk)
                yield chunk
        if start == 0 and hash_.hexdigest() != digest:
            raise Unavailable(f"Blob {digest} is damaged on the disk.")

    async def delete(self, digest: str) -> None:
        """Take it away; no error when it is not there."""
        await asyncio.to_thread(self._path(digest).unlink, True)


def _force(out: BinaryIO) -> None:
    out.flush()
    os.fsync(out.fileno())


def _ours(why: OSError) -> StorageFull | Unavailable:
    if why.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull("The disk is full: the file was not kept.")
    return Unavailable(f"The file could not be kept: {why.strerror}.")
