"""fold: how two spellings of one word become equal. Used by every search by text: what is stored and what is asked."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

_LETTERS = str.maketrans({"đ": "d", "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "ı": "i"})


def fold(text: str) -> str:
    """Lower case, without marks (Thúy, Thuý and thuy are one), đ as d, spaces single, none at the ends."""
    if text.isascii():
        return " ".join(text.lower().split())
    return _marked(text) if len(text) <= SHORT else _unmarked(text)


SHORT = 48
"""Letters of what is kept folded: the words and names that come again and again."""


def _unmarked(text: str) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join(bare.translate(_LETTERS).split())


_marked = lru_cache(16_384)(_unmarked)
