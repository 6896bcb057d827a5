"""Records whose term has ended, and the protocol by which they would be destroyed: a list, minutes, two persons. The last step
refuses: docs/why/destruction.md says what it needs before anybody may take it."""

from __future__ import annotations

import hashlib
import json as plain
from collections import defaultdict
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from longbien.base import clock, paper
from longbien.base.errors import Conflict, Forbidden, NotFound, NotSupported
from longbien.base.sql import queries
from longbien.fhir import json
from longbien.record import trail
from longbien.record.scope import Scope
from longbien.record.store import Store

from ..actor import Actor
from ..door import Door
from ..roles import RETENTION
from .retention import Kept, kept

Q = queries(__file__, "../sql/rights.sql")
TEMPLATE = Path(__file__).parent / "paper" / "minutes.typ"
MOST = 500
PERSONS = 2


class Record(NamedTuple):
    encounter: str
    patient: str
    kind: str
    ended: str
    until: str


class Minutes(NamedTuple):
    number: int
    made: datetime
    by: int
    name: str
    records: tuple[Record, ...]
    hash: str
    signed: tuple[int, ...]
    names: tuple[str, ...]

    @property
    def complete(self) -> bool:
        return len(self.signed) >= PERSONS


def _scope(door: Door, actor: Actor, reason: str) -> Scope:
    if not actor.may(RETENTION) or actor.organization is None:
        raise Forbidden(f"{actor.name} may not look after how long records are kept.")
    return door.scope(actor, "HOPERAT", reason=reason)


async def over(door: Door, actor: Actor, today: date) -> list[tuple[Record, Kept]]:
    """Visits at the actor's facility whose term has ended, the oldest first. Raises Forbidden."""
    store = Store(door.engine, _scope(door, actor, "records whose term has ended"))
    before = f"{today.year - 2}-01-01"
    page = await store.search(
        "Encounter",
        [
            ("service-provider", f"Organization/{actor.organization}"),
            ("date", f"lt{before}"),
            ("_sort", "date"),
            ("_count", str(MOST)),
        ],
    )
    visits = [json.loads(e.body, strict=False) for e in page.matches]
    conditions: dict[str, list[Any]] = defaultdict(list)
    ids = [str(v["id"]) for v in visits]
    for at in range(0, len(ids), 50):
        some = ",".join(f"Encounter/{i}" for i in ids[at : at + 50])
        for e in (await store.search("Condition", [("encounter", some), ("_count", "1000")])).matches:
            c = json.loads(e.body, strict=False)
            conditions[str((c.get("encounter") or {}).get("reference") or "").rpartition("/")[2]].append(c)
    found = []
    for v in visits:
        one = kept(v, conditions[str(v["id"])])
        if one is not None and one.until is not None and one.over(today):
            patient = str((v.get("subject") or {}).get("reference") or "").rpartition("/")[2]
            found.append((Record(str(v["id"]), patient, one.term.kind, one.ended.isoformat(), one.until.isoformat()), one))
    return found


async def propose(door: Door, actor: Actor, today: date) -> int:
    """Minutes of everything whose term has ended now; the proposer signs them. Gives their number. Raises Forbidden, Conflict."""
    records = [r for r, _ in await over(door, actor, today)]
    if not records:
        raise Conflict("There is no record whose term has ended.")
    text = plain.dumps([r._asdict() for r in records], sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    scope = _scope(door, actor, "minutes of a destruction")
    await door.engine.trail.write([trail.line(scope, "operation", n=len(records), why=f"destruction proposed: {digest}")])
    number: int = await door.engine.db.fetchval(Q.destruction_new, actor.organization, actor.number, text, digest)
    await door.engine.db.execute(Q.destruction_sign, number, actor.number)
    return number


async def minutes(door: Door, actor: Actor) -> list[Minutes]:
    _scope(door, actor, "minutes")
    rows = await door.engine.db.fetch(Q.destructions, actor.organization)
    return [
        Minutes(
            r["number"], r["made"], r["made_by"], r["name"], tuple(Record(**x) for x in plain.loads(r["records"])), r["hash"],
            tuple(r["signed"]), tuple(r["names"]),
        )
        for r in rows
    ]  # fmt: skip


async def _one(door: Door, actor: Actor, number: int) -> Minutes:
    found = next((m for m in await minutes(door, actor) if m.number == number), None)
    if found is None:
        raise NotFound("There are no such minutes.")
    return found


async def sign(door: Door, actor: Actor, number: int) -> None:
    """A second person agrees. Raises Forbidden, NotFound, Conflict (the proposer signs once)."""
    found = await _one(door, actor, number)
    if actor.number in found.signed:
        raise Conflict("You signed these minutes already; the second signature is somebody else's.")
    scope = _scope(door, actor, "minutes of a destruction")
    why = f"destruction {number} signed: {found.hash}"
    await door.engine.trail.write([trail.line(scope, "operation", n=len(found.records), why=why)])
    await door.engine.db.execute(Q.destruction_sign, number, actor.number)


async def carry_out(door: Door, actor: Actor, number: int) -> None:
    """Refuses, always: nothing is destroyed by this version. The attempt is a line of the trail. Raises NotSupported, and what
    comes before it: Forbidden, NotFound, Conflict (two persons have not signed)."""
    found = await _one(door, actor, number)
    if not found.complete:
        raise Conflict("Two persons sign before anything is destroyed.")
    scope = _scope(door, actor, "minutes of a destruction")
    line = trail.line(scope, "operation", outcome=trail.REFUSED, n=len(found.records), why=f"destruction {number} refused")
    await door.engine.trail.write([line])
    raise NotSupported("This version destroys nothing: the records stay as they are.")


async def printed(door: Door, actor: Actor, number: int, facility: str) -> bytes:
    """The minutes as a PDF to be kept. Names nobody: visits and patients by their ids."""
    found = await _one(door, actor, number)
    today = clock.local(found.made)
    return await paper.printed(
        TEMPLATE,
        {
            "facility": facility, "number": str(number), "made": f"{today:%H:%M ngày %d/%m/%Y}", "hash": found.hash,
            "names": list(found.names), "rows": [list(r) for r in found.records],
        },
    )  # fmt: skip
