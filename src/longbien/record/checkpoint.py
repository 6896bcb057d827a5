"""Checkpoints: the ends of both chains at one moment, signed (Ed25519, RFC 8032), to be kept where nobody of this house can reach.

Whoever holds the database's superuser can make a chain anew; that shows against a checkpoint that lies elsewhere, as long as the
key that signed it was not theirs too. Keys change (`rotate`): the old key signs the new one's name, and its public half is kept."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from longbien.base import clock
from longbien.base.config import Settings, setting
from longbien.base.db import Database
from longbien.base.errors import Invalid, Unavailable
from longbien.base.place import Place

from . import chain

CHECKPOINT, HANDOVER = "longbien-audit-checkpoint-1", "longbien-audit-key-1"
LARGEST = 10_000
"""Bytes of a file that is looked at as a checkpoint."""


class CheckpointSettings(Settings):
    folder: Path | None = setting(
        "LONGBIEN_AUDIT_CHECKPOINTS",
        None,
        "A folder that gets a signed checkpoint of the audit trail every so often; best on a disk that this machine can only "
        "add to. Empty: none are written but by `longbien audit checkpoint`.",
    )
    minutes: float = setting("LONGBIEN_AUDIT_CHECKPOINT_MINUTES", 60.0, "Minutes from one checkpoint of the trail to the next.")
    key: Path | None = setting(
        "LONGBIEN_AUDIT_KEY",
        None,
        "The file of the private key (Ed25519, PEM) that signs checkpoints, readable by its owner only. Empty: "
        "`audit-keys/signing.pem` in the data folder, made when it is not there. Public keys lie beside it in `public`.",
    )


class Keys:
    """The signing key's file and the folder of public keys beside it."""

    def __init__(self, path: Path):
        self.path = path
        self.public = path.parent / "public"

    @classmethod
    def read(cls, place: Place | None = None) -> Keys:
        given = CheckpointSettings.read().key
        return cls(given or (place or Place.read()).folder / "audit-keys" / "signing.pem")

    def signing(self) -> Ed25519PrivateKey:
        """The key; made when there is none. Raises Unavailable when others may read it or it is no key."""
        try:
            if not self.path.exists():
                self._write(Ed25519PrivateKey.generate())
            state = self.path.stat()
            if state.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise Unavailable(f"{self.path} can be read by others: chmod 600 it, and rotate the key if anybody may have")
            key = load_pem_private_key(self.path.read_bytes(), None)
        except (OSError, ValueError, TypeError) as why:
            raise Unavailable(f"The key {self.path} cannot be used: {why}") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise Unavailable(f"The key {self.path} is not of Ed25519")
        self._keep(key.public_key())
        return key

    def _write(self, key: Ed25519PrivateKey) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self.path.with_suffix(".new")
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as file:
            os.fchmod(fd, 0o600)
            file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            file.flush()
            os.fsync(fd)
        fresh.replace(self.path)

    def _keep(self, key: Ed25519PublicKey) -> None:
        file = self.public / f"{name_of(key)}.pem"
        if not file.exists():
            self.public.mkdir(parents=True, exist_ok=True)
            file.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    def rotate(self) -> dict[str, Any]:
        """A new key from now on. Gives the old key's word for it, which has to lie beside the checkpoints."""
        old, new = self.signing(), Ed25519PrivateKey.generate()
        self._keep(new.public_key())
        public = new.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        word = signed(old, {"format": HANDOVER, "at": clock.instant(clock.now()), "new": base64.b64encode(public).decode()})
        self._write(new)
        return word


def name_of(key: Ed25519PublicKey) -> str:
    """A key's name: the beginning of its sha256."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def public_keys(folder: Path) -> dict[str, Ed25519PublicKey]:
    """Name -> key, of the PEM files in a folder. Raises Invalid for a file that is none."""
    found = {}
    for file in sorted(folder.glob("*.pem")):
        try:
            key = load_pem_public_key(file.read_bytes())
        except (ValueError, OSError) as why:
            raise Invalid(f"{file} holds no public key: {why}") from None
        if isinstance(key, Ed25519PublicKey):
            found[name_of(key)] = key
    return found


def _said(content: Mapping[str, Any]) -> bytes:
    """What is signed: the members without the signature, by name, without spaces."""
    rest = {k: v for k, v in content.items() if k != "signature"}
    return json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()


def signed(key: Ed25519PrivateKey, content: Mapping[str, Any]) -> dict[str, Any]:
    """The content with the key's name and its signature."""
    whole = {**content, "key": name_of(key.public_key())}
    return {**whole, "signature": base64.b64encode(key.sign(_said(whole))).decode()}


def holds(content: Mapping[str, Any], keys: Mapping[str, Ed25519PublicKey]) -> bool:
    """Whether one of these keys signed it."""
    key = keys.get(str(content.get("key")))
    if key is None:
        return False
    try:
        key.verify(base64.b64decode(str(content.get("signature", ""))), _said(content))
    except (InvalidSignature, ValueError):
        return False
    return True


async def checkpoint(db: Database, key: Ed25519PrivateKey) -> dict[str, Any]:
    """The ends of both chains as of now, signed. Raises Unavailable while nothing is sealed yet."""
    trail, versions = await chain.end(db, chain.TRAIL), await chain.end(db, chain.VERSIONS)
    if trail is None:
        raise Unavailable("Nothing is sealed yet.")
    content = {
        "format": CHECKPOINT,
        "at": clock.instant(clock.now()),
        "block": trail.n,
        "hash": trail.hash,
        "versions": None if versions is None else {"block": versions.n, "hash": versions.hash},
    }
    return signed(key, content)


def write(folder: Path, content: Mapping[str, Any]) -> Path:
    """Into a file of its own, whole or not at all; an older one is never written over. Raises Unavailable."""
    stamp = str(content["at"])[:19].replace(":", "").replace("-", "")
    number = f"-{content['block']:010d}" if "block" in content else "-key"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{stamp}{number}.json"
        if file.exists():
            return file
        part = folder / f".{file.name}.part"
        part.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(file)
    except OSError as why:
        raise Unavailable(f"The checkpoint could not be written to {folder}: {why.strerror}") from None
    return file


def read(folder: Path, keys: Mapping[str, Ed25519PublicKey]) -> tuple[list[chain.Mark], list[chain.Mark], list[str]]:
    """(blocks of the trail, of the versions, what is wrong) of a folder of checkpoints, signed by one of `keys` or by a
    key that they hand over to. Raises Invalid where there is none."""
    found = list(_files(folder))
    if not any(c.get("format") == CHECKPOINT for _, c in found):
        raise Invalid(f"There is no checkpoint in {folder}")
    known = dict(keys)
    handovers = [(f, c) for f, c in found if c.get("format") == HANDOVER]
    for _ in handovers:  # each round may bring the key that the next one was signed by
        for _, word in handovers:
            if holds(word, known):
                key = Ed25519PublicKey.from_public_bytes(base64.b64decode(word["new"]))
                known[name_of(key)] = key
    wrong, trail, versions = [], [], []
    for file, content in found:
        if not holds(content, known):
            wrong.append(f"{file.name} is not signed by a key that is known.")
        elif content["format"] == CHECKPOINT:
            trail.append(chain.Mark(content["block"], content["hash"]))
            if content["versions"]:
                versions.append(chain.Mark(content["versions"]["block"], content["versions"]["hash"]))
    return trail, versions, wrong


def _files(folder: Path) -> Iterable[tuple[Path, dict[str, Any]]]:
    try:
        files = sorted(folder.glob("*.json"))
    except OSError as why:
        raise Invalid(f"{folder} cannot be read: {why.strerror}") from None
    for file in files:
        try:
            content = json.loads(file.read_bytes()[:LARGEST])
        except (OSError, ValueError) as why:
            raise Invalid(f"{file} cannot be read: {why}") from None
        if isinstance(content, dict):
            yield file, content
