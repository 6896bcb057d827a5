"""The value of a FHIRPath Patch operation: from a part of Parameters to the JSON of the element it is to become.

http://hl7.org/fhir/R4/fhirpatch.html: "The type of the value must be correct for the place at which it will be added/inserted." """

from __future__ import annotations

from typing import Any, NamedTuple

from ..path import model
from .errors import PatchError
from .shapes import copied

_FAMILIES = (
    frozenset({"string", "code", "id", "markdown", "xhtml"}),
    frozenset({"uri", "url", "canonical", "oid", "uuid"}),
    frozenset({"date", "dateTime"}),
    frozenset({"integer", "positiveInt", "unsignedInt"}),
    frozenset({"Quantity", "Age", "Count", "Distance", "Duration", "SimpleQuantity", "MoneyQuantity"}),
)
"""Types whose JSON is the same: clients send a code as valueString, and Parameters cannot carry every type of its own (xhtml). What
the text says is for the validator."""


class Value(NamedTuple):
    """type: of value[x] ("Resource" for a resource); parts: of an element that has no type of its own, as (name, Value)."""

    type: str | None
    json: Any = None
    sibling: Any = None
    parts: tuple[tuple[str, Value], ...] = ()


def given(part: dict[str, Any], where: str, depth: int = 0) -> Value:
    """The value that a parameter or a part of one has. Raises PatchError."""
    if depth > 20:
        raise PatchError.malformed("The value is nested more than 20 deep.", where, "too-costly")
    typed = {k.removeprefix("_")[5:] for k in part if k.removeprefix("_").startswith("value")} - {""}
    kinds = [*typed, *(k for k in ("resource", "part") if k in part)]
    if len(kinds) != 1:
        raise PatchError.malformed("A value needs exactly one of value[x], resource and part.", where)
    if "resource" in part:
        if not isinstance(part["resource"], dict):
            raise PatchError.malformed("A resource must be an object.", f"{where}.resource")
        return Value("Resource", copied(part["resource"]))
    if "part" in part:
        return Value(None, parts=_parts(part["part"], f"{where}.part", depth))
    (name,) = kinds
    type_ = name if model.known(name) else name[0].lower() + name[1:]
    if not model.known(type_):
        raise PatchError.malformed(f"There is no type value{name[:40]}.", where, "value")
    json, sibling = part.get(f"value{name}"), part.get(f"_value{name}")
    if json is None and not isinstance(sibling, dict):
        raise PatchError.malformed(f"value{name[:40]} is empty.", where, "value")
    return Value(type_, copied(json), copied(sibling))


def _parts(raw: Any, where: str, depth: int) -> tuple[tuple[str, Value], ...]:
    if not isinstance(raw, list) or not raw:
        raise PatchError.malformed("The parts of a value must be a list.", where)
    found: list[tuple[str, Value]] = []
    for n, one in enumerate(raw):
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise PatchError.malformed("A part needs a name.", f"{where}[{n}].name", "required")
        found.append((one["name"], given(one, f"{where}[{n}]", depth + 1)))
    return tuple(found)


def fitting(known: tuple[model.Field, ...], value: Value, where: str) -> tuple[model.Field, tuple[Any, Any]]:
    """Which of the keys that an element can have the value goes to, and its JSON with its `_name` sibling. Raises PatchError (422)
    for a value of another type."""
    if value.type is None:
        field = next((f for f in known if "." in f.type or f.type in ("BackboneElement", "Element")), None)
        field = field or next((f for f in known if model.known(f.type) and not model.is_primitive(f.type)), None)
        if field is None:
            raise PatchError.unfit(f"{known[0].name} has no parts: its value needs a type.", where, "structure")
        return field, (_built(field.type, value.parts, where), None)
    field = next((f for f in known if f.type == value.type), None) or next((f for f in known if _fits(value.type, f.type)), None)
    if field is None:
        wanted = " or ".join(sorted({f.type for f in known}))[:200]
        raise PatchError.unfit(f"{known[0].name} must be {wanted}, not {value.type}.", where, "structure")
    return field, (value.json, value.sibling)


def _fits(given_type: str, wanted: str) -> bool:
    if wanted == given_type or any(wanted in f and given_type in f for f in _FAMILIES):
        return True
    return "." not in wanted and model.is_a(given_type, wanted)


def _built(type_name: str, parts: tuple[tuple[str, Value], ...], where: str) -> dict[str, Any]:
    """An element out of its parts; a name that stands several times is a list."""
    made: dict[str, Any] = {}
    for name, value in parts:
        known = model.names(type_name).get(name, ())
        if not known:
            raise PatchError.unfit(f"{type_name} has no element {name[:60]!r}.", where, "structure")
        field, (json, sibling) = fitting(known, value, where)
        if field.many:
            values, siblings = made.setdefault(field.key, []), made.setdefault("_" + field.key, [])
            values.append(json)
            siblings.append(sibling)
        elif any(f.key in made or "_" + f.key in made for f in known):
            raise PatchError.unfit(f"{name} cannot repeat.", where, "structure")
        else:
            made |= {k: v for k, v in ((field.key, json), ("_" + field.key, sibling)) if v is not None}
    return {k: v for k, v in made.items() if not (isinstance(v, list) and all(x is None for x in v))}
