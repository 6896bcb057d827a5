"""The facility's key, out of its PKCS#12 file, and its signature on an envelope."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from longbien.base import clock
from longbien.base.errors import Unavailable
from longbien.wire.claims_xml.signature import sign


@dataclass(frozen=True)
class Seal:
    """key: RSA. certificate: DER. until: last moment of its validity."""

    key: rsa.RSAPrivateKey
    certificate: bytes

    def on(self, data: bytes) -> bytes:
        return sign(data, self.key, self.certificate)


def seal(path: Path, password: str) -> Seal:
    """Raises Unavailable, saying what is wrong with the file and never what is in it."""
    try:
        read = pkcs12.load_pkcs12(path.read_bytes(), password.encode() or None)
    except OSError as why:
        raise Unavailable(f"The key file {path.name} cannot be read: {type(why).__name__}.") from None
    except ValueError:
        raise Unavailable(f"The key file {path.name} cannot be opened: it is no PKCS#12, or its password is not right.") from None
    if not isinstance(read.key, rsa.RSAPrivateKey) or read.cert is None:
        raise Unavailable(f"The key file {path.name} holds no RSA key with its certificate.")
    _holds(read.cert.certificate, path.name)
    return Seal(read.key, read.cert.certificate.public_bytes(Encoding.DER))


def _holds(certificate: x509.Certificate, name: str) -> None:
    if not certificate.not_valid_before_utc <= clock.now() <= certificate.not_valid_after_utc:
        raise Unavailable(f"The certificate in {name} has run out, or does not hold yet.")
