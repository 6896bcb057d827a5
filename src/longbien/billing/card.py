"""The part of a department's card that one part of billing fills: each of its folders has a card.py with CARD."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..base.department import Advise, Nav, Panel, Reaction, Sheet, Tab


@dataclass(frozen=True)
class Part:
    routes: Sequence[Any] = ()
    nav: Sequence[Nav] = ()
    tabs: Sequence[Tab] = ()
    panels: Sequence[Panel] = ()
    sheets: Sequence[Sheet] = ()
    reactions: Sequence[Reaction] = ()
    advice: Sequence[Advise] = ()
    permissions: Mapping[str, str] = field(default_factory=dict)
    guards: Mapping[str, Any] = field(default_factory=dict)
    jobs: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    always: frozenset[str] = frozenset()
