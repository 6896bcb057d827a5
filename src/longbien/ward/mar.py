"""The sheet of given drugs as a page shows it: columns of moments around now, rows of orders by kind; the ward's round."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from longbien.base.words import Words, mark
from longbien.web.chart import record as r

from . import rounds
from .board import Card
from .drugs import window
from .reads import Lying

GROUPS: tuple[tuple[str, str], ...] = (
    ("urgent", mark("New, needed now")), ("timed", mark("By the clock")), ("free", mark("When the order says no hour")),
    ("needed", mark("As needed")),
)  # fmt: skip
SIDE = 3
"""Columns before and after the one of now."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """`columns`: moments; `now`: which of them is the round that is on; `groups`: (title, lines)."""

    columns: list[datetime]
    now: datetime | None
    groups: list[tuple[str, list[rounds.Line]]]
    lines: list[rounds.Line]


def sheet(lying: Lying, now: datetime, w: Words, lang: str) -> Sheet:
    low, high = window(now)
    orders = [o for o in lying.here("MedicationRequest") if o.get("status") in ("active", "on-hold")]
    lines = rounds.sheet(orders, lying.all("MedicationAdministration"), low, high, now, lang)
    moments = sorted({d.due for line in lines for d in line.doses})
    current = on(moments, lines, now)
    at = moments.index(current) if current else 0
    columns = moments[max(0, at - SIDE) : at + SIDE + 1]
    groups = []
    for key, title in GROUPS:
        inside = [x for x in lines if (key == "urgent") == (x.urgent and _fresh(x, now)) and (key in ("urgent", x.kind))]
        if inside:
            groups.append((w(title), inside))
    return Sheet(columns, current, groups, lines)


def _fresh(line: rounds.Line, now: datetime) -> bool:
    return line.begin > now - timedelta(hours=12)


def on(moments: list[datetime], lines: Iterable[rounds.Line], now: datetime) -> datetime | None:
    """The moment of the round that is on: the latest that has open doses and has begun, else the next one, else the last."""
    waiting = {d.due for line in lines for d in line.doses if d.open}
    begun = [m for m in moments if m <= now + rounds.EARLY and m in waiting]
    if begun:
        return begun[-1]
    return next((m for m in moments if m >= now), moments[-1] if moments else None)


@dataclass(frozen=True, slots=True)
class Stop:
    """One bed of the round: how many doses are open and done in it, how late the first is."""

    card: Card
    open: int
    done: int
    late: timedelta | None


def _round_lines(who: Lying, now: datetime, lang: str) -> list[rounds.Line]:
    orders = [o for o in who.here("MedicationRequest") if o.get("status") in ("active", "on-hold")]
    return rounds.sheet(orders, who.all("MedicationAdministration"), window(now)[0], now + rounds.EARLY, now, lang)


def round_of(cards: Iterable[Card], now: datetime, lang: str) -> list[Stop]:
    """The round through the ward: everybody with doses around now, late ones first, then by bed."""
    now = now.replace(second=0, microsecond=0)
    out = []
    for c in cards:
        if c.lies is None:
            continue
        lines = c.lies.noted(("round", now, lang), partial(_round_lines, c.lies, now, lang))
        doses = [d for x in lines for d in x.doses]
        waiting = [d for d in doses if d.open]
        done = [d for d in doses if d.state in ("given", "held", "refused") and d.due > now - timedelta(hours=3)]
        if waiting or done:
            first = min((d.due for d in waiting if d.state != "due"), default=None)
            out.append(Stop(c, len(waiting), len(done), now - first if first else None))
    return sorted(out, key=lambda s: (s.open == 0, s.late is None, s.card.bed.number))


@dataclass(frozen=True, slots=True)
class Check:
    """One of the rights at the bedside. level: ok, warn (not made sure of), stop."""

    level: str
    text: str


def checks(
    lying: Lying, line: rounds.Line, due: datetime | None, bed: str, now: datetime, w: Words, *, band: bool, drug: bool
) -> list[Check]:
    """Right patient, drug, dose, route, time: what the scans made sure of and what they did not."""
    who = w("Right patient: %(name)s, bed %(bed)s", name=lying.person.name, bed=bed)
    out = [Check("ok", who) if band else Check("warn", w("The wristband has not been scanned: look at it"))]
    what = w("Right drug and dose: %(drug)s %(dose)s", drug=line.name, dose=line.dose)
    out.append(Check("ok", what) if drug else Check("warn", w("The drug has not been scanned: read its label")))
    if line.route:
        out.append(Check("ok", w("Route: %(route)s", route=line.route.lower())))
    if due is not None:
        away = now - due
        if away > rounds.LATE:
            out.append(Check("warn", w("Due at %(time)s: %(span)s late", time=w.time(due), span=w.span(away))))
        elif due - now > rounds.EARLY:
            out.append(Check("stop", w("Due at %(time)s: too early", time=w.time(due))))
        else:
            out.append(Check("ok", w("Right time: %(time)s", time=w.time(due))))
    else:
        out += _as_needed(line, now, w)
    return out


def _as_needed(line: rounds.Line, now: datetime, w: Words) -> list[Check]:
    given = [d.at for d in line.given if d.state == "given" and d.at is not None]
    why = rounds.may_give(line, None, now)
    if why == "too-soon":
        return [Check("stop", w("The last dose was at %(time)s: too soon for another", time=w.moment(max(given), now)))]
    if why == "too-much":
        return [Check("stop", w("As many doses as the order allows in 24 hours were given"))]
    if given:
        return [Check("ok", w("The last dose was at %(time)s", time=w.moment(max(given), now)))]
    return [Check("ok", w("No dose yet"))]


def allergies(lying: Lying, lang: str) -> list[str]:
    found = [r.allergy(x, lang) for x in lying.all("AllergyIntolerance")]
    return [f"{a.substance} ({a.reaction})" if a.reaction else a.substance for a in found if a is not None]


def numbers(patient: Mapping[str, Any]) -> set[str]:
    """What a wristband of this patient may say: the record's id and every number of the patient's."""
    return {str(patient.get("id"))} | {str(i.get("value")) for i in patient.get("identifier") or () if i.get("value")}
