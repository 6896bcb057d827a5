"""$document: a Composition and what it refers to as one document - http://hl7.org/fhir/R4/composition-operation-document.html"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from longbien.base import clock, ids
from longbien.base.errors import Gone, Invalid, NotFound, TooLarge
from longbien.fhir import json as fhir_json
from longbien.fhir.references import each, literal
from longbien.record.change import Create
from longbien.record.types import number

from ..faults import NotAllowed
from ..request import Answer, Request
from .operation import At, Operation, given

MOST = 1000


async def document(request: Request, at: At) -> Answer:
    assert at.id is not None
    asked = await given(request)
    persist = asked.flag("persist")
    if persist and request.method != "POST":
        raise NotAllowed("A document that shall be kept is asked for by POST.", "POST")
    composition = fhir_json.loads((await request.store.read("Composition", at.id)).body)
    entries = [_entry(request, composition)]
    for type_, id_ in _wanted(composition):
        try:
            stored = await request.store.read(type_, id_)
        except (NotFound, Gone):
            raise Invalid(
                f"Composition/{at.id} refers to {type_}/{id_}, which is not known (any more): no document.",
                code="not-found",
                status=422,
            ) from None
        entries.append(_entry(request, fhir_json.loads(stored.body)))
    made: dict[str, Any] = {
        "resourceType": "Bundle", "id": ids.new_id(), "type": "document", "timestamp": clock.instant(clock.now()),
        "identifier": composition.get("identifier") or {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{ids.new_id()}"},
        "entry": entries,
    }  # fmt: skip
    if persist:
        (stored,) = await request.store.commit([Create({k: v for k, v in made.items() if k != "id"})])
        return Answer(200, stored.body, ((b"location", f"{request.base_url}/Bundle/{stored.id}".encode()),))
    return Answer(200, fhir_json.dumps(made))


def _wanted(composition: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """What the Composition itself refers to, once each. Raises TooLarge."""
    seen: dict[tuple[str, str], None] = {}
    for _, _, text, _ in each(composition):
        found = literal(text)
        if found and not found[0] and number(found[1]):
            seen.setdefault((found[1], found[2]))
    seen.pop(("Composition", str(composition["id"])), None)
    if len(seen) > MOST:
        raise TooLarge(f"The Composition refers to more than {MOST:,} resources.")
    yield from seen


def _entry(request: Request, resource: dict[str, Any]) -> dict[str, Any]:
    return {"fullUrl": f"{request.base_url}/{resource['resourceType']}/{resource['id']}", "resource": resource}


_AT = "http://hl7.org/fhir/OperationDefinition/Composition-document"
OPERATIONS = (Operation("document", ("instance",), document, _AT, ("Composition",)),)
