"""Keys: what a search term is stored as. One place, so that what is written and what is asked cannot differ.

    T.p|system|code   T.p||code (no system)   T.p=code (whatever the system)   T.p|system| (any code of a system)
    T.p|Type/id       T.p|http://...          T.p|url|version                  references, uris, canonicals
    T.p:identifier...  T.p:of-type|...        T.p!text                         by identifier, typed identifier, exact string
    T.p~text=folded                                                            a display, for :text
A 64-bit key is a filter: two different terms share one with a chance of 2**-64 a pair."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from longbien.base.ids import key64

_KEPT = 200_000
_keys: dict[str, int] = {}
_words: dict[str, int] = {}
_texts: dict[int, tuple[int, str]] = {}
_before: dict[int, tuple[int, str]] = {}
"""The words that this process has met lately: key -> (parameter, text). What table `word` must hold; of two generations, so that
nothing is forgotten between a resource's indexing and its writing."""


def key(text: str) -> int:
    """key64, remembering what recurs (codes, units). For what does not recur, such as ids, call key64 itself."""
    found = _keys.get(text)
    if found is None:
        if len(_keys) >= _KEPT:
            _keys.clear()
        found = _keys[text] = key64(text)
    return found


def word(text: str, prefix: str, norm: str) -> int:
    """The key of a term whose text is kept in table `word`: codes (to sort by) and displays (:text)."""
    global _texts, _before
    found = _words.get(text)
    if found is None:
        if len(_words) >= _KEPT:
            _words.clear()
            _before, _texts = _texts, {}
        found = _words[text] = key64(text)
        _texts[found] = (param_key(prefix), norm[:LONGEST])
    return found


def unknown(terms: Iterable[int], known: set[int]) -> dict[int, tuple[int, str]]:
    """Of the keys those that are words and are not in `known`: with their parameter and text."""
    found: dict[int, tuple[int, str]] = {}
    for k in terms:
        if k not in known and (text := _texts.get(k) or _before.get(k)):
            found[k] = text
    return found


@cache
def param_key(prefix: str) -> int:
    """The number of 'Type.param' in the side tables: 32 bits, signed. A test holds that no two parameters share one."""
    low = key64(prefix) & 0xFFFF_FFFF
    return low - (1 << 32) if low >= 1 << 31 else low


_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


def packed_id(id: str) -> bytes:
    """An id (or a canonical's url) as table `ref` keeps it; packed_id in migration 0095 does the same."""
    if len(id) == 36 and _UUID.match(id):
        return bytes.fromhex(id.replace("-", ""))
    plain = id.encode()
    return (b"\0\0" if len(plain) == 15 else b"\0") + plain


def compartment_key(patient_id: str) -> int:
    """The term of a resource that is also in the compartment of a patient other than the one in head.pat."""
    return key64("compartment|Patient/" + patient_id)


LONGEST = 256
"""Characters of a text that are kept to be compared."""
TEXT = "~text"
"""'T.p~text': the displays of a token parameter; 'T.p~text=folded' the key of one."""
LONG = "~long"
"""'T~long': the main date spans over a month, or has an open end: such rows are looked for apart (dates.SPAN)."""
ELSEWHERE = "~elsewhere"
"""'T~elsewhere': the row's patient comes from another parameter than the type's main one."""


def long_key(code: int) -> int:
    """The term of a row whose main date spans long and that has this code as a second coding (heads.py; migration 0096 has the
    number too)."""
    return code ^ 0x1B5E_3C7A_9D24_60F1
