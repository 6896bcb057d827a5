"""The bed board: rows of one reading -> cards by room. Pure but for the words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache, partial
from typing import Any

from longbien.base import clock
from longbien.base.ids import key64
from longbien.base.words import Words
from longbien.record.search.params.units import canonical
from longbien.web.chart import gather, measures
from longbien.web.chart import record as r
from longbien.web.chart.model import age_days
from longbien.web.chart.since import is_new
from longbien.web.chart.spark import Limits
from longbien.web.terms import Tongue

from . import care, codes, rounds, rules
from .early import Early, score
from .places import Bed
from .reads import Lying, WardNow

SOON = timedelta(minutes=90)
DAY = timedelta(hours=24)
MOST = 4
"""Lines of late doses before the rest is told as a number."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One badge: css of components.css (crit, warn, wait, ok, held or ""), its words, what it says when pointed at."""

    css: str
    text: str
    title: str = ""


@dataclass(slots=True)
class Card:
    """A bed as the board shows it. state: taken, free, cleaning, closed, reserved. `lies`: who; `waits`: for whom it is kept."""

    bed: Bed
    state: str
    version: int = 0
    lies: Lying | None = None
    waits: Lying | None = None
    age: str = ""
    day: int = 0
    problem: str = ""
    level: str = ""
    early: Early | None = None
    marks: list[Mark] = field(default_factory=list)
    dues: list[Mark] = field(default_factory=list)
    leaves: str = ""
    leaves_today: bool = False
    alarms: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Due:
    """A line of what is due: kind (alert, pill, heart, clock), when, to whom (bed numbers), what; late by how much."""

    kind: str
    at: datetime
    text: str
    beds: list[str]
    href: str
    late: timedelta | None = None
    count: int = 0


@dataclass(slots=True)
class Room:
    name: str
    sex: str
    cards: list[Card]


@dataclass(slots=True)
class Board:
    rooms: list[Room]
    cards: list[Card]
    dues: list[Due]
    taken: int
    total: int
    leaving: list[Card]
    waiting: list[Lying]
    critical: int
    late: int
    """Doses that are late."""
    round: datetime
    """The moment of the drug round that is on or comes next."""


def years(lying: Lying, now: datetime) -> int | None:
    """Whole years; None where no birth date says. A birth year alone counts from the end of that year."""
    today, text = clock.local(now).date(), lying.person.birth
    try:
        birth = date.fromisoformat(text[:10] if len(text) >= 10 else f"{text if len(text) == 7 else text[:4] + '-12'}-28")
    except ValueError:
        return None
    return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))


def problem(lying: Lying, lang: Tongue) -> str:
    """The diagnosis that the stay names first, else why the patient came."""
    said = lying.diagnosis or str(r.first(lying.stay, "diagnosis", "condition", "display") or "")
    return said or r.concept(lying.stay.get("reasonCode"), lang)


def lines_of(lying: Lying, now: datetime, lang: str) -> list[rounds.Line]:
    """The drug sheet of the round: from twelve hours back to twelve hours on."""

    def make() -> list[rounds.Line]:
        orders = [o for o in lying.here("MedicationRequest") if o.get("status") in ("active", "on-hold")]
        return rounds.sheet(orders, lying.all("MedicationAdministration"), now - DAY / 2, now + DAY / 2, now, lang)

    return lying.noted(("lines", now, lang), make)


def build(found: WardNow, now: datetime, w: Words, lang: Tongue) -> Board:
    """Cards in the order of the rooms, what is due in the order of its urgency. As of the minute that is on: what is worked out of
    one patient's versions then stands for every page of that minute."""
    now = now.replace(second=0, microsecond=0)
    cards = [_card(found, bed, now, w, lang) for bed in found.ward.beds]
    for card in cards:
        if card.lies is not None:
            key = ("card", now, lang, w.lang, card.lies.looked)
            said = card.lies.noted(key, partial(_filled, card.bed, card.lies, now, w, lang))
            for name in _SAID:
                setattr(card, name, getattr(said, name))
    taken = [c for c in cards if c.lies is not None]
    dues, late, round_ = _dues(taken, now, w, lang)
    waiting = [x for x in found.lying.values() if rules.promised(x.stay)[0] in {b.id for b in found.ward.beds}]
    return Board(
        _rooms(cards), cards, dues, len(taken), len(cards), [c for c in taken if c.leaves_today], waiting,
        sum(1 for c in taken if c.level == "crit"), late, round_,
    )  # fmt: skip


def _card(found: WardNow, bed: Bed, now: datetime, w: Words, lang: Tongue) -> Card:
    version, location = found.beds.get(bed.id, (0, {}))
    status = rules.bed_status(location)
    lies, waits = found.in_bed(bed.id), found.promised(bed.id)
    state = (
        "taken" if lies else "closed" if status == codes.CLOSED or location.get("status") == "suspended"
        else "cleaning" if status in (codes.CLEANING, codes.CONTAMINATED) else "reserved" if waits else "free"
    )  # fmt: skip
    return Card(bed, state, version, lies, waits)


def _rooms(cards: Iterable[Card]) -> list[Room]:
    """By room; whom a room is for, or whoever lies in it, where they are of one sex."""
    rooms: dict[str, Room] = {}
    for card in cards:
        rooms.setdefault(card.bed.room, Room(card.bed.room_name, card.bed.sex, [])).cards.append(card)
    for room in rooms.values():
        inside = {c.lies.person.sex for c in room.cards if c.lies}
        room.sex = room.sex or (next(iter(inside)) if len(inside) == 1 else "mixed" if inside else "")
    return list(rooms.values())


_SAID = ("age", "day", "problem", "level", "early", "marks", "dues", "leaves", "leaves_today", "alarms")
"""What a card says of who lies there."""


def _filled(bed: Bed, lying: Lying, now: datetime, w: Words, lang: Tongue) -> Card:
    card = Card(bed, "taken")
    _fill(card, lying, now, w, lang)
    return card


def _fill(card: Card, lying: Lying, now: datetime, w: Words, lang: Tongue) -> None:
    old = years(lying, now)
    card.age = w.age(lying.person.birth, clock.local(now).date()).removesuffix(" " + w("%(n)s y", n="").strip())
    card.day = rules.day_of_stay(lying.start, now)
    card.problem = problem(lying, lang)
    charted = lying.charted
    card.early = score(lying.all("Observation"), charted, old, now, w)
    _leaving(card, lying, now, w)
    news = news_of(lying, now, w)
    card.alarms = [m.text for m in news if m.css == "crit"]
    card.marks += [m for m in news if m.css == "crit"]
    if card.early and card.early.level:
        card.marks.append(Mark(card.early.level, f"{card.early.name} {card.early.total}", "; ".join(card.early.why)))
    card.marks += _flags(lying, lang)
    if lying.all("AllergyIntolerance"):
        said = ", ".join(a.substance for x in lying.all("AllergyIntolerance") if (a := r.allergy(x, lang)))
        if said:
            card.marks.append(Mark("", w("ALLERGY"), said))
    if fasting(lying):
        card.marks.append(Mark("", w("Fasting")))
    card.marks += [m for m in news if m.css != "crit"]
    card.dues = _card_dues(lying, now, w, lang)
    grave = any(m.css == "crit" for m in card.marks)
    card.level = "crit" if grave else "warn" if any(m.css == "warn" for m in (*card.marks, *card.dues)) else ""


def _leaving(card: Card, lying: Lying, now: datetime, w: Words) -> None:
    day = r.expected_discharge(lying.stay)[:10]
    if not day:
        return
    card.leaves = day
    card.leaves_today = day <= clock.local(now).date().isoformat()
    if card.leaves_today:
        card.marks.append(Mark("ok", "✓ " + w("Leaves today")))


def diet_of(lying: Lying) -> Mapping[str, Any] | None:
    """The order of a diet that runs, the newest."""
    found = [x for x in lying.here("ServiceRequest") if care.is_diet(x) and x.get("status") == "active"]
    return max(found, key=lambda x: str(x.get("authoredOn") or ""), default=None)


def fasting(lying: Lying) -> bool:
    order = diet_of(lying)
    return order is not None and r.code_of(order.get("code"), codes.DIET) in care.FASTS


def _flags(lying: Lying, lang: Tongue) -> list[Mark]:
    alerts = [a for x in lying.all("Flag") if (a := r.alert(x, lang))]
    css = {"fall": "warn", "code": "warn", "isolation": "warn"}
    return [Mark(css.get(a.kind, ""), a.text.split(",")[0], a.text) for a in alerts]


def isolated(lying: Lying) -> str:
    """The words of an isolation flag; "" none."""
    return next((a.text for x in lying.all("Flag") if (a := r.alert(x, "vi")) and a.kind == "isolation"), "")


@cache
def _measures() -> Mapping[int, measures.Measure]:
    return {key64(f"Observation.code|{measures.LOINC}|{loinc}"): m for loinc, m in measures.table().items()}


def news_of(lying: Lying, now: datetime, w: Words) -> list[Mark]:
    """Critical laboratory values that nobody has taken note of, then what is new and abnormal since this reader last looked."""
    table = _measures()
    taken = gather.acknowledged(lying.all("Task"))
    age = age_days(lying.person.birth, now)
    look = lying.looked or now - DAY
    out: list[Mark] = []
    said: set[str] = set()
    for x in lying.results:
        m = table.get(x.code)
        if m is None or m.group == "vital" or m.code in said:
            continue
        said.add(m.code)
        band = m.band(lying.person.sex, age)
        step = float(canonical(m.ucum, Decimal(1))[1])  # the index holds canonical units
        value = float(f"{x.value / step:.10g}")
        flag = Limits(band.low, band.high, band.critical_low, band.critical_high).flag(value) if band else ""
        arrow = "▲" if "up" in flag else "▼"
        text = f"{measures.SHORT.get(m.loinc, {}).get(w.lang) or m.name(w.lang)} {w.number(value, m.decimals)}"
        if flag.startswith("cr") and x.id not in taken:
            out.append(Mark("crit", f"{arrow}{arrow} {text}", w.moment(x.at, now)))
        elif flag and is_new(x.at, x.updated, look):
            out.append(Mark("warn", f"{text} {arrow}", w.moment(x.at, now)))
    out.sort(key=lambda m: m.css != "crit")
    return out[:3]


def tasks(lying: Lying) -> list[tuple[datetime | None, Mapping[str, Any]]]:
    """Nursing tasks that are open, the first due first."""
    found = [
        x for x in lying.all("Task") if r.code_of(x.get("code"), codes.TASK) == codes.NURSING and x.get("status") != "completed"
    ]
    timed = [(r.moment(r.first(x, "restriction", "period", "end")), x) for x in found]
    return sorted(timed, key=lambda t: (t[0] is None, t[0] or datetime.max.replace(tzinfo=clock.HANOI)))


def _card_dues(lying: Lying, now: datetime, w: Words, lang: Tongue) -> list[Mark]:
    out: list[Mark] = []
    by_time: dict[datetime, list[str]] = {}
    for line in lines_of(lying, now, lang):
        for dose in line.doses:
            if dose.state in ("late", "missed"):
                late = w.span(now - dose.due)
                out.append(Mark("warn", "▲ " + w("%(drug)s late %(time)s", drug=line.name.split()[0], time=late), line.name))
            elif dose.state in ("due", "soon") and dose.due < now + SOON:
                by_time.setdefault(dose.due, []).append(line.name)
    if len(out) > 2:
        out = [Mark("warn", "▲ " + w.plural("%(n)s late dose", "%(n)s late doses", len(out)), ", ".join(m.title for m in out))]
    for at in sorted(by_time)[:1]:
        out.append(Mark("wait", w("Drugs %(time)s · %(n)s", time=w.time(at), n=len(by_time[at])), ", ".join(by_time[at])))
    for due, task in tasks(lying)[:2]:
        late_task = due is not None and due < now - timedelta(minutes=15)
        words = r.concept(task.get("code")) if not task.get("description") else str(task["description"])
        out.append(Mark("warn" if late_task else "wait", f"{words} {w.time(due)}" if due else words))
    orders = sorted((o for x in lying.all("ServiceRequest") if (o := r.pending(x, lang))), key=lambda o: o.due)
    for order in orders[:1]:
        if order.due < now + DAY / 2:
            out.append(Mark("wait", f"{order.title} {w.time(order.due)}", w("Waits for an answer")))
    return out[:4]


def _dues(cards: list[Card], now: datetime, w: Words, lang: Tongue) -> tuple[list[Due], int, datetime]:
    """What the ward's right column says: alarms, late doses, the round, signs, tasks."""
    out: list[Due] = []
    rounds_: dict[datetime, tuple[set[str], int]] = {}
    late = 0
    for c in cards:
        if c.lies is None:
            continue
        no, href = c.bed.number, f"/patients/{c.lies.id}"
        out += [Due("alert", now, text, [no], href) for text in c.alarms]
        behind = []
        for line in lines_of(c.lies, now, lang):
            for dose in line.doses:
                if dose.state in ("late", "missed"):
                    behind.append((dose.due, line.name))
                elif dose.state in ("due", "soon", "later") and dose.due < now + timedelta(hours=8):
                    beds, n = rounds_.setdefault(dose.due, (set(), 0))
                    beds.add(no)
                    rounds_[dose.due] = (beds, n + 1)
        late += len(behind)
        if behind:
            due, name = min(behind)
            what = name if len(behind) == 1 else w.plural("%(n)s late dose", "%(n)s late doses", len(behind))
            out.append(Due("pill", due, what, [no], f"/ward/mar?patient={c.lies.id}", now - due))
        for by, task in tasks(c.lies)[:3]:
            if by is not None and by < now + timedelta(hours=4):
                words = str(task.get("description") or "") or r.concept(task.get("code"))
                out.append(Due("user", by, words, [no], f"/patients/{c.lies.id}/stay", now - by if by < now else None))
    out += _signs_due(cards, now, w)
    comes = sorted(rounds_)
    for at in comes[:2]:
        beds, n = rounds_[at]
        title = w("Drugs %(time)s", time=w.time(at))
        out.append(Due("pill", at, title, sorted(beds), "/ward/mar", None, n))
    rank = {"alert": 0}
    out.sort(key=lambda d: (rank.get(d.kind, 1), d.late is None, d.at))
    behind_all = [d for d in out if d.kind == "pill" and d.late]
    if len(behind_all) > MOST:  # a ward that is behind reads one line, not forty
        for d in behind_all[MOST - 1 :]:
            out.remove(d)
        rest = sorted(b for d in behind_all[MOST - 1 :] for b in d.beds)
        words = w.plural("%(n)s more patient with late doses", "%(n)s more patients with late doses", len(rest))
        out.insert(
            out.index(behind_all[MOST - 2]) + 1, Due("pill", behind_all[-1].at, words, rest, "/ward/mar", behind_all[-1].late)
        )
    return out, late, comes[0] if comes else now


def _signs_due(cards: list[Card], now: datetime, w: Words) -> list[Due]:
    """Vital signs by when they are due again (NEWS2's table)."""
    waiting: dict[bool, list[tuple[datetime, str]]] = {True: [], False: []}
    for c in cards:
        if c.early is not None and c.early.next < now + SOON:
            waiting[c.early.next < now].append((c.early.next, c.bed.number))
    out = []
    for behind, found in waiting.items():
        if found:
            first = min(found)[0]
            beds = sorted(n for _, n in found)
            out.append(Due("heart", first, w("Vital signs"), beds, "/ward/vitals", now - first if behind else None))
    return out
