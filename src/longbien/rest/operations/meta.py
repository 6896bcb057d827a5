"""$meta, $meta-add, $meta-delete of a resource - http://hl7.org/fhir/R4/resource-operation-meta.html

The record only grows: what changes a resource's labels is a new version like every other change (the standard would have it written
into the old one). Of a type or of the whole system $meta is not given: labels are found by searching for them (_tag, _security)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from longbien.fhir import json as fhir_json
from longbien.record import patch

from .. import versions
from ..request import Answer, Request
from .operation import At, Operation, given, parameters, wrong

Meta = dict[str, Any]
LISTS = ("profile", "security", "tag")
OTHERS = frozenset(("id", "extension", "versionId", "lastUpdated", "source"))
"""What a Meta may have besides, which these operations do not look at."""
MOST = 100
"""Profiles, labels or tags of one call."""


async def meta(request: Request, at: At) -> Answer:
    assert at.type is not None and at.id is not None
    stored = await request.store.read(at.type, at.id)
    return _answer(fhir_json.loads(stored.body)["meta"])


def _answer(found: Meta, *headers: tuple[bytes, bytes]) -> Answer:
    return Answer(200, fhir_json.dumps(parameters(("return", "valueMeta", found))), headers)


def _wanted(found: Any) -> Meta:
    """The Meta with the labels that are meant. Raises Invalid."""
    if not isinstance(found, dict):
        raise wrong("meta", "is missing: a Meta with the labels.")
    for name, listed in found.items():
        if name not in OTHERS and name not in LISTS:
            raise wrong("meta", f"is a Meta, which has no {name[:40]!r}.")
        if name in LISTS and not (isinstance(listed, list) and len(listed) <= MOST and all(_good(name, one) for one in listed)):
            raise wrong("meta", f"has a {name} that cannot be used.")
    if not any(found.get(name) for name in LISTS):
        raise wrong("meta", "names no profile, security label or tag.")
    return found


def _good(name: str, one: Any) -> bool:
    if name == "profile":
        return isinstance(one, str) and bool(one)
    if not isinstance(one, dict) or not all(isinstance(one.get(k, ""), str) for k in ("system", "code")):
        return False
    return bool(one.get("system") or one.get("code"))


def _key(one: Any) -> Any:
    """What makes two labels the same: a coding's system and code; a profile's address."""
    return (one.get("system"), one.get("code")) if isinstance(one, dict) else one


def added(there: Meta, more: Meta) -> Meta:
    out = dict(there)
    for name in LISTS:
        have = {_key(x) for x in there.get(name, ())}
        fresh = [x for x in more.get(name, ()) if _key(x) not in have]
        if fresh:
            out[name] = [*there.get(name, ()), *fresh]
    return out


def removed(there: Meta, less: Meta) -> Meta:
    out = dict(there)
    for name in LISTS:
        gone = {_key(x) for x in less.get(name, ())}
        left = [x for x in there.get(name, ()) if _key(x) not in gone]
        if left:
            out[name] = left
        else:
            out.pop(name, None)
    return out


def _changing(how: Callable[[Meta, Meta], Meta]) -> Callable[[Request, At], Any]:
    async def change(request: Request, at: At) -> Answer:
        assert at.type is not None and at.id is not None
        wanted = _wanted((await given(request)).one("meta"))
        match = versions.if_match(request.header(b"if-match"))

        def apply(resource: dict[str, Any]) -> dict[str, Any]:
            return resource | {"meta": how(resource.get("meta", {}), wanted)}

        before = await request.store.read(at.type, at.id)
        there = fhir_json.loads(before.body)["meta"]
        if match in (None, before.version) and how(there, wanted) == there:
            return _answer(there, *versions.headers(before))
        stored = await patch.patch(request.store, at.type, at.id, apply, match)
        return _answer(fhir_json.loads(stored.body)["meta"], *versions.headers(stored))

    return change


_AT = "http://hl7.org/fhir/OperationDefinition/Resource-"
OPERATIONS = (
    Operation("meta", ("instance",), meta, _AT + "meta"),
    Operation("meta-add", ("instance",), _changing(added), _AT + "meta-add", writes=True),
    Operation("meta-delete", ("instance",), _changing(removed), _AT + "meta-delete", writes=True),
)
