"""The small shapes that parse, params and compile hand each other, and the escapes of search values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from longbien.base.errors import Invalid, Issue, NotSupported
from longbien.fhir.definitions import SearchParam

Bind = Callable[[Any], str]


class Ask(NamedTuple):
    """One condition: values are alternatives (or). `name` is what the client wrote, for messages. `chain` is what follows the
    reference's dot: (target type or None, the rest of the name)."""

    type: str
    param: SearchParam
    modifier: str | None
    values: tuple[str, ...]
    name: str
    chain: tuple[str | None, str] | None = None

    @property
    def prefix(self) -> str:
        return f"{self.type}.{self.param.code}"

    def bad(self, text: str) -> Invalid:
        full = f"Search parameter '{self.name}': {text}"
        return Invalid(full, issues=[Issue("error", "value", full)])

    def unsupported(self) -> NotSupported:
        return NotSupported(f"Search parameter '{self.name}': modifier ':{self.modifier}' is not supported for {self.param.kind}.")


@dataclass(frozen=True)
class Cond:
    """A condition over one row of head. typed: it can only hold for rows of the asked type, so that no condition on the type is
    needed (a redundant one makes the planner read the whole type). pat: an index on head.pat serves it. hot: keys of head.code /
    code2.code of which one must hold; `sql` says the same through terms. since: rows that end before it cannot match."""

    sql: str
    typed: bool = False
    pat: bool = False
    own: str | None = None
    """The one patient whose rows these are, as SQL: what a scope says of a patient is then asked once, not of every row."""
    hot: tuple[int, ...] = ()
    since: datetime | None = field(default=None)
    steady: bool = False
    """One index serves it best whatever its value is: the rows of one patient, rows by id."""
    recent: datetime | None = None
    """Rows last updated before it cannot match."""
    keys: tuple[int, ...] = ()
    """The condition is just this: the row carries one of these terms (many.py makes another plan for a long list)."""
    few: bool = False
    """So few rows match that they are fetched first and put in order then (links._few)."""
    selective: bool = False
    """Few rows can match (an identifier, a name, a reference): then `typed` is enough and the type is left out."""


def any_of(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else "(" + " OR ".join(parts) + ")"


def all_of(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else "(" + " AND ".join(parts) + ")"


def split(text: str, at: str) -> list[str]:
    """Cut at an unescaped ',', '|' or '$' (R4 search.html#escaping); the escapes stay."""
    parts, now, escaped = [], "", False
    for ch in text:
        if escaped:
            now += ch
            escaped = False
        elif ch == "\\":
            now += ch
            escaped = True
        elif ch == at:
            parts.append(now)
            now = ""
        else:
            now += ch
    return [*parts, now]


def plain(text: str) -> str:
    r"""Without the escapes: \, \| \$ \\."""
    if "\\" not in text:
        return text
    out, escaped = "", False
    for ch in text:
        if escaped:
            out += ch if ch in ",|$\\" else "\\" + ch
            escaped = False
        elif ch == "\\":
            escaped = True
        else:
            out += ch
    return out + ("\\" if escaped else "")


PREFIXES = frozenset(("eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"))


def prefixed(text: str) -> tuple[str, str]:
    """(prefix, the rest); eq where none is written."""
    return (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)
