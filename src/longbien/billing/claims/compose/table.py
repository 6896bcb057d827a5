"""One table of the claim: where each of its fields comes from. Pure.

A field is either made (`fields`) or not known (`unknown`, with the reason): a test holds that no field of decision 3176 is in
neither."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .case import Case

Make = Callable[[Case, Any], str]
Row = dict[str, str]
NO_LIST = "no list of these codes is in force or at hand"
NOT_ASKED = "nobody asks for it at the desk or in the visit"
NOT_TRACED = "the record does not hold it"
SPARE = "spare field, nothing is agreed for it"
SIGNED = "the facility's signature over the paper: put in by who signs the claim"


@dataclass(frozen=True)
class Table:
    """name: XML1. items: what a row is made of, one each; a table without a list has one item or none. fields: the field's name ->
    its text. unknown: the field's name -> why it stays empty."""

    name: str
    fields: Mapping[str, Make]
    items: Callable[[Case], Iterable[Any]] = lambda case: (None,)
    unknown: Mapping[str, str] = field(default_factory=dict)

    def rows(self, case: Case) -> list[Row]:
        """Rows of this visit, STT counted from 1."""
        out = []
        for n, item in enumerate(self.items(case), 1):
            row = {name: make(case, item) for name, make in self.fields.items()}
            if "STT" in row:
                row["STT"] = str(n)
            out.append(row | dict.fromkeys(self.unknown, ""))
        return out


def visit(make: Callable[[Case], str]) -> Make:
    """A field that is of the visit, whatever the row."""
    return lambda case, item: make(case)


def same(text: str) -> Make:
    return lambda case, item: text


COUNTED: Make = lambda case, item: ""  # noqa: E731 - Table.rows counts
