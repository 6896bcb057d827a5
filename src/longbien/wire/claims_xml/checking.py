"""One row against its field table: needed, length, number, date, code, pattern. Prepared once a table and day."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache, lru_cache

from longbien.base.words import mark

from .fault import Fault, Level
from .tables import Field, Row, codes, fields, holds, rows

_NUMBER = re.compile(r"-?\d+(?:\.(\d+))?", re.A)
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
_MINUTE = re.compile(r"\d{12}", re.A)
_DAY = re.compile(r"\d{8}", re.A)
Found = tuple[str, str, str, dict[str, str], Level]
"""(rule, text, what to do, values, level)"""
Test = Callable[[str, Row], Found | None]

FILL = mark("Fill it in.")
SHORTEN = mark("Shorten it.")
CORRECT = mark("Correct it at its source and make the claim again.")


def row_faults(table: str, n: int, row: Row, day: date) -> Iterator[Fault]:
    known = _tests(table, day)
    for name, (needed, tests) in known.items():
        value = row.get(name, "")
        if not value:
            if needed and holds(needed, row):
                yield Fault("stop", table, n, name, "needed", mark("%(field)s must not be empty."), FILL, {"field": name})
            continue
        for test in tests:
            found = test(value, row)
            if found is not None:
                rule, text, todo, values, level = found
                yield Fault(level, table, n, name, rule, text, todo, {"field": name, "value": value[:80], **values})
    if len(row) > len(known) or not row.keys() <= known.keys():
        for name in sorted(row.keys() - known.keys()):
            yield Fault("stop", table, n, name, "unknown", mark("%(field)s is no field of this table."),
                        mark("Leave it out, or look at the spelling."), {"field": name})  # fmt: skip


@lru_cache(512)
def _tests(table: str, day: date) -> dict[str, tuple[str, tuple[Test, ...]]]:
    return {f.name: (f.needed, tuple(_for(f, day))) for f in fields(table, day)}


def _for(field: Field, day: date) -> Iterator[Test]:
    if field.max is not None:
        yield _length(field.max)
    if field.decimals is not None:
        yield _number(field.decimals, signed=False)
    if field.form in FORMS:
        yield FORMS[field.form]
    if field.codes and (known := codes(field.codes, day)):
        yield _code(frozenset(known))
    for pattern, example, level in _patterns(field.table, field.name):
        yield _pattern(pattern, example, level, field.form == "list" or ";" in example)
    if field.decimals is None and not field.form:
        yield _plain


def _length(most: int) -> Test:
    def test(value: str, row: Row) -> Found | None:
        if len(value) <= most:
            return None
        told = {"most": str(most), "length": str(len(value))}
        return "length", mark("%(field)s has %(length)s characters; it may have %(most)s."), SHORTEN, told, "stop"

    return test


def _number(decimals: int, *, signed: bool) -> Test:
    def test(value: str, row: Row) -> Found | None:
        found = _NUMBER.fullmatch(value)
        if found is None:
            return ("number", mark("%(field)s is no number: %(value)s."),
                    mark("Write digits, with a point before the decimals."), {}, "stop")  # fmt: skip
        if len(found[1] or "") > decimals:
            return ("decimals", mark("%(field)s has more than %(places)s decimals: %(value)s."), mark("Round it."),
                    {"places": str(decimals)}, "stop")  # fmt: skip
        if value[0] == "-" and not signed:
            return "negative", mark("%(field)s is below zero: %(value)s."), mark("Settle the reversal with its line."), {}, "stop"
        return None

    return test


def minute(value: str) -> bool:
    return bool(_MINUTE.fullmatch(value)) and is_day(value[:8]) and value[8:10] < "24" and value[10:] < "60"


def is_day(value: str) -> bool:
    if not _DAY.fullmatch(value):
        return False
    try:
        date(int(value[:4]), int(value[4:6]), int(value[6:]))
    except ValueError:
        return False
    return True


def shown(value: str) -> str:
    """A date of a claim for the eye: 02/03/1958, 30/11/2026 08:05; unknown parts are left out."""
    if value[4:8] == "0000":
        return value[:4]
    day = f"{value[6:8]}/{value[4:6]}/{value[:4]}" if len(value) >= 8 else value
    return f"{day} {value[8:10]}:{value[10:12]}" if len(value) == 12 and value[8:] != "0000" else day


def birth(value: str) -> bool:
    """Unknown month, day, hour and minute are zeros."""
    if len(value) not in (8, 12) or not value.isdigit():
        return False
    if value[4:8] == "0000":
        return value[:4] != "0000" and value[8:] in ("", "0000")
    filled = value[:6] + ("01" if value[6:8] == "00" else value[6:8]) + (value[8:] or "0000")
    return minute(filled)


def _form(right: Callable[[str], bool], like: str, *, several: bool = False) -> Test:
    def test(value: str, row: Row) -> Found | None:
        if all(right(v.strip()) for v in (value.split(";") if several else (value,))):
            return None
        return "date", mark("%(field)s is no date of the form %(like)s: %(value)s."), CORRECT, {"like": like}, "stop"

    return test


FORMS: dict[str, Test] = {
    "minute": _form(minute, "yyyymmddHHMM"),
    "minutes": _form(minute, "yyyymmddHHMM", several=True),
    "day": _form(is_day, "yyyymmdd"),
    "days": _form(is_day, "yyyymmdd", several=True),
    "birth": _form(birth, "yyyymmddHHMM"),
    "day|minute": _form(lambda v: is_day(v) or minute(v), "yyyymmdd"),
}


def _code(known: frozenset[str]) -> Test:
    def test(value: str, row: Row) -> Found | None:
        if value in known:
            return None
        return ("code", mark("%(field)s %(value)s is not among the codes in force on the day."),
                mark("Choose a code of the list."), {}, "stop")  # fmt: skip

    return test


@cache
def _all_patterns() -> tuple[tuple[str, str, re.Pattern[str], str, Level], ...]:
    return tuple(
        (r["table"], r["field"], re.compile(r["pattern"], re.A), r["example"], "warn" if r["level"] == "warn" else "stop")
        for r in rows("patterns")
    )


def _patterns(table: str, name: str) -> list[tuple[re.Pattern[str], str, Level]]:
    return [(p, example, level) for t, f, p, example, level in _all_patterns() if f == name and t in ("*", table)]


def _pattern(pattern: re.Pattern[str], example: str, level: Level, several: bool) -> Test:
    def test(value: str, row: Row) -> Found | None:
        whole = pattern.fullmatch(value)
        if whole or (several and all(pattern.fullmatch(v.strip()) for v in value.split(";") if v.strip())):
            return None
        return "form", mark("%(field)s is not of its form, such as %(example)s: %(value)s."), CORRECT, {"example": example}, level

    return test


def _plain(value: str, row: Row) -> Found | None:
    if _CONTROL.search(value):
        return "control", mark("%(field)s holds a character that cannot be sent."), mark("Type the text anew."), {}, "stop"
    return None
