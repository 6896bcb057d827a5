"""A statement that is being put together: its values and the names of its tables."""

from __future__ import annotations

import re
from typing import Any

_PLACEHOLDER = re.compile(r"\$(\d+)")


class Statement:
    """A statement's values, as they are bound."""

    def __init__(self) -> None:
        self.args: list[Any] = []
        self._names = 0

    def bind(self, value: Any) -> str:
        self.args.append(value)
        return f"${len(self.args)}"

    def alias(self) -> str:
        self._names += 1
        return f"t{self._names}"


def used(sql: str, args: list[Any]) -> tuple[str, list[Any]]:
    """The statement with the values that it mentions only, numbered anew: branches leave some conditions out."""
    kept: dict[int, int] = {}

    def renumber(m: re.Match[str]) -> str:
        return f"${kept.setdefault(int(m[1]), len(kept) + 1)}"

    text = _PLACEHOLDER.sub(renumber, sql)
    return text, [args[n - 1] for n in kept]
