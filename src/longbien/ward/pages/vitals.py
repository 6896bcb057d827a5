"""Vital signs of a whole ward on one grid: a row is one patient, saved by itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from starlette.responses import Response

from longbien.base import clock
from longbien.base.errors import Conflict, Invalid
from longbien.base.ids import new_id
from longbien.base.words import Words
from longbien.record.change import Create
from longbien.record.store import Store
from longbien.web import entries
from longbien.web.page import Call, page

from .. import charting, signs
from ..board import years
from ..early import score
from ..places import Bed
from ..reads import Lying, WardNow, ward_now
from .at import NURSING, At, at, lying, opened


def _slot(call: Call, text: str) -> datetime:
    """The round that is charted: the one asked for, if it is one of the last day, else the one that is on."""
    now = signs.slot(call.now)
    steps = [now - timedelta(hours=4 * n) for n in range(7)]
    return next((t for t in steps if clock.instant(t) == text), now)


def row(
    who: Lying, bed: Bed | None, slot: datetime, now: datetime, w: Words, *, values: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None, first: list[signs.Sign] | None = None,
) -> SimpleNamespace:  # fmt: skip
    """One patient's row: what this round has already, what was measured last, the score. first: what somebody else charted for this
    very round while it was being typed."""
    found = who.charted
    token = signs.token(str(who.stay["id"]), slot)
    here = {s.key: s for s in reversed(found) if s.id.startswith(token)}
    last = signs.newest(found)
    return SimpleNamespace(
        who=who, bed=bed, here=here, last=last, early=score(who.all("Observation"), found, years(who, now), now, w),
        values=values or {},
        errors=errors or {},
        first=first or [], child=(years(who, now) or 99) < 16,
        recent=max((s.at for s in last.values()), default=None),
    )  # fmt: skip


async def _page(
    call: Call, known: At, found: WardNow, slot: datetime, *, status: int = 200, mine: SimpleNamespace | None = None
) -> Response:
    rows = []
    for bed in known.here.beds:
        who = found.in_bed(bed.id)
        if who is not None:
            rows.append(mine if mine is not None and mine.who.id == who.id else row(who, bed, slot, call.now, call.w))
    slots = [signs.slot(call.now) - timedelta(hours=4 * n) for n in range(4)]
    return call.html(
        "ward/vitals.html", status, nav="ward", ward=known.here, wards=list(known.places.wards.values()), rows=rows, slot=slot,
        slots=slots, grid=charting.GRID, titles=signs.TITLES, levels=signs.LEVELS, iso=clock.instant,
        done=sum(1 for x in rows if x.here), saved=call.query.get("done", ""),
    )  # fmt: skip


@page(NURSING, "TREAT")
async def grid(call: Call) -> Response:
    known = await at(call)
    found = await ward_now(call.engine, call.scope("vital signs of the ward"), known.here, call.now)
    return await _page(call, known, found, _slot(call, call.query.get("slot", "")))


@page(NURSING, "TREAT")
async def save(call: Call) -> Response:
    """One row. Two nurses who chart the same round of the same patient: the second is shown the first's values."""
    w, patient = call.w, call.field("patient", 64)
    reason = await opened(call, patient)
    who = await lying(call, patient, reason=reason, bare=True)
    slot = _slot(call, call.field("slot", 40))
    values = {k: call.field(k, 20) for k in (*charting.GRID, *charting.MORE, "taken")}
    writer = entries.Writer(
        patient, call.actor.practitioner or "", call.actor.name, call.actor.organization or "", str(who.stay["id"])
    )
    token = new_id() if call.field("again", 1) else signs.token(str(who.stay["id"]), slot)
    made = charting.chart(values, writer, token, call.now, w)
    errors, first = dict(made.errors), list[signs.Sign]()
    if not errors:
        try:
            await Store(call.engine, call.scope(reason)).commit([Create(x, id=x["id"]) for x in made.resources])
        except Conflict:
            who = await lying(call, patient, reason=reason)
            first = _first(who, token, values)
            if not first:
                return await _saved(call, who, slot)  # the same row sent twice
        except Invalid as error:
            errors["pulse"] = w("This cannot be recorded") + ": " + "; ".join(i.text for i in error.issues[:2])
    who = await lying(call, patient, reason=reason)
    if errors or first:
        return await _again(call, who, slot, values, errors, first)
    return await _saved(call, who, slot)


def _first(who: Lying, token: str, values: Mapping[str, str]) -> list[signs.Sign]:
    """What stands in the record of this round and is not what was typed."""
    there = [s for s in who.charted if s.id.startswith(token)]
    same = all(_alike(s, values.get(s.key, "")) for s in there if values.get(s.key, "").strip())
    new = [k for k, v in values.items() if v.strip() and k != "taken" and k not in {s.key for s in there}]
    return [] if same and not new else there


def _alike(sign: signs.Sign, typed: str) -> bool:
    value = entries.number(typed)
    return value == sign.value if value is not None else typed.strip().upper() == str(sign.value)


async def _bed(call: Call, who: Lying) -> tuple[At, Bed | None]:
    known = await at(call)
    bed = known.places.beds.get(who.bed)
    return (await at(call, bed.ward) if bed is not None else known), bed


async def _saved(call: Call, who: Lying, slot: datetime) -> Response:
    known, bed = await _bed(call, who)
    if not call.part:
        return call.go(f"/ward/vitals?ward={known.here.id}&slot={clock.instant(slot)}")
    return _row(call, row(who, bed, slot, call.now, call.w), slot, known)


async def _again(
    call: Call, who: Lying, slot: datetime, values: Mapping[str, str], errors: Mapping[str, str], first: list[signs.Sign]
) -> Response:
    known, bed = await _bed(call, who)
    mine = row(who, bed, slot, call.now, call.w, values=values, errors=errors, first=first)
    status = 409 if first else 422
    if call.part:
        return _row(call, mine, slot, known, status)
    found = await ward_now(call.engine, call.scope("vital signs of the ward"), known.here, call.now)
    return await _page(call, known, found, slot, status=status, mine=mine)


def _row(call: Call, one: SimpleNamespace, slot: datetime, known: At, status: int = 200) -> Response:
    given: dict[str, Any] = {"grid": charting.GRID, "titles": signs.TITLES, "levels": signs.LEVELS, "iso": clock.instant}
    return call.html("ward/vitals-row.html", status, x=one, slot=slot, ward=known.here, **given)
