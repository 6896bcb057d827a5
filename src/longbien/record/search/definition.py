"""A stored SearchParameter read as a definition: what it makes searchable, or why it cannot. http://hl7.org/fhir/R4/searchparameter.html

Only one with status active has an effect; drafts and retired ones are kept like any resource. Pure."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from longbien.base.errors import Invalid, Issue
from longbien.fhir import definitions
from longbien.fhir.definitions import SearchParam
from longbien.fhir.path import PathError, items_of
from longbien.fhir.path.model import QUANTITIES
from longbien.fhir.path.parser import Call, Variable, parse
from longbien.fhir.path.plan import NotStatic, paths

from . import registry
from .registry import Registry

LONGEST = 2000
"""Characters of an expression."""
MOST = 50
"""Own parameters of one type: each costs every write of it."""
KINDS = ("number", "date", "string", "token", "reference", "composite", "quantity", "uri")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9\-]{0,63}\Z")
FUNCTIONS = frozenset((
    "where", "exists", "empty", "not", "as", "is", "ofType", "extension", "resolve", "first", "last", "hasValue", "select", "all",
    "startsWith", "endsWith", "contains", "lower", "upper", "trim", "iif", "toString", "count",
))  # fmt: skip
"""What an expression may call: it costs no more than the resource is large. Not taken are walks over everything (descendants),
regular expressions (some take for ever), variables such as %resource (they let a where() look at the whole for each element)."""
_TEXT = frozenset(("string", "markdown", "code", "id", "uri", "url", "canonical", "oid", "uuid"))
TAKES: dict[str, frozenset[str]] = {
    "token": _TEXT | {"boolean", "Coding", "CodeableConcept", "Identifier", "ContactPoint"},
    "string": _TEXT | {"HumanName", "Address"},
    "uri": frozenset(("uri", "url", "canonical", "oid", "uuid")),
    "date": frozenset(("date", "dateTime", "instant", "Period", "Timing")),
    "number": frozenset(("integer", "positiveInt", "unsignedInt", "decimal", "Range")),
    "quantity": QUANTITIES | {"Range"},
    "reference": frozenset(("Reference", "canonical", "uri")),
}
"""Kind -> FHIR types that it finds values in; a wider path is taken for those of its types that fit."""


class Defined(NamedTuple):
    """One row of search_parameter before it has its generation."""

    type: str
    param: SearchParam
    id: str
    second: str | None = None
    """Of a composite: the kind of its second component."""


def _wrong(element: str, text: str, code: str = "business-rule") -> Invalid:
    said = f"SearchParameter.{element}: {text}"
    return Invalid(said, issues=[Issue("error", code, said, f"SearchParameter.{element}")], code=code, status=422)


def read(resource: dict[str, Any], known: Registry) -> list[Defined]:
    """What an active SearchParameter adds to R4's own, one for each of its types; [] where it has no effect. Raises Invalid (422)
    naming the element."""
    if resource.get("status") != "active":
        return []
    id_, kind = str(resource["id"]), resource.get("type")
    code, expression = str(resource.get("code")), resource.get("expression")
    bases = [b for b in resource.get("base") or () if not _standard(resource, str(b), code)]
    if not bases:
        return []
    if not _CODE.match(code):
        raise _wrong("code", f"{code[:80]!r} must be a letter, then up to 63 letters, digits or '-'.", "value")
    if kind not in KINDS:
        raise _wrong("type", f"{str(kind)[:40]!r} cannot be indexed here: one of {', '.join(KINDS)}.", "not-supported")
    if not isinstance(expression, str) or not expression.strip():
        raise _wrong("expression", "is needed to index by it.", "required")
    _compiles(expression, "expression")
    return [_for_base(resource, id_, str(base), code, kind, expression, known) for base in bases]


def _standard(resource: dict[str, Any], base: str, code: str) -> bool:
    """Whether it is, or is derived from, the parameter of this code that R4 itself has: that one is there already."""
    there = definitions.search_params(base).get(code) if definitions.is_type(base) else None
    return there is not None and there.url in (resource.get("url"), resource.get("derivedFrom"))


def _compiles(expression: str, element: str) -> None:
    if len(expression) > LONGEST:
        raise _wrong(element, f"has over {LONGEST} characters.", "too-long")
    try:
        items_of(expression)
        unbounded = _unbounded(parse(expression))
    except PathError as why:
        raise _wrong(element, why.text, "invalid") from None
    if unbounded is not None:
        raise _wrong(element, f"{unbounded} is not taken: what it costs with each write has no bound.", "too-costly")


def _unbounded(tree: Any) -> str | None:
    """The first call or variable in an expression that is not to be run with every write."""
    if isinstance(tree, Variable):
        return f"%{tree.name[:60]}"
    if isinstance(tree, Call) and tree.name not in FUNCTIONS:
        return f"{tree.name[:60]}()"
    for part in tree if isinstance(tree, tuple) else ():
        if (found := _unbounded(part)) is not None:
            return found
    return None


def _for_base(
    resource: dict[str, Any], id_: str, base: str, code: str, kind: str, expression: str, known: Registry
) -> Defined:  # fmt: skip
    if not definitions.is_type(base):
        raise _wrong("base", f"{base[:60]!r} is not a resource type that can be searched: name each type that is meant.", "value")
    if code in definitions.search_params(base):
        raise _wrong("code", f"R4 has a search parameter {code!r} of {base} already.", "duplicate")
    other = known.find(base, code)
    if other is not None and other.id != id_:
        raise _wrong("code", f"SearchParameter/{other.id} makes {code!r} of {base} already.", "duplicate")
    if sum(o.id != id_ for o in known.of(base)) >= MOST:
        raise _wrong("base", f"{base} has {MOST} search parameters beside R4's own; there is no room for more.", "too-costly")
    components, second = _components(resource, base, known) if kind == "composite" else ((), None)
    _fits(expression, base, kind)
    targets = tuple(str(t) for t in resource.get("target") or ())
    return Defined(base, SearchParam(code, kind, expression, targets, components, str(resource.get("url")), base), id_, second)


def _fits(expression: str, base: str, kind: str) -> None:
    """Refused is what can be seen to find nothing; an expression that must be evaluated is taken as it is."""
    try:
        found = paths(parse(expression), base)
    except NotStatic:
        return
    if not found:
        raise _wrong("expression", f"{expression[:200]!r} leads nowhere in {base}.", "invalid")
    if kind != "composite" and not any(p.type in TAKES[kind] for p in found):
        types = ", ".join(sorted({p.type for p in found}))
        raise _wrong("type", f"a {kind} cannot be made of what the expression finds in {base} ({types[:200]}).", "invalid")


def _components(resource: dict[str, Any], base: str, known: Registry) -> tuple[tuple[definitions.Component, ...], str]:
    """Exactly two; the first a token, the second a token, a reference or a quantity (its kind is given too)."""
    listed = resource.get("component") or ()
    if len(listed) != 2:
        raise _wrong("component", "a composite is taken with exactly two components.", "not-supported")
    made = []
    second = ""
    for at, (one, kinds) in enumerate(zip(listed, (("token",), ("token", "reference", "quantity")), strict=True)):
        part = _by_url(base, str(one.get("definition")).split("|")[0], known)
        if part is None:
            raise _wrong(f"component[{at}].definition", f"is no search parameter of {base} that is known here.", "not-found")
        if part.kind not in kinds:
            raise _wrong(f"component[{at}].definition", f"must be of type {' or '.join(kinds)}, not {part.kind}.", "not-supported")
        _compiles(str(one.get("expression")), f"component[{at}].expression")
        made.append(definitions.Component(registry.public(part.code), str(one["expression"])))
        second = part.kind
    return tuple(made), second


def _by_url(base: str, url: str, known: Registry) -> SearchParam | None:
    every = [*definitions.search_params(base).values(), *(o.param for o in known.of(base))]
    return next((p for p in every if p.url == url), None)
