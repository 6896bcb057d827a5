"""How a claim writes things (decision 3176/QĐ-BYT, 2024): moments, days, amounts, lists. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from longbien.base import clock
from longbien.base.words import parse_instant

_TAG = re.compile(r"<[^<>]*>")
_PARTED = re.compile(r"</(?:p|div|li|tr|h[1-6])>|<br ?/?>")
_UNFIT = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#39;", "'"), ("&amp;", "&"))


def moment(text: Any) -> datetime | None:
    """A FHIR dateTime on Hanoi's clock; None for a day alone, and for what is none."""
    try:
        return clock.local(parse_instant(str(text))) if text and len(str(text)) > 10 else None
    except ValueError:
        return None


def at(text: Any) -> str:
    """yyyymmddHHMM; a day alone, or a year, is filled with zeros. "" where nothing is known."""
    said = str(text or "")
    if found := moment(said):
        return f"{found:%Y%m%d%H%M}"
    digits = re.sub(r"\D", "", said)[:8]
    return digits.ljust(12, "0") if len(digits) in (4, 6, 8) else ""


def at_moment(when: datetime | None) -> str:
    return f"{clock.local(when):%Y%m%d%H%M}" if when else ""


def day(text: Any) -> str:
    """yyyymmdd, as `at`."""
    return at(text)[:8]


def money(amount: Decimal) -> str:
    """An amount in dong with two places: 45000.00."""
    return str(amount.quantize(Decimal("0.01"), ROUND_HALF_UP))


def number(value: Any, places: int = 3) -> str:
    """At most so many places, no zeros at the end: 1, 0.5, 12.125."""
    try:
        exact = Decimal(str(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    except ArithmeticError:
        return ""
    said = f"{exact:f}"
    return said.rstrip("0").rstrip(".") if "." in said else said


def text(said: Any, most: int = 0) -> str:
    """In NFC, without what XML cannot hold, spaces gathered; at most so many characters (0: any)."""
    clean = _UNFIT.sub("", unicodedata.normalize("NFC", str(said or "")))
    clean = "\n".join(" ".join(line.split()) for line in clean.split("\n")).strip()
    return clean[:most].rstrip() if most else clean


def plain(html: Any) -> str:
    """A narrative's XHTML as lines of text."""
    said = _TAG.sub(" ", _PARTED.sub("\n", str(html or "")))
    for entity, letter in _ENTITIES:
        said = said.replace(entity, letter)
    return "\n".join(x for x in (" ".join(line.split()) for line in said.split("\n")) if x)


def listed(parts: Iterable[str], most: int = 0) -> str:
    """Joined by ";", each once, in order; at most `most` of them (0: all)."""
    found = list(dict.fromkeys(p for p in parts if p))
    return ";".join(found[:most] if most else found)
