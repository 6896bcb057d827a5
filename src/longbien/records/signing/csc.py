"""A key that a signing service holds: the Cloud Signature Consortium's API, version 2 (https://cloudsignatureconsortium.org, CSC
API v2.0.0.2): credentials/info, credentials/authorize, signatures/signHash. The document never leaves the house, only its hash
does.

How a remote signature or a USB token's own service comes in: whoever has another protocol writes a `pyhanko.sign.signers.Signer`
like RemoteSigner here."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from asn1crypto import x509 as asn1_x509
from pyhanko.sign.signers import Signer
from pyhanko_certvalidator.registry import SimpleCertificateStore

from longbien.base.errors import Invalid, Unavailable
from longbien.base.outside import Outside

PATIENCE = 20.0
SHA256 = "2.16.840.1.101.3.4.2.1"
RSA_SHA256 = "1.2.840.113549.1.1.11"
ECDSA_SHA256 = "1.2.840.10045.4.3.2"


class Access(NamedTuple):
    """address: up to and with /csc/v2. token: the OAuth bearer token that the service gave the person."""

    address: str
    credential: str
    token: str


class Held(NamedTuple):
    """chain: DER, the signer's own first."""

    chain: tuple[bytes, ...]
    algorithm: str


async def _ask(outside: Outside, access: Access, method: str, given: dict[str, Any]) -> dict[str, Any]:
    headers = [("Content-Type", "application/json"), ("Authorization", f"Bearer {access.token}")]
    reply = await outside.request(
        "POST", f"{access.address.rstrip('/')}/{method}", headers, json.dumps(given).encode(), seconds=PATIENCE
    )
    try:
        said = json.loads(reply.body)
    except ValueError:
        raise Unavailable("The signing service's answer cannot be read.") from None
    if reply.status in (400, 401, 403):
        raise Invalid(
            "The signing service refuses: " + str(said.get("error_description") or said.get("error") or reply.status)[:200]
        )
    if reply.status != 200 or not isinstance(said, dict):
        raise Unavailable(f"The signing service answered {reply.status}.")
    return said


async def credential(outside: Outside, access: Access) -> Held:
    """Clause 11.5 credentials/info: the certificates of a credential. Raises Invalid, Unavailable."""
    said = await _ask(outside, access, "credentials/info", {"credentialID": access.credential, "certificates": "chain"})
    try:
        chain = tuple(base64.b64decode(c, validate=True) for c in said["cert"]["certificates"])
        algorithms = said["key"]["algo"]
        if said["key"]["status"] != "enabled" or said["cert"]["status"] != "valid":
            raise Invalid("The signing service says that this certificate does not hold.")
    except (KeyError, TypeError, binascii.Error):
        raise Unavailable("The signing service's answer cannot be read.") from None
    if not chain:
        raise Unavailable("The signing service names no certificate.")
    return Held(chain, ECDSA_SHA256 if any(a.startswith("1.2.840.10045") for a in algorithms) else RSA_SHA256)


class RemoteSigner(Signer):
    """Signs one hash after another: each is authorised by the person (PIN or one-time code) with the service."""

    def __init__(self, outside: Outside, access: Access, certificate: bytes, chain: Sequence[bytes], pin: str):
        registry = SimpleCertificateStore()
        registry.register_multiple([asn1_x509.Certificate.load(c) for c in chain])
        super().__init__(signing_cert=asn1_x509.Certificate.load(certificate), cert_registry=registry)
        self._outside, self._access, self._pin = outside, access, pin

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        if dry_run:
            return bytes(512)
        if digest_algorithm != "sha256":
            raise Invalid("Signing services are asked for SHA-256 only.")
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        certificate = self.signing_cert
        kind = certificate.public_key.algorithm if certificate is not None else "rsa"
        allowed = await _ask(
            self._outside, self._access, "credentials/authorize",
            {"credentialID": self._access.credential, "numSignatures": 1, "hashes": [digest], "hashAlgorithmOID": SHA256,
             "authData": [{"id": "PIN", "value": self._pin}]},
        )  # fmt: skip
        made = await _ask(
            self._outside, self._access, "signatures/signHash",
            {"credentialID": self._access.credential, "SAD": str(allowed.get("SAD") or ""), "hashes": [digest],
             "hashAlgorithmOID": SHA256, "signAlgo": ECDSA_SHA256 if kind == "ec" else RSA_SHA256},
        )  # fmt: skip
        try:
            return base64.b64decode(made["signatures"][0], validate=True)
        except (KeyError, IndexError, TypeError, binascii.Error):
            raise Unavailable("The signing service gave no signature.") from None
