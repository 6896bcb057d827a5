"""Rules of the diagnoses of a visit. Pure.

Tables: annexes A2 (not a principal diagnosis), A3.1-A3.10 (valid ages) and A4.1-A4.2 (sex) and the pairs of dagger and asterisk of
decision 4469/QĐ-BYT (2020), in tables/. Circular 06/2026 has replaced that list from 1 July 2026; its own rules are not at hand, so
what these say of an age warns and does not stop."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from ..base.words import mark

TABLES = Path(__file__).parent / "tables"
SOURCE = "QĐ 4469/QĐ-BYT 2020"
MOST_OTHERS = 12
"""MA_BENH_KT of the claim (decision 3176/2024, table 1): at most twelve diagnoses beside the principal one."""
OFFERED = 5
Level = Literal["stop", "warn", "note"]


class Age(NamedTuple):
    """Valid ages in days, both ends included; None: no limit."""

    low: int | None
    high: int | None
    text: str


YEAR = 365.25


def _years(low: float | None, high: float | None, text: str) -> Age:
    """`high`: the last year of life that still counts ("to 19 years" holds until the day before the 20th birthday)."""
    return Age(None if low is None else int(low * YEAR), None if high is None else int((high + 1) * YEAR) - 1, text)


AGES: dict[str, Age] = {
    "A3.1": Age(0, 365, mark("0 to 365 days")),
    "A3.2": _years(0, 2, mark("0 to 2 years")),
    "A3.3": _years(0, 10, mark("0 to 10 years")),
    "A3.4": _years(0, 19, mark("0 to 19 years")),
    "A3.5": Age(28, None, mark("over 27 days")),
    "A3.6": _years(1, None, mark("1 year and over")),
    "A3.7": _years(8, 19, mark("8 to 19 years")),
    "A3.8": _years(9, 60, mark("9 to 60 years")),
    "A3.9": _years(15, None, mark("over 15 years")),
    "A3.10": _years(30, None, mark("over 30 years")),
}
"""The annexes' own headings."""
SEXES = {"A4.1": "female", "A4.2": "male"}


@cache
def annexes() -> Mapping[str, tuple[str, ...]]:
    """code -> the annexes that name it."""
    with (TABLES / "icd10_rules.csv").open(encoding="utf-8", newline="") as f:
        return {r["code"]: tuple(r["annexes"].split()) for r in csv.DictReader(f)}


@cache
def pairs() -> Mapping[str, tuple[str, ...]]:
    """asterisk code -> the dagger codes that it may stand with."""
    with (TABLES / "icd10_dagger_asterisk.csv").open(encoding="utf-8", newline="") as f:
        return {r["asterisk"]: tuple(r["daggers"].split()) for r in csv.DictReader(f)}


@cache
def asterisks() -> Mapping[str, tuple[str, ...]]:
    """dagger code -> the asterisk codes that may follow it."""
    found: dict[str, list[str]] = {}
    for star, daggers in pairs().items():
        for dagger in daggers:
            found.setdefault(dagger, []).append(star)
    return {k: tuple(v) for k, v in found.items()}


class Dx(NamedTuple):
    """One diagnosis of the visit; the first of a list is the principal one."""

    code: str
    name: str


@dataclass(frozen=True)
class Finding:
    """level: stop (may not be signed), warn (may; the reader is told), note. about: the place in the list (None: the whole list).
    text: a marked message with `args`; rule: where it stands; offer: codes that would mend it."""

    level: Level
    text: str
    args: Mapping[str, str]
    rule: str
    about: int | None = None
    offer: tuple[str, ...] = ()


def age_days(birth: str, on: date) -> int | None:
    """Days of life of a FHIR birth date; None where the day is not known (a year alone decides no limit in days)."""
    try:
        return (on - date.fromisoformat(birth)).days
    except ValueError:
        return None


def check(diagnoses: Sequence[Dx], sex: str, birth: str, on: date, finer: Iterable[str] = ()) -> list[Finding]:
    """What the rules say of the diagnoses of a visit, in the order of the list. sex: FHIR administrative-gender; birth: a FHIR
    date; `finer`: codes of the list that have subdivisions (a fourth character is to be used)."""
    if not diagnoses:
        return [Finding("stop", mark("Choose the principal diagnosis."), {}, "TT 32/2023")]
    found: list[Finding] = []
    if len(diagnoses) > 1 + MOST_OTHERS:
        found.append(Finding("stop", mark("At most %(n)s other diagnoses."), {"n": str(MOST_OTHERS)}, "QĐ 3176/2024 XML1"))
    known = [d.code for d in diagnoses]
    divided = set(finer)
    for i, d in enumerate(diagnoses):
        found += _one(d, i, known, sex, age_days(birth, on))
        if d.code in divided:
            found.append(Finding("note", mark("%(code)s has finer codes: choose one."), {"code": d.code}, SOURCE, i))
    return found


def _one(d: Dx, i: int, known: Sequence[str], sex: str, age: int | None) -> Iterable[Finding]:
    code = {"code": d.code}
    of = annexes().get(d.code, ())
    if known.index(d.code) < i:
        yield Finding("stop", mark("%(code)s stands twice."), code, "QĐ 3176/2024 XML1", i)
        return
    daggers = pairs().get(d.code, ())
    has = [x for x in daggers if x in known]
    if i == 0 and (daggers or "A2" in of):
        yield Finding(
            "stop", mark("%(code)s may not be the principal diagnosis."), code, f"{SOURCE}, A2", i, tuple(daggers[:OFFERED])
        )
    if daggers and not has:
        args = {**code, "daggers": ", ".join(daggers[:OFFERED]) + ("…" if len(daggers) > OFFERED else "")}
        yield Finding(
            "stop", mark("%(code)s* is only written with its cause †: %(daggers)s."), args, "ICD-10 2, 3.1.3", i, daggers[:OFFERED]
        )
    for annex in of:
        if (only := SEXES.get(annex)) and sex in ("male", "female") and sex != only:
            text = mark("%(code)s is only of women.") if only == "female" else mark("%(code)s is only of men.")
            yield Finding("stop", text, code, f"{SOURCE}, {annex}", i)
        valid = AGES.get(annex)
        if valid and age is not None and not (valid.low or 0) <= age <= (valid.high if valid.high is not None else age):
            yield Finding(
                "warn", mark("%(code)s is valid at %(ages)s only."), {**code, "ages": valid.text}, f"{SOURCE}, {annex}", i
            )
    if (stars := asterisks().get(d.code, ())) and not any(s in known for s in stars):
        args = {**code, "stars": ", ".join(stars[:OFFERED])}
        yield Finding("note", mark("With %(code)s† may stand: %(stars)s."), args, SOURCE, i, tuple(stars[:OFFERED]))
