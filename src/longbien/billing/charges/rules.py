"""What the charges of one visit make of each other: bed days of a stay, several acts in one session, further consultations, what is
paid with something else already. Pure; the order of the lines does not matter. Rules and their sources: tables/."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import ROUND_CEILING, Decimal

from longbien.base import clock

from ..lines import Line
from . import tables

OPERATION, PROCEDURE, CONSULTATION = "8", "18", "13"
_HALF = Decimal("0.5")


# ---- bed days ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lay:
    """Where a patient lay. department: id of the Organization; kind: of the department; to None: still there."""

    department: str
    kind: str
    since: datetime
    to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """begin, end: end None while it runs. result, leaving: KET_QUA_DTRI and MA_LOAI_RV. operated: when operations ended."""

    begin: datetime
    end: datetime | None
    places: Sequence[Lay]
    result: str = ""
    leaving: str = ""
    operated: Sequence[datetime] = ()


@dataclass(frozen=True, slots=True)
class BedDay:
    """One day, or half of one, in a bed of a department. code: of the bed-day service."""

    day: date
    department: str
    code: str
    quantity: Decimal


def counted_days(stay: Stay, now: datetime) -> list[date]:
    """The days of a stay that are charged: none up to 4 hours, one up to 24, else from the first day up to the one before leaving;
    with the day of leaving for who dies, leaves worse or is referred."""
    begin, end = clock.local(stay.begin), clock.local(stay.end or now)
    first, long = begin.date(), (end - begin).total_seconds() / 3600
    if long <= tables.hours("none_until_hours", first):
        return []
    if long <= tables.hours("one_until_hours", first):
        return [first]
    whole = (end.date() - first).days + (1 if stay.end is not None and _counts_last(stay, end.date()) else 0)
    return [first + timedelta(days=n) for n in range(max(1, whole))]


def _counts_last(stay: Stay, day: date) -> bool:
    results = tables.value("bed_days", "last_day_results", day).split(";")
    return stay.result in results or stay.leaving in tables.value("bed_days", "last_day_kinds", day).split(";")


def bed_days(stay: Stay, now: datetime, worth: Callable[[str, date], Decimal]) -> list[BedDay]:
    """What the beds of a stay are charged as, day by day. worth(code, day): the price of a bed-day service, for who lay in three
    wards on one day."""
    return [x for day in counted_days(stay, now) for x in _one_day(stay, day, now, worth)]


def _one_day(stay: Stay, day: date, now: datetime, worth: Callable[[str, date], Decimal]) -> list[BedDay]:
    lay: dict[str, tuple[str, timedelta]] = {}
    for p in stay.places:
        long = _within(p, day, now)
        if long > timedelta(0):
            lay[p.department] = (p.kind, lay.get(p.department, ("", timedelta(0)))[1] + long)
    after = any(x <= _midnight(day + timedelta(days=1)) and day <= _last_surgical(x) for x in stay.operated)
    beds = [(d, tables.bed_service(kind, after, day), long) for d, (kind, long) in lay.items()]
    if not beds:
        return []
    if len(beds) == 1:
        return [BedDay(day, beds[0][0], beds[0][1], Decimal(1))]
    part = Decimal(tables.value("bed_days", "two_wards_percent", day) or "50") / 100
    if len(beds) > 2:
        least = timedelta(hours=tables.hours("counted_ward_hours", day))
        long_ones = [b for b in beds if b[2] > least] or [max(beds, key=lambda b: b[2])]
        ranked = sorted(long_ones, key=lambda b: (worth(b[1], day), b[0]))
        beds = [ranked[-1], ranked[0]] if len(ranked) > 1 else ranked
    if len(beds) == 1:
        return [BedDay(day, beds[0][0], beds[0][1], Decimal(1))]
    return [BedDay(day, d, code, part) for d, code, _ in beds]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(0), clock.HANOI)


def _within(p: Lay, day: date, now: datetime) -> timedelta:
    begin, end = _midnight(day), _midnight(day + timedelta(days=1))
    return min(p.to or max(now, end), end) - max(p.since, begin)


def _last_surgical(operated: datetime) -> date:
    day = clock.local(operated).date()
    return day + timedelta(days=tables.hours("surgical_days", day))


# ---- what the lines make of each other ------------------------------------------------------------------------------------


def live(lines: Iterable[Line]) -> list[Line]:
    """The lines that are neither taken back nor take back."""
    all_ = list(lines)
    gone = {x.reverses for x in all_ if x.reverses}
    return [x for x in all_ if x.id not in gone and not x.reverses]


def rated(lines: Sequence[Line]) -> list[Line]:
    """The same lines with `rate` and `package` as the whole visit makes them. A reversal stands as what it takes back stood: both
    are left at 100 per cent, and cancel out."""
    standing = live(lines)
    rates: dict[str, Decimal] = {}
    _sessions(standing, rates)
    _consultations(standing, rates)
    held = _packages(standing)
    out = []
    for x in lines:
        if x.id in held:
            out.append(replace(x, rate=Decimal(0), package=held[x.id]))
        elif x.id in rates:
            out.append(replace(x, rate=rates[x.id]))
        else:
            out.append(x)
    return out


def _span(x: Line) -> tuple[datetime, datetime]:
    return x.at, max(x.at, x.ended or x.at)


def _dearest(lines: Sequence[Line]) -> Line:
    return max(lines, key=lambda x: (x.price, x.id))


def sessions(lines: Iterable[Line]) -> list[list[Line]]:
    """Operations that overlap in time are one session: nobody lies on two tables."""
    found: list[list[Line]] = []
    until: datetime | None = None
    for x in sorted((x for x in lines if x.group == OPERATION), key=lambda x: (x.at, x.id)):
        begin, end = _span(x)
        if until is not None and begin <= until:
            found[-1].append(x)
            until = max(until, end)
        else:
            found.append([x])
            until = end
    return found


def _sessions(lines: Sequence[Line], rates: dict[str, Decimal]) -> None:
    for session in sessions(lines):
        first = _dearest(session)
        day = clock.local(first.at).date()
        for x in session:
            if x is not first:
                team = "same" if x.doctor == first.doctor else "other"
                rates[x.id] = Decimal(tables.value("sessions", f"operation-{team}-team", day, "percent") or "100")
        begin, end = min(_span(x)[0] for x in session), max(_span(x)[1] for x in session)
        for x in lines:
            if x.group == PROCEDURE and begin < end and begin <= x.at < end and _span(x)[1] <= end:
                rates[x.id] = Decimal(tables.value("sessions", "procedure", day, "percent") or "100")


def _consultations(lines: Sequence[Line], rates: dict[str, Decimal]) -> None:
    asked = [x for x in lines if x.group == CONSULTATION and not x.demand and x.quantity > 0 and x.insured > 0]
    left: Decimal | None = None
    for n, x in enumerate(sorted(asked, key=lambda x: (x.at, x.id))):
        day = clock.local(x.at).date()
        if left is None:
            left = Decimal(tables.value("consultations", "most-percent", day) or "200")
        percent = Decimal(100) if n == 0 else Decimal(tables.value("consultations", "further-percent", day) or "100")
        rates[x.id] = min(percent, left)
        left -= rates[x.id]


def _packages(lines: Sequence[Line]) -> dict[str, str]:
    """Id of a line -> the package that it is paid with."""
    held: dict[str, str] = {}
    session_of = {x.id: n for n, s in enumerate(sessions(lines)) for x in s}
    spans = [(min(_span(x)[0] for x in s), max(_span(x)[1] for x in s)) for s in sessions(lines)]
    for package in lines:
        for r in tables.packages(clock.local(package.at).date()):
            if r["package"] != package.own:
                continue
            for x in lines:
                if (x.more.get("kind"), x.own) != (r["member_kind"], r["member"]) or x.id == package.id:
                    continue
                n = session_of.get(package.id)
                if r["within"] == "visit" or (n is not None and spans[n][0] <= x.at <= spans[n][1]):
                    held[x.id] = package.own
    return held


# ---- how much of a drug ----------------------------------------------------------------------------------------------------

_AMOUNT = re.compile(r"(\d+(?:[.,]\d+)?)\s*(mg|mcg|µg|g|ui|iu|đơn vị|mmol|meq|ml)\b", re.IGNORECASE)
_IN = {"g": ("mg", Decimal(1000)), "mcg": ("mg", Decimal("0.001")), "µg": ("mg", Decimal("0.001")), "iu": ("ui", Decimal(1)),
       "đơn vị": ("ui", Decimal(1))}  # fmt: skip
_DIVISIBLE = frozenset({"viên", "gói"})
_SHARED = frozenset({"bút", "bình xịt", "tuýp", "lọ nhỏ mắt", "bình"})


def _measure(value: Decimal, unit: str) -> tuple[str, Decimal]:
    name, times = _IN.get(unit.lower(), (unit.lower(), Decimal(1)))
    return name, value * times


def units(dose: Decimal | None, dose_unit: str, product: str, sold_by: str) -> tuple[Decimal, str]:
    """(how many of the unit that it is sold by, a doubt or ""): 1000 mg of `Paracetamol 500 mg` are two tablets; an ampoule
    that was opened is a whole one. What cannot be told is one, with the doubt `quantity`: somebody looks at it before the bill
    is issued."""
    unit, sold = dose_unit.strip().lower(), sold_by.strip().lower()
    if dose is None or dose <= 0:
        return Decimal(1), "quantity"
    if unit and unit == sold:
        return dose, ""
    found = _AMOUNT.findall(product)
    wanted = _measure(dose, unit)
    for value, of in found:
        strength = _measure(Decimal(value.replace(",", ".")), of)
        if strength[0] == wanted[0] and strength[1] > 0:
            many = wanted[1] / strength[1]
            if sold in _SHARED:
                return Decimal(1), "quantity"
            step = _HALF if sold in _DIVISIBLE else Decimal(1)
            return max(step, (many / step).to_integral_value(ROUND_CEILING) * step), ""
    return Decimal(1), "quantity"
