"""An OpenAPI description of a FHIR server out of its CapabilityStatement: what a server says that it does, in a form that tools for
any API understand, with each type's own search parameters."""

from __future__ import annotations

from typing import Any

FHIR = "application/fhir+json"
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"}}
_VERSION = {"name": "vid", "in": "path", "required": True, "schema": {"type": "string", "pattern": "^[0-9]{1,6}$"}}
_CONTROLS = ("_count", "_sort", "_summary", "_elements", "_total", "_include", "_revinclude", "_format", "_pretty")
_SEARCHED: dict[str, dict[str, Any]] = {
    "number": {"type": "number"},
    "date": {"type": "string", "pattern": "^(eq|ne|ge|le|gt|lt|sa|eb|ap)?[12][0-9]{3}(-[01][0-9](-[0-3][0-9])?)?$"},
    "quantity": {"type": "string", "pattern": r"^(ge|le)?[0-9]{1,5}(\|[a-z:/.]{0,20}\|[a-z]{0,3})?$"},
}
_BODY = {
    "meta": {"type": "object"}, "language": {"type": "string"}, "identifier": {"type": "array", "items": {"type": "object"}},
    "status": {"type": "string"}, "name": {"type": "array", "items": {"type": "object"}}, "code": {"type": "object"},
    "subject": {"type": "object", "properties": {"reference": {"type": "string"}}},
}  # fmt: skip


def openapi(statement: dict[str, Any], types: set[str]) -> dict[str, Any]:
    """OpenAPI 3.0 of these types, and of what concerns the whole system."""
    rest = statement["rest"][0]
    paths: dict[str, Any] = {"/metadata": {"get": _said([_query("mode"), _query("_format")])}, "/": {"post": _sent("Bundle")}}
    for operation in rest.get("operation", []):
        paths[f"/${operation['name']}"] = _called()
    for resource in rest["resource"]:
        if resource["type"] in types:
            paths |= _of_type(resource)
    return {"openapi": "3.0.3", "info": {"title": statement["name"], "version": statement["version"]}, "paths": paths}


def _of_type(resource: dict[str, Any]) -> dict[str, Any]:
    type = resource["type"]
    does = {i["code"] for i in resource["interaction"]}
    searched = [_query(p["name"], _SEARCHED.get(p["type"])) for p in resource.get("searchParam", [])]
    all_ = {"get": _said(searched + [_query(c) for c in _CONTROLS])}
    one = {"get": _said([_ID, _query("_elements"), _query("_summary")])}
    if "create" in does:
        all_["post"] = _sent(type)
    if "update" in does:
        one["put"] = _sent(type, [_ID])
    if "patch" in does:
        one["patch"] = _sent("Parameters", [_ID])
    if "delete" in does:
        one["delete"] = _said([_ID])
    paths: dict[str, Any] = {f"/{type}": all_, f"/{type}/{{id}}": one, f"/{type}/_search": {"post": _form(searched)}}
    if "history-instance" in does:
        paths[f"/{type}/{{id}}/_history"] = {"get": _said([_ID, _query("_count"), _query("_since")])}
    if "history-type" in does:
        paths[f"/{type}/_history"] = {"get": _said([_query("_count"), _query("_since"), _query("_at")])}
    if "vread" in does:
        paths[f"/{type}/{{id}}/_history/{{vid}}"] = {"get": _said([_ID, _VERSION])}
    for operation in resource.get("operation", []):
        paths[f"/{type}/${operation['name']}"] = _called()
        paths[f"/{type}/{{id}}/${operation['name']}"] = _called([_ID])
    return paths


def _query(name: str, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema or {"type": "string"}}


def _said(parameters: list[dict[str, Any]]) -> dict[str, Any]:
    return {"parameters": parameters, "responses": {"default": {"description": "FHIR", "content": {FHIR: {}}}}}


def _sent(type: str, parameters: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    schema = {"type": "object", "required": ["resourceType"], "properties": {"resourceType": {"enum": [type]}, **_BODY}}
    return {**_said(parameters or []), "requestBody": {"content": {FHIR: {"schema": schema}}}}


def _form(searched: list[dict[str, Any]]) -> dict[str, Any]:
    properties = {p["name"]: p["schema"] for p in searched}
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**_said([]), "requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": schema}}}}


def _called(parameters: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"get": _said([*(parameters or []), _query("resource"), _query("mode")]), "post": _sent("Parameters", parameters)}
