"""String parameters: folded, found from the beginning of any word of a name or address, of the whole for other texts
(R4 search.html#string; matching from later words is the freedom it gives, and what Vietnamese names need)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from longbien.base.fold import fold
from longbien.base.ids import key64

from ..ask import Ask, Bind, Cond, any_of, plain
from ..keys import param_key
from .token import has

LONGEST = 256
"""Characters of a folded text that are kept: a longer question is compared by its beginning only."""
WORDS = 8
TOP = "\U0010ffff"

_NAME = ("family", "text")
_ADDRESS = ("city", "district", "state", "postalCode", "country", "text")


def texts(value: Any, kind: str) -> Iterator[str]:
    """The strings that a value is searched by."""
    if isinstance(value, str):
        yield value
        return
    if not isinstance(value, dict):
        return
    if kind == "HumanName":
        for name in _NAME:
            if isinstance(value.get(name), str):
                yield value[name]
        for name in ("given", "prefix", "suffix"):
            yield from (v for v in value.get(name) or () if isinstance(v, str))
    elif kind == "Address":
        for name in _ADDRESS:
            if isinstance(value.get(name), str):
                yield value[name]
        yield from (v for v in value.get("line") or () if isinstance(v, str))


def tails(folded: str) -> list[str]:
    """The text from each of its words on: 'nguyen thi an', 'thi an', 'an'."""
    words = folded.split(" ")
    return [" ".join(words[n:]) for n in range(min(len(words), WORDS))]


def index(prefix: str, value: Any, kind: str, add: Any, strs: set[tuple[int, str]]) -> None:
    p = param_key(prefix)
    for text in texts(value, kind):
        add(key64(f"{prefix}!{text}"))
        folded = fold(text)[:LONGEST]
        if not folded:
            continue
        if kind in ("HumanName", "Address"):
            strs.update((p, tail) for tail in tails(folded))
        else:
            strs.add((p, folded))


def like(text: str) -> str:
    """For LIKE: the text itself, whatever is in it."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def where(ask: Ask, h: str, bind: Bind) -> Cond:
    values = [plain(v) for v in ask.values]
    if ask.modifier == "exact":
        found = [key64(f"{ask.prefix}!{v}") for v in values]
        return Cond(has(h, found, bind), typed=True, selective=True, keys=tuple(found))
    if ask.modifier not in (None, "contains"):
        raise ask.unsupported()
    norms = [fold(v)[:LONGEST] for v in values]
    if not all(norms):
        raise ask.bad("a text is missing.")
    p = bind(param_key(ask.prefix))
    if ask.modifier == "contains":
        match = any_of([f"s.norm LIKE {bind('%' + like(n) + '%')}" for n in norms])
        return Cond(f"{h}.rid IN (SELECT s.rid FROM str s WHERE s.p = {p} AND {match})", typed=True, selective=True)
    if len(norms) == 1:
        match = f"s.norm >= {bind(norms[0])} AND s.norm < {bind(norms[0] + TOP)}"
        return Cond(f"{h}.rid IN (SELECT s.rid FROM str s WHERE s.p = {p} AND {match})", typed=True, selective=True)
    # a range of the index for each of many names
    begins, ends = bind(norms), bind([n + TOP for n in norms])
    each = f"unnest({begins}::text[], {ends}::text[]) v(lo, hi) JOIN str s ON s.p = {p} AND s.norm >= v.lo AND s.norm < v.hi"
    return Cond(f"{h}.rid IN (SELECT s.rid FROM {each})", typed=True, selective=True)
