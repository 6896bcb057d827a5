"""Quantity parameters (R4 search.html#quantity): number|system|code, number||unit, number alone.

The hot one of a type lies in head.val, in its canonical unit, the unit as terms beside it; others as rows of ix_qty
(p, key of 'system|unit', value). What was converted from another unit carries '~raw' too, with the number as written, because a
number asked for without a unit is compared with the number as written."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from ..ask import Ask, Bind, Cond, all_of, any_of, plain, split
from ..keys import key, param_key
from ..slots import quantity_param
from .number import Q, Written, decimal, test, written
from .token import has
from .units import UCUM, canonical

CURRENCY = "urn:iso:std:iso:4217"
RAW = "~raw"


class Amount(NamedTuple):
    """A quantity in its canonical unit. units: the (system, unit) that it is found under; raw: the number as written,
    where the unit was converted."""

    value: Decimal
    units: tuple[tuple[str, str], ...]
    raw: Decimal | None


def amount(value: Any) -> Amount | None:
    """Of a Quantity (Age, Money, Duration ...); None without a number."""
    if not isinstance(value, dict):
        return None
    number = decimal(value.get("value"))
    if number is None:
        return None
    if "currency" in value:
        return Amount(number, ((CURRENCY, value["currency"]), ("", value["currency"])), None)
    system, code, unit = value.get("system") or "", value.get("code") or "", value.get("unit") or ""
    if not code and not unit:
        return Amount(number, (), None)
    if system not in ("", UCUM):
        return Amount(number, tuple(dict.fromkeys([(system, code), ("", unit or code)])) if code else (("", unit),), None)
    name = code or unit
    to, turned = canonical(name, number)
    if to != name:
        return Amount(turned, ((system, to), ("", to)) if system else (("", to),), number)
    units = [(system, name), ("", name)]
    if unit and unit != name and canonical(unit, number)[0] == unit:
        units.append(("", unit))
    return Amount(number, tuple(dict.fromkeys(units)), None)


def index(prefix: str, value: Any, kind: str, qtys: Q) -> None:
    """Rows of a parameter that has no place in the head row."""
    for one in (value.get("low"), value.get("high")) if kind == "Range" and isinstance(value, dict) else (value,):
        a = amount(one)
        if a is None:
            continue
        number_ = a.value if a.raw is None else a.raw
        qtys.add((param_key(prefix), 0, number_))
        qtys.update((param_key(prefix), key(f"{s}|{u}"), a.value) for s, u in a.units)


def index_hot(prefix: str, a: Amount, add: Any, qtys: Q) -> None:
    """What stands beside head.val."""
    for system, unit in a.units:
        add(key(f"{prefix}|{system}|{unit}"))
    if a.raw is not None:
        add(key(f"{prefix}{RAW}"))
        qtys.add((param_key(prefix + RAW), 0, a.raw))


class Asked(NamedTuple):
    number: Written
    system: str
    unit: str
    """The unit as it is stored, and what turns a bound into it."""
    as_written: str

    def turn(self, d: Decimal) -> Decimal:
        return canonical(self.as_written, d)[1] if self.as_written else d


def asked(ask: Ask, text: str) -> Asked:
    parts = [plain(p) for p in split(text, "|")]
    if len(parts) not in (1, 2, 3):
        raise ask.bad("a quantity is number, number|system|code or number||unit.")
    system, unit = (parts[1], parts[2]) if len(parts) == 3 else ("", parts[1] if len(parts) == 2 else "")
    convertible = system in ("", UCUM) and bool(unit)
    return Asked(
        written(ask, parts[0]), system, canonical(unit, Decimal(1))[0] if convertible else unit, unit if convertible else ""
    )


def _floats(bind: Bind) -> Any:
    return lambda d: f"{bind(float(d))}::float8"


def _numerics(bind: Bind) -> Any:
    return lambda d: f"{bind(d)}::numeric"


def hot(prefix: str, q: Asked, h: str, bind: Bind) -> str:
    """The condition on the head row's value."""
    put = _floats(bind)
    if q.unit:
        return all_of([test(f"{h}.val", q.number, put, q.turn), has(h, [key(f"{prefix}|{q.system}|{q.unit}")], bind)])
    raw = f"{h}.terms @> ARRAY[{bind(key(prefix + RAW))}::int8]"
    rows = f"SELECT q.rid FROM ix_qty q WHERE q.p = {bind(param_key(prefix + RAW))} AND {test('q.val', q.number, _numerics(bind))}"
    return f"(({test(f'{h}.val', q.number, put)} AND NOT {raw}) OR ({raw} AND {h}.rid IN ({rows})))"


def side(prefix: str, q: Asked, h: str, bind: Bind) -> str:
    """The condition through ix_qty."""
    unit = key(f"{q.system}|{q.unit}") if q.unit else 0
    match = test("q.val", q.number, _numerics(bind), q.turn)
    p, u = bind(param_key(prefix)), bind(unit)
    return f"{h}.rid IN (SELECT q.rid FROM ix_qty q WHERE q.p = {p} AND q.unit = {u}::int8 AND {match})"


def where(ask: Ask, h: str, bind: Bind) -> Cond:
    if ask.modifier is not None:
        raise ask.unsupported()
    parts = [asked(ask, v) for v in ask.values]
    if ask.param.code == quantity_param(ask.type):
        return Cond(any_of([hot(ask.prefix, q, h, bind) for q in parts]))
    return Cond(any_of([side(ask.prefix, q, h, bind) for q in parts]), typed=True)
