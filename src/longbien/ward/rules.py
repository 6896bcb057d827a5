"""What is true of a stay: who lies where since when, what may follow upon what. Pure.

A stay is an Encounter of class IMP. Encounter.location is its history of places: each with a period and a status: reserved
(promised), active (lies there), completed (has left). A bed (Location.physicalType bd) is held by one visit at a time."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from longbien.base import clock
from longbien.fhir import systems as s
from longbien.web.chart import record as r

from .codes import BED_STATUS, BED_WORDS, Resource, concept
from .places import Bed, Ward

OPEN = ("planned", "arrived", "triaged", "in-progress", "onleave")
"""Statuses of a visit that may hold a bed."""
HOLDS = ("active", "reserved")
SLACK = timedelta(minutes=5)
"""Clocks of two machines may differ by this much."""
Wrong = Literal["", "future", "before"]
Stay = Mapping[str, Any]


def held(encounter: Stay) -> Iterator[str]:
    """The ids of the places that this visit holds now."""
    if encounter.get("status") in OPEN:
        for spot in encounter.get("location") or ():
            holds = spot.get("status", "active") in HOLDS and not r.first(spot, "period", "end")
            if holds and (found := r.reference_id(spot.get("location"))):
                yield found


def lies(encounter: Stay) -> tuple[str, datetime | None]:
    """(place, since when) where the patient lies; ("", None) nowhere."""
    for spot in reversed(encounter.get("location") or []):
        if spot.get("status", "active") == "active" and not r.first(spot, "period", "end"):
            return r.reference_id(spot.get("location")), r.moment(r.first(spot, "period", "start"))
    return "", None


def promised(encounter: Stay) -> tuple[str, datetime | None]:
    """(bed, from when) that is kept for the patient; ("", None) none."""
    for spot in encounter.get("location") or ():
        if spot.get("status") == "reserved" and not r.first(spot, "period", "end"):
            return r.reference_id(spot.get("location")), r.moment(r.first(spot, "period", "start"))
    return "", None


def inpatient(encounter: Stay) -> bool:
    return r.first(encounter, "class", "code") in ("IMP", "ACUTE", "NONAC")


def follows(encounter: Stay) -> str:
    """The id of the visit (emergency room, clinic) that this stay's admission ended; "" for none."""
    said = next((x for x in encounter.get("extension") or () if x.get("url") == s.EXT_FOLLOWS), None)
    return r.reference_id(said.get("valueReference")) if said else ""


def runs_on(order: Mapping[str, Any], encounter: Stay) -> bool:
    """Does an order belong to this stay, or was it given to be carried out in the hospital in the visit before it?"""
    visit = r.reference_id(order.get("encounter") or order.get("context"))
    if visit == encounter["id"]:
        return True
    inside = order.get("resourceType") != "MedicationRequest" or r.code_of(order.get("category")) == "inpatient"
    return bool(visit) and inside and visit == follows(encounter)


def latest(encounter: Stay) -> datetime | None:
    """The latest moment that this stay already speaks of: nothing may be written to happen before it."""
    found = [r.moment(r.first(encounter, "period", "start"))]
    for spot in encounter.get("location") or ():
        if spot.get("status") != "reserved":
            found += [r.moment(r.first(spot, "period", "start")), r.moment(r.first(spot, "period", "end"))]
    return max((t for t in found if t is not None), default=None)


def wrong_time(encounter: Stay, at: datetime, now: datetime) -> Wrong:
    """A move happens now or before, and not before the one that it follows."""
    if at > now + SLACK:
        return "future"
    last = latest(encounter)
    return "before" if last is not None and at < last else ""


def _spot(bed: Bed, status: str, at: datetime) -> Resource:
    return {
        "location": {"reference": f"Location/{bed.id}", "display": bed.label},
        "status": status,
        "physicalType": concept(s.LOCATION_PHYSICAL, "bd", "Bed"),
        "period": {"start": clock.instant(at)},
    }


def left(encounter: Stay, at: datetime) -> Resource:
    """The stay with every place left: who goes home, to theatre for good, elsewhere. What was promised is given up."""
    out: Resource = copy.deepcopy(dict(encounter))
    kept = []
    for spot in out.get("location") or ():
        if spot.get("status") == "reserved":
            continue
        if spot.get("status", "active") == "active" and not r.first(spot, "period", "end"):
            spot["status"] = "completed"
            spot["period"] = {**(spot.get("period") or {}), "end": clock.instant(at)}
        kept.append(spot)
    out["location"] = kept
    if not kept:
        del out["location"]
    return out


def moved(encounter: Stay, bed: Bed, ward: Ward, at: datetime) -> Resource:
    """The stay with the patient in `bed` from `at`; the department follows the bed."""
    out = left(encounter, at)
    out.setdefault("location", []).append(_spot(bed, "active", at))
    out["serviceType"] = dict(ward.code)
    out["status"] = "in-progress"
    return out


def promise(encounter: Stay, bed: Bed, at: datetime) -> Resource:
    """The stay (or the visit at the emergency room) with a bed kept for it from `at`; an earlier promise is given up."""
    out: Resource = copy.deepcopy(dict(encounter))
    out["location"] = [x for x in out.get("location") or () if x.get("status") != "reserved"] + [_spot(bed, "reserved", at)]
    return out


def finished(encounter: Stay, at: datetime) -> Resource:
    """An earlier visit (emergency room, clinic) that the admission ends."""
    out = left(encounter, at)
    out["status"] = "finished"
    start = r.moment(r.first(out, "period", "start"))
    out["period"] = {**(out.get("period") or {}), "end": clock.instant(max(at, start) if start else at)}
    return out


def with_status(location: Stay, code: str) -> Resource:
    """A bed of this operational status (HL7 v2 table 0116)."""
    coding = {"system": BED_STATUS, "code": code, "display": BED_WORDS[code]}
    return {**copy.deepcopy(dict(location)), "operationalStatus": coding}


def bed_status(location: Stay) -> str:
    return str(r.first(location, "operationalStatus", "code") or "")


def day_of_stay(start: datetime, now: datetime) -> int:
    """Day 1 is the day of admission; a new day begins at midnight in Hanoi."""
    return (clock.local(now).date() - clock.local(start).date()).days + 1
