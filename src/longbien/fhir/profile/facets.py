"""What an element asks of one value beyond base R4: fixed, pattern, types, profiles, targets, binding, limits, invariants.

https://hl7.org/fhir/R4/elementdefinition.html"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from .. import definitions, path
from ..compile.structures import type_code
from ..path import PathError
from ..validate.context import shown
from ..validate.invariants import STUMBLES
from .node import Element, Node
from .regex import safe_path
from .run import Item, Run, TooMuch, said_type

Check = Callable[[Item, Run], None]
Codes = Mapping[str, frozenset[str]]
SD = "http://hl7.org/fhir/StructureDefinition/"
_NUMBERS = (int, float, Decimal)
_BACKBONE = ("BackboneElement", "Element", "")


def facets(node: Node, where: str) -> list[Check]:
    """The checks of a node's own values: only where it asks more than the core type does. Raises Unusable."""
    e, origin = node.element, node.origin
    found: list[Check | None] = [
        _types(e, origin),
        *(_profiles(t) for t in e.get("type", []) if t.get("profile") and t.get("profile") != _same_type(t, origin).get("profile")),
        _targets(e, origin),
        *(_fixed(e[k]) for k in e if k.startswith("fixed") and k not in origin),
        *(_pattern(e[k]) for k in e if k.startswith("pattern") and k not in origin),
        _binding(e, origin),
        *_limits(e, origin),
        *_constraints(node, where),
    ]
    return [f for f in found if f is not None]


def same(a: Any, b: Any) -> bool:
    """Equal as JSON: 1.0 is 1, but true is not 1."""
    if isinstance(a, _NUMBERS) and isinstance(b, _NUMBERS) and not isinstance(a, bool) and not isinstance(b, bool):
        return Decimal(str(a)) == Decimal(str(b))
    if a.__class__ is not b.__class__:
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(v, b[k]) for k, v in a.items())
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def holds_pattern(value: Any, pattern: Any) -> bool:
    """Whether all that is in the pattern is in the value. https://hl7.org/fhir/R4/elementdefinition-definitions.html#pattern"""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(k in value and holds_pattern(value[k], p) for k, p in pattern.items())
    if isinstance(pattern, list):
        return isinstance(value, list) and all(any(holds_pattern(v, p) for v in value) for p in pattern)
    return same(value, pattern)


def _same_type(t: dict[str, Any], origin: Element) -> dict[str, Any]:
    code = type_code(t)
    return next((o for o in origin.get("type", []) if type_code(o) == code), {})


def _types(e: Element, origin: Element) -> Check | None:
    allowed = [type_code(t) for t in e.get("type", [])]
    if not allowed or set(allowed) >= {type_code(t) for t in origin.get("type", [])}:
        return None
    if any(code in ("Resource", "DomainResource", "Element", "BackboneElement") for code in allowed):
        return None
    listed = " or ".join(allowed)

    def check(item: Item, run: Run) -> None:
        if item.kind and item.kind not in allowed and not (item.kind == "Quantity" and _QUANTITIES.intersection(allowed)):
            run.error("structure", f"must be {listed}, not {item.kind}", item.place)

    return check


_QUANTITIES = frozenset(("Age", "Count", "Distance", "Duration", "SimpleQuantity", "MoneyQuantity"))


def _profiles(t: dict[str, Any]) -> Check:
    """The value must conform to one of the profiles of its type."""
    code, urls = type_code(t), [str(u).partition("|")[0] for u in t["profile"]]

    def check(item: Item, run: Run) -> None:
        if item.value.__class__ is not dict or (item.kind != code and code not in ("Resource", "DomainResource")):
            return
        if code == "Extension" and item.value.get("url") not in urls and len(urls) == 1:
            return  # another extension: the slicing has its say
        if len(urls) == 1:
            profile = run.library.get(urls[0])
            asked = (id(item.value), urls[0])
            if profile is None:
                run.add("information", "not-found", f"The profile {urls[0]} is not known here, so it is not judged", item.place)
            elif asked not in run.open and len(run.open) < 25:
                run.open.append(asked)
                profile.check(item.value, item.place, run)
                run.open.pop()
            return
        if all(run.conforms(item.value, u, item.place) is False for u in urls):
            run.error("structure", f"conforms to none of {', '.join(urls)}", item.place)

    return check


def _targets(e: Element, origin: Element) -> Check | None:
    wanted: dict[str, list[str]] = {}
    for t in e.get("type", []):
        code, urls = type_code(t), [str(u).partition("|")[0] for u in t.get("targetProfile", [])]
        if code == "Reference" and urls and set(urls) != set(_same_type(t, origin).get("targetProfile", [])):
            wanted[code] = urls
    if not wanted or any(u in (SD + "Resource", SD + "DomainResource") for u in wanted["Reference"]):
        return None
    urls = wanted["Reference"]

    def check(item: Item, run: Run) -> None:
        if item.kind != "Reference" or item.value.__class__ is not dict:
            return
        target = run.target(item.value)
        kind = str(target.get("resourceType")) if target else said_type(item.value)
        if not kind:
            return
        fitting = [u for u in urls if run.library.type_of(u) in (kind, None)]
        if not fitting:
            run.error("structure", f"A reference to {kind} is not allowed here, only to {', '.join(urls)}", item.place)
        elif target and not _conforms(target, fitting, item, run):
            run.error("structure", f"What is referred to conforms to none of {', '.join(fitting)}", item.place)

    return check


def _conforms(target: dict[str, Any], urls: list[str], item: Item, run: Run) -> bool:
    """By the profiles that the target names itself (they are judged where it stands), else by looking."""
    if any(u == SD + str(target.get("resourceType")) for u in urls):
        return True
    meta = target.get("meta")
    named = meta.get("profile") if meta.__class__ is dict else None
    for url in named if named.__class__ is list else ():
        if url.__class__ is str and any(run.library.derives(url.partition("|")[0], u) for u in urls):
            return True
    return any(run.conforms(target, u, item.place) is not False for u in urls)


def _fixed(wanted: Any) -> Check:
    def check(item: Item, run: Run) -> None:
        if not same(item.value, wanted):
            run.error("value", f"must be exactly {_said(wanted)}, not {_said(item.value)}", item.place)

    return check


def _pattern(wanted: Any) -> Check:
    def check(item: Item, run: Run) -> None:
        if not holds_pattern(item.value, wanted):
            run.error("value", f"must hold {_said(wanted)}", item.place)

    return check


def _said(value: Any) -> str:
    if isinstance(value, dict):
        text = ", ".join(f"{k} {_said(v)}" for k, v in value.items())
    elif isinstance(value, list):
        text = ", ".join(map(_said, value))
    else:
        text = shown(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 160 else text[:157] + "..."


def in_value_set(value: Any, codes: Codes) -> bool:
    """A code (of any system), a Coding, a Quantity by its unit, a CodeableConcept by one of its codings."""
    if value.__class__ is str:
        return any(value in listed for listed in codes.values())
    if value.__class__ is not dict:
        return False
    found = value.get("coding")
    if found.__class__ is list:
        return any(in_value_set(c, codes) for c in found)
    return value.get("code").__class__ is str and value["code"] in codes.get(str(value.get("system")), ())


def _binding(e: Element, origin: Element) -> Check | None:
    bound, before = e.get("binding") or {}, origin.get("binding") or {}
    strength, url = bound.get("strength"), str(bound.get("valueSet") or "").partition("|")[0]
    unchanged = (strength, url) == (before.get("strength"), str(before.get("valueSet") or "").partition("|")[0])
    if not url or unchanged or strength not in ("required", "extensible"):
        return None

    def check(item: Item, run: Run) -> None:
        value = item.value
        if value is None or (value.__class__ is dict and not value.keys() - {"id", "extension"}):
            return
        codes = run.library.codes_of(url)
        if codes is None:
            if strength == "required":
                run.add("information", "not-supported", f"The value set {url} cannot be listed here: not judged", item.place)
        elif not in_value_set(value, codes):
            if strength == "required":
                run.error("code-invalid", f"{_code(value)} is not in the required value set {url}", item.place)
            else:
                run.warn("code-invalid", f"{_code(value)} is not in the extensible value set {url}", item.place)

    return check


def _code(value: Any) -> str:
    if value.__class__ is str:
        return shown(value)
    return "None of the codings" if "coding" in value else f"The code {shown(value.get('code'))}"


def _limits(e: Element, origin: Element) -> list[Check]:
    found: list[Check] = []
    if "maxLength" in e and e["maxLength"] != origin.get("maxLength"):
        longest = int(e["maxLength"])

        def check(item: Item, run: Run) -> None:
            if item.value.__class__ is str and len(item.value) > longest:
                run.error("too-long", f"has {len(item.value)} characters; {longest} are the most", item.place)

        found.append(check)
    for key, limit in e.items():
        if key.startswith(("minValue", "maxValue")) and key not in origin:
            found.append(_limit(limit, key.startswith("min"), key[8:]))
    return found


def _limit(limit: Any, lowest: bool, kind: str) -> Check:
    """minValue[x], maxValue[x]: numbers and Quantities of the same unit; dates as texts of equal precision."""
    word = "least" if lowest else "most"

    def check(item: Item, run: Run) -> None:
        value, bound = item.value, limit
        if kind == "Quantity" and value.__class__ is dict:
            if value.get("code") != bound.get("code"):
                return
            value, bound = value.get("value"), bound.get("value")
        if isinstance(value, _NUMBERS) and isinstance(bound, _NUMBERS):
            a, b = Decimal(str(value)), Decimal(str(bound))
            beyond = a < b if lowest else a > b
        elif isinstance(value, str) and isinstance(bound, str):
            n = min(len(value), len(bound), 10)
            beyond = value[:n] < bound[:n] if lowest else value[:n] > bound[:n]
        else:
            return
        if beyond:
            run.error("value", f"{value} is beyond {bound}, the {word} that is allowed", item.place)

    return check


def _constraints(node: Node, where: str) -> list[Check]:
    known = {(c.get("key"), c.get("expression")) for c in node.origin.get("constraint", [])}
    found = []
    for c in node.element.get("constraint", []):
        if (c.get("key"), c.get("expression")) not in known and c.get("key") not in ("ele-1", "ext-1"):
            if c.get("expression") is None:
                continue  # only for people, or in XPath
            safe_path(c["expression"], where)
            found.append(_invariant(c, node))
    return found


def _invariant(constraint: dict[str, Any], node: Node) -> Check:
    text = f"{str(constraint.get('key'))[:64]}: {str(constraint.get('human'))[:300]}"
    error = constraint.get("severity", "error") == "error"
    expression, own = constraint["expression"], node.origin["path"]
    compiled: dict[str, Any] = {}

    def check(item: Item, run: Run) -> None:
        if item.value is None:
            return
        kind = own if item.kind in _BACKBONE else item.kind
        holds = compiled.get(kind)
        if holds is None:
            holds = compiled[kind] = path.holds(expression, None if definitions.is_type(kind) else kind)
        run.path_left[0] -= 1
        try:
            if run.path_left[0] < 0:
                raise TooMuch
            held = holds(item.value, _environment(run))
        except PathError as why:
            if run.path_left[0] < 0:
                raise TooMuch from None
            run.warn("not-supported", f"{text} cannot be judged: {why}", item.place)
            return
        except STUMBLES:
            return  # the shape is wrong: the validator of base R4 says so
        if not held:
            run.add("error" if error else "warning", "invariant", text, item.place)

    return check


def _environment(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = {"resource": run.resource, "rootResource": run.root, "budget": run.path_left, "memberOf": _member(run)}
    if run.bundle is not None:
        found["bundle"] = run.bundle.resource
    return found


def _member(run: Run) -> Callable[[Any, str], bool | None]:
    def member_of(value: Any, url: str) -> bool | None:
        codes = run.library.codes_of(url.partition("|")[0])
        return None if codes is None else in_value_set(value, codes)

    return member_of
