"""JSON Patch: https://www.rfc-editor.org/rfc/rfc6902, pointers: https://www.rfc-editor.org/rfc/rfc6901

In FHIR: http://hl7.org/fhir/R4/http.html#patch"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from .errors import PatchError
from .shapes import copied, size

MOST_OPERATIONS = 5_000
LONGEST_POINTER = 4_000
"""Characters: a resource is nested 100 deep at most."""
MOST_COPIED = 1_000_000
"""Values that a patch's copies may make: each could otherwise double what there is."""
_VALUE, _FROM = frozenset({"add", "replace", "test"}), frozenset({"move", "copy"})
_MISSING = object()


def apply(document: Any, operations: Any) -> Any:
    """The document as the operations make it; the one given stays. PatchError names the operation by its place ("[3].path") and
    says whether the patch is malformed (400) or does not fit the document (422)."""
    if not isinstance(operations, list):
        raise PatchError.malformed("A JSON Patch is a list of operations.", "")
    if len(operations) > MOST_OPERATIONS:
        raise PatchError.malformed(f"A patch may have at most {MOST_OPERATIONS:,} operations.", "", "too-costly")
    work = _Work(copied(document))
    for n, one in enumerate(operations):
        work.operation(one, f"[{n}]")
    return work.root


def _parsed(pointer: Any, where: str) -> list[str]:
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")) or len(pointer) > LONGEST_POINTER:
        raise PatchError.malformed(f"{str(pointer)[:80]!r} is no JSON pointer.", where)
    for n, c in enumerate(pointer):
        if c == "~" and pointer[n + 1 : n + 2] not in ("0", "1"):
            raise PatchError.malformed(f"In {pointer[:80]!r} a ~ must be written ~0.", where)
    return [p.replace("~1", "/").replace("~0", "~") for p in pointer.split("/")[1:]]


def _position(text: str, length: int) -> int | None:
    """An index of a list, None for what is none there. "-" is behind the last."""
    if text == "-":
        return length
    if not (text.isascii() and text.isdigit()) or (text[0] == "0" and text != "0") or len(text) > 9:
        return None
    return int(text)


def same(a: Any, b: Any) -> bool:
    """Equal as RFC 6902 has it: numbers by value, objects without order; true is not 1."""
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b
    if isinstance(a, int | Decimal) and isinstance(b, int | Decimal):
        return a == b
    if a.__class__ is not b.__class__:
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(v, b[k]) for k, v in a.items())
    if isinstance(a, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)


class _Work:
    """The document under change."""

    def __init__(self, root: Any):
        self.root = root
        self.left = MOST_COPIED

    def operation(self, one: Any, where: str) -> None:
        if not isinstance(one, dict):
            raise PatchError.malformed("An operation is an object.", where)
        op = one.get("op")
        if op not in ("add", "remove", "replace", "move", "copy", "test"):
            raise PatchError.malformed(f"There is no operation {str(op)[:40]!r}.", f"{where}.op", "value")
        path = _parsed(one.get("path"), f"{where}.path")
        if op in _VALUE and "value" not in one:
            raise PatchError.malformed(f"{op} needs a value.", f"{where}.value", "required")
        origin = _parsed(one.get("from"), f"{where}.from") if op in _FROM else []
        self._do(op, path, origin, one.get("value"), where)

    def _do(self, op: str, path: list[str], origin: list[str], value: Any, where: str) -> None:
        at = f"{where}.path"
        if op == "add":
            self._add(path, copied(value), at)
        elif op == "remove":
            self._remove(path, at)
        elif op == "replace":
            self._replace(path, copied(value), at)
        elif op == "test":
            if not same(self._get(path, at), value):
                raise PatchError.unfit(f"The value at {_shown(path)} is not the one that the patch tests for.", at)
        elif op == "move":
            if origin == path:
                self._get(path, at)
            elif path[: len(origin)] == origin:
                raise PatchError.malformed("A value cannot be moved into itself.", at)
            else:
                self._add(path, self._remove(origin, f"{where}.from"), at)
        else:
            found = self._get(origin, f"{where}.from")
            self.left -= size(found, self.left)
            if self.left < 0:
                raise PatchError.malformed(f"The patch copies more than {MOST_COPIED:,} values.", where, "too-costly")
            self._add(path, copied(found), at)

    def _get(self, path: list[str], where: str) -> Any:
        value = self.root
        for n, name in enumerate(path):
            value = self._child(value, name)
            if value is _MISSING:
                raise PatchError.unfit(f"There is nothing at {_shown(path[: n + 1])}.", where)
        return value

    def _child(self, value: Any, name: str) -> Any:
        if isinstance(value, dict):
            return value.get(name, _MISSING)
        if isinstance(value, list):
            n = _position(name, len(value))
            return value[n] if n is not None and n < len(value) else _MISSING
        return _MISSING

    def _add(self, path: list[str], value: Any, where: str) -> None:
        if not path:
            self.root = value
            return
        holder, name = self._get(path[:-1], where), path[-1]
        if isinstance(holder, dict):
            holder[name] = value
        elif isinstance(holder, list):
            n = _position(name, len(holder))
            if n is None or n > len(holder):
                raise PatchError.unfit(f"{_shown(path)} is no place in a list of {len(holder)}.", where)
            holder.insert(n, value)
        else:
            raise PatchError.unfit(f"{_shown(path[:-1])} is neither an object nor a list.", where)

    def _replace(self, path: list[str], value: Any, where: str) -> None:
        self._get(path, where)
        if not path:
            self.root = value
            return
        holder = self._get(path[:-1], where)
        if isinstance(holder, dict):
            holder[path[-1]] = value
        else:
            holder[int(path[-1])] = value

    def _remove(self, path: list[str], where: str) -> Any:
        found = self._get(path, where)
        if not path:
            raise PatchError.unfit("The whole resource cannot be removed by a patch.", where)
        holder = self._get(path[:-1], where)
        if isinstance(holder, dict):
            del holder[path[-1]]
        else:
            del holder[int(path[-1])]
        return found


def _shown(path: list[str]) -> str:
    return repr(("/" + "/".join(path))[:120]) if path else "the root"
