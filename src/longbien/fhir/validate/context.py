"""What one run of the validator carries: the issues found, and which resource it is in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...base.errors import Issue, Severity

# A place is None (the root) or (place above, member name, index or None). It becomes text only when there is an issue.
Place = tuple[Any, str, int | None] | None
NodeCheck = Callable[[Any, Place, Any], None]
MAX_ISSUES = 500
Known = Callable[[str], bool]


def nothing(url: str) -> bool:
    """No extension has a definition besides those of R4."""
    return False


def expression(place: Place) -> str:
    """The FHIRPath of a place: Patient.name[0].given[1]."""
    parts = []
    while place is not None:
        place, name, index = place
        parts.append(name if index is None else f"{name}[{index}]")
    return ".".join(reversed(parts))


class Enough(Exception):
    """So many issues that nobody reads the rest."""


class Context:
    """`resource` is the one that is being checked, `root` it or the resource that contains it, `bundle` the one around it.
    `fragments` are the references of `root` to something contained in it. `check_inner` and `check_contained` check a
    resource inside another."""

    __slots__ = (
        "best_practice", "bundle", "bundle_rules", "check_contained", "check_inner", "element_ids", "fragments", "html",
        "inside", "issues", "known", "resource", "root", "strict",
    )  # fmt: skip

    def __init__(
        self,
        resource: dict[str, Any],
        bundle_rules: bool,
        best_practice: bool,
        strict: bool,
        check_inner: NodeCheck,
        check_contained: NodeCheck,
    ):
        self.check_inner = check_inner
        self.check_contained = check_contained
        self.issues: list[Issue] = []
        self.resource = resource
        self.root = resource
        self.bundle: Any = None
        self.element_ids: set[str] = set()
        self.fragments: list[str] = []
        self.inside: dict[Any, dict[str, Any]] | None = None
        self.bundle_rules = bundle_rules
        self.best_practice = best_practice
        self.strict = strict
        self.known: Known = nothing
        self.html = True

    def contained(self, identity: str) -> dict[str, Any] | None:
        """The resource contained in the root under an id."""
        if self.inside is None:
            found = self.root.get("contained")
            resources = [r for r in found if r.__class__ is dict] if found.__class__ is list else []
            self.inside = {r["id"]: r for r in reversed(resources) if r.get("id").__class__ is str}
        return self.inside.get(identity)

    def add(self, severity: Severity, code: str, text: str, place: Place) -> None:
        self.issues.append(Issue(severity, code, text, expression(place)))
        if len(self.issues) >= MAX_ISSUES:
            raise Enough

    def error(self, code: str, text: str, place: Place) -> None:
        self.add("error", code, text, place)

    def warn(self, code: str, text: str, place: Place) -> None:
        self.add("warning", code, text, place)


def shown(value: Any) -> str:
    """A value in a message: short."""
    text = repr(value) if isinstance(value, str) else type_name(value)
    return text if len(text) <= 80 else text[:77] + "..."


def type_name(value: Any) -> str:
    """The JSON kind of a value in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    return "a number"
