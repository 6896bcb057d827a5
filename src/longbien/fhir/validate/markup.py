"""Text that looks like HTML. In FHIR a string is text, and whoever shows it escapes it; so "K < 3.5 <hemolysed>" is kept. But
what would run as a script in a careless reader's browser has no place in a record.

https://hl7.org/fhir/R4/security.html#narrative"""

from __future__ import annotations

import re

from .context import Context, Place, shown

ACTIVE = re.compile(r"</?(script|iframe|object|embed|svg|meta|link|base|form)\b[^<>]*>", re.I)


def check(v: str, place: Place, c: Context) -> None:
    """`v` holds a less-than sign."""
    tag = ACTIVE.search(v)
    if tag:
        c.error("security", f"{shown(tag[0])} looks like active HTML, which is not allowed in text", place)


TAG = re.compile(r"</?[A-Za-z][^<>]*>")


def markdown(v: str, place: Place, c: Context) -> None:
    """`v` is markdown and holds a less-than sign. On demand no tag is allowed in it: who shows it might not escape it."""
    check(v, place, c)
    tag = None if c.html else TAG.search(v)
    if tag:
        c.error("value", f"{shown(tag[0])} looks like HTML, which is not wanted in markdown", place)
