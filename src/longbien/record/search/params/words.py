"""_text and _content: the words of the narrative, and of everything that is text in a resource (R4 search.html#content).

Words are folded, so tones and case do not matter. Asked: words (all must be there), OR, NOT, parentheses, a trailing * for a word's
beginning; phrases are not kept apart and are refused. Kept in tables narrative and content (migrations/0021)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from longbien.base.fold import fold

from ..ask import Ask, Bind, Cond, plain

LONGEST = 40
"""Letters of a word that count."""
MOST_BYTES = 600_000
"""Of the words of one resource: later ones are not kept (PostgreSQL keeps one megabyte at most)."""
MOST_WORDS = 60
"""In one question."""
DEEPEST = 10
TABLES = {"_text": "narrative", "_content": "content"}
_WORD = re.compile(r"\w+")
_TAG = re.compile(r"<[^>]*>")
_NOT_TEXT = frozenset(
    ("resourceType", "id", "meta", "system", "url", "reference", "data", "contentType", "div", "fullUrl", "implicitRules", "hash",
     "versionId", "lastUpdated", "profile", "extensionUrl")
)  # fmt: skip
"""Members whose strings are addresses or keys, not text."""
_TIME = re.compile(r"\d{4}(-\d\d(-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d)?)?)?)?\Z")
_PLACE = re.compile(r"(https?|urn|mailto|tel):\S*\Z")


class Words(NamedTuple):
    """Distinct words with spaces between; "" for none."""

    text: str
    content: str


NONE = Words("", "")


def of(resource: dict[str, Any], text: bool, content: bool) -> Words:
    """The words to be kept of a resource. Pure."""
    narrative = resource.get("text")
    div = narrative.get("div") if isinstance(narrative, dict) else None
    told = html.unescape(_TAG.sub(" ", div)) if isinstance(div, str) else ""
    if not content:
        return Words(distinct(told), "") if text and told else NONE
    return Words(distinct(told) if text else "", distinct(" ".join([told, *_strings(resource)])))


def distinct(text: str) -> str:
    """The folded words of a text, each once, in their order, MOST_BYTES in all."""
    found = " ".join(dict.fromkeys(w[:LONGEST] for w in _WORD.findall(fold(text))))
    if len(found) * 4 > MOST_BYTES and len(found.encode()) > MOST_BYTES:
        found = found.encode()[:MOST_BYTES].decode("utf-8", "ignore").rpartition(" ")[0]
    return found


def _strings(value: Any) -> Iterator[str]:
    left = [value]
    while left:
        at = left.pop()
        for key, one in at.items() if isinstance(at, dict) else (("", v) for v in at):
            if isinstance(one, dict | list):
                if key != "meta":
                    left.append(one)
            elif isinstance(one, str) and key not in _NOT_TEXT and not _TIME.match(one) and not _PLACE.match(one):
                yield one


def where(ask: Ask, h: str, bind: Bind) -> Cond:
    if ask.modifier is not None:
        raise ask.unsupported()
    asked = " | ".join(f"({query(ask, plain(v))})" for v in ask.values)
    table = TABLES[ask.param.code]
    return Cond(f"{h}.rid IN (SELECT t.rid FROM {table} t WHERE t.words @@ {bind(asked)}::text::tsquery)")


_TOKEN = re.compile(r"\(|\)|\"|[^\s()\"]+")


def query(ask: Ask, text: str) -> str:
    """A question in words as a tsquery. Raises Invalid."""
    tokens = _TOKEN.findall(text)
    if '"' in tokens:
        raise ask.bad("phrases in quotes are not supported: the words are looked for wherever they stand.")
    if len(tokens) > MOST_WORDS * 2:
        raise ask.bad(f"takes at most {MOST_WORDS} words.")
    found, positive, rest = _either(ask, tokens, 0)
    if rest:
        raise ask.bad("there is a ')' too many.")
    if not positive:
        raise ask.bad("asks only for what is not there: name a word that is.")
    return found


def _either(ask: Ask, tokens: list[str], depth: int) -> tuple[str, bool, list[str]]:
    """(tsquery, whether every way through it asks for a word that is there, what is left)."""
    if depth > DEEPEST:
        raise ask.bad(f"takes at most {DEEPEST} parentheses inside each other.")
    first, positive, tokens = _all(ask, tokens, depth)
    parts = [first]
    while tokens and tokens[0].lower() == "or":
        one, there, tokens = _all(ask, tokens[1:], depth)
        parts.append(one)
        positive = positive and there
    return (parts[0] if len(parts) == 1 else f"({' | '.join(parts)})"), positive, tokens


def _all(ask: Ask, tokens: list[str], depth: int) -> tuple[str, bool, list[str]]:
    parts: list[str] = []
    positive = False
    while tokens and tokens[0] != ")" and tokens[0].lower() != "or":
        if tokens[0].lower() == "and" and parts and len(tokens) > 1:
            tokens = tokens[1:]
            continue
        one, there, tokens = _one(ask, tokens, depth)
        parts.append(one)
        positive = positive or there
    if not parts:
        raise ask.bad("a word is missing.")
    return (parts[0] if len(parts) == 1 else f"({' & '.join(parts)})"), positive, tokens


def _one(ask: Ask, tokens: list[str], depth: int) -> tuple[str, bool, list[str]]:
    here, rest = tokens[0], tokens[1:]
    if here.lower() == "not" and rest and rest[0] not in (")",):
        found, _, rest = _one(ask, rest, depth)
        return f"!({found})", False, rest
    if here == "(":
        found, positive, rest = _either(ask, rest, depth + 1)
        if not rest or rest[0] != ")":
            raise ask.bad("a ')' is missing.")
        return found, positive, rest[1:]
    words = [w[:LONGEST] for w in _WORD.findall(fold(here))]
    if not words:
        raise ask.bad(f"{here[:40]!r} is no word.")
    lexemes = [f"'{w}'" for w in words]
    if here.endswith("*"):
        lexemes[-1] += ":*"
    return (lexemes[0] if len(lexemes) == 1 else f"({' & '.join(lexemes)})"), True, rest
