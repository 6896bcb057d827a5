"""What a reception desk's scanner typed: which card it was, told from the text alone.

A citizen card's QR has 7 or 11 parts between `|` and begins with 12 digits; an insurance card's ends with `$`. Anything else is
rubbish, said so."""

from __future__ import annotations

from longbien.base.words import mark

from . import citizen_card, insurance_card
from .citizen_card import CitizenCard
from .insurance_card import InsuranceCard

MOST = 2_000
"""Characters that a scan may have; no card's text is as long."""


def read(text: str) -> CitizenCard | InsuranceCard:
    """Raises ValueError with a sentence for the clerk (a marked message) when it is neither card's text, or a broken one."""
    cleaned = text.replace("\0", "").strip()
    if len(cleaned) > MOST:
        raise ValueError(mark("This is too long for a card."))
    if cleaned.endswith("$") or cleaned.count("|") == insurance_card.PARTS - 1:
        return insurance_card.read(cleaned)
    if "|" in cleaned:
        return citizen_card.read(cleaned)
    raise ValueError(mark("This is neither a citizen card's code nor an insurance card's."))
