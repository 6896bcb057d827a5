"""What the departments bring to the pages: entries of the top bar, sections, panels and sheets of the chart, advice before signing.
The roof furnishes the house once, with all cards; until then there are none."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from markupsafe import Markup

from ..access.actor import Actor
from ..base.department import Department, Nav, Place, Resource, Sheet, Tab, Verdict
from ..record.store import Store
from . import render
from .page import Call

HOUSE: list[Department] = []
_ORDER = {"stop": 0, "warn": 1, "note": 2}


def furnish(departments: Sequence[Department]) -> None:
    """These are the departments. Their templates lie in <department>/templates/<department>/."""
    HOUSE[:] = departments
    rooms = Path(__file__).parents[1]
    render.add_roots([rooms / d.name / "templates" for d in departments])


def _may(actor: Actor | None, permission: Any) -> bool:
    return permission is None or (actor is not None and actor.may(permission))


def navs(actor: Actor | None) -> list[Nav]:
    return [n for d in HOUSE for n in d.nav if _may(actor, n.permission)]


def tabs(actor: Actor) -> list[Tab]:
    return [t for d in HOUSE for t in d.tabs if _may(actor, t.permission)]


async def panels(place: Place, call: Call, shell: Any = None) -> list[Markup]:
    """The cards of this place, as HTML, in the order of the house. Those who make them ask the record side by side."""
    here = [p for d in HOUSE for p in d.panels if p.place == place]
    given = await asyncio.gather(*(p.build(call, shell) for p in here))
    return [call.piece(p.template, **_within(shell), **g) for p, g in zip(here, given, strict=True) if g is not None]


async def sheets(call: Call, shell: Any) -> list[SimpleNamespace]:
    """The sheets of the chart's panel for this reader: key, title, letter, html."""
    here = offered(call.actor)
    given = await asyncio.gather(*(s.build(call, shell) for s in here))
    return [
        SimpleNamespace(key=s.key, title=call.w(s.title), letter=s.letter, html=call.piece(s.template, **_within(shell), **g))
        for s, g in zip(here, given, strict=True)
        if g is not None
    ]


def offered(actor: Actor) -> list[Sheet]:
    return [s for d in HOUSE for s in d.sheets if _may(actor, s.permission)]


def _within(shell: Any) -> dict[str, Any]:
    """What every piece may speak of: whose chart it is."""
    return {k: shell[k] for k in ("person", "life", "chart") if k in shell} if shell else {}


async def advise(call: Call, store: Store, patient: str, drafts: Sequence[Resource]) -> list[Verdict]:
    """What all advisers say of these drafts, the gravest first. An adviser that fails makes the whole question fail: no signing
    without having been asked."""
    found: list[Verdict] = []
    for ask in (a for d in HOUSE for a in d.advice):
        found += await ask(store, patient, drafts, call.w)
    return sorted(found, key=lambda v: (_ORDER[v.level], v.about))
