"""Regular expressions and FHIRPath that a profile brings: refused where they could run for ever.

Python's engine tries every way to match. A repetition within a repetition, or alternatives that begin alike within one, can be
tried in more ways than there is time for; so a part that repeats must begin with what its own repetitions cannot hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from ..path import PathError
from ..path.closures import step_of
from ..path.parser import Binary, Call, Dot, Index, Literal, Tree, TypeTest, Unary, parse
from .faults import Unusable

try:
    from re import _constants as _c  # type: ignore[attr-defined]
    from re import _parser as _p  # type: ignore[attr-defined]
except ImportError:  # pragma: no cover - before Python 3.11
    raise

LONGEST = 8_000
MANY_TIMES = 16
MANY_WAYS = 4096
_SAMPLE = [chr(n) for n in range(1, 256)] + ["ế", "Đ", "\u2028", "漢", "😀"]
_ALL = frozenset(_SAMPLE)
_REGEX = ("matches", "matchesFull", "replaceMatches")


def safe_path(expression: Any, where: str) -> None:
    """Raises Unusable for FHIRPath that is none, is too long, or holds a regular expression that is not safe."""
    if not isinstance(expression, str) or not expression.strip():
        raise Unusable(f"{where}: the constraint has no expression.", code="required")
    if len(expression) > LONGEST:
        raise Unusable(f"{where}: an expression of more than {LONGEST} characters.", code="too-long")
    try:
        tree = parse(expression)
        step_of(expression)
    except (PathError, RecursionError) as why:
        raise Unusable(f"{where}: {why}", code="invalid") from None
    for call in _calls(tree):
        if call.name in _REGEX and call.args:
            if not isinstance(call.args[0], Literal):
                raise Unusable(f"{where}: the regular expression of {call.name}() must be written out.", code="not-supported")
            safe_regex(call.args[0].text, where, anywhere=call.name != "matchesFull")


def _calls(tree: Tree) -> Iterator[Call]:
    stack: list[Any] = [tree]
    while stack:
        t = stack.pop()
        if isinstance(t, Call):
            yield t
            stack += t.args
        elif isinstance(t, Dot | Binary):
            stack += (t.left, t.right)
        elif isinstance(t, Index):
            stack += (t.left, t.at)
        elif isinstance(t, Unary):
            stack.append(t.of)
        elif isinstance(t, TypeTest):
            stack.append(t.left)


def safe_regex(regex: str, where: str, *, anywhere: bool = True) -> None:
    """Raises Unusable for a regular expression that is none, or that may try more ways than there is time for: more than the square
    of the text's length. `anywhere`: it is looked for from every place of the text."""
    try:
        re.compile(regex, re.S)
        found = _p.parse(regex, re.S)
    except (re.error, RecursionError, OverflowError) as why:
        raise Unusable(f"{where}: {regex[:80]!r} is no regular expression: {why}", code="invalid") from None
    if not _steady(found) or _ways(found) >= MANY_WAYS:
        text = f"{where}: the regular expression {regex[:80]!r} could take for ever: a repetition within a repetition"
        raise Unusable(text + " must begin with what the inner one cannot hold, alternatives differently.", code="too-costly")
    places = 1 if anywhere and not regex.startswith("^") else 0
    if _wide(_without_end(found)) + places > 2:
        text = f"{where}: the regular expression {regex[:80]!r} could take for ever: its repetitions can hold the same"
        raise Unusable(text + " (it helps to begin it with ^).", code="too-costly")


def _parts(op: Any, value: Any) -> list[Any]:
    """The sequences within one part of a parsed regular expression."""
    if op in (_c.MAX_REPEAT, _c.MIN_REPEAT, _c.POSSESSIVE_REPEAT):
        return [value[2]]
    if op is _c.SUBPATTERN:
        return [value[-1]]
    if op is _c.BRANCH:
        return list(value[1])
    if op in (_c.ASSERT, _c.ASSERT_NOT):
        return [value[1]]
    if op is _c.ATOMIC_GROUP:
        return [value]
    if op is _c.GROUPREF_EXISTS:
        return [v for v in value[1:] if v is not None]
    return []


def _repeats(op: Any, value: Any) -> bool:
    return op in (_c.MAX_REPEAT, _c.MIN_REPEAT, _c.POSSESSIVE_REPEAT) and int(value[1]) > MANY_TIMES


def _steady(sequence: Any) -> bool:
    for op, value in sequence:
        if op is _c.GROUPREF:
            return False
        if _repeats(op, value) and not _once(value[2]):
            return False
        if not all(_steady(s) for s in _parts(op, value)):
            return False
    return True


def _once(body: Any) -> bool:
    """Whether what repeats can be cut into its turns in one way only: it begins with a character (never none) that none of its
    inner repetitions can hold; or it has no repetition inside and its alternatives begin differently."""
    inner = _inner(body)
    if not inner:
        return _apart(body)
    first = _first(body)
    return first is not None and all(first.isdisjoint(held) for held in inner) and _apart(body)


def _inner(sequence: Any) -> list[frozenset[str]]:
    """What the repetitions (and options) within a sequence can hold."""
    found: list[frozenset[str]] = []
    for op, value in sequence:
        if op in (_c.MAX_REPEAT, _c.MIN_REPEAT, _c.POSSESSIVE_REPEAT) and value[0] != value[1]:
            found.append(_held(value[2]))
        for s in _parts(op, value):
            found += _inner(s)
    return found


def _held(sequence: Any) -> frozenset[str]:
    found: frozenset[str] = frozenset()
    for op, value in sequence:
        parts = _parts(op, value)
        found |= frozenset().union(*map(_held, parts)) if parts else _characters(op, value)
    return found


def _apart(sequence: Any) -> bool:
    for op, value in sequence:
        if op is _c.BRANCH:
            seen: frozenset[str] = frozenset()
            for branch in value[1]:
                first = _first(branch)
                if first is None or not seen.isdisjoint(first):
                    return False
                seen |= first
        if not all(_apart(s) for s in _parts(op, value)):
            return False
    return True


def _first(sequence: Any) -> frozenset[str] | None:
    """The characters that it may begin with; None where it may be empty."""
    found: frozenset[str] = frozenset()
    for op, value in sequence:
        if op in (_c.AT, _c.ASSERT, _c.ASSERT_NOT):
            continue
        parts = _parts(op, value)
        if not parts:
            return found | _characters(op, value)
        firsts = [_first(s) for s in parts]
        found = found.union(*(f for f in firsts if f is not None))
        optional = op in (_c.MAX_REPEAT, _c.MIN_REPEAT, _c.POSSESSIVE_REPEAT) and value[0] == 0
        if not optional and all(f is not None for f in firsts):
            return found
    return None


def _characters(op: Any, value: Any) -> frozenset[str]:
    """Of the sample: which characters one part matches (all where there is no telling)."""
    if op is _c.LITERAL:
        return frozenset((chr(value),))
    if op is _c.NOT_LITERAL:
        return _ALL - {chr(value)}
    if op is not _c.IN:
        return _ALL
    found: frozenset[str] = frozenset()
    for kind, v in value:
        if kind is _c.LITERAL:
            found |= {chr(v)}
        elif kind is _c.RANGE:
            found |= frozenset(ch for ch in _SAMPLE if v[0] <= ord(ch) <= v[1]) | {chr(v[0]), chr(v[1])}
        elif kind is _c.CATEGORY:
            found |= _category(v)
    return _ALL - found if value[0][0] is _c.NEGATE else found


def _category(v: Any) -> frozenset[str]:
    name = str(v)
    tests: dict[str, Callable[[str], bool]] = {
        "SPACE": str.isspace,
        "DIGIT": str.isdigit,
        "WORD": lambda ch: ch.isalnum() or ch == "_",
    }
    test = next(t for n, t in tests.items() if name.endswith(n))
    wanted = "_NOT_" not in name
    return frozenset(ch for ch in _SAMPLE if bool(test(ch)) is wanted)


def _without_end(sequence: Any) -> list[Any]:
    """Without a repetition at the very end: nothing after it can fail."""
    parts = list(sequence)
    while parts and _repeats(*parts[-1]):
        parts.pop()
    return parts


def _wide(sequence: Any) -> int:
    """How many repetitions stand side by side and may hold the same: each makes the trying longer by a power. Short ones (a?,
    b{0,3}) count together, as one for each MANY_WAYS ways that they make."""
    most, run, ways, held = 0, 0, 1, frozenset[str]()
    for op, value in sequence:
        for s in _parts(op, value):
            most = max(most, _wide(s))
        mine = _held([(op, value)])
        if _open(op, value):
            if held.isdisjoint(mine):
                run, ways = 0, 1
            held = mine
            ways = ways * (MANY_WAYS if _repeats(op, value) else int(value[1]) - int(value[0]) + 1)
            while ways >= MANY_WAYS:
                run, ways = run + 1, ways // MANY_WAYS
            most = max(most, run)
        elif held and mine and held.isdisjoint(mine):
            run, ways, held = 0, 1, frozenset()
    return most


def _open(op: Any, value: Any) -> bool:
    """A repetition that may have more turns or fewer."""
    return op in (_c.MAX_REPEAT, _c.MIN_REPEAT, _c.POSSESSIVE_REPEAT) and value[0] != value[1]


def _ways(sequence: Any) -> int:
    """In how many ways alternatives that begin alike can be taken, in all (up to MANY_WAYS)."""
    made = 1
    for op, value in sequence:
        inner = 1
        for s in _parts(op, value):
            inner = min(MANY_WAYS, inner * _ways(s))
        if op is _c.BRANCH and not _apart([(op, value)]):
            inner *= len(value[1])
        if inner > 1 and op in (_c.MAX_REPEAT, _c.MIN_REPEAT, _c.POSSESSIVE_REPEAT):
            inner = inner ** min(int(value[1]), 64)
        made = min(MANY_WAYS, made * inner)
    return made
