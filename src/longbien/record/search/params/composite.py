"""Composite parameters (R4 search.html#composite): both parts must hold of the same component.

Over the resource itself (code-value-quantity: an Observation has one code and one value) that is both parameters together.
Over a repeating element it is exact through rows of its own: a term for each pair of tokens ('T.p$x$y'), a row of code2 with the
value for a token and a quantity ('T.p|system|code' and 'T.p=code'). combo-x is x of the resource or of a component."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from longbien.base.ids import key64
from longbien.fhir import definitions

from ..ask import Ask, Bind, Cond, all_of, any_of, plain, split
from ..keys import key, param_key
from .number import test
from .quantity import RAW, Q, amount, asked
from .reference import target
from .token import codings

Codes = list[tuple[int, float | None]]


class Nested(NamedTuple):
    """A composite over a repeating element: the property that repeats, the property of the first part, and of the second its
    property (a choice is written value[x]) and its kind: token, reference or quantity."""

    code: str
    list: str
    first: str
    second: str
    kind: str


_SECOND = {"CodeableConcept": "token", "Quantity": "quantity"}


@cache
def nested(type_: str) -> tuple[Nested, ...]:
    """The composites of a type that need rows of their own."""
    found = []
    for code, param in definitions.search_params(type_).items():
        if param.kind != "composite" or code.startswith("combo-") or len(param.components) != 2:
            continue
        bases = [b.strip() for b in param.expression.split(" | ") if b.strip().startswith(type_ + ".")]
        if len(bases) != 1:
            continue
        first, second = param.components
        if first.expression != "code":
            continue
        name = bases[0][len(type_) + 1 :]
        if second.expression == "target":
            found.append(Nested(code, name, "code", "target", "reference"))
        elif "Quantity" in second.expression:
            found.append(Nested(code, name, "code", "value[x]", "quantity"))
        else:
            found.append(Nested(code, name, "code", "value[x]", "token"))
    return tuple(found)


def _tokens(value: Any) -> list[str]:
    """The ways that a coding, concept or plain code may be asked for: |system|code and =code."""
    if isinstance(value, str):
        return [f"={value}"]
    kind = "CodeableConcept" if isinstance(value, dict) and "coding" in value else "Coding"
    return [way for s, c in codings(value, kind) for way in (f"|{s}|{c}", f"={c}")]


def _items(resource: dict[str, Any], n: Nested) -> Iterator[dict[str, Any]]:
    got = resource.get(n.list)
    yield from (i for i in (got if isinstance(got, list) else [got]) if isinstance(i, dict))


def index(prefix: str, n: Nested, resource: dict[str, Any], add: Any, codes: Codes, qtys: Q) -> None:
    for item in _items(resource, n):
        firsts = _tokens(item.get(n.first))
        if not firsts:
            continue
        if n.kind == "quantity":
            a = amount(item.get("valueQuantity"))
            if a is not None:
                for first in firsts:
                    codes.append((key(prefix + first), float(a.value)))
                    for s, u in a.units:
                        add(key(f"{prefix}{first}${s}|{u}"))
                    if a.raw is not None:
                        add(key(prefix + first + RAW))
                        qtys.add((param_key(prefix + RAW), key(prefix + first), a.raw))
            continue
        if n.kind == "reference":
            where_to = target(item.get(n.second))
            seconds = [f"|{where_to}"] if where_to else []
        else:
            value = item.get("valueCodeableConcept")
            seconds = _tokens(value) if value is not None else [f"={str(b).lower()}" for b in (item.get("valueBoolean"),) if b is not None]
        for first in firsts:
            for second in seconds:
                add(key64(f"{prefix}{first}${second}"))


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
        first, second = parts_of(ask, value)
        way = _way(first)
        if n.kind == "token":
            found.append(f"{h}.terms @> ARRAY[{bind(key64(f'{ask.prefix}{way}${_way(second)}'))}::int8]")
        elif n.kind == "reference":
            found.append(f"{h}.terms @> ARRAY[{bind(key64(f'{ask.prefix}{way}$|{plain(second)}'))}::int8]")
        else:
            found.append(_quantity(ask, way, second, h, bind))
    return Cond(any_of(found), typed=True, selective=True)


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
