"""Who somebody is: the numbers a person may have over a life, the checks of a registration form, and how like two people are. Pure.

A citizen's number is never made up: who has none yet gets a number of the house's own (a newborn, an unidentified patient), and
keeps it as history when the real one comes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from ..base.fold import fold
from ..base.words import mark, toned
from ..fhir import systems as s
from ..record import match
from ..wire import citizen_card
from ..wire.citizen_card import CitizenCard
from ..wire.insurance_card import InsuranceCard

Resource = Mapping[str, Any]
LONGEST_NAME = 200
OLDEST = 130


class Kind(NamedTuple):
    """A kind of number: its system, HL7's type of it (v2-0203), and what it is called."""

    code: str
    system: str
    type: str
    title: str


KINDS = {
    k.code: k
    for k in (
        Kind("citizen", s.CITIZEN_ID, "NI", mark("Citizen ID")),
        Kind("old-citizen", s.OLD_CITIZEN_ID, "NI", mark("Old identity card (9 digits)")),
        Kind("passport", s.PASSPORT, "PPN", mark("Passport")),
        Kind("insurance", s.INSURANCE_NUMBER, "HC", mark("Insurance card")),
        Kind("social", s.SOCIAL_INSURANCE_NUMBER, "SS", mark("Social insurance number")),
        Kind("newborn", s.NEWBORN_NUMBER, "BCT", mark("Newborn without papers")),
        Kind("unidentified", s.UNIDENTIFIED_NUMBER, "U", mark("Unidentified emergency patient")),
        Kind("patient", s.PATIENT_NUMBER, "MR", mark("Patient number")),
    )
}
OF_SYSTEM = {k.system: k for k in KINDS.values()}
TYPED = ("citizen", "old-citizen", "passport")
"""Kinds whose number a clerk may type."""


def identifier(code: str, value: str, use: str = "official") -> dict[str, Any]:
    kind = KINDS[code]
    return {
        "use": use,
        "type": {"coding": [{"system": s.IDENTIFIER_TYPE, "code": kind.type}], "text": kind.title},
        "system": kind.system,
        "value": value,
    }


def number_of(patient: Resource, code: str) -> str:
    """The number of this kind that holds now, "" without one."""
    found = [i for i in patient.get("identifier") or () if i.get("system") == KINDS[code].system and i.get("value")]
    found.sort(key=lambda i: i.get("use") == "old")
    return str(found[0]["value"]) if found else ""


def name_of(text: str) -> str:
    """A name as it is written: single spaces, composed letters; all capitals (as cards print them) become first letters."""
    cleaned = " ".join(unicodedata.normalize("NFC", text.replace("\0", "")).split())
    return " ".join(w[:1].upper() + w[1:].lower() for w in cleaned.split()) if cleaned.isupper() else cleaned


def human_name(text: str, use: str = "official") -> dict[str, Any]:
    """A FHIR HumanName: the family name first, the given name last, as names here are."""
    words = text.split()
    made: dict[str, Any] = {"use": use, "text": text}
    if len(words) > 1:
        made |= {"family": words[0], "given": words[1:]}
    elif words:
        made["given"] = words
    return made


def birth(text: str, today: date) -> str | None:
    """A birth date as it is typed (dd/mm/yyyy, mm/yyyy, yyyy, or with - or .) as a FHIR date; "" stays; None for what is none, lies
    ahead, or would make somebody older than anybody."""
    cleaned = text.strip()
    if not cleaned:
        return ""
    m = re.fullmatch(r"(?:(?:(\d{1,2})[/.\-])?(\d{1,2})[/.\-])?(\d{4})|(\d{4})-(\d{2})-(\d{2})", cleaned, re.A)
    if not m:
        return None
    year, month, day = (m[3], m[2], m[1]) if m[3] else (m[4], m[5], m[6])
    try:
        first = date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    if first > today or first.year < today.year - OLDEST:
        return None
    return f"{first.year:04d}" + (f"-{first.month:02d}" if month else "") + (f"-{first.day:02d}" if day else "")


_PREFIX = re.compile(r"^(?:\+?84|0084)")


def telephone(text: str) -> str | None:
    """A Vietnamese telephone number, digits only; "" stays; None for what is none."""
    digits = re.sub(r"[\s.\-()]", "", text.replace("\0", ""))
    if not digits:
        return ""
    digits = _PREFIX.sub("0", digits)
    if re.fullmatch(r"0[35789]\d{8}", digits, re.A) or re.fullmatch(r"02\d{8,9}", digits, re.A):
        return digits
    return None


def telephone_fault(text: str) -> str:
    """What is wrong with a telephone number, as a marked message; "" when nothing is."""
    if telephone(text) is not None:
        return ""
    digits = _PREFIX.sub("0", re.sub(r"[\s.\-()]", "", text))
    if not digits.isdigit():
        return mark("Digits only.")
    if digits[:1] == "0" and len(digits) == 9:
        return mark("One digit is missing.")
    if digits[:1] == "0" and len(digits) < 9:
        return mark("Digits are missing: a mobile number has ten.")
    return mark("A mobile number has ten digits and begins with 03, 05, 07, 08 or 09.")


def old_number_fault(text: str) -> str:
    return "" if re.fullmatch(r"\d{9}", text, re.A) else mark("An old identity card has 9 digits.")


def passport_fault(text: str) -> str:
    return "" if re.fullmatch(r"[A-Z0-9]{6,12}", text, re.A) else mark("A passport number has 6 to 12 letters and digits.")


def citizen_faults(number: str, born: str, sex: str) -> tuple[str, list[str]]:
    """(what is wrong, "" when nothing is; doubts that the clerk may pass over), as marked messages."""
    wrong = citizen_card.check(number)
    if wrong:
        short = 12 - len(number)
        if number.isdigit() and short == 1:
            wrong = mark("One digit is missing.")
        return wrong, []
    known: citizen_card.Sex | None = "male" if sex == "male" else "female" if sex == "female" else None
    return "", list(citizen_card.doubts(number, born or None, known))


def same_person(citizen: CitizenCard, insurance: InsuranceCard) -> bool:
    """Do two cards on one desk speak of one person? Names without tones and the year of birth must agree."""
    names = fold(citizen.name) == fold(insurance.name)
    years = not citizen.birth or not insurance.birth or citizen.birth[:4] == insurance.birth[:4]
    return names and years


# ---- duplicates ------------------------------------------------------------------------------------------------------


class Likeness(NamedTuple):
    """score: 0 to 1; grade: certain, probable, possible (match-grade); reasons: what agrees, as marked messages."""

    score: float
    grade: str
    reasons: tuple[str, ...]


ENOUGH = 0.5
"""From this score on somebody is shown as perhaps the same person."""


CERTAIN, PROBABLE, POSSIBLE = match.CERTAIN, match.PROBABLE, match.POSSIBLE


def likeness(asked: Resource, there: Resource) -> Likeness:
    """How like what is being typed is to somebody in the record. A number of one person alone makes certain, unless name and birth
    speak against it; a near name (a slip, an other tone), the birth date and the ward together make probable. Never more than a
    proposal: names repeat in Vietnam more than elsewhere."""
    names, others = _name(asked), _name(there)
    near = _near(names, others)
    born = str(asked.get("birthDate") or ""), str(there.get("birthDate") or "")
    said: list[tuple[bool, str, float]] = [
        (bool(names) and toned(names) == toned(others), mark("same name"), 0.45),
        (near == 1.0 and toned(names) != toned(others), mark("same name but for tones"), 0.43),
        (0.6 <= near < 1.0, mark("similar name"), 0.45 * near),
        (len(born[0]) == 10 and born[0] == born[1], mark("same birth date"), 0.3),
        (4 <= len(born[0]) < 10 and born[0] == born[1], mark("same year of birth"), 0.2),
        (_half(*born), mark("birth date alike"), 0.2),
        (bool(_ward(asked)) and _ward(asked) == _ward(there), mark("same ward"), 0.12),
        (bool(_phones(asked) & _phones(there)), mark("same telephone"), 0.15),
    ]
    score = sum(weight for holds, _, weight in said if holds)
    score += 0.05 * (bool(asked.get("gender")) and asked.get("gender") == there.get("gender"))
    reasons = [reason for holds, reason, _ in said if holds]
    against = bool(names and others and near < 0.34) and born[0][:4] != born[1][:4]
    if _numbers(asked) & _numbers(there):
        reasons.insert(0, mark("same number"))
        return Likeness(0.6 if against else 1.0, POSSIBLE if against else CERTAIN, tuple(reasons))
    score = min(round(score, 3), 0.99)
    return Likeness(score, PROBABLE if score >= 0.75 else POSSIBLE, tuple(reasons))


def _numbers(p: Resource) -> set[tuple[str, str]]:
    return {(str(i["system"]), str(i["value"])) for i in p.get("identifier") or () if i.get("system") and i.get("value")}


def _phones(p: Resource) -> set[str]:
    found = (telephone(str(t.get("value") or "")) for t in p.get("telecom") or () if t.get("system") == "phone")
    return {f for f in found if f}


def _name(p: Resource) -> str:
    first: Resource = next(iter(p.get("name") or ()), {})
    parts = [first.get("family"), *(first.get("given") or ())]
    return str(first.get("text") or " ".join(str(x) for x in parts if x))


def _near(a: str, b: str) -> float:
    """Words that agree, one slip of the pen forgiven, over all words."""
    one, other = fold(a).split(), fold(b).split()
    if not one or not other:
        return 0.0
    left = list(other)
    hits = 0.0
    for w in one:
        found = next((x for x in left if x == w), None) or next((x for x in left if _slip(w, x)), None)
        if found is not None:
            hits += 1.0 if found == w else 0.8
            left.remove(found)
    return hits / max(len(one), len(other))


def _slip(a: str, b: str) -> bool:
    """Equal but for one letter more, less or other."""
    if abs(len(a) - len(b)) > 1 or min(len(a), len(b)) < 3:
        return False
    i = 0
    while i < min(len(a), len(b)) and a[i] == b[i]:
        i += 1
    return a[i + 1 :] == b[i:] or a[i:] == b[i + 1 :] or a[i + 1 :] == b[i + 1 :]


def _half(a: str, b: str) -> bool:
    """Day and month swapped, one figure other, or only the year known on one side."""
    if not a or not b or a == b:
        return False
    if a[:4] == b[:4] and (len(a) == 4 or len(b) == 4):
        return True
    if len(a) != 10 or len(b) != 10:
        return False
    if a[:4] == b[:4] and (a[5:7], a[8:]) == (b[8:], b[5:7]):
        return True
    return sum(x != y for x, y in zip(a, b, strict=True)) == 1


def _ward(p: Resource) -> str:
    for a in p.get("address") or ():
        for x in a.get("extension") or ():
            if x.get("url") == s.EXT_WARD and a.get("use") != "old":
                return str((x.get("valueCoding") or {}).get("code") or "")
    return ""


def known_now(patient: Resource, citizen: CitizenCard) -> list[dict[str, Any]]:
    """The identifiers of somebody whose citizen card was scanned: the new number in front, earlier ones of its kind marked as old,
    the 9-digit number that the card names kept too."""
    kept: list[dict[str, Any]] = []
    for i in patient.get("identifier") or ():
        same_kind = i.get("system") in (s.CITIZEN_ID, s.NEWBORN_NUMBER, s.UNIDENTIFIED_NUMBER)
        if same_kind and i.get("value") != citizen.number:
            kept.append({**i, "use": "old"})
        elif i.get("value") != citizen.number or i.get("system") != s.CITIZEN_ID:
            kept.append(dict(i))
    made = [identifier("citizen", citizen.number), *kept]
    if citizen.old_number and not any(i.get("value") == citizen.old_number for i in kept):
        made.append(identifier("old-citizen", citizen.old_number, "old"))
    return made


TEMPORARY = timedelta(days=60)
"""A newborn's birth is registered within 60 days (law on civil status 60/2014/QH13, article 15)."""
