"""Composite parameters (R4 search.html#composite): both parts must hold of the same component.

Over the resource itself (code-value-quantity: an Observation has one code and one value) that is both parameters together.
Over a repeating element it is exact through rows of its own: a term for each pair of tokens ('T.p$x$y'), a row of code2 with the
value for a token and a quantity ('T.p|system|code' and 'T.p=code'), a row of ix_qty for a token and a window of coordinates (p: key
of 'T.p=code', unit: the start, val: the end). combo-x is x of the resource or of a component."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from longbien.base.ids import key64
from longbien.fhir import definitions

from ..ask import Ask, Bind, Cond, all_of, any_of, plain, split
from ..keys import key, param_key
from .number import Q, test, written
from .quantity import RAW, amount, asked
from .reference import target
from .token import codings

Codes = list[tuple[int, float | None]]
Values = list[tuple[Any, str]]


class Nested(NamedTuple):
    """A composite over a repeating element. kind: what its second part is: token, reference or quantity; or window: a start and an
    end (MolecularSequence)."""

    code: str
    kind: str


@cache
def nested(type_: str) -> dict[str, Nested]:
    """The composites of a type that have keys of their own, by code."""
    found = {}
    for code, param in definitions.search_params(type_).items():
        if param.kind != "composite" or code.startswith("combo-"):
            continue
        if len(param.components) == 3:
            found[code] = Nested(code, "window")
            continue
        bases = [b.strip() for b in param.expression.split(" | ") if b.strip().startswith(type_ + ".")]
        first, second = param.components
        if len(bases) == 1 and first.expression == "code":
            kind = "reference" if second.expression == "target" else "quantity" if "Quantity" in second.expression else "token"
            found[code] = Nested(code, kind)
    return found


def _tokens(values: Values, *, whole: bool = True) -> list[str]:
    """The ways that codings, concepts or plain codes may be asked for: |system|code, =code, and |system| for any (whole)."""
    found = []
    for value, kind in values:
        if isinstance(value, dict):
            for s, c in codings(value, kind):
                found += [f"|{s}|{c}", f"={c}"] + ([f"|{s}|"] if whole else [])
        elif isinstance(value, bool):
            found.append(f"={'true' if value else 'false'}")
        elif isinstance(value, str):
            found.append(f"={value}")
    return found


def index(prefix: str, n: Nested, parts: tuple[Values, ...], add: Any, codes: Codes, qtys: Q) -> None:
    """`parts`: the values of each component of one element, as fhir.extract gives them."""
    firsts = list(dict.fromkeys(_tokens(parts[0], whole=n.kind != "quantity")))
    if n.kind == "quantity":
        for first in firsts:
            _amounts(prefix + first, parts[1], add, codes, qtys, param_key(prefix + RAW))
        return
    if n.kind == "window":
        ends = [(v, e) for v, _ in parts[1] for e, _ in parts[2] if isinstance(v, int) and isinstance(e, int)]
        qtys.update((param_key(prefix + first), start, Decimal(end)) for first in firsts for start, end in ends)
        return
    if n.kind == "reference":
        seconds = [f"|{t}" for v, _ in parts[1] if (t := target(v))]
    else:
        seconds = _tokens(parts[1])
    for first in firsts:
        for second in seconds:
            add(key64(f"{prefix}{first}${second}"))


def _amounts(way: str, values: Values, add: Any, codes: Codes, qtys: Q, raw_p: int) -> None:
    for value, kind in values:
        for one in (value.get("low"), value.get("high")) if kind == "Range" else (value,):
            a = amount(one)
            if a is None:
                continue
            codes.append((key(way), float(a.value)))
            for s, u in a.units:
                add(key(f"{way}${s}|{u}"))
            if a.raw is not None:
                add(key(way + RAW))
                qtys.add((raw_p, key(way), a.raw))


def parts_of(ask: Ask, text: str) -> list[str]:
    parts = split(text, "$")
    if len(parts) != len(ask.param.components) or not all(parts):
        raise ask.bad(f"takes {len(ask.param.components)} parts with $ between them.")
    return parts


def _way(text: str) -> str:
    parts = [plain(p) for p in split(text, "|")]
    return f"={parts[0]}" if len(parts) == 1 else f"|{parts[0]}|{'|'.join(parts[1:])}"


def nested_where(ask: Ask, n: Nested, h: str, bind: Bind) -> Cond:
    found = []
    for value in ask.values:
        first, second, *third = parts_of(ask, value)
        way = _way(first)
        if n.kind == "window":
            found.append(_window(ask, way, second, third[0], h, bind))
            continue
        if n.kind == "token":
            found.append(f"{h}.terms @> ARRAY[{bind(key64(f'{ask.prefix}{way}${_way(second)}'))}::int8]")
        elif n.kind == "reference":
            found.append(f"{h}.terms @> ARRAY[{bind(key64(f'{ask.prefix}{way}$|{plain(second)}'))}::int8]")
        elif way.endswith("|"):  # a row of code2 for each whole system would double what every blood pressure keeps
            raise ask.bad(f"{first[:100]!r} names no code, which it must beside a quantity.")
        else:
            found.append(_quantity(ask, way, second, h, bind))
    return Cond(any_of(found), typed=True, selective=True)


def _window(ask: Ask, way: str, start: str, end: str, h: str, bind: Bind) -> str:
    tests = [
        test(column, written(ask, text), lambda d: f"{bind(d)}::numeric") for column, text in (("q.unit", start), ("q.val", end))
    ]
    return f"{h}.rid IN (SELECT q.rid FROM ix_qty q WHERE q.p = {bind(param_key(ask.prefix + way))} AND {all_of(tests)})"


def _quantity(ask: Ask, way: str, text: str, h: str, bind: Bind) -> str:
    q = asked(ask, text)
    code = bind(key(ask.prefix + way))
    match = test("c.val", q.number, lambda d: f"{bind(float(d))}::float8", q.turn)
    rows = f"{h}.rid IN (SELECT c.rid FROM code2 c WHERE c.code = {code}::int8 AND {match})"
    if q.unit:
        return all_of([rows, f"{h}.terms @> ARRAY[{bind(key(f'{ask.prefix}{way}${q.system}|{q.unit}'))}::int8]"])
    raw = f"{h}.terms @> ARRAY[{bind(key(ask.prefix + way + RAW))}::int8]"
    side = test("q.val", q.number, lambda d: f"{bind(d)}::numeric")
    written = f"SELECT q.rid FROM ix_qty q WHERE q.p = {bind(param_key(ask.prefix + RAW))} AND q.unit = {code}::int8 AND {side}"
    return f"(({rows} AND NOT {raw}) OR {h}.rid IN ({written}))"
