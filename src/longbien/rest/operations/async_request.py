"""Requests that are answered later - http://hl7.org/fhir/R4/async.html

return await kick_off(request, "import", {...})        # 202 and where to ask; the worker's job "bulk.import" does it

GET [base]/$async/[id]             202 and X-Progress while it runs, then 200 with the manifest, or what went wrong
DELETE [base]/$async/[id]          stops it, or forgets it
GET [base]/$async/[id]/[file]      a file that the manifest names"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from longbien.base import background
from longbien.base.background import Asked
from longbien.base.errors import Gone, Issue, LongbienError, NotFound
from longbien.base.ids import FHIR_ID
from longbien.fhir import json as fhir_json
from longbien.fhir.outcome import outcome
from longbien.record import trail

from .. import faults
from ..request import Answer, Request
from .operation import At, given

WAIT = b"2"
"""Seconds that a client should let pass between two questions."""
_FILE = re.compile(r"[A-Za-z0-9-]{1,80}\.ndjson\Z")
NDJSON = (b"content-type", b"application/fhir+ndjson")


async def kick_off(request: Request, kind: str, asked: Mapping[str, Any], id: str | None = None) -> Answer:
    """Put it in line, with a line in the trail. Gives 202 with Content-Location."""
    scope = request.store.scope
    url = f"{request.base_url}/${kind}"
    whole = {**asked, "base": request.base_url}
    made = await background.ask(request.store.engine.db, kind, account=scope.actor, token=scope.token, url=url, asked=whole, id=id)
    await request.store.engine.trail.write([trail.line(scope, "operation", why=f"{scope.reason}: ${kind} {made}")])
    place = f"{request.base_url}/${kind}-status?_id={made}"
    text = f"Accepted. Ask {place} how far it is."
    body = fhir_json.dumps(outcome([Issue("information", "informational", text)]))
    return Answer(202, body, ((b"content-location", place.encode()),))


async def status(request: Request, at: At) -> Answer:
    found = await _own(request)
    if request.method == "DELETE":  # it stops soon; what it has done stays done
        await background.cancel(request.store.engine.db, found.id)
        return Answer(202)
    if not found.over:
        return Answer(202, b"", ((b"x-progress", found.progress.encode("ascii", "replace")[:100]), (b"retry-after", WAIT)))
    if found.state == "cancelled":
        raise Gone("This request was cancelled.")
    if found.state == "failed":
        error = LongbienError(found.error or "It failed.", code="processing")
        return Answer(422, faults.body(error.issues))
    expires = format_datetime(found.finished + background.KEPT, usegmt=True).encode()
    return Answer(200, fhir_json.dumps(found.result), ((b"expires", expires), (b"content-type", b"application/json")))


async def file(request: Request, at: At) -> Answer:
    found = await _own(request)
    name = (await given(request)).text("_file") or ""
    path = background.folder(found.id) / "out" / name
    if not _FILE.match(name) or not await asyncio.to_thread(path.is_file):
        raise NotFound(f"There is no file {name[:100]!r}.")
    scope = request.store.scope
    await request.store.engine.trail.write([trail.line(scope, "export", why=f"{scope.reason}: ${found.kind} {found.id}: {name}")])
    return Answer(200, await asyncio.to_thread(Path.read_bytes, path), (NDJSON,))


async def _own(request: Request) -> Asked:
    """Only who asked is told, and by nothing it shows that somebody else did."""
    id = (await given(request)).text("_id") or ""
    found = await background.one(request.store.engine.db, id) if FHIR_ID.match(id) else None
    if found is None or found.account != request.store.scope.actor:
        raise NotFound(f"There is no request {id[:70]!r}.")
    return found
