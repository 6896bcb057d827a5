"""Rules of the papers that end a visit: the day of the follow-up, the sick-leave certificate, the referral. Pure.

Sick leave: claim table 11 of decision 3176/2024 with circular 18/2022/TT-BYT. Referral: table 13 with circular 01/2025/TT-BYT,
annex VI."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from ..base.words import mark

LEAVE_DAYS, LEAVE_TB, LEAVE_PREGNANCY = 30, 180, 50
PREGNANCY_FROM = 13
"""Weeks from which the loss of a pregnancy gives up to 50 days."""
CHILD_YEARS = 7
REFERRAL_DAYS = 10
"""Working days that a referral is valid; a year for the diseases of annex III."""
PRESETS = (("7", 7), ("14", 14), ("30", 30), ("90", 90))
FOLLOW_MOST = 366
REASONS = {
    "1": mark("Conditions of a transfer are met"),
    "2": mark("Beyond what this facility can do"),
    "3": mark("At the wish of the patient or who stands for them"),
}
"""MA_LYDO_CT."""
Errors = dict[str, tuple[str, dict[str, str]]]


def day(text: str, today: date) -> date | None:
    """A day as typed: 30/12/2026, 30/12 (the next such day), or +14 (in so many days). None for what is none."""
    said = text.strip()
    if m := re.fullmatch(r"\+\s?(\d{1,3})", said):
        return today + timedelta(days=int(m[1]))
    if m := re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})", said):
        return _date(int(m[1]), int(m[2]), int(m[3]))
    m = re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})(?:[/.-](\d{4}))?", said)
    if not m:
        return None
    if m[3]:
        return _date(int(m[3]), int(m[2]), int(m[1]))
    this = _date(today.year, int(m[2]), int(m[1]))
    return this if this and this >= today else _date(today.year + 1, int(m[2]), int(m[1]))


def _date(year: int, month: int, of: int) -> date | None:
    try:
        return date(year, month, of)
    except ValueError:
        return None


def open_day(wanted: date) -> date:
    """That day, or the Monday after a Sunday, on which clinics are closed."""
    return wanted + timedelta(days=1) if wanted.weekday() == 6 else wanted


def follow_up(text: str, today: date) -> tuple[date | None, tuple[str, dict[str, str]] | None]:
    """The day of the next visit, or what is wrong with it; (None, None) where none is asked for."""
    if not text.strip():
        return None, None
    found = day(text, today)
    if found is None:
        return None, (mark("A day such as 30/12/2026, or +30 for in 30 days."), {})
    if found <= today or (found - today).days > FOLLOW_MOST:
        return None, (mark("A day ahead, within a year."), {})
    if found.weekday() == 6:
        return None, (mark("A Sunday: the clinic is closed. Monday is %(day)s."), {"day": f"{open_day(found):%d/%m/%Y}"})
    return found, None


@dataclass
class Leave:
    """A sick-leave certificate as typed, checked: first and last day, days, errors by field."""

    begin: date | None = None
    end: date | None = None
    days: int = 0
    errors: Errors = field(default_factory=dict)


def sick_leave(values: Mapping[str, str], visit_day: date, birth: str, has_diagnosis: bool) -> Leave:
    """begin is the day of the visit (TU_NGAY); the days count both ends; at most 30, 180 for tuberculosis in the national
    programme, 50 after the loss of a pregnancy of 13 weeks or more."""
    out = Leave(begin=visit_day)
    given = values.get("days", "").strip()
    out.days = int(given) if re.fullmatch(r"\d{1,3}", given) else 0
    weeks = values.get("weeks", "").strip()
    lost = values.get("ended") == "1"
    most = LEAVE_DAYS
    if values.get("tb") == "1":
        most = LEAVE_TB
    elif lost and weeks.isdigit() and int(weeks) >= PREGNANCY_FROM:
        most = LEAVE_PREGNANCY
    if not 1 <= out.days <= most:
        out.errors["days"] = (mark("From 1 to %(n)s days."), {"n": str(most)})
    else:
        out.end = visit_day + timedelta(days=out.days - 1)
    if not values.get("workplace", "").strip():
        out.errors["workplace"] = (mark("Where the insured person works, as they say it."), {})
    if not re.fullmatch(r"\d{10}", values.get("insurance", "").strip()) or set(values["insurance"].strip()) == {"0"}:
        out.errors["insurance"] = (mark("The social insurance number has 10 digits."), {})
    if lost and not (weeks.isdigit() and 1 <= int(weeks) <= 42):
        out.errors["weeks"] = (mark("Weeks of the pregnancy, 1 to 42."), {})
    if lost and not values.get("cause", "").strip():
        out.errors["cause"] = (mark("Say why the pregnancy ended."), {})
    if not values.get("method", "").strip():
        out.errors["method"] = (mark("How the patient is treated, for example: nội khoa."), {})
    if not has_diagnosis:
        out.errors["diagnosis"] = (mark("The visit has no diagnosis yet: sign it first."), {})
    if child(birth, visit_day) and not (values.get("father", "").strip() or values.get("mother", "").strip()):
        out.errors["mother"] = (mark("A child under 7: the name of the father or the mother."), {})
    return out


def child(birth: str, on: date) -> bool:
    """Under seven on that day, as far as the birth date is known."""
    try:
        born = date.fromisoformat(birth)
    except ValueError:
        return bool(birth) and birth[:4].isdigit() and on.year - int(birth[:4]) < CHILD_YEARS
    return (on.year - born.year - ((on.month, on.day) < (born.month, born.day))) < CHILD_YEARS


REFERRAL_FIELDS: tuple[tuple[str, str, str, bool], ...] = (
    ("signs", "DAU_HIEU_LS", mark("Clinical signs"), True),
    ("course", "QT_BENHLY", mark("Course of the illness"), True),
    ("results", "TOMTAT_KQ", mark("Results that matter"), False),
    ("treated", "PP_DIEUTRI", mark("Methods, procedures and drugs used"), True),
    ("state", "TINH_TRANG_CT", mark("State at the transfer"), True),
    ("further", "HUONG_DIEU_TRI", mark("How to go on"), True),
    ("transport", "PHUONGTIEN_VC", mark("Transport"), True),
    ("escort", "HOTEN_NGUOI_HT", mark("Escort: name"), False),
    ("escort_title", "CHUCDANH_NGUOI_HT", mark("Escort: title"), False),
)
"""field, claim field, title, must be there."""


def referral(values: Mapping[str, str], known: Mapping[str, str], has_diagnosis: bool) -> Errors:
    """What a referral lacks. known: facilities by id."""
    errors: Errors = {}
    if values.get("to", "") not in known and not values.get("to_other", "").strip():
        errors["to"] = (mark("Choose where to, or write the facility's name."), {})
    if values.get("reason") not in REASONS:
        errors["reason"] = (mark("Choose why."), {})
    for name, _, title, needed in REFERRAL_FIELDS:
        if needed and not values.get(name, "").strip():
            errors[name] = (mark("The circular asks for it."), {"title": title})
    if values.get("escort_title", "").strip() and not values.get("escort", "").strip():
        errors["escort"] = (mark("Who goes along?"), {})
    if not has_diagnosis:
        errors["diagnosis"] = (mark("The visit has no diagnosis yet: sign it first."), {})
    return errors
