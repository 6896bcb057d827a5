"""$import: resources by the file, in the background - https://github.com/smart-on-fhir/bulk-import

POST [base]/$import with NDJSON as its body, or with Parameters (or the proposal's JSON) that name NDJSON files to be fetched from
hosts that this server may call. Answered by 202; async_request.py tells how far it is. What is refused comes back line by line."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import IO, Any

from longbien.base import background, ids
from longbien.base.errors import Forbidden, Invalid, Issue, NotSupported, TooLarge
from longbien.base.outside import Outside, Refused
from longbien.fhir import definitions

from .. import body, resource
from ..request import Answer, Request
from .async_request import file, kick_off, status
from .operation import At, Given, Operation, given, wrong

_NDJSON = ("application/fhir+ndjson", "application/ndjson", "application/x-ndjson", "ndjson")
MOST_INPUTS = 1000


async def bulk_import(request: Request, at: At) -> Answer:
    if not request.store.scope.unlimited:
        raise Forbidden(f"{request.store.scope.label} may not import: that is for machines with a system scope.")
    kind = request.headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    if kind in _NDJSON:
        return await _sent(request)
    inputs = _inputs(await given(request)) if await _is_parameters(request) else _listed(request.given or {})
    outside = Outside()
    for n, one in enumerate(inputs):
        try:
            outside.check(one["url"])
        except Refused as why:
            raise wrong("url", f"of input {n + 1} is refused: {why.text}") from None
    return await kick_off(request, "import", {"inputs": inputs})


async def _is_parameters(request: Request) -> bool:
    """Reads the body once; it then stands in request.given."""
    if request.given is None:
        request.given = await resource.sent(request)
    return request.given.get("resourceType") == "Parameters"


def _inputs(asked: Given) -> list[dict[str, str]]:
    """HAPI's form: inputFormat, input (part type, url)."""
    _format(asked.text("inputFormat"))
    return [_one(dict(parts) if isinstance(parts, list) else None) for parts in _some(asked.all("input"))]


def _listed(given: dict[str, Any]) -> list[dict[str, str]]:
    """The proposal's form: {"inputFormat", "input": [{"type", "url"}]}."""
    _format(given.get("inputFormat"))
    return [_one(one) for one in _some(given.get("input"))]


def _format(text: Any) -> None:
    if text is not None and text not in _NDJSON:
        raise NotSupported(f"inputFormat must be {_NDJSON[0]}, not {str(text)[:60]!r}.")


def _some(listed: Any) -> list[Any]:
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_INPUTS:
        raise wrong("input", f"must name 1 to {MOST_INPUTS} files.")
    return listed


def _one(parts: Any) -> dict[str, str]:
    url, type_ = (parts.get(k) for k in ("url", "type")) if isinstance(parts, dict) else (None, None)
    if not isinstance(url, str) or not url:
        raise wrong("input", "needs a url.")
    if type_ is not None and (not isinstance(type_, str) or not definitions.is_type(type_)):
        raise wrong("input", f"has type {str(type_)[:60]!r}, which is no resource type.")
    return {"url": url, "type": type_ or ""}


async def _sent(request: Request) -> Answer:
    """The body is written to disk as it comes, and imported from there."""
    packed = request.headers.get(b"content-encoding", b"identity").strip().lower()
    if packed not in (b"", b"identity", b"gzip"):
        raise NotSupported("Content-Encoding must be gzip or none.", status=415)
    id = ids.new_id()
    where = background.folder(id)
    await asyncio.to_thread(where.mkdir, 0o700, True, True)
    name = "body.ndjson.gz" if packed == b"gzip" else "body.ndjson"
    with (where / name).open("wb") as out:
        size = await _write(request, out)
    if not size:
        await asyncio.to_thread(_drop, where / name)
        raise Invalid("The body is empty.", issues=[Issue("error", "required", "The body is empty; NDJSON was expected.")])
    return await kick_off(request, "import", {"inputs": [{"file": name, "url": "", "type": ""}]}, id)


async def _write(request: Request, out: IO[bytes]) -> int:
    """Raises TooLarge, Invalid (the body stopped), StorageFull."""
    size = 0
    while True:
        message = await body.next_piece(request.receive)
        if message["type"] == "http.disconnect":
            raise body.Disconnected
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > request.settings.import_bytes:
            raise TooLarge(f"An import may have at most {request.settings.import_bytes:,} bytes at once.")
        request.store.engine.disk.must_have_room()
        if part:
            await asyncio.to_thread(out.write, part)
        if not message.get("more_body"):
            return size


def _drop(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.parent.rmdir()


_OURS = "https://longbien.org/fhir/OperationDefinition/import"
OPERATIONS = (
    Operation("import", ("system",), bulk_import, _OURS, writes=True),
    Operation("import-status", ("system",), status, _OURS, verbs=("GET", "HEAD", "DELETE"), listed=False),
    Operation("import-file", ("system",), file, _OURS, verbs=("GET", "HEAD"), listed=False),
)
