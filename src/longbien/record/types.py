"""Resource types as the store numbers them: the position in fhir.definitions.types(), from 1. R4 is frozen, so they never move."""

from __future__ import annotations

from longbien.fhir import definitions

_NUMBER = {name: n for n, name in enumerate(definitions.types(), 1)}
_NAME = {n: name for name, n in _NUMBER.items()}


def number(type_: str) -> int | None:
    """None for what is not an R4 resource type."""
    return _NUMBER.get(type_)


def type_name(number_: int) -> str:
    return _NAME[number_]
