"""What one judgement by profiles carries, and the values that it looks at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from ...base.errors import Issue, Severity
from ..validate.bundles import Bundle
from ..validate.context import Enough, Place, expression
from ..validate.references import LITERAL

if TYPE_CHECKING:
    from .library import Library

MOST_ISSUES = 200
MOST_STEPS = 3_000_000
MOST_PATH_STEPS = 300_000
"""Values looked at for one resource, and steps of FHIRPath: a second or two. Of profiles that ask for more that is said."""
DEEPEST = 25
"""References followed and profiles asked within profiles."""


class Item(NamedTuple):
    """One value of an element: `beside` is the `_member` of a primitive, `kind` the type code (of a resource its resourceType),
    `key` the JSON key."""

    value: Any
    beside: dict[str, Any] | None
    place: Place
    kind: str
    key: str


class TooMuch(Exception):
    """More steps than one judgement may take."""


class Run:
    """`resource` is the one that is judged, `root` it or what contains it, `url` its fullUrl in `bundle`."""

    __slots__ = ("bundle", "issues", "left", "library", "open", "path_left", "resource", "root", "url")

    def __init__(self, library: Library, resource: dict[str, Any]):
        self.library = library
        self.resource = self.root = resource
        self.bundle: Bundle | None = None
        self.url = ""
        self.issues: list[Issue] = []
        self.open: list[tuple[int, str]] = []
        self.left = MOST_STEPS
        self.path_left = [MOST_PATH_STEPS]

    def spend(self, n: int) -> None:
        self.left -= n
        if self.left < 0:
            raise TooMuch

    def add(self, severity: Severity, code: str, text: str, place: Place) -> None:
        self.issues.append(Issue(severity, code, text, expression(place)))
        if len(self.issues) >= MOST_ISSUES:
            raise Enough

    def error(self, code: str, text: str, place: Place) -> None:
        self.add("error", code, text, place)

    def warn(self, code: str, text: str, place: Place) -> None:
        self.add("warning", code, text, place)

    @contextmanager
    def inside(self, resource: dict[str, Any], *, own: bool, url: str = "") -> Iterator[None]:
        """While a resource within another is judged; `own`: it is no contained one, so it is its own root."""
        before = self.resource, self.root, self.url
        self.resource = resource
        if own:
            self.root, self.url = resource, url
        try:
            yield
        finally:
            self.resource, self.root, self.url = before

    def conforms(self, value: Any, url: str, place: Place) -> bool | None:
        """Whether a value has no error by a profile; None where that cannot be told (unknown, or asked within itself)."""
        profile = self.library.get(url)
        asked = (id(value), url)
        if profile is None or asked in self.open or len(self.open) >= DEEPEST:
            return None
        kept, self.issues = self.issues, []
        self.open.append(asked)
        try:
            profile.check(value, place, self)
            return not any(i.severity in ("error", "fatal") for i in self.issues)
        except Enough:
            return False
        finally:
            self.open.pop()
            self.issues = kept

    def target(self, reference: Any) -> dict[str, Any] | None:
        """The resource that a Reference or canonical leads to within what is judged: contained, or in the Bundle."""
        text = reference.get("reference") if reference.__class__ is dict else reference
        if text.__class__ is not str or not text:
            return None
        if text[0] == "#":
            if text == "#":
                return self.root
            inside = self.root.get("contained")
            found = inside if inside.__class__ is list else ()
            return next((r for r in found if r.__class__ is dict and r.get("id") == text[1:]), None)
        if self.bundle is None:
            return None
        entries = self.bundle.find(text, self.url)
        target = entries[0]["resource"] if entries else None
        return target if target.__class__ is dict else None


def said_type(reference: Any) -> str:
    """The resource type that a Reference names, "" where it does not."""
    if reference.__class__ is not dict:
        return ""
    text = reference.get("reference")
    found = LITERAL.fullmatch(text) if text.__class__ is str else None
    return found[2] if found else str(reference.get("type") or "").rpartition("/")[2]


def gather(host: dict[str, Any], keys: tuple[tuple[str, str], ...], name: str, place: Place) -> list[Item]:
    """The values of an element in an object, whichever key of a choice they come under."""
    found: list[Item] = []
    for key, kind in keys:
        value, beside = host.get(key), host.get("_" + key)
        if value is None and beside is None:
            continue
        if value.__class__ is list or beside.__class__ is list:
            values: list[Any] = value if value.__class__ is list else []
            others: list[Any] = beside if beside.__class__ is list else []
            for i in range(max(len(values), len(others))):
                v = values[i] if i < len(values) else None
                b = others[i] if i < len(others) else None
                found.append(Item(v, b if b.__class__ is dict else None, (place, name, i), _kind(v, kind), key))
        else:
            b = beside if beside.__class__ is dict else None
            found.append(Item(value, b, (place, name, None), _kind(value, kind), key))
    return found


def _kind(value: Any, kind: str) -> str:
    if kind in ("", "Resource", "DomainResource") and value.__class__ is dict:
        return str(value.get("resourceType", kind))
    return kind
