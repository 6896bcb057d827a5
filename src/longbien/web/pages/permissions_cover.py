"""Standing in: who sees whose patients for some hours, shown to both; given by a colleague, or arranged by a head of department."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from ...access import cover, facility
from ...access.roles import ARRANGE, COVER, Permission
from ...base import clock
from ...base.errors import Conflict, Forbidden, Invalid
from ...base.words import mark
from ..page import Call, page
from .permissions import colleagues, own_facility, tabs, titled

CONCERNED = Permission("covers", "See who stands in for whom", COVER.roles | ARRANGE.roles)
DONE = {"given": mark("It is written down. Both see it here."), "ended": mark("It has ended.")}
MORNING = time(7)


@page(CONCERNED, "HOPERAT")
async def covers(call: Call) -> Response:
    return await _page(call)


@page(CONCERNED, "HOPERAT")
async def give(call: Call) -> Response:
    """account: who stands in; whom: "me", "person:<number>" or "department:<id>"; begins, until: Hanoi's clock; reason."""
    try:
        await cover.give(call.engine, call.actor, _wanted(call), settings=call.door.settings)
    except (Invalid, Forbidden, Conflict) as wrong:
        return await _page(call, wrong, 422)
    return call.go("/cover?done=given")


@page(CONCERNED, "HOPERAT")
async def end(call: Call) -> Response:
    number = call.request.path_params["number"]
    if not number.isdigit() or len(number) > 15:
        raise Invalid("No such number.", code="value")
    await cover.end(call.engine, call.actor, int(number))
    return call.go("/cover?done=ended")


async def _page(call: Call, wrong: Exception | None = None, status: int = 200) -> Response:
    at, actor = own_facility(call.actor), call.actor
    known = await facility.departments(call.engine, at)
    arranges = actor.may(ARRANGE)
    mine = [_row(call, r, known) for r in await cover.of(call.engine, actor)]
    numbers = {r.number for r in mine}
    others = [_row(call, r, known) for r in await cover.at(call.engine, actor) if r["number"] not in numbers] if arranges else []
    now = clock.local(call.now)
    said = call.w(DONE[call.query["done"]]) if call.query.get("done") in DONE else ""
    return call.html(
        "permissions/cover.html", status, tabs=tabs(call), here="/cover", mine=mine, others=others, arranges=arranges,
        own=actor.may(COVER), people=[p for p in await colleagues(call, at) if p["number"] != actor.number], departments=known,
        given={k: call.field(k, 500) for k in ("account", "whom", "reason")}, done=said, error=_fault(call, wrong),
        begins=call.field("begins", 20) or f"{now:%Y-%m-%dT%H:%M}",
        until=call.field("until", 20) or f"{_morning(now):%Y-%m-%dT%H:%M}",
        most=call.door.settings.cover_days,
    )  # fmt: skip


def _fault(call: Call, wrong: Exception | None) -> str:
    if wrong is None:
        return ""
    if isinstance(wrong, Forbidden):
        return call.w("A head of department or an administrator arranges this, and nobody for themselves.")
    if isinstance(wrong, Conflict):
        return call.w("This colleague stands in for too many already.")
    most = call.door.settings.cover_days
    return call.w("Say who, for whom and why, and a time to come of at most %(n)s days.", n=most)


def _morning(now: datetime) -> datetime:
    """The next time that a night shift ends."""
    return datetime.combine(now.date() + timedelta(days=0 if now.time() < MORNING else 1), MORNING)


def _wanted(call: Call) -> cover.Wanted:
    account, (kind, _, of) = call.field("account", 12), call.field("whom", 80).partition(":")
    person = call.actor.number if kind == "me" else int(of) if kind == "person" and of.isdigit() and len(of) < 10 else None
    if not account.isdigit() or len(account) > 9:
        raise Invalid("Say who stands in.", code="value")
    begins, until = (_time(call.field(name, 20)) for name in ("begins", "until"))
    department = of if kind == "department" else None
    return cover.Wanted(int(account), begins, until, call.field("reason", 600), person, department or None)


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=clock.HANOI)
    except ValueError:
        raise Invalid("Not a date with a time.", code="value") from None


def _row(call: Call, r: Any, known: dict[str, str]) -> SimpleNamespace:
    w = call.w
    at = {name: f"{clock.local(r[name]):%H:%M} {w.date(clock.local(r[name]).date())}" for name in ("begins", "until")}
    over = r["ended"] is not None or r["until"] <= call.now
    state = "over" if over else "later" if r["begins"] > call.now else "now"
    return SimpleNamespace(
        number=r["number"], name=r["name"], role=titled(call, r["role"]), **at, reason=r["reason"], by=r["made_by_name"],
        whom=r["person_name"] or known.get(r["department"], r["department"]), person=r["person"] is not None, state=state,
        ended_by=r["ended_by_name"] or "", me=r["account"] == call.actor.number,
    )  # fmt: skip
