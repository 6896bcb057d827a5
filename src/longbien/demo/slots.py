"""Who plays which part today: a fixed choice by the person's number alone, so that any process can make any person.

Of the first 300: sixteen in the cardiology ward of the general hospital (person 0 is its most ill), sixteen in other wards,
forty in today's clinics. Of everyone: two in three hundred are burdened. After 300, one in thirty lies in a bed until 85 % of
the beds are taken.
"""

from __future__ import annotations

from functools import cache

from longbien.demo import facilities
from longbien.demo.chance import Chance
from longbien.demo.facilities import Bed

WARD, INPATIENT, CLINIC, ELSEWHERE, BURDENED, PLAIN = "ward", "inpatient", "clinic", "elsewhere", "burdened", "plain"
FIRST = 300
CAST_BEDS, OTHERS, CLINIC_MINH, CLINICS = 16, 16, 22, 18
# Departments whose wards the other inpatients fill, most typical first.
_FILL = (
    ("SN", "HH"),
    ("SN", "NHI"),
    ("BG", "NOI"),
    ("SN", "TK"),
    ("NC", "TM"),
    ("SN", "NGOAI"),
    ("SN", "SAN"),
    ("BG", "NHI"),
    ("SN", "TN"),
    ("SN", "TH"),
    ("SN", "NOI"),
    ("SN", "CTCH"),
    ("BG", "SAN"),
    ("BG", "NGOAI"),
    ("SN", "NTIET"),
    ("SN", "THAN"),
    ("SN", "TM"),
    ("NC", "CTM"),
)


@cache
def _first() -> dict[int, tuple[str, int]]:
    free = [i for i in range(1, FIRST) if i % 150 != 75]
    Chance("the parts of the first three hundred").shuffle(free)
    parts: dict[int, tuple[str, int]] = {0: (WARD, 0)}
    for part, count in ((WARD, CAST_BEDS - 1), (INPATIENT, OTHERS), (CLINIC, CLINIC_MINH), (ELSEWHERE, CLINICS)):
        for k in range(count):
            parts[free.pop()] = (part, k + (part == WARD))
    return parts


def person(part: str, k: int) -> int:
    """Who plays that part: the inverse of `part` for the first three hundred."""
    return next(i for i, played in _first().items() if played == (part, k))


def part(i: int) -> tuple[str, int]:
    """The part of person `i` and its running number within that part."""
    if i % 150 == 75:
        return BURDENED, i // 150
    if i < FIRST:
        return _first().get(i, (PLAIN, 0))
    if i % 30 == 7 and (k := OTHERS + (i - FIRST) // 30) < len(other_beds()):
        return INPATIENT, k
    return PLAIN, 0


@cache
def other_beds() -> tuple[Bed, ...]:
    """Beds for the other inpatients, one ward after the other in turn, to 85 % of each ward. Never the cast's."""
    wards = []
    for mark, code in _FILL:
        beds = facilities.beds(mark, code)
        beds = beds[CAST_BEDS + 2 :] if (mark, code) == ("SN", "TM") else beds
        wards.append(list(beds[: round(len(beds) * 0.85)]))
    return tuple(w[n] for n in range(max(map(len, wards))) for w in wards if n < len(w))
