"""From a constraint key to a function: by hand where it is hot (rules/), through FHIRPath for the rest, compiled when first
met. https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.constraint"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ...base.errors import LongbienError, Severity
from .. import path
from ..definitions import Constraint, Element, Structure
from .coding import After
from .context import Context, Place
from .rules import RULES

Holds = Callable[[Any, Context], bool]


class Held(NamedTuple):
    holds: Holds
    severity: Severity
    text: str


Rules = tuple[Held, ...]

# Checked elsewhere: contained resources (resources.py), references (references.py), narrative (narrative.py).
ELSEWHERE = frozenset(("dom-2", "dom-3", "dom-4", "dom-5", "ref-1", "txt-1", "txt-2"))
# What a value of the wrong kind makes a rule do; the structure has been complained of by then.
STUMBLES = (TypeError, AttributeError, KeyError, IndexError, ValueError, ArithmeticError, LongbienError)


def _dom_6(v: Any, c: Context) -> bool:
    """Narrative is best practice, not law: asked for only on demand, and never of a contained resource."""
    return not c.best_practice or c.resource is not c.root or ("text" in v and "div" in v["text"])


def rule(structure: Structure, key: str, root_type: str) -> Held | None:
    """The invariant `key` of a type, for values of the type `root_type` (FHIRPath's name: Observation.component, Address);
    None where it is checked elsewhere."""
    if key in ELSEWHERE:
        return None
    constraint = structure.constraints[key]
    found = _dom_6 if key == "dom-6" else RULES.get(f"{structure.name}/{key}") or RULES.get(key)
    if found is None:
        found = _by_path(constraint, root_type)
    severity: Severity = "error" if constraint.severity == "error" else "warning"
    steady = _between_entries(_steady(found)) if key.startswith("bdl-") else _steady(found)
    return Held(steady, severity, f"{key}: {constraint.human}")


def _between_entries(found: Holds) -> Holds:
    return lambda v, c: not c.bundle_rules or found(v, c)


def _steady(found: Holds) -> Holds:
    def holds(v: Any, c: Context) -> bool:
        try:
            return found(v, c)
        except STUMBLES:
            return True

    return holds


def _by_path(constraint: Constraint, root_type: str) -> Holds:
    """The published FHIRPath, parsed when the first value comes."""
    found: Callable[[Any, Any], bool] | None = None

    def check(v: Any, c: Context) -> bool:
        nonlocal found
        if found is None:
            found = path.holds(constraint.expression, root_type)
        return found(v, {"resource": c.resource, "rootResource": c.root})

    return check


def on_element(structure: Structure, element: Element, kind: str) -> list[After | None]:
    """The invariants that an element puts on a value of a complex type (org-2 on Organization.address)."""
    found: list[After | None] = []
    for key in element.constraints:
        held = rule(structure, key, kind)
        if held is not None:
            found.append(_after(held))
    return found


def _after(held: Held) -> After:
    def check(v: Any, host: dict[str, Any], place: Place, c: Context) -> None:
        if not held.holds(v, c):
            c.add(held.severity, "invariant", held.text, place)

    return check


def on_primitive(structure: Structure, element: Element, kind: str) -> Rules:
    """The invariants of an element of a primitive type (eld-3 on ElementDefinition.max)."""
    return tuple(r for key in element.constraints if (r := rule(structure, key, kind)) is not None)
