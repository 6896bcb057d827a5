"""A request as a FHIR Task: made, read, moved from state to state by a table. Pure.

Task.code says what is asked for, Task.for whose record, Task.owner the facility that answers, Task.restriction.period.end by when;
what was decided is in Task.output, every step with its words in Task.note. http://hl7.org/fhir/R4/task.html"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, NamedTuple

from longbien.base import clock
from longbien.base.errors import Conflict, Invalid
from longbien.base.words import mark, parse_instant
from longbien.fhir.systems import BASE

from .clocks import Due, due

SYSTEM = BASE + "/CodeSystem/patient-right"
STEP = BASE + "/CodeSystem/patient-right-step"
Resource = dict[str, Any]
LONGEST = 2000
"""Characters of a request, of a reason."""

#: kind -> (code's display, what a patient reads on the button, what stands below it)
KINDS: dict[str, tuple[str, str, str]] = {
    "view": ("Xem hồ sơ", mark("See something in the record"), mark("that is not shown on this phone")),
    "copy": ("Bản sao hồ sơ", mark("Have a copy on paper"), mark("printed and stamped by the hospital")),
    "correct": ("Đính chính", mark("Correct a mistake"), mark("a wrong name, date, allergy, note ...")),
    "restrict": ("Hạn chế xử lý", mark("Close the record"), mark("nobody opens it but in an emergency")),
    "withdraw": ("Rút lại sự đồng ý", mark("Withdraw consent"), mark("to what was agreed to before")),
    "erase": ("Xoá dữ liệu", mark("Erase the record"), mark("once the law allows it")),
    "question": ("Hỏi về một lần xem", mark("Ask about a look"), mark("who looked, and why")),
}
Act = Literal["acknowledge", "extend", "grant", "refuse", "cancel"]
#: (status, act) -> next status. What is not here may not be done.
STEPS: dict[tuple[str, str], str] = {
    ("requested", "acknowledge"): "received",
    ("requested", "grant"): "completed",
    ("requested", "refuse"): "rejected",
    ("requested", "cancel"): "cancelled",
    ("received", "extend"): "in-progress",
    ("received", "grant"): "completed",
    ("received", "refuse"): "rejected",
    ("received", "cancel"): "cancelled",
    ("in-progress", "grant"): "completed",
    ("in-progress", "refuse"): "rejected",
    ("in-progress", "cancel"): "cancelled",
}
OPEN = frozenset({"requested", "received", "in-progress"})
STATES = {
    "requested": mark("sent, not yet confirmed"),
    "received": mark("received, being worked on"),
    "in-progress": mark("put off once, being worked on"),
    "completed": mark("granted"),
    "rejected": mark("refused"),
    "cancelled": mark("taken back"),
}


class Step(NamedTuple):
    at: datetime
    who: str
    text: str

    @property
    def act(self) -> str:
        return self.text.partition(": ")[0]

    @property
    def said(self) -> str:
        return self.text.partition(": ")[2]


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read. overdue: the day by which the next answer is due is past (the receipt's first, then the answer's)."""

    id: str
    version: int
    kind: str
    status: str
    patient: str
    facility: str
    text: str
    asker: str
    channel: str
    filed: datetime
    receipt: date
    answer: date
    latest: date
    steps: tuple[Step, ...]
    outcome: str
    about: str

    @property
    def open(self) -> bool:
        return self.status in OPEN

    @property
    def next_due(self) -> date:
        return self.receipt if self.status == "requested" else self.latest if self.status == "in-progress" else self.answer

    def overdue(self, today: date) -> bool:
        return self.open and self.next_due < today

    def may(self, act: str) -> bool:
        return (self.status, act) in STEPS


def made(
    kind: str, patient: str, facility: str, text: str, *, asker: Resource, channel: str, now: datetime, came: date | None = None,
    about: str = "", facility_name: str = "",
) -> Resource:  # fmt: skip
    """A new Task. `asker`: a FHIR Reference. channel: phone or paper. came: the day on which it came in on paper. about: what it is
    about (Observation/1, or a line of the trail). Raises Invalid."""
    if kind not in KINDS:
        raise Invalid("Say what is asked for.", code="value")
    said = " ".join(text.replace("\0", "").split())
    if kind in ("correct", "question", "view") and len(said) < 5:
        raise Invalid("Say in a few words what it is about.", code="required")
    if len(said) > LONGEST:
        raise Invalid(f"Say it in at most {LONGEST} characters.", code="too-long")
    day = came or clock.local(now).date()
    if day > clock.local(now).date():
        raise Invalid("A request cannot have come in the future.", code="value")
    term: Due = due(kind, day)
    owner = {"reference": f"Organization/{facility}"} | ({"display": facility_name} if facility_name else {})
    task: Resource = {
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": SYSTEM, "code": kind, "display": KINDS[kind][0]}], "text": KINDS[kind][0]},
        "for": {"reference": f"Patient/{patient}"},
        "authoredOn": clock.instant(now),
        "lastModified": clock.instant(now),
        "requester": asker,
        "owner": owner,
        "restriction": {"period": {"start": day.isoformat(), "end": term.answer.isoformat()}},
        "input": [
            _part("channel", valueCode=channel),
            _part("receipt-due", valueDate=term.receipt.isoformat()),
            _part("latest", valueDate=term.extended.isoformat()),
            _part("law", valueString=term.law),
        ],
    }
    if said:
        task["description"] = said
    if about:
        task["input"].append(_part("about", valueString=about[:200]))
    return task


def _part(name: str, **value: Any) -> Resource:
    return {"type": {"coding": [{"system": STEP, "code": name}]}, **value}


def _of(task: Mapping[str, Any], where: str, name: str) -> str:
    for part in task.get(where) or ():
        if any(c.get("code") == name for c in (part.get("type") or {}).get("coding") or ()):
            return str(next((v for k, v in part.items() if k.startswith("value")), ""))
    return ""


def moved(task: Resource, act: str, text: str, *, who: str, now: datetime) -> Resource:
    """The Task after somebody's act, with their words. The given one stays as it is. Raises Conflict where the state does not allow
    it, Invalid where a reason is missing."""
    following = STEPS.get((str(task.get("status")), act))
    if following is None:
        raise Conflict(f"A request that is {task.get('status')} cannot be answered so.")
    said = " ".join(text.replace("\0", "").split())
    if act in ("refuse", "extend", "grant") and len(said) < 5:
        raise Invalid("An answer needs its reason, in words that the patient understands.", code="required")
    if len(said) > LONGEST:
        raise Invalid(f"Say it in at most {LONGEST} characters.", code="too-long")
    after = {**task, "status": following, "lastModified": clock.instant(now)}
    step = {"coding": [{"system": STEP, "code": act}]}
    note = {"authorString": who, "time": clock.instant(now), "text": f"{act}: {said}".removesuffix(": ")}
    after["note"] = [*(task.get("note") or ()), note]
    after["businessStatus"] = step
    if act == "extend":
        latest = _of(task, "input", "latest")
        after["restriction"] = {"period": {**(task.get("restriction") or {}).get("period", {}), "end": latest}}
    if act in ("refuse", "grant"):
        after["output"] = [*(task.get("output") or ()), _part("outcome", valueString=said)]
    if act == "refuse":
        after["statusReason"] = {"text": said}
    return after


def read(task: Mapping[str, Any]) -> Request | None:
    """None for a Task that is no patient's request, or that cannot be read as one."""
    kind = next((str(c.get("code")) for c in (task.get("code") or {}).get("coding") or () if c.get("system") == SYSTEM), "")
    if kind not in KINDS:
        return None
    try:
        period = (task.get("restriction") or {}).get("period") or {}
        filed = parse_instant(str(task.get("authoredOn")))
        receipt = date.fromisoformat(_of(task, "input", "receipt-due"))
        latest = date.fromisoformat(_of(task, "input", "latest"))
        answer = date.fromisoformat(str(period.get("end"))[:10])
    except ValueError:
        return None
    steps = tuple(_step(n) for n in task.get("note") or () if n.get("time"))
    asker = str((task.get("requester") or {}).get("display") or "")
    return Request(
        str(task.get("id", "")), int((task.get("meta") or {}).get("versionId") or 0), kind, str(task.get("status")),
        _id(task.get("for")), _id(task.get("owner")), str(task.get("description") or ""),
        asker, _of(task, "input", "channel"), filed, receipt, answer, latest, steps,
        _of(task, "output", "outcome"), _of(task, "input", "about"),
    )  # fmt: skip


def _step(note: Mapping[str, Any]) -> Step:
    return Step(parse_instant(str(note["time"])), str(note.get("authorString") or ""), str(note.get("text") or ""))


def _id(reference: Mapping[str, Any] | None) -> str:
    return str((reference or {}).get("reference") or "").rsplit("/", 1)[-1]
