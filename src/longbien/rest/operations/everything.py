"""$everything of a patient, of an encounter, of all patients

http://hl7.org/fhir/R4/patient-operation-everything.html and http://hl7.org/fhir/R4/encounter-operation-everything.html

Always in pages (_count, or 500): a `next` link says that there is more. Each page brings along what its own resources refer to
(search.mode include), so a resource that several pages refer to comes with each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from longbien.base.errors import Forbidden, Invalid
from longbien.fhir import definitions
from longbien.record.everything import COUNT, MOST, Asked
from longbien.record.search.params.dates import span

from ..history import moment
from ..request import Answer, Params, Request
from .operation import At, Given, Operation, given, wrong

AFTER = "_after"
"""Our own parameter in `next` links."""
KNOWN = ("_since", "_type", "_count", "start", "end", AFTER)


async def everything(request: Request, at: At) -> Answer:
    assert at.type is not None
    asked_for = await given(request)
    for name, _ in asked_for.values:
        if name not in KNOWN and not request.prefer.lenient:
            raise wrong(name, f"is not known here. Known: {', '.join(KNOWN[:-1])}.")
    asked = _asked(asked_for)
    if not request.store.scope.may_search(at.type):
        raise Forbidden(f"{request.store.scope.label} may not read {at.type}.")
    params: Params = [(n, _text(v)) for n, v in asked_for.values if n in KNOWN and n != AFTER]
    page, after = await request.store.everything(at.type, at.id, asked, request.base_url, params)
    page.path = "/".join(p for p in (at.type, at.id, "$everything") if p)
    page.self_params = [*params, *([(AFTER, str(asked.after))] if asked.after >= 0 else [])]
    if after is not None:
        page.next_params = [*params, (AFTER, str(after))]
    return Answer(200, page.bundle())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)


def _asked(found: Given) -> Asked:
    types = tuple(t for v in found.all("_type") for t in _text(v).split(",") if t)
    for t in types:
        if not definitions.is_type(t):
            raise wrong("_type", f"{t[:60]!r} is not a resource type.")
    since = found.text("_since")
    count = found.whole("_count")
    if count == 0:
        raise wrong("_count", "must be 1 or more.")
    start, end = _day(found, "start", 0), _day(found, "end", 1)
    if start is not None and end is not None and end <= start:
        raise wrong("end", "lies before start.")
    after = found.text(AFTER)
    if after is not None and not (after.isascii() and after.isdigit() and len(after) < 19):
        raise wrong(AFTER, "is not a page of ours.")
    return Asked(
        types, moment("_since", since.replace(" ", "+")) if since else None, start, end, min(count or COUNT, MOST),
        int(after) if after else -1,
    )  # fmt: skip


def _day(found: Given, name: str, side: int) -> datetime | None:
    text = found.text(name)
    if text is None:
        return None
    try:
        lies = span(text)
    except (Invalid, ValueError):
        lies = None
    if lies is None:
        raise wrong(name, f"must be a date such as 2026-11-23, not {text[:40]!r}.")
    return lies[side]


OPERATIONS = (
    Operation(
        "everything",
        ("instance", "type"),
        everything,
        "http://hl7.org/fhir/OperationDefinition/Patient-everything",
        ("Patient",),
    ),
    Operation(
        "everything", ("instance",), everything, "http://hl7.org/fhir/OperationDefinition/Encounter-everything", ("Encounter",)
    ),
)
