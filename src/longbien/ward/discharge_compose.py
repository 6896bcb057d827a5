"""The discharge summary made from the record: what was written, measured, done and given in this stay, by the sections of circular
32/2023/TT-BYT part B. Pure; in Vietnamese, for the papers are. It is a beginning that a doctor edits: nothing is judged here, only
gathered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import unescape
from typing import Any

from longbien.base import clock
from longbien.base.words import Words, words
from longbien.web.chart import measures
from longbien.web.chart.model import age_days
from longbien.web.chart.record import Life, Series, Visit
from longbien.web.chart.spark import Limits

VI = words("vi")
MOST_RESULTS, MOST_DAYS = 14, 12
_TAG = re.compile(r"<[^<>]*>")
_PARTED = re.compile(r"</(?:p|div|li|tr|h[1-6])>|<br ?/?>")
PROGRESS = frozenset({"11506-3"})
ADMISSION = frozenset({"34117-2"})
SUBJECTIVE = frozenset({"10164-2"})


@dataclass(frozen=True, slots=True)
class Extreme:
    """A measured quantity over the stay. `score`: how far outside its range the worst value lies, in widths of the range."""

    name: str
    unit: str
    decimals: int
    first: float
    last: float
    worst: float
    worst_at: datetime
    score: float
    n: int


def lines(html: str) -> str:
    """A narrative's XHTML as lines of text."""
    plain = unescape(_TAG.sub(" ", _PARTED.sub("\n", html)))
    return "\n".join(x for x in (" ".join(line.split()) for line in plain.split("\n")) if x)


def section_texts(composition: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(LOINC code or "", title, text) of each section."""
    found = []
    for s in composition.get("section") or ():
        code = next((str(c.get("code")) for c in (s.get("code") or {}).get("coding") or ()), "")
        found.append((code, str(s.get("title") or ""), lines(str((s.get("text") or {}).get("div") or ""))))
    return found


def _type(composition: Mapping[str, Any]) -> set[str]:
    return {str(c.get("code")) for c in (composition.get("type") or {}).get("coding") or ()}


def course(visit: Visit, notes: Sequence[Mapping[str, Any]], reason: str, origin: str = "") -> str:
    """What brought the patient (and from where), then each day what the doctors wrote of it; nurses' notes stay where they are.
    `notes`: the stay's Compositions."""
    said = f"Vào viện {clock.local(visit.start):%H:%M ngày %d/%m/%Y}"
    said += f", chuyển từ {origin}" if origin else ""
    said += f", vì {reason[:1].lower()}{reason[1:]}." if reason else "."
    out = [said]
    ordered = sorted(notes, key=lambda n: str(n.get("date") or ""))
    for n in ordered:
        if _type(n) & ADMISSION:
            out += [f"{title}: {text}" for _, title, text in section_texts(n) if text and title != "Hướng điều trị"]
            break
    by_day: dict[str, str] = {}
    for n in ordered:
        if not _type(n) & PROGRESS:
            continue
        told = section_texts(n)
        text = next((t for c, title, t in told if c in SUBJECTIVE or title == "Diễn biến"), told[0][2] if told else "")
        if text:
            by_day[_day(str(n.get("date") or ""))] = " ".join(text.split())
    shown = list(by_day.items())
    if len(shown) > MOST_DAYS:
        shown = [shown[0], *shown[-(MOST_DAYS - 1) :]]
    out += [f"{day}: {text}" for day, text in shown]
    return "\n".join(out)


def _day(instant: str) -> str:
    try:
        return f"{clock.local(datetime.fromisoformat(instant)):%d/%m}"
    except ValueError:
        return instant[:10]


def extremes(series: Iterable[Series], sex: str, birth: str, start: datetime, end: datetime) -> list[Extreme]:
    """Laboratory values that were ever outside their range between the two times, the farthest first. The range is the one printed
    with the result, else the catalogue's for this sex and age."""
    found = []
    known = measures.table()
    for s in series:
        m = known.get(s.code)
        if m is not None and m.group == "vital":
            continue
        within = [(t, v) for t, v in zip(s.times, s.values, strict=False) if start <= t <= end]
        if not within:
            continue
        band = m.band(sex, age_days(birth, end)) if m else None
        low = s.low if s.low is not None else band.low if band else None
        high = s.high if s.high is not None else band.high if band else None
        at, worst = max(within, key=lambda x: _far(x[1], low, high))
        score = _far(worst, low, high)
        if score > 0:
            name = (measures.SHORT.get(m.loinc, {}).get("vi") or m.vi) if m else s.name
            unit = m.unit if m else s.unit
            decimals = m.decimals if m else 1
            found.append(Extreme(name, unit, decimals, within[0][1], within[-1][1], worst, at, score, len(within)))
    return sorted(found, key=lambda e: -e.score)


def _far(value: float, low: float | None, high: float | None) -> float:
    """How far outside, in widths of the range (of the limit itself where the range has one side); 0 or less: inside."""
    width = (high - low) if low is not None and high is not None else abs(high or low or 1)
    width = width or 1
    below = (low - value) / width if low is not None else 0.0
    above = (value - high) / width if high is not None else 0.0
    return max(below, above, 0.0)


def result_line(e: Extreme) -> str:
    """Creatinin 151 → 142 µmol/L, cao nhất 182 (18/11)."""

    def say(value: float) -> str:
        return VI.number(round(value, e.decimals), e.decimals)

    unit = f" {e.unit}" if e.unit else ""
    if e.n == 1:
        return f"{e.name}: {say(e.last)}{unit} ({clock.local(e.worst_at):%d/%m})"
    side = "cao nhất" if e.worst >= max(e.first, e.last) else "thấp nhất"
    line = f"{e.name}: {say(e.first)} → {say(e.last)}{unit}"
    return line if e.worst in (e.first, e.last) else f"{line}, {side} {say(e.worst)} ({clock.local(e.worst_at):%d/%m})"


def results(found: Sequence[Extreme], reports: Iterable[Mapping[str, Any]]) -> str:
    """The key results, then what was concluded from images and functional tests. `reports`: the stay's DiagnosticReports."""
    out = [result_line(e) for e in found[:MOST_RESULTS]]
    told = sorted(
        ((str(r.get("effectiveDateTime") or r.get("issued") or ""), r) for r in reports if r.get("conclusion")), key=lambda x: x[0]
    )
    for when, r in told:
        title = str((r.get("code") or {}).get("text") or "")
        out.append(f"{title} ({_day(when)}): {' '.join(str(r['conclusion']).split())}")
    return "\n".join(out)


def operations(procedures: Iterable[Mapping[str, Any]]) -> str:
    """What was done, with the day and by whom."""
    out = []
    for p in sorted(procedures, key=lambda p: _performed(p)):
        if p.get("status") in ("entered-in-error", "not-done", "preparation"):
            continue
        who = next((str((x.get("actor") or {}).get("display") or "") for x in p.get("performer") or ()), "")
        name = str((p.get("code") or {}).get("text") or "")
        out.append(f"{_day(_performed(p))}: {name}" + (f" ({who})" if who else ""))
    return "\n".join(out)


def _performed(p: Mapping[str, Any]) -> str:
    return str((p.get("performedPeriod") or {}).get("start") or p.get("performedDateTime") or "")


def treatment(requests: Iterable[Mapping[str, Any]], operations_: str) -> str:
    """The substances given in the stay, each once, in the order in which they began."""
    names: dict[str, None] = {}
    for r in sorted(requests, key=lambda r: str(r.get("authoredOn") or "")):
        if r.get("status") not in ("entered-in-error", "cancelled", "draft"):
            name = str(
                (r.get("medicationCodeableConcept") or {}).get("text") or (r.get("medicationReference") or {}).get("display") or ""
            )
            route = str(((r.get("dosageInstruction") or [{}])[0].get("route") or {}).get("text") or "")
            if name:
                names[f"{name} ({route.lower()})" if route else name] = None
    out = []
    if names:
        out.append("Thuốc: " + ", ".join(names) + ".")
    if operations_:
        out.append("Phẫu thuật, thủ thuật: " + "; ".join(x.split(": ", 1)[-1] for x in operations_.split("\n")) + ".")
    return "\n".join(out)


def state(life: Life, start: datetime, end: datetime, last_findings: str) -> str:
    """The last vital signs with their time, then what the doctor found last."""
    latest: list[tuple[str, str, datetime]] = []
    pressure: dict[str, tuple[float, datetime]] = {}
    for s in life.series:
        m = measures.table().get(s.code)
        within = [(t, v) for t, v in zip(s.times, s.values, strict=False) if start <= t <= end]
        if not within:
            continue
        at, value = within[-1]
        if s.code in (measures.SYSTOLIC, measures.DIASTOLIC):
            pressure[s.code] = (value, at)
        elif m is not None and s.code in measures.VITALS:
            name = measures.SHORT.get(m.loinc, {}).get("vi") or m.vi
            latest.append((name, f"{VI.number(round(value, m.decimals), m.decimals)} {m.unit}".strip(), at))
    if len(pressure) == 2:
        (top, at), (bottom, _) = pressure[measures.SYSTOLIC], pressure[measures.DIASTOLIC]
        latest.insert(0, ("Huyết áp", f"{top:.0f}/{bottom:.0f} mmHg", at))
    out = []
    if latest:
        when = max(at for _, _, at in latest)
        out.append(", ".join(f"{n} {v}" for n, v, _ in latest) + f" (lúc {clock.local(when):%H:%M %d/%m}).")
    if last_findings:
        out.append(last_findings)
    return "\n".join(out)


def last_findings(notes: Sequence[Mapping[str, Any]]) -> str:
    """The findings of the newest progress note, as one line."""
    for n in sorted(notes, key=lambda n: str(n.get("date") or ""), reverse=True):
        if _type(n) & PROGRESS:
            told = section_texts(n)
            said = next((t for c, title, t in told if c == "29545-1" or title == "Khám"), "")
            return " ".join((said or (told[0][2] if told else "")).split())
    return ""


def advice(allergies: Iterable[tuple[str, str]], awaited: Iterable[str]) -> str:
    """What holds for everybody who goes home, the allergies, and what is still to come. The doctor adds what is particular."""
    out = ["Uống thuốc theo đơn. Khám lại ngay khi có dấu hiệu nặng lên hoặc bất thường."]
    known = [f"{what} ({how})" if how else what for what, how in allergies]
    if known:
        out.append("Dị ứng: " + ", ".join(known) + ".")
    still = list(awaited)
    if still:
        out.append("Còn chờ kết quả: " + ", ".join(still) + "; cơ sở sẽ báo khi có.")
    return "\n".join(out)


def flag(value: float, low: float | None, high: float | None) -> str:
    """How a value stands to its range, as the chart flags it."""
    return Limits(low, high).flag(value)


def html_of(text: str) -> str:
    """Lines of text as a FHIR narrative."""
    body = "".join(f"<p>{_escape(line)}</p>" for line in text.split("\n") if line.strip()) or "<p>–</p>"
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{body}</div>'


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


__all__ = [
    "VI",
    "Words",
    "advice",
    "course",
    "extremes",
    "html_of",
    "last_findings",
    "lines",
    "operations",
    "results",
    "state",
    "treatment",
]
