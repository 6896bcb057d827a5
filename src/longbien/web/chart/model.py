"""The whole chart as a view-model: every text ready in one language, every plot drawn, nothing left to compute in the
template. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial

from markupsafe import Markup

from ...base.clock import local
from ...base.words import Words
from . import axis as axes
from . import bars, measures, pins
from .record import Life, Note, Series, Visit, initials, pregnancy, short_place
from .since import ALARM, FIRST_LOOK, Measured, News, news
from .spark import Limits, pressure, spark

#: How many rows of laboratory tests and drugs the overview holds; the rest is counted and one key away.
LABS, DRUGS = 8, 8
#: A chart of fewer rows than this leaves room: its newest notes stand below the axis.
FULL, SPARE = 19, 4


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the axis. `flag`: css classes of the latest value's flag, or ""."""

    key: str
    name: str
    unit: str
    plot: Markup
    value: str
    flag: str
    delta: str
    label: str  # the row in one sentence, for screen readers
    count: int
    hidden: int = 0  # values before the axis
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stay:
    left: float
    width: float
    text: str
    place: str
    id: str
    place_name: str = ""


@dataclass(slots=True)
class Chart:
    axis: axes.Axis
    span: str
    ticks: list[axes.Tick]
    news: list[News]
    look: datetime
    first_time: bool
    visits: list[pins.Pin]
    stays: list[Stay]
    images: list[pins.Pin]
    notes: list[pins.Pin]
    vitals: list[Row]
    labs: list[Row]
    drugs: list[tuple[bars.DrugRow, list[bars.Bar]]]
    places: list[tuple[str, str]]
    stay: Visit | None
    day_of_stay: int
    counts: dict[str, int]
    more_labs: int
    more_drugs: int
    earlier: int  # visits before the axis
    facts: dict[str, tuple[str, str, str]] = field(default_factory=dict)  # weight, egfr: (value, unit, change or flag)
    latest: list[Note] = field(default_factory=list)  # the newest notes in full, where the screen has room for them
    pregnant: str = ""


def _plain(t: datetime | date) -> date:
    return local(t).date() if isinstance(t, datetime) else t


def age_days(birth: str, at: datetime) -> int:
    parts = [int(p) for p in birth[:10].split("-")] if birth else []
    if not parts:
        return 40 * 365  # an unknown age is read with adult ranges
    return (local(at).date() - date(parts[0], parts[1] if len(parts) > 1 else 7, parts[2] if len(parts) > 2 else 1)).days


def _decimals(values: Iterable[float]) -> int:
    """The decimals that the last values were written with, at most two."""
    most = 0
    for v in values:
        text = f"{v:.2f}".rstrip("0")
        most = max(most, len(text) - text.index(".") - 1)
    return most


def measured(s: Series, life: Life, now: datetime, w: Words) -> Measured:
    """Name, limits and decimals of a series. The range that came with the result wins; the catalogue's holds only in its own
    unit."""
    m = measures.table().get(s.code) if s.system in (measures.LOINC, measures.SCORE, "") else None
    name = measures.SHORT.get(s.code, {}).get(w.lang) or (m.name(w.lang) if m else (s.name or s.code))
    limits = Limits(s.low, s.high)
    same_unit = m is not None and s.unit in (m.ucum, m.unit, "")
    if m and same_unit:
        band = m.band(life.person.sex, age_days(life.person.birth, now))
        if band:
            if s.low is None and s.high is None:
                limits = Limits(band.low, band.high, band.critical_low, band.critical_high)
            else:
                limits = Limits(s.low, s.high, band.critical_low, band.critical_high)
    decimals = m.decimals if m and same_unit else _decimals(s.values[-5:])
    unit = m.unit if m and same_unit else measures.printed(s.unit)
    if unit == "/min":
        unit = w("/min")
    elif len(unit) > 9:
        unit = unit.split("/1")[0]
    shown = Series(s.system, s.code, unit, s.times, s.values, s.ids, s.updated, s.name, s.low, s.high)
    vital = (m.group == "vital") if m else False
    return Measured(shown, name, limits, decimals, vital)


def _calm(flag: str, time: datetime, vital: bool, now: datetime) -> str:
    """A critical value that is history is no call to act: it keeps its arrow and loses the red fill."""
    old = now - time > (FIRST_LOOK if vital else ALARM)
    return flag.removeprefix("cr ") if old else flag


def _row(m: Measured, axis: axes.Axis, w: Words, now: datetime, height: float = 32, labels: bool = False) -> Row:
    s = m.series
    value, flag = s.values[-1], _calm(m.limits.flag(s.values[-1]), s.times[-1], m.vital, now)
    text = w.number(value, m.decimals)
    delta = ""
    if len(s.values) > 1:
        before = s.values[-2]
        if abs(value) >= 1000 and before:
            delta = w.signed(round((value - before) / before * 100)) + "\u202f%"
        else:
            step = round(value - before, m.decimals if m.decimals is not None else 6)
            delta = w.signed(step, m.decimals) if step else "0"
    css = {"": "", "up": "flag", "dn": "flag lo", "cr up": "flag crit", "cr dn": "flag crit lo"}[flag]
    words_ = {"": "", "up": w("high"), "dn": w("low"), "cr up": w("critical, high"), "cr dn": w("critical, low")}[flag]
    label = ", ".join(
        x
        for x in (
            f"{m.name} {text} {s.unit}".strip(),
            words_,
            w("change %(delta)s", delta=delta) if delta else "",
            w.moment(s.times[-1], now),
            w.plural("%(n)s value", "%(n)s values", len(s.values)),
        )
        if x
    )
    plot = spark(axis, s.times, s.values, m.limits, w, decimals=m.decimals, height=height, labels=labels)
    hidden = bisect_left(s.times, axis.start)
    return Row(s.code, m.name, s.unit, plot, text, css, delta, label, len(s.values), hidden)


def _pressure_row(sys_: Series, dia: Series | None, life: Life, axis: axes.Axis, w: Words, now: datetime) -> Row:
    if dia and dia.times == sys_.times:  # as it is nearly always: nothing to look up
        readings = list(zip(sys_.times, sys_.values, dia.values, strict=True))
    else:
        below = dict(zip(dia.times, dia.values, strict=True)) if dia else {}
        readings = [(t, v, below[t]) for t, v in zip(sys_.times, sys_.values, strict=True) if t in below]
    m = measured(sys_, life, now, w)
    last = sys_.times[-1]
    low = w.number(readings[-1][2], 0) if readings and readings[-1][0] == last else "–"
    text = f"{w.number(sys_.values[-1], 0)}/{low}"
    flag = _calm(m.limits.flag(sys_.values[-1]), last, True, now)
    css = {"": "", "up": "flag", "dn": "flag lo", "cr up": "flag crit", "cr dn": "flag crit lo"}[flag]
    label = ", ".join(
        (w("Blood pressure") + f" {text} mmHg", w.moment(last, now), w.plural("%(n)s value", "%(n)s values", len(sys_.values)))
    )
    return Row(
        "bp",
        w("Blood pressure"),
        "mmHg",
        pressure(axis, readings, m.limits),
        text,
        css,
        "",
        label,
        len(sys_.times),
        bisect_left(sys_.times, axis.start),
    )


def merged(series: Sequence[Series]) -> list[Series]:
    """Series of one measure in one unit under several codes become one, in time order; equal moments keep the first."""
    by: dict[tuple[str, str, str], list[Series]] = {}
    for s in series:
        if s.times:
            by.setdefault((s.system, measures.SAME.get(s.code, s.code), s.unit), []).append(s)
    out = []
    for (system, code, unit), group in by.items():
        if len(group) == 1:
            s = group[0]
            out.append(Series(system, code, unit, s.times, s.values, s.ids, s.updated, s.name, s.low, s.high))
            continue
        rows: dict[datetime, tuple[float, str, datetime | None]] = {}
        for s in group:
            for i, t in enumerate(s.times):
                rows.setdefault(t, (s.values[i], s.ids[i] if s.ids else "", s.updated[i] if s.updated else None))
        times = sorted(rows)
        ids = [rows[t][1] for t in times]
        ups = [u for t in times if (u := rows[t][2]) is not None]
        out.append(
            Series(
                system,
                code,
                unit,
                times,
                [rows[t][0] for t in times],
                ids if all(ids) else [],
                ups if len(ups) == len(times) else [],
                group[0].name,
                group[0].low,
                group[0].high,
            )
        )
    return out


def interest(m: Measured, now: datetime, look: datetime) -> tuple[int, float, int]:
    """What is shown first among laboratory rows (smallest first): the abnormal of the last months, then the recent, then the
    often measured."""
    last = m.series.times[-1]
    flag = m.limits.flag(m.series.values[-1])
    recent = now - last < timedelta(days=180)
    known = m.series.code in LAB_ORDER
    rank = (
        0
        if flag[:2] == "cr" and recent
        else 1
        if flag and recent and known
        else 2
        if recent and known
        else 3
        if flag and recent
        else 4
    )
    return rank, -round(last.timestamp() / 86400), -len(m.series.values)


#: These stand together and in this order whenever they are shown: what changes a dose, then what an internist scans.
LAB_ORDER = (
    "14682-9",
    "2160-0",
    "98979-8",
    "33914-3",
    "2823-3",
    "2951-2",
    "14771-0",
    "2339-0",
    "4548-4",
    "718-7",
    "6690-2",
    "777-3",
    "1988-5",
)


def build(life: Life, w: Words, now: datetime, look: datetime | None = None, span: str = "all") -> Chart:
    """The chart of a life. `look`: when this reader last saw it (None: never). Aware moments."""
    visits = sorted(life.visits, key=lambda v: v.start)
    stay = next((v for v in reversed(visits) if v.open and v.inpatient), None)
    series = merged(life.series)
    everything = [t for s in series for t in (s.times[0], s.times[-1])] + [v.start for v in visits]
    everything += [o.start for o in life.drugs] + [n.time for n in life.notes]
    first, last = (min(everything), max(everything)) if everything else (None, None)
    since = look or now - FIRST_LOOK
    axis = axes.choose(span, now, first, last, stay.start if stay else None, since)

    all_measured = [measured(s, life, now, w) for s in series if s.code not in measures.BP_PANEL]
    by_code = {m.series.code: m for m in all_measured}
    vitals, labs, more_labs = _rows(series, all_measured, by_code, life, axis, w, now, since)
    drug_rows = bars.rows(life.drugs, now)
    shown = [r for r in drug_rows if r.active or now - r.last < timedelta(days=365)][:DRUGS] or drug_rows[:3]
    stays, pinned = _visits(visits, axis, w, since)
    places: dict[str, str] = {}
    for v in reversed(visits):  # the latest first: they are the ones that are named where there is no room for all
        if axis.shows(v.end or now):
            places.setdefault(initials(v.place_name), short_place(v.place_name))
    images = sorted(life.images, key=lambda i: i.time)
    notes = sorted(life.notes, key=lambda n: n.time)
    chart = Chart(
        axis,
        span if span in axes.SPANS else "all",
        axis.ticks(w),
        news(life, all_measured, drug_rows, since, now, w)
        if look
        else news(_as_happened(life), [_untold(m) for m in all_measured], drug_rows, since, now, w),
        since,
        look is None,
        pinned,
        stays,
        pins.gather([(i.time, f"{i.type}/{i.id}", i.modality, i.title) for i in images if axis.shows(i.time)], axis.xs, 4.8, since),
        pins.gather([(n.time, f"{n.type}/{n.id}", "", n.title) for n in notes if axis.shows(n.time)], axis.xs, 1.8, since),
        vitals,
        labs,
        [(r, bars.draw(r, axis, stay.start if stay else None)) for r in shown],
        list(places.items())[:6],
        stay,
        (_plain(now) - _plain(stay.start)).days + 1 if stay else 0,
        {
            "labs": sum(len(s.times) for s in series if not _is_vital(s, by_code)),
            "vitals": sum(len(s.times) for s in series if _is_vital(s, by_code)),
            "drugs": len(life.drugs),
            "notes": len(life.notes),
            "images": len(life.images),
            "visits": len(life.visits),
        },
        more_labs,
        len(drug_rows) - len(shown),
        sum(1 for v in visits if not axis.shows(v.end or now)),
    )
    chart.facts = _facts(by_code, w)
    chart.latest = sorted(life.notes, key=lambda n: n.time, reverse=True)[:SPARE] if _rows_drawn(chart) < FULL else []
    chart.pregnant = pregnancy(life.problems, now) if life.person.sex != "male" else ""
    return chart


def _rows_drawn(chart: Chart) -> int:
    return len(chart.vitals) + len(chart.labs) + len(chart.drugs) + (len(chart.news) + 1) // 2


def _untold(m: Measured) -> Measured:
    """The same without when the record learned of it: whoever never looked is shown what happened, not what was stored."""
    s = m.series
    return Measured(
        Series(s.system, s.code, s.unit, s.times, s.values, s.ids, [], s.name, s.low, s.high), m.name, m.limits, m.decimals, m.vital
    )


def _as_happened(life: Life) -> Life:
    return replace(
        life,
        notes=[replace(n, updated=None) for n in life.notes],
        images=[replace(i, updated=None) for i in life.images],
        problems=[replace(p, updated=None) for p in life.problems],
        allergies=[replace(a, updated=None) for a in life.allergies],
    )


def _is_vital(s: Series, by_code: dict[str, Measured]) -> bool:
    m = by_code.get(s.code)
    return bool(m and m.vital) or s.code in (measures.SYSTOLIC, measures.DIASTOLIC)


def _rows(
    series: Sequence[Series],
    all_measured: Sequence[Measured],
    by_code: dict[str, Measured],
    life: Life,
    axis: axes.Axis,
    w: Words,
    now: datetime,
    look: datetime,
) -> tuple[list[Row], list[Row], int]:
    own = {s.code: s for s in series}
    vitals: list[Row] = []
    if sys_ := own.get(measures.SYSTOLIC):
        vitals.append(_pressure_row(sys_, own.get(measures.DIASTOLIC), life, axis, w, now))
    vitals += [_row(by_code[c], axis, w, now, 36) for c in measures.VITALS if c in by_code]
    labs = sorted((m for m in all_measured if not m.vital), key=lambda m: interest(m, now, look))
    chosen = labs[:LABS]
    order = {c: i for i, c in enumerate(LAB_ORDER)}
    chosen.sort(key=lambda m: (order.get(m.series.code, 99), m.name))
    return vitals, [_row(m, axis, w, now, 36, True) for m in chosen], len(labs) - len(chosen)


def all_rows(life: Life, w: Words, now: datetime, axis: axes.Axis) -> list[Row]:
    """Every series as a row: the laboratory tab."""
    found = [measured(s, life, now, w) for s in merged(life.series) if s.code not in measures.BP_PANEL]
    return [_row(m, axis, w, now) for m in sorted(found, key=lambda m: (m.vital, interest(m, now, now)))]


KIND = {"EMER": "ED", "IMP": "In", "ACUTE": "In", "AMB": "Out"}


def _visits(visits: Sequence[Visit], axis: axes.Axis, w: Words, look: datetime) -> tuple[list[Stay], list[pins.Pin]]:
    """Stays wide enough to be seen as bars; everything else as marks."""
    stays: list[Stay] = []
    marks: list[tuple[datetime, str, str, Visit]] = []
    for v in visits:
        end = v.end or axis.now
        if end < axis.start:
            continue
        mark = initials(v.place_name)
        left = axis.x(v.start) if v.inpatient else 0.0
        width = round((axis.x(end) if not v.open else 100.0) - left, 2) if v.inpatient else 0.0
        if width >= 2.5:
            text = ", ".join(x for x in (v.ward or v.title, v.bed) if x)
            stays.append(Stay(left, width, text, mark, v.id, short_place(v.place_name)))
        else:
            marks.append((max(v.start, axis.start), v.id, mark, v))
    few = len(visits) < 60

    def said(v: Visit, mark: str) -> str:
        return f"{w.date(v.start)} · {v.place_name} · {v.title}" if few else f"{w.date(v.start)} · {mark}"

    items: list[pins.Item] = [(t, i, m, partial(said, v, m)) for t, i, m, v in marks]
    marks_ = pins.gather(sorted(items, key=lambda m: m[0]), axis.xs, 5.2, look)
    return stays, pins.spread(marks_, 5.0, [s.left for s in stays])


def _facts(by_code: dict[str, Measured], w: Words) -> dict[str, tuple[str, str, str]]:
    """What changes a dose: weight and eGFR, for the strip."""
    out: dict[str, tuple[str, str, str]] = {"weight": (), "egfr": ()}  # type: ignore[dict-item]
    if m := by_code.get("29463-7"):
        v = m.series.values
        out["weight"] = (
            w.number(v[-1], m.decimals),
            m.series.unit,
            w.signed(round(v[-1] - v[-2], 1), 1) if len(v) > 1 and v[-1] != v[-2] else "",
        )
    for code in ("98979-8", "33914-3"):
        if code in by_code and not out["egfr"]:
            m = by_code[code]
            flag = m.limits.flag(m.series.values[-1])
            low = "flag lo" if m.series.values[-1] < 60 else ""
            out["egfr"] = (w.number(m.series.values[-1], 0), m.series.unit, low or ("" if not flag else "lo"))
    return out
