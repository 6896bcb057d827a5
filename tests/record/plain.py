"""What a search condition means, said a second time and slowly: by looking at every resource. Shares no code with the store."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

HANOI = timezone(timedelta(hours=7))
UCUM = "http://unitsofmeasure.org"
FAR, LONG_AGO = datetime(9999, 12, 31, tzinfo=timezone.utc), datetime(1, 1, 1, tzinfo=timezone.utc)  # noqa: UP017
PREFIX = {"": 0, "k": 3, "h": 2, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15}
ATOMS = {"g": ("M", 1), "t": ("M", 10**6), "[lb_av]": ("M", Decimal("453.59237")), "[oz_av]": ("M", Decimal("28.349523125")),
         "m": ("l", 1), "[in_i]": ("l", Decimal("0.0254")), "[ft_i]": ("l", Decimal("0.3048")), "L": ("lll", Decimal("0.001")),
         "l": ("lll", Decimal("0.001")), "s": ("T", 1), "min": ("T", 60), "h": ("T", 3600), "d": ("T", 86400),
         "wk": ("T", 604800), "mo": ("T", 2629800), "a": ("T", 31557600), "mol": ("n", 1), "eq": ("e", 1), "osm": ("o", 1),
         "U": ("U", 1), "[iU]": ("I", 1), "Pa": ("P", 1), "bar": ("P", 10**5), "m[Hg]": ("P", 133322),
         "cal": ("J", Decimal("4.184")), "J": ("J", 1), "V": ("V", 1)}  # fmt: skip


def _atom(text: str) -> tuple[str, int, Decimal] | None:
    """(dimension, exponent, factor) of 'mg', 'm2', '10*3' or '1'."""
    if power := re.fullmatch(r"10\*(-?\d+)", text):
        return "", 1, Decimal(10) ** int(power[1])
    if text in ("", "1") or re.fullmatch(r"\{.*\}", text):
        return "", 1, Decimal(1)
    m = re.fullmatch(r"(.*?)(\d?)", text)
    assert m
    for prefix in ("", "k", "h", "d", "c", "m", "u", "n", "p", "f"):
        if m[1].startswith(prefix) and (atom := ATOMS.get(m[1][len(prefix) :])):
            n = int(m[2] or 1)
            return atom[0], n, (Decimal(10) ** PREFIX[prefix] * Decimal(atom[1])) ** n
    return None


def reduced(unit: str) -> tuple[str, Decimal]:
    """What a UCUM unit measures, in a fixed unit of it, and its factor; the unit itself where it is not understood."""
    if "{" in unit and not re.fullmatch(r"\{([Bb]eats|breaths)\}/min", unit):
        return unit, Decimal(1)  # mL/min/{1.73_m2} stays apart from mL/min (docs/search.md)
    dimensions: dict[str, int] = {}
    factor = Decimal(1)
    for n, part in enumerate(unit.split("/")):
        found = _atom(part)
        if found is None:
            return unit, Decimal(1)
        sign = -1 if n else 1
        for d in found[0]:
            dimensions[d] = dimensions.get(d, 0) + sign * found[1]
        factor *= found[2] if n == 0 else 1 / found[2]
    shown = "".join(f"{d}{n}" for d, n in sorted(dimensions.items()) if n)
    return (shown, factor) if shown else (unit, Decimal(1))


def bare(text: str) -> str:
    text = unicodedata.normalize("NFKD", text.casefold()).replace("đ", "d")
    return re.sub(r"\s+", " ", "".join(c for c in text if not unicodedata.combining(c))).strip()


def tokens(value: Any) -> set[tuple[str | None, str]]:
    """(system or None, code); a plain code has the system '*'. By the shape of the value: Coding, CodeableConcept, Identifier,
    ContactPoint, code, boolean."""
    if isinstance(value, dict):
        if "code" in value and "coding" not in value:
            return {(value.get("system"), value["code"])}
        if "value" in value:
            return {(value.get("system"), value["value"])}
        return {t for c in value.get("coding", []) for t in tokens(c) if "code" in c}
    if isinstance(value, bool):
        return {("*", str(value).lower())}
    return {("*", value)} if isinstance(value, str) else set()


def systems(value: Any) -> set[str]:
    if not isinstance(value, dict):
        return set()
    return {c["system"] for c in value.get("coding", [value]) if c.get("system")}


def texts(value: Any) -> set[str]:
    """What :text looks at: Coding.display, CodeableConcept.text, Identifier.type.text."""
    if not isinstance(value, dict):
        return set()
    kind = value.get("type")
    of_kind = kind.get("text") if isinstance(kind, dict) else None
    shown = [value.get("text"), value.get("display"), of_kind, *(c.get("display") for c in value.get("coding", []))]
    return {t for t in shown if isinstance(t, str)}


def token(values: list[Any], text: str, modifier: str | None) -> bool:
    if modifier == "text":
        return any(" " + bare(text) in " " + bare(t)[:256] for v in values for t in texts(v))
    if modifier == "of-type":
        system, code, number = text.split("|")
        return any(
            isinstance(v, dict) and v.get("value") == number
            and (system, code) in tokens({"coding": (v.get("type") or {}).get("coding", [])})
            for v in values
        )  # fmt: skip
    found = {t for v in values for t in tokens(v)}
    if "|" not in text:
        phones = {
            digits(v["value"])
            for v in values
            if isinstance(v, dict) and v.get("system") in ("phone", "sms", "fax") and "value" in v
        }
        return any(code == text for _, code in found) or text in phones
    system, code = text.split("|", 1)
    if not code:
        return any(system in systems(v) for v in values)
    return any(c == code and (s or "") == system for s, c in found)


def digits(text: str) -> str:
    """A telephone number is also found by its digits alone, +84 as 0 (docs/search.md)."""
    d = re.sub(r"\D", "", text)
    return re.sub(r"^(0084|84(?=.*))", "0", d) if text.strip().startswith("+84") or d.startswith("0084") else d


def strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if not isinstance(value, dict):
        return []
    if value.keys() & {"family", "given", "prefix", "suffix"}:
        parts = [
            value.get("family"),
            value.get("text"),
            *value.get("given", []),
            *value.get("prefix", []),
            *value.get("suffix", []),
        ]
    else:
        parts = [value.get(n) for n in ("city", "district", "state", "postalCode", "country", "text")] + value.get("line", [])
    return [p for p in parts if isinstance(p, str)]


def string(values: list[Any], text: str, modifier: str | None) -> bool:
    """A name's or an address's part from any of its first eight words on, another text from its beginning."""
    for v in values:
        for s in strings(v):
            if modifier == "exact":
                hit = s == text
            elif modifier == "contains":
                hit = bare(text) in bare(s)[:256]
            elif isinstance(v, dict):
                words = bare(s)[:256].split(" ")
                hit = any(" ".join(words[n:]).startswith(bare(text)) for n in range(min(8, len(words))))
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


def period(value: Any) -> tuple[datetime, datetime] | None:
    """What a date, a Period or a Timing covers; None for what has no date in it."""
    if isinstance(value, str):
        return moment(value) if re.match(r"\d{4}", value) else None
    if not isinstance(value, dict):
        return None
    if "event" in value or "repeat" in value:
        all_ = [moment(e) for e in value.get("event", [])]
        inside = period(value.get("repeat", {}).get("boundsPeriod", {}))
        all_ += [inside] if inside else []
        return (min(a for a, _ in all_), max(b for _, b in all_)) if all_ else None
    lo, hi = value.get("start"), value.get("end")
    return (moment(lo)[0] if lo else LONG_AGO, moment(hi)[1] if hi else FAR) if lo or hi else None


def date(values: list[Any], prefix: str, text: str) -> bool:
    a, b = moment(text)
    spans = [s for v in values if (s := period(v))]
    now = datetime.now(HANOI)
    tenth = abs(now - a) / 10
    test = {
        "eq": lambda lo, hi: a <= lo and hi <= b,
        "ne": lambda lo, hi: not (a <= lo and hi <= b),
        "gt": lambda lo, hi: hi > b,
        "lt": lambda lo, hi: lo < a,
        "ge": lambda lo, hi: hi > b or (a <= lo and hi <= b),
        "le": lambda lo, hi: lo < a or (a <= lo and hi <= b),
        "sa": lambda lo, hi: lo >= b,
        "eb": lambda lo, hi: hi <= a,
        "ap": lambda lo, hi: lo < b + tenth and hi > a - tenth,
    }[prefix]
    return any(test(lo, hi) for lo, hi in spans)


def compare(number: Decimal, prefix: str, asked: Decimal, half: Decimal) -> bool:
    tenth = abs(asked) / 10
    return {
        "eq": asked - half <= number < asked + half,
        "ne": not asked - half <= number < asked + half,
        "gt": number > asked, "lt": number < asked, "ge": number >= asked, "le": number <= asked,
        "sa": number > asked, "eb": number < asked, "ap": asked - tenth <= number <= asked + tenth,
    }[prefix]  # fmt: skip


def half(text: str) -> Decimal:
    return Decimal(5).scaleb(Decimal(text).as_tuple().exponent - 1)  # type: ignore[operator]


def _decimal(value: Any) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(str(value))


def number(values: list[Any], prefix: str, text: str) -> bool:
    ends = [e for v in values for e in ([v.get("low"), v.get("high")] if isinstance(v, dict) else [v])]
    listed = [_decimal(e["value"] if isinstance(e, dict) else e) for e in ends if e is not None and not isinstance(e, bool)]
    return any(compare(n, prefix, Decimal(text), half(text)) for n in listed)


def amounts(value: Any) -> list[tuple[Decimal, str, str, str]]:
    """(number, system, code, unit) of a Quantity, a Money, both ends of a Range."""
    if not isinstance(value, dict):
        return []
    if "low" in value or "high" in value:
        return [a for end in ("low", "high") for a in amounts(value.get(end))]
    if "value" not in value:
        return []
    if "currency" in value:
        return [(_decimal(value["value"]), "urn:iso:std:iso:4217", value["currency"], value["currency"])]
    return [(_decimal(value["value"]), value.get("system") or "", value.get("code") or "", value.get("unit") or "")]


def quantity(values: list[Any], prefix: str, text: str) -> bool:
    """number: as written, whatever the unit; number|system|code; number||unit: the code or the unit in words, any system."""
    parts = text.split("|")
    asked, h = Decimal(parts[0]), half(parts[0])
    system, unit = (parts[1], parts[2]) if len(parts) == 3 else ("", parts[1] if len(parts) == 2 else "")
    for own, own_system, code, words in (a for v in values for a in amounts(v)):
        if not unit:
            if compare(own, prefix, asked, h):
                return True
            continue
        if system and system != own_system:
            continue
        if own_system not in ("", UCUM) or system not in ("", UCUM):
            same, mine, wanted = unit == code or (not system and unit == words), Decimal(1), Decimal(1)
        else:
            (u1, mine), (u2, wanted) = reduced(code or words), reduced(unit)
            same = u1 == u2 or (not system and unit == words)
        if same and compare(own * mine, prefix, asked * wanted, h * wanted):
            return True
    return False


def place(value: Any) -> str | None:
    """'Type/id' (without a version), or the url as it is."""
    ref = value.get("reference") if isinstance(value, dict) else value
    if not isinstance(ref, str) or not ref or ref.startswith("#"):
        return None
    return re.sub(r"/_history/[^/]+$", "", ref)


def points(values: list[Any], text: str, modifier: str | None) -> bool:
    """text: Type/id, an id alone, a url, perhaps a canonical without its version."""
    if modifier == "identifier":
        return any(
            isinstance(v, dict) and token([v["identifier"]], text, None)
            for v in values
            if isinstance(v, dict) and "identifier" in v
        )
    for p in (place(v) for v in values):
        if p is None:
            continue
        if modifier:
            hit = p == (text if "/" in text else f"{modifier}/{text}") and p.startswith(modifier + "/")
        else:
            hit = p == text or p.split("|")[0] == text or (re.fullmatch(r"[A-Z][A-Za-z]+/" + re.escape(text), p) is not None)
        if hit:
            return True
    return False


def uri(values: list[Any], text: str, modifier: str | None) -> bool:
    for v in values:
        bare_ = v.split("|")[0] if isinstance(v, str) else None
        if bare_ is None:
            continue
        if modifier == "below":
            hit = bare_.rstrip("/") == text.rstrip("/") or bare_.startswith(text.rstrip("/") + "/")
        elif modifier == "above":
            hit = bare_ == text or text.startswith(bare_.rstrip("/") + "/")
        else:
            hit = text in (v, bare_)
        if hit:
            return True
    return False


def there(kind: str, values: list[Any]) -> bool:
    """Whether there is a value; a date in words is none."""
    return any(kind != "date" or period(v) for v in values)


def unescaped(text: str) -> str:
    return re.sub(r"\\([\\,$|])", r"\1", text)


def holds(kind: str, values: list[Any], modifier: str | None, text: str) -> bool:
    """Whether one written value of a condition holds of a resource's values (escapes of '|' inside a part are not taken apart)."""
    text = unescaped(text)
    match kind:
        case "token":
            return token(values, text, None if modifier == "not" else modifier)
        case "string":
            return string(values, text, modifier)
        case "reference":
            return points(values, text, modifier)
        case "uri":
            return uri(values, text, modifier)
    prefix, rest = (text[:2], text[2:]) if text[:2].isalpha() else ("eq", text)
    return {"date": date, "number": number, "quantity": quantity}[kind](values, prefix, rest)
