"""How every door of the house can be knocked at: what a test needs to call a route, an operation, a job. Only the way of calling
stands here; who may is read from the tables of the house itself. What is new in the house and not here makes test_matrix fail, by
name."""

# ruff: noqa: E501 - what is called stands as it is called
from __future__ import annotations

import asyncio
import re
from typing import Any, NamedTuple

from longbien.rest.operations.operation import Operation

#: What stands in a page's path, by the parameter's name. {id} is the patient's wherever the path begins with /patients.
PATH: dict[str, str] = {
    "bed": "x",
    "location": "sn-tm-pk", "task": "x",
    "carer": "x", "provenance": "x", "appointment": "x",
    "rid": "{id}-condition", "type": "Condition", "form": "note", "tab": "labs", "code:path": "x1", "day": "2026-01-01", "name:path": "app.css",
    "hash": "0", "number": "1", "key": "x", "n": "1", "name": "x", "role": "doctor", "kind": "x", "token": "x", "provider": "x", "what": "x", "secret": "x", "client_id": "x", "consent": "x", "act": "x", "number:int": "1",
    "composition": "{id}-composition",
    "op": "x", "step": "sign-in",
    "visit": "{id}-encounter", "code": "26-AAAA-BBBB-CCCC",
    "questionnaire": "score-news2",
    "invoice": "x", "notice": "0", "delivery": "1", "refund": "0", "file": "0", "receipt": "0", "encounter": "{id}-encounter",
}  # fmt: skip
STREAMS = re.compile(r"/live\Z|/events\Z")
"""Routes whose answer does not end by itself."""
ABOUT_A_PATIENT = re.compile(r"/(?:patients|search)/\{id\}")

#: Routes that are no pages: why each is open to nobody in particular, or what guards it.
NOT_PAGES: dict[str, str] = {
    "/healthz": "open: says that the process runs, and nothing else",
    "/readyz": "open: says that the database answers, and nothing else",
    "/oauth/token": "a client's own credentials, or a code with its verifier (tests/access)",
    "/oauth/introspect": "a client's own credentials",
    "/oauth/revoke": "a client's own credentials",
    "/oauth/register": "registration, as the settings allow it",
    "/oauth/jwks": "open: public keys",
    "/oauth/style.json": "open: colours",
    "/.well-known/openid-configuration": "open: where is what",
    "/api/auth/token/take": "a hospital system's own name and secret, for one facility (tests/billing/test_axis.py)",
    "/api/kcb/xml/qd3176/guiHoSoXml": "a sender's token, and that facility's claims alone; everybody else is refused, with a line",
    "/api/kcb/tra-cuu-trang-thai/{maGiaoDich}": "a sender's token, of what it sent itself",
    "/bank/{bank}/notices": "a bank's own signature over body and time (tests/billing)",
    "/static/{hash}/{name:path}": "open: style sheets, scripts and fonts, the same for everybody",
}
#: Pages that need nobody: the way in.
OPEN_PAGES: dict[str, str] = {
    "/verify": "checks the code on a paper: kind, facility, day, who of the staff signed; nothing of the patient",
    "/verify/{code}": "the same, by the code",
    "/display/{location}": "numbers of a queue on the board over a door: nobody's name, no illness",
    "/": "sends one on",
    "/sign-in": "the way in",
    "/language": "sets a cookie of the browser's own",
    "/sign-in/passkey/ask": "the way in",
    "/sign-in/passkey": "the way in",
    "/sign-in/code": "the way in",
    "/sign-in/badge": "the way in",
    "/sign-in/with/{provider}": "the way in, by a provider",
    "/sign-in/with/{provider}/back": "the same, coming back",
    "/sign-in/with/{provider}/logout": "a provider ends sign-ins with a signed token",
    "/lock": "locks this browser's own session",
    "/unlock": "the way in again",
    "/welcome": "where a code from the hospital's desk is typed",
    "/welcome/{secret}": "an invitation, by its secret",
}

#: rest.routes: each table of handlers, and addresses that lead to it, for a type and an id.
SHAPES: dict[str, tuple[str, ...]] = {
    "SYSTEM": ("",), "TYPE": ("/{type}",), "INSTANCE": ("/{type}/{id}",), "HISTORY": ("/{type}/{id}/_history",), "HISTORY_OF_TYPE": ("/{type}/_history",),
    "HISTORY_OF_ALL": ("/_history",), "SEARCH": ("/{type}/_search", "/_search"), "COMPARTMENT": ("/Patient/{patient}/Observation", "/Patient/{patient}/*"),
    "COMPARTMENT_SEARCH": ("/Patient/{patient}/_search", "/Patient/{patient}/Observation/_search"), "TRAIL": ("/AuditEvent",),
    "TRAIL_SEARCH": ("/AuditEvent/_search",), "TRAIL_LINE": ("/AuditEvent/1",), "VERSION": ("/{type}/{id}/_history/1",), "BINARIES": ("/Binary",),
    "BINARY": ("/Binary/x",), "BINARY_VERSION": ("/Binary/x/_history/1",),
}  # fmt: skip
OPEN_OF_FHIR = {"metadata", "openapi.json", ".well-known/smart-configuration"}


class Way(NamedTuple):
    """query and body: how it is called. needs: types without which it tells nothing at all; None: it tells only what everybody
    signed in may know. own: it works in the name of who asks and gives back what that one made."""

    query: str = ""
    body: dict[str, Any] | None = None
    needs: frozenset[str] | None = None


def _needs(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _given(**values: str) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": [{"name": n, "valueUri": v} for n, v in values.items()]}


_CODE = "system=http://loinc.org&code=4548-4"
#: Every operation by name.
WAYS: dict[str, Way] = {
    "document": Way(needs=_needs("Composition")),
    "import": Way(body=_given(inputFormat="application/fhir+ndjson"), needs=_needs("nobody-but-machines")),
    "import-status": Way("job=none"),
    "import-file": Way("job=none&name=x"),
    "everything": Way(),
    "expand": Way("url=http://hl7.org/fhir/ValueSet/administrative-gender"),
    "export": Way(),
    "export-status": Way("job=none"),
    "export-file": Way("job=none&name=x"),
    "lastn": Way("patient=Patient/{patient}", needs=_needs("Observation")),
    "lookup": Way(_CODE),
    "match": Way(body={"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": {"resourceType": "Patient", "name": [{"family": "x"}]}}]},
                 needs=_needs("Patient")),
    "meta": Way(),
    "meta-add": Way(body={"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [{"system": "x:y", "code": "z"}]}}]}),
    "meta-delete": Way(body={"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": {"tag": [{"system": "x:y", "code": "z"}]}}]}),
    "status": Way(),
    "events": Way(),
    "get-ws-binding-token": Way(),
    "topics": Way(),
    "dead-letters": Way(),
    "replay": Way(body=_given()),
    "discard": Way(body=_given()),
    "subsumes": Way("codeA=a&codeB=b&system=http://loinc.org"),
    "summary": Way(needs=_needs("Patient")),
    "translate": Way("code=a&system=http://loinc.org"),
    "validate": Way(body={"resourceType": "Patient"}),
    "validate-code": Way("url=http://hl7.org/fhir/ValueSet/administrative-gender&code=male&system=http://hl7.org/fhir/administrative-gender"),
}  # fmt: skip

#: Every job of the worker: "house": does the house's own work and reads nothing for anybody; "asker": works in somebody's name, whose
#: right is asked again when it runs (access.later).
JOBS: dict[str, str] = {
    "reaction": "house",
    "axis.take": "house",
    "records.stamp": "house",
    "reception.remind": "house",
    "reception.close": "house",
    "money.reconcile": "house", "money.sweep": "house", "money.settle": "house", "money.poll": "house", "money.einvoice": "house",
    "billing.claims.make": "house", "billing.claims.check-in": "house", "billing.claims.sweep": "house", "billing.claims.send": "house",
    "access.clean": "house", "access.idle": "house", "audit.anomalies": "house", "audit.checkpoint": "house", "rights.copy": "asker", "record.train": "house", "record.reindex": "house", "record.export-clean": "house", "record.export": "asker", "bulk.import": "asker",
}  # fmt: skip


def page_address(path: str, id: str) -> str:
    """A page's path filled in. Raises KeyError naming a parameter that is not known."""
    return re.sub(r"\{([^}]+)\}", lambda m: id if m[1] == "id" else PATH[m[1]].replace("{id}", id), path)


def addresses_of(operation: Operation, type: str, id: str) -> list[str]:
    """Where an operation stands, at every level it has."""
    of = operation.types[0] if operation.types else type
    made = {"system": f"/${operation.name}", "type": f"/{of}/${operation.name}", "instance": f"/{of}/{id}/${operation.name}"}
    return [made[level] for level in operation.levels]


async def ask_socket(
    app: Any, path: str, headers: list[tuple[bytes, bytes]], *said: str, seconds: float = 5
) -> list[dict[str, Any]]:
    """What a websocket at `path` sends: a connection that says `said` once it is let in, and then goes."""
    got: list[dict[str, Any]] = []
    waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    waiting.put_nowait({"type": "websocket.connect"})

    async def send(message: dict[str, Any]) -> None:
        got.append(message)
        if message["type"] == "websocket.accept":
            for text in said:
                waiting.put_nowait({"type": "websocket.receive", "text": text})
        elif message["type"] == "websocket.send" and len(got) > len(said):
            waiting.put_nowait({"type": "websocket.disconnect", "code": 1000})

    scope = {"type": "websocket", "path": path, "raw_path": path.encode(), "query_string": b"", "scheme": "ws", "client": ("127.0.0.1", 1),
             "headers": [(b"host", b"hanoi.test"), *headers], "subprotocols": [], "asgi": {"version": "3.0"}, "root_path": ""}  # fmt: skip
    async with asyncio.timeout(seconds):
        await app(scope, waiting.get, send)
    return got
