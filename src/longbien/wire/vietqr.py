"""VietQR: EMVCo merchant-presented QR code text for NAPAS 247 transfers, built and read. Pure.

    build(Transfer("970403", "0011012345678", 180_000, bill="NPS6869", purpose="thanh toan don hang"))
    read(text) -> Transfer

EMVCo QR Code Specification for Payment Systems, merchant-presented mode 1.1: two-digit id, two-digit length in characters, value;
the last object (63) is a CRC-16/CCITT-FALSE over everything before its value. NAPAS: object 38 with GUID A000000727."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from longbien.base.errors import Invalid

GUID = "A000000727"
TO_ACCOUNT, TO_CARD = "QRIBFTTA", "QRIBFTTC"
VND = "704"
PURPOSE_MOST = 25
"""Characters of 62-08 (EMVCo: additional data template, purpose of transaction)."""
_AMOUNT = re.compile(r"[1-9][0-9]{0,12}", re.A)
_ACCOUNT = re.compile(r"[0-9A-Za-z]{1,19}", re.A)
_BIN = re.compile(r"[0-9]{6}", re.A)
Items = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Transfer:
    """Where the money goes and why. bin: the bank's six digits (NAPAS); account: its number; amount: whole dong, None: the payer
    types it (a static code, 01 = 11); bill, reference, terminal, purpose: 62-01, 62-05, 62-07, 62-08, ASCII without diacritics;
    to_card: the number is a card's."""

    bin: str
    account: str
    amount: int | None = None
    bill: str = ""
    reference: str = ""
    terminal: str = ""
    purpose: str = ""
    to_card: bool = False


def crc(text: str) -> str:
    """CRC-16/CCITT-FALSE (poly 0x1021, init 0xFFFF, nothing reflected) as four upper-case hex digits."""
    value = 0xFFFF
    for octet in text.encode():
        value ^= octet << 8
        for _ in range(8):
            value = ((value << 1) ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    return f"{value:04X}"


def plain(text: str) -> str:
    """Vietnamese without diacritics, ASCII only: what every bank's app shows alike."""
    folded = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(c for c in folded if " " <= c <= "~")


def build(transfer: Transfer) -> str:
    """The text of the QR code. Raises Invalid for what the format cannot hold."""
    t = transfer
    if not _BIN.fullmatch(t.bin):
        raise Invalid(f"A bank is named by six digits, not {t.bin[:20]!r}.", code="value")
    if not _ACCOUNT.fullmatch(t.account):
        raise Invalid(f"{t.account[:30]!r} is no account number: 1 to 19 letters and digits.", code="value")
    if t.amount is not None and not (0 < t.amount < 10**13):
        raise Invalid(f"An amount is whole dong, 1 to 13 digits, not {t.amount}.", code="value")
    more = [("01", t.bill, 25), ("05", t.reference, 25), ("07", t.terminal, 25), ("08", t.purpose, PURPOSE_MOST)]
    for _, value, most in more:
        if len(value) > most or value != plain(value):
            raise Invalid(f"{value[:40]!r}: at most {most} characters of ASCII.", code="value")
    bank = _object("00", t.bin) + _object("01", t.account)
    merchant = _object("00", GUID) + _object("01", bank) + _object("02", TO_CARD if t.to_card else TO_ACCOUNT)
    text = _object("00", "01") + _object("01", "11" if t.amount is None else "12") + _object("38", merchant) + _object("53", VND)
    if t.amount is not None:
        text += _object("54", str(t.amount))
    text += _object("58", "VN")
    if data := "".join(_object(id_, value) for id_, value, _ in more if value):
        text += _object("62", data)
    text += "6304"
    return text + crc(text)


def _object(id_: str, value: str) -> str:
    return f"{id_}{len(value):02d}{value}"


def read(text: str) -> Transfer:
    """What a VietQR says. Raises Invalid for broken structure, a wrong CRC, another scheme, another currency."""
    text = text.strip()
    if len(text) < 12 or text[-8:-4] != "6304":
        raise Invalid("This is no VietQR: its last part must be the check sum.", code="structure")
    if crc(text[:-4]) != text[-4:].upper():
        raise Invalid("This VietQR was damaged: its check sum is wrong.", code="value")
    top = dict(_items(text))
    merchant = dict(_items(top.get("38", "")))
    bank = dict(_items(merchant.get("01", "")))
    if top.get("00") != "01" or merchant.get("00") != GUID or not bank.get("00") or not bank.get("01"):
        raise Invalid("This QR code is none of NAPAS transfers.", code="not-supported")
    if top.get("53") != VND:
        raise Invalid("This QR code is not in dong.", code="not-supported")
    amount = top.get("54")
    if amount is not None and not _AMOUNT.fullmatch(amount):
        raise Invalid(f"{amount[:20]!r} is no amount in dong.", code="value")
    data = dict(_items(top.get("62", "")))
    return Transfer(
        bank["00"], bank["01"], int(amount) if amount else None, data.get("01", ""), data.get("05", ""), data.get("07", ""),
        data.get("08", ""), merchant.get("02") == TO_CARD,
    )  # fmt: skip


def _items(text: str) -> Items:
    found: Items = []
    at = 0
    while at < len(text):
        head = text[at : at + 4]
        if len(head) < 4 or not (head.isascii() and head.isdigit()):
            raise Invalid("This QR code is broken: an id and a length are expected.", code="structure")
        end = at + 4 + int(head[2:])
        if end > len(text):
            raise Invalid(f"This QR code is broken: object {head[:2]} is longer than what is left.", code="structure")
        if head[:2] in {id_ for id_, _ in found}:
            raise Invalid(f"This QR code is broken: object {head[:2]} stands twice.", code="structure")
        found.append((head[:2], text[at + 4 : end]))
        at = end
    return found
