"""Code systems whose codes are made by rules: UCUM, language tags, media types, uris."""

from __future__ import annotations

import re

from . import ucum
from .concepts import Grammar, System

_TAG = re.compile(
    r"(?:[A-Za-z]{2,3}(?:-[A-Za-z]{3}){0,3}|[A-Za-z]{4,8})(?:-[A-Za-z]{4})?(?:-(?:[A-Za-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3})){0,8}(?:-[0-9A-WY-Za-wy-z](?:-[A-Za-z0-9]{2,8}){1,8}){0,8}"
    r"(?:-[Xx](?:-[A-Za-z0-9]{1,8}){1,8})?\Z"
)
"""RFC 5646, section 2.1 (langtag); whether the registry knows each subtag is not looked up."""
_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_MEDIA = re.compile(rf"{_NAME}/{_NAME}(?:\s*;\s*{_NAME}=(?:{_NAME}|\"[^\"\\]{{0,200}}\")){{0,10}}\Z")
"""RFC 6838, section 4.2, with parameters."""


def _by(pattern: re.Pattern[str], code: str) -> str | None:
    return code if pattern.match(code) else None


SYSTEMS: dict[str, System] = {
    g.url: g
    for g in (
        Grammar("http://unitsofmeasure.org", "UCUM", ucum.display, "2.1"),
        Grammar("urn:ietf:bcp:47", "Languages", lambda c: _by(_TAG, c)),
        Grammar("urn:ietf:bcp:13", "MimeTypes", lambda c: _by(_MEDIA, c)),
    )
}
