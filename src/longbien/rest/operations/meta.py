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


async def meta(request: Request, at: At) -> Answer:
    assert at.type is not None and at.id is not None
    stored = await request.store.read(at.type, at.id)
    return _answer(fhir_json.loads(stored.body)["meta"])


def _answer(found: Meta, *headers: tuple[bytes, bytes]) -> Answer:
    return Answer(200, fhir_json.dumps(parameters(("return", "valueMeta", found))), headers)


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
        wanted = (await given(request)).one("meta")
        if not isinstance(wanted, dict) or any(not isinstance(wanted.get(name, []), list) for name in LISTS):
            raise wrong("meta", "is missing: a Meta with the labels.")

        def apply(resource: dict[str, Any]) -> dict[str, Any]:
            return resource | {"meta": how(resource.get("meta", {}), wanted)}

        before = await request.store.read(at.type, at.id)
        there = fhir_json.loads(before.body)["meta"]
        if how(there, wanted) == there:
            return _answer(there)
        match = versions.if_match(request.header(b"if-match"))
        stored = await patch.patch(request.store, at.type, at.id, apply, match)
        return _answer(fhir_json.loads(stored.body)["meta"], *versions.headers(stored))

    return change


_AT = "http://hl7.org/fhir/OperationDefinition/Resource-"
OPERATIONS = (
    Operation("meta", ("instance",), meta, _AT + "meta"),
    Operation("meta-add", ("instance",), _changing(added), _AT + "meta-add", writes=True),
    Operation("meta-delete", ("instance",), _changing(removed), _AT + "meta-delete", writes=True),
)
