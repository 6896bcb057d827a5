"""What staff do with beds: admit, move, keep one for somebody, clean. And what must be true at the commit: one patient in a bed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from longbien.base import clock
from longbien.base.errors import Conflict, Forbidden, Invalid
from longbien.base.ids import key64
from longbien.fhir import systems as s
from longbien.record.change import Change, Create, Guarded, Update
from longbien.record.index import org_key
from longbien.record.live import News
from longbien.record.scope import Scope
from longbien.record.store import Store
from longbien.record.types import number
from longbien.web.chart import record as r

from . import codes, rules
from .places import Bed, Q, Ward
from .reads import bed_now

_decode = msgspec.json.Decoder().decode
Resource = dict[str, Any]
TAKEN = "bed-taken"
"""Code of the Conflict that says that somebody else has the bed."""
_OPEN = [key64(f"Encounter.status={x}") for x in rules.OPEN]
_beds: dict[str, bool] = {}


# --- what must be true at the commit


async def one_patient_each(engine: Any, scope: Scope, change: Guarded, connection: Any) -> Resource | None:
    """Guard of Encounter: a bed is held by one visit at a time. Two who take the last bed wait for each other here, and the second
    is told (Conflict, code bed-taken). Whoever writes: the pages, an app, an import by bundle."""
    if change.resource is None:
        return None
    for place in sorted(set(rules.held(change.resource))):
        if not await _is_bed(engine, connection, place):
            continue
        await connection.execute(Q.one_at_a_time, key64(f"bed/{place}"))
        term = key64(f"Encounter.location|Location/{place}")
        rows = await connection.fetch(Q.holding, number("Encounter"), term, _OPEN, change.rid)
        for row in rows:
            other = _decode(await engine.unpack(row["body"]))
            if place in rules.held(other):
                raise Conflict(f"Location/{place} is a bed that another visit holds.", code=TAKEN)
    return change.resource


async def _is_bed(engine: Any, connection: Any, place: str) -> bool:
    if place not in _beds:
        if len(_beds) > 50_000:
            _beds.clear()
        row = await connection.fetchrow(Q.place, number("Location"), place)
        if row is None:
            return False
        _beds[place] = r.code_of(_decode(await engine.unpack(row["body"])).get("physicalType")) == "bd"
    return _beds[place]


async def beds_only(engine: Any, scope: Scope, change: Guarded, connection: Any) -> Resource | None:
    """Guard of Location: who cares for patients may say that a bed of their own facility is being cleaned, is clean or closed, and
    may change nothing else of any place; the directory is the engineers'."""
    if scope.unlimited or scope.creates is None or "Location" in scope.creates:
        return change.resource
    row = await connection.fetchrow(Q.place, number("Location"), change.id)
    if change.resource is None or row is None:
        raise Forbidden(f"{scope.label} may only say how a bed is.")
    before = _decode(await engine.unpack(row["body"]))
    same = all(
        before.get(k) == change.resource.get(k) for k in (before.keys() | change.resource.keys()) - {"operationalStatus", "meta"}
    )
    if not same or not await _own(engine, scope, before, connection):
        raise Forbidden(f"{scope.label} may only say how a bed of their own facility is.")
    return change.resource


async def _own(engine: Any, scope: Scope, location: Mapping[str, Any], connection: Any) -> bool:
    organization = r.reference_id(location.get("managingOrganization"))
    for _ in range(4):  # ward, department, facility
        if not organization:
            return False
        if org_key(organization) == scope.org:
            return True
        row = await connection.fetchrow(Q.place, number("Organization"), organization)
        organization = r.reference_id(_decode(await engine.unpack(row["body"])).get("partOf")) if row else ""
    return False


# --- verbs


@dataclass(frozen=True, slots=True)
class Admission:
    """What a clerk, nurse or doctor says of somebody who comes in. earlier: the visit that it follows (emergency room, clinic),
    with the version that was seen; order: the ServiceRequest that asked for it."""

    patient: str
    bed: Bed
    ward: Ward
    at: datetime
    reason: str
    doctor: Resource | None = None
    earlier: tuple[int, Mapping[str, Any]] | None = None
    order: tuple[int, Mapping[str, Any]] | None = None
    source: str = ""
    condition: Resource | None = None


def new_stay(a: Admission, id_: str, facility: Resource) -> Resource:
    """The Encounter of an admission."""
    out: Resource = {
        "resourceType": "Encounter",
        "id": id_,
        "status": "in-progress",
        "class": {"system": s.ACT_CODE, "code": "IMP", "display": "inpatient encounter"},
        "serviceType": dict(a.ward.code),
        "subject": {"reference": f"Patient/{a.patient}"},
        "period": {"start": clock.instant(a.at)},
        "reasonCode": [{"text": a.reason}],
        "serviceProvider": facility,
    }
    if a.doctor is not None:
        out["participant"] = [{"type": [codes.concept(s.PARTICIPATION, "ATND", "attender")], "individual": a.doctor}]
    if a.condition is not None:
        use = codes.concept(s.DIAGNOSIS_ROLE, "AD", "Admission diagnosis")
        out["diagnosis"] = [{"condition": a.condition, "use": use, "rank": 1}]
    hospitalization: Resource = {}
    if a.source:
        hospitalization["admitSource"] = {"text": a.source}
    if a.order is not None:
        out["basedOn"] = [{"reference": f"ServiceRequest/{a.order[1]['id']}"}]
    if hospitalization:
        out["hospitalization"] = hospitalization
    if a.earlier is not None:
        out["extension"] = [{"url": s.EXT_FOLLOWS, "valueReference": {"reference": f"Encounter/{a.earlier[1]['id']}"}}]
    return rules.moved(out, a.bed, a.ward, a.at)


async def admit(store: Store, a: Admission, id_: str, facility: Resource) -> None:
    """Lay somebody into a bed: the stay, the end of the visit it follows, the order done, all or nothing. Raises Conflict
    (bed-taken; or the same form sent twice), PreconditionFailed (the earlier visit has changed)."""
    changes: list[Change] = [Create(new_stay(a, id_, facility), id=id_)]
    if a.earlier is not None:
        version, before = a.earlier
        changes.insert(0, Update(rules.finished(before, a.at), if_match=version))
        if rules.lies(before)[0] != a.bed.id:
            changes += await to_clean(store, before)
    if a.order is not None:
        version, order = a.order
        changes.append(Update({**order, "status": "completed"}, if_match=version))
    await store.commit(changes)
    tell(store, a.ward)


async def transfer(store: Store, stay: tuple[int, Mapping[str, Any]], bed: Bed, ward: Ward, at: datetime, now: datetime) -> None:
    """Move somebody to another bed; the one they leave is to be cleaned. Raises Invalid (code future or before: the time), Conflict
    (bed-taken), PreconditionFailed (somebody else has moved them meanwhile)."""
    version, before = stay
    if wrong := rules.wrong_time(before, at, now):
        raise Invalid("A move is not in the future, and not before the one that it follows.", code=wrong)
    if rules.lies(before)[0] == bed.id:
        raise Invalid("The patient lies in that bed.", code="same")
    changes: list[Change] = [Update(rules.moved(before, bed, ward, at), if_match=version)]
    changes += await to_clean(store, before)
    await store.commit(changes)
    tell(store, ward)


async def keep(store: Store, visit: tuple[int, Mapping[str, Any]], bed: Bed, ward: Ward, at: datetime) -> None:
    """Promise a bed to somebody who comes later. Raises Conflict (bed-taken), PreconditionFailed."""
    version, before = visit
    await store.commit([Update(rules.promise(before, bed, at), if_match=version)])
    tell(store, ward)


async def to_clean(store: Store, stay: Mapping[str, Any]) -> list[Change]:
    """The changes that say that the bed which a stay leaves is to be cleaned; for whoever ends a stay (discharge, death)."""
    place = rules.lies(stay)[0]
    row = await store.engine.db.fetchrow(Q.beds, number("Location"), [place]) if place else None
    if row is None:
        return []
    location = _decode(await store.engine.unpack(row["body"]))
    if r.code_of(location.get("physicalType")) != "bd" or not store.scope.may("update", "Location"):
        return []
    return [Update(rules.with_status(location, codes.CLEANING), if_match=row["ver"])]


async def set_status(store: Store, bed: Bed, ward: Ward, code: str) -> None:
    """A bed is clean (U), being cleaned (H), closed (C). Twice is once."""
    found = await bed_now(store.engine, bed)
    if found is None:
        raise Invalid("There is no such bed.", code="not-found")
    version, location = found
    if rules.bed_status(location) != code:
        await store.commit([Update(rules.with_status(location, code), if_match=version)])
    tell(store, ward)


def tell(store: Store, *wards: Ward) -> None:
    """Open boards of these wards hear that something has changed: who lies there, or how the beds are."""
    store.engine.live.tell(News(w.key, "Location", w.id, 0) for w in wards)
