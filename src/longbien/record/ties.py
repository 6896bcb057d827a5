"""Who has to do with a patient by name: the rows of table `tie`, made of what a resource says. Pure.

`care` says at which facility a patient is cared for, and opens a record; a tie says by whom, in which department or place, and what
work is waiting, and only ever narrows (access/rows.py) or explains (access/relations.py). A tie's other end is a key: key64 of
"Practitioner/<id>", "PractitionerRole/<id>", "Organization/<id>", "Location/<id>", or of a kind of work ("work/laboratory")."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from longbien.base.ids import key64
from longbien.fhir.references import literal

from .search.params.dates import EARLIEST, LATEST, of_value

ENDS = frozenset({"Practitioner", "PractitionerRole", "Organization", "Location"})
LINGER = timedelta(days=30)
"""How long after the day it was written an order that is done still counts; settings.care_days come on top."""
VOID = frozenset({"entered-in-error", "cancelled", "revoked", "rejected", "proposed"})
"""An order or a visit of such a status ties nobody to the patient."""
ENDED = frozenset({"completed", "finished", "stopped", "fulfilled", "noshow", "inactive"})

DONE = frozenset({"DiagnosticReport", "ImagingStudy", "MedicationDispense"})
"""What is there is done."""

Span = tuple[datetime, datetime]


class Tie(NamedTuple):
    """who: key of the other end. lo, hi: from when until when."""

    who: int
    lo: datetime
    hi: datetime


class _Kind(NamedTuple):
    """period: the elements that may say when, the surest first; paths: the elements that name somebody."""

    period: str
    paths: tuple[str, ...]


KINDS: dict[str, _Kind] = {
    "Encounter": _Kind("period", ("participant.individual", "location.location", "serviceProvider")),
    "EpisodeOfCare": _Kind("period", ("careManager", "managingOrganization")),
    "CareTeam": _Kind("period", ("participant.member", "participant.onBehalfOf", "managingOrganization")),
    "CarePlan": _Kind("period", ("author", "contributor")),
    "Appointment": _Kind("start", ("participant.actor",)),
    "ServiceRequest": _Kind("authoredOn", ("requester", "performer", "locationReference")),
    "MedicationRequest": _Kind("authoredOn", ("requester", "performer", "dispenseRequest.performer")),
    "MedicationDispense": _Kind("whenHandedOver whenPrepared", ("performer.actor", "location")),
    "NutritionOrder": _Kind("dateTime", ("orderer",)),
    "DiagnosticReport": _Kind("issued effectiveDateTime effectivePeriod", ("performer", "resultsInterpreter")),
    "ImagingStudy": _Kind("started", ("interpreter", "referrer", "location")),
    "Procedure": _Kind("performedPeriod performedDateTime", ("performer.actor", "performer.onBehalfOf", "location")),
    "Specimen": _Kind("receivedTime", ("collection.collector",)),
    "Task": _Kind("authoredOn", ("requester", "owner", "location")),
    "Patient": _Kind("", ("generalPractitioner", "managingOrganization")),
}
"""Which resources tie whom to their patient. Observations and notes do not: there are too many, and who wrote them was there by an
encounter or an order."""

LABORATORY, IMAGING, PHARMACY = "laboratory", "imaging", "pharmacy"
WORKS: dict[str, tuple[str, ...]] = {
    LABORATORY: ("108252007", "laboratory", "LAB", "15220000"),
    IMAGING: ("363679005", "imaging", "RAD", "RUS", "CTH", "NMR"),
}
"""Codes of ServiceRequest.category (SNOMED CT, the observation categories, HL7 v2 table 0074) by whose work they are. An order of
no category may be anybody's of them."""
WORK_OF = {"MedicationRequest": PHARMACY, "MedicationDispense": PHARMACY, "Specimen": LABORATORY, "ImagingStudy": IMAGING}


def who(reference: str) -> int:
    """The key of one end: "Practitioner/<id>" and the like."""
    return key64(reference)


def work(kind: str) -> int:
    return key64("work/" + kind)


def of(resource: dict[str, Any]) -> list[Tie]:
    """The ties of one resource, each end once; none where it is void."""
    type_ = resource["resourceType"]
    kind = KINDS.get(type_)
    if kind is None or resource.get("status") in VOID:
        return []
    span = _span(resource, kind.period)
    found: dict[int, Span] = {}
    for path in kind.paths:
        for holder, text in _named(resource, path):
            at = literal(text)
            if at and not at[0] and at[1] in ENDS:
                _widen(found, who(f"{at[1]}/{at[2]}"), _own_span(holder, span))
    for name in _works(type_, resource):
        _widen(found, work(name), span)
    return [Tie(end, lo, hi) for end, (lo, hi) in found.items()]


def rows(rid: int, pat: int | None, resource: dict[str, Any]) -> list[tuple[int, int, datetime, datetime, int]]:
    """Rows of table tie, in the order of its columns."""
    return [] if pat is None else [(pat, t.who, t.lo, t.hi, rid) for t in of(resource)]


def _widen(found: dict[int, Span], end: int, span: Span) -> None:
    lo, hi = found.get(end, span)
    found[end] = (min(lo, span[0]), max(hi, span[1]))


def _span(resource: dict[str, Any], elements: str) -> Span:
    """What is done counts for LINGER after its day; what goes on has no end."""
    value = next((v for name in elements.split() if (v := resource.get(name)) is not None), None)
    given = of_value(value, "Period") if isinstance(value, dict) else of_value(value, "dateTime")
    lo, hi = given or (EARLIEST, LATEST)
    if isinstance(value, dict) and hi < LATEST:
        return lo, hi
    over = resource.get("status") in ENDED or resource["resourceType"] in DONE
    return lo, (min(lo, LATEST - LINGER) + LINGER if lo > EARLIEST else lo) if over else LATEST


def _own_span(holder: dict[str, Any], span: Span) -> Span:
    """Encounter.location and participants have periods of their own: a bed for three days of a stay."""
    value = holder.get("period")
    given = of_value(value, "Period") if isinstance(value, dict) else None
    return given if given and given[0] > EARLIEST else span


def _named(resource: dict[str, Any], path: str) -> Iterator[tuple[dict[str, Any], str]]:
    """(the object that holds the reference, the reference) at the end of a path, through lists."""
    first, _, rest = path.partition(".")
    value = resource.get(first)
    for one in value if isinstance(value, list) else [value]:
        if not isinstance(one, dict):
            continue
        if rest:
            yield from _named(one, rest)
        elif isinstance(text := one.get("reference"), str):
            yield resource, text


def _works(type_: str, resource: dict[str, Any]) -> tuple[str, ...]:
    if type_ in WORK_OF:
        return (WORK_OF[type_],)
    if type_ not in ("ServiceRequest", "DiagnosticReport"):
        return ()
    codes = {c.get("code") for concept in _list(resource.get("category")) for c in _list(concept.get("coding"))}
    if not codes:
        return tuple(WORKS) if type_ == "ServiceRequest" else ()
    return tuple(name for name, known in WORKS.items() if codes & set(known))


def _list(value: Any) -> list[dict[str, Any]]:
    return [x for x in value if isinstance(x, dict)] if isinstance(value, list) else []
