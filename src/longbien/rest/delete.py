"""DELETE [base]/[type]/[id], DELETE [base]/[type]?[search parameters] - http://hl7.org/fhir/R4/http.html#delete"""

from __future__ import annotations

from collections.abc import Sequence

from longbien.base.errors import Conflict, Gone, Issue, NotFound
from longbien.fhir import json as fhir_json
from longbien.fhir.outcome import outcome
from longbien.record import conditional
from longbien.record.change import Delete, Stored

from . import versions
from .request import Answer, Request

TRIES = 5


def deleted(request: Request, stored: Sequence[Stored]) -> Answer:
    """204, or 200 with an OperationOutcome where the client prefers to be told. What was not there (any more) is deleted all
    the same: the standard wants the same answer each time."""
    only = stored[0] if len(stored) == 1 else None
    headers = versions.headers(only) if only else ()
    if request.prefer.returns != "OperationOutcome":
        return Answer(204, b"", headers, only)
    if only:
        text = f"{only.type}/{only.id} was deleted."
    else:
        text = f"{len(stored)} {stored[0].type} resources were deleted." if stored else "There was nothing to delete."
    return Answer(200, fhir_json.dumps(outcome([Issue("information", "informational", text)])), headers, only)


async def delete(request: Request, type: str, id: str) -> Answer:
    """Without If-Match it does not matter which version goes: one that somebody else has just changed is looked at again."""
    match = versions.if_match(request.header(b"if-match"))
    for attempt in range(TRIES):
        try:
            return deleted(request, await request.store.commit([Delete(type, id, match)]))
        except (NotFound, Gone):
            break
        except Conflict:
            if match is not None or attempt == TRIES - 1:
                raise
    return deleted(request, ())


async def conditional_delete(request: Request, type: str) -> Answer:
    """Deletes all matches at once. None: nothing to do. More than one commit should take: 412, and nothing is deleted."""
    query = request.scope["query_string"].decode("latin-1")
    match = versions.if_match(request.header(b"if-match"))
    return deleted(request, await conditional.delete(request.store, type, query, match))
