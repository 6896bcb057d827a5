"""What an expression can see beside its input: $this, $index, $total and the %variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .errors import PathError
from .items import root
from .values import Node

Items = list[Any]
Step = Callable[["Context", Items], Items]

CONSTANTS = {
    "ucum": "http://unitsofmeasure.org",
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}


class Context:
    """One evaluation. `this` is $this as a collection; `env` what the caller gave."""

    __slots__ = ("budget", "env", "index", "input", "this", "total")

    def __init__(self, item: Any, env: Mapping[str, Any]):
        self.input = item
        self.this: Items = [item]
        self.index = 0
        self.total: Items = []
        self.env = env
        self.budget: list[int] | None = env.get("budget")

    def spend(self, steps: int) -> None:
        """Count steps against env["budget"]. PathError where they are more than it allows."""
        if self.budget is not None:
            self.budget[0] -= steps
            if self.budget[0] < 0:
                raise PathError("FHIRPath: this takes more steps than are allowed.")

    def variable(self, name: str) -> Items:
        """%resource and %rootResource are the input itself where the caller named none. PathError for an unknown
        name."""
        if name in self.env:
            value = self.env[name]
            if isinstance(value, list):
                return [root(v, None) for v in value if v is not None]
            return [] if value is None else [root(value, None)]
        if name == "rootResource" and "resource" in self.env:
            return self.variable("resource")
        if name in ("resource", "rootResource", "context"):
            return [self.input]
        if name in CONSTANTS:
            return [CONSTANTS[name]]
        if name.startswith("vs-"):
            return ["http://hl7.org/fhir/ValueSet/" + name[3:]]
        if name.startswith("ext-"):
            return ["http://hl7.org/fhir/StructureDefinition/" + name[4:]]
        raise PathError(f"FHIRPath: nothing is known of %{name}.")

    def root_resource(self) -> Any:
        found = self.variable("rootResource")
        return found[0].v if found and isinstance(found[0], Node) else None


def single(items: Items, where: str) -> Any:
    """The one item, None of none; PathError for several."""
    if len(items) > 1:
        raise PathError(f"FHIRPath: {where} needs one item, here are {len(items)}.")
    return items[0] if items else None


def truth(items: Items, where: str) -> bool | None:
    """Three-valued truth of a collection: a boolean itself, one item that is no boolean is true, empty is None."""
    if not items:
        return None
    item = single(items, where)
    if isinstance(item, bool):
        return item
    if isinstance(item, Node):
        if isinstance(item.v, bool):
            return item.v
        if item.v is None and item.t == "boolean":
            return None
    return True
