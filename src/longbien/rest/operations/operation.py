"""What an operation is to the router, and what it is asked: parameters from the address or a Parameters resource."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from longbien.base.errors import Invalid, Issue

from .. import resource
from ..request import Answer, Request

Level = Literal["system", "type", "instance"]


class At(NamedTuple):
    """Where it was called: the system (None, None), a type, or an instance."""

    type: str | None
    id: str | None


@dataclass(frozen=True)
class Operation:
    """name: without '$'. types: () stands for every type. definition: the OperationDefinition's canonical address. writes: changes
    something, so that it cannot be called by GET."""

    name: str
    levels: tuple[Level, ...]
    handler: Callable[[Request, At], Awaitable[Answer]]
    definition: str
    types: tuple[str, ...] = ()
    writes: bool = False
    verbs: tuple[str, ...] = ()
    """HTTP methods, where they are not the usual ones."""
    listed: bool = True
    """Whether the CapabilityStatement names it."""

    def stands_at(self, type: str | None, instance: bool) -> bool:
        level = "system" if type is None else "instance" if instance else "type"
        return level in self.levels and (type is None or not self.types or type in self.types)

    @property
    def methods(self) -> tuple[str, ...]:
        if self.verbs:
            return self.verbs
        return ("POST",) if self.writes else ("GET", "HEAD", "POST")


class Given(NamedTuple):
    """In-parameters in order: (name, value). From the address a value is text; from a Parameters resource it is value[x] as JSON
    has it, the resource, or for a parameter with parts the list of its parts as (name, value) pairs."""

    values: tuple[tuple[str, Any], ...]

    def all(self, name: str) -> list[Any]:
        return [v for n, v in self.values if n == name]

    def one(self, name: str) -> Any | None:
        """The value, None where it is not given. Raises Invalid when it is given twice."""
        found = self.all(name)
        if len(found) > 1:
            raise wrong(name, "may be given once only.")
        return found[0] if found else None

    def text(self, name: str) -> str | None:
        """As text (code, uri, string, id). Raises Invalid for a value of another shape."""
        found = self.one(name)
        if found is not None and not isinstance(found, str):
            raise wrong(name, "must be text.")
        return found

    def flag(self, name: str, default: bool = False) -> bool:
        found = self.one(name)
        if found in (True, "true"):
            return True
        if found in (False, "false"):
            return False
        if found is None:
            return default
        raise wrong(name, "must be true or false.")

    def whole(self, name: str) -> int | None:
        """A whole number from 0 on."""
        found = self.one(name)
        if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < 10:
            return int(found)
        if found is None or (isinstance(found, int) and not isinstance(found, bool) and found >= 0):
            return found
        raise wrong(name, "must be a whole number from 0 on.")


def wrong(name: str, text: str) -> Invalid:
    """A fault of one in-parameter."""
    said = f"Parameter {name[:60]!r} {text}"
    return Invalid(said, issues=[Issue("error", "value", said, f"Parameters.parameter.where(name = '{name[:60]}')")])


async def given(request: Request, resource_as: str = "resource") -> Given:
    """The in-parameters. A body that is not a Parameters resource is the parameter `resource_as` (operations.html#request)."""
    found: list[tuple[str, Any]] = [(n, v) for n, v in request.params if n not in ("_format", "_pretty")]
    if request.method == "POST" and (request.given is not None or request.has_body()):
        body = await resource.sent(request)
        if body.get("resourceType") == "Parameters":
            found += _parts(body.get("parameter"), "Parameters.parameter")
        else:
            found.append((resource_as, body))
    return Given(tuple(found))


def _parts(raw: Any, where: str) -> list[tuple[str, Any]]:
    if raw is None:
        return []
    if not isinstance(raw, list):
        raise _malformed(where, "must be a list.")
    found: list[tuple[str, Any]] = []
    for at, one in enumerate(raw):
        here = f"{where}[{at}]"
        if not isinstance(one, dict) or not isinstance(one.get("name"), str):
            raise _malformed(here, "needs a name.")
        values = [v for k, v in one.items() if k.startswith("value") and k != "value"]
        if "resource" in one:
            values.append(one["resource"])
        if "part" in one:
            values.append(_parts(one["part"], f"{here}.part"))
        if len(values) != 1:
            raise _malformed(here, "needs exactly one of value[x], resource and part.")
        found.append((one["name"], values[0]))
    return found


def _malformed(where: str, text: str) -> Invalid:
    return Invalid(f"{where} {text}", issues=[Issue("error", "structure", f"{where} {text}", where)])


def parameters(*found: tuple[str, str, Any]) -> dict[str, Any]:
    """A Parameters resource to answer with: (name, 'valueString' or 'resource' or 'part', value)."""
    return {"resourceType": "Parameters", "parameter": [{"name": name, key: value} for name, key, value in found]}
