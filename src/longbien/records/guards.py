"""Asked inside the transaction of every write about a visit: a closed record is only added to, with a reason. And of every
Provenance that closes one: states follow each other, and are never taken back."""

from __future__ import annotations

from typing import Any

from longbien.base.errors import Invalid
from longbien.base.ids import key64
from longbien.base.sql import queries
from longbien.fhir import json
from longbien.record.change import Guarded, Resource
from longbien.record.types import number

from . import states

Q = queries(__file__, "sql/records.sql")
BEFORE = "SELECT v.body FROM ver v WHERE v.rid = $1 AND v.ver = $2"
STATUS = "SELECT v.body FROM head h JOIN ver v ON v.rid = h.rid AND v.ver = h.ver WHERE h.id = $1 AND h.type = $2 AND NOT h.deleted"
LOCK = "SELECT pg_advisory_xact_lock($1)"
SHARE = "SELECT pg_advisory_xact_lock_shared($1)"


def visit_key(id_: str) -> int:
    return key64(f"Encounter/{id_}")


async def state(connection: Any, encounter: str) -> str:
    """closed, archived or destroyed; "" of a visit that is none of them."""
    rows = await connection.fetch(Q.states, visit_key(encounter))
    return str(rows[-1]["state"]) if rows else ""


async def content(engine: Any, scope: Any, change: Guarded, connection: Any) -> Resource | None:
    """Raises Invalid (422). What a resource said before counts too: nothing leaves a closed record by being given another visit.
    The visit is held until the write is done, so that it cannot be closed in between."""
    visits = {states.encounter_of(change.resource)} if change.resource else set()
    if change.version > 1:
        visits.add(states.encounter_of(await _before(engine, change, connection)))
    for visit in sorted(v for v in visits if v):
        await connection.execute(SHARE, visit_key(visit))
        if (now := await state(connection, visit)) and (why := states.refusal(now, change.resource, change.version)):
            raise Invalid(why, code="business-rule", status=422)
    return change.resource


async def provenance(engine: Any, scope: Any, change: Guarded, connection: Any) -> Resource | None:
    """Raises Invalid (422): a step that does not follow, one taken back, one without a reason."""
    before = states.said_state(await _before(engine, change, connection)) if change.version > 1 else ""
    wanted = states.said_state(change.resource) if change.resource else ""
    if before:
        raise Invalid("What closed a record is never changed.", code="business-rule", status=422)
    if not wanted or change.resource is None:
        return change.resource
    if change.version > 1:
        raise Invalid("A record is closed by a Provenance of its own.", code="business-rule", status=422)
    visits = states.visits_of(change.resource)
    if len(visits) != 1:
        raise Invalid("A Provenance closes one visit's record.", code="business-rule", status=422)
    await connection.execute(LOCK, visit_key(visits[0]))
    now = await state(connection, visits[0]) or await _begun(engine, visits[0], connection)
    if not states.may_follow(now, wanted):
        raise Invalid(f"A record that is {now} does not become {wanted}.", code="business-rule", status=422)
    if wanted == states.DESTROYED:
        raise Invalid(
            "A record is destroyed by minutes that two persons have signed, and not by a Provenance.",
            code="business-rule",
            status=422,
        )
    await connection.fetchval(Q.state_add, visit_key(visits[0]), wanted)
    return change.resource


async def _begun(engine: Any, visit: str, connection: Any) -> str:
    row = await connection.fetchrow(STATUS, visit, number("Encounter"))
    if row is None:
        raise Invalid("There is no such visit.", code="not-found", status=422)
    return states.begun(json.loads(await engine.unpack(row["body"]), strict=False))


async def _before(engine: Any, change: Guarded, connection: Any) -> Resource:
    row = await connection.fetchrow(BEFORE, change.rid, change.version - 1)
    if row is None or not row["body"]:
        return {}
    found: Resource = json.loads(await engine.unpack(row["body"]), strict=False)
    return found


GUARDS = {**dict.fromkeys(sorted(states.CONTENT), content), "Provenance": provenance}
