"""The table that FHIRPath's functions of plain values stand in, and how they read an argument.

name -> (fewest, most arguments, function); the function gets the evaluation, the input and each argument as a collection."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .context import Items, single
from .errors import PathError
from .values import Quantity, Temporal, is_number, system, text

Function = Callable[..., Items]
TABLE: dict[str, tuple[int, int, Function]] = {}


def function(name: str, fewest: int = 0, most: int | None = None) -> Callable[[Function], Function]:
    def put(f: Function) -> Function:
        TABLE[name] = (fewest, fewest if most is None else most, f)
        return f

    return put


def a_text(items: Items, where: str) -> str | None:
    v = system(single(items, where))
    if isinstance(v, Temporal):
        return text(v)
    if v is None or isinstance(v, str):
        return v
    raise PathError(f"FHIRPath: {where} needs a text.")


def a_whole_number(items: Items, where: str) -> int | None:
    v = system(single(items, where))
    if v is None or (isinstance(v, int) and not isinstance(v, bool)):
        return v
    raise PathError(f"FHIRPath: {where} needs a whole number.")


def a_number(items: Items, where: str) -> Any:
    v = system(single(items, where))
    if v is None or is_number(v) or isinstance(v, Quantity):
        return v
    raise PathError(f"FHIRPath: {where} needs a number.")
