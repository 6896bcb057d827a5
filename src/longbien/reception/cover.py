"""Insurance at the desk: which share the card pays, does it run, why is this visit covered. Pure.

Levels (the third character of the card's number): law on health insurance as amended by 51/2024/QH15; lines: decision
3276/QĐ-BYT (2025), tables/insurance_lines.csv. What the insurer's portal answers counts more than any of this; the line is decided
for good when the visit ends, so here it is proposed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ..fhir import systems as s
from ..wire import insurance_card
from ..wire.insurance_card import InsuranceCard
from . import tables

SHARE = {1: 100, 2: 100, 3: 95, 4: 80, 5: 100}
"""Per cent that the fund pays of what is covered, by level."""
RUNS, ENDED, EARLY, UNKNOWN = "runs", "ended", "early", "unknown"
EXT_LINE = s.BASE + "/StructureDefinition/insurance-line"
LINES = s.BASE + "/CodeSystem/insurance-line"
Resource = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Cover:
    """One card. percent: the fund's share, None where the card does not say its level. network: code of the place of initial
    registration. begins, ends: days, both included; None where nobody knows."""

    number: str
    level: int | None
    begins: date | None
    ends: date | None
    network: str = ""
    id: str = ""
    version: int = 0
    status: str = "active"

    @property
    def percent(self) -> int | None:
        return SHARE.get(self.level or 0)

    @property
    def shown(self) -> str:
        return insurance_card.grouped(self.number)

    @property
    def object(self) -> str:
        return self.number[:2] if len(self.number) == 15 else ""

    @property
    def social(self) -> str:
        return self.number[-10:]

    def state(self, day: date) -> str:
        if self.ends is not None and self.ends < day:
            return ENDED
        if self.begins is not None and self.begins > day:
            return EARLY
        return RUNS if self.ends is not None else UNKNOWN


def of_card(card: InsuranceCard) -> Cover:
    """What the scanned card says."""
    return Cover(card.number, card.level, card.begins, card.ends, card.facility or "")


def of_resource(coverage: Resource, version: int = 0) -> Cover:
    """What the record knows. Never raises on odd content."""
    number = str(coverage.get("subscriberId") or next((i.get("value", "") for i in coverage.get("identifier") or ()), ""))
    said = (x.get("valueInteger") for x in coverage.get("extension") or () if x.get("url") == s.EXT_BENEFIT_LEVEL)
    level = next((x for x in said if isinstance(x, int)), None)
    if level is None and len(number) == 15 and number[2].isdigit():
        level = int(number[2])
    period = coverage.get("period") or {}
    return Cover(
        number, level, _day(period.get("start")), _day(period.get("end")), str(coverage.get("network") or ""),
        str(coverage.get("id") or ""), version, str(coverage.get("status") or ""),
    )  # fmt: skip


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None


def best(covers: list[Cover], day: date) -> Cover | None:
    """The card to go by: one that runs before one that does not, then the one that ends last."""
    order = {RUNS: 0, UNKNOWN: 1, EARLY: 2, ENDED: 3}
    alive = [c for c in covers if c.status == "active"]
    return min(alive, key=lambda c: (order[c.state(day)], -(c.ends or date.min).toordinal()), default=None)


def renews(card: Cover, known: Cover) -> bool:
    """Does the card in the hand say something else than the record: another number, other days, another place?"""
    return (
        card.number not in (known.number, known.social)
        or (card.begins is not None and card.begins != known.begins)
        or (card.ends is not None and card.ends != known.ends)
        or (bool(card.network) and card.network != known.network)
    )


def merged(card: Cover, known: Cover) -> Cover:
    """The known card with what the one in the hand says; a short number does not replace a long one of the same person."""
    number = known.number if len(card.number) == 10 and known.social == card.number else card.number
    level = card.level if card.level is not None else known.level if known.social == card.social else None
    return Cover(
        number, level, card.begins or known.begins, card.ends or known.ends, card.network or known.network, known.id, known.version
    )


def line(
    card: Cover | None, facility: str, day: date, *, emergency: bool = False, referral: bool = False, follow_up: bool = False
) -> str | None:
    """The proposed line of this visit (a code of tables.lines); "9" without insurance; None where level and score of the facility
    must be asked, which the insurance office knows. facility: its five-digit code."""
    if card is None or card.state(day) in (ENDED, EARLY):
        return "9"
    if emergency:
        return "2"
    if facility and card.network == facility:
        return "1.1"
    if referral:
        return "1.3"
    return "1.5" if follow_up else None


def pays(card: Cover | None, code: str | None, day: date) -> int | None:
    """Per cent of what is covered that the fund pays for a visit of this line; None where it cannot be told yet."""
    if code == "9" or card is None:
        return 0
    known = tables.lines(day).get(code or "")
    if known is None or card.percent is None:
        return None
    return card.percent * known.percent // 100
