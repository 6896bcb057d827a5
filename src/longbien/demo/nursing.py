"""What the ward's nurses wrote of those who lie in its beds: consciousness with the vital signs, and the doses given until this
morning's round. The doses of 08:00 are still to be given: it is 08:20."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from longbien.base import clock
from longbien.demo import facilities
from longbien.demo.life import Life
from longbien.demo.pen import Visit
from longbien.demo.shapes import VITAL_SIGNS, at, stamp, vital_code
from longbien.fhir import systems as s
from longbien.ward import rounds, timing
from longbien.ward.codes import EXT_DUE

LOINC_ANSWERS = {
    "A": ("LA9340-6", "Alert"),
    "C": ("LA6560-2", "Confused"),
    "V": ("LA17108-4", "Verbal"),
    "P": ("LA17107-6", "Painful"),
}
BACK = timedelta(hours=36)


def level(life: Life, visit: Visit, when: datetime, letter: str = "A") -> dict[str, Any]:
    """Consciousness by ACVPU."""
    return life.new(
        "Observation",
        status="final",
        category=VITAL_SIGNS,
        code=vital_code("AVPU"),
        subject=life.subject,
        encounter=visit.reference,
        effectiveDateTime=stamp(when),
        valueString=letter,
    )


def given(life: Life, visit: Visit) -> None:
    """A MedicationAdministration for every dose of the last 36 hours but this morning's."""
    morning = at(life.today, 8).replace(tzinfo=clock.HANOI)
    nurses = facilities.team(visit.mark, visit.dept, "nurse")
    for order in [x for x in life.out if x["resourceType"] == "MedicationRequest"]:
        if order.get("encounter") != visit.reference or order["status"] != "active":
            continue
        line = rounds.line(order, "vi")
        if line is None:
            continue
        dosage = order["dosageInstruction"][0]
        quantity = next((x.get("doseQuantity") for x in dosage.get("doseAndRate") or ()), None)
        for due in timing.times(dosage, line.begin, morning - BACK, morning):
            nurse = nurses[(due.hour // 8) % len(nurses)]
            due_here = due.replace(tzinfo=None)
            when = due_here + timedelta(minutes=(due.day * 7 + due.hour * 3 + len(line.name)) % 24)
            life.out.append(
                {
                    "resourceType": "MedicationAdministration",
                    "id": rounds.record_id(order["id"], due),
                    "extension": [{"url": EXT_DUE, "valueDateTime": stamp(due_here)}],
                    "status": "completed",
                    "category": {"coding": [{"system": s.HL7 + "medication-admin-category", "code": "inpatient"}]},
                    "medicationCodeableConcept": order["medicationCodeableConcept"],
                    "subject": life.subject,
                    "context": visit.reference,
                    "effectiveDateTime": stamp(when),
                    "performer": [{"actor": nurse.reference}],
                    "request": {"reference": f"MedicationRequest/{order['id']}"},
                }
                | ({"dosage": {"text": dosage["text"], "dose": quantity}} if quantity else {})
            )
