"""$lastn: the newest observations of each code - http://hl7.org/fhir/R4/observation-operation-lastn.html"""

from __future__ import annotations

from longbien.record.lastn import MOST
from longbien.record.search.parse import Handling

from ..request import Answer, Request
from .operation import At, Operation, given, wrong


async def lastn(request: Request, at: At) -> Answer:
    asked = await given(request)
    most = asked.whole("max")
    if most is not None and not 1 <= most <= MOST:
        raise wrong("max", f"must lie between 1 and {MOST}.")
    params = []
    for name, value in asked.values:
        if name == "max":
            continue
        text = value.get("reference") if isinstance(value, dict) else value
        if not isinstance(text, str):
            raise wrong(name, "must be text, as in a search.")
        params.append((name, text))
    handling: Handling = "lenient" if request.prefer.lenient else "strict"
    page = await request.store.lastn(params, most or 1, handling, request.base_url)
    return Answer(200, page.bundle())


OPERATIONS = (Operation("lastn", ("type",), lastn, "http://hl7.org/fhir/OperationDefinition/Observation-lastn", ("Observation",)),)
