"""DELETE [base]/[type]/[id], DELETE [base]/[type]?[search parameters] - http://hl7.org/fhir/R4/http.html#delete"""

from __future__ import annotations

from longbien.base.errors import Gone, Issue, NotFound
from longbien.fhir import json as fhir_json
from longbien.fhir.outcome import outcome
from longbien.record import conditional
from longbien.record.change import Delete, Stored

from . import versions
from .request import Answer, Request


def deleted(request: Request, stored: Stored | None) -> Answer:
    """204, or 200 with an OperationOutcome where the client prefers to be told. What was not there (any more) is deleted all
    the same: the standard wants the same answer each time."""
    headers = versions.headers(stored) if stored else ()
    if request.prefer.returns != "OperationOutcome":
        return Answer(204, b"", headers, stored)
    text = f"{stored.type}/{stored.id} was deleted." if stored else "There was nothing to delete."
    return Answer(200, fhir_json.dumps(outcome([Issue("information", "informational", text)])), headers, stored)


async def delete(request: Request, type: str, id: str) -> Answer:
    match = versions.if_match(request.header(b"if-match"))
    try:
        stored = (await request.store.commit([Delete(type, id, match)]))[0]
    except (NotFound, Gone):
        return deleted(request, None)
    return deleted(request, stored)


async def conditional_delete(request: Request, type: str) -> Answer:
    """Deletes the one match. None: nothing to do. Several: 412."""
    query = request.scope["query_string"].decode("latin-1")
    return deleted(request, await conditional.delete(request.store, type, query))
