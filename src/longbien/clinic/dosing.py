"""A line of a prescription: amounts by time of day and days -> quantity, and how it is taken in words. Pure.

Rules: circular 26/2025/TT-BYT (prescribing outside hospital beds): at most 30 days, up to 90 for the long-lasting diseases of its
annex VII; narcotics at most 7 days and psychotropics at most 10 in an acute illness; quantities below ten are printed with a zero
before them, those of narcotics in words; a child below 72 months with its weight and who brought it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_CEILING, Decimal, InvalidOperation
from typing import Any, Literal, NamedTuple

from ..base.words import mark

MOST_LINES = 16
MOST_DAYS, LONG_DAYS = 90, 30
NARCOTIC_DAYS, PSYCHOTROPIC_DAYS = 7, 10
MOST_AMOUNT = Decimal(50)
MOST_QUANTITY = Decimal(2000)
CHILD_MONTHS = 72
TT26 = "TT 26/2025/TT-BYT"
Kind = Literal["c", "n", "h"]
"""Of a prescription: c ordinary, n narcotic, h psychotropic (decision 808/2022; the letter of the national code)."""
KINDS: dict[str, Kind] = {"narcotic": "n", "psychotropic": "h", "precursor": "h"}
TIMES = ("morning", "noon", "afternoon", "evening")
WHEN = {"morning": "MORN", "noon": "NOON", "afternoon": "AFT", "evening": "EVE"}
"""http://hl7.org/fhir/event-timing"""
_VI = {"morning": "sáng", "noon": "trưa", "afternoon": "chiều", "evening": "tối"}
COUNTED = frozenset({"viên", "gói", "ống", "miếng", "bơm tiêm"})
"""Units that one takes whole: their number follows from dose and days. A bottle, a tube, a pen lasts; how many is said by hand."""


@dataclass(frozen=True)
class Drug:
    """What the formulary says of a drug. amount: units a time; times: a day (0: nobody says); control: normal, narcotic,
    psychotropic, precursor."""

    code: str
    name: str
    english: str = ""
    unit: str = "viên"
    route: str = "Uống"
    form: str = ""
    usual: str = ""
    amount: Decimal = Decimal(1)
    times: int = 0
    control: str = "normal"
    atc: str = ""
    group: str = ""
    order: str = ""  # the codes as a CodeableConcept's JSON, as the record writes this drug

    @property
    def kind(self) -> Kind:
        return KINDS.get(self.control, "c")


@dataclass(frozen=True)
class Line:
    """A line as typed: amounts of the four times of day, days, quantity ("" computed), and what else is to be said."""

    code: str
    name: str
    doses: tuple[str, str, str, str] = ("", "", "", "")
    days: str = ""
    quantity: str = ""
    note: str = ""


class Taken(NamedTuple):
    doses: tuple[Decimal, Decimal, Decimal, Decimal]
    days: int
    quantity: Decimal


@dataclass
class Read:
    """What a line became: `taken`, or errors by field (dose, days, quantity)."""

    taken: Taken | None = None
    errors: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)


_FRACTIONS = {"½": "0.5", "1/2": "0.5", "¼": "0.25", "1/4": "0.25", "¾": "0.75", "3/4": "0.75", "1/3": "0.333", "2/3": "0.667"}


def amount(text: str) -> Decimal | None:
    """An amount as people write it: 1, 0,5, 1/2, 1½. "" is nothing (0). None for what is none."""
    said = text.strip().replace(",", ".")
    if not said:
        return Decimal(0)
    if said in _FRACTIONS:
        return Decimal(_FRACTIONS[said])
    if m := re.fullmatch(r"(\d{1,2})\s?(½|¼|¾|\s1/2)", said):
        return Decimal(m[1]) + Decimal(_FRACTIONS[m[2].strip()])
    if not re.fullmatch(r"\d{1,4}(\.\d{1,3})?", said):
        return None
    try:
        return Decimal(said)
    except InvalidOperation:
        return None


def read(line: Line, drug: Drug) -> Read:
    """The amounts, days and quantity of a line, or what is wrong with it."""
    out = Read()
    doses = [amount(d) for d in line.doses]
    if any(d is None or d > MOST_AMOUNT for d in doses):
        out.errors["dose"] = (mark("An amount for each time, for example 1 or 1/2."), {})
    days = int(line.days) if re.fullmatch(r"\d{1,3}", line.days.strip()) else 0
    if not 1 <= days <= MOST_DAYS:
        out.errors["days"] = (mark("From 1 to %(n)s days."), {"n": str(MOST_DAYS)})
    amounts = tuple(d or Decimal(0) for d in doses)
    asked = line.quantity.strip()
    said = amount(asked) if asked else None
    made = computed(amounts, days, drug)
    if asked and (said is None or not 0 < said <= MOST_QUANTITY or said != said.to_integral_value()):
        out.errors["quantity"] = (mark("A whole number from 1 to %(n)s."), {"n": str(MOST_QUANTITY)})
    elif not asked and made is None and "dose" not in out.errors and "days" not in out.errors:
        text = mark("Say how many %(unit)s.") if drug.unit not in COUNTED else mark("Say the dose, or how many %(unit)s in all.")
        out.errors["quantity"] = (text, {"unit": drug.unit})
    if not any(amounts) and not line.note.strip() and "dose" not in out.errors:
        out.errors["dose"] = (mark("Say how it is taken: amounts, or in words."), {})
    if not out.errors:
        out.taken = Taken((amounts[0], amounts[1], amounts[2], amounts[3]), days, said or made or Decimal(1))
    return out


def computed(amounts: Sequence[Decimal], days: int, drug: Drug) -> Decimal | None:
    """How many units last so long, rounded up to whole ones; None where units do not say (a bottle, a tube) or nothing is said."""
    total = sum(amounts, Decimal(0)) * days
    if drug.unit not in COUNTED or not total:
        return None
    return total.to_integral_value(ROUND_CEILING)


def plain(value: Decimal) -> str:
    """1, 0,5, 1/2: as it is written for a patient."""
    by = {Decimal("0.5"): "1/2", Decimal("0.25"): "1/4", Decimal("0.75"): "3/4"}
    if value in by:
        return by[value]
    text = f"{value.normalize():f}"
    return text.replace(".", ",")


def sig(taken: Taken, drug: Drug, note: str = "") -> str:
    """How it is taken, in Vietnamese, as it stands on the prescription: "Uống: sáng 1 viên, tối 1 viên, sau ăn"."""
    parts = [f"{_VI[t]} {plain(d)} {drug.unit}" for t, d in zip(TIMES, taken.doses, strict=True) if d]
    said = ", ".join([*parts, *([note.strip()] if note.strip() else [])])
    if not parts:
        return said[:1].upper() + said[1:]
    return f"{drug.route}: {said}"


_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")


def in_words(n: int) -> str:
    """A quantity in Vietnamese words with a capital, as narcotics need it: 25 -> Hai mươi lăm. 0 to 9999."""
    if not 0 <= n <= 9999:
        raise ValueError(f"{n}: 0 to 9999")
    words: list[str] = []
    thousands, rest = divmod(n, 1000)
    hundreds, rest = divmod(rest, 100)
    tens, ones = divmod(rest, 10)
    if thousands:
        words += [_DIGITS[thousands], "nghìn"]
    if hundreds or (thousands and rest):
        words += [_DIGITS[hundreds], "trăm"]
    if tens == 1:
        words.append("mười")
    elif tens:
        words += [_DIGITS[tens], "mươi"]
    elif ones and (hundreds or thousands):
        words.append("lẻ")
    if ones == 1 and tens > 1:
        words.append("mốt")
    elif ones == 5 and tens:
        words.append("lăm")
    elif ones or not words:
        words.append(_DIGITS[ones])
    said = " ".join(words)
    return said[:1].upper() + said[1:]


def printed_quantity(quantity: Decimal, drug: Drug) -> str:
    """The quantity as the prescription prints it: 05 viên, 30 viên; of narcotics in words."""
    n = int(quantity)
    number = in_words(n) if drug.kind == "n" else f"{n:02d}"
    return f"{number} {drug.unit}"


@dataclass(frozen=True)
class Said:
    """What a rule says of the prescription. about: the line's place (None: the whole)."""

    level: Literal["stop", "warn", "note"]
    text: str
    args: Mapping[str, str]
    rule: str
    about: int | None = None


def months(birth: str, on: date) -> int | None:
    """Whole months of life; None where the day of birth is not known."""
    try:
        born = date.fromisoformat(birth if len(birth) == 10 else f"{birth}-01" if len(birth) == 7 else f"{birth}-01-01")
    except ValueError:
        return None
    return (on.year - born.year) * 12 + on.month - born.month - (on.day < born.day)


def check(lines: Sequence[tuple[Drug, Taken]], birth: str, on: date, *, weight: bool, guardian: bool) -> list[Said]:
    """What circular 26/2025 says of these lines together."""
    found: list[Said] = []
    if len(lines) > MOST_LINES:
        found.append(Said("stop", mark("At most %(n)s drugs on one prescription."), {"n": str(MOST_LINES)}, TT26))
    seen: dict[str, int] = {}
    for i, (drug, taken) in enumerate(lines):
        name = {"drug": drug.name, "days": str(taken.days)}
        if any(taken.doses) and _WEEKLY.search(drug.usual):
            text = mark("%(drug)s is taken by the week, not by the day: write how in words, and the quantity.")
            found.append(Said("stop", text, name, drug.usual, i))
        if drug.code in seen:
            found.append(Said("stop", mark("%(drug)s stands twice."), name, TT26, i))
        seen[drug.code] = i
        if drug.kind == "n" and taken.days > NARCOTIC_DAYS:
            found.append(
                Said("warn", mark("Narcotic: at most 7 days in an acute illness; cancer pain 10 days a time."), name, TT26, i)
            )
        elif drug.kind == "h" and taken.days > PSYCHOTROPIC_DAYS:
            found.append(Said("warn", mark("Psychotropic or precursor: at most 10 days in an acute illness."), name, TT26, i))
        elif taken.days > LONG_DAYS:
            text = mark(
                "%(days)s days: more than 30 only for the long-lasting diseases of annex VII. That list is not loaded: check it."
            )
            found.append(Said("warn", text, name, f"{TT26}, VII", i))
        made = computed(taken.doses, taken.days, drug)
        if made is not None and taken.quantity != made:
            args = {**name, "made": str(made), "unit": drug.unit}
            found.append(Said("note", mark("Dose and days make %(made)s %(unit)s."), args, TT26, i))
    age = months(birth, on)
    if lines and age is not None and age < CHILD_MONTHS:
        if not weight:
            found.append(Said("stop", mark("A child under 72 months: the weight belongs on the prescription."), {}, TT26))
        if not guardian:
            found.append(
                Said("stop", mark("A child under 72 months: who brought the child belongs on the prescription."), {}, TT26)
            )
    return found


# --- reading what the record holds, to repeat it

_NUMBER = r"(\d+(?:[.,]\d+)?|½|1/2|1/4|3/4)"
_AT = {"morning": r"s[aá]ng", "noon": r"tr[uư]a", "afternoon": r"chi[eề]u", "evening": r"t[oố]i|tr[uư][oớ]c (?:khi )?ng[uủ]"}
_SPREAD = {1: ("morning",), 2: ("morning", "evening"), 3: ("morning", "noon", "evening"), 4: TIMES}


def spread(each: Decimal, times: int) -> tuple[str, str, str, str]:
    """So much, so many times a day, over the four times of day."""
    at = _SPREAD.get(times, ())
    cells = [plain(each) if t in at else "" for t in TIMES]
    return cells[0], cells[1], cells[2], cells[3]


def cells(instructions: Sequence[Mapping[str, Any]], drug: Drug) -> tuple[tuple[str, str, str, str], str]:
    """The four amounts and the rest in words, of a MedicationRequest's dosageInstruction: from its timing as this room writes it,
    else from its words ("Uống sáng 1 viên, tối 1 viên, sau ăn"), else from how often a day. What cannot be read stays in
    words."""
    found = {t: Decimal(0) for t in TIMES}
    for d in instructions:
        repeat = (d.get("timing") or {}).get("repeat") or {}
        dose = ((d.get("doseAndRate") or [{}])[0].get("doseQuantity")) or {}
        if repeat.get("when") and dose.get("unit") == drug.unit:
            for t, code in WHEN.items():
                if code in repeat["when"]:
                    found[t] += Decimal(str(dose.get("value") or 0))
    note = next((str(d["additionalInstruction"][0].get("text") or "") for d in instructions if d.get("additionalInstruction")), "")
    if any(found.values()):
        made = [plain(found[t]) if found[t] else "" for t in TIMES]
        return (made[0], made[1], made[2], made[3]), note
    return _of_words(instructions[0] if instructions else {}, drug)


def usual(drug: Drug) -> tuple[tuple[str, str, str, str], str]:
    """The formulary's usual dose as amounts and words: from its amount and times a day, never from the span that its words
    give; what is taken when needed stays in words."""
    text = drug.usual
    if drug.unit not in COUNTED or drug.times not in _SPREAD or _NEEDED.search(text) or _WEEKLY.search(text):
        return _of_words({"text": text}, drug)
    rest = _qualifier(text)
    named = next((t for t, word in _AT.items() if re.search(word, text, re.I)), None)
    if drug.times == 1 and named:
        made = [plain(drug.amount) if t == named else "" for t in TIMES]
        return (made[0], made[1], made[2], made[3]), rest
    return spread(drug.amount, drug.times), rest


_NEEDED = re.compile(r"khi (?:đau|sốt|cần|khó)|theo (?:cân nặng|phác đồ|chỉ định|hướng dẫn)", re.I)
_WEEKLY = re.compile(r"(?:mỗi|/)\s*tuần|tuần (?:một|1) lần", re.I)
"""Methotrexate each day in the place of each week kills: such a drug is never written by times of day."""


def _qualifier(text: str) -> str:
    """What is said beside amounts: before meals, after meals ..."""
    parts = (p.strip() for p in re.split(r"[,;]\s*", text))
    return next((p for p in parts if re.match(r"(?:trước|sau|trong|cùng|lúc|khi|không)\b", p, re.I)), "")


def _of_words(d: Mapping[str, Any], drug: Drug) -> tuple[tuple[str, str, str, str], str]:
    text = str(d.get("text") or "")
    unit = re.escape(drug.unit)
    at = {t: m[1] for t, word in _AT.items() if (m := re.search(rf"(?:{word})\s*{_NUMBER}(?:\s*{unit}\b)?", text, re.I))}
    rest = _qualifier(text)
    if at:
        made = [at.get(t, "") for t in TIMES]
        return (made[0], made[1], made[2], made[3]), rest
    if _WEEKLY.search(text) or re.search(
        r"\d\s*[-–]\s*\d", text
    ):  # by the week; or one to two, two to three times: somebody has to choose
        return ("", "", "", ""), text
    each = re.search(rf"{_NUMBER}\s*{unit}", text, re.I)
    often = re.search(r"(?:x|×|ngày)\s*(\d)\s*lần", text, re.I)
    times = int(often[1]) if often else 1 if re.search(r"/\s*ngày", text, re.I) else 0
    frequency = ((d.get("timing") or {}).get("repeat") or {}).get("frequency")
    times = times or (int(frequency) if isinstance(frequency, int) else 0)
    if _NEEDED.search(text) or times not in _SPREAD or drug.unit not in COUNTED:
        return ("", "", "", ""), text
    dose = amount(each[1]) if each else drug.amount
    if times == 1 and (named := next((t for t, word in _AT.items() if re.search(word, text, re.I)), None)):
        made = [plain(dose or Decimal(1)) if t == named else "" for t in TIMES]
        return (made[0], made[1], made[2], made[3]), rest
    return spread(dose or Decimal(1), times), rest
