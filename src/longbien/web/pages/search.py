"""Finding a patient, while typing; and a card of whoever is marked, as far as the finder's scope goes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
from starlette.responses import Response

from ...access.policy import finding
from ...access.roles import CHART, FIND, SEARCH, STATE_PURPOSE
from ...base.errors import NotFound
from ...base.fold import fold
from ...base.ids import FHIR_ID
from ...base.words import given_first, toned
from ...record import people
from ...record.store import Store
from .. import departments
from ..chart import record as r
from ..chart.gather import coverage
from ..chart.record import Person, human, person
from ..page import Call, page
from .frame import place_names

SHOWN = 40
YEARS = timedelta(days=5 * 365)
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
    """Those to show, best first; a record that was joined into another is not shown beside it (Patient.link)."""

    def key(x: people.Person) -> tuple[Any, ...]:
        try:
            b = _brief(x.body)
        except msgspec.ValidationError:
            return rank(person(_decode(x.body)), q)
        name = human([{"use": n.use or None, "text": n.text, "family": n.family, "given": n.given} for n in b.name])
        return rank(Person("", name, "", b.birthDate, b.deceasedDateTime or ("yes" if b.deceasedBoolean else "")), q)

    return sorted((x for x in found if b'"replaced-by"' not in x.body), key=key)[:SHOWN]


def enough(q: people.Question) -> bool:
    """Is there something to look for: a word of two letters, a number, a birth date?"""
    return any(len(fold(w)) > 1 for w in q.words) or bool(q.numbers) or q.born is not None


def address(call: Call, patient: str) -> str:
    """Where a found person's line leads: the chart for those who open charts, else what may be known of the person."""
    return f"/patients/{patient}" if call.actor.may(CHART) else f"/search/{patient}"


async def _seen(call: Call, found: Sequence[people.Person]) -> dict[int, SimpleNamespace]:
    """By patient key: is the record open to the reader, and when and where was the person last."""
    seen = await people.last_seen(call.engine, call.scope("finding a person"), [p.pat for p in found])
    ids = {s.where.rsplit("/", 1)[-1] for s in seen.values() if s.where and s.where.startswith("Organization/")}
    places = await place_names(call, ids)
    out = {}
    for pat, s in seen.items():
        name = places.get(s.where.rsplit("/", 1)[-1], s.where) if s.where else ""
        out[pat] = SimpleNamespace(open=s.open, when=s.when, mark=r.initials(name) if name else "", place=r.short_place(name))
    return out


@page(SEARCH, "TREAT")
async def search(call: Call) -> Response:
    asked = call.query.get("q", "").strip()[:200]
    began = time.perf_counter()
    q = people.read(asked)
    city = call.actor.may(FIND)
    scope = finding(call.actor, settings=call.door.settings) if city else call.scope("finding a person")
    rows: list[people.Person] = []
    more = False
    if enough(q):
        near: people.Nearby = call.request.app.state.nearby
        rows, more = await people.find(call.engine, scope, q, near)
    top = [(person(_decode(x.body)), x) for x in best(rows, q)]
    seen: dict[int, SimpleNamespace] = {}
    if enough(q):
        await people.shown(call.engine, scope, [x for _, x in top])
        seen = await _seen(call, [x for _, x in top])
    found = [SimpleNamespace(p=p, twin=x.twin, seen=seen.get(x.pat), href=address(call, p.id)) for p, x in top]
    exact = [f for f in found if is_exact(f.p, q)] if q.words else found
    near_ones = [f for f in found if f not in exact]
    w = call.w
    groups = [SimpleNamespace(title=w("Exactly so"), rows=exact), SimpleNamespace(title=w("Nearly so"), rows=near_ones)]
    context: dict[str, Any] = {
        "nav": "search",
        "query": asked,
        "asked": enough(q),
        "terms": q.words,
        "found": found,
        "more": more or len(rows) > SHOWN,
        "groups": [g for g in groups if g.rows]
        if near_ones and (exact or toned(asked) != fold(asked))
        else [SimpleNamespace(title="", rows=found)],
        "city": city,
        "seconds": time.perf_counter() - began if asked else None,
    }
    return call.html("results.html" if call.part else "search.html", **context)


@page(SEARCH, "TREAT")
async def preview(call: Call) -> Response:
    """Who this is, and where the record is open to the reader, what matters before it is opened."""
    id_ = call.request.path_params["id"]
    if not FHIR_ID.match(id_):
        raise NotFound("There is no such patient.")
    reason = await call.door.why(call.actor, id_)
    store = Store(call.engine, call.scope(reason)) if reason else call.door.finding(call.actor)
    who = person(_decode((await store.read("Patient", id_)).body))
    context: dict[str, Any] = {
        "nav": "search",
        "who": who,
        "open": reason is not None,
        "chart": call.actor.may(CHART),
        "asks": call.actor.may(STATE_PURPOSE),
        "cards": [],
        **(await _matters(call, store, id_) if reason else {"visits": None, "allergies": None, "problems": None, "drugs": None}),
    }
    if reason and store.scope.may_read("Coverage"):
        context["cards"] = [coverage(x) for x in await _few(store, "Coverage", id_, ("status", "active"))]
    context["pieces"] = await departments.panels("preview", call, {"person": who}) if reason else []
    return call.html("preview.html" if call.part else "person.html", **context)


async def _few(store: Store, type_: str, patient: str, *more: tuple[str, str], count: int = 10) -> list[dict[str, Any]]:
    found = await store.search(type_, [*more, ("_count", str(count))], patient=patient)
    return [_decode(e.body) for e in found.entries]


async def _matters(call: Call, store: Store, id_: str) -> dict[str, Any]:
    """Counts and names for the card; None for what the role may not read."""
    may, lang = store.scope.may_read, call.lang
    since = (call.now - YEARS).date().isoformat()
    visits = await store.search("Encounter", [("date", f"ge{since}"), ("_count", "1"), ("_sort", "-date"), ("_total", "accurate")],
                                patient=id_)  # fmt: skip
    last = [v for e in visits.entries if (v := r.visit(_decode(e.body), {}, lang))]
    names = await place_names(call, {v.place for v in last})
    problems = allergies = drugs = None
    if may("Condition") and call.actor.may(CHART):
        known = await _few(store, "Condition", id_, ("clinical-status", "active"), ("_sort", "-recorded-date"), count=30)
        problems = list(dict.fromkeys(p.name for x in known if (p := r.problem(x, lang)) and p.active))[:4]
    if may("AllergyIntolerance") and call.actor.may(CHART):
        allergies = [a for x in await _few(store, "AllergyIntolerance", id_) if (a := r.allergy(x, lang))]
    if may("MedicationRequest") and call.actor.may(CHART):
        running = await store.search(
            "MedicationRequest", [("status", "active"), ("_count", "0"), ("_total", "accurate")], patient=id_
        )
        drugs = running.total
    place = r.short_place(names.get(last[0].place, last[0].place_name)) if last else ""
    return {
        "visits": visits.total,
        "last": SimpleNamespace(when=last[0].start, place=place) if last else None,
        "problems": problems,
        "allergies": allergies,
        "drugs": drugs,
    }
