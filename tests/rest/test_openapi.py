"""The OpenAPI document: sound in itself, and the same as what is routed."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import jsonschema_rs

from longbien.rest import operations, routes

METHODS = ("get", "head", "post", "put", "patch", "delete")


async def fetched(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.get("/fhir/openapi.json")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    found: dict[str, Any] = answer.json()
    return found


def each(found: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(p, m, o) for p, methods in found["paths"].items() for m, o in methods.items() if m in METHODS]


async def test_it_is_open_to_all_and_says_where_it_stands(anonymous: httpx.AsyncClient) -> None:
    found = await fetched(anonymous)
    assert found["openapi"] == "3.1.0" and found["servers"] == [{"url": "http://hanoi.test/fhir"}]
    assert (await anonymous.head("/fhir/openapi.json")).content == b""
    assert (await anonymous.post("/fhir/openapi.json", content=b"{}")).status_code in (401, 405)


async def test_every_reference_leads_somewhere_and_nothing_is_unused(anonymous: httpx.AsyncClient) -> None:
    found = await fetched(anonymous)
    pointers = set(re.findall(r'"\$ref": "#/components/(\w+/[\w-]+)"', json.dumps(found)))
    there = {f"{kind}/{name}" for kind, named in found["components"].items() for name in named if kind != "securitySchemes"}
    assert pointers == there
    for schema in found["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema | {"$schema": "https://json-schema.org/draft/2020-12/schema"})


async def test_what_a_path_names_in_braces_is_a_parameter_of_it(anonymous: httpx.AsyncClient) -> None:
    found = await fetched(anonymous)
    for path, methods in found["paths"].items():
        given = [p["$ref"].rpartition("/")[2] for p in methods.get("parameters", ())]
        assert given == re.findall(r"\{(\w+)\}", path)
    for _, _, operation in each(found):
        assert "4XX" in operation["responses"] and operation["summary"]


async def test_every_operation_in_it_is_routed(client: httpx.AsyncClient) -> None:
    found = await fetched(client)
    filled = {"{type}": "Basic", "{id}": "none", "{vid}": "1", "{compartment}": "Encounter", "{member}": "Observation"}
    for path, method, _ in each(found):
        url = path
        for name, value in filled.items():
            url = url.replace(name, value)
        answer = await client.request(method, f"/fhir{url}", content=b"" if method in ("post", "put", "patch") else None)
        assert answer.status_code != 405 and answer.status_code < 500, (method, path, answer.text)
        assert "There is nothing at" not in answer.text and "not supported here" not in answer.text, (method, path)


async def test_every_route_is_in_it(client: httpx.AsyncClient) -> None:
    found = await fetched(client)
    tables: dict[str, dict[str, Any]] = {
        "/": routes.SYSTEM, "/{type}": routes.TYPE, "/{type}/{id}": routes.INSTANCE, "/{type}/{id}/_history": routes.HISTORY,
        "/{type}/_history": routes.HISTORY_OF_TYPE, "/_history": routes.HISTORY_OF_ALL, "/_search": routes.SEARCH,
        "/{type}/_search": routes.SEARCH, "/{type}/{id}/_history/{vid}": routes.VERSION, "/AuditEvent": routes.TRAIL,
        "/AuditEvent/_search": routes.TRAIL_SEARCH, "/AuditEvent/{id}": routes.TRAIL_LINE,
        "/{compartment}/{id}/{member}": routes.COMPARTMENT,
        "/{compartment}/{id}/_search": routes.COMPARTMENT_SEARCH, "/{compartment}/{id}/{member}/_search": routes.COMPARTMENT_SEARCH,
        "/Binary": {m: h for m, h in routes.BINARIES.items() if m != "PATCH"},
        "/Binary/{id}": {m: h for m, h in routes.BINARY.items() if m != "PATCH"},
        "/Binary/{id}/_history/{vid}": routes.BINARY_VERSION,
    }  # fmt: skip
    for path, handlers in tables.items():
        assert {m for m in found["paths"][path] if m in METHODS} == {m.lower() for m in handlers}, path
    named = {p.rpartition("$")[2] for p in found["paths"] if "$" in p}
    assert named == {o.name for o in operations.TABLE}
