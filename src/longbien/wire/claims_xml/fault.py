"""What is wrong with a claim: which table, row and field, what, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as with_default
from typing import Any, Literal

Level = Literal["stop", "warn"]


@dataclass(frozen=True, slots=True)
class Fault:
    """row: counted from 1; 0 where the table as a whole is meant. text and todo: marked messages, shown with
    words.text(text) % values. rule: one word, for counting. stop: must not be sent so; warn: likely to be asked about."""

    level: Level
    table: str
    row: int
    field: str
    rule: str
    text: str
    todo: str
    values: Mapping[str, Any] = with_default(default_factory=dict)
