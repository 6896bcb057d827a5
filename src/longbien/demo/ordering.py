"""What is ordered: imaging and procedures with their reports, drugs with their changes of dose."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from longbien.demo import facilities
from longbien.demo.chance import stable_id
from longbien.demo.measuring import Measuring
from longbien.demo.pen import Line, Visit
from longbien.demo.shapes import Resource, at, concept, drug_code, exact, imaging_code, service_code, stamp
from longbien.demo.sigs import child_paracetamol, timing
from longbien.demo.sigs import sig as usual_sig
from longbien.demo.starter import by
from longbien.fhir import systems as s


class Ordering(Measuring):
    """Orders, imaging, procedures, prescriptions."""

    __slots__ = ()

    def order(
        self, visit: Visit, when: datetime, code: Resource, category: str, *, status: str = "completed", **more: Any
    ) -> Resource:
        kinds = {"laboratory": "Xét nghiệm", "imaging": "Chẩn đoán hình ảnh", "procedure": "Thủ thuật"}
        snomed = {"laboratory": "108252007", "imaging": "363679005", "procedure": "387713003"}[category]
        return self.new(
            "ServiceRequest",
            status=status,
            intent="order",
            category=[concept("http://snomed.info/sct", snomed, category.title(), kinds[category])],
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
        child = self.age(visit.day) < 15
        if child and drug.startswith("para"):
            drug = child_paracetamol(self.body.weight(visit.day))
        r = by("drugs")[drug]
        start = when or visit.start
        end = start + timedelta(days=days)
        over = end.date() <= self.today
        dosage: Resource = {"text": sig or usual_sig(drug, child) or r["usual_dose_vi"]}
        daily = times if times is not None else int(r["times_per_day"]) if r["times_per_day"].isdigit() else None
        dosage |= timing(str(dosage["text"]), daily)
        dosage["route"] = {"text": r["route_vi"]}
        amount, unit = dose or (float(r["dose"]) if r["dose"] else None, r["dose_unit"])
        if amount and not child:
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
            "category": [concept(s.MEDICATION_CATEGORY, category, category.title())],
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
