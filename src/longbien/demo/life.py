"""The pen that writes a life: each method adds resources of one person. Notes and warnings here; the rest in its bases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from html import escape
from typing import Any

from longbien.demo import facilities
from longbien.demo.facilities import Staff
from longbien.demo.ordering import Ordering
from longbien.demo.pen import Visit
from longbien.demo.shapes import NOTES, Resource, concept, stamp
from longbien.fhir import systems as s


class Life(Ordering):
    """All resources of one person (`out`), in the order written."""

    __slots__ = ()

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
            clinicalStatus=concept(s.ALLERGY_CLINICAL, "active", "Active"),
            verificationStatus=concept(s.ALLERGY_VERIFICATION, *more.pop("sure", ("confirmed", "Confirmed"))),
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
            category=[concept(s.FLAG_CATEGORY, "safety", "Safety")],
            code=concept(s.FLAG, code, text, text),
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
