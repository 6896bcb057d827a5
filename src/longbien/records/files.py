"""Where a paper's file is kept: a DocumentReference that says what it is, Binaries that hold it. Binary belongs to nobody by its
type, so it is read and written only here, behind a DocumentReference that the reader's own scope has opened."""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from longbien.access.binaries import behind
from longbien.base.errors import NotFound
from longbien.fhir import json
from longbien.fhir import systems as s
from longbien.record.store import Store

from .papers import CODES, Resource, content_hash_parts
from .reading import listed, reference_id

CODE = s.BASE + "/sid/paper-code"
SHA256 = s.BASE + "/StructureDefinition/sha256"
CONTENT = s.BASE + "/StructureDefinition/signed-content"
ACT = "https://longbien.org/fhir/CodeSystem/paper-act"
PDF = "application/pdf"
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""Letters that nobody mistakes for another when they type them."""


def new_code(year: int) -> str:
    """A code that stands on paper: the year, then 60 bits that tell nothing."""
    parts = ["".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(3)]
    return f"{year % 100:02d}-{'-'.join(parts)}"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def shown(sha256: str) -> str:
    """The beginning of a hash as it is printed."""
    return " ".join(sha256[i : i + 4] for i in range(0, 16, 4))


def content_hash(composition: Resource) -> str:
    """What a signature speaks of, in 64 letters."""
    return digest(json.dumps(dict(sorted(content_hash_parts(composition).items()))))


def extension(resource: Resource, url: str) -> str:
    return next((str(x.get("valueString") or "") for x in resource.get("extension") or () if x.get("url") == url), "")


@dataclass(frozen=True)
class File:
    """A paper's current file. document: the DocumentReference, `version` its version; `held`: that of the Binary."""

    document: dict[str, Any]
    version: int
    pdf: bytes
    held: int
    data: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.document["id"])

    @property
    def code(self) -> str:
        return str((self.document.get("masterIdentifier") or {}).get("value") or "")

    @property
    def final(self) -> bool:
        return self.document.get("docStatus") == "final"

    @property
    def binary(self) -> str:
        return str(self.document["content"][0]["attachment"]["url"]).rpartition("/")[2]

    @property
    def composition(self) -> str:
        return reference_id(next(iter((self.document.get("context") or {}).get("related") or ()), {}))


def is_paper(document: Resource) -> bool:
    return any(c.get("system") == CODES for c in (document.get("type") or {}).get("coding") or ())


async def current(store: Store, compositions: list[str]) -> dict[str, dict[str, Any]]:
    """composition id -> its current DocumentReference, of those that have one."""
    out: dict[str, dict[str, Any]] = {}
    for at in range(0, len(compositions), 40):
        some = ",".join(f"Composition/{c}" for c in compositions[at : at + 40])
        for found in await listed(store, "DocumentReference", [("related", some), ("status", "current")]):
            if is_paper(found):
                out[reference_id((found.get("context") or {})["related"][0])] = found
    return out


async def opened(store: Store, document: str) -> File:
    """A paper's file, by its DocumentReference. Raises NotFound (also where it is hidden)."""
    stored = await store.read("DocumentReference", document)
    found: dict[str, Any] = json.loads(stored.body, strict=False)
    contents = found.get("content") or ()
    if not contents or not str(contents[0]["attachment"].get("url") or "").startswith("Binary/"):
        raise NotFound("There is no file.")
    own = behind(store)
    kept = await own.read("Binary", str(contents[0]["attachment"]["url"]).rpartition("/")[2])
    pdf = base64.b64decode(json.loads(kept.body, strict=False).get("data") or "")
    data: Mapping[str, Any] = {}
    if len(contents) > 1:
        beside = await own.read("Binary", str(contents[1]["attachment"]["url"]).rpartition("/")[2])
        data = json.loads(base64.b64decode(json.loads(beside.body, strict=False).get("data") or ""))
    return File(found, stored.version, pdf, kept.version, data)


def binary(id_: str, kind: str, data: bytes, document: str) -> dict[str, Any]:
    return {
        "resourceType": "Binary", "id": id_, "contentType": kind, "securityContext": {"reference": f"DocumentReference/{document}"},
        "data": base64.b64encode(data).decode(),
    }  # fmt: skip


def attachment(id_: str, kind: str, data: bytes, title: str, at: str) -> dict[str, Any]:
    """What a DocumentReference says of a Binary. hash is SHA-1 because the standard says so; the house goes by the SHA-256."""
    return {
        "extension": [{"url": SHA256, "valueString": digest(data)}], "contentType": kind, "url": f"Binary/{id_}", "size": len(data),
        "hash": base64.b64encode(hashlib.sha1(data, usedforsecurity=False).digest()).decode(), "title": title, "creation": at,
    }  # fmt: skip


def sha256(document: Resource) -> str:
    """The hash of the file that a DocumentReference names."""
    return extension(document["content"][0]["attachment"], SHA256)
