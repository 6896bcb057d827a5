"""How a patient is spoken to: by age and given name, the clock as people say it, tests by what they are about. Pure."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ...base.clock import local
from ...base.words import Words, parse_instant

PLAIN = Path(__file__).parents[1] / "codes" / "plain_tests.csv"


class Spoken(NamedTuple):
    """you: what the reader is called ("bà", English "you"). whose: whose record it is ("bà", "bé Bảo"; English "your", "Bảo’s").
    hello: a greeting with that word in it."""

    you: str
    whose: str
    hello: str

    @property
    def You(self) -> str:  # noqa: N802 - at the beginning of a sentence
        return self.you[:1].upper() + self.you[1:]


def years(birth: str, today: date) -> int | None:
    """Completed years; None for a birth date that is not known or not readable."""
    try:
        born = parse_instant(birth).date()
    except ValueError:
        return None
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def called(sex: str, age: int | None) -> str:
    """The pronoun that staff use for somebody (design: by age and given name). `sex`: FHIR gender."""
    pair = {"female": 1, "male": 0}.get(sex)
    if pair is None or age is None or age < 16:
        return "bạn"
    return (("ông", "bà") if age >= 60 else ("anh", "chị"))[pair]


def title(sex: str, age: int | None, name: str) -> str:
    """Somebody of whom is spoken to another: bé Bảo, cháu Minh, ông Thưởng."""
    given = name.split()[-1] if name.split() else ""
    if age is not None and age < 16:
        return f"{'bé' if age < 10 else 'cháu'} {given}".strip()
    return f"{called(sex, age) if called(sex, age) != 'bạn' else ''} {given}".strip()


def spoken(w: Words, *, sex: str, birth: str, name: str, today: date, own: bool, reader_sex: str = "") -> Spoken:
    """For the reader of a record: their own (`own`), or of somebody they care for."""
    age, given = years(birth, today), (name.split() or [""])[-1]
    if w.lang == "en":
        return Spoken("you", "your" if own else f"{given}’s", "Hello")
    you = called(sex, age) if own else called(reader_sex, 30)
    return Spoken(you, you if own else title(sex, age, name), "Chào " + (you if you != "bạn" else "bạn"))


def clock(w: Words, moment: datetime) -> str:
    """8 giờ 30 sáng; 2 giờ chiều; English: 8:30 in the morning."""
    t = local(moment)
    parts = ((11, w("in the morning")), (13, w("at noon")), (18, w("in the afternoon")), (24, w("in the evening")))
    part = next(text for until, text in parts if t.hour < until)
    hour = t.hour if t.hour <= 12 else t.hour - 12
    if w.lang == "en":
        return f"{hour or 12}:{t.minute:02d} {part}"
    return f"{hour} giờ {t.minute} {part}" if t.minute else f"{hour} giờ {part}"


def day(w: Words, moment: datetime | date, now: datetime) -> str:
    """hôm nay, ngày mai, hôm qua; else the weekday and the date."""
    on = local(moment).date() if isinstance(moment, datetime) else moment
    away = (on - local(now).date()).days
    near = {0: w("today"), 1: w("tomorrow"), -1: w("yesterday")}.get(away)
    if near:
        return near
    name = w.weekday(on)
    short = f"{on:%d/%m}" if abs(away) < 200 else w.date(on)
    return f"{name[:1].lower() + name[1:] if w.lang == 'vi' else name} {short}"


@cache
def _plain() -> Mapping[str, tuple[str, str]]:
    with PLAIN.open(encoding="utf-8", newline="") as f:
        return {row["loinc"]: (row["vi"], row["en"]) for row in csv.DictReader(f)}


def plain(loinc: str, lang: str) -> str:
    """What a test is about, in a patient's words; "" where the table has none (codes/plain_tests.csv)."""
    found = _plain().get(loinc)
    return found[1 if lang == "en" else 0] if found else ""
