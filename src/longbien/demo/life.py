"""The pen that writes a life: each method adds resources of one person, in the shapes that the record expects.

Every code element (`code`, `category`, `referenceRange`) is shared between resources: whoever takes them must not change them in place.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from html import escape
from typing import Any

from longbien.demo import facilities
from longbien.demo.body import Body, egfr
from longbien.demo.chance import Chance, stable_id
from longbien.demo.facilities import Bed, Staff
from longbien.demo.people import Person
from longbien.demo.starter import Band, band, by
from longbien.fhir import systems as s

Resource = dict[str, Any]
Number = int | Decimal

NOTES: dict[str, tuple[str, str, str]] = {
    # local code: title, LOINC document type, LOINC name
    "kham": ("Phiếu khám bệnh", "34108-1", "Outpatient Note"),
    "vao-vien": ("Bệnh án vào viện", "34117-2", "History and physical note"),
    "dieu-tri": ("Tờ điều trị", "11506-3", "Progress note"),
    "cham-soc": ("Phiếu chăm sóc", "34746-8", "Nurse Note"),
    "ra-vien": ("Tóm tắt ra viện", "18842-5", "Discharge summary"),
}
CLASSES = {
    "AMB": ("AMB", "ambulatory"),
    "IMP": ("IMP", "inpatient encounter"),
    "EMER": ("EMER", "emergency"),
    "VR": ("VR", "virtual"),
}
# The members that a result sheet prints first; the rest of a 28-line count adds weight to the demo and nothing to the reading.
PANELS: dict[str, tuple[str, ...]] = {
    "CBC": ("RBC", "HGB", "HCT", "MCV", "WBC", "NEUP", "LYMP", "PLT"),
    "LYTES": ("NA", "K", "CL"),
    "LIPID": ("CHOL", "TG", "HDL", "LDL"),
    "COAG": ("PT", "INR", "APTT", "FIB"),
    "ABG": ("PHA", "PCO2", "PO2", "HCO3", "BE", "SO2A", "LACA"),
}
VITAL_SIGNS = [
    {"coding": [{"system": s.OBSERVATION_CATEGORY, "code": "vital-signs", "display": "Vital Signs"}], "text": "Dấu hiệu sinh tồn"}
]
LABORATORY = [{"coding": [{"system": s.OBSERVATION_CATEGORY, "code": "laboratory", "display": "Laboratory"}], "text": "Xét nghiệm"}]
IMAGING = [{"coding": [{"system": s.OBSERVATION_CATEGORY, "code": "imaging", "display": "Imaging"}], "text": "Hình ảnh"}]
INTERPRETATIONS = {
    c: [{"coding": [{"system": s.INTERPRETATION, "code": c, "display": en}], "text": vi}]
    for c, en, vi in (
        ("HH", "Critical high", "nguy kịch cao"),
        ("H", "High", "cao"),
        ("N", "Normal", "bình thường"),
        ("L", "Low", "thấp"),
        ("LL", "Critical low", "nguy kịch thấp"),
        ("POS", "Positive", "dương tính"),
        ("NEG", "Negative", "âm tính"),
    )
}


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment on the Hanoi wall clock."""
    return datetime(day.year, day.month, day.day, hour, minute)  # noqa: DTZ001 - every stamp gets +07:00


def stamp(t: datetime) -> str:
    return t.isoformat(timespec="seconds") + "+07:00"


def exact(value: float, decimals: int) -> Number:
    """A number with just so many decimals, as the analyser prints it."""
    return round(value) if decimals == 0 else Decimal(f"{value:.{decimals}f}")


@cache
def lab_code(code: str) -> Resource:
    r = by("labs")[code]
    coding = [{"system": s.LAB, "code": code, "display": r["name_vi"]}]
    if r["loinc"]:
        coding.append({"system": s.LOINC, "code": r["loinc"], "display": r["name_en"]})
    return {"coding": coding, "text": r["short_name"] or r["name_vi"]}


@cache
def vital_code(code: str) -> Resource:
    r = by("vitals")[code]
    local = {"system": s.VITAL, "code": code, "display": r["name_vi"]}
    return {"coding": [{"system": s.LOINC, "code": r["loinc"], "display": r["name_en"]}, local], "text": r["name_vi"]}


@cache
def drug_code(code: str) -> Resource:
    r = by("drugs")[code]
    coding = [{"system": s.DRUG, "code": code, "display": f"{r['ingredient_vi']} {r['strength']}"}]
    if len(r["atc"]) == 7:
        coding.append({"system": s.ATC, "code": r["atc"], "display": r["atc_name"]})
    return {"coding": coding, "text": f"{r['ingredient_vi']} {r['strength']}"}


@cache
def imaging_code(code: str) -> Resource:
    name = by("imaging")[code]["name_vi"]
    return {"coding": [{"system": s.IMAGING, "code": code, "display": name}], "text": name}


@cache
def service_code(code: str) -> Resource:
    r = by("services")[code]
    coding = [{"system": s.SERVICE, "code": code, "display": r["name_vi"]}]
    if r["icd9cm"]:
        coding.append({"system": s.ICD9CM_PROCEDURES, "code": r["icd9cm"]})
    return {"coding": coding, "text": r["name_vi"]}


@cache
def range_of(found: Band, unit: str, ucum: str) -> list[Resource]:
    def side(text: str) -> Resource:
        value: Number = Decimal(text) if "." in text else int(text)
        return {"value": value, "unit": unit, "system": s.UCUM, "code": ucum}

    limits: Resource = {}
    if found.low_text:
        limits["low"] = side(found.low_text)
    if found.high_text:
        limits["high"] = side(found.high_text)
    return [limits] if limits else []


@cache
def _concept(system: str, code: str, display: str, text: str = "") -> Resource:
    concept: Resource = {"coding": [{"system": system, "code": code, "display": display}]}
    if text:
        concept["text"] = text
    return concept


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
class Life:
    """All resources of one person, in the order written."""

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
        """That day, or the next on which clinics are open (not Sunday)."""
        return day + timedelta(days=1) if day.weekday() == 6 else day

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
            "serviceType": _concept(s.DEPARTMENT_KIND, place.code, place.name, place.name),
            "subject": self.subject,
            "participant": [
                {
                    "type": [_concept(s.PARTICIPATION, "ATND", "attender")],
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
            c["clinicalStatus"] = _concept(s.CONDITION_CLINICAL, "resolved", "Resolved")
            c["abatementDateTime"] = resolved.isoformat()
        return c

    def _condition(self, icd: str, text: str, onset: date, category: str, visit: Visit | None, keep: bool = True) -> Resource:
        entry = by("icd10_vn")[icd]
        self._n += 1
        condition: Resource = {
            "resourceType": "Condition",
            "id": stable_id(self.person.id, self._n),
            "clinicalStatus": _concept(s.CONDITION_CLINICAL, "active", "Active"),
            "verificationStatus": _concept(s.CONDITION_VERIFICATION, "confirmed", "Confirmed"),
            "category": [_concept(s.CONDITION_CATEGORY, category, category.replace("-", " ").title())],
            "code": _concept(s.ICD10_VN, icd, entry["name_vi"], text),
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
                "use": _concept(s.DIAGNOSIS_ROLE, *role),
                "rank": rank,
            }
            for rank, c in enumerate(conditions, 1)
        ]

    # --- observations

    def _observation(self, visit: Visit | None, when: datetime, category: list[Resource], code: Resource) -> Resource:
        self._n += 1
        observation: Resource = {
            "resourceType": "Observation",
            "id": stable_id(self.person.id, self._n),
            "status": "final",
            "category": category,
            "code": code,
            "subject": self.subject,
        }
        if visit:
            observation["encounter"] = visit.reference
        observation["effectiveDateTime"] = stamp(when)
        self.out.append(observation)
        return observation

    def vital(self, visit: Visit | None, when: datetime, code: str, value: float) -> Resource:
        r = by("vitals")[code]
        o = self._observation(visit, when, VITAL_SIGNS, vital_code(code))
        unit = {"Cel": "°C", "mm[Hg]": "mmHg", "/min": "lần/phút", "{score}": "điểm", "mL/(24.h)": "mL/24 giờ"}
        o["valueQuantity"] = {
            "value": exact(value, int(r["decimals"] or 0)),
            "unit": unit.get(r["ucum"], r["ucum"]),
            "system": s.UCUM,
            "code": r["ucum"],
        }
        return o

    def pressure(self, visit: Visit | None, when: datetime, top: int, bottom: int) -> Resource:
        o = self._observation(visit, when, VITAL_SIGNS, vital_code("BP"))
        quantity = {"unit": "mmHg", "system": s.UCUM, "code": "mm[Hg]"}
        o["component"] = [
            {"code": vital_code("SBP"), "valueQuantity": {"value": top, **quantity}},
            {"code": vital_code("DBP"), "valueQuantity": {"value": bottom, **quantity}},
        ]
        return o

    def vitals(self, visit: Visit, when: datetime, codes: str = "BP HR WT", **given: float) -> dict[str, float]:
        """The usual set; `given` overrides (SBP, DBP, HR, TEMP, RR, SPO2, WT, HT). Gives back what was measured."""
        day = when.date()
        seen: dict[str, float] = {}
        for code in codes.split():
            if code == "BP":
                top, bottom = self.body.blood_pressure(day)
                top, bottom = round(given.get("SBP", top)), round(given.get("DBP", bottom))
                self.pressure(visit, when, top, bottom)
                seen["SBP"], seen["DBP"] = top, bottom
                continue
            value = given.get(code)
            if value is None:
                value = self._usual(code, day)
            self.vital(visit, when, code, value)
            seen[code] = value
        return seen

    def _usual(self, code: str, day: date) -> float:
        match code:
            case "HR":
                return self.body.heart_rate(day)
            case "WT":
                return self.body.weight(day)
            case "HT":
                return self.body.height(day)
            case "TEMP":
                return self.chance.near(36.7, 0.2, 36.1, 37.3)
            case "RR":
                age = self.body.age(day)
                return round(38 - age * 2.2 if age < 9 else self.chance.near(17, 1.2, 14, 20))
            case "SPO2":
                return round(self.chance.near(95 if self.body.has("J44", day) else 98, 0.8, 91, 100))
        raise KeyError(code)

    # --- laboratory

    def result(
        self, visit: Visit | None, when: datetime, code: str, value: float | str, issued: datetime, report: bool = False
    ) -> Resource:
        """One laboratory Observation; a number is judged by the catalogue's band, a word is kept as it is."""
        r = by("labs")[code]
        o = self._observation(visit, when, LABORATORY, lab_code(code))
        o["issued"] = stamp(issued)
        mark = visit.mark if visit else self.person.home
        o["performer"] = [facilities.organization_reference(mark)]
        if isinstance(value, str):
            o["valueString"] = value
            if value.startswith(("Dương tính", "Phản ứng", "Có phản ứng")):
                o["interpretation"] = INTERPRETATIONS["POS"]
            elif value.startswith(("Âm tính", "Không phản ứng")):
                o["interpretation"] = INTERPRETATIONS["NEG"]
            return o
        decimals = int(r["decimals"] or 0)
        number = exact(value, decimals)
        unit, ucum = r["unit_print_vi"] or r["ucum"], r["ucum"]
        o["valueQuantity"] = {"value": number, "unit": unit, "system": s.UCUM, "code": ucum}
        found = band(code, self.person.sex, (when.date() - self.person.birth).days)
        if found:
            limits = range_of(found, unit, ucum)
            if limits:
                o["interpretation"] = INTERPRETATIONS[found.interpret(float(number))]
                o["referenceRange"] = limits
        return o

    def labs(
        self, visit: Visit | None, when: datetime, codes: Iterable[str], *, minutes: int = 75, **given: float | str
    ) -> dict[str, float | str]:
        """Tests and panels drawn at `when`; panels become a DiagnosticReport over their members. Gives back the values."""
        issued = when + timedelta(minutes=minutes)
        seen: dict[str, float | str] = {}
        for code in codes:
            members = PANELS.get(code)
            results = [self._measure(visit, when, c, issued, given, seen) for c in members or (code,)]
            made = [o for o in results if o]
            if members and made:
                self._report(visit, when, issued, lab_code(code), "LAB", made)
        if "CREA" in seen and self.body.age(when.date()) >= 18:
            rate = egfr(float(seen["CREA"]), self.person.sex, self.body.age(when.date()))
            self.result(visit, when, "EGFR", rate, issued)
            seen["EGFR"] = rate
        return seen

    def _measure(
        self,
        visit: Visit | None,
        when: datetime,
        code: str,
        issued: datetime,
        given: dict[str, float | str],
        seen: dict[str, float | str],
    ) -> Resource | None:
        value: float | str | None = given.get(code)
        if value is None and code == "HCT" and "HGB" in seen:
            value = float(seen["HGB"]) * 0.00298
        if value is None and code == "RBC":
            hgb = given.get("HGB") or seen.setdefault("HGB", self.body.value("HGB", when.date()) or 130)
            value = float(hgb) / 29.2
        if value is None and code == "LYMP" and "NEUP" in seen:
            value = max(3.0, 94 - float(seen["NEUP"]))
        if value is None and code in seen:
            value = seen[code]
        if value is None:
            value = self._word(code) or self.body.value(code, when.date())
        if value is None:
            return None
        seen[code] = value
        return self.result(visit, when, code, value, issued)

    def _word(self, code: str) -> str | None:
        r = by("labs")[code]
        return (r["ref_text_vi"] or "Bình thường") if r["kind"] == "text" else None

    def _report(
        self,
        visit: Visit | None,
        when: datetime,
        issued: datetime,
        code: Resource,
        section: str,
        results: Sequence[Resource],
        **more: Any,
    ) -> Resource:
        self._n += 1
        mark = visit.mark if visit else self.person.home
        report: Resource = {
            "resourceType": "DiagnosticReport",
            "id": stable_id(self.person.id, self._n),
            "status": "final",
            "category": [_concept(s.DIAGNOSTIC_SECTION, section, {"LAB": "Laboratory", "RAD": "Radiology"}.get(section, section))],
            "code": code,
            "subject": self.subject,
            "effectiveDateTime": stamp(when),
            "issued": stamp(issued),
            "performer": [facilities.organization_reference(mark)],
        }
        if visit:
            report["encounter"] = visit.reference
        if results:
            report["result"] = [{"reference": f"Observation/{o['id']}"} for o in results]
        report.update(more)
        self.out.append(report)
        return report

    # --- orders and imaging

    def order(
        self, visit: Visit, when: datetime, code: Resource, category: str, *, status: str = "completed", **more: Any
    ) -> Resource:
        kinds = {"laboratory": "Xét nghiệm", "imaging": "Chẩn đoán hình ảnh", "procedure": "Thủ thuật"}
        snomed = {"laboratory": "108252007", "imaging": "363679005", "procedure": "387713003"}[category]
        return self.new(
            "ServiceRequest",
            status=status,
            intent="order",
            category=[_concept("http://snomed.info/sct", snomed, category.title(), kinds[category])],
            priority=more.pop("priority", "routine"),
            code=code,
            subject=self.subject,
            encounter=visit.reference,
            authoredOn=stamp(when),
            requester=visit.doctor.reference,
            **more,
        )

    def imaging(
        self, visit: Visit, when: datetime, code: str, conclusion: str, *, read: bool = True, findings: str = ""
    ) -> Resource:
        """An order, an ImagingStudy entry (no pixels) and, where read, its DiagnosticReport. Gives back the order."""
        r = by("imaging")[code]
        ordered = max(visit.start + timedelta(minutes=4), when - timedelta(minutes=self.chance.randint(20, 90)))
        order = self.order(visit, ordered, imaging_code(code), "imaging", status="completed" if read else "active")
        number = int.from_bytes(stable_id(self.person.id, "uid", self._n).encode()[:12], "big")
        modality = {"system": s.DICOM, "code": r["dicom_modality"]}
        study = self.new(
            "ImagingStudy",
            identifier=[
                {"system": s.DICOM_UID, "value": f"urn:oid:2.25.{number}"},
                {"system": s.ACCESSION_NUMBER, "value": f"{visit.mark}{when:%y%m%d}{self._n % 100000:05d}"},
            ],
            status="available",
            modality=[modality],
            subject=self.subject,
            encounter=visit.reference,
            started=stamp(when),
            basedOn=[{"reference": f"ServiceRequest/{order['id']}"}],
            numberOfSeries=1,
            numberOfInstances=1,
            procedureCode=[imaging_code(code)],
            description=r["name_vi"],
            series=[{"uid": f"2.25.{number}1", "number": 1, "modality": modality, "numberOfInstances": 1}],
        )
        if read:
            reader = self.chance.choice(facilities.team(visit.mark, "CDHA", "imaging"))
            self._report(
                visit,
                when,
                when + timedelta(minutes=self.chance.randint(25, 120)),
                imaging_code(code),
                "RAD",
                (),
                basedOn=[{"reference": f"ServiceRequest/{order['id']}"}],
                imagingStudy=[{"reference": f"ImagingStudy/{study['id']}"}],
                resultsInterpreter=[reader.reference],
                conclusion=f"{findings} Kết luận: {conclusion}".strip() if findings else conclusion,
            )
        return order

    def procedure(self, visit: Visit, start: datetime, minutes: int, code: str, **more: Any) -> Resource:
        return self.new(
            "Procedure",
            status="completed",
            code=service_code(code),
            subject=self.subject,
            encounter=visit.reference,
            performedPeriod={"start": stamp(start), "end": stamp(start + timedelta(minutes=minutes))},
            performer=[{"actor": visit.doctor.reference}],
            **more,
        )

    # --- drugs

    def prescribe(
        self,
        visit: Visit,
        drug: str,
        sig: str = "",
        *,
        days: int = 30,
        when: datetime | None = None,
        times: int | None = None,
        dose: tuple[float, str] | None = None,
        reason: Resource | None = None,
        status: str | None = None,
    ) -> Resource:
        """One MedicationRequest for `days`; completed when its time is over."""
        r = by("drugs")[drug]
        start = when or visit.start
        end = start + timedelta(days=days)
        over = end.date() <= self.today
        dosage: Resource = {"text": sig or r["usual_dose_vi"]}
        daily = times if times is not None else int(r["times_per_day"]) if r["times_per_day"].isdigit() else None
        if daily:
            dosage["timing"] = {"repeat": {"frequency": daily, "period": 1, "periodUnit": "d"}}
        dosage["route"] = {"text": r["route_vi"]}
        amount, unit = dose or (float(r["dose"]) if r["dose"] else None, r["dose_unit"])
        if amount:
            value = exact(amount, 0) if float(amount).is_integer() else Decimal(str(amount))
            dosage["doseAndRate"] = [{"doseQuantity": {"value": value, "unit": unit}}]
        inpatient = visit.resource["class"]["code"] == "IMP"
        category = "inpatient" if inpatient else "community"
        self._n += 1
        request: Resource = {
            "resourceType": "MedicationRequest",
            "id": stable_id(self.person.id, self._n),
            "status": status or ("completed" if over else "active"),
            "intent": "order",
            "category": [_concept(s.MEDICATION_CATEGORY, category, category.title())],
            "medicationCodeableConcept": drug_code(drug),
            "subject": self.subject,
            "encounter": visit.reference,
            "authoredOn": stamp(start),
            "requester": visit.doctor.reference,
            "dosageInstruction": [dosage],
            "dispenseRequest": {"validityPeriod": {"start": stamp(start), "end": stamp(end)}},
        }
        if daily and unit == "viên":
            quantity = round(daily * (amount or 1) * days)
            request["dispenseRequest"]["quantity"] = {"value": quantity, "unit": "viên"}
        if reason:
            request["reasonReference"] = [{"reference": f"Condition/{reason['id']}", "display": reason["code"]["text"]}]
        self.out.append(request)
        return request

    def take(self, visit: Visit, line: str, drug: str, sig: str, strength: int = 1, **more: Any) -> bool:
        """Start, change or renew a lasting drug on its line (one drug a line). True where something changed."""
        old = self.lines.get(line)
        self.body.treated[line] = strength
        when = more.pop("when", None) or visit.start
        if old and (old.drug, old.sig) == (drug, sig):
            if (when - old.renewed).days < 330:
                return False
            self._close(old, when, "completed")
            request = self.prescribe(visit, drug, sig, when=when, days=36500, status="active", **more)
            self.lines[line] = Line(drug, sig, request, old.since, when)
            return False
        if old:
            self._close(old, when, "stopped", "Đổi liều" if old.drug == drug else "Đổi thuốc")
        request = self.prescribe(visit, drug, sig, when=when, days=36500, status="active", **more)
        self.lines[line] = Line(drug, sig, request, when, when)
        return True

    def stop(self, line: str, when: datetime, why: str) -> None:
        old = self.lines.pop(line, None)
        if old:
            self._close(old, when, "stopped", why)
            self.body.treated[line] = 0

    def _close(self, line: Line, when: datetime, status: str, why: str = "") -> None:
        line.resource["status"] = status
        line.resource["dispenseRequest"]["validityPeriod"]["end"] = stamp(when)
        if why:
            line.resource["statusReason"] = {"text": why}

    def settle(self, last_seen: datetime) -> None:
        """Give every drug still taken the end of its last refill: 30 days after the last visit, at least a week ahead."""
        end = max(last_seen + timedelta(days=30), at(self.today, 0) + timedelta(days=7))
        for line in self.lines.values():
            line.resource["dispenseRequest"]["validityPeriod"]["end"] = stamp(end)

    # --- words

    def note(
        self, visit: Visit, when: datetime, kind: str, sections: Sequence[tuple[str, str]], author: Staff | None = None
    ) -> Resource:
        """A Composition: titled sections of plain text."""
        title, loinc, name = NOTES[kind]
        if kind == "dieu-tri":
            title = f"{title} {when:%d/%m}"
        who = author or visit.doctor
        coding = [{"system": s.LOINC, "code": loinc, "display": name}]
        coding.append({"system": s.NOTE_TYPE, "code": kind, "display": NOTES[kind][0]})
        return self.new(
            "Composition",
            status="final",
            type={"coding": coding, "text": NOTES[kind][0]},
            subject=self.subject,
            encounter=visit.reference,
            date=stamp(when),
            author=[who.reference],
            title=title,
            custodian=facilities.organization_reference(visit.mark),
            section=[
                {
                    "title": head,
                    "text": {
                        "status": "additional",
                        "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{escape(text, quote=False)}</p></div>',
                    },
                }
                for head, text in sections
                if text
            ],
        )

    # --- warnings

    def allergy(self, substance: str, text: str, reaction: str, *, code: Resource, severe: bool, when: date, **more: Any) -> None:
        self.new(
            "AllergyIntolerance",
            clinicalStatus=_concept(s.ALLERGY_CLINICAL, "active", "Active"),
            verificationStatus=_concept(s.ALLERGY_VERIFICATION, *more.pop("sure", ("confirmed", "Confirmed"))),
            type="allergy",
            category=[substance],
            criticality="high" if severe else "low",
            code={"coding": [code], "text": text},
            patient=self.subject,
            recordedDate=when.isoformat(),
            reaction=[{"manifestation": [{"text": reaction}], "severity": "severe" if severe else "mild"}],
            **more,
        )

    def flag(self, code: str, text: str, visit: Visit, when: datetime) -> None:
        self.new(
            "Flag",
            status="active",
            category=[_concept(s.FLAG_CATEGORY, "safety", "Safety")],
            code=_concept(s.FLAG, code, text, text),
            subject=self.subject,
            period={"start": stamp(when)},
            encounter=visit.reference,
            author=visit.doctor.reference,
        )

    def vaccine(self, code: str, name: str, cvx: str | None, when: datetime, dose: int, mark: str = "PS") -> None:
        coding = [{"system": s.VACCINE, "code": code, "display": name}]
        if cvx:
            coding.append({"system": s.CVX, "code": cvx})
        nurse = self.nurse(mark, "TC" if mark == "PS" else "KKB")
        self.new(
            "Immunization",
            status="completed",
            vaccineCode={"coding": coding, "text": name},
            patient=self.subject,
            occurrenceDateTime=stamp(when),
            recorded=stamp(when),
            primarySource=True,
            lotNumber=f"MAU{self.chance.digits(5)}",
            performer=[{"actor": nurse.reference}],
            protocolApplied=[{"doseNumberPositiveInt": dose}],
        )
