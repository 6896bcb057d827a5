"""The certificate that a client showed when the connection was made (RFC 8705): as the trusted proxy that ended TLS passes it on,
in the way of RFC 9440 (`Client-Cert: :base64 of DER:`) or as escaped PEM (nginx: $ssl_client_escaped_cert). From anybody else the
header says nothing."""

from __future__ import annotations

import base64
import binascii
import hashlib
import ssl
from urllib.parse import unquote

from . import peer
from .peer import Connection, Network
from .settings import AccessSettings

LONGEST = 16_000


def shown(request: Connection, proxies: tuple[Network, ...], settings: AccessSettings) -> bytes | None:
    """sha256 of the certificate, as DER; None where none came by a way that is believed."""
    client = request.get("client")
    if not request.get(peer.VIA) and (not client or not peer.inside(client[0], proxies)):
        return None
    given = peer.header(request, settings.cert_header.lower().encode())
    found = None if given is None or len(given) > LONGEST else _der(given.strip())
    return None if found is None else hashlib.sha256(found).digest()


def _der(text: str) -> bytes | None:
    try:
        if text.startswith(":") and text.endswith(":"):
            return base64.b64decode(text[1:-1], validate=True)
        return ssl.PEM_cert_to_DER_cert(unquote(text).strip())
    except (ValueError, binascii.Error):
        return None


def thumbprint(digest: bytes) -> str:
    """x5t#S256: base64url without padding."""
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def of_pem(pem: str) -> bytes:
    """sha256 of a certificate given as PEM. Raises ValueError."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.strip())).digest()
