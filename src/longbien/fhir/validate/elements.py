"""From the definition of a type to the functions that check its values: built once a type, when first met.

A node (a type, or an element with inner elements) becomes one function `check(value, place, context)`. Inside it every
member has a handler, found by its JSON name: `handler(value, host, place, context)`; what has no handler is an unknown
element or the `_member` of a primitive."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, NamedTuple

from .. import definitions
from ..definitions import Element, Structure, TypeRef
from . import coding, extensions, invariants, markup, narrative, primitives, references
from .coding import After
from .context import Context, Place, shown, type_name
from .primitives import CHECKS
from .prose import PROSE

NodeCheck = Callable[[Any, Place, Context], None]
Handler = Callable[[Any, dict[str, Any], Place, Context], None]

PRIMITIVES = frozenset(CHECKS) | {"xhtml"}
INNER = frozenset(("BackboneElement", "Element"))


@cache
def type_check(name: str) -> NodeCheck:
    """The check of a whole data type or resource type."""
    return _node(definitions.structure(name), "")


@cache
def _inner(name: str, path: str) -> NodeCheck:
    return _node(definitions.structure(name), path)


def _lazy(find: Callable[[], NodeCheck]) -> NodeCheck:
    """Types hold one another (Extension holds all): each is built when the first value comes."""
    found: NodeCheck | None = None

    def check(v: Any, place: Place, c: Context) -> None:
        nonlocal found
        if found is None:
            found = find()
        found(v, place, c)

    return check


class Primitive(NamedTuple):
    """A member of a primitive type: whether it repeats, its element name, and the check of its `_member`."""

    many: bool
    name: str
    element: NodeCheck


class Members:
    """The members that a node may have: handlers by JSON name, which must be there, which exclude each other."""

    def __init__(self, structure: Structure, path: str, host: frozenset[str] | None):
        self.structure = structure
        self.host = host or extensions.hosts(structure, path)
        self.path = path
        self.handlers: dict[str, Handler] = {}
        self.primitives: dict[str, Primitive] = {}
        self.required: list[tuple[str, tuple[str, ...]]] = []
        self.choices: list[frozenset[str]] = []
        prefix = path + "." if path else ""
        for element in structure.elements.values():
            if element.path.startswith(prefix) and element.path != path and "." not in element.path[len(prefix) :]:
                self.add(element, element.path[len(prefix) :])

    def add(self, element: Element, name: str) -> None:
        if name.endswith("[x]"):
            names = [name[:-3] + t.code[0].upper() + t.code[1:] for t in element.types]
            for key, t in zip(names, element.types, strict=True):
                self.member(key, name[:-3], element, t)
            self.choices.append(frozenset(names))
        else:
            names = [name]
            self.member(name, name, element, element.types[0] if element.types else None)
        if element.min:
            keys = [k for key in names for k in ((key, "_" + key) if key in self.primitives else (key,))]
            self.required.append((name, tuple(keys)))

    def member(self, key: str, name: str, element: Element, t: TypeRef | None) -> None:
        many = element.max != 1
        if t is not None and t.code in PRIMITIVES:
            host = extensions.primitive_hosts(self.structure, element.path, t.code)
            self.primitives[key] = Primitive(many, name, _lazy(lambda: _primitive_element(host)))
            self.handlers[key] = _primitive(self, key, name, element, t, many)
        else:
            check = self.complex(element, t)
            self.handlers[key] = _complex(name, check, _afterwards(self.structure, element, t), many)

    def complex(self, element: Element, t: TypeRef | None) -> NodeCheck:
        owner = self.structure.name
        if element.content_reference is not None:
            reference = element.content_reference
            return _lazy(lambda: _inner(owner, reference))
        if t is None:
            return _anything
        if t.code in INNER:
            return _lazy(lambda: _inner(owner, element.path))
        if t.code == "Resource":
            return _resource_in(element.path)
        if t.code == "Extension":
            hosts = self.host
            modifier = element.path.endswith("modifierExtension")
            plain = _lazy(lambda: type_check("Extension"))
            return extensions.used(plain, hosts, modifier)
        code = t.code
        return _lazy(lambda: type_check(code))


def _anything(v: Any, place: Place, c: Context) -> None:
    return None


def _resource_in(path: str) -> NodeCheck:
    """A resource holds resources: the way back goes through the context, which knows how to check one."""
    if path == "contained":
        return lambda v, place, c: c.check_contained(v, place, c)
    return lambda v, place, c: c.check_inner(v, place, c)


def _node(structure: Structure, path: str, host: frozenset[str] | None = None) -> NodeCheck:
    """The check of one object: every member, what is missing, what excludes, the invariants. `host` is what extensions
    must fit, where that is not the object itself."""
    members = Members(structure, path, host)
    get = members.handlers.get
    required = tuple(members.required)
    simple = tuple((name, keys[0]) for name, keys in required if len(keys) == 1)
    several = tuple((name, keys) for name, keys in required if len(keys) > 1)
    choices = tuple(members.choices)
    name = f"{structure.name}.{path}" if path else structure.name
    constraints = structure.elements[path].constraints
    rules = tuple(r for key in constraints if (r := invariants.rule(structure, key, name)) is not None)
    more = extensions.extension if name == "Extension" else PROSE.get(name)
    may_be_bare = (structure.kind == "resource" and not path) or host is not None

    def check(v: Any, place: Place, c: Context) -> None:
        if v.__class__ is not dict:
            c.error("structure", f"must be an object, not {type_name(v)}", place)
            return
        for key, value in v.items():
            handler = get(key)
            if handler is not None:
                handler(value, v, place, c)
            else:
                _other(members, key, value, v, place, c)
        for member, key in simple:
            if key not in v:
                c.error("required", f"{member} is required", place)
        for member, keys in several:
            for key in keys:
                if key in v:
                    break
            else:
                c.error("required", f"{member} is required", place)
        for choice in choices:
            if not choice.isdisjoint(v):
                _one_choice(choice, v, place, c)
        if len(v) < 2 and not may_be_bare and (not v or "id" in v):
            c.error("invariant", "ele-1: an element must have a value or children", place)
        for holds, severity, text in rules:
            if not holds(v, c):
                c.add(severity, "invariant", text, place)
        if more is not None:
            try:
                more(v, place, c)
            except invariants.STUMBLES:
                return

    return check


def _one_choice(choice: frozenset[str], v: dict[str, Any], place: Place, c: Context) -> None:
    found = sorted(k for k in choice if k in v or "_" + k in v)
    if len(found) > 1:
        c.error("structure", f"Only one of {' and '.join(found)} is allowed", place)


def _other(members: Members, key: Any, value: Any, host: dict[str, Any], place: Place, c: Context) -> None:
    """A member without handler: resourceType, the companion of a primitive, or something unknown."""
    if key.__class__ is not str:
        c.error("structure", f"{key!r} is no member name", place)
    elif key[:1] == "_" and key[1:] in members.primitives:
        _companion(key, members.primitives[key[1:]], value, host, place, c)
    elif key != "resourceType" or members.path or members.structure.kind != "resource":
        stem = next((n for ch in members.choices for n in [_stem(ch)] if key.startswith(n)), None)
        hint = f": {stem}[x] has no such type here" if stem else ""
        c.error("structure", f"The element {key!r} is unknown{hint}", (place, key, None))


def _stem(choice: Iterable[str]) -> str:
    """value of valueString, valueQuantity ...: the longest common start, cut before a capital."""
    first, last = min(choice), max(choice)
    n = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    while n and not first[n : n + 1].isupper():
        n -= 1
    return first[:n]


def _companion(key: str, primitive: Primitive, value: Any, host: dict[str, Any], place: Place, c: Context) -> None:
    """The `_member` of a primitive: id and extensions. https://hl7.org/fhir/R4/json.html#primitive"""
    name = primitive.name
    if not primitive.many:
        _described(primitive, value, host.get(key[1:]), (place, name, None), c)
        return
    if value.__class__ is not list:
        c.error("structure", f"must be an array, not {type_name(value)}", (place, key, None))
        return
    values: Any = host.get(key[1:])
    if not value:
        c.error("structure", "An array must not be empty", (place, key, None))
    if values.__class__ is list and len(values) != len(value):
        c.error("structure", f"{name} and {key} must be of the same length", (place, key, None))
    for i, v in enumerate(value):
        if v is not None:
            has_value = values.__class__ is list and i < len(values)
            _described(primitive, v, values[i] if has_value else None, (place, name, i), c)
        elif values is None:
            c.error("structure", "An element with neither value nor extension", (place, name, i))


def _described(primitive: Primitive, v: Any, value: Any, place: Place, c: Context) -> None:
    """One `_member` of one value; an id alone is enough only where there is a value."""
    primitive.element(v, place, c)
    if v.__class__ is dict and (not v or (value is None and not v.keys() - {"id"})):
        c.error("invariant", "ele-1: an element must have a value or children", place)


@cache
def _primitive_element(host: frozenset[str]) -> NodeCheck:
    """The check of a `_member`: an Element, whose extensions must fit the primitive that they describe."""
    return _node(definitions.structure("Element"), "", host)


def _primitive(members: Members, key: str, name: str, element: Element, t: TypeRef, many: bool) -> Handler:
    bad = _value_check(element, t)
    if name == "id":
        if members.path == "" and members.structure.kind == "resource":
            bad = primitives.id_
        else:
            return _definition_id if members.structure.name == "ElementDefinition" else _element_id
    if t.code == "xhtml":
        return _pictured(bad)
    code = "code-invalid" if t.code == "code" else "value"
    more = invariants.on_primitive(members.structure, element, t.code)
    one = _checked(more) if more else None
    text = t.code in ("string", "markdown")
    marked = markup.markdown if t.code == "markdown" else markup.check
    link = t.code in ("uri", "url", "canonical")
    whole = t.code == "canonical"

    def scalar(v: Any, host: dict[str, Any], place: Place, c: Context) -> None:
        wrong = bad(v)
        if wrong is not None:
            if v.__class__ is list:
                wrong = "must not be an array"
            c.error("structure" if v.__class__ in _NESTED else code, f"{name} {wrong}", (place, name, None))
            return
        if text and "<" in v:
            marked(v, (place, name, None), c)
        if link and v[0] == "#":
            c.fragments.append(v)
        elif whole and not ABSOLUTE(v):
            _relative(v, (place, name, None), c)
        if one is not None:
            one(v, (place, name, None), c)

    def repeated(v: Any, host: dict[str, Any], place: Place, c: Context) -> None:
        if v.__class__ is not list:
            c.error("structure", f"{name} must be an array, not {type_name(v)}", (place, name, None))
            return
        if not v:
            c.error("structure", "An array must not be empty", (place, name, None))
        for i, x in enumerate(v):
            wrong = bad(x)
            if wrong is None:
                if text and "<" in x:
                    marked(x, (place, name, i), c)
                if link and x[0] == "#":
                    c.fragments.append(x)
                elif whole and not ABSOLUTE(x):
                    _relative(x, (place, name, i), c)
                if one is not None:
                    one(x, (place, name, i), c)
                continue
            if x is None and _has_companion(host, key, i):
                continue
            c.error("structure" if x.__class__ in _NESTED else code, f"{name} {wrong}", (place, name, i))

    return repeated if many else scalar


_NESTED = (dict, list, type(None))
ABSOLUTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]*:\S").match


def _relative(v: str, place: Place, c: Context) -> None:
    """A canonical is the url of a definition, which is absolute; R4's own examples are not always.
    https://hl7.org/fhir/R4/references.html#canonical"""
    say = c.error if c.strict else c.warn
    say("value", f"The canonical {shown(v)} must be an absolute URL or #id", place)


def _checked(rules: invariants.Rules) -> NodeCheck:
    def check(v: Any, place: Place, c: Context) -> None:
        for holds, severity, text in rules:
            if not holds(v, c):
                c.add(severity, "invariant", text, place)

    return check


def _has_companion(host: dict[str, Any], key: str, i: int) -> bool:
    others = host.get("_" + key)
    return others.__class__ is list and i < len(others) and others[i] is not None


def _element_id(v: Any, host: dict[str, Any], place: Place, c: Context) -> None:
    """Element.id: any string without spaces, unique in its resource."""
    if v.__class__ is not str or not v or " " in v:
        c.error("value", f"The id {shown(v)} of an element must be a string without spaces", (place, "id", None))
    elif v in c.element_ids:
        c.error("business-rule", f"The element id {shown(v)} occurs twice", place)
    else:
        c.element_ids.add(v)


def _definition_id(v: Any, host: dict[str, Any], place: Place, c: Context) -> None:
    """ElementDefinition.id is unique in its snapshot or differential (sdf-16, sdf-17), not in the resource."""
    if v.__class__ is not str or not v:
        c.error("value", f"The id {shown(v)} of an element must be a string", (place, "id", None))


def _pictured(bad: primitives.Check) -> Handler:
    """Narrative.div; its pictures may be contained resources. https://hl7.org/fhir/R4/narrative.html#img"""

    def check(v: Any, host: dict[str, Any], place: Place, c: Context) -> None:
        wrong = bad(v)
        if wrong is not None:
            c.error("structure" if v.__class__ in _NESTED else "value", f"div {wrong}", (place, "div", None))
        elif "#" in v:
            c.fragments += narrative.pictures(v)

    return check


def _value_check(element: Element, t: TypeRef) -> primitives.Check:
    if t.code == "xhtml":
        return narrative.xhtml
    bad = CHECKS[t.code]
    bound = element.binding
    codes = coding.plain_codes(bound[1]) if bound and bound[0] == "required" and t.code in _CODED else None
    if codes is None:
        return bad
    allowed, url = codes, bound[1] if bound else ""

    def check(v: Any) -> str | None:
        if v.__class__ is str and v in allowed:
            return None
        return bad(v) or f"{shown(v)} is not in the required value set {url}"

    return check


_CODED = frozenset(("code", "string", "uri"))


def _complex(name: str, check: NodeCheck, after: tuple[After, ...], many: bool) -> Handler:
    def one(v: Any, host: dict[str, Any], place: Place, c: Context) -> None:
        here = (place, name, None)
        check(v, here, c)
        for more in after:
            more(v, host, here, c)

    def repeated(v: Any, host: dict[str, Any], place: Place, c: Context) -> None:
        if v.__class__ is not list:
            c.error("structure", f"{name} must be an array, not {type_name(v)}", (place, name, None))
            return
        if not v:
            c.error("structure", "An array must not be empty", (place, name, None))
        for i, x in enumerate(v):
            here = (place, name, i)
            check(x, here, c)
            for more in after:
                more(x, host, here, c)

    return repeated if many else one


def _afterwards(structure: Structure, element: Element, t: TypeRef | None) -> tuple[After, ...]:
    """What an element asks of its value beyond its type: binding, reference targets, its own invariants."""
    found: list[After | None] = []
    if t is not None:
        if t.code == "Reference":
            found.append(references.checker(frozenset(t.targets)))
        if element.binding and element.binding[0] == "required":
            if t.code == "CodeableConcept":
                found.append(coding.bound_concept(element.binding[1]))
            elif t.code == "Coding":
                found.append(coding.bound_coding(element.binding[1]))
        if t.code not in INNER and element.constraints:
            found.extend(invariants.on_element(structure, element, t.code))
        if "SimpleQuantity" in t.profiles:
            found.append(_simple_quantity)
    return tuple(f for f in found if f is not None)


def _simple_quantity(v: Any, host: dict[str, Any], place: Place, c: Context) -> None:
    if v.__class__ is dict and "comparator" in v:
        c.error("invariant", "sqty-1: The comparator is not used on a SimpleQuantity", place)
