"""GET [base]/openapi.json: the FHIR face as an OpenAPI 3.1 document. https://spec.openapis.org/oas/v3.1.0

Made from the tables that routing and the CapabilityStatement read. A path for each of 148 types would make thousands, so they are
templated, with the types as an enumeration. Open to all, as the CapabilityStatement is: it tells nothing of the record."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import longbien
from longbien.fhir import definitions
from longbien.fhir import json as fhir_json
from longbien.fhir.compartments import NAMES as COMPARTMENTS

from . import operations, patch
from .capability import MODES, NO_ENDPOINT, NOT_WRITTEN
from .faults import NotAllowed
from .negotiate import PLAIN, Shape
from .operations.operation import Operation
from .request import Answer, of_host
from .settings import RestSettings

FHIR = ("application/fhir+json", "application/fhir+xml")
_OWN = NO_ENDPOINT | NOT_WRITTEN | {"Binary"}
"""Types that are not as the others."""
Json = dict[str, Any]
JSON_TYPE = (b"content-type", b"application/json")


async def openapi(scope: Any, headers: dict[bytes, bytes], settings: RestSettings) -> tuple[Answer, Shape]:
    if scope["method"] not in ("GET", "HEAD"):
        raise NotAllowed("openapi.json can only be read.", "GET, HEAD")
    return Answer(200, _made(settings.base_url.rstrip("/") or of_host(scope, headers)), (JSON_TYPE,)), PLAIN


@lru_cache(16)
def _made(base: str) -> bytes:
    return fhir_json.dumps(document(base))


def document(base: str) -> Json:
    """The document of a server at `base`."""
    info = {
        "title": "Longbien FHIR R4",
        "version": longbien.__version__,
        "summary": "The RESTful API of http://hl7.org/fhir/R4/http.html",
    }
    return {
        "openapi": "3.1.0",
        "info": info,
        "servers": [{"url": base}],
        "security": [{"bearer": []}],
        "paths": {path: _path(path, methods) for path, methods in (_PATHS | _operation_paths()).items()},
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "parameters": _PARAMETERS | {"type": _in_path("type", {"type": "string", "enum": types()})},
            "schemas": _SCHEMAS,
            "responses": _RESPONSES,
        },
    }


def types() -> list[str]:
    """The types whose addresses are all alike: AuditEvent and Binary have paths of their own."""
    return [t for t in definitions.types() if t not in _OWN]


def _ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def _in_path(name: str, schema: Json) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _header(name: str, schema: Json) -> Json:
    return {"name": name, "in": "header", "schema": {"type": "string"} | schema}


def _query(name: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "schema": schema}


_ETAG = {"pattern": r'^W/"\d{1,10}"$', "examples": ['W/"1"']}
_WHEN = {"type": "string", "examples": ["2026-11-24T08:00:00Z"]}
_PARAMETERS: Json = {
    "id": _in_path("id", {"type": "string", "pattern": r"^[A-Za-z0-9\-.]{1,64}$"}),
    "vid": _in_path("vid", {"type": "string", "pattern": r"^[1-9]\d{0,8}$"}),
    "compartment": _in_path("compartment", {"type": "string", "enum": list(COMPARTMENTS)}),
    "member": _in_path("member", {"type": "string", "examples": ["Observation", "*"]}),
    "format": _query("_format", {"type": "string", "enum": ["json", "xml", *FHIR]}),
    "pretty": _query("_pretty", {"type": "boolean"}),
    "count": _query("_count", {"type": "integer", "minimum": 1, "maximum": 1000}),
    "since": _query("_since", _WHEN),
    "at": _query("_at", _WHEN),
    "summary": _query("_summary", {"type": "string", "enum": ["true", "false", "text", "data"]}),
    "elements": _query("_elements", {"type": "string"}),
    "mode": _query("mode", {"type": "string", "enum": list(MODES)}),
    "criteria": {
        "name": "criteria", "in": "query", "style": "form", "explode": True,
        "description": "The type's search parameters: see metadata.",
        "schema": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "prefer": _header("Prefer", {"enum": ["return=minimal", "return=representation", "return=OperationOutcome", "handling=strict",
                                          "handling=lenient"]}),
    "if-match": _header("If-Match", _ETAG),
    "if-none-match": _header("If-None-Match", _ETAG),
    "if-modified-since": _header("If-Modified-Since", {}),
    "if-none-exist": _header("If-None-Exist", {"examples": ["identifier=http://x|1"]}),
    "security-context": _header("X-Security-Context", {"examples": ["Patient/1"]}),
}  # fmt: skip

_OBJECT: Json = {"type": "object", "required": ["resourceType"], "properties": {"resourceType": {"type": "string"}}}


def _schema(name: str, **properties: Json) -> Json:
    return _OBJECT | {"properties": {"resourceType": {"const": name}} | properties}


_SCHEMAS: Json = {
    "Resource": _OBJECT,
    "Bundle": _schema("Bundle", type={"type": "string"}, entry={"type": "array", "items": {"type": "object"}}),
    "Parameters": _schema("Parameters", parameter={"type": "array", "items": {"type": "object"}}),
    "OperationOutcome": _schema("OperationOutcome", issue={"type": "array", "minItems": 1, "items": {"type": "object"}})
    | {"required": ["resourceType", "issue"]},
    "JsonPatch": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["op", "path"],
            "properties": {
                "op": {"enum": ["add", "remove", "replace", "move", "copy", "test"]},
                "path": {"type": "string"},
                "from": {"type": "string"},
                "value": {},
            },
        },
    },
}


def _content(schema: str) -> Json:
    return {FHIR[0]: {"schema": _ref("schemas", schema)}, FHIR[1]: {"schema": {"type": "string"}}}


_RESPONSES: Json = {
    **{name: {"description": name, "content": _content(name)} for name in ("Resource", "Bundle", "OperationOutcome")},
    "NoContent": {"description": "Done; there is nothing to say."},
    "NotModified": {"description": "The client has this version."},
    "Created": {
        "description": "Created.",
        "headers": {name: {"schema": {"type": "string"}} for name in ("Location", "ETag", "Last-Modified")},
        "content": _content("Resource"),
    },
    "Bytes": {"description": "The content in its own type, or the resource.", "content": {"*/*": {}}},
    "Json": {"description": "JSON.", "content": {"application/json": {"schema": {"type": "object"}}}},
}  # fmt: skip
_SHAPE = ("format", "pretty")
_HISTORY = ("count", "since", "at", *_SHAPE)
_WRITES = ("prefer", *_SHAPE)


def _does(summary: str, parameters: tuple[str, ...], body: Json | None = None, **answers: str) -> Json:
    """One operation. answers: s200="Resource"."""
    said = {status[1:]: _ref("responses", name) for status, name in answers.items()}
    faults = {status: _ref("responses", "OperationOutcome") for status in ("4XX", "503", "507")}
    made: Json = {"summary": summary, "parameters": [_ref("parameters", p) for p in parameters], "responses": said | faults}
    return made | ({"requestBody": {"required": True, "content": body}} if body else {})


def _read(summary: str, parameters: tuple[str, ...], answer: str = "Bundle", **more: str) -> Json:
    one = _does(summary, parameters, None, s200=answer, **more)
    return {"get": one, "head": _does(f"{summary}, without a body", parameters, None, s200="NoContent", **more)}


_BODY = _content("Resource")
_PATCH = {"application/json-patch+json": {"schema": _ref("schemas", "JsonPatch")}} | {
    kind: _content("Parameters")[kind] for kind in patch.FORMATS if kind in FHIR
}
_FORM = {"application/x-www-form-urlencoded": {"schema": {"type": "object", "additionalProperties": {"type": "string"}}}}
_SEARCH = ("criteria", "count", "summary", "elements", "prefer", *_SHAPE)
_CONDITIONS = ("if-none-match", "if-modified-since")
_ONE = ("summary", "elements", *_SHAPE)
_RAW = {"application/octet-stream": {"schema": {"type": "string"}}, "text/plain": {"schema": {"type": "string"}}}


def _put(match: tuple[str, ...], body: Json) -> Json:
    return _does("update", (*match, *_WRITES), body, s200="Resource", s201="Created")


def _delete(parameters: tuple[str, ...]) -> Json:
    return _does("delete", (*parameters, *_WRITES), s200="OperationOutcome", s204="NoContent")


_PATHS: dict[str, Json] = {
    "/metadata": {"get": _does("capabilities", ("mode", *_SHAPE), s200="Resource") | {"security": []}},
    "/openapi.json": {"get": _does("this document", (), s200="Json") | {"security": []}},
    "/": _read("search over all types", _SEARCH)
    | {"post": _does("batch or transaction", _WRITES, _content("Bundle"), s200="Bundle")},
    "/_search": {"post": _does("search over all types", ("count", "prefer", *_SHAPE), _FORM, s200="Bundle")},
    "/_history": _read("history of the whole record", _HISTORY),
    "/{type}": _read("search", _SEARCH)
    | {
        "post": _does("create", ("if-none-exist", *_WRITES), _BODY, s200="Resource", s201="Created"),
        "put": _put(("criteria", "if-match"), _BODY),
        "patch": _does("conditional patch", ("criteria", "if-match", *_WRITES), _PATCH, s200="Resource"),
        "delete": _delete(("criteria",)),
    },
    "/{type}/_search": {"post": _does("search", ("count", "prefer", *_SHAPE), _FORM, s200="Bundle")},
    "/{type}/_history": _read("history of a type", _HISTORY),
    "/{type}/{id}": _read("read", (*_ONE, *_CONDITIONS), "Resource", s304="NotModified")
    | {
        "put": _put(("if-match", "if-none-match"), _BODY),
        "patch": _does("patch", ("if-match", *_WRITES), _PATCH, s200="Resource"),
        "delete": _delete(("if-match",)),
    },
    "/{type}/{id}/_history": _read("history of one resource", _HISTORY),
    "/{type}/{id}/_history/{vid}": _read("vread", (*_ONE, *_CONDITIONS), "Resource", s304="NotModified"),
    "/{compartment}/{id}/{member}": _read("search in a compartment", _SEARCH),
    "/{compartment}/{id}/_search": {"post": _does("search in a compartment", ("count", "prefer", *_SHAPE), _FORM, s200="Bundle")},
    "/{compartment}/{id}/{member}/_search": {"post": _does("search in a compartment", ("count", *_SHAPE), _FORM, s200="Bundle")},
    "/AuditEvent": _read("search in the trail", ("criteria", "count", *_SHAPE)),
    "/AuditEvent/_search": {"post": _does("search in the trail", ("count", *_SHAPE), _FORM, s200="Bundle")},
    "/AuditEvent/{id}": _read("read a line of the trail", _SHAPE, "Resource"),
    "/Binary": _read("search", _SEARCH)
    | {"post": _does("create", ("if-none-exist", "security-context", *_WRITES), _BODY | _RAW, s200="Resource", s201="Created"),
       "put": _put(("criteria", "if-match"), _BODY), "delete": _delete(("criteria",))},
    "/Binary/_search": {"post": _does("search", ("count", "prefer", *_SHAPE), _FORM, s200="Bundle")},
    "/Binary/_history": _read("history of a type", _HISTORY),
    "/Binary/{id}": _read("read", (*_ONE, *_CONDITIONS), "Bytes", s304="NotModified")
    | {"put": _put(("if-match", "if-none-match", "security-context"), _BODY | _RAW), "delete": _delete(("if-match",))},
    "/Binary/{id}/_history": _read("history of one resource", _HISTORY),
    "/Binary/{id}/_history/{vid}": _read("vread", (*_ONE, *_CONDITIONS), "Bytes", s304="NotModified"),
}  # fmt: skip


def _operation_paths() -> dict[str, Json]:
    found: dict[str, Json] = {}
    for one in operations.TABLE:
        for level in one.levels:
            for start in _starts(one, level):
                found[f"{start}/${one.name}"] = _called(one)
    return found


def _starts(one: Operation, level: str) -> list[str]:
    if level == "system":
        return [""]
    end = "/{id}" if level == "instance" else ""
    return [f"/{t}{end}" for t in one.types] or ["/{type}" + end]


def _called(one: Operation) -> Json:
    summary = f"${one.name}: {one.definition}"
    made = _read(summary, ("criteria", *_SHAPE), "Resource") | {
        "post": _does(summary, _SHAPE, _BODY, s200="Resource"),
        "delete": _does(summary, ("criteria", *_SHAPE), s200="OperationOutcome", s204="NoContent"),
    }
    return {method: does for method, does in made.items() if method.upper() in one.methods}


def _path(path: str, methods: Json) -> Json:
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    return ({"parameters": [_ref("parameters", n) for n in names]} if names else {}) | methods
