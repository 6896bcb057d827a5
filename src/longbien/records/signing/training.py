"""The training authority: certificates for a demo and for courses, named as what they are. Pure but for randomness.

Its certificates say TRAINING in every subject and name no service that would answer for them; which of them have ended stands in
the authority's revocation list (RFC 5280), made anew for every signature and kept inside the file."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

AUTHORITY = "Longbien TRAINING CA (không có giá trị pháp lý)"
UNIT = "ĐÀO TẠO / TRAINING - không có giá trị pháp lý"
BITS = 2048


class Pair(NamedTuple):
    """certificate: DER. key: PKCS#8, DER."""

    certificate: bytes
    key: bytes


def _pkcs8(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _name(*parts: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"), *(x509.NameAttribute(o, v[:64]) for o, v in parts if v)])


def _usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca, content_commitment=not ca, key_encipherment=False, data_encipherment=False, key_agreement=False,
        key_cert_sign=ca, crl_sign=ca, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def authority(now: datetime) -> Pair:
    """A new authority, for ten years."""
    key = rsa.generate_private_key(65537, BITS)
    name = _name((NameOID.ORGANIZATION_NAME, "Longbien"), (NameOID.COMMON_NAME, AUTHORITY))
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.BasicConstraints(True, 0), True).add_extension(_usage(ca=True), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    return Pair(made.public_bytes(serialization.Encoding.DER), _pkcs8(key))


def issue(by: Pair, common: str, organization: str, now: datetime) -> Pair:
    """A certificate for a person or a facility, for a year."""
    issuer, signer = x509.load_der_x509_certificate(by.certificate), _key(by.key)
    key = rsa.generate_private_key(65537, BITS)
    name = _name((NameOID.ORGANIZATION_NAME, organization), (NameOID.ORGANIZATIONAL_UNIT_NAME, UNIT), (NameOID.COMMON_NAME, common))
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(issuer.subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.BasicConstraints(False, None), True).add_extension(_usage(ca=False), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
        .sign(signer, hashes.SHA256())
    )  # fmt: skip
    return Pair(made.public_bytes(serialization.Encoding.DER), _pkcs8(key))


def revoked(by: Pair, ended: Iterable[tuple[bytes, datetime]], now: datetime) -> bytes:
    """The authority's revocation list of this moment, DER. ended: (certificate, when it ended)."""
    issuer = x509.load_der_x509_certificate(by.certificate)
    built = (
        x509.CertificateRevocationListBuilder().issuer_name(issuer.subject).last_update(now - timedelta(minutes=1))
        .next_update(now + timedelta(days=1)).add_extension(x509.CRLNumber(int(now.timestamp())), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(_key(by.key).public_key()), False)
    )  # fmt: skip
    for certificate, at in ended:
        serial = x509.load_der_x509_certificate(certificate).serial_number
        built = built.add_revoked_certificate(x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(at).build())
    return built.sign(_key(by.key), hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _key(pkcs8: bytes) -> rsa.RSAPrivateKey:
    found = serialization.load_der_private_key(pkcs8, None)
    assert isinstance(found, rsa.RSAPrivateKey)
    return found
