"""FHIRPath Patch: http://hl7.org/fhir/R4/fhirpatch.html

A Parameters resource with one parameter `operation` for each change: add, insert, delete, replace, move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..path import PathError, model
from .errors import PatchError
from .places import Collection, Place, children, collection, fields, holder_of, places
from .shapes import copied, size
from .values import Value, fitting, given

MOST_OPERATIONS = 1_000
MOST_WORK = 20_000_000
"""Characters of all paths times the values of the resource: every condition may have to look at each of them."""
_PARTS = frozenset({"type", "path", "name", "value", "index", "source", "destination"})


@dataclass(frozen=True)
class Operation:
    """One change as asked. `where`: its place in the Parameters."""

    type: str
    path: str
    where: str
    name: str | None = None
    value: Value | None = None
    index: int | None = None
    source: int | None = None
    destination: int | None = None

    def need(self, part: str) -> Any:
        """A part that this type of operation cannot do without. Raises PatchError."""
        found = getattr(self, part)
        if found is None:
            raise PatchError.malformed(f"The operation {self.type} needs the part {part}.", self.where, "required")
        return found


def apply(resource: dict[str, Any], patch: Any) -> dict[str, Any]:
    """The resource as the patch makes it; the one given stays. Each operation sees what those before it have done. PatchError
    names the operation by its place and says whether the patch is malformed (400) or does not fit the resource (422)."""
    asked = operations(patch)
    if sum(len(one.path) for one in asked) * size(resource, MOST_WORK) > MOST_WORK:
        raise PatchError.malformed("So many paths in so large a resource are too costly: send several patches.", "", "too-costly")
    work: dict[str, Any] = copied(resource)
    for one in asked:
        try:
            _DO[one.type](work, one)
        except PatchError:
            raise
        except PathError as error:
            make = PatchError.unfit if error.status == 422 else PatchError.malformed
            raise make(f"{error.text} ({one.path[:200]})", f"{one.where}.part.where(name = 'path')", error.code) from None
    return work


def operations(patch: Any) -> list[Operation]:
    """The operations of a Parameters resource. Raises PatchError (400)."""
    if not isinstance(patch, dict) or patch.get("resourceType") != "Parameters":
        raise PatchError.malformed("A FHIRPath Patch is a Parameters resource.", "")
    listed = patch.get("parameter", [])
    if not isinstance(listed, list):
        raise PatchError.malformed("Parameters.parameter must be a list.", "Parameters.parameter")
    if len(listed) > MOST_OPERATIONS:
        raise PatchError.malformed(
            f"A patch may have at most {MOST_OPERATIONS:,} operations.", "Parameters.parameter", "too-costly"
        )
    return [_operation(one, f"Parameters.parameter[{n}]") for n, one in enumerate(listed)]


def _operation(one: Any, where: str) -> Operation:
    if not isinstance(one, dict) or one.get("name") != "operation":
        raise PatchError.malformed("Every parameter of a patch must be called 'operation'.", f"{where}.name", "value")
    parts = one.get("part")
    if not isinstance(parts, list):
        raise PatchError.malformed("An operation needs its parts.", f"{where}.part", "required")
    found: dict[str, Any] = {}
    for n, part in enumerate(parts):
        here = f"{where}.part[{n}]"
        name = part.get("name") if isinstance(part, dict) else None
        if not isinstance(name, str) or name not in _PARTS:
            raise PatchError.malformed(f"An operation has no part {str(name)[:40]!r}.", f"{here}.name", "value")
        if name in found:
            raise PatchError.malformed(f"The part {name} stands twice.", here)
        found[name] = _part(name, part, here)
    type_, path = found.pop("type", None), found.pop("path", None)
    if not isinstance(type_, str) or type_ not in _DO:
        raise PatchError.malformed(f"There is no operation {str(type_)[:40]!r}.", f"{where}.part.where(name = 'type')", "value")
    if path is None:
        raise PatchError.malformed("An operation needs a path.", f"{where}.part.where(name = 'path')", "required")
    return Operation(type_, path, where, **found)


def _part(name: str, part: dict[str, Any], where: str) -> Any:
    if name == "value":
        return given(part, where)
    values = [v for k, v in part.items() if k.startswith("value") and k != "value"]
    wanted: type = int if name in ("index", "source", "destination") else str
    if len(values) != 1 or values[0].__class__ is not wanted:
        kind = "a whole number" if wanted is int else "text"
        raise PatchError.malformed(f"The part {name} must be {kind}.", where, "value")
    return values[0]


def _one(work: dict[str, Any], asked: Operation, *, may_lack: bool = False) -> Place | None:
    """The single element that the path leads to."""
    found = places(work, asked.path)
    if len(found) > 1:
        raise PatchError.unfit(f"{asked.path[:200]} leads to {len(found)} elements; {asked.type} needs a single one.", asked.where)
    if not found and not may_lack:
        raise PatchError.unfit(f"{asked.path[:200]} leads to nothing; {asked.type} needs an element.", asked.where, "not-found")
    return found[0] if found else None


def _add(work: dict[str, Any], asked: Operation) -> None:
    name, value = asked.need("name"), asked.need("value")
    parent = _one(work, asked)
    assert parent is not None
    field, made = _fitting(parent, name, value, asked)
    if field.many:
        pairs = _pairs(parent, field.key)
        _store(holder_of(parent), field.key, [*pairs, made])
        return
    if any(True for _ in children(parent, name)):
        raise PatchError.unfit(f"{asked.path[:200]} has {name} already; it cannot repeat.", asked.where, "duplicate")
    _put(holder_of(parent), field.key, *made)


def _insert(work: dict[str, Any], asked: Operation) -> None:
    value, index = asked.need("value"), asked.need("index")
    into = collection(work, asked.path)
    field, made = _fitting(into.parent, into.name, value, asked)
    if not field.many:
        raise PatchError.unfit(f"{asked.path[:200]} is no list.", asked.where)
    pairs = _pairs(into.parent, field.key)
    if not 0 <= index <= len(pairs):
        raise PatchError.unfit(f"The index {index} is beyond a list of {len(pairs)}.", asked.where)
    pairs.insert(index, made)
    _store(holder_of(into.parent), field.key, pairs)


def _delete(work: dict[str, Any], asked: Operation) -> None:
    """What is not there needs no deleting. What becomes empty goes too: FHIR has no empty elements."""
    found = _one(work, asked, may_lack=True)
    if found is None:
        return
    _not_the_resource(found, asked)
    _take_out(found)
    above = found.above
    while above is not None and above.holder is not None and not above.node.v and not above.node.e:
        if above.node.v is not None and not isinstance(above.node.v, dict):  # false or 0, whose last extension has gone
            break
        _take_out(above)
        above = above.above
    _no_empty_sibling(above)


def _no_empty_sibling(primitive: Place | None) -> None:
    """A primitive keeps its value when the last of its extensions goes; the sibling that held them goes with it."""
    if primitive is None or primitive.holder is None or primitive.node.e != {}:
        return
    if primitive.at is None:
        primitive.holder.pop("_" + primitive.key, None)
    else:
        pairs = _even(primitive.holder.get(primitive.key), primitive.holder.get("_" + primitive.key))
        pairs[primitive.at] = (pairs[primitive.at][0], None)
        _store(primitive.holder, primitive.key, pairs)


def _replace(work: dict[str, Any], asked: Operation) -> None:
    value = asked.need("value")
    found = _one(work, asked)
    assert found is not None
    _not_the_resource(found, asked)
    assert found.above is not None and found.holder is not None
    field, made = _fitting(found.above, found.name, value, asked)
    if found.at is not None:
        pairs = _pairs(found.above, found.key)
        pairs[found.at] = made
        _store(found.holder, found.key, pairs)
        return
    if field.key != found.key:  # a choice of another type takes the old one's place
        _rename(found.holder, found.key, field.key)
    _put(found.holder, field.key, *made)


def _move(work: dict[str, Any], asked: Operation) -> None:
    source, destination = asked.need("source"), asked.need("destination")
    of = collection(work, asked.path)
    field = next((f for f in _fields(of) if f.many), None)
    if field is None:
        raise PatchError.unfit(f"{asked.path[:200]} is no list.", asked.where)
    pairs = _pairs(of.parent, field.key)
    if not (0 <= source < len(pairs) and 0 <= destination < len(pairs)):
        raise PatchError.unfit(f"A list of {len(pairs)} has no places {source} and {destination}.", asked.where)
    pairs.insert(destination, pairs.pop(source))
    _store(holder_of(of.parent), field.key, pairs)


_DO: dict[str, Callable[[dict[str, Any], Operation], None]] = {
    "add": _add, "insert": _insert, "delete": _delete, "replace": _replace, "move": _move,
}  # fmt: skip


# -- the JSON below ---------------------------------------------------------------------------------------------------


def _fields(of: Collection) -> tuple[model.Field, ...]:
    return fields(of.parent.type, not isinstance(of.parent.node.v, dict), of.name)


def _fitting(parent: Place, name: str, value: Value, asked: Operation) -> tuple[model.Field, tuple[Any, Any]]:
    known = fields(parent.type, not isinstance(parent.node.v, dict), name)
    if not known:
        raise PatchError.unfit(f"{parent.type or 'This'} has no element {name[:60]!r}.", asked.where, "structure")
    return fitting(known, value, asked.where)


def _not_the_resource(found: Place, asked: Operation) -> None:
    if found.holder is None:
        raise PatchError.unfit(f"{asked.type} cannot be done to the resource itself.", asked.where)


def _pairs(parent: Place, key: str) -> list[tuple[Any, Any]]:
    """A list as (value, sibling), of one length."""
    holder = parent.node.v if isinstance(parent.node.v, dict) else parent.node.e
    if not isinstance(holder, dict):
        return []
    return _even(holder.get(key), holder.get("_" + key))


def _store(holder: dict[str, Any], key: str, pairs: list[tuple[Any, Any]]) -> None:
    values, siblings = [v for v, _ in pairs], [s for _, s in pairs]
    _put(holder, key, values if any(v is not None for v in values) else None, siblings if any(siblings) else None)


def _put(holder: dict[str, Any], key: str, value: Any, sibling: Any) -> None:
    for name, one in ((key, value), ("_" + key, sibling)):
        if one is not None:
            holder[name] = one
        else:
            holder.pop(name, None)


def _rename(holder: dict[str, Any], old: str, new: str) -> None:
    """Another key in the old one's place among the members."""
    members = list(holder.items())
    holder.clear()
    holder.update({(new if k == old else k): v for k, v in members if k != "_" + old})


def _take_out(found: Place) -> None:
    assert found.holder is not None
    if found.at is None:
        _put(found.holder, found.key, None, None)
        return
    pairs = _even(found.holder.get(found.key), found.holder.get("_" + found.key))
    del pairs[found.at]
    _store(found.holder, found.key, pairs)


def _even(values: Any, siblings: Any) -> list[tuple[Any, Any]]:
    """A list and its `_name` siblings as pairs, of one length."""
    values = values if isinstance(values, list) else []
    siblings = siblings if isinstance(siblings, list) else []
    longest = max(len(values), len(siblings))
    return list(zip(values + [None] * (longest - len(values)), siblings + [None] * (longest - len(siblings)), strict=True))
