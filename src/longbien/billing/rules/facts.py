"""What the rules judge, read from resources. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from longbien.base import clock
from longbien.fhir import systems as s
from longbien.web.chart import record as r

Resource = Mapping[str, Any]
Codes = frozenset[tuple[str, str]]
ICD = (s.ICD10_VN, s.ICD10)
CONSULT = "11429006"
GONE = frozenset({"cancelled", "revoked", "entered-in-error", "draft", "unknown"})
DONE = frozenset({"final", "amended", "corrected", "appended"})


@dataclass(frozen=True, slots=True)
class Order:
    """One order. ref: Type/id, or the draft's place. days: how long a prescription lasts, 0 where nobody says."""

    ref: str
    kind: str
    codes: Codes
    name: str
    at: datetime
    who: str = ""
    encounter: str = ""
    days: int = 0
    community: bool = False
    reasons: frozenset[str] = frozenset()

    @property
    def local(self) -> frozenset[str]:
        """Codes of the house's own catalogue: what a rule names in `codes`."""
        return frozenset(code for system, code in self.codes if system in (s.LAB, s.IMAGING, s.SERVICE, s.DRUG))

    @property
    def atc(self) -> frozenset[str]:
        return frozenset(code for system, code in self.codes if system == s.ATC)

    @property
    def key(self) -> str:
        """What it is an order of: one code that stays the same."""
        return min(self.local or {c for _, c in self.codes} or {self.name})


@dataclass(frozen=True, slots=True)
class Result:
    codes: Codes
    value: Decimal | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Staff:
    """hours: (days of the week, from, until) as "mon", "07:00"; () where none are registered."""

    name: str
    licence: str
    hours: tuple[tuple[frozenset[str], str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """Something that takes time: a bed lain in, an operation. ref: Type/id of what says so."""

    name: str
    begin: datetime
    end: datetime | None
    ref: str = ""
    who: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """When a test was ordered, taken and answered."""

    ref: str
    name: str
    ordered: datetime | None
    taken: datetime | None
    answered: datetime | None


@dataclass(slots=True)
class Case:
    """All that is known of one patient for the rules: orders are those judged, past all others. level: of the facility. begin, end:
    of the visit. operations: of this visit, other_operations: of the same surgeons on other patients."""

    orders: Sequence[Order]
    past: Sequence[Order] = ()
    diagnoses: frozenset[str] = frozenset()
    level: str = ""
    results: Sequence[Result] = ()
    staff: Mapping[str, Staff] = field(default_factory=dict)
    begin: datetime | None = None
    end: datetime | None = None
    main: str = ""
    steps: Sequence[Step] = ()
    beds: Sequence[Span] = ()
    operations: Sequence[Span] = ()
    other_operations: Sequence[Span] = ()


def codes(concept: Any) -> Codes:
    return frozenset((str(c.get("system") or ""), str(c["code"])) for c in (concept or {}).get("coding") or () if c.get("code"))


def icd(resource: Resource) -> set[str]:
    """ICD-10 codes of a Condition that counts."""
    verified = r.code_of(resource.get("verificationStatus"))
    if verified in ("refuted", "entered-in-error"):
        return set()
    return {code for system, code in codes(resource.get("code")) if system in ICD}


def order(resource: Resource, ref: str = "") -> Order:
    """A ServiceRequest or MedicationRequest as the rules see it."""
    drug = resource.get("resourceType") == "MedicationRequest"
    what = resource.get("medicationCodeableConcept") if drug else resource.get("code")
    categories = {c for k in resource.get("category") or () for _, c in codes(k)}
    supply = resource.get("dispenseRequest") or {}
    return Order(
        ref=ref or f"{resource.get('resourceType')}/{resource.get('id')}",
        kind="drug" if drug else "consult" if CONSULT in categories else "service",
        codes=codes(what),
        name=r.concept(what),
        at=r.moment(resource.get("authoredOn")) or clock.now(),
        who=r.reference_id(resource.get("requester")),
        encounter=r.reference_id(resource.get("encounter")),
        days=_days(supply),
        community=drug and "inpatient" not in categories,
        reasons=frozenset(c for k in resource.get("reasonCode") or () for x, c in codes(k) if x in ICD),
    )


def _days(supply: Resource) -> int:
    said = supply.get("expectedSupplyDuration") or {}
    if said.get("value") is not None and said.get("code", "d") == "d":
        return int(Decimal(str(said["value"])))
    period = supply.get("validityPeriod") or {}
    begin, end = r.moment(period.get("start")), r.moment(period.get("end"))
    return (end - begin).days if begin and end else 0


def counts(resource: Resource) -> bool:
    """Does this order stand?"""
    return resource.get("status") not in GONE and resource.get("intent") not in ("proposal", "plan", "option")


def result(resource: Resource) -> Result | None:
    at = r.moment(resource.get("effectiveDateTime") or resource.get("issued"))
    value = (resource.get("valueQuantity") or {}).get("value")
    if at is None or resource.get("status") not in DONE:
        return None
    return Result(codes(resource.get("code")), None if value is None else Decimal(str(value)), at)


def staff(practitioner: Resource, roles: Iterable[Resource] = ()) -> Staff:
    licence = next((str(i.get("value")) for i in practitioner.get("identifier") or () if i.get("system") == s.PRACTICE_LICENCE), "")
    said = [h for role in roles for h in role.get("availableTime") or ()]
    hours = tuple(
        (
            frozenset(h.get("daysOfWeek") or ()),
            _clock(h.get("availableStartTime"), "00:00"),
            _clock(h.get("availableEndTime"), "24:00"),
        )
        for h in said
    )
    return Staff(r.human(practitioner.get("name")), licence, () if any(h.get("allDay") for h in said) else hours)


def _clock(text: Any, default: str) -> str:
    found = re.match(r"\d\d:\d\d", str(text or ""))
    return found[0] if found else default


def period(resource: Resource, key: str = "period") -> tuple[datetime | None, datetime | None]:
    said = resource.get(key) or {}
    return r.moment(said.get("start")), r.moment(said.get("end"))


def beds(encounter: Resource) -> list[Span]:
    """The places of a stay that a patient lay in, in their order."""
    out = []
    for place in encounter.get("location") or ():
        begin, end = period(place)
        if place.get("status") in ("active", "completed") and begin is not None:
            where = place.get("location") or {}
            out.append(Span(str(where.get("display") or r.reference_id(where)), begin, end))
    return sorted(out, key=lambda x: x.begin)


def operation(procedure: Resource) -> Span | None:
    """A procedure that took some time, with who did it."""
    begin, end = period(procedure, "performedPeriod")
    if procedure.get("status") not in ("completed", "in-progress") or begin is None or end is None or end <= begin:
        return None
    who = tuple(
        r.reference_id(p.get("actor")) for p in procedure.get("performer") or () if _surgeon(p) and r.reference_id(p.get("actor"))
    )
    return Span(r.concept(procedure.get("code")), begin, end, f"Procedure/{procedure.get('id')}", who)


def _surgeon(performer: Resource) -> bool:
    """Who operates: said to be the surgeon, or nothing is said of what they did."""
    function = (performer.get("function") or {}).get("coding") or ()
    return not function or any(c.get("code") in ("304292004", "PPRF", "surgeon") for c in function)


def steps(orders: Sequence[Resource], specimens: Sequence[Resource], reports: Sequence[Resource]) -> list[Step]:
    """Each order of a test or picture with when it was taken and answered."""
    out = []
    for o in orders:
        ref = f"ServiceRequest/{o.get('id')}"
        mine = [x for x in specimens if _names(x, "request", ref)]
        said = [x for x in reports if _names(x, "basedOn", ref) and x.get("status") in DONE]
        taken = [t for x in mine if (t := _taken(x))]
        answered = [t for x in said if (t := r.moment(x.get("issued") or x.get("effectiveDateTime")))]
        out.append(
            Step(
                ref, r.concept(o.get("code")), r.moment(o.get("authoredOn")), min(taken, default=None), min(answered, default=None)
            )
        )
    return out


def _taken(specimen: Resource) -> datetime | None:
    collection = specimen.get("collection") or {}
    return r.moment(collection.get("collectedDateTime")) or period(collection, "collectedPeriod")[0]


def _names(resource: Resource, key: str, ref: str) -> bool:
    return any(x.get("reference") == ref for x in resource.get(key) or ())
