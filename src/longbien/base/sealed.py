"""Files sealed with AES-256-GCM, in pieces, so that large ones stream and any part can be read.

    head    LBS1 | id of the ring's key (8) | nonce, the file's own key, tag (60)                               72 bytes
    pieces  1 MiB of content and its tag (16) each; the nonce is the piece's number (11 bytes) and whether it is the last (1)

The key is the file's own, so no nonce comes twice; a piece that was changed, moved, left out or added does not open, and a file
that was cut off has no last piece. (The STREAM construction: Hoang, Reyhanitabar, Rogaway, Vizar, 2015.)"""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .errors import Unavailable
from .keys import ID, KEY, TAG, WRAPPED, Ring

MAGIC = b"LBS1"
HEAD = len(MAGIC) + ID + WRAPPED
PIECE = 1 << 20


def _nonce(n: int, last: bool) -> bytes:
    return n.to_bytes(11, "big") + bytes([last])


class Sealer:
    """`head` first, then what `piece` gives for each part of the content (any size), then `end()`."""

    def __init__(self, ring: Ring):
        key = secrets.token_bytes(KEY)
        id_, wrapped = ring.wrap(key)
        self.head = MAGIC + id_ + wrapped
        self._cipher, self._n, self._held = AESGCM(key), 0, bytearray()

    def piece(self, content: bytes) -> bytes:
        """What can be written by now; the last piece is held until it is known to be the last."""
        self._held += content
        out = bytearray()
        while len(self._held) > PIECE:
            out += self._seal(bytes(self._held[:PIECE]), False)
            del self._held[:PIECE]
        return bytes(out)

    def end(self) -> bytes:
        return self._seal(bytes(self._held), True)

    def _seal(self, content: bytes, last: bool) -> bytes:
        sealed = self._cipher.encrypt(_nonce(self._n, last), content, None)
        self._n += 1
        return sealed


def size(length: int) -> int:
    """Bytes of content in a sealed file of `length` bytes."""
    body = length - HEAD
    return body - -(-body // (PIECE + TAG)) * TAG


def is_sealed(head: bytes) -> bool:
    return head[: len(MAGIC)] == MAGIC


def opened(source: BinaryIO, ring: Ring, start: int = 0) -> Iterator[bytes]:
    """The content from byte `start` on, in pieces. Raises Unavailable where the file was changed or cut off."""
    head = source.read(HEAD)
    if len(head) != HEAD or not is_sealed(head):
        raise Unavailable("This is not a sealed file.")
    cipher = AESGCM(ring.unwrap(head[len(MAGIC) : len(MAGIC) + ID], head[len(MAGIC) + ID :]))
    n, skip = divmod(start, PIECE)
    if n:
        source.seek(n * (PIECE + TAG), io.SEEK_CUR)
    piece = source.read(PIECE + TAG)
    while True:
        coming = source.read(PIECE + TAG) if len(piece) == PIECE + TAG else b""
        try:
            content = cipher.decrypt(_nonce(n, not coming), piece, None)
        except (InvalidTag, ValueError):
            raise Unavailable("A sealed file was changed or cut off.") from None
        yield content[skip:]
        if not coming:
            return
        piece, n, skip = coming, n + 1, 0


def rewrap(path: Path, ring: Ring) -> bool:
    """Wrap the file's own key with the ring's newest. False: it was already, or is not sealed. Written aside and renamed."""
    with path.open("rb") as source:
        head = source.read(HEAD)
        if len(head) != HEAD or not is_sealed(head) or head[len(MAGIC) : len(MAGIC) + ID] == ring.newest:
            return False
        id_, wrapped = ring.wrap(ring.unwrap(head[len(MAGIC) : len(MAGIC) + ID], head[len(MAGIC) + ID :]))
        aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with aside.open("xb") as out:
            aside.chmod(0o600)
            out.write(MAGIC + id_ + wrapped)
            while chunk := source.read(PIECE):
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
    aside.replace(path)
    return True
