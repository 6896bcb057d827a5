"""$validate: would this resource be accepted? - http://hl7.org/fhir/R4/resource-operation-validate.html"""

from __future__ import annotations

from longbien.fhir import json as fhir_json
from longbien.fhir import validate as rules
from longbien.fhir.outcome import outcome

from ..request import Answer, Request
from .operation import At, Operation, given, wrong

MODES = ("create", "update", "delete", "profile")


async def validate(request: Request, at: At) -> Answer:
    asked = await given(request)
    mode = asked.text("mode")
    if mode is not None and mode not in MODES:
        raise wrong("mode", f"must be one of {', '.join(MODES)}.")
    resource = asked.one("resource")
    if resource is None:
        if at.id is None or at.type is None:
            raise wrong("resource", "is missing: the resource to be validated.")
        resource = fhir_json.loads((await request.store.read(at.type, at.id)).body)
    if at.type is not None and isinstance(resource, dict) and resource.get("resourceType") != at.type:
        raise wrong("resource", f"must be of type {at.type}, as the address says.")
    return Answer(200, fhir_json.dumps(outcome(rules.validate(resource, strict=True))))


OPERATIONS = (
    Operation("validate", ("type", "instance", "system"), validate, "http://hl7.org/fhir/OperationDefinition/Resource-validate"),
)
