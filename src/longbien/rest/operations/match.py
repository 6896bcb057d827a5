"""$match: is this person here already? - http://hl7.org/fhir/R4/patient-operation-match.html"""

from __future__ import annotations

from typing import Any

from longbien.fhir.validate import validate
from longbien.record import match as matching
from longbien.record.match import MOST, Match

from .. import bundle
from ..request import Answer, Request
from .operation import At, Operation, given, wrong

GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"


async def match(request: Request, at: At) -> Answer:
    asked = await given(request)
    person = asked.one("resource")
    if not isinstance(person, dict) or person.get("resourceType") != "Patient":
        raise wrong("resource", "is missing: the Patient to look for.")
    faults = [i for i in validate(person) if i.severity in ("error", "fatal")]
    if faults:
        raise wrong("resource", f"is no valid Patient: {faults[0].text}")
    if not any(person.get(k) for k in ("identifier", "name", "telecom")):
        raise wrong("resource", "needs an identifier, a name or a telephone to look by.")
    count = asked.whole("count")
    if count == 0:
        raise wrong("count", "must be 1 or more.")
    found = await matching.match(request.store, person, min(count or 10, MOST), asked.flag("onlyCertainMatches"))
    entries = [_entry(request, m) for m in found]
    return Answer(200, bundle.bundle("searchset", [], entries, len(entries)))


def _entry(request: Request, m: Match) -> bytes:
    search: dict[str, Any] = {"extension": [{"url": GRADE, "valueCode": m.grade}], "mode": "match", "score": m.score}
    return bundle.entry({"search": search}, m.entry.body, f"{request.base_url}/Patient/{m.entry.id}")


OPERATIONS = (Operation("match", ("type",), match, "http://hl7.org/fhir/OperationDefinition/Patient-match", ("Patient",)),)
