"""Finding a patient, while typing."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import msgspec
from starlette.responses import Response

from ...access.policy import finding
from ...access.roles import FIND, SEARCH
from ...base.fold import fold
from ...base.words import given_first, toned
from ...record import people
from ..chart.record import Person, human, person
from ..page import Call, page

SHOWN = 40
_decode = msgspec.json.Decoder().decode


def rank(p: Person, q: people.Question) -> tuple[Any, ...]:
    """Exact tones first, then whole words before beginnings, then the year as typed, then by given name. The words of a name may
    stand in any order."""
    have, flat = toned(p.name).split(), fold(p.name).split()
    exact = sum(toned(w) in have for w in q.words)
    whole = sum(fold(w) in flat for w in q.words)
    given = bool(q.words) and bool(flat) and any(fold(w) == flat[-1] for w in q.words)
    year = q.year is not None and p.birth.startswith(str(q.year))
    return (-exact, -whole, not given, not year, bool(p.dead), len(flat), given_first(p.name), p.birth)


def is_exact(p: Person, q: people.Question) -> bool:
    """Does every word stand in the name with just these tones? Words typed without any tone are never exact against toned ones."""
    have = toned(p.name).split()
    return all(any(h.startswith(toned(w)) for h in have) for w in q.words)


class _Name(msgspec.Struct, gc=False):
    use: str = ""
    text: str = ""
    family: str = ""
    given: list[str] = []


class _Brief(msgspec.Struct, gc=False):
    """What ranking reads of a Patient: of two hundred candidates forty are shown."""

    name: list[_Name] = []
    birthDate: str = ""  # noqa: N815 - the standard's name
    deceasedDateTime: str = ""  # noqa: N815
    deceasedBoolean: bool = False  # noqa: N815


_brief = msgspec.json.Decoder(_Brief).decode


def best(found: list[people.Person], q: people.Question) -> list[people.Person]:
    """Those to show, best first."""

    def key(x: people.Person) -> tuple[Any, ...]:
        try:
            b = _brief(x.body)
        except msgspec.ValidationError:
            return rank(person(_decode(x.body)), q)
        name = human([{"use": n.use or None, "text": n.text, "family": n.family, "given": n.given} for n in b.name])
        return rank(Person("", name, "", b.birthDate, b.deceasedDateTime or ("yes" if b.deceasedBoolean else "")), q)

    return sorted(found, key=key)[:SHOWN]


@page(SEARCH, "TREAT")
async def search(call: Call) -> Response:
    asked = call.query.get("q", "").strip()[:200]
    began = time.perf_counter()
    q = people.read(asked)
    city = call.actor.may(FIND)
    scope = finding(call.actor, settings=call.door.settings) if city else call.scope("finding a person")
    rows: list[people.Person] = []
    more = False
    long_enough = any(len(fold(w)) > 1 for w in q.words) or bool(q.numbers)
    if long_enough:
        near: people.Nearby = call.request.app.state.nearby
        rows, more = await people.find(call.engine, scope, q, near)
    top = [(person(_decode(x.body)), x) for x in best(rows, q)]
    if long_enough:
        await people.shown(call.engine, scope, [x for _, x in top])
    found = [p for p, _ in top]
    exact = [p for p in found if is_exact(p, q)] if q.words else found
    near_ones = [p for p in found if p not in exact]
    w = call.w
    groups = [SimpleNamespace(title=w("Exactly so"), rows=exact), SimpleNamespace(title=w("Nearly so"), rows=near_ones)]
    context: dict[str, Any] = {
        "nav": "search",
        "query": asked if long_enough else "",
        "terms": q.words,
        "found": found,
        "more": more or len(rows) > SHOWN,
        "groups": [g for g in groups if g.rows] if exact and near_ones else [SimpleNamespace(title="", rows=found)],
        "hidden": 0,
        "seconds": time.perf_counter() - began if asked else None,
    }
    return call.html("results.html" if call.part else "search.html", **context)
