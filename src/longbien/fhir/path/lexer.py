"""FHIRPath text -> tokens. http://hl7.org/fhirpath/N1/#lexical-elements"""

from __future__ import annotations

import re
from typing import NamedTuple

from .errors import PathError

LONGEST = 100_000
"""An expression of more characters is refused."""

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|//[^\n]*|/\*.*?\*/)
  | (?P<datetime>@\d{4}(?:-\d\d(?:-\d\d)?)?T(?:\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?(?:Z|[+-]\d\d:\d\d)?)?)
  | (?P<date>@\d{4}(?:-\d\d(?:-\d\d)?)?)
  | (?P<time>@T\d\d(?::\d\d(?::\d\d(?:\.\d+)?)?)?)
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<string>'(?:[^'\\]|\\.)*')
  | (?P<quoted>`(?:[^`\\]|\\.)*`)
  | (?P<variable>%(?:`(?:[^`\\]|\\.)*`|'(?:[^'\\]|\\.)*'|[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)*))
  | (?P<special>\$(?:this|index|total))
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<sign><=|>=|!=|!~|[()\[\]{}.,|+\-*/&=~<>])
    """,
    re.X | re.S,
)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.S)
_PLAIN = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}


class Token(NamedTuple):
    kind: str
    text: str
    at: int


def unescape(body: str) -> str:
    """The text between the quotes with its escapes resolved; an unknown escape keeps its backslash, because R4's own
    invariants hold regular expressions such as '\\s'."""

    def one(m: re.Match[str]) -> str:
        c = m[1]
        if c[0] == "u" and len(c) == 5:
            return chr(int(c[1:], 16))
        return _PLAIN.get(c) or (c if c in "\\'\"`/" else "\\" + c)

    return _ESCAPE.sub(one, body) if "\\" in body else body


def tokens(text: str) -> list[Token]:
    """All tokens but spaces and comments, ended by one of kind "end". PathError names the character that fits
    nowhere."""
    if len(text) > LONGEST:
        raise PathError(f"This FHIRPath expression has {len(text)} characters; at most {LONGEST} are taken.")
    found: list[Token] = []
    at = 0
    while at < len(text):
        m = _TOKEN.match(text, at)
        if m is None:
            raise PathError(f"FHIRPath: unexpected {text[at : at + 12]!r} at character {at + 1} of {text[:200]!r}.")
        kind = str(m.lastgroup)
        if kind in ("string", "quoted"):
            found.append(Token(kind, unescape(m[0][1:-1]), at))
        elif kind == "variable":
            body = m[0][1:]
            found.append(Token(kind, unescape(body[1:-1]) if body[0] in "`'" else body, at))
        elif kind != "space":
            found.append(Token(kind, m[0], at))
        at = m.end()
    found.append(Token("end", "", at))
    return found
