"""The frame of a life: one person, the encounters and the problems of years, in the shapes that the record expects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from longbien.demo import facilities
from longbien.demo.body import Body
from longbien.demo.chance import Chance, stable_id
from longbien.demo.facilities import Bed, Staff
from longbien.demo.people import Person
from longbien.demo.shapes import CLASSES, Resource, at, concept, stamp
from longbien.demo.starter import by
from longbien.fhir import systems as s


@dataclass(slots=True)
class Visit:
    """One encounter being written. `resource` may still change until the person is handed out."""

    resource: Resource
    mark: str
    dept: str
    start: datetime
    doctor: Staff
    end: datetime | None = None

    @property
    def reference(self) -> dict[str, str]:
        return {"reference": f"Encounter/{self.resource['id']}"}

    @property
    def day(self) -> date:
        return self.start.date()


@dataclass(slots=True)
class Line:
    """A drug being taken: its open MedicationRequest."""

    drug: str
    sig: str
    resource: Resource
    since: datetime
    renewed: datetime


@dataclass(slots=True)
class Pen:
    """Who is written about, what has been written, and the frame of it: encounters and problems."""

    person: Person
    today: date
    chance: Chance
    body: Body
    out: list[Resource] = field(default_factory=list)
    problems: dict[str, Resource] = field(default_factory=dict)
    lines: dict[str, Line] = field(default_factory=dict)
    inside_until: date = date.min  # the last day of the latest admission: nobody visits a clinic from a ward bed
    doctors: dict[tuple[str, str], Staff] = field(default_factory=dict)
    _n: int = 0

    # --- ids, staff

    def new(self, kind: str, **body: Any) -> Resource:
        self._n += 1
        resource = {"resourceType": kind, "id": stable_id(self.person.id, self._n), **body}
        self.out.append(resource)
        return resource

    @property
    def subject(self) -> dict[str, str]:
        return self.person.reference

    def age(self, on: date) -> int:
        return self.person.age(on)

    def doctor(self, mark: str, dept: str) -> Staff:
        """Most often the doctor seen before in this department."""
        usual = self.doctors.get((mark, dept))
        if usual is None or self.chance.happens(0.2):
            usual = self.chance.choice(facilities.team(mark, dept, "doctor"))
            self.doctors.setdefault((mark, dept), usual)
        return usual

    def nurse(self, mark: str, dept: str) -> Staff:
        return self.chance.choice(facilities.team(mark, dept, "nurse"))

    def weekday(self, day: date) -> date:
        """That day, or Monday for a Sunday on which clinics are closed; Saturday where that Monday is not yet past."""
        if day.weekday() != 6:
            return day
        monday = day + timedelta(days=1)
        return monday if monday < self.today else day - timedelta(days=1)

    def clinic_time(self, day: date) -> datetime:
        if self.chance.happens(0.7):
            return at(day, self.chance.randint(7, 10), self.chance.randint(0, 59))
        return at(day, self.chance.randint(13, 15), self.chance.randint(0, 59))

    # --- encounters and problems

    def visit(
        self,
        mark: str,
        dept: str,
        start: datetime,
        reason: str,
        *,
        minutes: int = 45,
        kind: str = "AMB",
        doctor: Staff | None = None,
        status: str = "finished",
        end: datetime | None = None,
        bed: Bed | None = None,
        **more: Any,
    ) -> Visit:
        """An Encounter. Without `end` it lasts `minutes`; with status other than finished it is open."""
        place = facilities.department(mark, dept)
        attending = doctor or self.doctor(mark, place.code)
        finished = status == "finished"
        until = end or (start + timedelta(minutes=minutes)) if finished else None
        period = {"start": stamp(start)}
        if until:
            period["end"] = stamp(until)
        code, display = CLASSES[kind]
        self._n += 1
        encounter: Resource = {
            "resourceType": "Encounter",
            "id": stable_id(self.person.id, self._n),
            "identifier": [
                {"system": s.ENCOUNTER_NUMBER, "value": f"{mark}{start:%y%m%d}{self.person.i:06d}{self._n % 10000:04d}"}
            ],
            "status": status,
            "class": {"system": s.ACT_CODE, "code": code, "display": display},
            "serviceType": concept(s.DEPARTMENT_KIND, place.code, place.name, place.name),
            "subject": self.subject,
            "participant": [
                {
                    "type": [concept(s.PARTICIPATION, "ATND", "attender")],
                    "individual": attending.reference,
                }
            ],
            "period": period,
            "reasonCode": [{"text": reason}],
        }
        if bed:
            spot: Resource = {"location": {"reference": f"Location/{bed.id}", "display": bed.label}}
            spot["status"] = "completed" if finished else "active"
            spot["period"] = dict(period)
            encounter["location"] = [spot]
        elif place.clinic and kind == "AMB":
            name = f"Phòng khám {place.clinic}"
            encounter["location"] = [
                {"location": {"reference": f"Location/{facilities.clinic_id(mark, place.code)}", "display": name}}
            ]
        encounter["serviceProvider"] = facilities.organization_reference(mark)
        encounter.update(more)
        self.out.append(encounter)
        return Visit(encounter, mark, place.code, start, attending, until)

    def problem(self, icd: str, text: str, onset: date, visit: Visit | None = None) -> Resource:
        """A lasting Condition on the problem list, once for each code."""
        if icd in self.problems:
            return self.problems[icd]
        return self._condition(icd, text, onset, "problem-list-item", visit)

    def diagnosis(self, icd: str, text: str, visit: Visit, resolved: date | None = None) -> Resource:
        """A Condition of one encounter, resolved after it."""
        c = self._condition(icd, text, visit.day, "encounter-diagnosis", visit, keep=False)
        if resolved and resolved <= self.today:
            c["clinicalStatus"] = concept(s.CONDITION_CLINICAL, "resolved", "Resolved")
            c["abatementDateTime"] = resolved.isoformat()
        return c

    def _condition(self, icd: str, text: str, onset: date, category: str, visit: Visit | None, keep: bool = True) -> Resource:
        entry = by("icd10_vn")[icd]
        self._n += 1
        condition: Resource = {
            "resourceType": "Condition",
            "id": stable_id(self.person.id, self._n),
            "clinicalStatus": concept(s.CONDITION_CLINICAL, "active", "Active"),
            "verificationStatus": concept(s.CONDITION_VERIFICATION, "confirmed", "Confirmed"),
            "category": [concept(s.CONDITION_CATEGORY, category, category.replace("-", " ").title())],
            "code": concept(s.ICD10_VN, icd, entry["name_vi"], text),
            "subject": self.subject,
            "onsetDateTime": onset.isoformat(),
            "recordedDate": stamp(visit.start) if visit else onset.isoformat(),
        }
        if visit:
            condition["encounter"] = visit.reference
            condition["recorder"] = visit.doctor.reference
        self.out.append(condition)
        if keep:
            self.problems[icd] = condition
            self.body.since.setdefault(icd, onset)
        return condition

    def diagnoses(self, visit: Visit, conditions: Sequence[Resource], role: tuple[str, str] = ("CC", "Chief complaint")) -> None:
        """Encounter.diagnosis: the first is the main one. An inpatient's are discharge diagnoses."""
        if visit.resource["class"]["code"] == "IMP":
            role = ("DD", "Discharge diagnosis") if visit.end else ("AD", "Admission diagnosis")
        visit.resource["diagnosis"] = [
            {
                "condition": {"reference": f"Condition/{c['id']}", "display": c["code"]["text"]},
                "use": concept(s.DIAGNOSIS_ROLE, *role),
                "rank": rank,
            }
            for rank, c in enumerate(conditions, 1)
        ]
