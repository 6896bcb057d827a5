"""GET [base]/[type]/[id]/_history/[vid] - http://hl7.org/fhir/R4/http.html#vread"""

from __future__ import annotations

from longbien.base.errors import NotFound
from longbien.record.store import NEWEST

from . import versions
from .request import Answer, Request
from .subset import asked, subset


def number_of(type: str, id: str, version: str) -> int:
    """A version as a number. Raises NotFound for one that no resource here can have."""
    if not (version.isascii() and version.isdigit()) or len(version) > 12 or not 0 < int(version) <= NEWEST:
        raise NotFound(f"{type}/{id} has no version {version[:40]!r}.")
    return int(version)


async def vread(request: Request, type: str, id: str, version: str) -> Answer:
    stored = await request.store.vread(type, id, number_of(type, id, version))
    if versions.unchanged(request, stored):
        return versions.not_modified(stored)
    body = subset(request, stored) if asked(request) else stored.body
    return Answer(200, body, versions.headers(stored), stored)
