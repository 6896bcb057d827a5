"""Card terminals: an adapter says that a card was charged. The one that is here trusts the slip that the cashier types in; a
terminal on the network is a class with the same method."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from longbien.base.errors import Invalid


@dataclass(frozen=True, slots=True)
class Slip:
    """What a terminal prints: its own number, the retrieval reference number (booked once), the approval code, the card's last
    four."""

    terminal: str
    rrn: str
    approval: str
    tail: str


class Terminal(Protocol):
    async def charge(self, amount: int, reference: str) -> Slip: ...


@dataclass(frozen=True, slots=True)
class Typed:
    """A terminal that is not connected: the cashier charges the card on it and types what the slip says."""

    terminal: str
    rrn: str
    approval: str
    tail: str

    async def charge(self, amount: int, reference: str) -> Slip:
        """Raises Invalid naming the field that cannot be."""
        if not re.fullmatch(r"[0-9A-Za-z]{4,12}", self.rrn):
            raise Invalid("The retrieval number (RRN) has 4 to 12 letters or digits.", code="rrn", status=422)
        if not re.fullmatch(r"[0-9A-Za-z]{4,8}", self.approval):
            raise Invalid("The approval code has 4 to 8 letters or digits.", code="approval", status=422)
        if not re.fullmatch(r"[0-9]{4}", self.tail):
            raise Invalid("Of the card's number only the last four digits are kept.", code="tail", status=422)
        return Slip(self.terminal[:40] or "1", self.rrn.upper(), self.approval.upper(), self.tail)
