"""PATCH [base]/[type]/[id], PATCH [base]/[type]?[search parameters] - http://hl7.org/fhir/R4/http.html#patch

JSON Patch (application/json-patch+json) and FHIRPath Patch (a Parameters resource). XML Patch is not taken."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from longbien.base.errors import Invalid, Issue, NotSupported
from longbien.fhir import json as fhir_json
from longbien.fhir.patch import PatchError, fhirpath_patch, json_patch, settled
from longbien.record import patch as record_patch
from longbien.record.patch import Patch

from . import resource, versions
from .request import Answer, Request

JSON_PATCH = "application/json-patch+json"
FORMATS = (JSON_PATCH, "application/fhir+json", "application/fhir+xml")
"""What a patch may be sent as, for the CapabilityStatement."""
_OTHERS = ("application/xml-patch+xml", "application/merge-patch+json")


async def patch(request: Request, type: str, id: str) -> Answer:
    match = versions.if_match(request.header(b"if-match"))
    change = await sent(request)
    return resource.written(request, await record_patch.patch(request.store, type, id, change, match))


async def conditional_patch(request: Request, type: str) -> Answer:
    """One match: patched. None: 404. Several: 412."""
    match = versions.if_match(request.header(b"if-match"))
    change = await sent(request)
    query = request.scope["query_string"].decode("latin-1")
    return resource.written(request, await record_patch.conditional_patch(request.store, type, query, change, match))


async def sent(request: Request) -> Patch:
    """The patch in the body, or in a bundle's entry. Raises Invalid, NotSupported (415)."""
    if request.given is not None:
        return of_entry(request.given, "Bundle.entry.resource")
    kind = request.headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")
    if kind == JSON_PATCH:
        return _json_patch(await resource.raw(request))
    if kind in _OTHERS:
        raise NotSupported(f"A patch must be {JSON_PATCH} or a Parameters resource (FHIRPath Patch), not {kind}.", status=415)
    return _fhirpath_patch(await resource.sent(request, "Parameters"))


def of_entry(given: dict[str, Any], where: str) -> Patch:
    """The patch in a batch's or transaction's entry: Parameters, or a Binary that holds a JSON Patch. `where`: its place, which
    every fault names. Raises Invalid."""
    with _At(where):
        change = _of_resource(given, where)

    def placed(found: dict[str, Any]) -> dict[str, Any]:
        with _At(where):
            return change(found)

    return placed


class _At:
    """Puts the entry's place before what a patch says of itself."""

    def __init__(self, where: str):
        self.where = where

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, PatchError):
            rest = (
                i.expression.removeprefix("Parameters.") if i.expression.startswith("Parameters.") else "" for i in error.issues
            )
            error.issues = tuple(
                i._replace(expression=f"{self.where}.{r}" if r else self.where) for i, r in zip(error.issues, rest, strict=True)
            )


def _of_resource(given: dict[str, Any], where: str) -> Patch:
    type = given.get("resourceType")
    if type == "Parameters":
        return _fhirpath_patch(given)
    if type != "Binary":
        raise _wrong(f"A patch must be Parameters, or a Binary with {JSON_PATCH}, not {str(type)[:60]!r}.", where)
    kind = str(given.get("contentType")).partition(";")[0].strip().lower()
    if kind != JSON_PATCH:
        raise _wrong(f"A Binary with a patch must be {JSON_PATCH}, not {kind[:60]!r}.", f"{where}.contentType")
    data = given.get("data")
    try:
        return _json_patch(base64.b64decode("".join(data.split()) if isinstance(data, str) else b"", validate=True))
    except (binascii.Error, ValueError):
        raise _wrong("The Binary's data is not base64.", f"{where}.data") from None


def _wrong(text: str, where: str) -> Invalid:
    return Invalid(text, issues=[Issue("error", "value", text, where)])


def _json_patch(data: bytes) -> Patch:
    if not data.strip():
        raise Invalid("The body is empty; a patch was expected.", code="required")
    operations = fhir_json.parse(data)
    return lambda found: settled(found, json_patch.apply(found, operations))


def _fhirpath_patch(given: dict[str, Any]) -> Patch:
    fhirpath_patch.operations(given)
    return lambda found: settled(found, fhirpath_patch.apply(found, given))
