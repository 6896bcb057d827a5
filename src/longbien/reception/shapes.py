"""The resources that the reception writes, as FHIR has them. Pure: ids and moments are given.

A visit is an Encounter (AMB, at an emergency EMER) of status arrived; the number in a queue is a Task with code `queue-ticket`: its
status says how far it is (rules.STATES), `groupIdentifier` names the queue (room and day), `identifier` the number, `focus` is the
visit. Every number given leaves one; a move to another room ends one and begins one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from ..base import clock
from ..fhir import systems as s
from . import rules
from .cover import EXT_LINE, LINES, Cover
from .tables import lines, objects

TASKS = "https://longbien.org/fhir/CodeSystem/task"
TICKET = "queue-ticket"
TICKET_STATES = s.BASE + "/CodeSystem/queue-state"
PRIORITIES = s.BASE + "/CodeSystem/visit-priority"
NEEDS = s.BASE + "/CodeSystem/visit-need"
INSURER = "Bảo hiểm xã hội Việt Nam"
Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes: the account's practitioner and facility (ids, "" for none), and the name."""

    practitioner: str
    name: str
    organization: str

    @property
    def reference(self) -> Resource:
        return (
            {"reference": f"Practitioner/{self.practitioner}", "display": self.name}
            if self.practitioner
            else {"display": self.name}
        )


@dataclass(frozen=True, slots=True)
class Room:
    """A consulting room: Location id and name, its department (Organization id and name), the code of the department's kind; its
    hours (booking.Session), () where its Location says none."""

    id: str
    name: str
    department: str
    department_name: str
    kind: str = ""
    hours: tuple[tuple[frozenset[str], time, time], ...] = ()

    @property
    def short(self) -> str:
        """The room's own number, as it stands on the door: `205`."""
        return self.name.split()[-1] if self.name else ""


def concept(system: str, code: str, display: str, text: str = "") -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": text or display}


def visit(
    id_: str,
    patient: str,
    room: Room,
    author: Author,
    now: datetime,
    *,
    number: str,
    reason: str = "",
    kind: str = "AMB",
    priority: str | None = None,
    coverage: str = "",
    line: str | None = None,
    appointment: str = "",
) -> Resource:
    """An Encounter that has just begun: arrived, in the room's queue."""
    names = {"AMB": "ambulatory", "EMER": "emergency"}
    made: Resource = {
        "resourceType": "Encounter",
        "id": id_,
        "identifier": [{"system": s.ENCOUNTER_NUMBER, "value": number}],
        "status": "arrived",
        "statusHistory": [{"status": "arrived", "period": {"start": clock.instant(now)}}],
        "class": {"system": s.ACT_CODE, "code": kind, "display": names[kind]},
        "subject": {"reference": f"Patient/{patient}"},
        "participant": [{"type": [concept(s.PARTICIPATION, "ADM", "admitter")], "individual": author.reference}],
        "period": {"start": clock.instant(now)},
        "location": [
            {
                "location": {"reference": f"Location/{room.id}", "display": room.name},
                "status": "active",
                "period": {"start": clock.instant(now)},
            }
        ],
        "serviceProvider": {"reference": f"Organization/{author.organization}"},
    }
    if room.kind:
        made["serviceType"] = concept(s.DEPARTMENT_KIND, room.kind, room.department_name)
    if reason:
        made["reasonCode"] = [{"text": reason}]
    if priority:
        made["priority"] = concept(PRIORITIES, priority, rules.BY_CODE[priority].title)
    if appointment:
        made["appointment"] = [{"reference": f"Appointment/{appointment}"}]
    if line:
        name = lines(clock.local(now).date())[line].vi
        extension: Resource = {
            "url": EXT_LINE,
            "extension": [{"url": "line", "valueCoding": {"system": LINES, "code": line, "display": name}}],
        }
        if coverage:
            extension["extension"].append({"url": "coverage", "valueReference": {"reference": f"Coverage/{coverage}"}})
        made["extension"] = [extension]
    if not author.practitioner:
        del made["participant"]
    return made


def moved_to(encounter: Resource, room: Room, now: datetime) -> Resource:
    """The visit, now in another room: the earlier place is kept with its end."""
    at = clock.instant(now)
    places = []
    for place in encounter.get("location") or ():
        if place.get("status") == "active":
            place = {**place, "status": "completed", "period": {**(place.get("period") or {}), "end": at}}
        places.append(place)
    places.append(
        {"location": {"reference": f"Location/{room.id}", "display": room.name}, "status": "active", "period": {"start": at}}
    )
    made = {**encounter, "location": places}
    if room.kind:
        made["serviceType"] = concept(s.DEPARTMENT_KIND, room.kind, room.department_name)
    return made


def with_status(encounter: Resource, status: str, now: datetime) -> Resource:
    """The visit with another status, the way there kept in statusHistory."""
    at = clock.instant(now)
    past = [dict(h) for h in encounter.get("statusHistory") or ()]
    for h in past:
        if "end" not in (h.get("period") or {}):
            h["period"] = {**(h.get("period") or {}), "end": at}
    made = {**encounter, "status": status, "statusHistory": [*past, {"status": status, "period": {"start": at}}]}
    if status in ("finished", "cancelled"):
        made["period"] = {**(encounter.get("period") or {}), "end": at}
    return made


def queue(room: str, day: str) -> str:
    """The value of Task.groupIdentifier: the queue of one room on one day (ISO)."""
    return f"{room}.{day}"


def ticket(
    id_: str,
    patient: str,
    encounter: str,
    room: Room,
    author: Author,
    now: datetime,
    *,
    label: str,
    day: str,
    priority: str | None = None,
    needs: tuple[str, ...] = (),
    turn: datetime | None = None,
) -> Resource:
    """The Task that is a number in a queue, waiting. turn: where it stands, when that is not as of now."""
    made: Resource = {
        "resourceType": "Task",
        "id": id_,
        "identifier": [{"system": s.QUEUE_TICKET, "value": f"{queue(room.id, day)}.{label}"}],
        "groupIdentifier": {"system": s.QUEUE, "value": queue(room.id, day)},
        "status": "requested",
        "businessStatus": _business("waiting"),
        "intent": "order",
        "priority": "urgent" if priority else "routine",
        "code": concept(TASKS, TICKET, "Queue ticket", "Số thứ tự khám"),
        "description": label,
        "focus": {"reference": f"Encounter/{encounter}"},
        "for": {"reference": f"Patient/{patient}"},
        "encounter": {"reference": f"Encounter/{encounter}"},
        "authoredOn": clock.instant(now),
        "lastModified": clock.instant(now),
        "requester": author.reference,
        "location": {"reference": f"Location/{room.id}", "display": room.name},
    }
    if not author.practitioner:
        del made["requester"]
    said = []
    if priority:
        said.append(
            {"type": {"text": "priority"}, "valueCodeableConcept": concept(PRIORITIES, priority, rules.BY_CODE[priority].title)}
        )
    said += [
        {"type": {"text": "need"}, "valueCodeableConcept": {"coding": [{"system": NEEDS, "code": n}], "text": n}} for n in needs
    ]
    if turn is not None:
        made["restriction"] = {"period": {"start": clock.instant(turn)}}
    if said:
        made["input"] = said
    return made


def _business(state: str) -> Resource:
    return {"coding": [{"system": TICKET_STATES, "code": state, "display": rules.STATES[state].title}]}


def ticket_in(task: Resource, state: str, author: Author, now: datetime) -> Resource:
    """The number in another state: who calls becomes its owner, when it was called and ended is its executionPeriod."""
    made = {**task, "status": rules.STATES[state].task, "businessStatus": _business(state), "lastModified": clock.instant(now)}
    period = dict(task.get("executionPeriod") or {})
    if state == "called":
        period["start"] = clock.instant(now)
        period.pop("end", None)
    elif state in ("done", "left"):
        period.setdefault("start", clock.instant(now))
        period["end"] = clock.instant(now)
    elif state == "inside":
        period.setdefault("start", clock.instant(now))
    else:
        period = {}
    if period:
        made["executionPeriod"] = period
    else:
        made.pop("executionPeriod", None)
    if state in ("called", "inside") and author.practitioner:
        made["owner"] = author.reference
    return made


def coverage(card: Cover, id_: str, patient: str) -> Resource:
    """The Coverage of one insurance card."""
    system = s.INSURANCE_NUMBER if len(card.number) == 15 else s.SOCIAL_INSURANCE_NUMBER
    made: Resource = {
        "resourceType": "Coverage",
        "id": id_,
        "identifier": [{"system": system, "value": card.number}],
        "status": "active",
        "type": {"coding": [{"system": s.ACT_CODE, "code": "PUBLICPOL"}], "text": "Bảo hiểm y tế"},
        "subscriberId": card.number,
        "beneficiary": {"reference": f"Patient/{patient}"},
        "relationship": {"coding": [{"system": s.HL7 + "subscriber-relationship", "code": "self"}]},
        "payor": [{"display": INSURER}],
    }
    period = {k: v.isoformat() for k, v in (("start", card.begins), ("end", card.ends)) if v is not None}
    if period:
        made["period"] = period
    if card.network:
        made["network"] = card.network
    if card.level is not None:
        made["extension"] = [{"url": s.EXT_BENEFIT_LEVEL, "valueInteger": card.level}]
    if card.object and card.level is not None:
        known = objects().get(card.object)
        name = f"{known.name if known else card.object}, mức {card.level}, quỹ trả {card.percent}%"
        made["class"] = [
            {
                "type": {"coding": [{"system": s.HL7 + "coverage-class", "code": "group"}]},
                "value": card.number[:3],
                "name": name,
            }
        ]
    return made


RELATIONS = (
    ("MTH", "mẹ", "mother"),
    ("FTH", "bố", "father"),
    ("SPS", "vợ hoặc chồng", "wife or husband"),
    ("CHILD", "con", "child"),
    ("SIB", "anh, chị, em", "brother or sister"),
    ("GRPRN", "ông, bà", "grandparent"),
    ("GUARD", "người giám hộ", "guardian"),
    ("FAMMEMB", "người nhà", "family member"),
)
"""HL7 v3 RoleCode of who cares for somebody, in Vietnamese and English."""
RELATION_NAMES = {code: vi for code, vi, _ in RELATIONS}


def carer(id_: str, patient: str, name: Mapping[str, Any], telephone: str, relation: str) -> Resource:
    """A RelatedPerson: who cares for a child, or is called in need."""
    text = RELATION_NAMES.get(relation, "người nhà")
    made: Resource = {
        "resourceType": "RelatedPerson",
        "id": id_,
        "active": True,
        "patient": {"reference": f"Patient/{patient}"},
        "relationship": [{"coding": [{"system": s.ROLE_CODE, "code": relation}], "text": text}],
        "name": [dict(name)],
    }
    if telephone:
        made["telecom"] = [{"system": "phone", "value": telephone, "use": "mobile"}]
    return made


def appointment(
    id_: str,
    patient: str,
    room: Room,
    start: datetime,
    minutes: int,
    *,
    now: datetime,
    reason: str = "",
    practitioner: Resource | None = None,
    slot: str = "",
    based_on: str = "",
) -> Resource:
    """A booked Appointment in a room."""
    actors: list[Resource] = [
        {"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"},
        {"actor": {"reference": f"Location/{room.id}", "display": room.name}, "status": "accepted"},
    ]
    if practitioner:
        actors.append({"actor": practitioner, "status": "accepted"})
    made: Resource = {
        "resourceType": "Appointment",
        "id": id_,
        "status": "booked",
        "serviceType": [concept(s.DEPARTMENT_KIND, room.kind, room.department_name)]
        if room.kind
        else [{"text": room.department_name}],
        "start": clock.instant(start),
        "end": clock.instant(start + timedelta(minutes=minutes)),
        "minutesDuration": minutes,
        "created": clock.instant(now),
        "participant": actors,
    }
    if reason:
        made["reasonCode"] = [{"text": reason}]
    if slot:
        made["slot"] = [{"reference": f"Slot/{slot}"}]
    if based_on:
        made["basedOn"] = [{"reference": f"ServiceRequest/{based_on}"}]
    return made
