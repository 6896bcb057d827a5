"""A resource out of a request's body, and the answer about one that was written."""

from __future__ import annotations

from typing import Any

from longbien.base.errors import Invalid, Issue
from longbien.fhir import json as fhir_json
from longbien.fhir.outcome import outcome
from longbien.record.change import Stored

from . import body, forms, negotiate, versions
from .request import Answer, Request


async def sent(request: Request, type: str | None = None) -> dict[str, Any]:
    """The resource in the body (of this type, where one is given). Raises Invalid, TooLarge, NotSupported (415)."""
    if request.given is not None:
        resource = request.given
    else:
        negotiate.stated(request.headers.get(b"content-type", b""))  # before a large body is read
        resource = await parsed(request, await raw(request))
    if type is not None and resource.get("resourceType") != type:
        found = resource.get("resourceType")
        raise Invalid(f"The body's resourceType is {str(found)[:60]!r}, but the address says {type}.", code="invalid")
    return resource


async def parsed(request: Request, data: bytes) -> dict[str, Any]:
    """The resource that a body's bytes are, by the Content-Type. Raises Invalid, TooLarge, NotSupported (415)."""
    form = negotiate.stated(request.headers.get(b"content-type", b""))
    if not data.strip():
        raise Invalid("The body is empty; a resource was expected.", code="required")
    return await forms.read(data, form)


async def raw(request: Request, most: int | None = None) -> bytes:
    """The body's bytes, within the limits of the settings (and at most `most`). An entry of a bundle has none of its own."""
    if request.in_bundle:
        return b""
    settings = request.settings
    limit = settings.max_body if most is None else min(most, settings.max_body)
    return await body.read(request.receive, request.headers, limit, settings.body_seconds, request.place)


def written(request: Request, stored: Stored) -> Answer:
    """201 or 200 with what Prefer asks for. http://hl7.org/fhir/R4/http.html#ops"""
    address = f"{request.base_url}/{stored.type}/{stored.id}/_history/{stored.version}"
    headers = (*versions.headers(stored), (b"location", address.encode()))
    status = 201 if stored.created else 200
    returns = request.prefer.returns
    if returns == "minimal":
        return Answer(status, b"", headers, stored)
    if returns == "OperationOutcome":
        return Answer(status, told(stored), headers, stored)
    return Answer(status, stored.body, headers, stored)


def told(stored: Stored) -> bytes:
    """An OperationOutcome that says what was done."""
    verb = "deleted" if stored.deleted else "created" if stored.created else "updated" if stored.changed else "there already"
    text = f"{stored.type}/{stored.id} version {stored.version}: {verb}."
    return fhir_json.dumps(outcome([Issue("information", "informational", text), *stored.notes]))
