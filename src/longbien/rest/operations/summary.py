"""$summary: the International Patient Summary of a patient - http://hl7.org/fhir/uv/ips/OperationDefinition/summary

Made of what the asker may see of the patient: what a scope hides is not in it."""

from __future__ import annotations

from typing import Any

from longbien.base import clock
from longbien.base.errors import TooLarge
from longbien.fhir import json as fhir_json
from longbien.fhir.documents.summary import MEDICATIONS, NAMED, PREGNANCY, Resource, summary
from longbien.record.everything import MOST, Asked
from longbien.record.page import Entry

from ..request import Answer, Request
from .operation import At, Operation, given, wrong

LISTS = ("AllergyIntolerance", "Condition", "DeviceUseStatement", "Immunization", *MEDICATIONS, "Procedure")
LARGEST = 20_000
"""Resources of the lists that are looked through at most."""


async def patient_summary(request: Request, at: At) -> Answer:
    for name, _ in (await given(request)).values:
        if name not in ("profile", "identifier"):
            raise wrong(name, "is not known here.")
    assert at.id is not None
    store = request.store
    person = fhir_json.loads((await store.read("Patient", at.id)).body)
    found = [*await _lists(request, at.id), *await _observations(request, at.id)]
    document = summary(person, found, clock.instant(clock.now()), request.base_url)
    return Answer(200, fhir_json.dumps(document))


async def _lists(request: Request, id_: str) -> list[Resource]:
    """Newest first."""
    types = tuple(t for t in (*LISTS, *NAMED) if request.store.scope.may_search(t))
    found: list[Resource] = []
    after: int | None = -1
    while types and after is not None:
        asked = Asked(types=types, count=MOST, after=after)
        page, after = await request.store.everything("Patient", id_, asked, request.base_url, [("_type", ",".join(types))])
        found += _bodies(page.entries)
        if len(found) > LARGEST:
            raise TooLarge(f"Patient/{id_} has more than {LARGEST:,} conditions, medications and the like: no summary can be made.")
    return found[::-1]


async def _observations(request: Request, id_: str) -> list[Resource]:
    """The newest of each."""
    if not request.store.scope.may_search("Observation"):
        return []
    codes = ",".join(f"http://loinc.org|{c}" for c in sorted(PREGNANCY))
    found: list[Resource] = []
    for more in (("category", "laboratory,vital-signs"), ("code", codes)):
        page = await request.store.lastn([("patient", id_), more], 1, "strict", request.base_url)
        found += _bodies(page.matches)
    return list({r["id"]: r for r in found}.values())


def _bodies(entries: list[Entry]) -> list[dict[str, Any]]:
    return [fhir_json.loads(e.body) for e in entries]


OPERATIONS = (
    Operation("summary", ("instance",), patient_summary, "http://hl7.org/fhir/uv/ips/OperationDefinition/summary", ("Patient",)),
)
