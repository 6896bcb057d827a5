"""Stored StructureDefinitions take effect here: a resource that names a profile is judged by it before it is written.

Read your write: a commit with a resource that names a profile first asks for the stamp (migrations/0045), so a definition that was
acknowledged is used by the very next write on any process; bodies are read, and compiled, when they are first named. A resource
that names none costs nothing. Definitions are nobody's record: they are read by no scope, and leave no line in the trail."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, get_args

from longbien.base.config import Settings, setting
from longbien.base.errors import Invalid, Issue
from longbien.base.sql import queries
from longbien.fhir import definitions, json
from longbien.fhir.compile.profiles import slim
from longbien.fhir.profile import Library, Unknown, Unusable, check_definition, claims, judge
from longbien.fhir.validate.invariants import STUMBLES

from .types import number

if TYPE_CHECKING:
    from .engine import Engine

Q = queries(__file__, "sql/profiles.sql")
TYPE = "StructureDefinition"
MOST_KEPT = 1500
"""Definitions kept parsed; above that all are forgotten and read again as they are named."""
CODES_FRESH = 10.0
"""Seconds that the codes of a stored value set are kept."""
BATCH = 500

_HOLDERS = ("Bundle", "Parameters", TYPE)
Codes = Mapping[str, frozenset[str]]


class ProfileSettings(Settings):
    unknown_profile: str = setting(
        "LONGBIEN_UNKNOWN_PROFILE",
        "warn",
        "A resource whose meta.profile names a profile that is not loaded: ignore (kept, nothing said), warn (kept; $validate, and "
        "writes with Prefer: return=OperationOutcome, say so), refuse (422).",
    )

    def unknown(self) -> Unknown:
        """Raises Invalid for a value that is none of these."""
        for one in get_args(Unknown):
            if one == self.unknown_profile:
                return one  # type: ignore[no-any-return]
        raise Invalid(f"LONGBIEN_UNKNOWN_PROFILE={self.unknown_profile!r} must be ignore, warn or refuse.")


class Reading(Protocol):
    """A database or one connection of it."""

    async def fetch(self, sql: str, /, *args: Any) -> Any: ...


@dataclass
class _State:
    """What is known of stored definitions. Replaced as a whole when the stamp moves."""

    stamp: int = -1
    rids: dict[str, int] = field(default_factory=dict)
    urls: dict[int, str] = field(default_factory=dict)
    bodies: dict[str, dict[str, Any]] = field(default_factory=dict)
    codes: dict[str, tuple[float, Codes | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.library = Library(self.bodies.get, self.codes_of)

    def codes_of(self, url: str) -> Codes | None:
        found = definitions.value_set(url)
        return found if found is not None else self.codes.get(url, (0.0, None))[1]


class Profiles:
    """One an engine; a transaction has a copy of its own, because it sees what nobody else sees yet."""

    def __init__(self, unknown: Unknown | None = None):
        self.unknown: Unknown = unknown or ProfileSettings.read().unknown()
        self._state = _State()

    def copy(self) -> Profiles:
        made = Profiles(self.unknown)
        made._state = self._state
        return made

    async def library(
        self, engine: Engine, reading: Reading, resources: Iterable[dict[str, Any]], also: Iterable[str] = ()
    ) -> Library:
        """All that is needed to judge `resources` by the profiles that they name, and by `also`, as the database has it now."""
        state = await self._fresh(engine, reading)
        wanted = {u.partition("|")[0] for u in also}
        for r in resources:
            wanted.update(u.partition("|")[0] for u in claims(r))
            wanted |= _built_upon(r)
            if state.rids:
                wanted.update(extension_urls(r))
        await self._load(engine, reading, state, wanted)
        return state.library

    async def _fresh(self, engine: Engine, reading: Reading) -> _State:
        """What the database knows now. Others may go on with what they have begun with, so each keeps to the state given here."""
        row = (await reading.fetch(Q.state))[0]
        if not row["filled"]:
            await _fill(engine, reading)
            row = (await reading.fetch(Q.state))[0]
        old = self._state
        if row["stamp"] == old.stamp and len(old.bodies) <= MOST_KEPT:
            return old
        first = old.stamp < 0
        rows = await (reading.fetch(Q.all) if first else reading.fetch(Q.changed, old.stamp))
        urls = dict(old.urls)
        for r in rows:
            urls.pop(r["rid"], None)
            if r["url"] is not None:
                urls[r["rid"]] = r["url"]  # the newest last: of two with one url it is the one that counts
        stamp = max([row["stamp"], *(r["stamp"] for r in rows)])
        made = _State(stamp, {u: rid for rid, u in urls.items()}, urls)
        if stamp >= self._state.stamp:
            self._state = made
        return made

    async def _load(self, engine: Engine, reading: Reading, state: _State, wanted: set[str]) -> None:
        """Bodies of `wanted` and of all that they build upon, a round trip for each level."""
        seen: set[str] = set()
        value_sets: set[str] = set()
        while wanted := {u for u in wanted if u not in seen and u in state.rids}:
            seen |= wanted
            missing = [state.rids[u] for u in wanted if u not in state.bodies]
            if missing:
                rows = await reading.fetch(Q.bodies, missing)
                for row, body in zip(rows, await engine.unpack_all([r["body"] for r in rows]), strict=True):
                    state.bodies[state.urls[row["rid"]]] = slim(json.loads(body, strict=False))
            needs = [_needs(state.bodies[u]) for u in wanted if u in state.bodies]
            value_sets.update(v for _, vs in needs for v in vs)
            wanted = {u for urls, _ in needs for u in urls}
        await self._codes(engine, state, value_sets)

    async def _codes(self, engine: Engine, state: _State, wanted: set[str]) -> None:
        now = time.monotonic()
        for url in wanted:
            if definitions.value_set(url) is None and state.codes.get(url, (0.0, None))[0] < now:
                state.codes[url] = (now + CODES_FRESH, await _codes_in(engine, url))


async def _codes_in(engine: Engine, url: str) -> Codes | None:
    """The codes of a stored value set, None where it is not known or cannot be listed."""
    try:
        pairs = await engine.terminology.codes_in(url)
    except Invalid:
        return None
    found: dict[str, set[str]] = {}
    for system, code in pairs:
        found.setdefault(system, set()).add(code)
    return {system: frozenset(codes) for system, codes in found.items()}


def _needs(sd: dict[str, Any]) -> tuple[set[str], set[str]]:
    """The profiles and the value sets that a definition names."""
    urls = {str(sd.get("baseDefinition", "")).partition("|")[0]}
    value_sets: set[str] = set()
    for e in (e for form in ("differential", "snapshot") for e in sd.get(form, {}).get("element", [])):
        for t in e.get("type", []):
            urls.update(str(u).partition("|")[0] for u in (*t.get("profile", []), *t.get("targetProfile", [])))
        if url := e.get("binding", {}).get("valueSet"):
            value_sets.add(str(url).partition("|")[0])
    return urls, value_sets


def _built_upon(resource: dict[str, Any]) -> set[str]:
    """What a StructureDefinition that is to be judged itself names."""
    if resource.get("resourceType") != TYPE:
        return set()
    try:
        return _needs(slim(resource))[0]
    except STUMBLES:
        return set()  # its shape is wrong: the validator says so


def extension_urls(v: Any) -> Iterator[str]:
    """The url of every extension in a resource."""
    stack = [v]
    while stack:
        x = stack.pop()
        if x.__class__ is list:
            stack += x
        elif x.__class__ is dict:
            url = x.get("url")
            if url.__class__ is str and ":" in url:
                yield url
            stack += (y for y in x.values() if y.__class__ is dict or y.__class__ is list)


def usable(sd: dict[str, Any] | None) -> str | None:
    """The url of a StructureDefinition that can be validated against, None for any other (a deleted one, a type of one's own)."""
    if sd is None or sd.get("derivation") != "constraint" or sd.get("kind") == "logical":
        return None
    url = sd.get("url")
    return url if isinstance(url, str) else None


async def _fill(engine: Engine, reading: Reading) -> None:
    """What was stored before table profile was there, once."""
    last = 0
    while rows := await reading.fetch(Q.stored, number(TYPE), last, BATCH):
        last = rows[-1]["rid"]
        bodies = await engine.unpack_all([r["body"] for r in rows])
        urls = [usable(json.loads(b, strict=False)) for b in bodies]
        await reading.fetch(Q.put, [r["rid"] for r in rows], urls)
    await reading.fetch(Q.filled)


def concerned(resources: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that name a profile or are one: only they cost anything here."""
    return [r for r in resources if _may_name(r) and (r.get("resourceType") == TYPE or next(claims(r), None) is not None)]


def _may_name(r: dict[str, Any]) -> bool:
    """At a glance: most resources name nothing and hold no other."""
    meta = r.get("meta")
    return (meta.__class__ is dict and "profile" in meta) or "contained" in r or r.get("resourceType") in _HOLDERS


async def check(engine: Engine, reading: Reading, resources: list[dict[str, Any]]) -> dict[int, list[Issue]]:
    """Judge the resources of one commit by their profiles: what is to be told of each, by its id(). Definitions that come along
    count. Raises Invalid (422) with every issue."""
    asked = concerned(resources)
    if not asked:
        return {}
    defined = {url: r for r in asked if r.get("resourceType") == TYPE and (url := usable(r))}
    profiles = engine.profiles
    library = await profiles.library(engine, reading, asked)
    if defined:
        known, slimmed = library.find, {u: slim(sd) for u, sd in defined.items()}
        library = Library(lambda url: slimmed.get(url) or known(url), library.codes_of)
    found: dict[int, list[Issue]] = {}
    for r in asked:
        issues = _definition(r, library) if r.get("resourceType") == TYPE else []
        found[id(r)] = [*issues, *judge(r, library, unknown=profiles.unknown)]
    _refuse(asked, found, several=len(resources) > 1)
    return found


def _definition(sd: dict[str, Any], library: Library) -> list[Issue]:
    """What is wrong with a definition. That its base is not loaded yet is not its fault: it is kept, and used once it is."""
    try:
        check_definition(slim(sd), library)
    except Unusable as fault:
        if fault.missing:
            return [
                Issue("warning", "not-found", f"{fault.text} It is kept, and used once that is loaded.", fault.issues[0].expression)
            ]
        return list(fault.issues)
    return []


def _refuse(asked: list[dict[str, Any]], found: dict[int, list[Issue]], several: bool) -> None:
    wrong: list[Issue] = []
    for r in asked:
        name = f"{r.get('resourceType')}/{r.get('id')}: " if several and r.get("id") else ""
        wrong += [i._replace(text=name + i.text) for i in found[id(r)] if i.severity in ("error", "fatal")]
    if wrong:
        raise Invalid(f"The resource does not conform to its profile: {wrong[0].text}", issues=wrong[:200], status=422)
