"""The ring of keys that files at rest are sealed with: blobs and backups.

    DATA/secrets/files.keys, or where LONGBIEN_KEYS_FILE says        one key a line: `id base64`, the newest last

A file is sealed with a random key of its own; that key is wrapped with the ring's newest and stands in the file's head, with the
ring key's id (base.sealed). So a ring key is changed by wrapping heads anew, and an old one may be taken out once no file names it.
Who loses the ring loses the files: keep a copy of it elsewhere than the backups."""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .config import Settings, setting
from .errors import Invalid, Unavailable

ID, KEY, NONCE, TAG = 8, 32, 12, 16
WRAPPED = NONCE + KEY + TAG


class KeySettings(Settings):
    file: Path | None = setting(
        "LONGBIEN_KEYS_FILE",
        None,
        "The ring of keys that blobs and backups are sealed with. Empty: `secrets/files.keys` in the data folder.",
    )


class Ring:
    """keys: id -> key, the newest last."""

    def __init__(self, keys: dict[bytes, bytes]):
        if not keys:
            raise Unavailable("The ring of keys is empty.")
        self._keys = keys
        self.newest = next(reversed(keys))

    def wrap(self, key: bytes) -> tuple[bytes, bytes]:
        """(id of the ring's newest key, `key` sealed with it)."""
        nonce = secrets.token_bytes(NONCE)
        return self.newest, nonce + AESGCM(self._keys[self.newest]).encrypt(nonce, key, self.newest)

    def unwrap(self, id: bytes, wrapped: bytes) -> bytes:
        """Raises Unavailable: the ring lacks this key, or the head was changed."""
        key = self._keys.get(id)
        if key is None:
            raise Unavailable(f"A file is sealed with key {id.decode('ascii', 'replace')}, which is not on the ring.")
        try:
            return AESGCM(key).decrypt(wrapped[:NONCE], wrapped[NONCE:], id)
        except InvalidTag:
            raise Unavailable("The head of a sealed file was changed.") from None


def place(data: Path) -> Path:
    return KeySettings.read().file or data / "secrets" / "files.keys"


def ring(data: Path, *, make: bool = True) -> Ring:
    """The ring of this data folder; made with one key where there is none. Raises Unavailable, Invalid (never quoting a key)."""
    path = place(data)
    if make and not path.exists():
        _add(path)
    return Ring(_read(path))


def rotate(data: Path) -> str:
    """Put a new key on the ring; what is written from now on is sealed with it. Gives its id."""
    return _add(place(data))


def _read(path: Path) -> dict[bytes, bytes]:
    try:
        lines = path.read_text("ascii").splitlines()
    except (OSError, UnicodeDecodeError) as why:
        raise Unavailable(f"The ring of keys {path} cannot be read: {type(why).__name__}.") from None
    found: dict[bytes, bytes] = {}
    for n, line in enumerate(lines, 1):
        try:
            id_, key = line.split()
            found[id_.encode()] = base64.b64decode(key, validate=True)
            if len(id_) != ID or len(found[id_.encode()]) != KEY:
                raise ValueError
        except (ValueError, binascii.Error):
            raise Invalid(f"Line {n} of the ring of keys {path} is no key: `id base64`, 8 letters and 32 bytes.") from None
    return found


def _add(path: Path) -> str:
    """Written aside and renamed: a ring is there whole or not at all."""
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    id_ = secrets.token_hex(ID // 2)
    old = path.read_text("ascii") if path.exists() else ""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
        f.write(f"{old}{id_} {base64.b64encode(secrets.token_bytes(KEY)).decode()}\n")
        f.flush()
        os.fsync(f.fileno())
    if old:
        fresh.replace(path)
        return id_
    with contextlib.suppress(FileExistsError):
        os.link(fresh, path)  # the first of two at once wins, and both read the winner's
    fresh.unlink()
    return id_
