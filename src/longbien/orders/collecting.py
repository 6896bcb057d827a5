"""Taking specimens: which tubes are to be taken at the facility, and that they were taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ..base import clock
from ..base.errors import Conflict
from ..base.ids import key64
from ..base.sql import queries
from ..base.words import Words
from ..fhir import systems as s
from ..record.change import Create
from ..record.store import Store
from ..record.types import number
from ..web.chart.record import moment
from ..web.desk import people, scoped, visits
from .index import Index
from .kinds import KINDS, SNOMED
from .listing import PRIORITIES, defined, full
from .rules import accession, group, named_by

Q = queries(__file__, "sql/orders.sql")
Resource = dict[str, Any]
_decode = msgspec.json.Decoder().decode
SINCE = timedelta(days=3)
"""Orders older than this are no longer to be taken by themselves: somebody has to look."""


@dataclass(slots=True)
class Tube:
    """One tube of one patient. `orders`: the ServiceRequests that it is for; `form`: their order form."""

    number: str
    patient: str
    form: str
    specimen: str
    orders: list[Resource] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)
    at: datetime | None = None
    priority: str = ""


def tubes(orders: Sequence[Resource], specimens: Sequence[Resource], index: Index, lang: str) -> list[Tube]:
    """What is still to be taken: laboratory orders with a number whose tube is not there yet."""
    taken = {id_ for x in specimens if x.get("status") not in ("entered-in-error", "unsatisfactory") for id_ in named_by(x)}
    found: dict[str, Tube] = {}
    for o in orders:
        mark = accession(o)
        if not mark or o.get("id") in taken or o.get("status") != "active":
            continue
        if mark not in found:
            item = defined(o, index)
            patient = str((o.get("subject") or {}).get("reference") or "").removeprefix("Patient/")
            found[mark] = Tube(mark, patient, group(o), item.specimen if item else "", at=moment(o.get("authoredOn")))
        tube = found[mark]
        tube.orders.append(o)
        tube.tests.append(str((o.get("code") or {}).get("text") or full(o.get("code"), lang)))
        tube.priority = PRIORITIES.get(str(o.get("priority")), "") or tube.priority
    return list(found.values())


def specimen(tube: Tube, practitioner: str, name: str, now: datetime) -> Resource:
    """The Specimen that was taken; its id is made of the tube's number, so that taking it twice is taking it once."""
    kind, _, container = tube.specimen.partition(" · ")
    collector: Resource = {"display": name} | ({"reference": f"Practitioner/{practitioner}"} if practitioner else {})
    made: Resource = {
        "resourceType": "Specimen",
        "id": f"mau-{tube.number}",
        "accessionIdentifier": {"system": s.ACCESSION_NUMBER, "value": tube.number},
        "status": "available",
        "subject": {"reference": f"Patient/{tube.patient}"},
        "request": [{"reference": f"ServiceRequest/{o['id']}"} for o in tube.orders],
        "collection": {"collector": collector, "collectedDateTime": clock.instant(now)},
    }
    if kind:
        made["type"] = {"text": kind}
    if container:
        made["container"] = [{"description": container}]
    return made


async def take(store: Store, found: Sequence[Tube], practitioner: str, name: str, now: datetime) -> int:
    """Write that these were taken, all or none. Gives how many; a tube that somebody else took meanwhile counts for nothing."""
    made = [specimen(t, practitioner, name, now) for t in found]
    try:
        await store.commit([Create(x, id=x["id"]) for x in made])
    except Conflict:
        done = 0
        for x in made:
            try:
                await store.commit([Create(x, id=x["id"])])
                done += 1
            except Conflict:
                continue
        return done
    return len(made)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A patient with tubes to be taken."""

    patient: str
    name: str
    birth: str
    place: str
    tubes: list[Tube]

    @property
    def urgent(self) -> bool:
        return any(t.priority for t in self.tubes)


async def waiting(store: Store, index: Index, w: Words, now: datetime) -> list[Waiting]:
    """Everybody at the facility with tubes to be taken, urgent ones first, then by bed. A line in the trail for each patient."""
    engine, scope = store.engine, store.scope
    lab = key64(f"ServiceRequest.category|{SNOMED}|{KINDS['lab'].category}")
    active = key64("ServiceRequest.status=active")
    sql, args = scoped(scope, Q.to_collect, number("ServiceRequest"), [active, lab], now - SINCE)
    rows = await engine.db.fetch(sql, *args, search=True)
    pats = sorted({r["pat"] for r in rows})
    if not pats:
        return []
    orders = dict(zip([r["rid"] for r in rows], map(_decode, await engine.unpack_all([r["body"] for r in rows])), strict=True))
    sql, args = scoped(scope, Q.collected, number("Specimen"), pats, now - SINCE)
    taken = [_decode(b) for b in await engine.unpack_all([r["body"] for r in await engine.db.fetch(sql, *args, search=True)])]
    start = clock.local(now).replace(hour=0, minute=0, second=0, microsecond=0)
    beds = {pat: v for pat, v, _, open_ in await visits(engine, scope, start, w.lang) if open_}
    known = await people(engine, scope, pats)
    by_patient: dict[int, list[Resource]] = {}
    for r in rows:
        by_patient.setdefault(r["pat"], []).append(orders[r["rid"]])
    out = []
    for pat, mine in by_patient.items():
        left = tubes(mine, taken, index, w.lang)
        if left and pat in known:
            person, visit = known[pat][0], beds.get(pat)
            place = " · ".join(x for x in (visit.ward, visit.bed) if x) if visit else ""
            out.append(Waiting(person.id, person.name, person.birth, place, left))
    return sorted(out, key=lambda x: (not x.urgent, x.place == "", x.place, x.name))


def with_number(found: Sequence[Waiting], mark: str) -> tuple[Waiting, Tube] | None:
    """Whose tube carries this number."""
    return next(((x, t) for x in found for t in x.tubes if t.number == mark), None)
