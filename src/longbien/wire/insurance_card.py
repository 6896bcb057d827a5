"""The health insurance card (thẻ BHYT): its number and the text of its QR code.

15 parts between `|`, the last is `$`; name and address are hexadecimal UTF-8. Parts 0 to 6 are read alike by every reader that
could be compared; of the others only the end of validity is taken, where most expect it: the portal's answer counts.
The number (15 characters): object (2 letters), level (1-5), province (2), social insurance number (10). Cards printed since April
2021 show the ten digits alone."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from longbien.base.words import mark

Sex = Literal["male", "female"]
PARTS = 15
_LONG = re.compile(r"([A-Z]{2})([1-5])(\d{2})(\d{10})", re.A)
_SHORT = re.compile(r"\d{10}", re.A)
_SEX: dict[str, Sex] = {"1": "male", "2": "female"}
_FACILITY = re.compile(r"(\d{2})\s*-\s*(\w{3})", re.A)


@dataclass(frozen=True)
class InsuranceCard:
    """number: 15 characters, or the 10 digits of the social insurance number. level: 1 to 5, None when the card does not say.
    facility: code of the place of initial registration (5 characters). birth: ISO, a year alone where only that is known."""

    number: str
    object: str | None
    level: int | None
    social: str
    name: str
    birth: str | None
    sex: Sex | None
    address: str
    facility: str | None
    begins: date | None
    ends: date | None


def read(text: str) -> InsuranceCard:
    """Raises ValueError with a sentence for the clerk."""
    parts = [p.strip() for p in text.split("|")]
    if len(parts) != PARTS or parts[-1] != "$":
        raise ValueError(mark("An insurance card's code has 15 parts and ends with $."))
    object_, level, social = number(parts[0])
    name = _hex(parts[1])
    if not name:
        raise ValueError(mark("The insurance card's code bears no name that can be read."))
    place = _FACILITY.fullmatch(parts[5])
    return InsuranceCard(
        parts[0].upper(), object_, level, social, name, _birth(parts[2]), _SEX.get(parts[3]), _hex(parts[4]) or "",
        "".join(place.groups()) if place else None, _date(parts[6]), _date(parts[7]),
    )  # fmt: skip


def number(text: str) -> tuple[str | None, int | None, str]:
    """(object, level, social insurance number) of a card's number. Raises ValueError with a sentence for the clerk."""
    plain = re.sub(r"[\s.-]", "", text).upper()
    if long := _LONG.fullmatch(plain):
        return long[1], int(long[2]), long[4]
    if _SHORT.fullmatch(plain):
        return None, None, plain
    raise ValueError(mark("An insurance number has 2 letters and 13 digits, or 10 digits."))


def grouped(text: str) -> str:
    """As it is printed: `HT 3 01 0123456789`."""
    long = _LONG.fullmatch(text)
    return " ".join(long.groups()) if long else text


def _hex(text: str) -> str | None:
    try:
        return unicodedata.normalize("NFC", bytes.fromhex(text).decode()).strip() if text not in ("", "-") else None
    except ValueError:
        return None


def _date(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%d/%m/%Y").date()
    except ValueError:
        return None


def _birth(text: str) -> str | None:
    if re.fullmatch(r"\d{4}", text, re.A):
        return text
    found = _date(text)
    return found.isoformat() if found else None
