"""Findings as work items of the insurance office: one Task for each, made when a visit is over, closed by itself when a new run
finds it no more."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

import msgspec

from longbien.base import clock
from longbien.base.errors import Conflict, Invalid, PreconditionFailed
from longbien.base.words import mark, words
from longbien.record.change import Change, Create, Update
from longbien.record.store import Store
from longbien.web.chart import record as r

from . import facts, told
from .audit import audit, case
from .checks import Found
from .reading import found

Resource = dict[str, Any]
_decode = msgspec.json.Decoder().decode
TASK = "https://longbien.org/fhir/CodeSystem/task"
CODE = "claim-finding"
RULE = "https://longbien.org/fhir/CodeSystem/claim-rule"
OPEN = ("requested", "received", "in-progress")
GONE = "Lần kiểm tra sau không còn thấy"


async def visit_over(store: Store, visit: Resource) -> None:
    """A reaction: the visit is over, the rules run over it. Twice is once: ids are made of visit, rule and what it is about."""
    await run(store, str(visit["id"]))
    patient = r.reference_id(visit.get("subject"))
    if patient and facts.period(visit)[0] is not None:
        await told.settle(store.engine, patient, str(visit["id"]), (await case(store, visit, patient)).orders)


async def run(store: Store, encounter: str) -> int:
    """The rules over a visit, and its work items as they then are: new ones made, those found no more completed. Gives how many are
    open. Raises NotFound."""
    visit: Resource = _decode((await store.read("Encounter", encounter)).body)
    patient = r.reference_id(visit.get("subject"))
    hits = {id_of(encounter, h): h for h in await audit(store, encounter) if h.rule.level != "note"}
    there = {str(t["id"]): t for t in await of_visit(store, patient, encounter)}
    changes: list[Change] = [Create(task(h, visit, i), id=i) for i, h in hits.items() if i not in there]
    changes += [Update(closed(t, "completed", GONE)) for i, t in there.items() if i not in hits and t.get("status") in OPEN]
    if changes:
        with contextlib.suppress(Conflict):  # another run was first
            await store.commit(changes)
    return sum(1 for i in hits if i not in there or there[i].get("status") in OPEN)


def id_of(encounter: str, hit: Found) -> str:
    """What is about the visit as a whole is told apart by when it was."""
    about = hit.about or str(hit.values.get("at", ""))
    return "bf-" + sha256(f"{encounter}|{hit.rule.code}|{about}".encode()).hexdigest()[:40]


def task(hit: Found, visit: Mapping[str, Any], id_: str, at: datetime | None = None) -> Resource:
    """The work item. at: when it was found (None: now). input: the sentence in both languages."""
    now = clock.instant(at or clock.now())
    said = {lang: hit.sentence(words(lang)) for lang in ("vi", "en")}
    return {
        "resourceType": "Task",
        "id": id_,
        "status": "requested",
        "intent": "order",
        "priority": "urgent" if hit.rule.level == "stop" else "routine",
        "code": {"coding": [{"system": TASK, "code": CODE}], "text": "Kiểm tra hồ sơ bảo hiểm"},
        "description": said["vi"],
        "for": visit["subject"],
        "focus": {"reference": hit.about or f"Encounter/{visit['id']}"},
        "encounter": {"reference": f"Encounter/{visit['id']}"},
        "authoredOn": now,
        "lastModified": now,
        "reasonCode": {"coding": [{"system": RULE, "code": hit.rule.code}], "text": hit.rule.source_vi},
        "input": [{"type": {"text": lang}, "valueString": text} for lang, text in said.items()],
        **({"owner": visit["serviceProvider"]} if visit.get("serviceProvider") else {}),
        **({"executionPeriod": visit["period"]} if visit.get("period") else {}),
    }


def closed(item: Resource, status: str, note: str, who: str = "") -> Resource:
    now = clock.instant(clock.now())
    said = {"time": now, "text": note, **({"authorString": who} if who else {})}
    return {**item, "status": status, "lastModified": now, "note": [*(item.get("note") or ()), said]}


async def of_visit(store: Store, patient: str, encounter: str) -> list[Resource]:
    return await found(store, "Task", patient, ("encounter", f"Encounter/{encounter}"), ("code", f"{TASK}|{CODE}"))


async def waiting(store: Store) -> list[Resource]:
    """The open findings of the facility, the oldest first."""
    return await found(store, "Task", None, ("code", f"{TASK}|{CODE}"), ("status", ",".join(OPEN)), ("_sort", "authored-on"))


async def settle(store: Store, id_: str, status: str, note: str, who: str, version: int | None = None) -> None:
    """completed: mended; rejected: no fault, with the reason. Raises Invalid without words, NotFound, PreconditionFailed when
    somebody was first."""
    if status not in ("completed", "rejected"):
        raise Invalid(mark("Say whether it is mended or no fault."), code="value")
    if len(note.strip()) < 3:
        raise Invalid(mark("Say in a few words what was found."), code="required")
    stored = await store.read("Task", id_)
    item: Resource = _decode(stored.body)
    if r.code_of(item.get("code"), TASK) != CODE:
        raise Invalid(mark("This is no finding of the insurance's rules."), code="value")
    if item.get("status") not in OPEN or (version is not None and version != stored.version):
        raise PreconditionFailed(mark("Somebody was first with this finding."))
    await store.commit([Update(closed(item, status, note.strip(), who), if_match=stored.version)])


def sentence(item: Mapping[str, Any], lang: str) -> str:
    said = {str((x.get("type") or {}).get("text")): str(x.get("valueString") or "") for x in item.get("input") or ()}
    return said.get(lang) or str(item.get("description") or "")


def rule_of(item: Mapping[str, Any]) -> str:
    return r.code_of(item.get("reasonCode"), RULE)
