"""FHIRPath's functions of texts. http://hl7.org/fhirpath/N1/#string-manipulation"""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from .context import Context, Items
from .errors import PathError
from .items import MANY
from .table import TABLE, a_text, a_whole_number, function
from .values import text

LONGEST = 10_000
"""Characters that a regular expression is tried on where steps are counted."""
STEP = 5e-6
"""Seconds that one counted step stands for."""


def _of_text(name: str, f: Callable[[str, str], Any]) -> None:
    def call(c: Context, items: Items, other: Items) -> Items:
        s, arg = a_text(items, name + "()"), a_text(other, name + "()")
        return [] if s is None or arg is None else [f(s, arg)]

    TABLE[name] = (1, 1, call)


@lru_cache(1000)
def pattern(regex: str) -> re.Pattern[str]:
    """A compiled regular expression in which the point matches line ends too (N1: single line mode)."""
    try:
        return re.compile(regex, re.S)
    except (re.error, RecursionError, OverflowError) as why:
        raise PathError(f"FHIRPath: {regex!r} is no regular expression: {why}") from None


_of_text("startsWith", lambda s, a: s.startswith(a))
_of_text("endsWith", lambda s, a: s.endswith(a))
_of_text("contains", lambda s, a: a in s)
_of_text("indexOf", lambda s, a: s.find(a))


@contextmanager
def _measured(c: Context, s: str) -> Iterator[None]:
    """Where steps are counted, a regular expression costs what it takes: nobody can interrupt it."""
    if c.budget is None:
        yield
        return
    if len(s) > LONGEST:
        raise PathError(f"FHIRPath: a text of {len(s)} characters is too long for a regular expression here.")
    began = time.perf_counter()
    yield
    c.spend(int((time.perf_counter() - began) / STEP))


@function("matches", 1)
def matches(c: Context, items: Items, regex: Items) -> Items:
    s, a = a_text(items, "matches()"), a_text(regex, "matches()")
    if s is None or a is None:
        return []
    with _measured(c, s):
        return [pattern(a).search(s) is not None]


@function("matchesFull", 1)
def matches_full(c: Context, items: Items, regex: Items) -> Items:
    s, a = a_text(items, "matchesFull()"), a_text(regex, "matchesFull()")
    if s is None or a is None:
        return []
    with _measured(c, s):
        return [pattern(a).fullmatch(s) is not None]


@function("upper")
def upper(c: Context, items: Items) -> Items:
    s = a_text(items, "upper()")
    return [] if s is None else [s.upper()]


@function("lower")
def lower(c: Context, items: Items) -> Items:
    s = a_text(items, "lower()")
    return [] if s is None else [s.lower()]


@function("trim")
def trim(c: Context, items: Items) -> Items:
    s = a_text(items, "trim()")
    return [] if s is None else [s.strip()]


@function("length")
def length(c: Context, items: Items) -> Items:
    s = a_text(items, "length()")
    return [] if s is None else [len(s)]


@function("toChars")
def to_chars(c: Context, items: Items) -> Items:
    return list(a_text(items, "toChars()") or "")


@function("substring", 1, 2)
def substring(c: Context, items: Items, start: Items, size: Items | None = None) -> Items:
    s, i = a_text(items, "substring()"), a_whole_number(start, "substring()")
    n = None if size is None else a_whole_number(size, "substring()")
    if s is None or i is None or not 0 <= i < len(s):
        return []
    return [s[i:] if n is None else s[i : i + max(n, 0)]]


@function("replace", 2)
def replace(c: Context, items: Items, old: Items, new: Items) -> Items:
    s, a, b = a_text(items, "replace()"), a_text(old, "replace()"), a_text(new, "replace()")
    if s is None or a is None or b is None:
        return []
    if (s.count(a) + 1) * len(b) > MANY:
        raise PathError("FHIRPath: replace() would make too long a text.")
    return [s.replace(a, b)]


@function("replaceMatches", 2)
def replace_matches(c: Context, items: Items, regex: Items, new: Items) -> Items:
    s, a, b = (a_text(x, "replaceMatches()") for x in (items, regex, new))
    if s is None or a is None or b is None:
        return []
    template = re.sub(r"\$(\d+|\{\w+\})", r"\\g<\1>", b.replace("\\", "\\\\")).replace("<{", "<").replace("}>", ">")
    try:
        with _measured(c, s):
            made = pattern(a).sub(template, s)
    except (re.error, IndexError) as why:
        raise PathError(f"FHIRPath: replaceMatches() cannot use {b!r}: {why}") from None
    if len(made) > MANY:
        raise PathError("FHIRPath: replaceMatches() would make too long a text.")
    return [made]


@function("split", 1)
def split(c: Context, items: Items, by: Items) -> Items:
    s, a = a_text(items, "split()"), a_text(by, "split()")
    if s is None or a is None:
        return []
    return list(s.split(a) if a else s)


@function("join", 0, 1)
def join(c: Context, items: Items, by: Items | None = None) -> Items:
    parts = [t for t in map(text, items) if t is not None]
    return [((by and a_text(by, "join()")) or "").join(parts)] if parts else []


@function("encode", 1)
def encode(c: Context, items: Items, kind: Items) -> Items:
    s, how = a_text(items, "encode()"), a_text(kind, "encode()")
    coders: dict[str | None, Callable[[bytes], bytes]] = {
        "base64": base64.b64encode, "urlbase64": base64.urlsafe_b64encode, "hex": binascii.hexlify,
    }  # fmt: skip
    return [] if s is None or how not in coders else [coders[how](s.encode("utf-8", "surrogatepass")).decode()]
