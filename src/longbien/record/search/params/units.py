"""Units that are the same quantity in other clothes: brought to the one that clinicians here write most. A small table, UCUM codes.

What is not in it is kept as it is and found under its own unit only. Temperatures are not here: Cel and [degF] differ by an offset,
see OFFSET."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

UCUM = "http://unitsofmeasure.org"

_GROUPS: dict[str, dict[str, str]] = {
    "g": {"kg": "1000", "mg": "0.001", "ug": "0.000001", "ng": "0.000000001"},
    "cm": {"m": "100", "mm": "0.1", "km": "100000", "um": "0.0001"},
    "mL": {"L": "1000", "l": "1000", "ml": "1", "dL": "100", "cL": "10", "uL": "0.001"},
    "mg/dL": {"g/L": "100", "g/l": "100", "mg/L": "0.1", "mg/l": "0.1", "g/dL": "1000", "ug/mL": "0.1", "ug/dL": "0.001",
              "mg/mL": "100", "ng/mL": "0.0001", "ug/L": "0.0001", "ng/dL": "0.000001", "pg/mL": "0.0000001"},
    "mmol/L": {"mol/L": "1000", "umol/L": "0.001", "nmol/L": "0.000001", "pmol/L": "0.000000001", "mmol/l": "1"},
    "mm[Hg]": {"cm[Hg]": "10"},
    "s": {"min": "60", "h": "3600", "d": "86400", "ms": "0.001", "wk": "604800"},
    "10*9/L": {"10*3/uL": "1", "10*6/L": "0.001", "10*12/L": "1000", "10*6/uL": "1000", "/uL": "0.001", "10*3/mm3": "1"},
}  # fmt: skip
_TO: dict[str, tuple[str, Decimal]] = {
    unit: (base, Decimal(factor)) for base, group in _GROUPS.items() for unit, factor in group.items()
}
OFFSET: dict[str, tuple[str, Callable[[Decimal], Decimal]]] = {
    "[degF]": ("Cel", lambda f: (f - 32) * 5 / 9),
    "K": ("Cel", lambda k: k - Decimal("273.15")),
}


def canonical(unit: str, value: Decimal) -> tuple[str, Decimal]:
    """(unit, value) in the table's unit; unchanged where the unit is not in the table."""
    to = _TO.get(unit)
    if to is not None:
        return to[0], value * to[1]
    shift = OFFSET.get(unit)
    return (shift[0], shift[1](value)) if shift else (unit, value)
