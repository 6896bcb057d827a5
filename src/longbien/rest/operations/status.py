"""$status of a SearchParameter: can it be searched by, and how far has the indexing of what was there before come? An operation
of this house's own (the standard has none): GET [base]/SearchParameter/[id]/$status gives Parameters

    state     unused (not active, or R4's own is used), incomplete, or complete
    type *    a type that it is for, with parts: name, state, done, total (resources)"""

from __future__ import annotations

from typing import Any

from longbien.fhir import json as fhir_json
from longbien.fhir.systems import BASE
from longbien.record import parameters, reindex
from longbien.record.search import registry

from ..request import Answer, Request
from .operation import At, Operation


async def status(request: Request, at: At) -> Answer:
    assert at.id is not None
    await request.store.read("SearchParameter", at.id)
    engine = request.store.engine
    await parameters.fresh(engine.db)
    owns = [o for type_ in registry.current.by_type for o in registry.current.of(type_) if o.id == at.id]
    passes = {p.type: p for p in await reindex.progress(engine, [o.type for o in owns])}
    state = "unused" if not owns else "complete" if all(o.ready for o in owns) else "incomplete"
    found: list[dict[str, Any]] = [{"name": "state", "valueCode": state}]
    for own in owns:
        p = passes.get(own.type)
        parts: list[dict[str, Any]] = [
            {"name": "name", "valueCode": own.type},
            {"name": "state", "valueCode": "complete" if own.ready else "incomplete"},
        ]
        if p is not None:
            parts += [{"name": "done", "valueUnsignedInt": p.done}, {"name": "total", "valueUnsignedInt": max(p.total, p.done)}]
        found.append({"name": "type", "part": parts})
    return Answer(200, fhir_json.dumps({"resourceType": "Parameters", "parameter": found}))


OPERATIONS = (
    Operation("status", ("instance",), status, f"{BASE}/OperationDefinition/SearchParameter-status", ("SearchParameter",)),
)
