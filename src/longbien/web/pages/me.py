"""The patient's own pages. Every handler asks first whose record it is (me.shell.whom); what it shows comes through that scope."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import groupby
from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from ...access.rights import emergencies
from ...access.roles import ME, PATIENTS, ROLES
from ...access.trail_queries import Seen
from ...access.trail_queries import who_saw as asked
from ...base import clock
from ...base.errors import NotFound
from .. import departments
from ..chart.record import allergy, short_place
from ..me import plans, words
from ..me import results as seen
from ..me.shell import Whom, found, whom
from ..page import Call, page
from .frame import place_names
from .who import TYPES, WHAT

NEW = timedelta(days=14)
"""Results count as new for so long."""
OBSERVATIONS, REPORTS = 400, 60
TRAIL = 400
VISIT = timedelta(minutes=30)


def show(call: Call, one: Whom, template: str, nav: str, *, status: int = 200, **context: Any) -> Response:
    """A page in the patient's frame."""
    return call.html(
        template, status, one=one, said=one.said, nav=nav, to=one.to,
        clock=lambda t: words.clock(call.w, t), day=lambda t: words.day(call.w, t, call.now), short=short_place, **context,
    )  # fmt: skip


async def _mornings(call: Call, one: Whom) -> list[seen.Morning]:
    labs = await found(one, "Observation", ("category", "laboratory"), ("_sort", "-date"), ("_count", str(OBSERVATIONS)))
    return seen.mornings(labs, call.w, call.lang)


async def _reports(call: Call, one: Whom) -> list[seen.Report]:
    return seen.reports(await found(one, "DiagnosticReport", ("_sort", "-date"), ("_count", str(REPORTS))), call.lang)


async def _notices(one: Whom) -> list[plans.Notice]:
    return plans.notices(await found(one, "Communication", ("category", plans.NOTICE), ("_sort", "-sent"), ("_count", "50")))


@page(ME, "PATRQT")
async def home(call: Call) -> Response:
    one = await whom(call)
    visits = plans.appointments(
        await found(one, "Appointment", ("date", f"ge{call.now:%Y-%m-%d}"), ("_count", "20")), call.lang, call.now
    )
    mornings = await _mornings(call, one)
    since = clock.local(call.now - NEW).date()
    told = [r for r in await _reports(call, one) if clock.local(r.at).date() >= since]
    people = await _people(call, one)
    return show(
        call, one, "me/home.html", "home", visits=visits, fresh=[m for m in mornings if m.day >= since][:3], told=told[:2],
        drugs=await _drugs(call, one), notices=(await _notices(one))[:2], people=people,
        cards=await departments.panels("me", call, {"whom": one}),
    )  # fmt: skip


@page(ME, "PATRQT")
async def results(call: Call) -> Response:
    one = await whom(call)
    return show(call, one, "me/results.html", "results", mornings=await _mornings(call, one), told=await _reports(call, one))


@page(ME, "PATRQT")
async def result(call: Call) -> Response:
    """One day's tests."""
    one = await whom(call)
    try:
        wanted = date.fromisoformat(call.request.path_params["day"])
    except ValueError:
        raise NotFound("There are no results of such a day.") from None
    that = next((m for m in await _mornings(call, one) if m.day == wanted), None)
    if that is None:
        raise NotFound("There are no results of that day.")
    return show(call, one, "me/result.html", "results", that=that, gauge=gauge)


def gauge(v: seen.Value) -> SimpleNamespace | None:
    """Where a value lies beside its limits, in per cent of the bar: what is good, the mark. None: nothing can be drawn."""
    if v.number is None or (v.low is None and v.high is None):
        return None
    low, high = v.low, v.high
    width = (high - low) if low is not None and high is not None else abs(high if high is not None else low or 1) or 1
    left = (low if low is not None else (high or 0) - width) - 0.6 * width
    right = (high if high is not None else (low or 0) + width) + 0.6 * width
    left, right = min(left, v.number - 0.1 * width), max(right, v.number + 0.1 * width)
    if left < 0 <= min(v.number, low if low is not None else 0):
        left = 0.0

    def at(x: float) -> float:
        return round(100 * (x - left) / (right - left), 1)

    good = (at(low) if low is not None else 0.0, at(high) if high is not None else 100.0)
    return SimpleNamespace(start=good[0], end=round(100 - good[1], 1), mark=min(max(at(v.number), 4), 96))


async def _drugs(call: Call, one: Whom) -> list[plans.Drug]:
    taken = await found(one, "MedicationRequest", ("status", "active"), ("_sort", "-authoredon"), ("_count", "100"))
    return plans.drugs(taken, call.lang, call.now)


@page(ME, "PATRQT")
async def drugs(call: Call) -> Response:
    one = await whom(call)
    allergies = await found(one, "AllergyIntolerance", ("_count", "50"))
    known = [x for a in allergies if (x := allergy(a, call.lang))]
    return show(call, one, "me/drugs.html", "drugs", drugs=await _drugs(call, one), allergies=known)


@page(ME, "PATRQT")
async def notices(call: Call) -> Response:
    one = await whom(call)
    return show(call, one, "me/notices.html", "home", notices=await _notices(one))


@page(ME, "PATRQT")
async def record(call: Call) -> Response:
    """What a patient may do with their record."""
    one = await whom(call)
    return show(call, one, "me/record.html", "record")


# ---- who saw --------------------------------------------------------------------------------------------------------


async def _people(call: Call, one: Whom) -> SimpleNamespace:
    """For the home page: how many people opened the record in the last seven days, and whether one did so in an emergency."""
    page_ = await asked(call.engine, one.store.scope, one.id, count=TRAIL)
    since = call.now - timedelta(days=7)
    lately = [x for x in page_.lines if x.at >= since and staff(x, call)]
    return SimpleNamespace(n=len({x.actor for x in lately}), emergency=any(x.what == "glass" for x in lately))


def staff(line: Seen, call: Call) -> bool:
    """Did somebody other than the reader and the house itself look or write? What was refused saw nothing."""
    return line.actor > 0 and line.actor != call.actor.number and line.outcome == "success" and line.role not in PATIENTS


@page(ME, "PATRQT")
async def who_saw(call: Call) -> Response:
    one = await whom(call)
    below = call.query.get("before", "")
    before = int(below) if below.isdigit() and len(below) < 19 else None
    page_ = await asked(call.engine, one.store.scope, one.id, before=before, count=TRAIL)
    lines = [_told(group, call) for group in visits([x for x in page_.lines if staff(x, call) and x.what != "glass"])]
    days = [SimpleNamespace(day=d, lines=list(g)) for d, g in groupby(lines, lambda x: clock.local(x.at).date())]
    opened = await emergencies.of_patient(call.door, call.actor, one.id) if before is None else []
    await place_names(call, {o.organization for o in opened if o.organization})
    places: dict[str, str] = call.request.app.state.places
    told = [
        SimpleNamespace(
            o=o, where=", ".join(x for x in (_role(o.role, call), short_place(places.get(o.organization or "", ""))) if x)
        )
        for o in opened
    ]
    return show(
        call, one, "me/who-saw.html", "record", days=days, older=page_.next, first=before is None, opened=told,
        lasted=lambda o: call.w.span(min(o.until, call.now) - o.begins),
    )  # fmt: skip


def _role(name: str, call: Call) -> str:
    role = ROLES.get(name)
    return (role.vi if call.w.lang == "vi" else role.en) if role else ""


def visits(lines: Sequence[Seen]) -> list[list[Seen]]:
    """Lines (newest first) of one person within half an hour as one visit, whatever they did."""
    found: list[list[Seen]] = []
    latest: dict[int, list[Seen]] = {}
    for line in lines:
        group = latest.get(line.actor)
        same = (
            group is not None and group[-1].at - line.at <= VISIT and clock.local(group[0].at).date() == clock.local(line.at).date()
        )
        if group is None or not same:
            latest[line.actor] = [line]
            found.append(latest[line.actor])
        else:
            group.append(line)
    return found


def _told(group: Sequence[Seen], call: Call) -> SimpleNamespace:
    """One visit of one person to the record, in plain words."""
    x, w = group[0], call.w
    why = next((g.why for g in group if g.why.startswith(("purpose: ", "emergency: "))), x.why)
    role = ROLES.get(x.role or "")
    what = sorted({w(TYPES[g.type]) for g in group if g.type in TYPES})
    return SimpleNamespace(
        at=x.at,
        name=x.name,
        where=", ".join(p for p in ((role.vi if w.lang == "vi" else role.en) if role else "", short_place(x.facility or "")) if p),
        what=", ".join(what[:4]) or w(WHAT.get(x.what, x.what)),
        reason=why.partition(": ")[2] if why.startswith(("purpose: ", "emergency: ")) else "",
        seq=x.seq,
    )
