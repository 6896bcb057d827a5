"""$export: the record in bulk, as NDJSON files made in the background - https://hl7.org/fhir/uv/bulkdata/STU2/export.html

    [base]/$export   [base]/Patient/$export   [base]/Group/[id]/$export      202, Content-Location: where its state is asked for
    [base]/$export-status?_id=...     202 with X-Progress, or 200 with the manifest; DELETE cancels it and takes the files away
    [base]/$export-file?_id=...&_file=N          one file

Only for who may read every record (a machine's token): what a person may see is decided patient by patient. Only who asked for an
export sees it, and what the token may read is asked again at each file."""

from __future__ import annotations

import json
from typing import Any

from longbien.base import clock, keys
from longbien.base.blobs import Blobs
from longbien.base.errors import Forbidden, Invalid, NotFound, NotSupported
from longbien.base.ids import FHIR_ID
from longbien.base.place import Place
from longbien.fhir import definitions
from longbien.fhir import json as fhir_json
from longbien.fhir.references import literal
from longbien.record import export
from longbien.record.export import MOST_PATIENTS, Asked
from longbien.record.store import Store

from ..history import moment
from ..request import Answer, Request
from .operation import At, Given, Operation, given, wrong

NDJSON = b"application/fhir+ndjson"
_FORMATS = ("application/fhir+ndjson", "application/ndjson", "ndjson")
_KNOWN = ("_outputFormat", "_since", "_type", "_typeFilter", "patient")
RETRY_AFTER = 2


def folder() -> Blobs:
    """Where the files of exports lie: below the data folder, which the web and worker processes of one machine share."""
    data = Place.read().folder
    return Blobs(data / "blobs" / "export", ring=keys.ring(data))


def _allowed(store: Store) -> None:
    if not store.scope.unlimited:
        raise Forbidden("Bulk export is for machines that may read every record.")


async def kick_off(request: Request, at: At) -> Answer:
    _allowed(request.store)
    if "respond-async" not in request.headers.get(b"prefer", b"").decode("latin-1"):
        raise Invalid("An export is made in the background: send the header 'Prefer: respond-async'.", code="required")
    asked = await _asked(request, at, await given(request))
    id_ = await export.begin(request.store.engine, request.store.scope, asked)
    place = f"{request.base_url}/$export-status?_id={id_}"
    return Answer(202, b"", ((b"content-location", place.encode()),))


async def _asked(request: Request, at: At, found: Given) -> Asked:
    for name, _ in found.values:
        if name not in _KNOWN:
            raise NotSupported(f"An export has no parameter {name[:60]!r} here. Known: {', '.join(_KNOWN)}.")
    form = found.text("_outputFormat")
    if form is not None and form.replace(" ", "+") not in _FORMATS:
        raise wrong("_outputFormat", f"must be application/fhir+ndjson, not {form[:60]!r}.")
    types = tuple(dict.fromkeys(t.strip() for v in found.all("_type") for t in str(v).split(",") if t.strip()))
    for t in types:
        if not definitions.is_type(t):
            raise wrong("_type", f"{t[:60]!r} is not a resource type.")
        if not request.store.scope.may_search(t):
            raise Forbidden(f"{request.store.scope.label} may not read {t}.")
    since = found.text("_since")
    level = "group" if at.type == "Group" else "patient" if at.type == "Patient" else "system"
    patients = await _members(request.store, str(at.id)) if level == "group" else None
    chosen = _chosen(found, level)
    if chosen is not None:
        members = None if patients is None else set(patients)
        patients = tuple(p for p in chosen if members is None or p in members)
    return Asked(
        level, f"{request.base_url}/{_place(at)}", types, moment("_since", since.replace(" ", "+")).isoformat() if since else None,
        patients, tuple(_filters(found, types)),
    )  # fmt: skip


def _place(at: At) -> str:
    return "/".join(p for p in (at.type, at.id, "$export") if p)


def _filters(found: Given, types: tuple[str, ...]) -> list[tuple[str, str]]:
    filters = []
    for text in (f for v in found.all("_typeFilter") for f in str(v).split(",") if f):
        type_, _, search = text.partition("?")
        if not definitions.is_type(type_) or not search or (types and type_ not in types):
            raise wrong("_typeFilter", f"must be a search such as Observation?status=final of a type in _type, not {text[:80]!r}.")
        filters.append((type_, search))
    return filters


def _chosen(found: Given, level: str) -> tuple[str, ...] | None:
    """The patients named in the parameter `patient`, by id."""
    chosen = []
    for value in found.all("patient"):
        text = value.get("reference") if isinstance(value, dict) else value
        at = literal(text) if isinstance(text, str) else None
        if level == "system" or at is None or at[0] or at[1] != "Patient":
            raise wrong("patient", "must be a reference such as Patient/1, of an export of patients.")
        chosen.append(at[2])
    if len(chosen) > MOST_PATIENTS:
        raise wrong("patient", f"may be given {MOST_PATIENTS:,} times.")
    return tuple(chosen) or None


async def _members(store: Store, id_: str) -> tuple[str, ...]:
    group = fhir_json.loads((await store.read("Group", id_)).body)
    found = []
    for member in group.get("member", ()):
        text = member.get("entity", {}).get("reference") if not member.get("inactive") else None
        at = literal(text) if isinstance(text, str) else None
        if at and not at[0] and at[1] == "Patient":
            found.append(at[2])
    if len(found) > MOST_PATIENTS:
        raise NotSupported(f"Group/{id_} has more than {MOST_PATIENTS:,} patients: export them all, or in smaller groups.")
    return tuple(found)


def _id(found: Given) -> str:
    id_ = found.text("_id")
    if id_ is None or not FHIR_ID.match(id_):
        raise wrong("_id", "is missing: which export?")
    return id_


async def status(request: Request, at: At) -> Answer:
    _allowed(request.store)
    id_ = _id(await given(request))
    engine, scope = request.store.engine, request.store.scope
    if request.method == "DELETE":
        await export.cancel(engine, scope, id_)
        return Answer(202)
    row = await export.look(engine, scope, id_)
    if row["state"] == "failed":
        raise Invalid(f"The export failed: {row['error']}", code="processing", status=422)
    if row["state"] != "done":
        part = 100 * row["after"] // max(row["top"] or 0, 1)
        progress = f"{part} %, {row['done']:,} resources" if row["top"] is not None else "waiting for its turn"
        return Answer(202, b"", ((b"x-progress", progress.encode()), (b"retry-after", b"%d" % RETRY_AFTER)))
    expires = row["expires"].strftime("%a, %d %b %Y %H:%M:%S GMT").encode()
    headers = ((b"expires", expires), (b"content-type", b"application/json"))
    return Answer(200, json.dumps(_manifest(request, id_, row)).encode(), headers)


def _manifest(request: Request, id_: str, row: Any) -> dict[str, Any]:
    def listed(kind: str) -> list[dict[str, Any]]:
        return [
            {"type": f["type"], "url": f"{request.base_url}/$export-file?_id={id_}&_file={n}", "count": f["count"]}
            for n, f in enumerate(json.loads(row["files"]))
            if f["kind"] == kind
        ]

    manifest = {
        "transactionTime": clock.instant(row["cut"]),
        "request": export.asked_of(row).request,
        "requiresAccessToken": True,
        "output": listed("output"),
        "error": [],
    }
    return manifest | ({"deleted": deleted} if (deleted := listed("deleted")) else {})


async def file(request: Request, at: At) -> Answer:
    _allowed(request.store)
    found = await given(request)
    row = await export.look(request.store.engine, request.store.scope, _id(found))
    n, files = found.whole("_file"), json.loads(row["files"])
    if row["state"] != "done" or n is None or n >= len(files):
        raise NotFound("This export has no such file.")
    one = files[n]
    if one["kind"] == "output" and not request.store.scope.may_search(one["type"]):
        raise Forbidden(f"{request.store.scope.label} may not read {one['type']}.")
    await export.fetched(request.store.engine, request.store.scope, row["id"], n, one)
    blobs = folder()
    size = await blobs.size(one["digest"])
    return Answer(200, b"", ((b"content-type", NDJSON),), stream=blobs.read(one["digest"]), size=size)


_STU2 = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/"
OPERATIONS = (
    Operation("export", ("system",), kick_off, _STU2 + "export"),
    Operation("export", ("type",), kick_off, _STU2 + "patient-export", ("Patient",)),
    Operation("export", ("instance",), kick_off, _STU2 + "group-export", ("Group",)),
    Operation("export-status", ("system",), status, _STU2 + "export", verbs=("GET", "HEAD", "DELETE"), listed=False),
    Operation("export-file", ("system",), file, _STU2 + "export", verbs=("GET", "HEAD"), listed=False),
)
