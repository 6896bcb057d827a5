"""Whose record a patient's page shows, and the frame around it: the name, the help button, the four doors at the foot."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec

from ...access import carers
from ...base import clock
from ...base.errors import NotFound
from ...base.ids import FHIR_ID
from ...record.life import named
from ...record.page import Entry
from ...record.store import Store
from ..chart.record import Person, person
from ..page import Call
from .words import Spoken, spoken

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True)
class Whom:
    """One record as its reader sees it. own: it is the reader's. others: (patient id, title) of the other records that this account
    opens. store: the record within the scope, with the exact reason for the trail."""

    id: str
    person: Person
    own: bool
    reason: str
    said: Spoken
    store: Store
    help: str
    others: tuple[tuple[str, str], ...] = ()
    main: bool = True

    def to(self, path: str, **query: str) -> str:
        """The address of a page of this record."""
        asked = {**query, **({} if self.main else {"of": self.id})}
        return path + (f"?{urlencode(asked)}" if asked else "")


async def whom(call: Call) -> Whom:
    """The record asked for with ?of=, or the reader's own, or of the first person they care for. Raises NotFound, the same for what
    is hidden and what is not there; a refusal is a line in the trail."""
    actor = call.actor
    cared = await carers.of(call.engine.db, actor)
    mine = [actor.patient] if actor.patient else []
    ids = [*mine, *(c.patient for c in cared)]
    asked = call.query.get("of", "") or call.field("of", 64) or (ids[0] if ids else "")
    reason = await call.door.why(actor, asked) if FHIR_ID.match(asked) else None
    if reason is None:
        error = NotFound("This record is not open to you.")
        await call.door.refused(actor, error, patient=asked if FHIR_ID.match(asked) else None)
        raise error
    store = Store(call.engine, call.scope(reason))
    body = json.loads((await store.read("Patient", asked)).body)
    about = person(body)
    relation = next((c for c in cared if c.patient == asked), None) if asked != actor.patient else None
    sex = await _sex_of_carer(store, relation) if relation else ""
    today = clock.local(call.now).date()
    said = spoken(
        call.w, sex=about.sex, birth=about.birth, name=about.name, today=today, own=asked == actor.patient, reader_sex=sex
    )
    others = tuple([(i, await _title(store, i)) for i in ids if i != asked])
    return Whom(asked, about, asked == actor.patient, reason, said, store, await _help(call, body), others, asked == ids[0])


async def _sex_of_carer(store: Store, relation: carers.Cared) -> str:
    if relation.basis[0] != "RelatedPerson":
        return ""
    return str(json.loads((await store.read(*relation.basis)).body).get("gender") or "")


async def _title(store: Store, id_: str) -> str:
    return person(json.loads((await store.read("Patient", id_)).body)).name


async def _help(call: Call, patient: dict[str, Any]) -> str:
    """The telephone of the facility where the person is registered; "" when none is known."""
    place = str((patient.get("managingOrganization") or {}).get("reference") or "").rsplit("/", 1)[-1]
    known: dict[str, str] = call.request.app.state.telephones
    if place and place not in known:
        for id_, body in (await named(call.engine, "Organization", [place])).items():
            numbers = (t.get("value") for t in _decode(body).get("telecom") or () if t.get("system") == "phone")
            known[id_] = next((str(n) for n in numbers if n), "")
    return known.get(place, "")


async def found(one: Whom, type_: str, *params: tuple[str, str]) -> list[dict[str, Any]]:
    """What a search within this record finds (matches only), decoded."""
    page = await one.store.search(type_, params, patient=one.id)
    return [_decode(e.body) for e in _matches(page.entries)]


def _matches(entries: list[Entry]) -> list[Entry]:
    return [e for e in entries if e.mode == "match"]
