"""POST [base]/[type], conditional with If-None-Exist - http://hl7.org/fhir/R4/http.html#create"""

from __future__ import annotations

from longbien.base.errors import Invalid
from longbien.record import conditional
from longbien.record.change import Create

from . import resource
from .request import Answer, Request


async def create(request: Request, type: str) -> Answer:
    """The id is the server's: one in the body is ignored, as the standard says."""
    given = await resource.sent(request, type)
    if asked := [name for name, _ in request.params if not name.startswith("_")]:
        # Some clients mean a condition by this; to ignore it would make a second resource where they wanted none.
        raise Invalid(f"A create takes no parameter {asked[0][:60]!r}: send a condition as If-None-Exist.", code="not-supported")
    condition = request.header(b"if-none-exist")
    if condition is not None:
        stored = await conditional.create(request.store, given, condition.partition("?")[2] or condition)
    else:
        stored = (await request.store.commit([Create(given)]))[0]
    return resource.written(request, stored)
