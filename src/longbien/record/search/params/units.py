"""Units that are the same quantity in other clothes: brought to the one that clinicians here write most. A small table, UCUM codes.

What is not in it is kept as it is and found under its own unit only. Temperatures are not here: Cel and [degF] differ by an offset,
see OFFSET."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal

UCUM = "http://unitsofmeasure.org"

_GROUPS: dict[str, dict[str, str]] = {
    "g": {"kg": "1000", "mg": "1e-3", "ug": "1e-6", "ng": "1e-9", "pg": "1e-12", "fg": "1e-15", "t": "1e6", "[lb_av]": "453.59237",
          "[oz_av]": "28.349523125"},
    "cm": {"m": "100", "mm": "0.1", "km": "1e5", "dm": "10", "um": "1e-4", "nm": "1e-7", "[in_i]": "2.54", "[ft_i]": "30.48"},
    "mL": {"L": "1000", "l": "1000", "ml": "1", "dL": "100", "cL": "10", "uL": "1e-3", "nL": "1e-6", "pL": "1e-9", "fL": "1e-12",
           "cm3": "1", "mm3": "1e-3", "um3": "1e-12", "m3": "1e6"},
    "mg/dL": {"g/L": "100", "g/l": "100", "mg/L": "0.1", "mg/l": "0.1", "g/dL": "1000", "ug/mL": "0.1", "ug/dL": "1e-3",
              "mg/mL": "100", "ng/mL": "1e-4", "ug/L": "1e-4", "ng/dL": "1e-6", "pg/mL": "1e-7", "g/mL": "1e5", "ng/L": "1e-7",
              "pg/L": "1e-10", "pg/dL": "1e-9", "kg/L": "1e5"},
    "mmol/L": {"mol/L": "1000", "umol/L": "1e-3", "nmol/L": "1e-6", "pmol/L": "1e-9", "fmol/L": "1e-12", "mmol/l": "1",
               "mmol/mL": "1000", "umol/mL": "1", "nmol/mL": "1e-3", "pmol/mL": "1e-6", "mmol/dL": "10", "umol/dL": "0.01",
               "nmol/dL": "1e-5"},
    "mmol": {"mol": "1000", "umol": "1e-3", "nmol": "1e-6", "pmol": "1e-9"},
    "meq/L": {"eq/L": "1000", "ueq/L": "1e-3", "meq/mL": "1000", "meq/dL": "10"},
    "mosm/kg": {"osm/kg": "1000"},
    "mm[Hg]": {"cm[Hg]": "10", "m[Hg]": "1000", "kPa": "1e3/133.322", "Pa": "1/133.322", "hPa": "1e2/133.322", "bar": "1e5/133.322",
               "mbar": "1e2/133.322"},
    "s": {"min": "60", "h": "3600", "d": "86400", "ms": "1e-3", "us": "1e-6", "wk": "604800", "mo": "2629800", "a": "31557600"},
    "/min": {"1/min": "1", "{beats}/min": "1", "{Beats}/min": "1", "{breaths}/min": "1", "/s": "60", "1/s": "60", "Hz": "60",
             "/h": "1/60", "1/h": "1/60"},
    "10*9/L": {"10*3/uL": "1", "10*6/L": "1e-3", "10*12/L": "1000", "10*6/uL": "1000", "/uL": "1e-3", "10*3/mm3": "1",
               "10*6/mm3": "1000", "10*6/mL": "1", "10*3/mL": "1e-3", "/mL": "1e-6", "/mm3": "1e-3", "/L": "1e-9"},
    "U/L": {"kU/L": "1000", "mU/L": "1e-3", "U/mL": "1000", "mU/mL": "1", "uU/mL": "1e-3", "U/dL": "10"},
    "[iU]/L": {"k[iU]/L": "1000", "m[iU]/L": "1e-3", "[iU]/mL": "1000", "m[iU]/mL": "1", "u[iU]/mL": "1e-3", "[iU]/dL": "10"},
    "kg/m2": {"g/m2": "1e-3", "g/cm2": "10", "kg/cm2": "1e4"},
    "mL/min": {"L/min": "1000", "mL/s": "60", "L/s": "60000", "mL/h": "1/60", "L/h": "1000/60"},
    "mm/h": {"cm/h": "10", "mm/min": "60"},
    "m/s": {"cm/s": "0.01", "mm/s": "1e-3", "km/h": "1/3.6"},
    "kcal": {"cal": "1e-3", "J": "1/4184", "kJ": "1000/4184"},
    "mV": {"V": "1000", "uV": "1e-3"},
}  # fmt: skip


def _factor(text: str) -> Decimal:
    above, _, below = text.partition("/")
    return Decimal(above) / Decimal(below or 1)


_LITRE = re.compile(r"(^|/)[dcmunpf]?L$")


def _table() -> dict[str, tuple[str, Decimal]]:
    """Unit -> (base, factor). UCUM writes a litre L or l."""
    found = {unit: (base, _factor(factor)) for base, group in _GROUPS.items() for unit, factor in group.items()}
    every = {base: (base, Decimal(1)) for base in _GROUPS} | found
    return {u[:-1] + "l": to for u, to in every.items() if _LITRE.search(u)} | found


_TO = _table()
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
