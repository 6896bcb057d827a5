"""Modifiers of tokens that look something up before the search is compiled: :text in the vocabulary, :in, :not-in, :above, :below
in terminology (R4 search.html#token). What they find becomes keys of terms, as a token written out would."""

from __future__ import annotations

from typing import TYPE_CHECKING

from longbien.base.errors import Invalid, TooMany
from longbien.base.fold import fold
from longbien.base.ids import key64

from .ask import Ask, plain, split
from .keys import LONGEST, TEXT, param_key
from .params.string import like
from .params.token import implicit
from .terminology import Codes

if TYPE_CHECKING:
    from .compile import Compiler

MOST = 10_000
"""Codes or words that one condition may come to."""
LOOKED_UP = frozenset(("text", "in", "not-in", "above", "below"))


async def keys(c: Compiler, ask: Ask) -> list[int]:
    """The keys of which a matching row carries one."""
    if ask.modifier == "text":
        return [k for v in ask.values for k in await _texts(c, ask, plain(v))]
    codes: Codes = set()
    for v in ask.values:
        codes |= await _codes(c, ask, v)
        if len(codes) > MOST:
            raise ask.bad(f"comes to over {MOST} codes.")
    return _terms(ask, codes)


async def _codes(c: Compiler, ask: Ask, text: str) -> Codes:
    try:
        if ask.modifier in ("in", "not-in"):
            return await c.engine.terminology.codes_in(plain(text))
        parts = [plain(p) for p in split(text, "|")]
        if len(parts) != 2 or not all(parts):
            raise ask.bad(f":{ask.modifier} takes system|code.")
        find = c.engine.terminology.below if ask.modifier == "below" else c.engine.terminology.above
        return await find(*parts)
    except Invalid as error:
        if error.text.startswith("Search parameter"):
            raise
        raise ask.bad(error.text) from None


def _terms(ask: Ask, codes: Codes) -> list[int]:
    own = implicit(ask.type, ask.param.code) or frozenset()
    found = [key64(f"{ask.prefix}|{system}|{code}") for system, code in codes]
    return found + [key64(f"{ask.prefix}={code}") for system, code in codes if system in own]


async def _texts(c: Compiler, ask: Ask, text: str) -> list[int]:
    """Displays that begin with the text, or one of whose words does."""
    folded = fold(text)[:LONGEST]
    if not folded:
        raise ask.bad("a text is missing.")
    begins = like(folded) + "%"
    sql = "SELECT w.key FROM word w WHERE w.p = $1 AND (w.norm LIKE $2 OR w.norm LIKE $3) LIMIT $4"
    rows = await c.engine.db.fetch(sql, param_key(ask.prefix + TEXT), begins, "% " + begins, MOST + 1, search=True)
    if len(rows) > MOST:
        raise TooMany(f"Search parameter '{ask.name}': over {MOST} texts begin like this. Write more of it.")
    return [r["key"] for r in rows]
