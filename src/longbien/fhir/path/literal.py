"""Literal references, read apart. http://hl7.org/fhir/R4/references.html#literal"""

from __future__ import annotations

import re

_LITERAL = re.compile(
    r"(?:(https?://[^\s?#]+?)/)?([A-Z][A-Za-z]{2,63})/([A-Za-z0-9\-.]{1,64})(?:/_history/([A-Za-z0-9\-.]{1,64}))?(?:#.*)?\Z"
)


def literal(text: str) -> tuple[str, str, str, str | None] | None:
    """(base, type, id, version) of "Patient/1", "http://host/fhir/Patient/1/_history/2"; base is "" for a relative
    one, version None where none is named. None for "#id", urn:uuid:..., "Patient?identifier=...", and other URLs. The
    type is one that looks like a type (a capital letter first); whether R4 knows it is not asked."""
    m = _LITERAL.match(text)
    return (m[1] or "", m[2], m[3], m[4]) if m else None
