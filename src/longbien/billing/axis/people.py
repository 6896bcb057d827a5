"""Whose record a claim belongs to: found by the citizen's number or the card, where name and birth do not speak against it.

As at the desk (reception): only a number that one person alone has makes certain. A name and a birth date never do: then a
record is made anew, and the list of double records shows the pair to a person who decides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from longbien.base.fold import fold
from longbien.fhir import json
from longbien.fhir import systems as s
from longbien.record import conditional
from longbien.record.store import Store

from . import shape
from .shape import Resource, Row, listed

ALIKE = 0.5
"""Of the words of two names, what share must be the same: a middle name left out, a tone slipped, are forgiven."""


class Found(NamedTuple):
    """patient: id, "" for nobody. doubt: a number that led to somebody of another name or birth: kept off, and said."""

    patient: str
    doubt: str = ""


def numbers(row: Row) -> Iterator[tuple[str, str]]:
    """(system, value), the surest first."""
    citizen = row.get("SO_CCCD", "").strip()
    if citizen.isdigit() and len(citizen) == 12:
        yield s.CITIZEN_ID, citizen
    for card in listed(row.get("MA_THE_BHYT", "")):
        if len(card) == 15:
            yield s.INSURANCE_NUMBER, card
        if len(card) in (10, 15):
            yield s.SOCIAL_INSURANCE_NUMBER, card[-10:]


def locks(row: Row) -> list[int]:
    """What to hold so that nobody else makes a record of the same person meanwhile: the same keys as at the desk."""
    return [conditional.key("Patient", [("identifier", f"{system}|{value}")]) for system, value in numbers(row)]


async def find(store: Store, row: Row) -> Found:
    doubt = ""
    for system, value in numbers(row):
        page = await store.search("Patient", [("identifier", f"{system}|{value}"), ("_count", "5")])
        for entry in page.matches:
            person = await standing(store, json.loads(entry.body, strict=False))
            if person and agrees(row, person):
                return Found(str(person["id"]))
            doubt = doubt or "The number leads to somebody of another name or birth date."
    return Found("", doubt)


async def standing(store: Store, person: Resource) -> Resource:
    """Who stands for a record that was merged into another."""
    for _ in range(5):
        after = next((x for x in person.get("link") or () if x.get("type") == "replaced-by"), None)
        if after is None:
            return person
        id_ = str((after.get("other") or {}).get("reference") or "").rpartition("/")[2]
        person = json.loads((await store.read("Patient", id_)).body, strict=False)
    return person


def agrees(row: Row, person: Resource) -> bool:
    """Pure: the same year of birth (and day, where both say it), and names of which half the words agree."""
    said, known = shape.birth(row.get("NGAY_SINH", "")), str(person.get("birthDate") or "")
    length = min(len(said), len(known))
    if length and said[:length] != known[:length]:
        return False
    mine = set(fold(row.get("HO_TEN", "")).split())
    return any(_share(mine, set(fold(str(n.get("text") or "")).split())) >= ALIKE for n in person.get("name") or ()) or not mine


def _share(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 0.0
