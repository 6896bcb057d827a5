"""FHIRPath tree -> Python closures: one function a node, made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from . import model
from .context import Context, Items, Step, single, truth
from .errors import PathError
from .functions import TABLE, distinct_items
from .items import child, root
from .lambdas import LAMBDAS
from .operators import BINARY, LOGIC
from .parser import (
    Binary,
    Call,
    Dot,
    Empty,
    Index,
    Literal,
    Name,
    Special,
    Tree,
    TypeTest,
    Unary,
    Variable,
    parse,
    type_of,
)
from .values import Node, Quantity, Temporal, is_number, system, temporal

Compiled = Callable[[Any, Mapping[str, Any]], list[Any]]


def _literal(t: Literal) -> Step:
    value: Any
    if t.kind == "boolean":
        value = t.text == "true"
    elif t.kind == "number":
        value = Decimal(t.text) if "." in t.text else int(t.text)
    elif t.kind == "quantity":
        value = Quantity(Decimal(t.text) if "." in t.text else int(t.text), t.unit)
    elif t.kind == "string":
        value = t.text
    else:
        value = temporal(t.text, {"datetime": "dateTime", "time": "time"}.get(t.kind))
        if value is None:
            raise PathError(f"FHIRPath: @{t.text} is no {t.kind}.")
    found = [value]
    return lambda c, items: found


def _name(name: str) -> Step:
    def step(c: Context, items: Items) -> Items:
        out: Items = []
        for item in items:
            child(item, name, out)
        return out

    return step


def _first_name(name: str) -> Step:
    """A path's first name: with a capital letter it may be the type of the input itself (`Patient.name`)."""
    below = _name(name)
    if not name[0].isupper():
        return below

    def step(c: Context, items: Items) -> Items:
        for item in items:
            if isinstance(item, Node) and (name in model.supertypes(item.t) or (not item.t and isinstance(item.v, dict))):
                return items
        return below(c, items)

    return step


def _dot(t: Dot) -> Step:
    left = build(t.left)
    if isinstance(t.right, Name):
        right = _name(t.right.name)
    else:
        right = build(t.right)

    def step(c: Context, items: Items) -> Items:
        return right(c, left(c, items))

    return step


def _index(t: Index) -> Step:
    left, index = build(t.left), build(t.at)

    def step(c: Context, items: Items) -> Items:
        n = system(single(index(c, c.this), "an index"))
        if n is None:
            return []
        if not isinstance(n, int) or isinstance(n, bool):
            raise PathError("FHIRPath: an index is a whole number.")
        return left(c, items)[n : n + 1] if n >= 0 else []

    return step


def _unary(t: Unary) -> Step:
    of = build(t.of)

    def step(c: Context, items: Items) -> Items:
        v = system(single(of(c, items), "a sign"))
        if v is None:
            return []
        if isinstance(v, Quantity):
            return [v if t.sign == "+" else Quantity(-v.value, v.unit)]
        if not is_number(v):
            raise PathError(f"FHIRPath: {t.sign} needs a number.")
        return [v if t.sign == "+" else -v]

    return step


def _binary(t: Binary) -> Step:
    left, right = build(t.left), build(t.right)
    logic = LOGIC.get(t.op)
    if logic is not None:
        return logic(left, right)
    if t.op == "|":
        return lambda c, items: distinct_items(left(c, items) + right(c, items))
    f = BINARY[t.op]
    return lambda c, items: f(left(c, items), right(c, items))


_SYSTEM_NAMES = ((bool, "Boolean"), (str, "String"), (int, "Integer"), (Decimal, "Decimal"), (Quantity, "Quantity"))


def system_type(item: Any) -> str:
    """Boolean, String, Integer ... of a System value."""
    if isinstance(item, Temporal):
        return {"date": "Date", "dateTime": "DateTime", "time": "Time"}[item.kind]
    return next((name for kind, name in _SYSTEM_NAMES if isinstance(item, kind)), "Any")


def _is_type(item: Any, name: str) -> bool:
    if not isinstance(item, Node):
        return system_type(item) == name.removeprefix("System.")
    return not name.startswith("System.") and model.is_a(item.t, name)


def _type_test(op: str, left: Step | None, name: str) -> Step:
    """`is` asks about one item; `as`, as() and ofType() keep what is of the type. (N1 has as() refuse several items,
    but R4's own dom-3 says descendants().as(canonical).) A name that is no type matches nothing."""

    def step(c: Context, items: Items) -> Items:
        found = items if left is None else left(c, items)
        if op == "is":
            item = single(found, "is")
            return [] if item is None else [_is_type(item, name)]
        return [i for i in found if _is_type(i, name)]

    return step


def _type_function(c: Context, items: Items) -> Items:
    out: Items = []
    for i in items:
        space, name = ("FHIR", i.t or "Any") if isinstance(i, Node) else ("System", system_type(i))
        out.append(Node({"namespace": space, "name": name}, ""))
    return out


def _call(t: Call) -> Step:
    name, args = t.name, t.args
    if name in ("is", "as", "ofType"):
        if len(args) != 1:
            raise PathError(f"FHIRPath: {name}() takes one type.")
        return _type_test(name, None, type_of(args[0]))
    if name == "type" and not args:
        return _type_function
    if name in LAMBDAS:
        fewest, most, make = LAMBDAS[name]
        _counted(name, args, fewest, most)
        return make(*[build(a) for a in args])
    if name not in TABLE:
        raise PathError(f"FHIRPath: there is no function {name}().")
    fewest, most, f = TABLE[name]
    _counted(name, args, fewest, most)
    if not args:
        return f
    steps = [build(a) for a in args]
    if len(steps) == 1:
        (one,) = steps
        return lambda c, items: f(c, items, one(c, c.this))
    return lambda c, items: f(c, items, *[s(c, c.this) for s in steps])


def _counted(name: str, args: tuple[Tree, ...], fewest: int, most: int) -> None:
    if not fewest <= len(args) <= most:
        wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
        raise PathError(f"FHIRPath: {name}() takes {wanted} arguments, not {len(args)}.")


def build(t: Tree) -> Step:
    """The step of one tree."""
    if isinstance(t, Literal):
        return _literal(t)
    if isinstance(t, Name):
        return _first_name(t.name)
    if isinstance(t, Dot):
        return _dot(t)
    if isinstance(t, Call):
        return _call(t)
    if isinstance(t, Binary):
        return _binary(t)
    if isinstance(t, TypeTest):
        return _type_test(t.op, build(t.left), t.type)
    if isinstance(t, Variable):
        name = t.name
        return lambda c, items: c.variable(name)
    if isinstance(t, Special):
        return {
            "$this": lambda c, items: c.this,
            "$index": lambda c, items: [c.index],
            "$total": lambda c, items: c.total,
        }[t.name]
    if isinstance(t, Index):
        return _index(t)
    if isinstance(t, Unary):
        return _unary(t)
    assert isinstance(t, Empty)
    return lambda c, items: []


@lru_cache(20_000)
def step_of(expression: str) -> Step:
    """The closure of an expression; PathError where it is wrong."""
    try:
        return build(parse(expression))
    except RecursionError:
        raise PathError(f"FHIRPath: nested too deeply: {expression[:200]!r}.") from None


def items_of(expression: str, root_type: str | None = None) -> Callable[[Any, Mapping[str, Any]], Items]:
    """Like compile(), but the result holds items: Node for FHIR elements, so that their types are known."""
    step = step_of(expression)

    def evaluate(value: Any, env: Mapping[str, Any]) -> Items:
        item = root(value, root_type)
        c = Context(item, env)
        try:
            return step(c, c.this)
        except (RecursionError, ArithmeticError) as why:
            raise PathError(f"FHIRPath: {expression[:200]!r} cannot be computed: {type(why).__name__}.") from None

    return evaluate


def outward(item: Any) -> Any:
    """An item as plain value: JSON for FHIR elements, dates as text, a Quantity as {"value", "unit"}."""
    if isinstance(item, Node):
        return item.v
    if isinstance(item, Temporal):
        return item.text
    if isinstance(item, Quantity):
        return {"value": item.value, "unit": item.unit}
    return item


def compile(expression: str, root_type: str | None = None) -> Compiled:
    """The function (value, env) -> list for an expression. See `longbien.fhir.path`."""
    evaluate = items_of(expression, root_type)
    return lambda value, env: [outward(i) for i in evaluate(value, env)]


def holds(expression: str, root_type: str | None = None) -> Callable[[Any, Mapping[str, Any]], bool]:
    """For invariants: whether the expression is not false. Empty counts as held: nothing is known against it. (So do the
    validators that follow N1's empty propagation; with "must be true" R4's own ref-1 would refuse every Reference
    that has only a display, and ras-2 every prediction without probability.)"""
    evaluate = items_of(expression, root_type)
    return lambda value, env: truth(evaluate(value, env), "an invariant") is not False
