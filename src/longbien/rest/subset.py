"""_summary and _elements on a resource that is read. http://hl7.org/fhir/R4/search.html#summary"""

from __future__ import annotations

from longbien.base.errors import NotSupported

from .request import Request


def asked(request: Request) -> bool:
    """Whether the request wants less than the whole resource."""
    query = request.scope["query_string"]
    return bool(query) and (b"_summary" in query or b"_elements" in query)


def subset(request: Request, body: bytes) -> bytes:
    raise NotSupported("_summary and _elements are not supported on a read.")
