"""A search as it was written, read: conditions, sort, page, what to include, how much of each resource (R4 search.html)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from longbien.base.errors import Invalid, Issue, NotSupported
from longbien.fhir import definitions
from longbien.fhir.definitions import SearchParam

from . import lists, registry
from .ask import Ask, plain, split
from .sort import sortable

Handling = Literal["strict", "lenient"]
DEFAULT_COUNT, LARGEST_COUNT = 50, 1000
MOST_VALUES = 2000
MOST_IN_ALL = 10_000
MOST_CONDITIONS = 60
_UNSUPPORTED = frozenset(("_query", "_filter"))
_BESIDE = frozenset(("_text", "_list"))
"""Asked of all types at once too, though R4's tables do not give them for Resource."""
_QUIET = frozenset(("_format", "_pretty"))
_SUMMARIES = ("true", "text", "data", "count", "false")
_TOTALS = ("none", "estimate", "accurate")


class Has(NamedTuple):
    """_has:source:ref:rest=values. Resources of `type` that a matching `source` points to."""

    type: str
    source: str
    ref: str
    rest: str
    values: tuple[str, ...]
    name: str


class Include(NamedTuple):
    """source: the type whose parameter is followed ('Resource', or '*' backwards: any); code '*' is every reference; target narrows
    to one type."""

    source: str
    code: str
    target: str | None
    iterate: bool


@dataclass
class Query:
    """within: the compartment that is searched, as ("Encounter", id)."""

    type: str | None
    within: tuple[str, str] | None = None
    asks: list[Ask] = field(default_factory=list)
    has: list[Has] = field(default_factory=list)
    types: tuple[str, ...] = ()
    sort: list[tuple[str, bool]] = field(default_factory=list)
    count: int = DEFAULT_COUNT
    total: str | None = None
    include: list[Include] = field(default_factory=list)
    revinclude: list[Include] = field(default_factory=list)
    summary: str | None = None
    elements: tuple[str, ...] = ()
    cursor: list[Any] | None = None
    kept: list[tuple[str, str]] = field(default_factory=list)
    """What was understood, as written: the self link."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    """The same without what names a person: what the trail keeps."""
    issues: list[Issue] = field(default_factory=list)


def encode_cursor(values: Sequence[Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(values), separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(text: str) -> list[Any]:
    try:
        found = json.loads(base64.urlsafe_b64decode(text[:4001] + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        found = None
    if not isinstance(found, list) or len(found) < 2 or len(text) > 4000:
        raise _wrong("_page", "is not a page of ours.")
    return found


def _wrong(name: str, text: str) -> Invalid:
    full = f"Search parameter '{name[:200]}': {text}"
    return Invalid(full, issues=[Issue("error", "value", full)])


def unknown(name: str, type_: str | None) -> str:
    return f"Search parameter '{name[:200]}' is not known for {type_ or 'a search over all types'}."


def param(type_: str | None, code: str) -> SearchParam | None:
    """The definition, R4's or this house's own; for a search over all types those of Resource."""
    found = definitions.search_params(type_ or "Resource").get(code)
    if found is None and (own := registry.find(type_, code)) is not None:
        return own.param
    if code == "_list":
        return lists.PARAM
    if found is None:
        return definitions.search_params("Patient")["_text"] if code == "_text" and type_ in (None, "Resource") else None
    return None if code in _UNSUPPORTED or (found.kind == "special" and code != "near") else found


def ask(type_: str, name: str, values: Sequence[str], shown: str) -> Ask | None:
    """One condition on a type; None for a name that the type does not know. Raises Invalid for what cannot be meant."""
    head, dot, rest = name.partition(".")
    code, colon, modifier = head.partition(":")
    known = param(type_, code)
    if known is None:
        return None
    if len(values) > MOST_VALUES:
        raise _wrong(shown, f"has over {MOST_VALUES} values.")
    if dot:
        if known.kind != "reference":
            raise _wrong(shown, f"{code} is no reference and cannot be followed.")
        if colon and not definitions.is_type(modifier):
            raise _wrong(shown, f"{modifier[:100]!r} is not a resource type.")
        return Ask(type_, known, None, tuple(values), shown, (modifier or None, rest))
    if colon and not modifier:
        raise _wrong(shown, "a modifier is missing after ':'.")
    return Ask(type_, known, modifier or None, tuple(values), shown)


def _values(name: str, value: str) -> list[str]:
    values = split(value, ",")
    if not any(values):
        raise _wrong(name, "has no value.")
    return [v for v in values if v]


def _in_compartment(query: Query) -> None:
    """A type that is never in the compartment would always be an empty answer: that is said instead. Raises NotSupported."""
    assert query.within is not None
    holder = query.within[0]
    listed = definitions.compartment(holder)
    for t in (query.type,) if query.type else query.types:
        if t == "AuditEvent":
            raise NotSupported("AuditEvents are asked for at AuditEvent, by patient or agent, not in a compartment.")
        if holder != "Patient" and t not in listed:
            raise NotSupported(f"{t} resources are never in the compartment of a {holder}.")


def parse(
    type_: str | None, params: Sequence[tuple[str, str]], handling: Handling = "lenient", within: tuple[str, str] | None = None
) -> Query:
    """Raises Invalid (400) naming the parameter; an unknown one only when handling is strict. within: see Query."""
    query = Query(type_, within)
    if len(params) > MOST_CONDITIONS * 4:
        raise Invalid(f"A search takes at most {MOST_CONDITIONS * 4} parameters.")
    for name, value in params:
        if "\0" in name or "\0" in value:
            raise _wrong(name.replace("\0", "?"), "holds a NUL character.")
        if name in _QUIET:
            query.kept.append((name, value))
            continue
        if value == "":
            continue  # an empty parameter asks nothing (R4: servers ignore it)
        known, private = _one(query, name, value)
        if known:
            if name != "_page":
                query.kept.append((name, value))
                query.asked.append((name, "*" if private else value))
            continue
        text = unknown(name, type_)
        if handling == "strict":
            raise Invalid(text, issues=[Issue("error", "not-supported", text)], code="not-supported")
        query.issues.append(Issue("warning", "not-supported", text + " It was ignored."))
    if sum(len(a.values) for a in query.asks) + sum(len(h.values) for h in query.has) > MOST_IN_ALL:
        raise Invalid(f"A search takes at most {MOST_IN_ALL} values in all.", code="too-costly")
    if len(query.asks) + len(query.has) > MOST_CONDITIONS:
        raise Invalid(f"A search takes at most {MOST_CONDITIONS} conditions.")
    if within is not None:
        _in_compartment(query)
    return query


def _one(query: Query, name: str, value: str) -> tuple[bool, bool]:
    """(understood, names a person)."""
    control, _, modifier = name.partition(":")
    take = _CONTROLS.get(control)
    if take is not None:
        if modifier and control not in ("_include", "_revinclude"):
            raise _wrong(name, f"{control} takes no modifier.")
        return take(query, name, value), False
    if name.startswith("_has:"):
        return take_has(query, name, value)
    first = control.partition(".")[0]
    if query.type is None and first not in definitions.search_params("Resource") and first not in _BESIDE:
        return False, False
    found = ask(query.type or "Resource", name, _values(name, value), name)
    if found is None:
        return False, False
    query.asks.append(found)
    personal = found.param.kind == "string" or bool(found.chain) or found.param.code in _PERSONAL or "~" in found.param.code
    return True, personal or found.modifier in ("identifier", "of-type")


_PERSONAL = frozenset(("identifier", "phone", "email", "telecom", "birthdate"))


def take_has(query: Query, name: str, value: str) -> tuple[bool, bool]:
    parts = name.split(":", 3)
    if len(parts) != 4 or query.type is None:
        raise _wrong(name, "is written _has:Type:reference:parameter.")
    _, source, ref, rest = parts
    if not definitions.is_type(source):
        raise _wrong(name, f"{source[:100]!r} is not a resource type.")
    known = param(source, ref)
    if known is None or known.kind != "reference":
        raise _wrong(name, f"{ref[:100]!r} is not a reference parameter of {source}.")
    query.has.append(Has(query.type, source, known.code, rest, tuple(_values(name, value)), name))
    return True, True


def _count(query: Query, name: str, value: str) -> bool:
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise _wrong(name, f"{value[:60]!r} is not a number of results.")
    query.count = min(int(value), LARGEST_COUNT)
    if int(value) > LARGEST_COUNT:
        text = f"_count={int(value)}: a page holds at most {LARGEST_COUNT} resources; the others are behind the next link."
        query.issues.append(Issue("information", "informational", text))
    return True


def _contained(query: Query, name: str, value: str) -> bool:
    """Contained resources are no results here, which is R4's default (search.html#contained)."""
    if value not in ("true", "false", "both"):
        raise _wrong(name, f"{value[:60]!r} is not one of true, false, both.")
    if value != "false":
        raise NotSupported(f"Search parameter '{name}': contained resources cannot be searched for.")
    return True


def _contained_type(query: Query, name: str, value: str) -> bool:
    if value not in ("container", "contained"):
        raise _wrong(name, f"{value[:60]!r} is not one of container, contained.")
    return True


def _sort(query: Query, name: str, value: str) -> bool:
    for one in _values(name, value):
        code, down = one.removeprefix("-"), one.startswith("-")
        known = param(query.type, code)
        if not sortable(query.type, code, known):
            raise _wrong(name, f"cannot sort by {code[:100]!r}.")
        query.sort.append((code, down))
    if len(query.sort) > 5:
        raise _wrong(name, "takes at most five keys.")
    return True


def _choice(attribute: str, allowed: Sequence[str]) -> Any:
    def take(query: Query, name: str, value: str) -> bool:
        if value not in allowed:
            raise _wrong(name, f"{value[:60]!r} is not one of {', '.join(allowed)}.")
        setattr(query, attribute, value)
        return True

    return take


def _elements(query: Query, name: str, value: str) -> bool:
    names = [plain(v).strip() for v in _values(name, value)]
    query.elements = tuple(n.split(".")[0].removesuffix("[x]") for n in names)
    return True


def _cursor(query: Query, name: str, value: str) -> bool:
    query.cursor = decode_cursor(value)
    return True


def _types(query: Query, name: str, value: str) -> bool:
    if query.type is not None:
        return False
    names = _values(name, value)
    for n in names:
        if not definitions.is_type(n):
            raise _wrong(name, f"{n[:100]!r} is not a resource type.")
    query.types = tuple(names)
    return True


def _include(attribute: str) -> Any:
    def take(query: Query, name: str, value: str) -> bool:
        modifier = name.partition(":")[2]
        if modifier not in ("", "iterate", "recurse"):
            raise _wrong(name, f"modifier ':{modifier[:60]}' is not known.")
        parts = value.split(":")
        if value == "*":
            found = Include(
                "*" if attribute == "revinclude" else "Resource" if modifier else query.type or "Resource",
                "*",
                None,
                modifier != "",
            )
            getattr(query, attribute).append(found)
            return True
        if len(parts) not in (2, 3) or not definitions.is_type(parts[0]):
            raise _wrong(name, f"{value[:100]!r} is not Type:parameter or Type:parameter:Target.")
        source, code = parts[0], parts[1]
        target = parts[2] if len(parts) == 3 and parts[2] else None
        known = param(source, code)
        if code != "*" and (known is None or known.kind != "reference"):
            raise _wrong(name, f"{code[:100]!r} is not a reference parameter of {source}.")
        if target is not None and not definitions.is_type(target):
            raise _wrong(name, f"{target[:100]!r} is not a resource type.")
        getattr(query, attribute).append(Include(source, known.code if known else code, target, modifier != ""))
        return True

    return take


_CONTROLS: dict[str, Any] = {
    "_count": _count, "_sort": _sort, "_elements": _elements, "_page": _cursor, "_type": _types,
    "_summary": _choice("summary", _SUMMARIES), "_total": _choice("total", _TOTALS),
    "_contained": _contained, "_containedType": _contained_type,
    "_include": _include("include"), "_revinclude": _include("revinclude"),
}  # fmt: skip
