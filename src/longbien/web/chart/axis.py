"""The chart's time axis: one continuous line at three speeds, and time -> percent on it.

Five years take 30 % of the width, this stay 40 %, the last 24 hours 30 %. Somebody who is not in hospital has two speeds:
five years 58 %, the last three months 42 %. A life whose events all lie further back is drawn whole. One speed can be
widened to everything (`span`)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from ...base.clock import local
from ...base.words import Words, mark

SPANS = ("all", "life", "years", "stay", "day")
TITLES = {
    "all": mark("Together"),
    "life": mark("Whole life"),
    "years": mark("5 years"),
    "stay": mark("This stay"),
    "day": mark("24 hours"),
    "months": mark("3 months"),
}

FIVE_YEARS = timedelta(days=5 * 365 + 1)
DAY = timedelta(days=1)
MONTHS = timedelta(days=91)


@dataclass(frozen=True, slots=True)
class Segment:
    """From `start` to `end` drawn between `left` and `right` percent. `kind` is one of TITLES."""

    kind: str
    start: datetime
    end: datetime
    left: float
    right: float


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Axis:
    segments: tuple[Segment, ...]
    now: datetime
    look: datetime | None = None

    def x(self, t: datetime) -> float:
        """Percent from the left, two decimals; before the start 0, after the end 100. Monotone."""
        for s in self.segments:
            if t <= s.end:
                if t <= s.start:
                    return s.left
                return round(s.left + (s.right - s.left) * ((t - s.start) / (s.end - s.start)), 2)
        return 100.0

    def xs(self, times: Sequence[datetime]) -> list[float]:
        """x of many ascending moments, several times faster: unrounded."""
        out: list[float] = []
        i, n = 0, len(times)
        for s in self.segments:
            begin, wide = s.start.timestamp(), s.end.timestamp() - s.start.timestamp()
            slope = (s.right - s.left) / wide
            before, j = bisect_left(times, s.start, i), bisect_right(times, s.end, i)
            out += [s.left] * (before - i)
            out += [s.left + (t.timestamp() - begin) * slope for t in times[before:j]]
            i = j
        return out + [100.0] * (n - i)

    @property
    def start(self) -> datetime:
        return self.segments[0].start

    @property
    def end(self) -> datetime:
        return self.segments[-1].end

    @property
    def look_x(self) -> float:
        return self.x(self.look) if self.look else 100.0

    def shows(self, t: datetime) -> bool:
        return self.start <= t

    def cuts(self) -> list[float]:
        """Where one speed ends and the next begins."""
        return [s.left for s in self.segments[1:]]

    def ticks(self, w: Words) -> list[Tick]:
        found: list[Tick] = []
        for s in self.segments:
            found += _ticks(self, s, w)
        kept: list[Tick] = []
        for tick in found:  # a tick needs room for its label: about 4 % of a plot 540 px wide
            if not kept or tick.x - kept[-1].x >= 3.6:
                kept.append(tick)
        return [t for t in kept if t.x <= 98.5]


def joined(now: datetime, first: datetime | None, last: datetime | None, stay: datetime | None, look: datetime | None) -> Axis:
    """The axis that answers most: all aware moments. `first` and `last` event of the life, `stay` = admission of the open
    stay. Falls back to the whole life when nothing happened in five years."""
    pad = timedelta(hours=2)
    if stay is not None and stay < now:
        since = now - FIVE_YEARS
        if stay <= now - 2 * DAY:
            cut = now - DAY
            return Axis(
                (
                    Segment("years", since, max(stay, since), 0, 30),
                    Segment("stay", max(stay, since), cut, 30, 70),
                    Segment("day", cut, now + pad, 70, 100),
                ),
                now,
                look,
            )
        return Axis((Segment("years", since, stay, 0, 45), Segment("stay", stay, now + pad, 45, 100)), now, look)
    if last is None or last < now - FIVE_YEARS:
        return widened("life", now, first, stay, look)
    return Axis(
        (
            Segment("years", now - FIVE_YEARS, now - MONTHS, 0, 58),
            Segment("months", now - MONTHS, now + timedelta(days=3), 58, 100),
        ),
        now,
        look,
    )


def widened(span: str, now: datetime, first: datetime | None, stay: datetime | None, look: datetime | None) -> Axis:
    """One speed over the whole width. A stay that is not there is the last three months."""
    if span == "day":
        start, end, kind = now - DAY, now + timedelta(hours=1), "day"
    elif span == "stay" and stay is not None:
        start, end, kind = stay, now + max((now - stay) / 40, timedelta(minutes=30)), "stay"
    elif span == "stay":
        start, end, kind = now - MONTHS, now + timedelta(days=2), "months"
    elif span == "life":
        start = min(first or now - FIVE_YEARS, now - timedelta(days=365))
        end, kind = now + (now - start) / 60, "life"
    else:
        start, end, kind = now - FIVE_YEARS, now + timedelta(days=30), "years"
    return Axis((Segment(kind, start, end, 0, 100),), now, look)


def choose(
    span: str, now: datetime, first: datetime | None, last: datetime | None, stay: datetime | None, look: datetime | None
) -> Axis:
    """`span` is one of SPANS; anything else is "all"."""
    if span in SPANS and span != "all":
        return widened(span, now, first, stay, look)
    return joined(now, first, last, stay, look)


_STEPS = (1, 2, 5, 10, 20, 50)


def _ticks(axis: Axis, s: Segment, w: Words) -> list[Tick]:
    """Round moments inside a segment, about one for every 6 % of width, labelled by what changes between them."""
    room = max(1, int((s.right - s.left) / 5.5))
    length = s.end - s.start
    days = length.total_seconds() / 86400
    a, b = local(s.start), local(s.end)
    marks: list[tuple[datetime, str]] = []
    if days > 500:
        step = next((n for n in _STEPS if days / 365 / n <= room), 100)
        marks = [
            (
                a.replace(year=y, month=1, day=1, hour=0, minute=0, second=0, microsecond=0),
                f"’{y % 100:02d}" if days < 4000 else str(y),
            )
            for y in range(a.year + 1, b.year + 1)
            if y % step == 0
        ]
    elif days > 70:
        step = next((n for n in (1, 2, 3, 6) if days / 30 / n <= room), 12)
        first = a.year * 12 + a.month  # months counted from year 0, January = 0
        for m in range(first, b.year * 12 + b.month):
            if m % step == 0:
                at = a.replace(year=m // 12, month=m % 12 + 1, day=1, hour=0, minute=0, second=0, microsecond=0)
                marks.append((at, f"{at:%m/%y}" if step >= 6 or m % 12 == 0 else f"{at:%d/%m}"))
    elif days > 2:
        step = next((n for n in (1, 2, 4, 7, 14) if days / n <= room), 28)
        midnight = a.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
        while midnight < b:
            if (midnight.date() - a.date()).days % step == 0 or step == 1:
                marks.append((midnight, f"{midnight:%d/%m}" if midnight.day == 1 else f"{midnight.day}"))
            midnight += DAY
    else:
        hours = days * 24
        step = next((n for n in (1, 2, 3, 6) if hours / n <= room), 12)
        hour = a.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        while hour < b:
            if hour.hour % step == 0:
                marks.append((hour, w("%(n)sh", n=hour.hour)))
            hour += timedelta(hours=1)
    return [Tick(axis.x(t), label) for t, label in marks if s.start < t <= s.end]


def monotone(axis: Axis) -> bool:
    """Does the axis run without a gap or a step back? (For tests.)"""
    return all(p.end == q.start and p.right == q.left for p, q in pairwise(axis.segments))
