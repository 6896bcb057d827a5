"""Requests of patients: filed, listed, answered. Every step is a commit of a Task, and so a version and a line of the trail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from longbien.base import clock
from longbien.base.errors import Conflict, Forbidden, Invalid, NotFound
from longbien.base.ids import FHIR_ID, patient_key
from longbien.fhir import json
from longbien.fhir.systems import NOTICE
from longbien.record import trail
from longbien.record.change import Change, Create, Manner, Update
from longbien.record.engine import Engine
from longbien.record.scope import Scope
from longbien.record.store import Store

from .. import policy
from ..actor import Actor
from ..door import Door
from ..roles import ANSWER
from . import letters, request
from .request import Request

MOST_OPEN = 10
"""Open requests that one patient may have: beyond that, somebody is playing."""
WORKLIST = 500
WRITTEN = frozenset({"Task", "Communication", "Provenance", "Patient"})


async def facilities(store: Store, patient: str) -> list[tuple[str, str]]:
    """(id, name) of the facilities that hold something of this patient: whom one may ask. The latest first."""
    page = await store.search("Encounter", [("_sort", "-date"), ("_count", "200")], patient=patient)
    found: dict[str, str] = {}
    for entry in page.matches:
        provider = json.loads(entry.body).get("serviceProvider") or {}
        id_ = str(provider.get("reference") or "").rsplit("/", 1)[-1]
        if id_:
            found.setdefault(id_, str(provider.get("display") or id_))
    return list(found.items())


async def file(
    door: Door, actor: Actor, patient: str, facility: str, kind: str, text: str, *, asker: dict[str, Any], about: str = ""
) -> Request:  # fmt: skip
    """What a patient, or somebody who cares for them, asks for on their own page. Raises Invalid, NotFound, Conflict (too many
    open)."""
    scope = policy.asking(actor, settings=door.settings, reason=await _why(door, actor, patient))
    store = Store(door.engine, scope)
    names = dict(await facilities(store, patient))
    if facility not in names:
        raise Invalid("That facility holds nothing of this record.", code="value")
    if sum(r.open for r in await of_patient(store, patient)) >= MOST_OPEN:
        raise Conflict(f"{MOST_OPEN} requests are open already. Wait for an answer first.")
    task = request.made(kind, patient, facility, text, asker=asker, channel="phone", now=clock.now(), about=about,
                        facility_name=names[facility])  # fmt: skip
    return await _new(store, task)


async def on_paper(door: Door, actor: Actor, patient: str, kind: str, text: str, came: date, asker: str) -> Request:
    """What came in on paper at the officer's facility that day. `asker`: who signed it. Raises Forbidden, Invalid, NotFound."""
    if not actor.may(ANSWER) or actor.organization is None:
        raise Forbidden(f"{actor.name} may not take requests of patients.")
    if await door.why(actor, patient) is None:
        raise NotFound("There is no such record, or it is not open to you.")
    store = Store(door.engine, deciding(door, actor, "a request on paper"))
    names = dict(await facilities(store, patient))
    who = " ".join(asker.split())[:200]
    if len(who) < 2:
        raise Invalid("Say who signed the request.", code="required")
    task = request.made(kind, patient, actor.organization, text, asker={"reference": f"Patient/{patient}", "display": who},
                        channel="paper", now=clock.now(), came=came, facility_name=names.get(actor.organization, ""))  # fmt: skip
    return await _new(store, task)


async def _new(store: Store, task: dict[str, Any]) -> Request:
    manner = Manner(why=f"{store.scope.reason}: request {task['code']['coding'][0]['code']}".removeprefix(": "))
    (stored,) = await store.commit([Create(task)], manner)
    return _read(stored.body)


async def of_patient(store: Store, patient: str) -> list[Request]:
    """This patient's requests, the newest first."""
    page = await store.search(
        "Task", [("code", f"{request.SYSTEM}|"), ("_sort", "-authored-on"), ("_count", "100")], patient=patient
    )
    return [r for e in page.matches if (r := request.read(json.loads(e.body)))]


async def worklist(store: Store, facility: str, *, open_only: bool = True) -> list[Request]:
    """What patients ask of this facility, what is due first at the top; of those that are over, the newest. Raises Forbidden."""
    asked = [
        ("code", f"{request.SYSTEM}|"),
        ("owner", f"Organization/{facility}"),
        ("_sort", "-authored-on"),
        ("_count", str(WORKLIST)),
    ]
    if open_only:
        asked.append(("status", ",".join(sorted(request.OPEN))))
    page = await store.search("Task", asked)
    found = [r for e in page.matches if (r := request.read(json.loads(e.body)))]
    return sorted(found, key=lambda r: (r.next_due, r.filed)) if open_only else found


async def one(store: Store, id_: str) -> tuple[Request, dict[str, Any]]:
    """(the request, its Task). Raises NotFound, also for a Task that is something else."""
    if not FHIR_ID.match(id_):
        raise NotFound("There is no such request.")
    task = json.loads((await store.read("Task", id_)).body)
    found = request.read(task)
    if found is None:
        raise NotFound("There is no such request.")
    return found, task


async def take_back(door: Door, actor: Actor, id_: str) -> Request:
    """Who asked thinks better of it. Raises NotFound, Conflict."""
    store = Store(door.engine, policy.asking(actor, settings=door.settings, reason="taking back a request"))
    found, task = await one(store, id_)
    after = request.moved(task, "cancel", "", who=actor.name, now=clock.now())
    (stored,) = await store.commit([Update(after, if_match=found.version)], Manner(why="taking back a request"))
    return _read(stored.body)


def deciding(door: Door, actor: Actor, reason: str) -> Scope:
    """An officer's own scope, in which the steps of a request may be written: the Task, the notice to the patient, where a change
    came from. For the actions here, never for what a client sends."""
    if not actor.may(ANSWER):
        raise Forbidden(f"{actor.name} may not answer requests of patients.")
    own = door.scope(actor, "PATRQT", reason=reason)
    return replace(own, writes=WRITTEN, creates=None, updates=None, deletes=frozenset())


async def answer(
    door: Door, actor: Actor, id_: str, act: str, text: str, *, version: int | None = None, more: Sequence[Change] = ()
) -> Request:
    """An officer's act on a request of their facility, with a notice to the patient in the same commit. `more`: what the act
    changes in the record besides. Raises Forbidden, NotFound, Conflict, Invalid."""
    store = Store(door.engine, deciding(door, actor, f"request of the patient: {act}"))
    found, task = await one(store, id_)
    if found.facility != actor.organization:
        raise NotFound("There is no such request.")
    if act not in ("acknowledge", "extend", "grant", "refuse"):
        raise Invalid("There is no such answer.", code="value")
    after = request.moved(task, act, text, who=actor.name, now=clock.now())
    told = notice(found, letters.told(request.read({**after, "id": id_}) or found), task)
    changes: list[Change] = [Update(after, if_match=version or found.version), Create(told), *more]
    stored = await store.commit(changes, Manner(why=f"request {found.kind}: {act}"))
    return _read(stored[0].body)


def notice(about: Request, text: str, task: dict[str, Any]) -> dict[str, Any]:
    """The Communication that tells the patient."""
    return {
        "resourceType": "Communication",
        "status": "completed",
        "category": [{"coding": [NOTICE], "text": NOTICE["display"]}],
        "subject": {"reference": f"Patient/{about.patient}"},
        "recipient": [{"reference": f"Patient/{about.patient}"}],
        "sender": task["owner"],
        "sent": clock.instant(clock.now()),
        "basedOn": [{"reference": f"Task/{about.id}"}],
        "payload": [{"contentString": text}],
    }


async def _why(door: Door, actor: Actor, patient: str) -> str:
    reason = await door.why(actor, patient) if FHIR_ID.match(patient) else None
    if reason is None:
        error = NotFound("This record is not open to you.")
        await door.refused(actor, error, patient=patient if FHIR_ID.match(patient) else None)
        raise error
    return reason


def _read(body: bytes) -> Request:
    found = request.read(json.loads(body))
    if found is None:
        raise Invalid("A request cannot be read.")
    return found


async def note_line(engine: Engine, scope: Scope, patient: str, why: str) -> None:
    """A line of the trail about this patient, for what is done outside the record itself (a letter printed, a copy taken)."""
    await engine.trail.write([trail.line(scope, "print", pat=patient_key(patient), why=why)])
