"""A department's card: what a room of the hospital brings to the house. Nothing is computed here.

    LAB = Department(name="lab", title=mark("Laboratory"), routes=pages.ROUTES, panels=[Panel("strip", "lab/new.html", pages.new)])

app.py lists the cards; web/departments.py asks them. `call` is a web.page.Call, `shell` what web.pages.frame.frame gives for one
patient (None on pages that are about nobody in particular)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Resource = dict[str, Any]
Build = Callable[..., Awaitable[Mapping[str, Any] | None]]
"""build(call, shell) -> what the template needs, or None: not shown."""
Place = Literal["overview", "strip", "rail", "today", "me", "preview"]


@dataclass(frozen=True)
class Nav:
    """An entry of the top bar, for who has `permission` (an access.roles.Permission). `key`: what a page says of itself with
    call.html(..., nav=key). `title`: a marked message."""

    path: str
    title: str
    permission: Any
    key: str


@dataclass(frozen=True)
class Tab:
    """A section of the chart at /patients/{id}/{path}; its handler makes frame(call, id, key) and shows chart.html with its own
    `middle`. `permission`: None for everybody who may open the chart."""

    key: str
    path: str
    title: str
    permission: Any = None


@dataclass(frozen=True)
class Panel:
    """A card in somebody else's page. `place`: the chart's overview (above the axis), its left strip, its rail (below everything,
    one line), the home page of staff, the patient's own home, the card of a person that a search found (`shell`:
    `person`; only where the record is open to the reader). Cheap: it is part of that page's one request."""

    place: Place
    template: str
    build: Build


@dataclass(frozen=True)
class Sheet:
    """A sheet of the chart's right panel, beside note and vital signs: ?panel={key}; `letter`: the key that opens it, "" none. Its
    forms go to the department's own routes."""

    key: str
    title: str
    letter: str
    template: str
    build: Build
    permission: Any


@dataclass(frozen=True)
class Verdict:
    """What an adviser says before something is signed. stop: only with a typed reason; warn: shown, signing goes on; note: shown
    quietly. `text`, `reason` in the reader's language; `source`: whose rule and which year; `about`: which of the drafts."""

    level: Literal["stop", "warn", "note"]
    text: str
    reason: str = ""
    source: str = ""
    about: int = 0


Advise = Callable[..., Awaitable[Sequence[Verdict]]]
"""advise(store, patient id, drafts, words) -> verdicts; drafts: resources as they would be written."""


@dataclass(frozen=True)
class Reaction:
    """What a room does when the record changed: after commit, idempotent, may lag. `query` is a FHIR search such as
    `ServiceRequest?category=laboratory` that a created or updated resource must match; `act(store, resource)` gets the version that
    matched, and a store of the house itself."""

    query: str
    act: Callable[..., Awaitable[None]]


def when(query: str, act: Callable[..., Awaitable[None]]) -> Reaction:
    return Reaction(query, act)


@dataclass(frozen=True)
class Department:
    """`name`: the room's folder, which holds templates/<name>/ too. `title`: a marked message. `routes`: Starlette routes made
    with web.page.route. `advice`: asked before signing. `permissions`: name -> sentence. `guards`: resource type ->
    record.change.Guard, asked inside the transaction of every write of that type. `jobs`: queue -> (engine -> base.jobs.Handler);
    those named in `always` are put in line at start and run again whenever they say."""

    name: str
    title: str
    routes: Sequence[Any] = ()
    nav: Sequence[Nav] = ()
    tabs: Sequence[Tab] = ()
    panels: Sequence[Panel] = ()
    sheets: Sequence[Sheet] = ()
    reactions: Sequence[Reaction] = ()
    advice: Sequence[Advise] = ()
    permissions: Mapping[str, str] = field(default_factory=dict)
    settings: type | None = None
    guards: Mapping[str, Any] = field(default_factory=dict)
    jobs: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    always: frozenset[str] = frozenset()
