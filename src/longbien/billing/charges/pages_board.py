"""The board of the discharge day, and reminding whoever holds a bill open."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from types import SimpleNamespace

from starlette.responses import Response

from longbien.base import clock
from longbien.base.errors import NotFound
from longbien.base.ids import FHIR_ID
from longbien.record.store import Store
from longbien.web.page import Call, page

from . import board, board_read
from .board import Leaving
from .permissions import CLOCK
from .reads import Q

DAYS = 9
SHOWN = 5
BACK = timedelta(hours=4)


@page(CLOCK, "HPAYMT")
async def clock_board(call: Call) -> Response:
    """GET /discharge-bills?by=long|place|owner"""
    facility = call.actor.organization
    if not facility:
        raise NotFound("There is no facility of yours.")
    by = call.query.get("by", "long")
    by = by if by in ("long", "place", "owner") else "long"
    store = Store(call.engine, call.scope("the clock of the discharge day"))
    found = await board_read.leaving(store, facility, call.now)
    nudges = {(x["encounter"], x["item"]): x["at"] for x in await call.engine.db.fetch(Q.nudges, facility, _midnight(call.now))}
    holders = board.owners(found, call.now)
    most = max((m for _, _, m in holders), default=1) or 1
    return call.html(
        "billing/charges/board.html", nav="discharge-bills", by=by,
        rows=[_row(x, nudges, call) for x in board.ordered(found, by, call.now)],
        numbers=await _numbers(call, facility, found), hours=_hours(call.now), target=board.TARGET, said=call.query.get("done", ""),
        holders=[SimpleNamespace(name=call.w(o), n=n, span=_span(m, call), width=round(100 * m / most)) for o, n, m in holders],
        days=await same_day(call, facility),
    )  # fmt: skip


def _midnight(now: datetime) -> datetime:
    return datetime.combine(clock.local(now).date(), time(0), clock.HANOI)


def _span(minutes: int, call: Call) -> str:
    if minutes < 60:
        return call.w("%(n)s min", n=minutes)
    return call.w("%(h)s h %(m)s", h=minutes // 60, m=f"{minutes % 60:02d}")


def _percent(at: datetime, now: datetime) -> float:
    """Where a moment stands on the bar: the last hours up to now, now at the right edge."""
    return round(max(0.0, min(100.0, 100 * (1 - (now - at) / BACK))), 1)


def _hours(now: datetime) -> list[SimpleNamespace]:
    whole = clock.local(now).replace(minute=0, second=0, microsecond=0)
    marks = [whole - timedelta(hours=n) for n in range(int(BACK.total_seconds() // 3600))]
    return [SimpleNamespace(text=f"{t.hour}h", at=_percent(t, now)) for t in reversed(marks) if now - t < BACK]


def _row(x: Leaving, nudges: dict[tuple[str, str], datetime], call: Call) -> SimpleNamespace:
    w, first = call.w, x.first
    since = max(first.since, x.begun) if first else x.begun
    end = x.settled if x.state == "paid" and x.settled else call.now
    key = first.key if first else ""
    return SimpleNamespace(
        encounter=x.encounter, patient=x.patient, name=x.name, place=x.place, state=x.state, number=x.number,
        item=w(first.text, **first.values) if first else "", key=key, owner=w(first.owner) if first else "",
        more=[_more(i, x, call) for i in x.items if i is not first],
        span=_span(board.minutes_since(first.since, x, call.now), call) if first else "", settled=x.settled, ended=x.ended,
        took=_span(int((end - x.begun).total_seconds() // 60), call) if x.state == "paid" and x.settled else "",
        to_pay=w.money(x.to_pay or 0), nudged=nudges.get((x.encounter, key)),
        work=(_percent(x.begun, call.now), _percent(min(since, end), call.now)),
        held=(_percent(min(since, end), call.now), _percent(end, call.now)),
    )  # fmt: skip


def _more(i: board.Item, x: Leaving, call: Call) -> SimpleNamespace:
    span = _span(board.minutes_since(i.since, x, call.now), call)
    return SimpleNamespace(text=call.w(i.text, **i.values), owner=call.w(i.owner), span=span)


async def _numbers(call: Call, facility: str, found: list[Leaving]) -> SimpleNamespace:
    w, now = call.w, call.now
    paid = [x for x in found if x.state == "paid"]
    held = [x for x in found if x.state == "held"]
    longest = max((board.minutes_since(x.first.since, x, now) for x in held if x.first), default=0)
    due = [x for x in found if x.state != "paid"]
    hour = [x for x in due if x.begun < now - timedelta(hours=1)]
    middle = await call.engine.db.fetchval(Q.minutes, facility, _midnight(now), now)
    before = await call.engine.db.fetchval(Q.minutes, facility, _midnight(now) - timedelta(days=7), _midnight(now))
    return SimpleNamespace(
        all=len(found), paid=len(paid), share=round(100 * len(paid) / len(found)) if found else None, held=len(held),
        longest=_span(longest, call) if held else "", middle=_span(round(middle), call) if middle is not None else "–",
        before=_span(round(before), call) if before is not None else "–", due=w.money(sum(x.to_pay or 0 for x in due)),
        hour=w.money(sum(x.to_pay or 0 for x in hour)),
    )  # fmt: skip


async def same_day(call: Call, facility: str | None) -> list[SimpleNamespace]:
    """Of the stays that ended on each of the last days, the share whose bill was settled that day; today last."""
    rows = await call.engine.db.fetch(Q.same_day, facility, _midnight(call.now) - timedelta(days=DAYS))
    found = [
        SimpleNamespace(
            facility=x["facility"], day=x["day"], ended=x["ended"], settled=x["settled"],
            share=round(100 * x["settled"] / x["ended"]),
            name=f"{call.w.weekday(x['day'])} {call.w.short_date(x['day'])}",
        )
        for x in rows
    ]  # fmt: skip
    return found[-SHOWN:] if facility else found


@page(CLOCK, "HPAYMT")
async def nudge(call: Call) -> Response:
    """POST /discharge-bills/nudge: encounter, item. The reminder stands on the patient's chart, where whoever holds the bill
    works."""
    encounter, item = call.field("encounter", 64), call.field("item", 80)
    facility = call.actor.organization
    if not facility or not FHIR_ID.match(encounter):
        raise NotFound("There is no such stay.")
    store = Store(call.engine, call.scope("the clock of the discharge day"))
    found = await board_read.leaving(store, facility, call.now)
    if not any(x.encounter == encounter and any(i.key == item for i in x.items) for x in found):
        return call.go("/discharge-bills?done=gone")
    await call.engine.db.execute(Q.nudge, encounter, item, facility, call.actor.number)
    return call.go("/discharge-bills?done=nudged")
