"""A department's card: what a room of the hospital brings to the house. Nothing is computed here.

LAB = Department(name="lab", title=mark("Laboratory"), routes=pages.routes, panels=[pages.results_panel])
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reaction:
    """What a room does when the record changed: after commit, idempotent, may lag. `query` is a FHIR search such as
    `ServiceRequest?category=laboratory` that a changed resource must match."""

    query: str
    act: Callable[..., Awaitable[None]]


def when(query: str, act: Callable[..., Awaitable[None]]) -> Reaction:
    return Reaction(query, act)


@dataclass(frozen=True)
class Department:
    """`name`: the room's folder. `title`: a marked message. `routes`: Starlette routes made with web.page. `panels`: cards
    for the chart and the patient's own pages. `advice`: asked before signing. `permissions`: name -> sentence."""

    name: str
    title: str
    routes: Sequence[Any] = ()
    panels: Sequence[Callable[..., Any]] = ()
    reactions: Sequence[Reaction] = ()
    advice: Sequence[Callable[..., Any]] = ()
    permissions: Mapping[str, str] = field(default_factory=dict)
    settings: type | None = None
    services: Sequence[Callable[..., Awaitable[None]]] = ()
