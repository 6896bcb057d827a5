"""PUT [base]/[type]/[id], PUT [base]/[type]?[search parameters] - http://hl7.org/fhir/R4/http.html#update and #cond-update"""

from __future__ import annotations

from longbien.base.errors import Invalid
from longbien.record import conditional
from longbien.record.change import Update

from . import resource, versions
from .request import Answer, Request


async def update(request: Request, type: str, id: str) -> Answer:
    """Replaces, or creates under the client's id."""
    given = await resource.sent(request, type)
    if given.get("id") != id:
        raise Invalid(f"The body's id is {str(given.get('id'))[:70]!r}, but the address says {id!r}.", code="invalid")
    match = versions.if_match(request.header(b"if-match"))
    change = Update(given, match, only_new=versions.only_new(request.header(b"if-none-match")))
    return resource.written(request, (await request.store.commit([change]))[0])


async def conditional_update(request: Request, type: str) -> Answer:
    """One match: replaced. None: created. Several: 412."""
    given = await resource.sent(request, type)
    match = versions.if_match(request.header(b"if-match"))
    query = request.scope["query_string"].decode("latin-1")
    return resource.written(request, await conditional.update(request.store, given, query, match))
