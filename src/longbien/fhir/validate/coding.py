"""Required bindings: a code must come from the value set.

https://hl7.org/fhir/R4/terminologies.html#required"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .. import definitions
from .context import Context, Place, shown

Codes = Mapping[str, frozenset[str]]
After = Callable[[Any, dict[str, Any], Place, Context], None]


def plain_codes(url: str) -> frozenset[str] | None:
    """The codes of a value set whatever their system, for elements of type code; None where they cannot be listed."""
    codes = definitions.value_set(url)
    return None if codes is None else frozenset().union(*codes.values())


def _holds(codes: Codes, coding: Any) -> bool:
    if coding.__class__ is not dict:
        return False
    code, system = coding.get("code"), coding.get("system")
    return code.__class__ is str and system.__class__ is str and code in codes.get(system, ())


def bound_coding(url: str) -> After | None:
    codes = definitions.value_set(url)
    if codes is None:
        return None

    def check(v: Any, host: dict[str, Any], place: Place, c: Context) -> None:
        if v.__class__ is dict and not _holds(codes, v) and not _only_extensions(v):
            c.error("code-invalid", f"The code {shown(v.get('code'))} is not in the required value set {url}", place)

    return check


def bound_concept(url: str) -> After | None:
    codes = definitions.value_set(url)
    if codes is None:
        return None

    def check(v: Any, host: dict[str, Any], place: Place, c: Context) -> None:
        if v.__class__ is not dict:
            return
        found = v.get("coding")
        if found.__class__ is list and any(_holds(codes, coding) for coding in found):
            return
        if not _only_extensions(v):
            c.error("code-invalid", f"None of the codings is in the required value set {url}", place)

    return check


def _only_extensions(v: dict[str, Any]) -> bool:
    """A value that is only described (data-absent-reason and the like) has no code to judge."""
    return "extension" in v and not v.keys() - {"id", "extension"}
