"""What staff do at the end of a stay: prepare it together, finish it, take it back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from longbien.base.errors import Conflict, Invalid, NotFound, PreconditionFailed
from longbien.base.words import mark, parse_instant
from longbien.fhir import json
from longbien.fhir.references import literal
from longbien.record.change import Change, Create, Update
from longbien.record.store import Store
from longbien.web.chart import record as r
from longbien.web.entries import Writer
from longbien.web.pages.undo import in_error

from . import places
from .beds import tell
from .discharge_form import Leaving
from .discharge_read import DISCHARGE, Stay, stable
from .discharge_resources import leaving, prepared
from .discharge_rules import UNDO_WITHIN

Resource = dict[str, Any]
Reading = Callable[[], Awaitable[tuple[Stay, Mapping[str, str]]]]
TAKEN = mark("Somebody has changed this stay meanwhile. Look at it again: what you typed is kept.")
SIGNED = mark("A paper of this discharge is signed. It has to be revoked first.")
TOO_LATE = mark("This discharge was %(hours)s hours ago or more; it is not taken back any more. Admit the patient again.")
CLOSED = mark("The record of this visit is closed; it is not taken back any more.")
BED_TAKEN = mark("The bed is not free any more. Admit the patient again into another bed.")


async def found(store: Store, type_: str, id_: str) -> Resource | None:
    """A resource as it stands, or None where there is none that the reader may see. By search: to look whether it is written
    is no attempt at what is hidden, and the trail shall not call it one."""
    page = await store.search(type_, [("_id", id_)])
    return next((json.loads(e.body) for e in page.entries), None)


async def consulting_room(store: Store, stay: Stay) -> Resource | None:
    """A reference to the consulting room of the department that the patient lies in, where the directory has one with hours."""
    bed = await found(store, "Location", r.reference_id((stay.bed or {}).get("location")))
    department = str(r.first(bed, "managingOrganization", "reference") or "") if bed else ""
    if not department:
        return None
    page = await store.search("Location", [("organization", department), ("status", "active"), ("_count", "200")])
    for place in (json.loads(e.body) for e in page.entries):
        if r.first(place, "physicalType", "coding", "code") == "ro" and place.get("hoursOfOperation"):
            return {"reference": f"Location/{place['id']}", "display": str(place.get("name") or "")}
    return None


async def keep(store: Store, stay: Stay, values: Mapping[str, str], seen: int, w: Writer, now: datetime) -> int:
    """Keep what was prepared. `seen`: the version of the shared draft that the page showed (0: there was none). Gives the new
    version. Raises Conflict where somebody has kept theirs meanwhile: nobody's words are lost unseen."""
    draft = prepared(stay, values, w, now)
    change: Change = Update(draft, if_match=seen) if seen else Create(draft, id=draft["id"])
    try:
        return (await store.commit([change]))[0].version
    except (PreconditionFailed, Conflict) as why:
        raise Conflict(TAKEN) from why


async def merge(store: Store, read: Reading, typed: Mapping[str, str], w: Writer, now: datetime) -> None:
    """Keep single fields beside whatever else is prepared: what somebody typed and walked away from. read: the stay as it is and
    all fields of its form. Whoever keeps something at the same time loses nothing."""
    for left in (2, 1, 0):
        stay, whole = await read()
        draft = stay.draft()
        try:
            await keep(store, stay, {**whole, **typed}, int((draft or {}).get("meta", {}).get("versionId") or 0), w, now)
        except Conflict:
            if not left:
                raise
        else:
            return


async def finish(store: Store, stay: Stay, out: Leaving, values: Mapping[str, str], w: Writer, now: datetime) -> bool:
    """End the stay: Encounter, diagnoses, drugs, results let go, follow-up, papers, bed: all or nothing. False where this very
    discharge was done already (sent twice). Raises Conflict where somebody else changed the stay or its bed meanwhile."""
    if not stay.open:
        return False
    bed = await bed_of(store, stay.bed)
    before = await found(store, "Provenance", stable("pv", stay.id, DISCHARGE))
    try:
        await store.commit(leaving(stay, out, values, w, now, bed, before))
    except (PreconditionFailed, Conflict) as why:
        now_ = await found(store, "Encounter", stay.id)
        if now_ is not None and now_.get("status") == "finished":
            return False
        raise Conflict(TAKEN) from why
    return True


async def told(store: Store, organization: str | None, stay: Resource) -> None:
    """Open boards of the ward where this stay lies, or lay last, hear that something has changed."""
    known = await places.places(store.engine, organization)
    for x in stay.get("location") or ():
        bed = known.beds.get(r.reference_id(x.get("location")))
        if bed is not None and bed.ward in known.wards:
            tell(store, known.wards[bed.ward])


async def bed_of(store: Store, place: Resource | None) -> Resource | None:
    """The bed that is left (an entry of Encounter.location), where this writer may say what becomes of it."""
    if place is None or not store.scope.may("update", "Location"):
        return None
    bed = await found(store, "Location", r.reference_id(place.get("location")))
    return bed if bed and r.code_of(bed.get("physicalType")) == "bd" else None


async def finished_by(store: Store, stay: Stay) -> tuple[str, datetime] | None:
    """Who finished this stay and when, where it was done here."""
    note = await found(store, "Provenance", stable("pv", stay.id, DISCHARGE))
    if note is None or stay.open:
        return None
    return str(r.first(note, "agent", "who", "display") or ""), parse_instant(str(note["recorded"]))


async def undo(store: Store, stay: Stay, now: datetime) -> None:
    """Take a discharge back within UNDO_WITHIN: every resource as it was before it, what it made marked as entered in error. Raises
    Conflict, saying why, where that is not possible any more."""
    await take_back(
        store, stable("pv", stay.id, DISCHARGE), now, UNDO_WITHIN, TOO_LATE % {"hours": UNDO_WITHIN // timedelta(hours=1)}
    )


async def take_back(store: Store, note: str, now: datetime, within: timedelta, too_late: str) -> None:
    """Take back the act that a Provenance tells of. `too_late`: what is said after `within`. Raises NotFound, Conflict."""
    said = await found(store, "Provenance", note)
    if said is None:
        raise NotFound("There is nothing to take back.")
    if now - parse_instant(str(said["recorded"])) > within:
        raise Conflict(too_late)
    changes: list[Change] = []
    for target in said.get("target") or ():
        named = literal(str(target.get("reference") or ""))
        if named is not None and named[3] is not None:
            changes.append(await _before(store, named[1], named[2], int(named[3])))
    try:
        await store.commit(changes)
    except (PreconditionFailed, Conflict) as why:
        raise Conflict(BED_TAKEN if why.code == "bed-taken" else TAKEN) from why
    except Invalid as why:
        if why.code != "business-rule":
            raise
        raise Conflict(CLOSED) from why  # a record that is closed is only added to


async def _before(store: Store, type_: str, id_: str, written: int) -> Change:
    """The change that puts one resource back to what it was before version `written`."""
    stored = await store.read(type_, id_)
    current: Resource = json.loads(stored.body)
    if type_ == "Composition" and current.get("status") in ("final", "amended"):
        raise Conflict(SIGNED)
    if stored.version != written:
        if type_ in ("Encounter", "MedicationRequest"):
            raise Conflict(TAKEN)
        if type_ == "Location" and r.first(current, "operationalStatus", "code") not in ("H", "U", "K"):
            raise Conflict(BED_TAKEN)
    if type_ == "Patient" and written > 1:  # others may have changed an address since: only what was said of the death goes
        return Update(_unsaid(current, json.loads((await store.vread(type_, id_, written - 1)).body)), if_match=stored.version)
    if written > 1:
        earlier: Resource = json.loads((await store.vread(type_, id_, written - 1)).body)
        if not (type_ == "Task" and earlier.get("status") == "entered-in-error"):
            return Update(earlier, if_match=stored.version)
    if type_ in ("Patient", "RelatedPerson"):
        return Update({**current, "active": False}, if_match=stored.version)
    return Update(in_error(current), if_match=stored.version)


def _unsaid(current: Resource, before: Resource) -> Resource:
    """The Patient without what an act of ours put in: death, links to a child."""
    ours = ("deceasedDateTime", "deceasedBoolean", "link")
    return {**{k: v for k, v in current.items() if k not in ours}, **{k: before[k] for k in ours if k in before}}
