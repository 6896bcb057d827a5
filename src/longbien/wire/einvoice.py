"""The electronic invoice as XML, laid out by a table (path -> what stands there), and its signature. Pure.

The layout is data (billing/money/tables/einvoice.csv), made after what is publicly said of decision 1450/QĐ-TCT (invoices of decree
123/2020/NĐ-CP). It is UNPROVEN: nobody has shown it to the tax authority or to a provider. A provider with another layout brings
another table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner

from longbien.base.errors import Invalid


def build(layout: Sequence[tuple[str, str, bool]], values: Mapping[str, str], root: str = "HDon", signed: str = "DLHDon") -> bytes:
    """layout: (path below the root, name of the value or "=literal", required). Elements stand in the order of the table. The part
    `signed` carries the Id that the signature refers to. Raises Invalid naming a required value that is missing."""
    top = etree.Element(root)
    for path, name, required in layout:
        value = name[1:] if name.startswith("=") else values.get(name, "")
        if not value:
            if required:
                raise Invalid(f"The electronic invoice lacks {name} ({path}).", code="required")
            continue
        at = top
        for step in path.split("/"):
            found = at.find(step)
            at = found if found is not None else etree.SubElement(at, step)
        at.text = value
    part = top.find(signed)
    if part is None:
        raise Invalid(f"The layout has no {signed}.", code="structure")
    part.set("Id", "data")
    return etree.tostring(top, encoding="UTF-8", xml_declaration=True)


def sign(xml: bytes, key: bytes, certificate: bytes) -> bytes:
    """An XMLDSig (RSA-SHA256) inside DSCKS/NBan, over the part with Id `data`. key, certificate: PEM. Raises Invalid."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    root: Any = etree.fromstring(xml, parser)
    place = etree.SubElement(etree.SubElement(root, "DSCKS"), "NBan")
    signer = XMLSigner(SignatureConstructionMethod.detached, SignatureMethod.RSA_SHA256, DigestAlgorithm.SHA256,
                       "http://www.w3.org/TR/2001/REC-xml-c14n-20010315")  # fmt: skip
    try:
        made = signer.sign(root, key=key, cert=certificate.decode(), reference_uri="#data", id_attribute="Id")
    except (ValueError, TypeError) as why:
        raise Invalid(f"The electronic invoice cannot be signed: {type(why).__name__}", code="value") from None
    place.append(made)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)
