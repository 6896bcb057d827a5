"""Whose keys these are: a person's, a facility's seal, the training authority. A private half is sealed and opened for one
signature, after its owner has shown again who they are (Entry.lately); what is imported comes as PKCS#12."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from pyhanko.sign.signers import Signer

from longbien.access.actor import Actor
from longbien.access.door import Door
from longbien.base import clock, log
from longbien.base.errors import Invalid, NotFound, Unavailable
from longbien.base.outside import Outside
from longbien.base.sql import queries

from . import csc, pades, status, training
from .settings import SigningSettings

Q = queries(__file__, "../sql/records.sql")
_log = log.get(__name__)
LARGEST = 64 << 10
"""Bytes of a PKCS#12 file."""


@dataclass(frozen=True)
class Key:
    """certificate and chain: DER, towards the root."""

    number: int
    name: str
    kind: str
    source: str
    certificate: bytes
    chain: tuple[bytes, ...]
    sealed: bytes | None
    service: dict[str, Any] = field(default_factory=dict)

    @property
    def parsed(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.certificate)

    @property
    def subject(self) -> str:
        """The common name that the certificate gives its owner."""
        found = self.parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(found[0].value) if found else ""

    @property
    def issuer(self) -> str:
        found = self.parsed.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(found[0].value) if found else ""


def _key(row: Any) -> Key | None:
    if row is None:
        return None
    return Key(
        row["number"], row["name"], row["kind"], row["source"], row["certificate"], tuple(row["chain"]), row["sealed"],
        json.loads(row["service"]) if row["service"] else {},
    )  # fmt: skip


def roots() -> tuple[bytes, ...]:
    """The authorities that count besides the training authority, DER. Raises Unavailable when the file cannot be read."""
    path: Path | None = SigningSettings.read().roots
    if path is None:
        return ()
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError) as why:
        raise Unavailable(f"LONGBIEN_SIGNING_ROOTS cannot be read: {type(why).__name__}.") from None
    return tuple(c.public_bytes(serialization.Encoding.DER) for c in found)


class Keys:
    """The keys of one house. training: whether it issues training certificates."""

    def __init__(self, door: Door, *, demo: bool):
        self.door, self.db = door, door.engine.db
        self.settings = SigningSettings.read()
        self.training = demo or self.settings.training

    # ---- whose ----

    async def of_person(self, actor: Actor) -> Key | None:
        return _key(await self.db.fetchrow(Q.key_of_account, actor.number))

    async def of_facility(self, org: str) -> Key | None:
        return _key(await self.db.fetchrow(Q.key_of_org, org))

    async def persons(self, actor: Actor, facility: str) -> Key:
        """The person's key; a training key is made where the house makes them. Raises NotFound where there is none."""
        found = await self.of_person(actor)
        if found is None and self.training:
            await self._issue("person", actor.name, facility, account=actor.number, org=None, by=actor.number)
            found = await self.of_person(actor)
        if found is None:
            raise NotFound("There is no signing certificate for this account.")
        return found

    async def facilitys(self, actor: Actor, org: str, facility: str) -> Key:
        """The facility's seal, as `persons`."""
        found = await self.of_facility(org)
        if found is None and self.training:
            await self._issue("organisation", facility.upper(), facility, account=None, org=org, by=actor.number)
            found = await self.of_facility(org)
        if found is None:
            raise NotFound("There is no signing certificate for this facility.")
        return found

    # ---- training ----

    async def _authority(self) -> training.Pair:
        row = await self.db.fetchrow(Q.key_training)
        if row is None:
            made = training.authority(clock.now())
            name = "training"
            sealed = self.door.entry.seal.close(made.key, b"signing " + name.encode())
            await self.db.fetchval(Q.key_new, name, "training", "training", None, None, made.certificate, [], sealed, None, 0)
            row = await self.db.fetchrow(Q.key_training)
        assert row is not None
        return training.Pair(row["certificate"], self.door.entry.seal.open(row["sealed"], b"signing " + row["name"].encode()))

    async def _issue(self, kind: str, common: str, facility: str, *, account: int | None, org: str | None, by: int) -> None:
        authority = await self._authority()
        made = training.issue(authority, common, facility, clock.now())
        await self._keep(kind, "training", account, org, made, [authority.certificate], by)

    async def _keep(
        self, kind: str, source: str, account: int | None, org: str | None, made: training.Pair, chain: Sequence[bytes], by: int
    ) -> None:  # fmt: skip
        name = secrets.token_hex(12)
        sealed = self.door.entry.seal.close(made.key, b"signing " + name.encode())
        await self.db.fetchval(Q.key_new, name, kind, source, account, org, made.certificate, list(chain), sealed, None, by)

    async def trusted(self) -> tuple[bytes, ...]:
        """The authorities whose signatures count in this house, DER."""
        row = await self.db.fetchrow(Q.key_training)
        return (*roots(), *((row["certificate"],) if row is not None else ()))

    # ---- taking one in, and giving one up ----

    async def take_in(self, actor: Actor, data: bytes, password: str, *, org: str | None = None) -> Key:
        """A PKCS#12 file of a certificate authority; with `org` the seal of that facility. Raises Invalid."""
        if len(data) > LARGEST:
            raise Invalid("This file is too large to be a certificate.")
        try:
            read = pkcs12.load_pkcs12(data, password.encode())
        except ValueError:
            raise Invalid("The file cannot be opened: it is no PKCS#12 file, or the password is not right.") from None
        if read.key is None or read.cert is None:
            raise Invalid("The file holds no key with its certificate.")
        certificate = read.cert.certificate
        now = clock.now()
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise Invalid("The certificate has run out, or does not hold yet.")
        der = serialization.Encoding.DER
        chain = [c.certificate.public_bytes(der) for c in read.additional_certs]
        ordered = _ordered(certificate, [x509.load_der_x509_certificate(c) for c in (*chain, *roots())])
        if not ordered or ordered[-1].public_bytes(der) not in roots():
            raise Invalid("No authority that counts here has issued this certificate (LONGBIEN_SIGNING_ROOTS).")
        pkcs8 = read.key.private_bytes(der, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        made = training.Pair(certificate.public_bytes(der), pkcs8)
        kind, account = ("organisation", None) if org else ("person", actor.number)
        await self._keep(kind, "imported", account, org, made, [c.public_bytes(der) for c in ordered], actor.number)
        found = await (self.of_facility(org) if org else self.of_person(actor))
        assert found is not None
        return found

    async def take_service(self, actor: Actor, access: csc.Access, outside: Outside) -> Key:
        """A key that a signing service holds (CSC API v2), with the certificates that it names. Raises Invalid, Unavailable."""
        held = await csc.credential(outside, access)
        ordered = _ordered(
            x509.load_der_x509_certificate(held.chain[0]),
            [x509.load_der_x509_certificate(c) for c in (*held.chain[1:], *roots())],
        )
        der = serialization.Encoding.DER
        if not ordered or ordered[-1].public_bytes(der) not in roots():
            raise Invalid("No authority that counts here has issued this certificate (LONGBIEN_SIGNING_ROOTS).")
        name = secrets.token_hex(12)
        token = self.door.entry.seal.close(access.token.encode(), b"signing " + name.encode())
        service = json.dumps({"address": access.address, "credential": access.credential})
        chain = [c.public_bytes(der) for c in ordered]
        await self.db.fetchval(
            Q.key_new, name, "person", "service", actor.number, None, held.chain[0], chain, token, service, actor.number
        )
        found = await self.of_person(actor)
        assert found is not None
        return found

    async def end(self, key: Key, actor: Actor, why: str) -> None:
        """From now on it signs nothing; what it signed before stays."""
        await self.db.execute(Q.key_end, key.number, actor.number, why)

    # ---- for one signature ----

    def signer(self, key: Key, outside: Outside, pin: str = "") -> Signer:
        """Who signs with this key. Raises Unavailable when it cannot be opened."""
        if key.sealed is None:
            raise Unavailable("The private half of this key is not here.")
        opened = self.door.entry.seal.open(key.sealed, b"signing " + key.name.encode())
        if key.source == "service":
            access = csc.Access(key.service["address"], key.service["credential"], opened.decode())
            return csc.RemoteSigner(outside, access, key.certificate, key.chain, pin)
        return pades.signer(key.certificate, opened, key.chain)

    async def material(self, key: Key, outside: Outside, stamper: pades.Stamper | None) -> pades.Material:
        """What the authorities say of this key's certificate now, and of the time stamp service's. Raises Unavailable."""
        said = await self._asked(outside, [key.certificate, *key.chain])
        others = list(key.chain)
        if stamper is not None:
            stamped = _chain(await pades.stamp_chain(stamper), await self.trusted())
            more = await status.asked(outside, stamped)
            said = status.Answers([*said.ocsps, *more.ocsps], [*said.crls, *more.crls])
            others += stamped
        return pades.Material(await self.trusted(), tuple(others), tuple(said.ocsps), tuple(said.crls))

    async def for_archive(self, pdf: bytes, outside: Outside, stamper: pades.Stamper) -> pades.Material:
        """What the authorities say now of every certificate in a signed file; of one that has run out, or whose authority does not
        answer, nothing: what the file holds of it must do. Raises Unavailable: the time stamp service's own has no answer."""
        trusted = await self.trusted()
        own = _chain(await pades.stamp_chain(stamper), trusted)
        answers, certificates = [await status.asked(outside, own)], list(own)
        for found in (*pades.signed_by(pdf), pades.stamped_by(pdf)):
            chain = _chain(found, trusted)
            try:
                answers.append(await self._asked(outside, chain))
            except Unavailable:
                _log.warning("an authority says nothing of a certificate in a signed file")
            certificates += chain
        ocsps = dict.fromkeys(o for a in answers for o in a.ocsps)
        crls = dict.fromkeys(c for a in answers for c in a.crls)
        return pades.Material(trusted, tuple(dict.fromkeys(certificates)), tuple(ocsps), tuple(crls))

    async def _asked(self, outside: Outside, chain: Sequence[bytes]) -> status.Answers:
        """As status.asked; the training authority answers from this house."""
        row = await self.db.fetchrow(Q.key_training)
        if row is None or len(chain) < 2 or chain[-1] != row["certificate"]:
            return await status.asked(outside, chain)
        ended = await self.db.fetchval(Q.key_ended, chain[0])
        listed = training.revoked(await self._authority(), [(chain[0], ended)] if ended else [], clock.now())
        return status.Answers([], [listed])

    def stamper(self, outside: Outside) -> pades.Stamper | None:
        return pades.Stamper(outside, self.settings.timestamp) if self.settings.timestamp else None


def _chain(found: Sequence[bytes], trusted: Sequence[bytes]) -> list[bytes]:
    """A certificate and those above it, DER; [] of nothing."""
    if not found:
        return []
    first, *others = (x509.load_der_x509_certificate(c) for c in (*found, *trusted))
    der = serialization.Encoding.DER
    return [first.public_bytes(der), *(c.public_bytes(der) for c in _ordered(first, others))]


def _ordered(first: x509.Certificate, others: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """The issuers above `first`, nearest first, up to one that issued itself; [] where they are not all there."""
    out: list[x509.Certificate] = []
    at = first
    for _ in range(8):
        above = next((c for c in others if c.subject == at.issuer and _issued(at, c)), None)
        if above is None:
            return []
        out.append(above)
        if above.subject == above.issuer:
            return out
        at = above
    return []


def _issued(one: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        one.verify_directly_issued_by(by)
    except Exception:  # any failure of any algorithm says: not by this one
        return False
    return True
