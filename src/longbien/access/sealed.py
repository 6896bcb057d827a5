"""What must be read again (the seed of one-time codes) is sealed with AES-256-GCM under a key that is not in the database. The
first key seals, every listed one opens: to change keys, put a new one before the old, and take the old away when nothing is
sealed with it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from longbien.base.errors import Invalid, Unavailable
from longbien.base.place import Place

from .settings import AccessSettings

FILE = "secrets/sign-in.key"


class Seal:
    """One per process; reads its keys when first used."""

    def __init__(self, settings: AccessSettings):
        self._given = settings.secret_key
        self._keys: list[bytes] = []

    def close(self, text: bytes, name: bytes) -> bytes:
        """`name` says whose this is: sealed for one, it opens for no other."""
        key, nonce = self._all()[0], secrets.token_bytes(12)
        return _mark(key) + nonce + AESGCM(key).encrypt(nonce, text, name)

    def open(self, sealed: bytes, name: bytes) -> bytes:
        """Raises Unavailable when the key that sealed it is not among ours."""
        for key in self._all():
            if hmac.compare_digest(sealed[:4], _mark(key)):
                try:
                    return AESGCM(key).decrypt(sealed[4:16], sealed[16:], name)
                except InvalidTag:
                    break
        raise Unavailable("What is kept for this sign-in cannot be opened: its key is not among LONGBIEN_SECRET_KEY.")

    def hashes(self, text: str) -> list[bytes]:
        """Keyed hashes of a number that is short enough to be guessed, under each key: the first is the one to keep."""
        return [hmac.digest(key, text.encode(), "sha256") for key in self._all()]

    def _all(self) -> list[bytes]:
        if not self._keys:
            self._keys = [_key(part) for part in self._given.split(",")] if self._given else [_of_file()]
        return self._keys


def _mark(key: bytes) -> bytes:
    return hashlib.sha256(b"which key " + key).digest()[:4]


def _key(text: str) -> bytes:
    try:
        key = base64.urlsafe_b64decode(text.strip() + "=" * (-len(text.strip()) % 4))
    except ValueError:
        key = b""
    if len(key) != 32:
        raise Invalid("LONGBIEN_SECRET_KEY: each key is 32 bytes in base64url.")
    return key


def _of_file() -> bytes:
    """Several processes may come here at once: the first makes it, whole before it has its name."""
    path: Path = Place.read().folder / FILE
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            draft = path.with_suffix(f".{os.getpid()}-{secrets.token_hex(4)}")
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
                f.write(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
                f.flush()
                os.fsync(f.fileno())
            try:
                os.link(draft, path)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return _key(path.read_text())
    except OSError as why:
        raise Unavailable(f"The key file {FILE} of the data folder cannot be used: {why.strerror}") from None
