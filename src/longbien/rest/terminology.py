"""What the server can do with terminologies: the content of its TerminologyCapabilities (metadata?mode=terminology).

http://hl7.org/fhir/R4/terminologycapabilities.html"""

from __future__ import annotations

from typing import Any


def content() -> dict[str, Any]:
    """The members beside name, date and address: codeSystem, expansion, codeSearch, validateCode, translation, closure. Filled in
    with the terminology operations; while there are none, nothing is said."""
    return {}
