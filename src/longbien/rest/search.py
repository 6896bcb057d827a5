"""GET [base]/[type]?..., POST [base]/[type]/_search, over all types, and in a compartment

http://hl7.org/fhir/R4/http.html#search and http://hl7.org/fhir/R4/search.html"""

from __future__ import annotations

import re

from longbien.access import consent
from longbien.base.errors import Invalid, Issue, NotSupported
from longbien.record.everything import WITHHELD
from longbien.record.search.parse import Handling

from . import negotiate, resource
from .request import Answer, Params, Request, parse

MOST = 1 << 20
"""Bytes of parameters: reading them apart takes longer than reading JSON."""
_ABOUT = frozenset({"patient", "patient:Patient", "subject", "subject:Patient"})
_PATIENT = re.compile(r"(?:Patient/)?([A-Za-z0-9.-]{1,64})")
_FORM = b"application/x-www-form-urlencoded"


async def search(request: Request, type: str | None = None) -> Answer:
    return await _page(request, type, request.params)


async def search_by_post(request: Request, type: str | None = None) -> Answer:
    """The parameters may stand in the body (so that they are in no log) and in the address."""
    await take_form(request)
    return await _page(request, type, request.params)


async def take_form(request: Request) -> None:
    """The body's parameters, added to those of the address."""
    form = await _form(request)
    if asked := {k: v for k, v in form if k in ("_format", "_pretty")}:
        request.shape = negotiate.shape(request.headers.get(b"accept", b""), asked.get("_format"), asked.get("_pretty"))
    request.params = [*request.params, *form]


async def search_compartment(request: Request, holder: str, id: str, type: str) -> Answer:
    """GET [compartment]/[id]/[type]?..., with * for every type - http://hl7.org/fhir/R4/compartmentdefinition.html"""
    return await _page(request, None if type == "*" else type, request.params, (holder, id))


async def search_compartment_by_post(request: Request, holder: str, id: str, type: str = "*") -> Answer:
    """POST [compartment]/[id]/[type]/_search, or without the type for every one."""
    await take_form(request)
    return await _page(request, None if type == "*" else type, request.params, (holder, id))


async def _page(request: Request, type: str | None, params: Params, within: tuple[str, str] | None = None) -> Answer:
    handling: Handling = "lenient" if request.prefer.lenient else "strict"
    found = await request.store.search(type, params, handling=handling, base_url=request.base_url, within=within)
    patient = about_one(params, within)
    if patient is not None and await consent.tells(request.store.engine, request.store.scope, patient):
        found.issues.append(Issue("information", "suppressed", WITHHELD))
    return Answer(200, found.bundle())


def about_one(params: Params, within: tuple[str, str] | None = None) -> str | None:
    """The patient that a search is about: of its compartment, or named once by `patient` or `subject`; None for any other."""
    if within is not None:
        return within[1] if within[0] == "Patient" else None
    named = {value for name, value in params if name in _ABOUT}
    if len(named) != 1:
        return None
    found = _PATIENT.fullmatch(named.pop())
    return found[1] if found else None


async def _form(request: Request) -> Params:
    given = request.headers.get(b"content-type", b"")
    data = await resource.raw(request, MOST)
    if not data:
        return []
    if given.partition(b";")[0].strip().lower() != _FORM:
        shown = given[:80].decode("latin-1")
        raise NotSupported(f"A search's body must be {_FORM.decode()}, not {shown!r}.", status=415)
    try:
        return parse(data.decode("ascii"))
    except UnicodeDecodeError:
        raise Invalid("The parameters are not percent-encoded UTF-8.", code="structure") from None
