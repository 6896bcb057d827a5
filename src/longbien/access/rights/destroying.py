"""Records whose term has ended, and the protocol by which they are destroyed: a list, minutes, two persons, and the last step,
which is typed out. docs/why/destruction.md."""

from __future__ import annotations

import hashlib
import json as plain
from collections import defaultdict
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

from longbien.base import clock, paper
from longbien.base.errors import Conflict, Forbidden, Invalid, NotFound
from longbien.base.ids import key64, patient_key
from longbien.base.sql import queries
from longbien.fhir import json
from longbien.record import trail
from longbien.record.scope import Scope
from longbien.record.store import Store

from ..actor import Actor
from ..door import Door
from ..roles import RETENTION
from . import belongings, filing
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

    @property
    def words(self) -> str:
        """What is typed to carry them out: it stands on the printed minutes."""
        return f"{self.number}-{self.hash[:8]}"


ARCHIVED, DESTROYED = "archived", "destroyed"


class NotYet(Conflict):
    """Something stands against it. records: which."""

    def __init__(self, text: str, records: list[Record]):
        super().__init__(text)
        self.records = records


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


async def states(door: Door, encounters: list[str]) -> dict[str, str]:
    """How far these records have come: closed, archived, destroyed; of one that is none of them nothing."""
    by_key = {key64(f"Encounter/{e}"): e for e in encounters}
    rows = await door.engine.db.fetch(Q.gone_states, list(by_key))
    return {by_key[r["encounter"]]: str(r["state"]) for r in rows}


async def carry_out(door: Door, actor: Actor, number: int, words: str, today: date) -> tuple[int, int]:
    """Destroys what the minutes list, record by record, each in a transaction; what went already is passed over, so that a broken
    run is gone on with. Gives (records, bodies). Raises Forbidden, NotFound, Conflict (two persons have not signed), Invalid (the
    words are not those of the minutes), NotYet: a term has not ended, a record is not archived or is restricted, its patient has an
    open request."""
    found = await _one(door, actor, number)
    if not found.complete:
        raise Conflict("Two persons sign before anything is destroyed.")
    if words.strip() != found.words:
        raise Invalid("The words are not those of the minutes.", status=422)
    text = plain.dumps([r._asdict() for r in found.records], sort_keys=True)
    if hashlib.sha256(text.encode()).hexdigest() != found.hash:
        raise Conflict("The list is not the one that was signed.")
    known = await states(door, [r.encounter for r in found.records])
    left = [r for r in found.records if known.get(r.encounter) != DESTROYED]
    await _nothing_against(door, actor, left, known, today)
    scope, bodies = _scope(door, actor, "minutes of a destruction"), 0
    for one in left:
        why = f"destruction {number}: Encounter/{one.encounter}"
        await door.engine.trail.write([trail.line(scope, "operation", n=0, why=f"{why} begins")])
        resources, gone = await belongings.take_away(door.engine, number, one.encounter, one.patient)
        said = f"{why}: {gone} bodies of {resources} resources are gone"
        await door.engine.trail.write([trail.line(scope, "operation", n=resources, why=said)])
        bodies += gone
    return len(left), bodies


async def _nothing_against(door: Door, actor: Actor, left: list[Record], known: dict[str, str], today: date) -> None:
    """Raises NotYet. Looked at for all before the first is touched."""
    held = {r["pat"] for r in await door.engine.db.fetch(Q.gone_restricted, [patient_key(r.patient) for r in left])}
    restricted = [r for r in left if patient_key(r.patient) in held]
    if restricted:
        raise NotYet("The record is restricted at its patient's wish.", restricted)
    ended = {r.encounter for r, _ in await over(door, actor, today)}
    early = [r for r in left if r.encounter not in ended or date.fromisoformat(r.until) >= today]
    if early:
        raise NotYet("The term of a record has not ended.", early)
    waiting = [r for r in left if known.get(r.encounter) != ARCHIVED]
    if waiting:
        raise NotYet("A record is not archived yet.", waiting)
    store = Store(door.engine, _scope(door, actor, "minutes of a destruction"))
    asked = {p: await filing.of_patient(store, p) for p in {r.patient for r in left}}
    disputed = [r for r in left if any(x.open for x in asked[r.patient])]
    if disputed:
        raise NotYet("The patient of a record has an open request.", disputed)


async def printed(door: Door, actor: Actor, number: int, facility: str) -> bytes:
    """The minutes as a PDF to be kept. Names nobody: visits and patients by their ids."""
    found = await _one(door, actor, number)
    today = clock.local(found.made)
    gone = sum(s == DESTROYED for s in (await states(door, [r.encounter for r in found.records])).values())
    return await paper.printed(
        TEMPLATE,
        {
            "facility": facility, "number": str(number), "made": f"{today:%H:%M ngày %d/%m/%Y}", "hash": found.hash,
            "gone": gone, "words": found.words, "names": list(found.names), "rows": [list(r) for r in found.records],
        },
    )  # fmt: skip
