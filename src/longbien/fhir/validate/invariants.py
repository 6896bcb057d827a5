"""From a constraint key to a function: by hand where it is hot (rules/), through FHIRPath for the rest, compiled when first
met. https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.constraint"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ...base.errors import LongbienError, Severity
from ..definitions import Constraint, Element, Structure
from .coding import After
from .context import Context, Place
from .rules import RULES


class Held(NamedTuple):
    holds: Callable[[Any, Context], bool]
    severity: Severity
    text: str


Rules = tuple[Held, ...]

# Checked elsewhere: contained resources (resources.py), references (references.py), narrative (narrative.py).
ELSEWHERE = frozenset(("dom-2", "dom-3", "dom-4", "dom-5", "ref-1", "txt-1", "txt-2"))
# What a value of the wrong kind makes a rule do; the structure has been complained of by then.
_STUMBLES = (TypeError, AttributeError, KeyError, IndexError, ValueError, ArithmeticError, LongbienError)


def _dom_6(v: Any, c: Context) -> bool:
    """Narrative is best practice, not law: asked for only on demand, and never of a contained resource."""
    return not c.best_practice or c.resource is not c.root or ("text" in v and "div" in v["text"])


def rule(structure: Structure, key: str) -> Held | None:
    """The invariant `key` of a type, None where it is checked elsewhere or cannot be expressed here."""
    if key in ELSEWHERE:
        return None
    constraint = structure.constraints[key]
    found = _dom_6 if key == "dom-6" else RULES.get(f"{structure.name}/{key}") or RULES.get(key) or _by_path(constraint)
    if found is None:
        return None
    severity: Severity = "error" if constraint.severity == "error" else "warning"
    return Held(_steady(found), severity, f"{key}: {constraint.human}")


def _steady(found: Callable[[Any, Context], bool]) -> Callable[[Any, Context], bool]:
    def holds(v: Any, c: Context) -> bool:
        try:
            return found(v, c)
        except _STUMBLES:
            return True

    return holds


def _by_path(constraint: Constraint) -> Callable[[Any, Context], bool] | None:
    return None


def on_element(structure: Structure, element: Element) -> list[After | None]:
    """The invariants that an element puts on a value of a complex type (org-2 on Organization.address)."""
    found: list[After | None] = []
    for key in element.constraints:
        held = rule(structure, key)
        if held is not None:
            found.append(_after(held))
    return found


def _after(held: Held) -> After:
    def check(v: Any, host: dict[str, Any], place: Place, c: Context) -> None:
        if not held.holds(v, c):
            c.add(held.severity, "invariant", held.text, place)

    return check


def on_primitive(structure: Structure, element: Element) -> Rules:
    """The invariants of an element of a primitive type (md-1 on MessageDefinition.focus.max)."""
    return tuple(r for key in element.constraints if (r := rule(structure, key)) is not None)
