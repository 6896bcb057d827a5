"""schemathesis, which knows nothing of FHIR, over all that the server says it does: what fits the description, and what does not.

Whatever comes: never a 500, each answer of the type it states, an OperationOutcome with every refusal."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from openapi_of_statement import openapi
from schemathesis import GenerationMode

from longbien.base.errors import LongbienError
from longbien.fhir import json, xml
from real_house import House

EXAMPLES = int(os.environ.get("LONGBIEN_SCHEMA_EXAMPLES", "2"))
"""Requests an address, method and kind (fitting or not); set it for a long run."""
TYPES = set(os.environ.get("LONGBIEN_SCHEMA_TYPES", "Patient,Observation,AuditEvent").split(","))
QUICK = settings(
    max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip
JSON, XML = "application/fhir+json", "application/fhir+xml"


@pytest.fixture(scope="module")
def client(running: House, token: str) -> httpx.Client:
    return httpx.Client(base_url=f"{running.address}/fhir", headers={"Authorization": f"Bearer {token}"}, timeout=30)


def published(client: httpx.Client) -> dict[str, Any]:
    """The server's own OpenAPI document: every address and method, the types templated."""
    described: dict[str, Any] = client.get("/openapi.json").json()
    return described


def of_the_statement(client: httpx.Client) -> dict[str, Any]:
    """One made of its CapabilityStatement: each search parameter and operation of some types."""
    return openapi(client.get("/metadata").json(), TYPES)


def said(answer: httpx.Response) -> str | None:
    """What is wrong with an answer."""
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if answer.status_code >= 500:
        return "a fault of ours"
    if answer.status_code == 405 and "$" not in answer.request.url.path:  # a statement does not say how an operation is called
        return "not allowed, though it is described"
    if not answer.content:
        return None if answer.status_code in (200, 201, 204, 304) or answer.request.method == "HEAD" else "a refusal without a word"
    try:
        if kind not in (JSON, XML):
            return None if answer.status_code == 200 else f"refused as {kind}"
        body = json.loads(answer.content) if kind == JSON else xml.loads(answer.content)
    except LongbienError as why:
        return f"not {kind}: {why.text}"
    if answer.status_code >= 400 and (body.get("resourceType") != "OperationOutcome" or not body["issue"][0]["details"]["text"]):
        return "a refusal without an OperationOutcome"
    return None if isinstance(body.get("resourceType"), str) else "no resource"


@pytest.mark.parametrize("description", [published, of_the_statement])
def test_whatever_is_asked_the_answer_is_one(client: httpx.Client, description: Callable[[httpx.Client], dict[str, Any]]) -> None:
    schema = schemathesis.openapi.from_dict(description(client))
    wrong: list[str] = []
    statuses: Counter[int] = Counter()
    asked: Counter[str] = Counter()

    def ask(case: Any) -> None:
        sent = case.as_transport_kwargs(base_url=str(client.base_url).rstrip("/"))
        parts = {k: sent[k] for k in ("params", "cookies") if sent.get(k)}
        headers = {k: v for k, v in dict(sent.get("headers") or {}).items() if v is not None and k.lower() != "authorization"}
        body = {k: sent[k] for k in ("json", "data", "content") if sent.get(k) is not None}
        if isinstance(body.get("data"), bytes | str):
            body = {"content": body["data"]}
        try:
            answer = client.request(sent["method"], sent["url"], headers=headers, **parts, **body)
        except (UnicodeEncodeError, httpx.InvalidURL, httpx.LocalProtocolError, TypeError):
            return  # nothing that an HTTP client would send
        statuses[answer.status_code] += 1
        asked[f"{case.operation.method.upper()} {case.operation.path}"] += 1
        if (fault := said(answer)) is not None:
            wrong.append(f"{fault}: {answer.status_code} {answer.request.method} {answer.request.url} {body}: {answer.text[:200]}")

    for result in schema.get_all_operations():
        operation = result.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            try:
                strategy = operation.as_strategy(generation_mode=mode)
                QUICK(given(strategy)(ask))()
            except (schemathesis.errors.SchemathesisError, Unsatisfiable):
                continue  # nothing can be made that does not fit
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(sorted(wrong)[:20])
    assert len(asked) > 30 and statuses[200] and statuses[400] and statuses[404], (len(asked), statuses)
    print(f"\n  {sum(statuses.values())} requests to {len(asked)} operations: {dict(statuses)}")
