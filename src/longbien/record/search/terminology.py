"""What searches ask of terminology: the codes of a value set, and which codes stand below or above another one
(R4 search.html#token: :in, :not-in, :below, :above).

`Terminology` is the seam; record.terminology.Terms is who answers. What cannot be listed is refused, never answered in part."""

from __future__ import annotations

from typing import Protocol

Codes = set[tuple[str, str]]
"""(system, code)."""


class Terminology(Protocol):
    async def codes_in(self, value_set: str) -> Codes:
        """The codes of a value set ('url' or 'url|version'). Raises Invalid where it is not known or cannot be listed."""

    async def below(self, system: str, code: str) -> Codes:
        """The code and every code that it subsumes. Raises Invalid where the system or the code is not known."""

    async def above(self, system: str, code: str) -> Codes:
        """The code and every code that subsumes it. Raises Invalid as `below` does."""
