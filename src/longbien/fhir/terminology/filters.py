"""ValueSet.compose.include.filter. http://hl7.org/fhir/R4/valueset-filter-operator.html"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import re2

from ...base.errors import Invalid
from .concepts import Concept, System

Test = Callable[[Concept], bool]
LONGEST = 2000
"""Characters of a filter's value."""
_DEFINED = {
    "code": lambda c: [c.code],
    "concept": lambda c: [c.code],
    "display": lambda c: [c.display] if c.display else [],
    "definition": lambda c: [c.definition] if c.definition else [],
}
_OWN = frozenset(("parent", "child", "inactive", "notSelectable", "status", "abstract"))
"""Properties that every system has, declared or not (codesystem-concept-properties)."""


def refused(text: str, code: str = "not-supported") -> Invalid:
    return Invalid(text, code=code, status=422)


def test(system: System, f: dict[str, Any]) -> Test:
    """Does a concept of `system` pass? Raises Invalid (422) for a filter that is not understood: never an answer in part."""
    name, op, value = f.get("property"), f.get("op"), f.get("value")
    if not all(isinstance(x, str) and x for x in (name, op, value)):
        raise refused("A filter needs property, op and value.", "structure")
    assert isinstance(name, str)
    assert isinstance(value, str)
    if len(value) > LONGEST:
        raise refused(f"A filter's value is longer than {LONGEST} characters.", "too-long")
    if op in _HIERARCHY:
        if name not in ("concept", "code"):
            raise refused(f"Filter {op} is understood of property 'concept', not of {name[:60]!r}.")
        return _hierarchy(system, str(op), value)
    values = _values(system, name)
    if op == "=":
        if name in ("concept", "code") and not system.case_sensitive:
            return lambda c: c.code.casefold() == value.casefold()
        return lambda c: value in values(c)
    if op in ("in", "not-in"):
        wanted = {v.strip() for v in value.split(",")}
        return (lambda c: not wanted.isdisjoint(values(c))) if op == "in" else (lambda c: wanted.isdisjoint(values(c)))
    if op == "exists":
        if value not in ("true", "false"):
            raise refused(f"The value of filter exists is true or false, not {value[:40]!r}.", "value")
        return lambda c: bool(values(c)) is (value == "true")
    if op == "regex":
        matches = _regex(value)
        return lambda c: any(matches(v) for v in values(c))
    raise refused(f"Filter {str(op)[:40]!r} is not known.")


_HIERARCHY = frozenset(("is-a", "descendent-of", "is-not-a", "generalizes"))


def _hierarchy(system: System, op: str, value: str) -> Test:
    root = system.find(value)
    if root is None and value not in system.down:
        raise refused(f"{value[:100]!r}, which a filter names, is no code of {system.canonical[:200]!r}.", "not-found")
    code = root.code if root else value
    if op == "generalizes":
        above = system.above(code)
        return lambda c: c.code in above
    below = system.below(code)
    if op == "is-a":
        return lambda c: c.code in below
    if op == "is-not-a":
        return lambda c: c.code not in below
    return lambda c: c.code in below and c.code != code


def _values(system: System, name: str) -> Callable[[Concept], list[str]]:
    if name in _DEFINED:
        return _DEFINED[name]
    if name == "parent":
        return lambda c: system.up.get(c.code, [])
    if name == "child":
        return lambda c: system.down.get(c.code, [])
    if name not in _OWN and name not in system.declared and not any(p.code == name for c in system for p in c.property):
        raise refused(f"Code system {system.canonical[:200]!r} has no property {name[:60]!r}.")
    return lambda c: list(c.values(name))


def _regex(pattern: str) -> Callable[[str], bool]:
    """The whole value must match. RE2: linear in the text, however wicked the pattern."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        compiled = re2.compile(pattern, options)
    except re2.error:
        raise refused(f"The regular expression {pattern[:100]!r} is not one that can be used here (RE2 syntax).", "value") from None
    return lambda text: compiled.fullmatch(text) is not None
