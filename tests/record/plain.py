"""What a search condition means, said a second time and slowly: by looking at every resource. Shares no code with the store."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

Value = tuple[Any, str]
HANOI = timezone(timedelta(hours=7))
UCUM = "http://unitsofmeasure.org"
FAR, LONG_AGO = datetime(9999, 12, 31, tzinfo=timezone.utc), datetime(1, 1, 1, tzinfo=timezone.utc)  # noqa: UP017
SAME = {"kg": ("g", 1000), "mg": ("g", Decimal("0.001")), "m": ("cm", 100), "mm": ("cm", Decimal("0.1")),
        "10*12/L": ("10*9/L", 1000), "10*6/uL": ("10*9/L", 1000), "10*3/uL": ("10*9/L", 1), "g/dL": ("mg/dL", 1000),
        "g/L": ("mg/dL", 100), "ug/dL": ("mg/dL", Decimal("0.001")), "L": ("mL", 1000)}  # fmt: skip


def bare(text: str) -> str:
    text = unicodedata.normalize("NFKD", text.casefold()).replace("đ", "d")
    return re.sub(r"\s+", " ", "".join(c for c in text if not unicodedata.combining(c))).strip()


def tokens(value: Any, kind: str) -> set[tuple[str | None, str]]:
    """(system or None, code); a plain code has the system '*'."""
    if kind == "CodeableConcept":
        return {t for c in value.get("coding", []) for t in tokens(c, "Coding")}
    if kind == "Coding":
        return {(value.get("system"), value["code"])} if "code" in value else set()
    if kind in ("Identifier", "ContactPoint"):
        return {(value.get("system"), value["value"])} if "value" in value else set()
    if isinstance(value, bool):
        return {("*", str(value).lower())}
    return {("*", value)} if isinstance(value, str) else set()


def token(values: list[Value], text: str) -> bool:
    found = {t for v, k in values for t in tokens(v, k)}
    if "|" not in text:
        return any(code == text for _, code in found)
    system, code = text.split("|", 1)
    if not code:
        return any(s == system for s, _ in found)
    return any(c == code and (s or "") == system for s, c in found)


def strings(value: Any, kind: str) -> list[str]:
    if kind == "HumanName":
        parts = [
            value.get("family"),
            value.get("text"),
            *value.get("given", []),
            *value.get("prefix", []),
            *value.get("suffix", []),
        ]
    elif kind == "Address":
        parts = [value.get(n) for n in ("city", "district", "state", "postalCode", "country", "text")] + value.get("line", [])
    else:
        return [value] if isinstance(value, str) else []
    return [p for p in parts if p]


def string(values: list[Value], text: str, modifier: str | None) -> bool:
    for v, k in values:
        for s in strings(v, k):
            if modifier == "exact":
                hit = s == text
            elif modifier == "contains":
                hit = bare(text) in bare(s)[:256]
            elif k in ("HumanName", "Address"):
                hit = (" " + bare(s)).find(" " + bare(text)) >= 0
            else:
                hit = bare(s).startswith(bare(text))
            if hit:
                return True
    return False


def moment(text: str) -> tuple[datetime, datetime]:
    m = re.match(r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?$", text)
    assert m, text
    y, mo, d, h, mi, s, f, z = m.groups()
    zone = HANOI if z is None else datetime.strptime(z.replace("Z", "+00:00"), "%z").tzinfo
    lo = datetime(int(y), int(mo or 1), int(d or 1), int(h or 0), int(mi or 0), int(s or 0), tzinfo=zone)
    if mo is None:
        return lo, lo.replace(year=lo.year + 1)
    if d is None:
        return lo, lo.replace(year=lo.year + lo.month // 12, month=lo.month % 12 + 1)
    step = timedelta(days=1) if h is None else timedelta(minutes=1) if s is None else timedelta(seconds=1)
    if f:
        lo += timedelta(microseconds=int((f[1:] + "000000")[:6]))
        step = timedelta(microseconds=10 ** max(0, 6 - len(f[1:])))
    return lo, lo + step


def period(value: Any, kind: str) -> tuple[datetime, datetime] | None:
    if kind == "Period":
        lo, hi = value.get("start"), value.get("end")
        return (moment(lo)[0] if lo else LONG_AGO, moment(hi)[1] if hi else FAR) if lo or hi else None
    if kind == "Timing":
        all_ = [moment(e) for e in value.get("event", [])]
        inside = period(value.get("repeat", {}).get("boundsPeriod", {}), "Period")
        all_ += [inside] if inside else []
        return (min(a for a, _ in all_), max(b for _, b in all_)) if all_ else None
    return moment(value) if isinstance(value, str) and re.match(r"\d{4}", value) else None


def date(values: list[Value], prefix: str, text: str) -> bool:
    a, b = moment(text)
    spans = [s for v, k in values if (s := period(v, k))]
    test = {
        "eq": lambda lo, hi: a <= lo and hi <= b,
        "ne": lambda lo, hi: not (a <= lo and hi <= b),
        "gt": lambda lo, hi: hi > b,
        "lt": lambda lo, hi: lo < a,
        "ge": lambda lo, hi: hi > b or (a <= lo and hi <= b),
        "le": lambda lo, hi: lo < a or (a <= lo and hi <= b),
        "sa": lambda lo, hi: lo >= b,
        "eb": lambda lo, hi: hi <= a,
    }[prefix]
    return any(test(lo, hi) for lo, hi in spans)


def compare(number: Decimal, prefix: str, asked: Decimal, half: Decimal) -> bool:
    return {
        "eq": asked - half <= number < asked + half,
        "ne": not asked - half <= number < asked + half,
        "gt": number > asked, "lt": number < asked, "ge": number >= asked, "le": number <= asked,
    }[prefix]  # fmt: skip


def half(text: str) -> Decimal:
    return Decimal(5).scaleb(Decimal(text).as_tuple().exponent - 1)  # type: ignore[operator]


def number(values: list[Value], prefix: str, text: str) -> bool:
    listed = [Decimal(str(v)) for v, _ in values if not isinstance(v, (dict, bool))]
    return any(compare(n, prefix, Decimal(text), half(text)) for n in listed)


def quantity(values: list[Value], prefix: str, text: str) -> bool:
    n, system, unit = [*text.split("|"), "", ""][:3]
    for v, kind in values:
        for one in [v.get("low"), v.get("high")] if kind == "Range" else [v]:
            if not one or "value" not in one:
                continue
            value, own = Decimal(str(one["value"])), one.get("code") or one.get("unit") or ""
            own_system = one.get("system") or ""
            if "currency" in one:
                own, own_system = one["currency"], "urn:iso:std:iso:4217"
            asked, h = Decimal(n), half(n)
            if unit:
                if system != own_system:
                    continue
                if system == UCUM:
                    (u1, f1), (u2, f2) = SAME.get(own, (own, 1)), SAME.get(unit, (unit, 1))
                    if u1 != u2:
                        continue
                    value, asked, h = value * f1, asked * f2, h * f2
                elif own != unit:
                    continue
            if compare(value, prefix, asked, h):
                return True
    return False


def points(values: list[Value], text: str) -> bool:
    """text: Type/id or a url, perhaps a canonical without its version."""
    for v, _ in values:
        ref = v.get("reference") if isinstance(v, dict) else v
        if isinstance(ref, str) and (re.sub(r"/_history/.*$", "", ref) == text or ref == text or ref.split("|")[0] == text):
            return True
    return False


def uri(values: list[Value], text: str) -> bool:
    return any(v == text or (isinstance(v, str) and v.split("|")[0] == text) for v, _ in values)
