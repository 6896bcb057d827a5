"""Nothing new is begun for somebody who has died: no order, no visit, no appointment that lies after the death, whoever writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from longbien.base.errors import Invalid
from longbien.base.ids import key64
from longbien.base.sql import queries
from longbien.base.words import mark
from longbien.fhir import json
from longbien.record.change import Guarded
from longbien.record.types import number
from longbien.web.chart import record as r

Q = queries(__file__, "sql/ward.sql")
DEAD = key64("Patient.deceased=true")
RUNNING = frozenset({"draft", "active", "on-hold", "planned", "arrived", "triaged", "in-progress", "proposed", "pending", "booked"})
SAID = mark("The patient has died. Nothing new can be ordered, booked or begun.")
CODE = "deceased"


def begins(resource: Mapping[str, Any]) -> Any:
    """When an order was given, a visit began, an appointment lies; None where nobody says."""
    return r.moment(resource.get("authoredOn") or r.first(resource, "period", "start") or resource.get("start"))


def patient(resource: Mapping[str, Any]) -> str:
    """Whose it is: the id of the Patient, "" for nobody's."""
    if resource.get("resourceType") == "Appointment":
        actors = (str(r.first(p, "actor", "reference") or "") for p in resource.get("participant") or ())
        return next((a.removeprefix("Patient/") for a in actors if a.startswith("Patient/")), "")
    return r.reference_id(resource.get("subject"))


async def nothing_after_death(engine: Any, scope: Any, change: Guarded, connection: Any) -> dict[str, Any] | None:
    """Guard of what is first written, and runs or lies ahead. What was before the death may still be written down after it."""
    made = change.resource
    if made is None or change.version > 1 or made.get("status") not in RUNNING:
        return made
    row = await connection.fetchrow(Q.died, number("Patient"), patient(made), DEAD)
    if row is None:
        return made
    died = r.moment(json.loads(await engine.unpack(row["body"])).get("deceasedDateTime"))
    at = begins(made)
    if died is not None and (at is None or at > died):
        raise Invalid(SAID, code=CODE)
    return made
