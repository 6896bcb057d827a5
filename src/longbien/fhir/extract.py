"""What a resource can be found by: the values of all its search parameters, and the patients to whose record it
belongs.

For each type straight Python is written from the definitions when the type is first met, and run from then on: 5 to
40 µs a resource. Parameters whose expression is more than a path (plan.NotStatic) go through the FHIRPath closures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from . import definitions
from .path import PathError, items_of
from .path.parser import parse
from .path.plan import Equals, Key, NotStatic, Path, PointsTo, paths
from .path.values import Node
from .references import literal

Found = tuple[str, Any, str]
"""(parameter's code, JSON value, FHIR type of that value). A composite has a value per base element: a tuple with one
list of (value, FHIR type) for each component, none of them empty; its type is "composite". Patient's and
Practitioner's deceased are booleans, computed as R4's expression says. The value is a part of the resource, not a
copy: do not change it."""

Extractor = Callable[[dict[str, Any]], list[Found]]
ELSEWHERE = frozenset({"_text", "_content", "_query", "_lastUpdated", "_id", "_list", "_has", "_type", "_filter"})
"""Parameters that the store answers from what it knows itself."""


def points_to(reference: Any, type_name: str, resource: dict[str, Any]) -> bool:
    """Whether a Reference is to a resource of this type: by its text, a contained resource, or its stated type."""
    text = reference.get("reference")
    if isinstance(text, str):
        if text.startswith("#"):
            contained = resource if text == "#" else _contained(resource, text[1:])
            if contained is not None:
                return bool(contained.get("resourceType") == type_name)
        else:
            parts = literal(text)
            if parts is not None:
                return parts[1] == type_name
    return bool(reference.get("type") == type_name)


def _contained(resource: dict[str, Any], id_: str) -> dict[str, Any] | None:
    for r in resource.get("contained") or ():
        if isinstance(r, dict) and r.get("id") == id_:
            return r
    return None


class _Branch:
    """A node of the tree that all paths of a type share. `ends` are the parameters whose value lies here,
    `composites` those whose base element does."""

    def __init__(self) -> None:
        self.ends: list[tuple[str, str]] = []
        self.composites: list[tuple[str, list[list[Path]]]] = []
        self.below: dict[Key | Equals | PointsTo, _Branch] = {}

    def reach(self, p: Path) -> _Branch:
        at = self
        for step in p.steps:
            at = at.below.setdefault(step, _Branch())
        return at


class _Writer:
    """Python source, a line at a time."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.used = 0

    def name(self) -> str:
        self.used += 1
        return f"v{self.used}"

    def line(self, indent: int, text: str) -> None:
        self.lines.append("    " * indent + text)

    def step(self, step: Key | Equals | PointsTo, var: str, indent: int) -> tuple[str, int]:
        """Write the step from `var`; gives the variable and the indent below it."""
        if isinstance(step, Equals):
            self.line(indent, f"if {var}.get({step.key!r}) == {step.text!r}:")
            return var, indent + 1
        if isinstance(step, PointsTo):
            self.line(indent, f"if points_to({var}, {step.type!r}, r):")
            return var, indent + 1
        below = self.name()
        self.line(indent, f"{below} = {var}.get({step.key!r})")
        self.line(indent, f"if {below}" + (":" if step.many or step.at is not None else " is not None:"))
        return self.into(step, below, indent + 1)

    def into(self, step: Key, var: str, indent: int) -> tuple[str, int]:
        """From the value of a key to its element(s)."""
        if step.many:
            one = self.name()
            self.line(indent, f"for {one} in {var}:")
            self.line(indent + 1, f"if {one} is not None:")
            return one, indent + 2
        if step.at is not None:
            one = self.name()
            self.line(indent, f"for {one} in {var}[{step.at}:{step.at + 1}]:")
            return one, indent + 1
        return var, indent

    def branch(self, b: _Branch, var: str, indent: int) -> None:
        for code, type_name in b.ends:
            kind = repr(type_name) if type_name != "Resource" else f"{var}.get('resourceType', '')"
            self.line(indent, f"add(({code!r}, {var}, {kind}))")
        for code, components in b.composites:
            self.composite(code, components, var, indent)
        for step, below in b.below.items():
            self.branch(below, *self.step(step, var, indent))

    def composite(self, code: str, components: list[list[Path]], var: str, indent: int) -> None:
        """The last component first: it (a value of one type) is the one most often missing."""
        lists = []
        for found in reversed(components):
            some = self.name()
            lists.append(some)
            self.line(indent, f"{some} = []")
            for p in found:
                at, depth = var, indent
                for step in p.steps:
                    at, depth = self.step(step, at, depth)
                self.line(depth, f"{some}.append(({at}, {p.type!r}))")
            self.line(indent, f"if {some}:")
            indent += 1
        self.line(indent, f"add(({code!r}, ({', '.join(reversed(lists))}), 'composite'))")


def _slow(code: str, expression: str) -> Extractor:
    """A parameter through FHIRPath. Where it cannot be evaluated on a resource, it has no value there."""
    evaluate = items_of(expression)

    def extract(resource: dict[str, Any]) -> list[Found]:
        try:
            items = evaluate(resource, {})
        except PathError:
            return []
        return [(code, *_typed(i)) for i in items if not isinstance(i, Node) or i.v is not None]

    return extract


def _typed(item: Any) -> tuple[Any, str]:
    if isinstance(item, Node):
        return item.v, item.t
    return item, "boolean" if isinstance(item, bool) else "string" if isinstance(item, str) else "decimal"


def _slow_composite(param: definitions.SearchParam) -> Extractor:
    bases = items_of(param.expression)
    components = [items_of(c.expression) for c in param.components]

    def extract(resource: dict[str, Any]) -> list[Found]:
        out: list[Found] = []
        try:
            for base in bases(resource, {}):
                env = {"resource": resource}
                lists = tuple([_typed(i) for i in component(base, env)] for component in components)
                if all(lists):
                    out.append((param.code, lists, "composite"))
        except PathError:
            return []
        return out

    return extract


def slow(param: definitions.SearchParam) -> Extractor:
    """One parameter through FHIRPath alone: what the written code is held to."""
    return _slow_composite(param) if param.kind == "composite" else _slow(param.code, param.expression)


@cache
def _parameters(type_name: str) -> tuple[definitions.SearchParam, ...]:
    every = definitions.search_params(type_name).values()
    return tuple(p for p in every if p.expression and p.code not in ELSEWHERE)


def _plant(tree: _Branch, param: definitions.SearchParam, type_name: str) -> None:
    """Add a parameter to the tree; NotStatic (and the tree as it was) where it is no path."""
    found = paths(parse(param.expression), type_name)
    if param.kind != "composite":
        for p in found:
            tree.reach(p).ends.append((param.code, p.type))
        return
    parts = [(p, [paths(parse(c.expression), p.type) for c in param.components]) for p in found]
    for p, components in parts:
        if all(components):
            tree.reach(p).composites.append((param.code, components))


def source(type_name: str, params: Sequence[definitions.SearchParam] | None = None) -> tuple[str, dict[str, Any]]:
    """The Python that extracts a type's parameters (or these), and the names that it uses."""
    tree = _Branch()
    rest: list[Extractor] = []
    for param in _parameters(type_name) if params is None else params:
        try:
            _plant(tree, param, type_name)
        except NotStatic:
            rest.append(slow(param))
    w = _Writer()
    at_root = _Branch()
    at_root.ends, at_root.composites = tree.ends, tree.composites
    by_key: dict[str, list[tuple[Key, _Branch]]] = {}
    for step, below in tree.below.items():
        if isinstance(step, Key):
            by_key.setdefault(step.key, []).append((step, below))
        else:
            at_root.below[step] = below
    for key, branches in by_key.items():
        w.line(0, f"def _{key}(v, add, r):")
        for step, below in branches:
            w.branch(below, *w.into(step, "v", 1))
    w.line(0, f"HANDLERS = {{{', '.join(f'{k!r}: _{k}' for k in by_key)}}}")
    w.line(0, "def extract(r):")
    w.line(1, "out = []")
    w.line(1, "add = out.append")
    w.line(1, "for k in r:")
    w.line(2, "if k in HANDLERS:")
    w.line(3, "v = r[k]")
    w.line(3, "if v is not None:")
    w.line(4, "HANDLERS[k](v, add, r)")
    w.branch(at_root, "r", 1)
    if rest:
        w.line(1, "for f in REST:")
        w.line(2, "out += f(r)")
    w.line(1, "return out")
    return "\n".join(w.lines), {"points_to": points_to, "REST": rest}


@cache
def extractor(type_name: str) -> Extractor:
    """The function that gives every search parameter's values of one resource of this type, in no particular order.

    Parameters of Resource and DomainResource are among them, those in ELSEWHERE are not. It takes a resource that the
    validator has passed; of one with lists and objects where they do not belong it gives what FHIRPath finds there. It
    never raises. A type that R4 does not know has none."""
    return _extractor(type_name, _parameters(type_name))


def extractor_of(type_name: str, params: Sequence[definitions.SearchParam]) -> Extractor:
    """The same for parameters that R4 does not have; their expressions must have been compiled without a fault."""
    return _extractor(type_name, params)


def _extractor(type_name: str, params: Sequence[definitions.SearchParam]) -> Extractor:
    text, names = source(type_name, params)
    exec(compile(text, f"<search parameters of {type_name}>", "exec"), names)  # noqa: S102 - our own text
    fast: Extractor = names["extract"]

    def extract(resource: dict[str, Any]) -> list[Found]:
        try:
            return fast(resource)
        except (AttributeError, TypeError, KeyError):  # not the shape that the definitions promise
            return [found for param in params for found in slow(param)(resource)]

    return extract


# --- the Patient compartment ---


def _patient(text: Any) -> str | None:
    if not isinstance(text, str):
        return None
    if text.startswith("Patient/") or "/Patient/" in text:
        parts = literal(text)
        if parts is not None and parts[1] == "Patient":
            return parts[2]
    return None


def compartment_source(type_name: str) -> tuple[str, dict[str, Any]] | None:
    """The Python that collects the References by which a type belongs to patients; None for a type that never does."""
    codes = definitions.compartment("Patient").get(type_name, ())
    params = definitions.search_params(type_name)
    w = _Writer()
    w.line(0, "def references(r):")
    w.line(1, "out = []")
    rest: list[Extractor] = []
    seen: set[Path] = set()
    for code in codes:
        if code not in params:
            continue
        try:
            found = paths(parse(params[code].expression), type_name)
        except NotStatic:
            rest.append(slow(params[code]))
            continue
        for p in found:
            if p.type != "Reference":
                continue
            bare = Path(tuple(s for s in p.steps if not isinstance(s, PointsTo)), p.type)
            if bare in seen:
                continue
            seen.add(bare)
            at, depth = "r", 1
            for step in bare.steps:
                at, depth = w.step(step, at, depth)
            w.line(depth, f"out.append({at}.get('reference'))")
    w.line(1, "for f in REST:")
    w.line(2, "out += [v.get('reference') for _, v, t in f(r) if t == 'Reference']")
    w.line(1, "return out")
    return ("\n".join(w.lines), {"REST": rest}) if codes else None


@cache
def _compartment(type_name: str) -> Callable[[dict[str, Any]], list[Any]] | None:
    made = compartment_source(type_name)
    if made is None:
        return None
    text, names = made
    exec(compile(text, f"<patients of {type_name}>", "exec"), names)  # noqa: S102 - our own text
    found: Callable[[dict[str, Any]], list[Any]] = names["references"]
    return found


def patient_ids(resource: dict[str, Any]) -> list[str]:
    """The ids of the Patients in whose compartment a resource is, by R4's CompartmentDefinition, distinct, in the
    order of that definition. A Patient is in its own first, then in those of its links. Taken from literal
    references: Patient/x or an absolute URL that ends so, also with /_history/n. [] for a resource that belongs to
    nobody. Never raises."""
    type_name = resource.get("resourceType")
    out: dict[str, None] = {}
    if type_name == "Patient" and isinstance(resource.get("id"), str):
        out[resource["id"]] = None
    found = _compartment(type_name) if isinstance(type_name, str) else None
    if found is not None:
        try:
            for text in found(resource):
                id_ = _patient(text)
                if id_ is not None:
                    out[id_] = None
        except (AttributeError, TypeError, KeyError):  # not valid: what belongs to nobody for sure is refused elsewhere
            return list(out)
    return list(out)
