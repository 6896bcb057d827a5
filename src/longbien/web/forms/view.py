"""A form as the templates show it: what stands beside each field. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ...base.words import Words, parse_instant
from .draft import Draft
from .filling import Filled, Node
from .tree import NUMBERS, Form
from .values import shown

FEW = 7
"""Answers that stand side by side; more go into a list."""


@dataclass
class Sheet:
    """What the template asks. `base`: the address of the form; `problems`: errors in the order of the form."""

    form: Form
    filled: Filled
    held: Draft
    w: Words
    now: datetime
    base: str
    saved: str = ""
    marks: set[str] = field(default_factory=set)
    drawn: set[str] = field(default_factory=set)
    phrases: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.marks, self.drawn = self.held.marks, self.held.drawn

    @property
    def parts(self) -> list[Node]:
        """The top-level groups that have a heading: the way down the page."""
        return [n for n in self.filled.nodes if n.item.type == "group" and n.item.text.vi and n.item.shown != "thresholds"]

    @property
    def problems(self) -> list[Node]:
        return self.filled.errors

    @property
    def copied_from(self) -> str:
        """When the form was written that was copied forward, as a day."""
        return self.w.date(self.held.origin.get("at") or None)

    def control(self, n: Node) -> str:
        """How this item is filled: check, radios, checks, list, area, search, line, choice-line."""
        item = n.item
        if item.type == "boolean":
            return "check" if item.control == "check-box" else "bool"
        if item.type in ("choice", "open-choice"):
            if item.shown == "icd10":
                return "search"
            if item.repeats and item.choices:
                return "checks"
            if item.type == "open-choice" or not item.choices:
                return "suggest"
            return "list" if len(item.choices) > FEW or item.control == "drop-down" else "radios"
        if item.type == "text":
            return "area"
        return "none" if item.type == "attachment" else "line"

    def width(self, n: Node) -> str:
        """s, m, l: how much of a line an item takes."""
        item, control = n.item, self.control(n)
        if item.shown in ("wide", "total", "meaning", "advice") or item.type in ("group", "display"):
            return "l"
        if item.shown == "narrow" or item.type in NUMBERS or item.type in ("date", "time") or control == "check":
            return "s"
        if control in ("area", "search", "checks"):
            return "l"
        if control == "radios":
            return "l" if sum(len(c.text.of(self.w.lang)) + 4 for c in item.choices) > 34 else "m"
        return "s" if item.max_length is not None and item.max_length <= 24 else "m"

    def inputs(self, n: Node) -> list[str]:
        """The texts of a field; where it repeats, one more line to write in."""
        if n.item.repeats:
            return [*n.raw, ""]
        return [n.text]

    def note(self, n: Node) -> str:
        """Where a value came from, while it is as it came."""
        if n.name in self.marks and "reference" not in self.held.origin:
            return self.w("usual words")
        if n.name in self.marks:
            return self.w("copied from %(day)s", day=self.copied_from)
        source = self.held.sources.get(n.name)
        if source is not None and n.name in self.drawn:
            return self.w("charted %(when)s", when=self.w.moment(source.at, self.now))
        if n.name in self.drawn:
            return self.w("from the record")
        return ""

    def shown(self, n: Node) -> str:
        return "; ".join(t for a in n.answers if (t := shown(a, n.item, self.w)))

    def points(self, n: Node) -> Node | None:
        return next((c for c in n.children if c.item.shown == "points"), None)

    def rest(self, n: Node) -> list[Node]:
        return [c for c in n.children if c.item.shown != "points"]

    def mode(self, n: Node) -> str:
        """The keyboard that a telephone shows."""
        if n.item.type in ("decimal", "quantity"):
            return "decimal"
        return "numeric" if n.item.type in ("integer", "date", "dateTime", "time") else "text"

    def example(self, n: Node) -> str:
        return {"date": "dd/mm/yyyy", "dateTime": "dd/mm/yyyy hh:mm", "time": "hh:mm"}.get(n.item.type, "")

    def live(self) -> dict[str, Any]:
        """What a page that is open must know after each change: which items are off, what was worked out, what is wrong."""
        nodes = list(self.filled.each())
        return {
            "off": [n.name for n in nodes if not n.on],
            "values": {n.name: self.shown(n) for n in nodes if n.item.calculated},
            "errors": {n.name: n.error for n in nodes if n.error and n.on},
            "notes": {n.name: self.note(n) for n in nodes if n.item.type != "group" and n.raw},
            "marks": len(self.marks),
        }


def when(text: str | None) -> datetime | None:
    try:
        return parse_instant(text) if text else None
    except ValueError:
        return None
