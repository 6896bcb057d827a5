"""How far somebody reaches beside the rule of their role: their department in a strict facility, and whom they stand in for.
Asked with the session itself (SQL function account_reach), so that a change is in force everywhere within a second."""

from __future__ import annotations

import json
from typing import NamedTuple

from longbien.record import ties
from longbien.record.index import org_key


class Cover(NamedTuple):
    """One standing-in that runs. org: key of the facility whose patients they are; ends: keys of the ties that make them so."""

    number: int
    org: int
    ends: tuple[int, ...]


class Reach(NamedTuple):
    """strict: the facility shows its clinicians the patients of their own department only; ends: keys of the ties that make a
    patient one of the department (the person, the department, its places, who works there). Empty where nothing is strict."""

    strict: bool = False
    ends: tuple[int, ...] = ()
    covers: tuple[Cover, ...] = ()


ORDINARY = Reach()
MOST = 200
"""Ends that one question carries."""


def read(found: str | None) -> Reach:
    """What account_reach gave."""
    if found is None:
        return ORDINARY
    said = json.loads(found)
    covers = tuple(Cover(c["number"], org_key(c["organization"]), keys(c["ends"])) for c in said["covers"])
    return Reach(said["strict"], keys(said["ends"]), covers)


def keys(references: list[str] | None) -> tuple[int, ...]:
    return tuple(sorted(ties.who(r) for r in (references or ())[:MOST]))
