"""The signature in CHUKYDONVI: W3C XML Signature, enveloped. Exactly one shape is written and taken:

    CanonicalizationMethod  http://www.w3.org/TR/2001/REC-xml-c14n-20010315
    SignatureMethod         http://www.w3.org/2001/04/xmldsig-more#rsa-sha256
    Reference URI=""        Transform enveloped-signature, DigestMethod http://www.w3.org/2001/04/xmlenc#sha256
    KeyInfo/X509Data        the facility's certificate

Seen in a Hanoi hospital's plan of its signer; an official sample was not to be had. One Reference over the whole document and no
other transforms: nothing can be left out of what is signed, or be put beside it."""

from __future__ import annotations

import base64
import binascii
import copy
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from .envelope import DSIG, LARGEST, parse
from .refused import Refused

C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
ENVELOPED = DSIG + "enveloped-signature"
WHERE = "CHUKYDONVI"
_S = f"{{{DSIG}}}"


@dataclass(frozen=True)
class Signed:
    """Who signed: the certificate (DER), its subject in words, whether one of the authorities asked about issued it."""

    certificate: bytes
    subject: str
    trusted: bool


def _canonical(element: etree._Element) -> bytes:
    """Canonical XML of a whole document, or of a part with the namespaces that it inherits, which lxml leaves out of a part."""
    if element.getparent() is not None:
        part = etree.Element(element.tag, nsmap=element.nsmap)  # type: ignore[arg-type]
        part.text = element.text
        part.extend(copy.deepcopy(child) for child in element)
        element = part
    return etree.tostring(element, method="c14n", exclusive=False, with_comments=False)


def sign(data: bytes, key: rsa.RSAPrivateKey, certificate: bytes) -> bytes:
    """The envelope with the facility's signature in CHUKYDONVI (what stood there goes). certificate: DER. Raises Refused."""
    root = parse(data, "GIAMDINHHS", largest=LARGEST * 2)
    place = next(root.iter("{*}CHUKYDONVI"), None)
    if place is None:
        raise Refused("place", WHERE, "The envelope has no CHUKYDONVI to put the signature into.")
    for child in list(place):
        place.remove(child)
    place.text = None
    digest = base64.b64encode(hashlib.sha256(_canonical(root)).digest()).decode()
    signature = etree.fromstring(_template(digest, base64.b64encode(certificate).decode()))
    place.append(signature)
    info = signature.find(f"{_S}SignedInfo")
    value = signature.find(f"{_S}SignatureValue")
    assert info is not None and value is not None
    value.text = base64.b64encode(key.sign(_canonical(info), padding.PKCS1v15(), hashes.SHA256())).decode()
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + etree.tostring(root, encoding="unicode").encode()


def _template(digest: str, certificate: str) -> str:
    return (
        f'<Signature xmlns="{DSIG}"><SignedInfo><CanonicalizationMethod Algorithm="{C14N}"/>'
        f'<SignatureMethod Algorithm="{RSA_SHA256}"/>'
        f'<Reference URI=""><Transforms><Transform Algorithm="{ENVELOPED}"/></Transforms><DigestMethod Algorithm="{SHA256}"/>'
        f"<DigestValue>{digest}</DigestValue></Reference></SignedInfo><SignatureValue/>"
        f"<KeyInfo><X509Data><X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo></Signature>"
    )


def verify(data: bytes, authorities: Sequence[bytes], at: datetime, *, largest: int = LARGEST) -> Signed | None:
    """Who signed the envelope; None where nothing is signed. authorities: certificates (DER) that count. Raises Refused, kind
    `signature`, when it is another shape, when what is signed was changed, or when the certificate does not hold at `at`."""
    root = parse(data, "GIAMDINHHS", largest=largest)
    found = list(root.iter(f"{_S}Signature"))
    if not found:
        return None
    signature = found[0]
    holder = signature.getparent()
    if len(found) > 1 or holder is None or etree.QName(holder).localname != WHERE:
        raise _no("There must be one signature, in CHUKYDONVI.")
    info = signature.find(f"{_S}SignedInfo")
    if info is None:
        raise _no("SignedInfo is missing.")
    _shape(info)
    der = _bytes(signature, f"{_S}KeyInfo/{_S}X509Data/{_S}X509Certificate")
    certificate, key = _key(der, at)
    said, value = _bytes(info, f"{_S}Reference/{_S}DigestValue"), _bytes(signature, f"{_S}SignatureValue")
    try:
        key.verify(value, _canonical(info), padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        raise _no("The signature does not belong to this certificate.") from None
    _detach(holder, signature)
    if hashlib.sha256(_canonical(root)).digest() != said:
        raise _no("The file was changed after it was signed.")
    return Signed(der, certificate.subject.rfc4514_string(), _issued(certificate, authorities))


def _detach(holder: etree._Element, signature: etree._Element) -> None:
    """Taking an element away takes the text behind it: that is kept, it is signed."""
    tail, before = signature.tail, signature.getprevious()
    holder.remove(signature)
    if tail and before is not None:
        before.tail = (before.tail or "") + tail
    elif tail:
        holder.text = (holder.text or "") + tail


def _shape(info: etree._Element) -> None:
    references = info.findall(f"{_S}Reference")
    if len(references) != 1 or references[0].get("URI") != "":
        raise _no("There must be one Reference, to the whole file.")
    transforms = [t.get("Algorithm") for t in references[0].iterfind(f"{_S}Transforms/{_S}Transform")]
    if transforms not in ([ENVELOPED], [ENVELOPED, C14N]):
        raise _no("The only transform is enveloped-signature.")
    for path, algorithm in (
        ("CanonicalizationMethod", C14N),
        ("SignatureMethod", RSA_SHA256),
        (f"Reference/{_S}DigestMethod", SHA256),
    ):
        element = info.find(f"{_S}{path}")
        if element is None or element.get("Algorithm") != algorithm:
            raise _no(f"{path.split('}')[-1]} must be {algorithm}.")


def _key(der: bytes, at: datetime) -> tuple[x509.Certificate, rsa.RSAPublicKey]:
    try:
        certificate = x509.load_der_x509_certificate(der)
        key = certificate.public_key()
    except ValueError:
        raise _no("The certificate cannot be read.") from None
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < 2048:
        raise _no("The certificate's key must be RSA of 2048 bits or more.")
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise _no("The certificate has run out, or does not hold yet.")
    return certificate, key


def _issued(certificate: x509.Certificate, authorities: Sequence[bytes]) -> bool:
    for der in authorities:
        above = x509.load_der_x509_certificate(der)
        if above == certificate:
            return True
        try:
            certificate.verify_directly_issued_by(above)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return True
    return False


def _bytes(root: etree._Element, path: str) -> bytes:
    element = root.find(path)
    try:
        return base64.b64decode("".join((element.text or "").split()) if element is not None else "", validate=True)
    except (binascii.Error, ValueError):
        raise _no(f"{path.split('}')[-1]} is not base64.") from None


def _no(text: str) -> Refused:
    return Refused("signature", WHERE, text)
