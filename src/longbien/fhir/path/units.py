"""The few unit conversions that comparing quantities needs: metric prefixes of the common base units, and fixed times.

Not UCUM: a unit that is not listed converts to itself only, and comparing it with another gives no answer (empty),
never a wrong one."""

from __future__ import annotations

from decimal import Decimal

_PREFIX = {
    "": 0, "k": 3, "h": 2, "da": 1, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15,
}  # fmt: skip
_BASES = ("g", "m", "L", "mol", "Pa", "J", "V", "A", "Hz", "W", "eq")

CALENDAR = {
    "year", "years", "month", "months", "week", "weeks", "day", "days", "hour", "hours", "minute", "minutes", "second",
    "seconds", "millisecond", "milliseconds",
}  # fmt: skip
_TIME = {
    "s": 1, "second": 1, "seconds": 1, "min": 60, "minute": 60, "minutes": 60, "h": 3600, "hour": 3600, "hours": 3600,
    "d": 86400, "day": 86400, "days": 86400, "wk": 604800, "week": 604800, "weeks": 604800,
}  # fmt: skip
_MONTHS = {"mo": 1, "month": 1, "months": 1, "a": 12, "year": 12, "years": 12}

_FACTOR: dict[str, tuple[Decimal, str]] = {
    **{p + b: (Decimal(1).scaleb(n), b) for b in _BASES for p, n in _PREFIX.items()},
    **{unit: (Decimal(n), "s") for unit, n in _TIME.items()},
    **{unit: (Decimal(n), "mo") for unit, n in _MONTHS.items()},
    "ms": (Decimal("0.001"), "s"),
    "us": (Decimal("0.000001"), "s"),
    "millisecond": (Decimal("0.001"), "s"),
    "milliseconds": (Decimal("0.001"), "s"),
    "l": (Decimal(1), "L"),
    "dl": (Decimal("0.1"), "L"),
    "ml": (Decimal("0.001"), "L"),
    "ul": (Decimal("0.000001"), "L"),
    "[lb_av]": (Decimal("453.59237"), "g"),
    "[oz_av]": (Decimal("28.349523125"), "g"),
    "[in_i]": (Decimal("0.0254"), "m"),
    "[ft_i]": (Decimal("0.3048"), "m"),
    "%": (Decimal("0.01"), "1"),
}


def base(value: Decimal | int, unit: str) -> tuple[Decimal | int, str]:
    """(value in the base unit, base unit); the pair itself for a unit that is not listed. A year is 12 months and
    never a number of days."""
    found = _FACTOR.get(unit)
    return (value, unit) if found is None else (value * found[0], found[1])
