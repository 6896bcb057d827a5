"""What the discharge page's form means: fields as typed -> a leaving, or what is wrong with which field. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from longbien.base import clock
from longbien.base.words import Words
from longbien.web.terms import Term

from .discharge_read import Stay
from .discharge_rules import REFERRED, SECTIONS, agree, letting_go, times

FOLLOW_UP_AHEAD = timedelta(days=400)
LONGEST = 8000
Get = Callable[..., str]
"""get(field, limit=500) -> its text."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A drug's fate at discharge. `home`: it goes on at home for `days` with these words; else it stops. `note`: why it was
    prescribed though it was advised against."""

    home: bool
    days: int = 0
    sig: str = ""
    note: str = ""


@dataclass(slots=True)
class Leaving:
    """How a stay ends. `diagnoses`: ids of Conditions, the main one first; `added`: new ones after them (the first of them is the
    main one where `diagnoses` begins with ""); `let_go`: order -> (why, who: a Practitioner's id, in words)."""

    end: datetime
    result: str = ""
    kind: str = "1"
    diagnoses: list[str] = field(default_factory=list)
    added: list[Term] = field(default_factory=list)
    added_main: bool = False
    let_go: dict[str, tuple[str, str]] = field(default_factory=dict)
    drugs: dict[str, Kept] = field(default_factory=dict)
    sections: dict[str, str] = field(default_factory=dict)
    follow_up: datetime | None = None
    follow_up_for: str = ""
    follow_up_room: Mapping[str, Any] | None = None
    """The consulting room of the department that the patient leaves: reception finds the follow-up there and gives it its hour."""
    destination: str = ""
    why_referred: str = ""
    transport: str = ""
    override: str = ""


def moment(day: str, hour: str) -> datetime | None:
    """A day (2026-11-30 or 30/11/2026) and an hour (14:30) of the city's clock. None when it is not one."""
    try:
        if "/" in day:
            d, m, y = day.split("/")
            day = f"{int(y):04d}-{int(m):02d}-{int(d):02d}"
        return datetime.combine(date.fromisoformat(day), time.fromisoformat(hour), clock.HANOI)
    except ValueError:
        return None


def parse(
    values: Mapping[str, str], stay: Stay, now: datetime, w: Words, known: Mapping[str, Term]
) -> tuple[Leaving, dict[str, str]]:
    """The leaving and the errors by field. `known`: ICD-10 by code."""
    errors: dict[str, str] = {}

    def get(name: str, limit: int = 500) -> str:
        return values.get(name, "").strip()[:limit]

    end = moment(get("end_day"), get("end_time"))
    if end is None:
        errors["end"] = w("Say the day and the time, for example %(example)s.", example=f"{clock.local(now):%d/%m/%Y %H:%M}")
    elif wrong := times(stay.visit.start, end, now, stay.happened(end)):
        errors["end"] = w(wrong[0], **wrong[1])
    out = Leaving(end or now, get("result"), get("kind"))
    if wrong_pair := agree(out.result, out.kind):
        errors["result"] = w(wrong_pair)
    _diagnoses(values, stay, out, errors, w, known)
    awaited = [a for a in stay.awaited() if not a.let_go]
    out.let_go = {a.id: (get(f"go.{a.id}.why"), get(f"go.{a.id}.who")) for a in awaited if get(f"go.{a.id}.why")}
    errors |= {f"go.{id_}": w(text) for id_, text in letting_go(awaited, out.let_go).items()}
    for request in stay.drugs():
        _drug(str(request["id"]), get, out, errors, w)
    out.sections = {key: get(f"s.{key}", LONGEST) for key, *_ in SECTIONS}
    if not out.sections["course"]:
        errors["s.course"] = w("The course of the illness is empty. The record’s own words stand beside it.")
    _follow_up(get, out, errors, w, now)
    if out.kind in REFERRED:
        out.destination, out.why_referred, out.transport = get("destination"), get("why_referred", 2000), get("transport")
        if not out.destination:
            errors["destination"] = w("Which facility takes over?")
        if not out.why_referred:
            errors["why_referred"] = w("Why is the patient referred?")
    out.override = get("override")
    return out, errors


def _diagnoses(
    values: Mapping[str, str], stay: Stay, out: Leaving, errors: dict[str, str], w: Words, known: Mapping[str, Term]
) -> None:
    there = {str(c["id"]) for c, _ in stay.diagnoses()}
    chosen = [i for i in there if values.get(f"dx.{i}") == "1"]
    main = values.get("dx.main", "")
    for name in ("dx.add1", "dx.add2", "dx.add3"):
        code, typed = values.get(f"{name}.code", "").strip(), values.get(name, "").strip()
        code = code if code in known else typed.upper() if typed.upper() in known else ""
        if typed and not code:
            errors[name] = w("Choose a diagnosis from the list.")
        elif code:
            if main == name:
                out.added.insert(0, known[code])
                out.added_main = True
            else:
                out.added.append(known[code])
    order = [str(c["id"]) for c, _ in stay.diagnoses()]
    out.diagnoses = sorted(chosen, key=lambda i: (i != main, order.index(i)))
    if main not in out.diagnoses and not out.added_main:
        errors["dx"] = w("Choose the main diagnosis.")


def _drug(id_: str, get: Get, out: Leaving, errors: dict[str, str], w: Words) -> None:
    choice = get(f"drug.{id_}")
    if choice == "stop":
        out.drugs[id_] = Kept(False)
    elif choice == "home":
        digits, sig = get(f"drug.{id_}.days"), get(f"drug.{id_}.sig")
        if not digits.isdigit() or not 1 <= int(digits) <= 90:
            errors[f"drug.{id_}"] = w("For how many days, from 1 to 90?")
        elif not sig:
            errors[f"drug.{id_}"] = w("How is it taken at home?")
        else:
            out.drugs[id_] = Kept(True, int(digits), sig)
    else:
        errors[f"drug.{id_}"] = w("Does it go home, or does it stop?")


def _follow_up(get: Get, out: Leaving, errors: dict[str, str], w: Words, now: datetime) -> None:
    day, hour = get("follow_day"), get("follow_time") or "08:00"
    if not day:
        return
    when = moment(day, hour)
    if when is None:
        errors["follow"] = w("Say the day and the time, for example %(example)s.", example="14/12/2026 08:00")
    elif when < now:
        errors["follow"] = w("A follow-up lies ahead.")
    elif when > now + FOLLOW_UP_AHEAD:
        errors["follow"] = w("That is more than a year away. Is the year right?")
    else:
        out.follow_up, out.follow_up_for = when, get("follow_for")
