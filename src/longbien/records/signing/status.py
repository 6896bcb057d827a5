"""What a certificate is worth at this moment: asked of its authority's OCSP responder (RFC 6960), else of its revocation list (RFC
5280), as decree 23/2025/ND-CP wants it at signing. No answer is no signature."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID

from longbien.base import log
from longbien.base.errors import LongbienError, Unavailable
from longbien.base.outside import Outside

_log = log.get(__name__)
PATIENCE = 8.0
"""Seconds for each question."""
LONGEST_LIST = 16 << 20


class Answers(NamedTuple):
    """What the authorities said, DER."""

    ocsps: list[bytes]
    crls: list[bytes]


async def asked(outside: Outside, chain: Sequence[bytes]) -> Answers:
    """What the authorities of `chain` (DER, the signer's first, the root last) say of every certificate but the root. Raises
    Unavailable where one has no answer at all; what the answers mean is judged with the chain (pades.py)."""
    found = Answers([], [])
    for n, der in enumerate(chain[:-1]):
        one, issuer = x509.load_der_x509_certificate(der), x509.load_der_x509_certificate(chain[n + 1])
        await _ask(outside, one, issuer, found)
    return found


async def _ask(outside: Outside, one: x509.Certificate, issuer: x509.Certificate, found: Answers) -> None:
    for url in _responders(one):
        try:
            found.ocsps.append(await _ocsp(outside, url, one, issuer))
            return
        except LongbienError as why:
            _log.warning("an OCSP responder gave no answer: %s", why.text)
    for url in _lists(one):
        try:
            found.crls.append(await _list(outside, url))
            return
        except (LongbienError, ValueError):
            _log.warning("a revocation list could not be read")
    raise Unavailable("The certificate's authority does not answer: whether it still holds cannot be known now.")


async def _list(outside: Outside, url: str) -> bytes:
    """A revocation list, DER; such lists may be long."""
    body = b""
    async with outside.stream("GET", url, seconds=PATIENCE) as (status, _, chunks):
        if status != 200:
            raise Unavailable(f"The revocation list is not there: {status}.")
        async for chunk in chunks:
            body += chunk
            if len(body) > LONGEST_LIST:
                raise Unavailable("The revocation list is too long.")
    x509.load_der_x509_crl(body)
    return body


async def _ocsp(outside: Outside, url: str, one: x509.Certificate, issuer: x509.Certificate) -> bytes:
    question = ocsp.OCSPRequestBuilder().add_certificate(one, issuer, hashes.SHA1()).build()  # noqa: S303 - RFC 6960 names by SHA-1
    body = question.public_bytes(serialization.Encoding.DER)
    headers = [("Content-Type", "application/ocsp-request")]
    reply = await outside.request("POST", url, headers, body, seconds=PATIENCE)
    if reply.status != 200:
        raise Unavailable(f"The responder answered {reply.status}.")
    try:
        said = ocsp.load_der_ocsp_response(reply.body)
    except ValueError:
        raise Unavailable("The responder's answer cannot be read.") from None
    if said.response_status != ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise Unavailable("The responder gave no answer.")
    return reply.body


def _responders(one: x509.Certificate) -> list[str]:
    try:
        found = one.extensions.get_extension_for_oid(ExtensionOID.AUTHORITY_INFORMATION_ACCESS).value
    except x509.ExtensionNotFound:
        return []
    assert isinstance(found, x509.AuthorityInformationAccess)
    places = [a.access_location for a in found if a.access_method == AuthorityInformationAccessOID.OCSP]
    return [p.value for p in places if isinstance(p, x509.UniformResourceIdentifier)]


def _lists(one: x509.Certificate) -> list[str]:
    try:
        found = one.extensions.get_extension_for_oid(ExtensionOID.CRL_DISTRIBUTION_POINTS).value
    except x509.ExtensionNotFound:
        return []
    assert isinstance(found, x509.CRLDistributionPoints)
    names = [n for p in found for n in p.full_name or ()]
    return [n.value for n in names if isinstance(n, x509.UniformResourceIdentifier)]
