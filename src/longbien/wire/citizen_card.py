"""The citizen card (căn cước, CCCD): its number and the text of its QR code.

The QR is UTF-8 between `|`: number, old 9-digit number or nothing, full name, birth, sex, place of residence, date of issue; the
card of 2024 has four parts more, whose meaning is not published. It bears no signature: it saves typing and proves nothing.
The number (decree 137/2015): province of birth registration (3), century and sex (1), year of birth (2), six digits; no check
digit. Codes of the 63 provinces stay valid after the merger of 2025."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date
from typing import Literal

from longbien.base.words import mark

Sex = Literal["male", "female"]
PARTS = (7, 11)
_NUMBER = re.compile(r"\d{12}", re.A)
_OLD = re.compile(r"\d{9}", re.A)
_DATE = re.compile(r"(\d{2})(\d{2})(\d{4})", re.A)
_SEX: dict[str, Sex] = {"nam": "male", "nữ": "female", "nu": "female"}
_PROVINCES = """
    001 002 004 006 008 010 011 012 014 015 017 019 020 022 024 025 026 027 030 031 033 034 035 036 037 038 040
    042 044 045 046 048 049 051 052 054 056 058 060 062 064 066 067 068 070 072 074 075 077 079 080 082 083 084
    086 087 089 091 092 093 094 095 096"""
PROVINCES = frozenset(_PROVINCES.split())


@dataclass(frozen=True)
class CitizenCard:
    """birth: ISO, `1958-06-17`, or as much of it as the card knows (`1958`); None where it cannot be read. issued likewise.
    doubts: what does not fit together (corrections of sex and birth exist, so these are warnings), as marked messages."""

    number: str
    old_number: str | None
    name: str
    birth: str | None
    sex: Sex | None
    residence: str
    issued: str | None
    doubts: tuple[str, ...] = ()


def read(text: str) -> CitizenCard:
    """Raises ValueError with a sentence for the clerk."""
    parts = [unicodedata.normalize("NFC", p).strip() for p in text.split("|")]
    if len(parts) not in PARTS:
        raise ValueError(mark("A citizen card's code has 7 or 11 parts."))
    number, old, name, birth, sex, residence, issued = parts[:7]
    if not _NUMBER.fullmatch(number):
        raise ValueError(mark("A citizen card's code begins with its 12 digits."))
    if not name:
        raise ValueError(mark("The card's code bears no name."))
    born = iso(birth)
    known = _SEX.get(sex.lower())
    return CitizenCard(
        number, old if _OLD.fullmatch(old) else None, name, born, known, residence, iso(issued), doubts(number, born, known)
    )


def iso(text: str) -> str | None:
    """ddmmyyyy as ISO; `00` for an unknown day or month leaves the year (and month); None for no date of the calendar."""
    if re.fullmatch(r"\d{4}", text, re.A):
        return text if 1850 <= int(text) <= 2200 else None
    found = _DATE.fullmatch(text)
    if not found:
        return None
    day, month, year = found.groups()
    if not 1850 <= int(year) <= 2200:
        return None
    if month == "00":
        return year
    if day == "00":
        return f"{year}-{month}" if 1 <= int(month) <= 12 else None
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None


def doubts(number: str, birth: str | None, sex: Sex | None) -> tuple[str, ...]:
    """What in a citizen's number does not fit the birth date and sex beside it."""
    found = []
    if number[:3] not in PROVINCES:
        found.append(mark("The number's first three digits are no province's."))
    century, year = int(number[3]) // 2, int(number[4:6])
    if birth and (1900 + 100 * century + year) != int(birth[:4]):
        found.append(mark("The number does not fit the year of birth."))
    if sex and (int(number[3]) % 2 == 1) != (sex == "female"):
        found.append(mark("The number does not fit the sex."))
    return tuple(found)


def check(number: str) -> str | None:
    """Why this cannot be a citizen's number (a marked message), None when it can."""
    if not re.fullmatch(r"\d+", number, re.A):
        return mark("A citizen's number has digits only.")
    if len(number) != 12:
        return mark("A citizen's number has 12 digits.")
    return None if number[:3] in PROVINCES else mark("The number's first three digits are no province's.")
