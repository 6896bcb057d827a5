"""One file as it came in: unpacked, read, held against the field tables and against who sent it. Pure but for the clock's day."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from longbien.base import clock
from longbien.base.words import words
from longbien.wire import claims_xml
from longbien.wire.claims_xml import signature

from .senders import Sender
from .settings import AxisSettings

OK, AUTH, CONTENT, WRONG_FACILITY, SIGNATURE, HOUSE, LARGE = "200", "401", "205", "123", "124", "500", "1001"
"""maKetQua. What 123 to 205 mean apart is not documented where this was written from: 205 the content, 123 another facility's, 124
the signature."""
KINDS = {"large": LARGE, "signature": SIGNATURE}
MOST_FAULTS = 50
VI = words("vi")


@dataclass
class Checked:
    """code: maKetQua. text: what is said. faults: bang, dong, truong, noiDung, one each. data: the file's bytes."""

    code: str
    text: str
    data: bytes = b""
    claims: int = 0
    signed: str = ""
    faults: list[dict[str, str]] = field(default_factory=list)

    @property
    def taken(self) -> bool:
        return self.code == OK


def checked(text: str, sender: Sender, settings: AxisSettings, day: date) -> Checked:
    """Never raises for what stands in the file."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        return Checked(CONTENT, "The file is not base64.")
    try:
        envelope = claims_xml.read(data, largest=settings.largest)
    except claims_xml.Refused as why:
        return Checked(KINDS.get(why.kind, CONTENT), f"{why.where}: {why.said}"[:500])
    except (RecursionError, MemoryError):
        return Checked(CONTENT, "The file is nested too deeply.")
    if wrong := _whose(envelope, sender):
        return Checked(WRONG_FACILITY, wrong)
    links = [next(iter(c.get("XML1", ())), {}).get("MA_LK", "") for c in envelope.claims]
    if len(set(links)) != len(links):
        return Checked(CONTENT, "MA_LK: one visit stands in the file twice.")
    signed, wrong = _signed(data, sender, settings)
    if wrong and settings.signature == "required":
        return Checked(SIGNATURE, wrong)
    faults = _faults(envelope.claims, day)
    if faults and settings.faults != "note":
        first = faults[0]
        where = " ".join(x for x in (first["MA_LK"], first["bang"], first["dong"], first["truong"]) if x)
        return Checked(CONTENT, f"{where}: {first['noiDung']}"[:500], faults=faults[:MOST_FAULTS], claims=len(links))
    return Checked(OK, "Đã tiếp nhận", data, len(links), signed, faults[:MOST_FAULTS])


def _whose(envelope: claims_xml.Envelope, sender: Sender) -> str:
    """A system sends its own facility's claims and no other's."""
    named = {envelope.facility, *(r.get("MA_CSKCB", "") for c in envelope.claims for r in c.get("XML1", ()))} - {""}
    others = sorted(named - {sender.code})
    return f"MACSKCB: the file is of facility {others[0][:10]}, this sender is of {sender.code}." if others else ""


def _signed(data: bytes, sender: Sender, settings: AxisSettings) -> tuple[str, str]:
    """(what is noted of the signature, what is wrong with it, "" where it holds)."""
    try:
        found = signature.verify(data, (), clock.now(), largest=settings.largest)
    except claims_xml.Refused as why:
        return f"sai: {why.said}"[:200], f"CHUKYDONVI: {why.said}"[:500]
    if found is None:
        return "không", "CHUKYDONVI: the file is not signed, and this axis takes signed files only."
    if sender.cert is not None and hashlib.sha256(found.certificate).digest() != sender.cert:
        return "sai: chứng thư khác", "CHUKYDONVI: the file is signed with another certificate than this sender's."
    return f"có: {found.subject}"[:200], ""


def _faults(claims: Sequence[claims_xml.Claim], day: date) -> list[dict[str, str]]:
    found = []
    for claim in claims:
        link = next(iter(claim.get("XML1", ())), {}).get("MA_LK", "")
        for f in claims_xml.check(claim, day):
            if f.level == "stop":
                text = VI(f.text) % f.values
                found.append({"MA_LK": link, "bang": f.table, "dong": str(f.row or ""), "truong": f.field, "noiDung": text})
        if not link and claim.get("XML1"):
            found.append({"MA_LK": "", "bang": "XML1", "dong": "1", "truong": "MA_LK", "noiDung": "Thiếu MA_LK."})
    return found
