"""$validate: would this resource be accepted? - http://hl7.org/fhir/R4/resource-operation-validate.html

mode      what is asked besides
(none)    the content: the standard, the profiles that the resource names, and `profile`
profile   the content by `profile`, which must be given, and the standard
create    also whether a create would be accepted
update    also whether an update would be: of the instance in the address, or of the id in the resource
delete    only whether a delete of the instance would be: no resource is asked for

What a create, update or delete would say is found out by doing it in a transaction that is taken back."""

from __future__ import annotations

from typing import Any

from longbien.base.errors import Conflict, Forbidden, Gone, Invalid, Issue, LongbienError, NotFound, PreconditionFailed
from longbien.fhir import json as fhir_json
from longbien.fhir import profile as profiles
from longbien.fhir import validate as rules
from longbien.fhir.outcome import outcome
from longbien.record.change import Change, Create, Delete, Update
from longbien.record.inside import inside

from ..request import Answer, Request
from .operation import At, Given, Operation, given, wrong

MODES = ("create", "update", "delete", "profile")
ANSWERS = (Invalid, NotFound, Gone, Forbidden, Conflict, PreconditionFailed)
"""What is an answer to the question; the rest (no database, no room) is a failure to answer."""


async def validate(request: Request, at: At) -> Answer:
    asked = await given(request)
    mode, urls = _mode(asked), _profiles(asked)
    if mode == "profile" and not urls:
        raise wrong("profile", "is missing: mode=profile asks by which profile.")
    if mode == "delete":
        return _answer(await _deletable(request, at))
    resource = await _resource(request, at, asked)
    issues = await _content(request, resource, urls)
    if mode in ("create", "update") and not any(i.severity in ("error", "fatal") for i in issues):
        issues += await _dry_run(request, _change(mode, at, resource))
    return _answer(issues)


def _answer(issues: list[Issue]) -> Answer:
    return Answer(200, fhir_json.dumps(outcome(dict.fromkeys(issues))))


def _mode(asked: Given) -> str | None:
    mode = asked.text("mode")
    if mode is not None and mode not in MODES:
        raise wrong("mode", f"must be one of {', '.join(MODES)}.")
    return mode


def _profiles(asked: Given) -> list[str]:
    """R4 has one profile; several, as later versions have it, are each asked."""
    found = asked.all("profile")
    if not all(isinstance(u, str) and u for u in found) or len(found) > 20:
        raise wrong("profile", "must be the canonical address of a profile, 20 at most.")
    return found


async def _resource(request: Request, at: At, asked: Given) -> Any:
    resource = asked.one("resource")
    if resource is None:
        if at.id is None or at.type is None:
            raise wrong("resource", "is missing: the resource to be validated.")
        return fhir_json.loads((await request.store.read(at.type, at.id)).body)
    if not isinstance(resource, dict):
        raise wrong("resource", "must be a resource.")
    if at.type is not None and resource.get("resourceType") != at.type:
        raise wrong("resource", f"must be of type {at.type}, as the address says.")
    return resource


async def _content(request: Request, resource: dict[str, Any], urls: list[str]) -> list[Issue]:
    """By the standard, by the profiles that the resource names and by `urls`."""
    engine = request.store.engine
    library = await engine.profiles.library(engine, engine.db, [resource], urls)
    issues = rules.validate(resource, strict=True, known=lambda url: library.find(url) is not None)
    if resource.get("resourceType") == "StructureDefinition":
        issues += _definition(resource, library)
    unknown = "warn" if engine.profiles.unknown == "ignore" else engine.profiles.unknown
    return issues + profiles.judge(resource, library, also=urls, unknown=unknown)


def _definition(sd: dict[str, Any], library: profiles.Library) -> list[Issue]:
    try:
        profiles.check_definition(sd, library)
    except profiles.Unusable as fault:
        severity = "warning" if fault.missing else "error"
        return [i._replace(severity=severity) for i in fault.issues]  # type: ignore[arg-type]
    return []


def _change(mode: str, at: At, resource: dict[str, Any]) -> Change | list[Issue]:
    """The change that is asked about, or why there can be none."""
    if mode == "create":
        return Create(resource)
    if at.id is not None and resource.get("id") != at.id:
        text = f"The resource's id is {str(resource.get('id'))[:70]!r}, but the address says {at.id!r}."
        return [Issue("error", "invalid", text, f"{at.type}.id")]
    if not resource.get("id"):
        return [Issue("error", "required", "An update needs the resource's id.", f"{resource['resourceType']}.id")]
    return Update(resource)


async def _deletable(request: Request, at: At) -> list[Issue]:
    if at.type is None or at.id is None:
        raise wrong("mode", "delete is asked of an instance: [base]/[type]/[id]/$validate.")
    return await _dry_run(request, Delete(at.type, at.id))


class _TakenBack(Exception):
    pass


async def _dry_run(request: Request, change: Change | list[Issue]) -> list[Issue]:
    """What the store would say: by doing it, and taking it back."""
    if isinstance(change, list):
        return change
    try:
        async with inside(request.store) as within:
            stored = await within.commit([change])
            notes = list(stored[0].notes)
            raise _TakenBack
    except _TakenBack:
        return notes
    except ANSWERS as refusal:
        return _said(refusal)


def _said(refusal: LongbienError) -> list[Issue]:
    return list(refusal.issues) or [Issue("error", refusal.code, refusal.text)]


OPERATIONS = (
    Operation("validate", ("type", "instance", "system"), validate, "http://hl7.org/fhir/OperationDefinition/Resource-validate"),
)
