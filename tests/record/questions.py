"""Searches made up from data: values that are there, near misses of them, prefixes, modifiers, combinations. Hypothesis chooses."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import plain
from hypothesis import strategies as st
from oracle import Chain, Composite, Has, Oracle, Simple, components, elements, of_type, parameters, part

PREFIXES = ["", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]
Draw = Callable[[st.SearchStrategy[Any]], Any]
Asked = tuple[str | None, str]


def escaped(text: str) -> str:
    return re.sub(r"([\\,$|])", r"\\\1", text)


def chosen(draw: Draw, *options: Any) -> Any:
    return draw(st.sampled_from(options))


def a_token(draw: Draw, value: Any) -> Asked | None:
    texts = sorted(plain.texts(value))
    found = sorted(plain.tokens(value), key=str)
    if texts and (not found or draw(st.integers(0, 4)) == 0):
        text = chosen(draw, *texts)
        words = plain.bare(text).split(" ")
        start = draw(st.integers(0, len(words) - 1))
        cut = " ".join(words[start : start + 3])[:40]
        return ("text", escaped(cut)) if cut.strip() else None
    if not found:
        return None
    system, code = chosen(draw, *found)
    if "|" in code or "\\" in code:
        return None
    code = code + "x" if draw(st.integers(0, 9)) == 0 else code
    forms: list[Asked] = [(None, escaped(code)), ("not", escaped(code))]
    if system != "*":
        forms += [(None, f"{system or ''}|{escaped(code)}"), ("not", f"{system or ''}|{escaped(code)}")]
        if system and isinstance(value, dict) and "coding" not in value and "type" in value:
            coding = (value["type"].get("coding") or [{}])[0]
            if coding.get("system") and coding.get("code"):
                forms += [("of-type", f"{coding['system']}|{coding['code']}|{escaped(code)}")]
    if isinstance(value, dict) and (known := sorted(plain.systems(value))):
        forms.append((None, f"{known[0]}|"))
    if any("," in f[1].replace("\\,", "") for f in forms):
        return None
    return chosen(draw, *forms)


def a_string(draw: Draw, value: Any) -> Asked | None:
    found = plain.strings(value)
    if not found:
        return None
    s = chosen(draw, *found)
    modifier = chosen(draw, None, None, "exact", "contains")
    if modifier == "exact":
        return modifier, escaped(chosen(draw, s, s.upper(), s[:-1] or s))
    start = draw(st.integers(0, len(s) - 1)) if modifier else 0
    cut = s[start : start + draw(st.integers(1, 40))]
    cut = cut.upper() if draw(st.booleans()) else cut
    if not modifier and draw(st.booleans()):
        cut = " ".join(s.split()[draw(st.integers(0, min(7, len(s.split()) - 1))) :][:2]) if s.split() else cut
    return (modifier, escaped(cut)) if plain.bare(cut) and plain.bare(cut) == plain.bare(cut).strip() else None


def a_date(draw: Draw, value: Any) -> Asked | None:
    listed = [value] if isinstance(value, str) else []
    if isinstance(value, dict):
        bounds = (value.get("repeat") or {}).get("boundsPeriod") or value
        listed = [t for t in (bounds.get("start"), bounds.get("end"), *value.get("event", [])) if t]
    if not listed:
        return None
    t = chosen(draw, *listed)
    if not re.match(r"\d{4}", t) or not 2 < int(t[:4]) < 9990:
        return None
    cut = chosen(draw, 4, 7, 10, 16, 19, 40)
    zone = re.search(r"(Z|[+-]\d\d:\d\d)$", t) if "T" in t else None
    written = t[:cut] + (zone[0] if zone and cut in (16, 19) and chosen(draw, True, True, False) else "")
    if draw(st.integers(0, 3)) == 0:
        written = f"{int(t[:4]) + chosen(draw, -1, 1):04}" + written[4:]
    if re.match(r"\d{4}-02-29", written):
        written = written[:7]
    return None, chosen(draw, *PREFIXES) + written


def _number(draw: Draw, number: Any) -> str:
    n = number if isinstance(number, Decimal) else Decimal(str(number))
    if draw(st.integers(0, 2)) == 0:
        n += chosen(draw, Decimal(1), Decimal(-1), Decimal("0.01"), n / 20)
    places = draw(st.integers(-3, 0))
    shown = n if draw(st.booleans()) or abs(n) < 10 else n.quantize(Decimal(1).scaleb(places))
    return format(shown, "f")[:14].rstrip(".")


def a_number(draw: Draw, value: Any) -> Asked | None:
    if isinstance(value, bool) or not isinstance(value, int | Decimal | dict):
        return None
    ends = (
        [value]
        if not isinstance(value, dict)
        else [e["value"] for e in (value.get("low"), value.get("high")) if e and "value" in e]
    )
    return (None, chosen(draw, *PREFIXES) + _number(draw, chosen(draw, *ends))) if ends else None


LIKE = {"kg": ["g"], "g": ["kg", "mg"], "cm": ["m", "mm"], "mg/dL": ["g/L", "g/dL", "mg/L"], "10*3/uL": ["10*9/L"],
        "mmol/L": ["umol/L"], "g/dL": ["g/L", "mg/dL"], "mm[Hg]": ["kPa"], "a": ["mo"], "/min": ["{beats}/min"]}  # fmt: skip


def a_quantity(draw: Draw, value: Any) -> Asked | None:
    found = plain.amounts(value)
    if not found:
        return None
    number, system, code, unit = chosen(draw, *found)
    units = [""]
    if code and system:
        units += [f"|{system}|{escaped(code)}", f"||{escaped(code)}"]
    if unit:
        units.append(f"||{escaped(unit)}")
    if system == plain.UCUM:
        units += [f"|{system}|{escaped(other)}" for other in LIKE.get(code, [])]
    return None, chosen(draw, *PREFIXES) + _number(draw, number) + chosen(draw, *units)


def a_uri(draw: Draw, value: Any) -> Asked | None:
    if not isinstance(value, str):
        return None
    parent = value.split("|")[0].rsplit("/", 1)[0]
    forms: list[Asked] = [(None, escaped(value)), (None, escaped(value + "x"))]
    if "/" in value and not parent.endswith(("/", ":")):
        forms += [
            ("below", escaped(parent)),
            ("above", escaped(value.split("|")[0] + "/more")),
            ("below", escaped(value.split("|")[0])),
        ]
    return chosen(draw, *forms)


def a_reference(draw: Draw, value: Any) -> Asked | None:
    if isinstance(value, dict) and "value" in value.get("identifier", {}) and draw(st.booleans()):
        i = value["identifier"]
        if "|" in i["value"]:
            return None
        return "identifier", escaped(i["value"]) if draw(st.booleans()) else f"{i.get('system', '')}|{escaped(i['value'])}"
    place = plain.place(value)
    if not place:
        return None
    forms: list[Asked] = [(None, escaped(place))]
    if re.fullmatch(r"[A-Z]\w+/[A-Za-z0-9.-]{1,64}", place):
        type_, id_ = place.split("/")
        forms += [(type_, id_), (None, id_), (None, place + "x")]
    return chosen(draw, *forms)


MAKERS: dict[str, Callable[[Draw, Any], Asked | None]] = {
    "token": a_token, "string": a_string, "date": a_date, "number": a_number, "quantity": a_quantity, "uri": a_uri,
    "reference": a_reference,
}  # fmt: skip


def asked(draw: Draw, oracle: Oracle, type_: str, code: str) -> Simple | None:
    """One condition on a parameter that has data."""
    there = oracle.values(type_, code)
    kind = of_type(type_)[code]["type"]
    if not there:
        return None
    if draw(st.integers(0, 19)) == 0:
        return Simple(code, "missing", (chosen(draw, "true", "false"),))
    ids = sorted(there)
    found: list[Asked] = []
    for _ in range(chosen(draw, 1, 1, 1, 2, 3)):
        values = there[ids[draw(st.integers(0, len(ids) - 1))]]
        value = values[draw(st.integers(0, len(values) - 1))]
        one = MAKERS[kind](draw, value)
        place = plain.place(value) if kind == "reference" else None
        if place and one and one[0] is None and place.partition("/")[0] not in of_type(type_)[code].get("target", ()):
            one = (None, escaped(place))  # an id alone stands for the types that the parameter names
        if one and "\0" not in one[1] and (not found or one[0] == found[0][0]):
            found.append(one)
    return Simple(code, found[0][0], tuple(t for _, t in found)) if found else None


def together(draw: Draw, oracle: Oracle, type_: str, code: str) -> Composite | None:
    """A composite whose parts are drawn from one element, or (a near miss) from two."""
    with_any = [r for r in oracle.rows[type_].values() if elements(r, code)]
    if not with_any:
        return None
    written = []
    r = with_any[draw(st.integers(0, len(with_any) - 1))]
    e = elements(r, code)
    one = e[draw(st.integers(0, len(e) - 1))]
    for kind, path in components(type_, code):
        if draw(st.integers(0, 9)) == 0:
            one = e[draw(st.integers(0, len(e) - 1))]
        values = part(one, path, r)
        made = MAKERS[kind](draw, values[draw(st.integers(0, len(values) - 1))]) if values else None
        if made is None or made[0] is not None:
            return None
        if made[1].endswith("|") and "." in parameters()[type_][code]["expression"] and "quantity" in code:
            return None  # a whole system beside a quantity is refused (docs/search.md)
        written.append(made[1])
    return Composite(code, tuple(written))


def simple(draw: Draw, oracle: Oracle, type_: str) -> Simple | None:
    codes = sorted(c for c in of_type(type_) if c != "_lastUpdated")
    return asked(draw, oracle, type_, chosen(draw, *codes))


def links(oracle: Oracle, type_: str) -> list[tuple[str, str]]:
    """(parameter, type) of literal references that lead somewhere."""
    found = set()
    for code, p in of_type(type_).items():
        if p["type"] == "reference":
            for values in oracle.values(type_, code).values():
                for v in values:
                    at = (plain.place(v) or "").split("/")
                    if len(at) == 2 and at[1] in oracle.rows.get(at[0], {}) and at[0] in (p.get("target") or [at[0]]):
                        found.add((code, at[0]))
    return sorted(found)


class Links:
    """Which types lead where, worked out once."""

    def __init__(self, oracle: Oracle):
        self.out = {t: links(oracle, t) for t in oracle.rows}
        self.back: dict[str, list[tuple[str, str]]] = {}
        for source, found in self.out.items():
            for code, target in found:
                self.back.setdefault(target, []).append((source, code))


def condition(draw: Draw, oracle: Oracle, at: Links, type_: str, depth: int = 0) -> Any:
    """A condition, perhaps through references in either direction."""
    turn = draw(st.integers(0, 3))
    if turn == 1 and at.out.get(type_) and depth < 4:
        code, target = chosen(draw, *at.out[type_])
        inner = condition(draw, oracle, at, target, depth + 1)
        return Chain(code, target, inner) if inner else None
    if turn == 2 and at.back.get(type_) and depth < 4:
        source, code = chosen(draw, *sorted(at.back[type_]))
        inner = condition(draw, oracle, at, source, depth + 1)
        return Has(source, code, inner) if inner else None
    return simple(draw, oracle, type_)


__all__ = ["Links", "asked", "condition", "parameters", "simple", "together"]
