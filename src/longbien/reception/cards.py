"""The cards that lie on the desk: told apart from their text alone, and whether they speak of one person. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ..base.words import mark
from ..wire import scan
from ..wire.citizen_card import CitizenCard
from ..wire.insurance_card import InsuranceCard
from . import identity

TWO_PEOPLE = mark("The two cards speak of two people. The first was put away; scan it again if it was the right one.")


@dataclass
class Cards:
    """The cards on the desk: their texts as scanned, and what they say."""

    citizen_text: str = ""
    insurance_text: str = ""
    citizen: CitizenCard | None = None
    insurance: InsuranceCard | None = None
    error: str = ""
    note: str = ""

    def __bool__(self) -> bool:
        return self.citizen is not None or self.insurance is not None


def looks_scanned(text: str) -> bool:
    """Is this a scanner's text and no search?"""
    return "|" in text or text.endswith("$")


def cards(citizen: str, insurance: str, new: str = "") -> Cards:
    """What lies on the desk after `new` was scanned. A card of somebody else puts the other one away; rubbish changes nothing."""
    out = Cards()
    for text in (citizen, insurance, new):
        if not text:
            continue
        try:
            read = scan.read(text)
        except ValueError as why:
            if text is new:
                out.error = str(why)
            continue
        if isinstance(read, CitizenCard):
            out.citizen, out.citizen_text = read, text
            if text is new and out.insurance and not identity.same_person(read, out.insurance):
                out.insurance, out.insurance_text, out.note = None, "", TWO_PEOPLE
        else:
            out.insurance, out.insurance_text = read, text
            if text is new and out.citizen and not identity.same_person(out.citizen, read):
                out.citizen, out.citizen_text, out.note = None, "", TWO_PEOPLE
    return out
