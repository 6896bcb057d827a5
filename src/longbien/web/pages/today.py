"""The home of whoever works here: my patients today by who needs me first, the clinic, what waits for me."""

from __future__ import annotations

import time
from datetime import date
from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from ...access.roles import CHART, CHART_WRITE, FIND, HOME, SEARCH
from ...base import clock
from ...base.words import Words
from ...record.store import Store
from .. import departments
from ..chart.record import Pending
from ..desk import Desk, Inpatient, Post, Q, desk, people, post
from ..page import Call, page
from .chart import done
from .frame import place_names
from .search import address

SHOWN = 60
POST_SECONDS = 600.0
STATES = ("planned", "arrived", "triaged", "in-progress", "finished")


def state(code: str, w: Words) -> str:
    """An outpatient's Encounter.status as staff say it."""
    return {
        "planned": w("booked"),
        "arrived": w("has come"),
        "triaged": w("has come"),
        "in-progress": w("being seen"),
        "finished": w("done"),
    }.get(code, code)


def wait(order: Pending, call: Call) -> SimpleNamespace:
    """One thing waited for: what, and when it is due or by how much it is late."""
    w, late = call.w, order.due < call.now
    due = "+" + w.span(call.now - order.due) if late else w.time(order.due)
    if not late and clock.local(order.due).date() != clock.local(call.now).date():
        due = w.short_date(order.due)
    return SimpleNamespace(title=order.title, due=due, late=late)


def leaving(day: str, call: Call) -> SimpleNamespace | None:
    """The day of discharge as the list says it. `day`: a FHIR date."""
    try:
        when = date.fromisoformat(day[:10])
    except ValueError:
        return None
    days = (when - clock.local(call.now).date()).days
    return SimpleNamespace(text=call.w("today") if days == 0 else call.w.short_date(when), today=days == 0, past=days < 0)


async def _post(call: Call) -> Post:
    """Where the reader works; asked again every ten minutes."""
    known: dict[int, tuple[float, Post]] = call.request.app.state.posts
    found = known.get(call.actor.number)
    if found is None or time.monotonic() - found[0] > POST_SECONDS:
        store = Store(call.engine, call.scope("own place of work"))
        known[call.actor.number] = found = (time.monotonic(), await post(store, call.actor.practitioner))
    return found[1]


@page(HOME, "TREAT")
async def today(call: Call) -> Response:
    await place_names(call, {call.actor.organization} if call.actor.organization else set())
    scope = call.scope("today's patients of the facility")
    found = await desk(call.engine, scope, call.actor.practitioner, call.w, call.now, call.lang)
    place = await _post(call)
    choices = _choices(found, place, call.w)
    asked = call.query.get("whose", "")
    whose = asked if asked in {c.key for c in choices} else choices[0].key
    rows = next(c.rows for c in choices if c.key == whose)
    digits = call.query.get("page", "1")
    number = max(1, int(digits)) if digits.isdigit() and len(digits) < 4 else 1
    shown = rows[: SHOWN * number]
    w, charts = call.w, call.actor.may(CHART)
    groups = [
        SimpleNamespace(title=w("Need you now"), level="now", rows=[i for i in shown if i.urgent]),
        SimpleNamespace(title=w("Something new"), level="new", rows=[i for i in shown if i.news and not i.urgent]),
        SimpleNamespace(title=w("Nothing new"), level="", rows=[i for i in shown if not i.news]),
    ]
    clinic = [o for o in found.outpatients if o.mine] or found.outpatients if whose == "mine" else found.outpatients
    back = {k: call.query[q] for k, q in (("entry", "undo"),) if call.query.get(q)}
    return call.html(
        "today.html",
        nav="today",
        cards=await departments.panels("today", call),
        charts=charts,
        searches=call.actor.may(SEARCH),
        city=call.actor.may(FIND),
        acknowledges=call.actor.may(CHART_WRITE),
        groups=groups,
        whose=whose,
        choices=choices,
        inpatients=len(rows),
        outpatients=clinic,
        clinic_day=found.clinic if found.clinic != clock.local(call.now).date() else None,
        shown=len(shown),
        total=len(rows),
        more=number + 1 if len(shown) < len(rows) else None,
        todo=[i for i in rows if i.alarms] if charts else [],
        late=[(i, wait(i.waits[0], call)) for i in rows if i.waits and i.waits[0].due < call.now] if charts else [],
        ward=_ward(found, place, call) if place.beds else None,
        wait=lambda order: wait(order, call),
        leaving=lambda day: leaving(day, call),
        state=lambda code: state(code, w),
        address=lambda id_: address(call, id_),
        toast=done(call.query.get("done", ""), w),
        undo=back,
        undo_patient=call.query.get("patient", ""),
        **(await _own(call, scope) if charts else {"recent": [], "drafts": []}),
    )


def _choices(found: Desk, place: Post, w: Words) -> list[SimpleNamespace]:
    """Whose patients may be looked at; the first that has any is shown."""
    sets: list[tuple[str, str, list[Inpatient]]] = [
        ("mine", w("Mine"), [i for i in found.inpatients if i.mine]),
        ("ward", w("My ward"), [i for i in found.inpatients if place.department and i.ward == place.department]),
        ("place", w("Whole facility"), found.inpatients),
    ]
    kept = [SimpleNamespace(key=k, title=t, rows=rows) for k, t, rows in sets if rows]
    return kept or [SimpleNamespace(key="place", title=w("Whole facility"), rows=[])]


def _ward(found: Desk, place: Post, call: Call) -> SimpleNamespace:
    here = [i for i in found.inpatients if i.ward == place.department]
    going = [i for i in here if (x := leaving(i.leaves, call)) and x.today]
    late = sum(1 for i in here for o in i.waits if o.due < call.now)
    percent = min(100, round(100 * len(here) / place.beds))
    return SimpleNamespace(name=place.department, taken=len(here), beds=place.beds, percent=percent, going=len(going), late=late)


async def _own(call: Call, scope: Any) -> dict[str, Any]:
    """What the reader opened lately, and what lies half written."""
    recent = await call.engine.db.fetch(Q.recent, call.actor.number)
    drafts = await call.engine.db.fetch(Q.drafts, call.actor.number)
    names = await people(call.engine, scope, list({x["pat"] for x in (*recent, *drafts)}))
    return {
        "recent": [
            SimpleNamespace(id=names[x["pat"]][0].id, name=names[x["pat"]][0].name, at=x["at"]) for x in recent if x["pat"] in names
        ],
        "drafts": [
            SimpleNamespace(patient=names[x["pat"]][0].id, name=names[x["pat"]][0].name, form=x["form"], at=x["updated"])
            for x in drafts
            if x["pat"] in names and not x["form"].startswith("rx.")  # a visit's prescription lies with the visit
        ],
    }
