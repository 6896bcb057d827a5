"""_summary and _elements on a resource that is read. http://hl7.org/fhir/R4/search.html#summary"""

from __future__ import annotations

from longbien.base.errors import Invalid
from longbien.record.change import Stored
from longbien.record.page import Entry, Page
from longbien.record.search import subset as search_subset
from longbien.record.search.parse import parse

from .request import Request

_PARTS = ("_summary", "_elements")


def asked(request: Request) -> bool:
    """Whether the request may want less than the whole resource."""
    query = request.scope["query_string"]
    return bool(query) and (b"_summary" in query or b"_elements" in query)


def subset(request: Request, stored: Stored) -> bytes:
    """What is left of the resource; as in a search. Raises Invalid for a value that has no meaning here."""
    wanted = [(k, v) for k, v in request.params if k in _PARTS]
    query = parse(stored.type, wanted, "strict")
    if query.summary == "count":
        raise Invalid("_summary=count has a meaning only for a search.", code="value")
    whole = Entry(stored.type, stored.id, stored.version, stored.updated, stored.body, "match", stored.pat, stored.rid)
    page = Page(stored.type, entries=[whole])
    search_subset.apply(page, query)
    return page.entries[0].body
