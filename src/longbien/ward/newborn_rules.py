"""A birth: what is asked back before a child's record is begun. Pure. The fields are those of the obstetric and newborn records of
circular 32/2023/TT-BYT (MS 05/BV-01 and 06/BV-01); limits are those of a slip of the finger, not of normality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from longbien.base import clock
from longbien.base.words import Words, mark

from .discharge_form import moment

WAYS = {
    "normal": ("Đẻ thường", mark("Normal birth")),
    "assisted": ("Đẻ có can thiệp (forceps, giác hút)", mark("Assisted (forceps, vacuum)")),
    "caesarean": ("Mổ lấy thai", mark("Caesarean section")),
    "breech": ("Đẻ ngôi mông", mark("Breech birth")),
}
SEXES = {"male": ("Trai", mark("Boy")), "female": ("Gái", mark("Girl")), "unknown": ("Chưa xác định", mark("Not clear"))}
APGAR_MINUTES = (1, 5, 10)
AHEAD = timedelta(minutes=5)
BACK = timedelta(days=3)
"""A birth is recorded within days; what lies further back is asked."""


@dataclass(slots=True)
class Birth:
    """One child. grams, centimetres; weeks and days of gestation; Apgar by minute. `order` of `of` in this birth."""

    at: datetime
    sex: str = "unknown"
    grams: int = 0
    length: float = 0.0
    head: float = 0.0
    weeks: int = 0
    days: int = 0
    way: str = "normal"
    apgar: dict[int, int] = field(default_factory=dict)
    order: int = 1
    of: int = 1
    alive: bool = True
    note: str = ""


def parse(values: Mapping[str, str], now: datetime, admitted: datetime, w: Words) -> tuple[Birth, dict[str, str]]:
    """The birth and the errors by field."""
    errors: dict[str, str] = {}

    def get(name: str) -> str:
        return values.get(name, "").strip().replace(",", ".")

    def number(name: str, low: float, high: float, needed: bool, unit: str) -> float:
        text = get(name)
        if not text and not needed:
            return 0.0
        try:
            value = float(text)
        except ValueError:
            value = -1.0
        if not low <= value <= high:
            errors[name] = w("From %(low)s to %(high)s %(unit)s.", low=w.number(low, 0), high=w.number(high, 0), unit=unit)
        return value

    at = moment(get("day"), get("time"))
    if at is None:
        errors["when"] = w("Say the day and the time, for example %(example)s.", example=f"{clock.local(now):%d/%m/%Y %H:%M}")
    elif at > now + AHEAD:
        errors["when"] = w("This time has not come yet.")
    elif at < now - BACK:
        errors["when"] = w("That is more than three days ago. Is the day right?")
    elif at < admitted:
        errors["when"] = w(
            "The mother was admitted at %(time)s. A birth before that is recorded as one outside.", time=w.time(admitted)
        )
    out = Birth(at or now, get("sex"), way=get("way") or "normal", note=values.get("note", "").strip()[:1000])
    if out.sex not in SEXES:
        errors["sex"] = w("Boy, girl, or not clear?")
    out.grams = round(number("grams", 300, 7000, True, "g"))
    out.length, out.head = number("length", 20, 65, False, "cm"), number("head", 15, 45, False, "cm")
    out.weeks, out.days = round(number("weeks", 22, 44, True, w("weeks"))), round(number("days", 0, 6, False, w("days")))
    out.alive = values.get("alive", "1") == "1"
    for minute in APGAR_MINUTES:
        text = get(f"apgar{minute}")
        if text or (minute < 10 and out.alive):
            if text.isdigit() and 0 <= int(text) <= 10:
                out.apgar[minute] = int(text)
            else:
                errors[f"apgar{minute}"] = w("From %(low)s to %(high)s %(unit)s.", low=0, high=10, unit=w("points"))
    order, of = get("order") or "1", get("of") or "1"
    if order.isdigit() and of.isdigit() and 1 <= int(order) <= int(of) <= 6:
        out.order, out.of = int(order), int(of)
    else:
        errors["order"] = w("Which child of how many, for example 1 of 2?")
    return out, errors


def name(mother: str, sex: str, order: int, of: int) -> str:
    """What a child is called until the parents register a name: con bà and the mother's name, with its number among twins."""
    return f"CB {mother}" + (f" {order}" if of > 1 else "")


def outcome(of: int, alive: bool) -> tuple[str, str]:
    """ICD-10 Z37: the outcome of the birth in the mother's record, as far as one child tells it."""
    if of == 1:
        return ("Z37.0", "Sinh một con sống") if alive else ("Z37.1", "Sinh một con chết")
    return ("Z37.9", "Kết quả sinh, nhiều con")


def premature(weeks: int) -> bool:
    """Born before 37 completed weeks (WHO)."""
    return 0 < weeks < 37


def low_weight(grams: int) -> bool:
    """Under 2500 g (WHO)."""
    return 0 < grams < 2500
