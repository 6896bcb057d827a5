"""Since you last looked: what a reader who was here before has not seen. Critical results stay until somebody acknowledges
them, however often the chart is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...base.words import Words
from . import bars
from .measures import DIASTOLIC, SYSTOLIC, VITALS
from .record import Life, Series, Taken
from .spark import Limits

#: Who never opened this chart is shown the last day.
FIRST_LOOK = timedelta(hours=24)
#: What comes into the record later than this after it happened is no news.
LATE = timedelta(days=3)
#: A critical value older than this is history, not an alarm.
ALARM = timedelta(days=7)
#: So many normal results are told one by one.
NORMAL = 3


@dataclass(frozen=True, slots=True)
class News:
    """`kind`: result, vitals, drug, note, image, pending, allergy, problem.
    `level`: critical, abnormal, wait or "". `flag`: css class of
    the flag. `ack`: the ids of the Observations to acknowledge, joined by
    commas."""

    kind: str
    level: str
    title: str
    text: str
    time: datetime
    who: str = ""
    flag: str = ""
    ack: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """A series with its name, limits and decimals, as the chart shows them."""

    series: Series
    name: str
    limits: Limits
    decimals: int | None
    vital: bool


def is_new(time: datetime, updated: datetime | None, look: datetime) -> bool:
    """New = the record learned of it after the last look, and it did not happen long before (what was imported late is history,
    not news). Where it is not known when the record learned of it, it happened after the look."""
    return (updated or time) > look and time > look - LATE


def news(
    life: Life, measured: Sequence[Measured], drugs: Sequence[bars.DrugRow], look: datetime, now: datetime, w: Words
) -> list[News]:
    """Critical first, then newest first. drugs: the rows of the life's drugs."""
    out: list[News] = []
    for m in measured:
        out += _results(m, life.acknowledged, look, now, w)
    out += _vitals(measured, look, now, w)
    for row in drugs:
        last = row.courses[-1]
        changed = last.end if last.end is not None and last.stopped else last.start
        if look < changed <= now:
            before = row.courses[-2].dose if len(row.courses) > 1 and not last.stopped else ""
            text = w("stopped") if last.stopped and last.end else (f"{before} → {last.dose}" if before else last.dose)
            author = next((o.author for o in life.drugs if o.id == last.ids[-1]), "")
            out.append(News("drug", "", row.name, text, changed, author))
    for n in life.notes:
        if is_new(n.time, n.updated, look):
            out.append(News("note", "", n.title or w("Note"), n.words[:240], n.time, n.author, href=f"{n.type}/{n.id}"))
    for i in life.images:
        if is_new(i.time, i.updated, look):
            out.append(News("image", "", i.title or i.modality, "" if i.read else w("unread"), i.time, href=f"{i.type}/{i.id}"))
    for a in life.allergies:
        if a.recorded and is_new(a.recorded, a.updated, look):
            out.append(News("allergy", "abnormal", w("Allergy: %(what)s", what=a.substance), a.reaction, a.recorded))
    for p in life.problems:
        if p.active and p.recorded and is_new(p.recorded, p.updated, look):
            out.append(News("problem", "", p.name, p.code, p.recorded))
    for q in life.pending:
        if q.due < now:
            late = w("%(span)s overdue", span=w.span(now - q.due))
            out.append(News("pending", "wait", q.title, late, q.due, q.owner))
    return sorted(_quiet(out, w), key=_urgency)


def _urgency(n: News) -> tuple[int, float]:
    """What nobody has acknowledged; then critical values that somebody has, and what is overdue; normal results last; each newest
    first."""
    quiet = n.kind == "result" and not n.level
    urgent = n.flag.startswith("crit") or n.level == "wait"
    return 0 if n.level == "critical" else 1 if urgent else 3 if quiet else 2, -n.time.timestamp()


def _quiet(found: list[News], w: Words) -> list[News]:
    """Normal results beyond the first few become one line that names them."""
    normal = [n for n in found if n.kind == "result" and not n.level]
    if len(normal) <= NORMAL:
        return found
    rest = normal[NORMAL:]
    title = w.plural("%(n)s normal result", "%(n)s normal results", len(rest))
    line = News("result", "", title, ", ".join(n.title for n in rest), max(n.time for n in rest))
    return [n for n in found if n not in rest] + [line]


def _results(m: Measured, acknowledged: Mapping[str, Taken], look: datetime, now: datetime, w: Words) -> list[News]:
    """A laboratory series gives at most one line: its newest unacknowledged critical value of the last days (which stands for
    the earlier ones too), else its newest new value."""
    s = m.series
    if not s.times or m.vital:
        return []
    last = len(s.times) - 1
    alarms: list[int] = []
    for i in range(last, -1, -1):
        if now - s.times[i] > ALARM:
            break
        if m.limits.flag(s.values[i])[:2] == "cr" and s.ids and s.ids[i] not in acknowledged:
            alarms.append(i)
    if alarms:
        return [_result(m, alarms[0], tuple(s.ids[i] for i in alarms[:50]), w)]
    taken = acknowledged.get(s.ids[last]) if s.ids else None
    if is_new(s.times[last], s.updated[last] if s.updated else None, look):
        return [_result(m, last, (), w, taken, now)]
    return []


def _vitals(measured: Sequence[Measured], look: datetime, now: datetime, w: Words) -> list[News]:
    """The new vital signs of the latest round as one line; it is abnormal when one of them is."""
    fresh = [m for m in measured if m.vital and m.series.times and is_new(m.series.times[-1], None, look)]
    if not fresh:
        return []
    latest = max(m.series.times[-1] for m in fresh)
    fresh = [m for m in fresh if latest - m.series.times[-1] < timedelta(hours=1)]
    by = {m.series.code: m for m in fresh}
    said: list[str] = []
    upper, lower = by.pop(SYSTOLIC, None), by.pop(DIASTOLIC, None)
    if upper:
        below = f"/{w.number(lower.series.values[-1], 0)}" if lower else ""
        bp = w("BP")
        said.append(f"{bp} {w.number(upper.series.values[-1], 0)}{below}{_arrow(upper)}")
    order = {code: i for i, code in enumerate(VITALS)}
    for m in sorted(by.values(), key=lambda m: order.get(m.series.code, 99)):
        text = f"{m.name.lower() if m.name[1:].islower() else m.name} {w.number(m.series.values[-1], m.decimals)}"
        said.append(f"{text}\u202f{m.series.unit}{_arrow(m)}" if m.series.unit in ("%", "°C", "kg", "cm") else text + _arrow(m))
    bad = any(m.limits.flag(m.series.values[-1]) for m in fresh)
    return [News("vitals", "abnormal" if bad else "", w("Vital signs"), ", ".join(said), latest)]


def _arrow(m: Measured) -> str:
    flag = m.limits.flag(m.series.values[-1])
    return {"": "", "up": "\u00a0▲", "dn": "\u00a0▼", "cr up": "\u00a0▲▲", "cr dn": "\u00a0▼▼"}[flag]


def _result(
    m: Measured, i: int, alarms: tuple[str, ...], w: Words, taken: Taken | None = None, now: datetime | None = None
) -> News:
    s, value = m.series, m.series.values[i]
    flag = m.limits.flag(value)
    change = ""
    if i:
        before = s.values[i - 1]
        number = w.number(before, m.decimals)
        if value > before:
            change = w("up from %(value)s", value=number)
        elif value < before:
            change = w("down from %(value)s", value=number)
        else:
            change = w("unchanged")
    if len(alarms) > 1:
        change += "; " + w.plural("%(n)s critical value before it", "%(n)s critical values before it", len(alarms) - 1)
    if taken and taken.time and now:
        when = w.moment(taken.time, now)
        change += "; " + (
            w("noted %(when)s, %(name)s", when=when, name=taken.name) if taken.name else w("noted %(when)s", when=when)
        )
    level = "critical" if alarms else ("abnormal" if flag else "")
    css = ("crit " if flag[:2] == "cr" else "") + ("lo" if flag.endswith("dn") else "") if flag else ""
    text = f"{w.number(value, m.decimals)} {s.unit}".strip()
    return News(
        "result", level, f"{m.name} {text}", change, s.times[i], flag=css.strip() or ("hi" if flag else ""), ack=",".join(alarms)
    )
