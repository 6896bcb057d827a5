"""PAdES (ETSI EN 319 142-1): a signature into a PDF, and what the signatures of a PDF are worth. The cryptography is pyHanko's.

Level B-B: signed, with this server's time. B-T: with a time stamp of a service (RFC 3161). B-LT: and with what the authorities
said of every certificate, inside the file, so that it can be judged when they answer no more. B-LTA: and with a time stamp over
all of that, made some time after signing with what the authorities say then (an answer from before a signature cannot tell that
its certificate held at it), and renewed before its own certificate runs out (archive.py). Such a file is judged by what held when
it was stamped (ETSI EN 319 102-1, 5.6.3)."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from asn1crypto import crl, keys, ocsp, tsp
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils import content, layout
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.ades.report import AdESPassed
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter
from pyhanko.sign.general import SigningError
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.validation import DocumentSecurityStore, async_validate_pdf_signature
from pyhanko.sign.validation.ades import ades_lta_validation
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.policy_decl import (
    LocalKnowledge,
    PdfSignatureValidationSpec,
    RevinfoOnlineFetchingRule,
    RevocationInfoGatheringSpec,
    SignatureValidationSpec,
)
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.context import CertValidationPolicySpec
from pyhanko_certvalidator.errors import PathError
from pyhanko_certvalidator.ltv.types import ValidationTimingInfo
from pyhanko_certvalidator.policy_decl import CertRevTrustPolicy, NonRevokedStatusAssertion, RevocationCheckingPolicy
from pyhanko_certvalidator.registry import SimpleCertificateStore, SimpleTrustManager
from pyhanko_certvalidator.revinfo.archival import CRLContainer, OCSPContainer

from longbien.base import clock, log
from longbien.base.errors import Invalid, Unavailable
from longbien.base.outside import Outside

from ..printing import Place

_log = log.get(__name__)
for _name in ("pyhanko", "pyhanko_certvalidator"):  # they log whose certificate it is
    logging.getLogger(_name).setLevel(logging.CRITICAL)
_USAGE = KeyUsageConstraints(key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False)
"""What a certificate must be meant for: either."""
_WHOLE = layout.SimpleBoxLayoutRule(
    layout.AxisAlignment.ALIGN_MID, layout.AxisAlignment.ALIGN_MID, layout.Margins(0, 0, 0, 0), layout.InnerScaling.STRETCH_TO_FIT
)
PATIENCE = 10.0


class Refused(Invalid):
    """The certificate does not hold: revoked, run out, or of no authority that counts."""

    status = 422


@dataclass(frozen=True)
class Material:
    """What a signature is judged with. roots: DER, those that count. ocsps, crls: DER, what their authorities said."""

    roots: tuple[bytes, ...]
    others: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()

    def context(self, *, mode: str = "require", at: datetime | None = None) -> ValidationContext:
        return ValidationContext(
            trust_roots=[asn1_x509.Certificate.load(c) for c in self.roots],
            other_certs=[asn1_x509.Certificate.load(c) for c in self.others],
            ocsps=[ocsp.OCSPResponse.load(o) for o in self.ocsps], crls=[crl.CertificateList.load(c) for c in self.crls],
            allow_fetching=False, revocation_mode=mode, moment=at or clock.now(),
        )  # fmt: skip


class Said(NamedTuple):
    """What a signature says of itself: the field it fills, who, why, where; stamp: the PDF that is shown in its place."""

    field: str
    name: str
    reason: str
    location: str
    stamp: bytes


class Signature(NamedTuple):
    """intact: the bytes are those that were signed. trusted: of an authority that counts, and not revoked then. level: B-B, B-T,
    B-LT, B-LTA. last: nothing came after it but further signatures."""

    field: str
    name: str
    subject: str
    at: datetime | None
    reason: str
    level: str
    intact: bool
    trusted: bool
    last: bool


class _Page(content.PdfContent):
    """A page of a PDF in memory as an appearance."""

    def __init__(self, pdf: bytes) -> None:
        self.pdf = pdf
        super().__init__()

    def render(self) -> bytes:
        page = self._ensure_writer.import_page_as_xobject(PdfFileReader(io.BytesIO(self.pdf)))
        self.resources.xobject["/Stamp"] = page
        left, bottom, right, top = page.get_object()["/BBox"]
        self.box = layout.BoxConstraints(width=abs(right - left), height=abs(top - bottom))
        return b"/Stamp Do"


def fields_into(pdf: bytes, places: Iterable[Place]) -> bytes:
    """The page with an empty field for each party: what everybody signs after that only fills one in."""
    out = IncrementalPdfFileWriter(io.BytesIO(pdf))
    for place in places:
        fields.append_signature_field(out, SigFieldSpec(place.key, on_page=place.page, box=place.box))
    made = io.BytesIO()
    out.write(made)
    return made.getvalue()


def empty_fields(pdf: bytes) -> list[str]:
    """The names of the fields that nobody has signed."""
    reader = PdfFileReader(io.BytesIO(pdf))
    return [name for name, _, _ in fields.enumerate_sig_fields(reader, filled_status=False)]


def page_count(pdf: bytes) -> int:
    return int(PdfFileReader(io.BytesIO(pdf)).root["/Pages"]["/Count"])


def signer(certificate: bytes, key: bytes, chain: Sequence[bytes]) -> signers.Signer:
    """Who holds the key here. All DER."""
    registry = SimpleCertificateStore()
    registry.register_multiple([asn1_x509.Certificate.load(c) for c in chain])
    return signers.SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(certificate), signing_key=keys.PrivateKeyInfo.load(key), cert_registry=registry
    )


class Stamper(TimeStamper):
    """RFC 3161 over HTTP, by the house's own way out."""

    def __init__(self, outside: Outside, address: str) -> None:
        super().__init__()
        self._outside, self._address = outside, address

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        headers = [("Content-Type", "application/timestamp-query"), ("Accept", "application/timestamp-reply")]
        reply = await self._outside.request("POST", self._address, headers, req.dump(), seconds=PATIENCE)
        if reply.status != 200:
            raise Unavailable(f"The time stamp service answered {reply.status}.")
        return tsp.TimeStampResp.load(reply.body)


async def stamp_chain(stamper: Stamper) -> list[bytes]:
    """The certificates that the time stamp service signs with, DER, its own first."""
    token = await stamper.async_dummy_response("sha256")
    signed = token["content"]
    found = [c.chosen for c in signed["certificates"] or () if c.name == "certificate"]
    serial = signed["signer_infos"][0]["sid"].chosen["serial_number"].native
    return [c.dump() for c in sorted(found, key=lambda c: c.serial_number != serial)]


async def sign(
    pdf: bytes, said: Said, by: signers.Signer, material: Material, *, stamper: TimeStamper | None = None
) -> bytes:  # fmt: skip
    """The PDF with one signature more. Raises Refused (the certificate), Unavailable (the time stamp), Invalid (the field)."""
    within = _within(PdfFileReader(io.BytesIO(pdf)), material)
    meta = signers.PdfSignatureMetadata(
        field_name=said.field, md_algorithm="sha256", name=said.name, reason=said.reason, location=said.location,
        subfilter=SigSeedSubFilter.PADES, embed_validation_info=True, validation_context=within.context(),
        signer_key_usage=set(),
    )  # fmt: skip
    style = StaticStampStyle(background=_Page(said.stamp), border_width=0, background_opacity=1, background_layout=_WHOLE)
    made = signers.PdfSigner(meta, by, timestamper=stamper, stamp_style=style)
    try:
        out = await made.async_sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), existing_fields_only=True)
    except PathError as why:
        _log.warning("a certificate was refused at signing: %s", type(why).__name__)
        raise Refused(
            "The certificate does not hold now: it was revoked, it has run out, or its authority does not count."
        ) from None
    except SigningError as why:
        if isinstance(why.__cause__, PathError) or "validat" in str(why).lower() or "revo" in str(why).lower():
            raise Refused(
                "The certificate does not hold now: it was revoked, it has run out, or its authority does not count."
            ) from None
        raise Invalid("This place on the paper is signed already, or is none.", status=409) from None
    return bytes(out.getvalue())


async def restamp(pdf: bytes, stamper: TimeStamper, material: Material) -> bytes:
    """The file with one archive time stamp more, over what the authorities say now (material). Raises Refused: the time stamp
    service's own certificate does not hold."""
    out = IncrementalPdfFileWriter(io.BytesIO(pdf))
    DocumentSecurityStore.supply_dss_in_writer(
        out, None, certs=[asn1_x509.Certificate.load(c) for c in material.others],
        ocsps=[ocsp.OCSPResponse.load(o) for o in material.ocsps], crls=[crl.CertificateList.load(c) for c in material.crls],
    )  # fmt: skip
    try:
        made = await signers.PdfTimeStamper(stamper).async_timestamp_pdf(out, "sha256", _within(out.prev, material).context())
    except (PathError, SignatureValidationError):
        raise Refused("The certificate of the time stamp service does not hold.") from None
    return bytes(made.getvalue())


def signed_by(pdf: bytes) -> list[list[bytes]]:
    """The certificates of each signature, DER, the signer's first."""
    found = PdfFileReader(io.BytesIO(pdf)).embedded_regular_signatures
    return [[s.signer_cert.dump(), *(c.dump() for c in s.other_embedded_certs)] for s in found]


def stamped_by(pdf: bytes) -> list[bytes]:
    """The certificates of the last archive time stamp, DER, its own first; [] where there is none."""
    stamps = PdfFileReader(io.BytesIO(pdf)).embedded_timestamp_signatures
    if not stamps:
        return []
    own = stamps[-1].signer_cert
    return [own.dump(), *(c.dump() for c in stamps[-1].other_embedded_certs if c.serial_number != own.serial_number)]


def holds_until(pdf: bytes) -> datetime | None:
    """When the certificate of the last archive time stamp runs out; None where there is none."""
    certificates = stamped_by(pdf)
    return asn1_x509.Certificate.load(certificates[0]).not_valid_after if certificates else None


async def signatures(pdf: bytes, material: Material, *, at: datetime | None = None) -> list[Signature]:
    """Every signature of a PDF, in the order in which they were made. What the file itself holds of its certificates counts too.
    at: as of another moment than now."""
    try:
        reader = PdfFileReader(io.BytesIO(pdf))
        embedded_ones = reader.embedded_regular_signatures
        stamps = reader.embedded_timestamp_signatures
    except (PdfReadError, KeyError) as why:
        raise Invalid("This file cannot be read as a PDF.", status=422) from why
    within = _within(reader, material)
    return [await _judged(embedded, within, stamps, at) for embedded in embedded_ones]


async def _judged(embedded: Any, within: Material, stamps: Sequence[Any], at: datetime | None) -> Signature:
    later = any(s.signed_revision > embedded.signed_revision for s in stamps)
    try:
        status = await _status(embedded, within, at)
        intact, trusted = bool(status.intact and status.valid), bool(status.trusted)
        last = bool(status.bottom_line or (status.intact and status.modification_level is not None and status.docmdp_ok))
        stamped = status.timestamp_validity is not None and bool(status.timestamp_validity.valid)
        when = status.timestamp_validity.timestamp if stamped and status.timestamp_validity else status.signer_reported_dt
        if intact and not trusted and (later or stamped):  # what holds no more may have held when it was stamped
            trusted = await _long_term(embedded, within, at)
    except (SignatureValidationError, ValueError):
        intact = trusted = last = stamped = False
        when = embedded.self_reported_timestamp
    held = bool(within.ocsps or within.crls)
    level = ("B-LTA" if later else "B-LT") if stamped and held else "B-T" if stamped else "B-B"
    about = embedded.sig_object
    names = embedded.signer_cert.subject.native if embedded.signer_cert else {}
    return Signature(
        embedded.field_name, str(about.get("/Name") or ""), str(names.get("common_name") or ""), when,
        str(about.get("/Reason") or ""),
        level, intact, trusted, last,
    )  # fmt: skip


async def _status(embedded: Any, within: Material, at: datetime | None) -> Any:
    context = within.context(mode="soft-fail", at=at)
    return await async_validate_pdf_signature(embedded, context, within.context(mode="soft-fail", at=at), key_usage_settings=_USAGE)


async def _long_term(embedded: Any, within: Material, at: datetime | None) -> bool:
    """Whether it held at a moment that its time stamps prove, by what the file holds of its certificates. Of the last stamp's own
    nobody is asked when a paper is looked at: while it has not run out, that is enough here."""
    trusted = SimpleTrustManager.build(trust_roots=[asn1_x509.Certificate.load(c) for c in within.roots])
    always = CertRevTrustPolicy(RevocationCheckingPolicy.from_legacy("require"))
    moment, stamps = at or clock.now(), embedded.reader.embedded_timestamp_signatures
    spec = SignatureValidationSpec(
        cert_validation_policy=CertValidationPolicySpec(trust_manager=trusted, revinfo_policy=always),
        revinfo_gathering_policy=RevocationInfoGatheringSpec(online_fetching_rule=RevinfoOnlineFetchingRule.LOCAL_ONLY),
        local_knowledge=LocalKnowledge(
            known_ocsps=[one for o in within.ocsps for one in OCSPContainer.load_multi(ocsp.OCSPResponse.load(o))],
            known_crls=[CRLContainer(crl.CertificateList.load(c)) for c in within.crls],
            known_certs=[asn1_x509.Certificate.load(c) for c in within.others],
            nonrevoked_assertions=[NonRevokedStatusAssertion(s.signer_cert.sha256, moment) for s in stamps[-1:]],
        ),
        key_usage_settings=_USAGE,
    )
    timing = ValidationTimingInfo(moment, moment, point_in_time_validation=False)
    found = await ades_lta_validation(embedded, PdfSignatureValidationSpec(spec), timing_info=timing)
    return found.ades_subindic == AdESPassed.OK


def _listed(store: Any, name: str) -> Any:
    """An array of the store, followed where it lies elsewhere (get would give the pointer)."""
    try:
        return store[name]
    except KeyError:
        return ()


def _within(reader: PdfFileReader, material: Material) -> Material:
    """The material, with what the file's own security store (DSS) holds."""
    if "/DSS" not in reader.root:
        return material
    store = reader.root["/DSS"]

    def held(name: str) -> tuple[bytes, ...]:
        return tuple(bytes(x.get_object().data) for x in _listed(store, name))

    return Material(
        material.roots, (*material.others, *held("/Certs")), (*material.ocsps, *held("/OCSPs")), (*material.crls, *held("/CRLs"))
    )
