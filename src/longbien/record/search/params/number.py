"""Number parameters and the arithmetic of written numbers (R4 search.html#number): eq means equal to the written precision."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from ..ask import Ask, Bind, Cond, any_of, prefixed
from ..keys import param_key

Q = set[tuple[int, int, Decimal]]
LARGEST = Decimal(10) ** 300


class Written(NamedTuple):
    """A number as it was written: its prefix, value and half of its last place."""

    prefix: str
    value: Decimal
    half: Decimal


def written(ask: Ask, text: str) -> Written:
    prefix, rest = prefixed(text)
    try:
        value = Decimal(rest)
    except InvalidOperation:
        raise ask.bad(f"{text[:60]!r} is not a number.") from None
    exponent = value.as_tuple().exponent
    if not isinstance(exponent, int) or abs(value) > LARGEST or exponent < -400:
        raise ask.bad(f"{text[:60]!r} is not a number that can be compared.")
    # 1e2 stands for [95, 105) in the specification's own example: a tenth of what its exponent alone would say
    place = exponent - 1 if exponent > 0 else exponent
    return Written(prefix, value, Decimal(5).scaleb(place - 1))


def test(column: str, w: Written, put: Callable[[Decimal], str], turn: Callable[[Decimal], Decimal] = lambda d: d) -> str:
    """The SQL test of one prefix over `column`; `turn` brings a bound to the unit that is stored, `put` binds it."""

    def at(d: Decimal) -> str:
        return put(turn(d))

    # beyond 14 digits a stored float cannot tell the ends of the span apart: then the upper end belongs to it
    below, beyond = ("<=", ">") if len(w.value.as_tuple().digits) > 14 else ("<", ">=")
    if w.prefix == "eq":
        return f"({column} >= {at(w.value - w.half)} AND {column} {below} {at(w.value + w.half)})"
    if w.prefix == "ne":
        return f"({column} < {at(w.value - w.half)} OR {column} {beyond} {at(w.value + w.half)})"
    if w.prefix == "ap":
        tenth = abs(w.value) / 10
        return f"({column} >= {at(w.value - tenth)} AND {column} <= {at(w.value + tenth)})"
    sign = {"gt": ">", "sa": ">", "lt": "<", "eb": "<", "ge": ">=", "le": "<="}[w.prefix]
    return f"{column} {sign} {at(w.value)}"


def decimal(value: Any) -> Decimal | None:
    """The number of a JSON value; None for what is none or could not be kept."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    d = value if isinstance(value, Decimal) else Decimal(str(value))
    return d if d.is_finite() and abs(d) <= LARGEST else None


def index(prefix: str, value: Any, kind: str, qtys: Q) -> None:
    p = param_key(prefix)
    listed = [value.get("low"), value.get("high")] if isinstance(value, dict) else [value]
    for one in listed:
        number = one.get("value") if isinstance(one, dict) else one
        d = decimal(number)
        if d is not None:
            qtys.add((p, 0, d))


def where(ask: Ask, h: str, bind: Bind) -> Cond:
    if ask.modifier is not None:
        raise ask.unsupported()
    parts = [test("q.val", written(ask, v), lambda d: f"{bind(d)}::numeric") for v in ask.values]
    p = bind(param_key(ask.prefix))
    return Cond(f"{h}.rid IN (SELECT q.rid FROM ix_qty q WHERE q.p = {p} AND q.unit = 0 AND {any_of(parts)})", typed=True)
