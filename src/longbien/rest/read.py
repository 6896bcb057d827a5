"""GET [base]/[type]/[id] - http://hl7.org/fhir/R4/http.html#read"""

from __future__ import annotations

from . import versions
from .request import Answer, Request
from .subset import asked, subset


async def read(request: Request, type: str, id: str) -> Answer:
    stored = await request.store.read(type, id)
    headers = request.headers
    if (b"if-none-match" in headers or b"if-modified-since" in headers) and versions.unchanged(request, stored):
        return versions.not_modified(stored)
    body = subset(request, stored) if asked(request) else stored.body
    return Answer(200, body, versions.headers(stored), stored)
