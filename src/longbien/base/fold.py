"""fold: how two spellings of one word become equal. Used by every search by text: what is stored and what is asked."""

from __future__ import annotations

import unicodedata

_LETTERS = str.maketrans({"đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "ı": "i"})


def fold(text: str) -> str:
    """Lower case, without marks (Thúy, Thuý and thuy are one), đ as d, spaces single, none at the ends."""
    if text.isascii():
        return " ".join(text.lower().split())
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(bare.translate(_LETTERS).split())
