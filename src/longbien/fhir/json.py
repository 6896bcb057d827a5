"""JSON in and out. Numbers with a point or exponent are decimal.Decimal, so that 1.10 stays 1.10 (FHIR: precision of a
decimal has meaning); whole numbers are int; the order of members is kept.

https://hl7.org/fhir/R4/json.html"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from ..base.errors import Invalid

MAX_DEPTH = 100
_BOM = b"\xef\xbb\xbf"
_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")
_BYTE = re.compile(r" ?\((?:at )?byte (\d+)\)")
# A NUL written as an escape whose backslash is not itself escaped.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*)"(\s*:)?|[{}]')


def loads(data: bytes | str, *, strict: bool = True, comments: bool = False) -> dict[str, Any]:
    """A resource (any JSON object) as a plain dict. Raises Invalid, naming line and column, for what is not JSON (NaN,
    trailing commas, invalid UTF-8, lone surrogates), for NUL characters, depth over 100 and anything but an object;
    `strict` also refuses an object with two members of one name (5 µs for 1.5 kB; without it the last one wins);
    `comments` passes over // and /* */ comments, which files written by hand have."""
    value = parse(_without_comments(data) if comments else data, strict=strict)
    if value.__class__ is not dict:
        raise Invalid("The input is not a JSON object, so it is no FHIR resource", code="structure")
    return value


def parse(data: bytes | str, *, strict: bool = True) -> Any:
    """Any JSON value; otherwise as `loads`."""
    if isinstance(data, str):
        data = _utf8(data)
    data = data.removeprefix(_BOM)
    try:
        value = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, InvalidOperation, RecursionError) as why:
        raise _explained(data, why) from None
    if b"\\u0000" in data and (nul := _NUL.search(data)):
        raise _invalid(data, nul.end() - 6, "the character NUL is not allowed")
    if data.count(b"{") + data.count(b"[") > MAX_DEPTH and _deeper_than(value, MAX_DEPTH):
        raise Invalid(f"The JSON is nested more than {MAX_DEPTH} deep", code="too-costly")
    # Where compacting the text gives what writing the value gives, no member was lost: cheaper than looking at each.
    if strict and msgspec.json.format(data, indent=-1) != _encoder.encode(value):
        _refuse_duplicates(data)
    return value


def dumps(value: Any) -> bytes:
    """Compact UTF-8 JSON of plain dicts, lists, text, numbers; Decimals as numbers with all their digits."""
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        raise Invalid("A text holds a lone surrogate, which is not a character") from None


_COMMENT = re.compile(rb'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*(?:.*?\*/|.*)', re.S)


def _without_comments(data: bytes | str) -> bytes:
    """Comments as spaces, so that lines and columns stay."""
    raw = _utf8(data) if isinstance(data, str) else data
    return _COMMENT.sub(lambda m: m[0] if m[0][:1] == b'"' else re.sub(rb"[^\n]", b" ", m[0]), raw)


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as why:
        before = text[: why.start].encode()
        raise _invalid(before, len(before), "a lone surrogate is not a character") from None


def _invalid(data: bytes, at: int, reason: str) -> Invalid:
    line = data.count(b"\n", 0, at) + 1
    start = data.rfind(b"\n", 0, at) + 1
    column = len(data[start:at].decode("utf-8", "replace")) + 1
    return Invalid(f"The JSON cannot be read: {reason} at line {line}, column {column}", code="structure")


def _explained(data: bytes, why: Exception) -> Invalid:
    """The parser's complaint as ours, its byte offset turned into line and column."""
    if isinstance(why, RecursionError):
        return Invalid(f"The JSON is nested more than {MAX_DEPTH} deep", code="too-costly")
    if isinstance(why, InvalidOperation):
        return Invalid("The JSON holds a number with an exponent out of range", code="value")
    try:
        data.decode()
    except UnicodeDecodeError as bad:
        return _invalid(data, bad.start, "invalid UTF-8")
    text = str(why)
    if "truncated" in text:
        return _invalid(data, len(data), "it ends too early")
    at = _BYTE.search(text)
    reason = _BYTE.sub("", text).removeprefix("JSON is malformed: ")
    if at is None:
        return Invalid(f"The JSON cannot be read: {reason}", code="structure")
    return _invalid(data, int(at[1]), reason)


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for node in level
            for child in (node.values() if node.__class__ is dict else node)
            if child.__class__ is dict or child.__class__ is list
        ]
        if not level:
            return False
    return True


def _refuse_duplicates(data: bytes) -> None:
    """Raise Invalid for the first object that has two members of one name. `data` is well-formed JSON."""
    stack: list[set[str]] = []
    for token in _TOKEN.finditer(data):
        if token[2]:
            key = msgspec.json.decode(b'"' + token[1] + b'"', type=str)
            if key in stack[-1]:
                raise _invalid(data, token.start(), f"the member {key!r} occurs twice in one object")
            stack[-1].add(key)
        elif token[0] == b"{":
            stack.append(set())
        elif token[0] == b"}":
            stack.pop()
