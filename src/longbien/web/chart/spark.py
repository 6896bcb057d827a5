"""Sparklines drawn by the server: one SVG that stretches to any width (strokes keep theirs), with the reference band;
marks of values outside it and the labels are HTML, so that they keep their shape.

Many points: at most two (lowest and highest) are kept in each quarter percent of width, so a line never lies about its
extremes and 10,000 values cost no more than 800."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from ...base.words import Words
from .axis import Axis

BUCKET = 0.25  # percent of width: 1.4 px of a plot 560 px wide
DOTS = 60  # more points than this and only the line is drawn
FLAG_GAP = {"cr": 2.4, "up": 1.1, "dn": 1.1}  # percent between two marks of the same kind


@dataclass(frozen=True, slots=True)
class Limits:
    """Reference range and critical limits; None = no limit on that side."""

    low: float | None = None
    high: float | None = None
    critical_low: float | None = None
    critical_high: float | None = None

    def flag(self, value: float) -> str:
        """'' normal, 'up', 'dn', 'cr up', 'cr dn'. A value on the limit of the range is normal; one on the critical limit is
        critical."""
        if self.critical_high is not None and value >= self.critical_high and not self._inside(value):
            return "cr up"
        if self.critical_low is not None and value <= self.critical_low and not self._inside(value):
            return "cr dn"
        if self.high is not None and value > self.high:
            return "up"
        if self.low is not None and value < self.low:
            return "dn"
        return ""

    def _inside(self, value: float) -> bool:
        """A critical limit that equals the range's own edge does not make the edge critical."""
        return self.low is not None and self.high is not None and self.low <= value <= self.high


Point = tuple[float, float]  # (percent, value)


def thin(points: Sequence[Point], bucket: float = BUCKET) -> list[Point]:
    """Points in time order; at most the lowest and the highest of every bucket are kept, in their order."""
    if len(points) < 2 * 100 / bucket / 4:
        return list(points)
    out: list[Point] = []
    i, n = 0, len(points)
    while i < n:
        slot = int(points[i][0] / bucket)
        j = low = high = i
        while j < n and int(points[j][0] / bucket) == slot:
            if points[j][1] < points[low][1]:
                low = j
            if points[j][1] > points[high][1]:
                high = j
            j += 1
        out += [points[k] for k in sorted({low, high})]
        i = j
    if out[-1] != points[-1]:
        out.append(points[-1])
    return out


#: The least part of the reference range that fills a row: less would magnify noise, more would draw every life flat.
CALM = 0.6


def window(values: Sequence[float], limits: Limits) -> tuple[float, float]:
    """The lowest and the highest value that a row shows. What moves is shown large; what hardly moves stays calm, because at least
    CALM of the reference range (of a tenth of the limit, where there is one only) is in view. An edge of the range near the values
    is in view too, so that one sees how far it is."""
    low, high = min(values), max(values)
    if limits.low is not None and limits.high is not None:
        least = (limits.high - limits.low) * CALM
    else:
        edge = limits.low if limits.low is not None else limits.high
        least = abs(edge) * 0.1 if edge is not None else max(abs(low) * 0.06, 0.1)
    if high - low < least:
        middle = (low + high) / 2
        low, high = middle - least / 2, middle + least / 2
    near, rim = (high - low) * 0.6, (high - low) * 0.12
    bottom, top = low, high
    for edge in (limits.low, limits.high):
        if edge is not None and bottom - near <= edge < bottom + rim:
            low = min(low, edge - rim)
        elif edge is not None and top - rim < edge <= top + near:
            high = max(high, edge + rim)
    return low, high


def scale(values: Sequence[float], limits: Limits, height: float, pad: float = 4) -> Callable[[float], float]:
    """value -> y, within `window`."""
    low, high = window(values, limits)
    wide = (high - low) or 1.0

    def y(value: float) -> float:
        return round(pad + (height - 2 * pad) * (1 - (min(max(value, low), high) - low) / wide), 1)

    return y


def _n(value: float) -> str:
    return f"{value:g}"


def _band(y: Callable[[float], float], limits: Limits, height: float) -> str:
    if limits.low is None and limits.high is None:
        return ""
    top = y(limits.high) if limits.high is not None else 0.0
    bottom = y(limits.low) if limits.low is not None else height
    if limits.high is not None and top <= y(float("inf")) and limits.low is not None:
        top = 1.5  # the range goes on above what is in view; a rim keeps the rows apart
    if limits.low is not None and bottom >= y(float("-inf")) and limits.high is not None:
        bottom = height - 1.5
    return f'<rect class="band" width="100" y="{_n(top)}" height="{_n(max(round(bottom - top, 1), 1))}"/>'


def spark(
    axis: Axis,
    times: Sequence[datetime],
    values: Sequence[float],
    limits: Limits,
    w: Words,
    *,
    decimals: int | None = None,
    height: float = 32,
    labels: bool = True,
) -> Markup:
    """The plot of one series on the axis; times ascending. Values before the axis are left out (the row says how many)."""
    skip = bisect_left(times, axis.start)
    points = thin(list(zip(axis.xs(times[skip:]), values[skip:], strict=True)))
    if not points:
        return Markup("")
    y = scale([v for _, v in points], limits, height)
    placed = [(round(x, 2), y(v), float(v), limits.flag(v)) for x, v in points]
    svg = [f'<svg class="spark" viewBox="0 0 100 {_n(height)}" preserveAspectRatio="none" aria-hidden="true">']
    svg.append(_band(y, limits, height))
    if len(placed) > 1:
        svg.append('<path d="M' + "L".join(f"{_n(x)},{_n(b)}" for x, b, _, _ in placed) + '"/>')
    quiet = [(x, b) for x, b, _, flag in placed if not flag]
    last_quiet = not placed[-1][3]
    if len(placed) <= DOTS and quiet:
        dots = quiet[:-1] if last_quiet else quiet
        if dots:
            svg.append('<path class="pt" d="' + "".join(f"M{_n(x)},{_n(b)}h0" for x, b in dots) + '"/>')
    if last_quiet:
        svg.append(f'<path class="pt last" d="M{_n(placed[-1][0])},{_n(placed[-1][1])}h0"/>')
    svg.append("</svg>")
    svg += _flags(placed, height)
    if labels and len(placed) > 1:
        svg += _labels(placed, height, w, decimals)
    return Markup("".join(svg))  # noqa: S704 - made of our own numbers


Placed = tuple[float, float, float, str]


def _flags(placed: Sequence[Placed], height: float) -> list[str]:
    """Marks of values outside the range. Crowded ones of a kind give way to the most extreme; the last always stays."""
    kept: list[Placed] = []
    for p in placed:
        if not p[3]:
            continue
        near = kept[-1] if kept else None
        if near and near[3] == p[3] and p[0] - near[0] < FLAG_GAP[p[3][:2]] and p is not placed[-1]:
            if (p[2] > near[2]) == p[3].endswith("up"):
                kept[-1] = p
        else:
            kept.append(p)
    return [
        f'<i class="pin {"cr" if flag[:2] == "cr" else flag}" style="left:{_n(x)}%;top:{b / height * 100:.0f}%"></i>'
        for x, b, _, flag in kept
    ]


def _labels(placed: Sequence[Placed], height: float, w: Words, decimals: int | None) -> list[str]:
    """The first, lowest and highest values get their number, where they do not crowd each other or the last point (which
    stands in the right column). A high point is named below, a low one above: no headroom lost."""
    last = placed[-1]
    wanted = [max(placed, key=lambda p: p[2]), min(placed, key=lambda p: p[2])]
    if len(placed) <= DOTS:
        wanted.append(placed[0])
    taken: list[float] = [last[0]]
    out: list[str] = []
    for x, b, v, _ in wanted:
        if x < 2.5 or x > 96 or any(abs(x - t) < 7 for t in taken):
            continue
        taken.append(x)
        under = " under" if b < height / 2 else ""
        out.append(f'<span class="v{under}" style="left:{_n(x)}%;top:{b / height * 100:.0f}%">{w.number(v, decimals)}</span>')
    return out


Pressure = tuple[datetime, float, float]


def pressure(axis: Axis, readings: Sequence[Pressure], limits: Limits, *, height: float = 32) -> Markup:
    """Blood pressure as bars from systolic to diastolic over the band, in the order of time; crowded readings become one bar of
    their extremes.
    `limits` are the systolic's: high ones are drawn in the abnormal hue and thicker."""
    bars: list[list[float]] = []
    shown = readings[bisect_left(readings, axis.start, key=lambda r: r[0]) :]
    edge = -1.0
    for place, (_, sys_, dia) in zip(axis.xs([t for t, _, _ in shown]), shown, strict=True):
        if place < edge:
            bar = bars[-1]
            if sys_ > bar[1]:
                bar[1] = sys_
            if dia < bar[2]:
                bar[2] = dia
        else:
            x = round(place, 2)
            bars.append([x, sys_, dia])
            edge = x + 0.55
    if not bars:
        return Markup("")
    high = limits.high or 140
    y = scale([*(b[1] for b in bars), *(b[2] for b in bars)], Limits(60, high), height, 2)
    out = [f'<svg class="spark" viewBox="0 0 100 {_n(height)}" preserveAspectRatio="none" aria-hidden="true">']
    out.append(_band(y, Limits(60, high), height))
    for cls, chosen in (("bp", [b for b in bars if b[1] < 140]), ("bp hi", [b for b in bars if b[1] >= 140])):
        if chosen:
            d = "".join(f"M{_n(x)},{_n(y(s))}V{_n(y(di))}" for x, s, di in chosen)
            out.append(f'<path class="{cls}" d="{d}"/>')
    return Markup("".join(out) + "</svg>")  # noqa: S704 - made of our own numbers
