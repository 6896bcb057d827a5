"""When a drug is due: dosageInstruction.timing -> moments. Pure; no clock of its own.

    times(dosage, begin, low, high) -> [06:00, 12:00, ...]     moments of Hanoi, low included, high not

Read are FHIR R4 Timing's event, timeOfDay, when (with offset), frequency and period, dayOfWeek, bounds, count. An order says how
often, the ward when: HOURS are the ward's own hours, as drug rounds go in hospitals here (06, 08, 14, 20, 22 o'clock)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from longbien.base import clock
from longbien.base.words import parse_instant

Dosage = Mapping[str, Any]
LONGEST = 400
"""Days that are counted through at most, from the beginning of an order (for count and every-nth-day)."""


def _hours(*hours: int) -> tuple[time, ...]:
    return tuple(time(h) for h in hours)


HOURS: dict[int, tuple[time, ...]] = {
    1: _hours(8), 2: _hours(8, 20), 3: _hours(8, 14, 20), 4: _hours(0, 6, 12, 18), 5: _hours(6, 10, 14, 18, 22),
    6: _hours(2, 6, 10, 14, 18, 22), 8: _hours(0, 3, 6, 9, 12, 15, 18, 21), 12: _hours(*range(0, 24, 2)), 24: _hours(*range(24)),
}  # fmt: skip
"""The ward's hours by how often a day."""
EVERY: dict[int, tuple[time, ...]] = {8: _hours(6, 14, 22), 12: HOURS[2], 24: HOURS[1]}
"""Where "every n hours" is given otherwise than "so often a day"."""
WHEN: dict[str, time] = {
    "MORN": time(8), "MORN.early": time(6), "MORN.late": time(10), "NOON": time(12), "AFT": time(14), "AFT.early": time(13),
    "AFT.late": time(16), "EVE": time(20), "EVE.early": time(18), "EVE.late": time(21), "NIGHT": time(22), "PHS": time(23),
    "HS": time(21), "WAKE": time(6), "CM": time(7), "CD": time(12), "CV": time(18), "ACM": time(6, 30), "ACD": time(11, 30),
    "ACV": time(17, 30), "PCM": time(8), "PCD": time(13), "PCV": time(19),
}  # fmt: skip
"""Event timing (HL7 v3 TimingEvent and FHIR event-timing); meals at 7, 12 and 18 o'clock."""
MEALS = {"C": ("CM", "CD", "CV"), "AC": ("ACM", "ACD", "ACV"), "PC": ("PCM", "PCD", "PCV")}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNITS = {"s": 1 / 3600, "min": 1 / 60, "h": 1, "d": 24, "wk": 168}


@dataclass(frozen=True, slots=True)
class _Bounds:
    begin: datetime
    end: datetime | None


def as_needed(dosage: Dosage) -> bool:
    """Given when the patient needs it, not by the clock."""
    return bool(dosage.get("asNeededBoolean") or dosage.get("asNeededCodeableConcept"))


def scheduled(dosage: Dosage) -> bool:
    """Whether the order says when or how often."""
    timing = dosage.get("timing") or {}
    repeat = timing.get("repeat") or {}
    return not as_needed(dosage) and bool(
        timing.get("event") or repeat.get("timeOfDay") or repeat.get("when") or repeat.get("frequency")
    )


def times(dosage: Dosage, begin: datetime, low: datetime, high: datetime) -> list[datetime]:
    """When the drug is due from `low` (included) to `high` (not). begin: when the order begins (authoredOn), earlier than which
    nothing is due. [] for what is given as needed or says neither when nor how often."""
    if not scheduled(dosage) or low >= high:
        return []
    timing = dosage["timing"]
    repeat = timing.get("repeat") or {}
    bounds = _bounds(repeat, begin)
    events = [_instant(e) for e in timing.get("event") or ()]
    found = [e for e in events if e is not None] if events else _repeated(repeat, bounds, high)
    count = repeat.get("countMax") or repeat.get("count")
    if isinstance(count, int):
        found = list(found)[:count]
    return sorted({clock.local(t) for t in found if low <= t < high and (bounds.end is None or t < bounds.end)})


def _instant(text: Any) -> datetime | None:
    try:
        return parse_instant(str(text)) if text else None
    except ValueError:
        return None


def _bounds(repeat: Mapping[str, Any], begin: datetime) -> _Bounds:
    period = repeat.get("boundsPeriod") or {}
    start = _instant(period.get("start")) or begin
    end = _instant(period.get("end"))
    length = repeat.get("boundsDuration") or {}
    if end is None and length.get("value") is not None:
        hours = _UNITS.get(str(length.get("code") or length.get("unit") or "d"))
        end = start + timedelta(hours=float(length["value"]) * hours) if hours else None
    return _Bounds(max(start, begin), end)


def _repeated(repeat: Mapping[str, Any], bounds: _Bounds, high: datetime) -> list[datetime]:
    until = high if bounds.end is None else min(high, bounds.end)
    hours = _by_interval(repeat)
    if hours is not None:
        out: list[datetime] = []
        at, step = bounds.begin, timedelta(hours=hours)
        while at < until and len(out) < LONGEST * 24:
            out.append(at)
            at += step
        return out
    clocks = _clocks(repeat)
    return [
        t
        for day in _days(repeat, bounds, until)
        for c in clocks
        if bounds.begin <= (t := datetime.combine(day, c, clock.HANOI)) < until
    ]


def _by_interval(repeat: Mapping[str, Any]) -> float | None:
    """Hours between two, where that is no whole part of a day: counted from the order's beginning."""
    if repeat.get("timeOfDay") or repeat.get("when") or repeat.get("periodUnit") not in ("h", "min"):
        return None
    hours = float(repeat.get("period") or 1) * _UNITS[repeat["periodUnit"]] / max(1, int(repeat.get("frequency") or 1))
    return None if hours >= 1 and 24 % hours == 0 else max(hours, 0.25)


def _clocks(repeat: Mapping[str, Any]) -> tuple[time, ...]:
    """The hours of a day on which something is due."""
    if fixed := repeat.get("timeOfDay"):
        return tuple(sorted(time.fromisoformat(str(t)) for t in fixed))
    if events := repeat.get("when"):
        shift = timedelta(minutes=int(repeat.get("offset") or 0))
        out = []
        for code in (m for e in events for m in MEALS.get(e, (e,))):
            at = datetime.combine(date(2000, 1, 2), WHEN.get(code, time(8)))
            out.append((at - shift if code[:2] in ("AC",) else at + shift).time())
        return tuple(sorted(set(out)))
    often, period, unit = int(repeat.get("frequency") or 1), float(repeat.get("period") or 1), repeat.get("periodUnit")
    if unit in ("h", "min"):
        every = round(period * _UNITS[str(unit)] / often)
        return EVERY.get(every) or HOURS.get(24 // every, HOURS[1])
    if unit == "d" and period < 1:
        often, period = round(often / period), 1
    if unit == "d" and often > 1:
        return HOURS.get(often) or tuple(time(h) for h in range(0, 24, max(1, 24 // often)))
    return HOURS[1]


def _days(repeat: Mapping[str, Any], bounds: _Bounds, until: datetime) -> Iterator[date]:
    """The days on which something is due, from the order's first."""
    first, last = clock.local(bounds.begin).date(), clock.local(until).date()
    step, unit = max(1, round(float(repeat.get("period") or 1))), repeat.get("periodUnit")
    wanted = set(repeat.get("dayOfWeek") or ())
    often = max(1, int(repeat.get("frequency") or 1))
    for n in range(min((last - first).days + 1, LONGEST * 3)):
        day = first + timedelta(days=n)
        if wanted:
            due = DAYS[day.weekday()] in wanted
        elif unit == "wk":
            due = n % max(1, round(7 * step / often)) == 0
        elif unit == "mo":
            due = day.day == min(first.day, 28) and ((day.year - first.year) * 12 + day.month - first.month) % step == 0
        elif unit == "d" and step > 1:
            due = n % step == 0
        else:
            due = True
        if due:
            yield day
