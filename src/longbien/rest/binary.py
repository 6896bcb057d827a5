"""Binary as what it is: GET gives the bytes, POST and PUT take them. http://hl7.org/fhir/R4/binary.html

Unless FHIR is asked for (Accept: application/fhir+json or +xml, _format), the content is given in its own content type, as
something to be saved: it may be anything, so no browser may run it here."""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import Any

from longbien.base.errors import Invalid, Issue, NotSupported
from longbien.fhir import json as fhir_json
from longbien.fhir import references
from longbien.record.change import Stored

from . import resource, versions
from .create import create as create_any
from .request import Answer, Request
from .subset import asked, subset
from .update import update as update_any
from .vread import number_of

_FHIR = frozenset({"application/fhir+json", "application/fhir+xml", "application/json+fhir", "application/xml+fhir"})
_AMBIGUOUS = {
    **dict.fromkeys(("application/json", "text/json"), b'"resourceType"'),
    **dict.fromkeys(("application/xml", "text/xml"), b"http://hl7.org/fhir"),
}  # fmt: skip
_PEEK = 1000
"""Bytes of a body of JSON or XML in which it must show that it is a FHIR Binary, and no content of its own."""
_LARGE = 1 << 20
_HARMLESS = (
    (b"content-disposition", b"attachment"),
    (b"content-security-policy", b"default-src 'none'; sandbox"),
)
_DEFAULT = "application/octet-stream"


async def read(request: Request, type: str, id: str) -> Answer:
    return await _given(request, await request.store.read(type, id))


async def vread(request: Request, type: str, id: str, version: str) -> Answer:
    return await _given(request, await request.store.vread(type, id, number_of(type, id, version)))


async def create(request: Request, type: str) -> Answer:
    await _take(request, None)
    return await create_any(request, type)


async def update(request: Request, type: str, id: str) -> Answer:
    await _take(request, id)
    return await update_any(request, type, id)


async def patch(request: Request, *_: str) -> Answer:
    raise NotSupported("A Binary cannot be patched: send it whole.", status=405)


async def _given(request: Request, stored: Stored) -> Answer:
    if versions.unchanged(request, stored):
        return versions.not_modified(stored)
    headers = versions.headers(stored)
    if request.in_bundle or asked(request) or request.param("_format") is not None:
        return Answer(200, subset(request, stored) if asked(request) else stored.body, headers, stored)
    found = fhir_json.loads(stored.body, strict=False)
    kind = str(found.get("contentType") or _DEFAULT)
    wanted = _wanted(request.headers.get(b"accept", b""), kind.partition(";")[0].strip().lower())
    if wanted is None:
        shown = request.headers.get(b"accept", b"")[:80].decode("latin-1")
        raise NotSupported(f"This Binary can be given as {kind[:80]} or as FHIR, not {shown!r}.", status=406)
    if wanted == "fhir":
        return Answer(200, stored.body, headers, stored)
    data = str(found.get("data") or "")
    content = await asyncio.to_thread(_decoded, data) if len(data) > _LARGE else _decoded(data)
    return Answer(200, content, (*headers, *_HARMLESS, (b"content-type", _header(kind))), stored)


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode("".join(data.split()))
    except (binascii.Error, ValueError):
        raise Invalid("What is stored here is not base64.", code="processing", status=422) from None


def _header(kind: str) -> bytes:
    """A content type as a header: what could not stand in one is not said."""
    safe = kind.isascii() and kind.isprintable()
    return (kind if safe else _DEFAULT).encode()


def _wanted(accept: bytes, kind: str) -> str | None:
    """'fhir', 'native', or None where the client takes neither. The first of its most liked that we can give decides."""
    parts: list[tuple[float, str]] = []
    for part in accept.decode("latin-1").split(",") if accept.strip() else ["*/*"]:
        name, _, more = part.partition(";")
        parts.append((-_quality(more), name.strip().lower()))
    for less, name in sorted(parts, key=lambda p: p[0]):
        if less < 0 and (found := _meaning(name, kind)):
            return found
    return None


def _meaning(name: str, kind: str) -> str | None:
    if name in _FHIR:
        return "fhir"
    if name in (kind, "*/*") or name == kind.partition("/")[0] + "/*":
        return "native"
    return "fhir" if name in _AMBIGUOUS else None


def _quality(parameters: str) -> float:
    for p in parameters.split(";"):
        name, _, value = p.strip().partition("=")
        if name.strip().lower() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 1.0
    return 1.0


async def _take(request: Request, id: str | None) -> None:
    """Puts the resource that the bytes make into the request; leaves one alone that is FHIR already."""
    stated = request.headers.get(b"content-type", b"").decode("latin-1").strip()
    kind = stated.partition(";")[0].strip().lower()
    if request.given is not None or not kind or kind in _FHIR:
        return
    data = await resource.raw(request)
    if kind in _AMBIGUOUS and _AMBIGUOUS[kind] in data[:_PEEK] and b"Binary" in data[:_PEEK]:
        request.given = await resource.parsed(request, data)
        return
    if len(stated) > 200 or not stated.isprintable():
        raise Invalid("The Content-Type is too long, or holds what cannot be printed.", code="value")
    packed = await asyncio.to_thread(base64.b64encode, data) if len(data) > _LARGE else base64.b64encode(data)
    made: dict[str, Any] = {"resourceType": "Binary"} | ({"id": id} if id else {}) | {"contentType": stated}
    if (context := _security_context(request)) is not None:
        made["securityContext"] = {"reference": context}
    request.given = made | ({"data": packed.decode()} if data else {})


def _security_context(request: Request) -> str | None:
    """X-Security-Context: a literal reference to what the content is as secret as. It is kept in securityContext; who may read the
    Binary is decided by the rules for Binary all the same, which are stricter. Raises Invalid."""
    text = request.header(b"x-security-context")
    if text is None:
        return None
    text = text.removeprefix(request.base_url + "/")
    found = references.literal(text)
    if found is None or found[0]:
        said = f"X-Security-Context must be a reference to a resource here such as Patient/123, not {text[:80]!r}."
        raise Invalid(said, issues=[Issue("error", "value", said, "Binary.securityContext")])
    return text
