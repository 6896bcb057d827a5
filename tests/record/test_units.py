"""The table of units held against UCUM's own arithmetic, said a second time in plain.py."""

from __future__ import annotations

from decimal import Decimal

import plain
import pytest

from longbien.record.search.params import units


def everything() -> list[tuple[str, str, Decimal]]:
    return [(unit, base, factor) for unit, (base, factor) in sorted(units._TO.items())]


@pytest.mark.parametrize(("unit", "base", "factor"), everything())
def test_a_unit_and_its_base_measure_the_same(unit: str, base: str, factor: Decimal) -> None:
    if "Hz" in unit:
        return  # 60 a minute: UCUM's Hz is s-1
    (what, mine), (same, its) = plain.reduced(unit), plain.reduced(base)
    assert what == same and abs(mine / its / factor - 1) < Decimal("1e-12")


def test_temperatures_are_turned_and_what_is_not_known_stays() -> None:
    assert units.canonical("[degF]", Decimal("98.6")) == ("Cel", Decimal(37))
    assert units.canonical("K", Decimal("310.15")) == ("Cel", Decimal(37))
    assert units.canonical("{score}", Decimal(3)) == ("{score}", Decimal(3))
    assert units.canonical("%", Decimal(3)) == ("%", Decimal(3))
