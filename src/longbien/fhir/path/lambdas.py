"""FHIRPath's functions whose argument is evaluated for each item: where, select, all, repeat ..."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .context import Context, Items, Step, truth
from .errors import PathError
from .items import MANY
from .values import key


def _each(c: Context, items: Items, f: Step) -> Iterator[tuple[object, Items]]:
    """(item, what `f` gives for it), with $this and $index set meanwhile."""
    this, index = c.this, c.index
    if c.budget is not None:
        c.spend(len(items))
    try:
        for i, item in enumerate(items):
            one = [item]
            c.this, c.index = one, i
            yield item, f(c, one)
    finally:
        c.this, c.index = this, index


def _where(criteria: Step) -> Step:
    def step(c: Context, items: Items) -> Items:
        return [item for item, found in _each(c, items, criteria) if truth(found, "where()")] if items else []

    return step


def _exists(criteria: Step | None = None) -> Step:
    if criteria is None:
        return lambda c, items: [bool(items)]
    where = _where(criteria)
    return lambda c, items: [bool(where(c, items))]


def _all(criteria: Step) -> Step:
    def step(c: Context, items: Items) -> Items:
        verdict = True  # no early end: the generator must restore $this
        for _, found in _each(c, items, criteria):
            verdict = verdict and truth(found, "all()") is True
        return [verdict]

    return step


def _select(projection: Step) -> Step:
    def step(c: Context, items: Items) -> Items:
        out: Items = []
        for _, found in _each(c, items, projection):
            out += found
        return out

    return step


def _repeat(projection: Step) -> Step:
    def step(c: Context, items: Items) -> Items:
        out: Items = []
        seen: set[object] = set()
        level = items
        while level:
            below: Items = []
            for _, found in _each(c, level, projection):
                for item in found:
                    k = key(item)
                    if k not in seen:
                        seen.add(k)
                        below.append(item)
            out += below
            if len(out) > MANY:
                raise PathError("FHIRPath: repeat() finds no end.")
            level = below
        return out

    return step


def _aggregate(step_: Step, start: Step | None = None) -> Step:
    def step(c: Context, items: Items) -> Items:
        before = c.total
        c.total = start(c, c.this) if start else []
        try:
            for _, found in _each(c, items, step_):
                c.total = found
            return c.total
        finally:
            c.total = before

    return step


def _iif(condition: Step, yes: Step, no: Step | None = None) -> Step:
    """The branches see the input itself; only the one that is taken is evaluated."""

    def step(c: Context, items: Items) -> Items:
        if truth(condition(c, items), "iif()"):
            return yes(c, items)
        return no(c, items) if no else []

    return step


def _trace(name: Step, projection: Step | None = None) -> Step:
    """Gives its input on; env["trace"](name, items) is told where the caller wants it."""

    def step(c: Context, items: Items) -> Items:
        told = c.env.get("trace")
        if told is not None:
            told(name(c, c.this)[0], items)
        return items

    return step


LAMBDAS: dict[str, tuple[int, int, Callable[..., Step]]] = {
    "where": (1, 1, _where),
    "exists": (0, 1, _exists),
    "all": (1, 1, _all),
    "select": (1, 1, _select),
    "repeat": (1, 1, _repeat),
    "aggregate": (1, 2, _aggregate),
    "iif": (2, 3, _iif),
    "trace": (1, 2, _trace),
}
