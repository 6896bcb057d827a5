"""Vietnamese personal names as Hanoi has them: family, middle, given; weights by sex and by birth cohort (epidemiology.csv)."""

from __future__ import annotations

from functools import cache
from typing import Any

from longbien.demo.chance import Chance
from longbien.demo.starter import weights

COHORTS = ((1959, "1930-1959"), (1979, "1960-1979"), (1999, "1980-1999"), (9999, "2000-2025"))
# Two middle names are common among the young (Nguyễn Ngọc Bảo Anh), rare among the old.
DOUBLE_MIDDLE = {"1930-1959": 0.02, "1960-1979": 0.05, "1980-1999": 0.14, "2000-2025": 0.34}


def cohort(year: int) -> str:
    return next(name for last, name in COHORTS if year <= last)


@cache
def _choices(section: str, band: str, sex: str) -> tuple[tuple[str, float], ...]:
    return tuple((k, v) for k, b, s, v in weights(section) if b == band and s in ("", sex))


def full_name(chance: Chance, sex: str, birth_year: int) -> str:
    """A full name in family-given order, NFC with tone marks. `sex` is 'M' or 'F'."""
    age = cohort(birth_year)
    family = chance.weighted(_choices("family_name_hanoi", "", ""))
    given = chance.weighted(_choices("given_name", age, sex))
    middles = [m for m in _choices("middle_name", age, sex) if m[0] != given]
    middle = chance.weighted(middles)
    if middle != "Thị" and chance.happens(DOUBLE_MIDDLE[age]):
        second = chance.weighted([m for m in middles if m[0] not in (middle, "Thị", "Văn")])
        return f"{family} {middle} {second} {given}"
    if chance.happens(0.03):
        return f"{family} {given}"
    return f"{family} {middle} {given}"


def human_name(text: str, use: str = "official", prefix: str | None = None) -> dict[str, Any]:
    """A FHIR HumanName: text whole, family the first word, given the rest."""
    words = text.split()
    name: dict[str, Any] = {"use": use, "text": text, "family": words[0], "given": words[1:]}
    if prefix:
        name["prefix"] = [prefix]
    return name
