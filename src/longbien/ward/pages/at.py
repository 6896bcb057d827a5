"""Which ward a page is about, who may do what in it, and what its handlers share."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import msgspec

from longbien.access.roles import Permission
from longbien.base import clock
from longbien.base.errors import NotFound
from longbien.base.ids import FHIR_ID, new_id
from longbien.record.store import Store
from longbien.web import entries
from longbien.web.chart import record as r
from longbien.web.page import Call

from ..places import Places, Ward, places
from ..reads import Lying, patient_now

_CARERS = frozenset({"nurse", "doctor", "head"})
WARD = Permission("ward", "See who lies in a ward, and the beds", _CARERS | {"clerk"})
BEDS = Permission("beds", "Admit and move patients, keep and clean beds", _CARERS | {"clerk"})
NURSING = Permission("nursing", "Chart vital signs and fluids, nursing tasks, diets, the handover", _CARERS)
GIVE = Permission("give-drugs", "Give drugs on the ward, and write down what was not given", _CARERS)
PERMISSIONS = (WARD, BEDS, NURSING, GIVE)
_decode = msgspec.json.Decoder().decode
_posts: WeakKeyDictionary[Any, dict[int, tuple[float, str]]] = WeakKeyDictionary()
"""By house (its engine): which ward somebody works in."""
KEPT = 600.0
REASON = "the ward"


@dataclass(frozen=True, slots=True)
class At:
    places: Places
    ward: Ward | None
    own: str
    """The id of the ward that the reader works in, "" none."""

    @property
    def here(self) -> Ward:
        if self.ward is None:
            raise NotFound("This facility has no ward.")
        return self.ward


async def own_ward(call: Call, known: Places) -> str:
    """The ward that the reader works in: a place of their PractitionerRole."""
    posts = _posts.setdefault(call.engine, {})
    found = posts.get(call.actor.number)
    if found is not None and time.monotonic() - found[0] < KEPT:
        return found[1]
    ward, made = "", store(call, "own place of work")
    if call.actor.practitioner and made.scope.may_read("PractitionerRole"):
        asked = [("practitioner", f"Practitioner/{call.actor.practitioner}"), ("active", "true")]
        roles = await made.search("PractitionerRole", asked)
        ids = [r.reference_id(x) for e in roles.entries for x in _decode(e.body).get("location") or ()]
        ward = next((i for i in ids if i in known.wards), "")
    if len(posts) > 20_000:
        posts.clear()
    posts[call.actor.number] = (time.monotonic(), ward)
    return ward


async def at(call: Call, asked: str = "") -> At:
    """The ward that was asked for (?ward=), else the reader's own, else the facility's first."""
    known = await places(call.engine, call.actor.organization)
    own = await own_ward(call, known)
    wanted = asked or call.query.get("ward", "")
    if wanted and wanted not in known.wards:
        raise NotFound("There is no such ward here.")
    ward = known.wards.get(wanted or own) or next(iter(known.wards.values()), None)
    return At(known, ward, own)


def staff(call: Call) -> dict[str, str]:
    """A reference to who is at work."""
    return entries._author(entries.Writer("", call.actor.practitioner or "", call.actor.name))


def store(call: Call, reason: str = REASON) -> Store:
    return Store(call.engine, call.scope(reason))


def once(call: Call) -> str:
    """The token a form carries, so that sending it twice writes once."""
    given = call.field("once", 64)
    return given if FHIR_ID.match(given) and len(given) <= 48 else new_id()


def moment(call: Call, text: str) -> datetime | None:
    """As typed: "" now, 06:10, 23/11 06:10. None when it cannot be read or lies ahead."""
    return entries.taken(text, call.now)


async def opened(call: Call, patient: str) -> str:
    """Why this record is open to the reader. Raises NotFound when it is not."""
    reason = await call.door.why(call.actor, patient) if FHIR_ID.match(patient) else None
    if reason is None:
        raise NotFound("This record is not open to you.")
    return reason


async def lying(call: Call, patient: str, *, reason: str = "", **more: Any) -> Lying:
    """The stay of a patient that runs; `reason`: why it is open, where that was asked. Raises NotFound: lies in no bed, or not open
    to the reader."""
    reason = reason or await opened(call, patient)
    found = await patient_now(call.engine, call.scope(reason), patient, call.now, **more)
    if found is None:
        raise NotFound("The patient lies in no bed.")
    return found


def here(t: datetime) -> datetime:
    return clock.local(t)
