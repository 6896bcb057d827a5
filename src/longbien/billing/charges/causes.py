"""What was done -> what is to be charged. Pure: each takes the resource that says it was done, and what it answers.

Only what is done makes a cause: an order by itself makes none. What is entered in error makes none any more, and so its charge is
taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from longbien.base import clock
from longbien.fhir import systems as s

from . import tables
from .rules import units
from .shapes import Cause, moment, reference_id
from .tariff import KINDS, Tariff

Resource = Mapping[str, Any]
OVER = frozenset({"final", "amended", "corrected", "appended"})
CONSULT = "11429006"
VISITS = frozenset({"AMB", "EMER", "VR", "HH"})
SEEN = frozenset({"in-progress", "onleave", "finished"})


def thing(concept: Any) -> tuple[str, str, str]:
    """(kind, code, name) of a CodeableConcept that has a code of the house's catalogues; ("", "", "") where it has none."""
    codings = (concept or {}).get("coding") or ()
    own = next((c for c in codings if c.get("system") in KINDS), None)
    if own is None:
        return "", "", ""
    return KINDS[str(own["system"])], str(own.get("code")), str((concept or {}).get("text") or own.get("display") or "")


def _performer(resource: Resource) -> Resource:
    """Who did it: the first person among performers."""
    for p in resource.get("performer") or ():
        actor = p.get("actor", p)
        if str(actor.get("reference") or "").startswith("Practitioner/"):
            return {k: actor[k] for k in ("reference", "display") if k in actor}
    return {}


def _requester(order: Resource | None) -> Resource:
    asked = (order or {}).get("requester") or {}
    return {k: asked[k] for k in ("reference", "display") if k in asked}


def report_key(report: Resource, order: Resource | None) -> str:
    """What a report answers is charged once, however many reports it has."""
    return f"ServiceRequest/{order['id']}" if order else f"DiagnosticReport/{report['id']}"


def report(one: Resource, order: Resource | None) -> list[Cause]:
    """A laboratory or imaging report that is final, by what was ordered; without an order by what it reports."""
    kind, code, name = thing((order or {}).get("code"))
    if not kind:
        kind, code, name = thing(one.get("code"))
    at = moment(one.get("effectiveDateTime") or (one.get("effectivePeriod") or {}).get("start")) or moment(one.get("issued"))
    void = (order or {}).get("status") == "entered-in-error"
    if one.get("status") not in OVER or kind not in ("lab", "imaging", "service") or at is None or void:
        return []
    doctor = _requester(order) or next(
        (dict(x) for x in one.get("resultsInterpreter") or () if str(x.get("reference")).startswith("Practitioner/")), {}
    )
    return [
        Cause(
            report_key(one, order), kind, code, name, at, ended=moment(one.get("issued")),
            ordered=moment((order or {}).get("authoredOn")), order=f"ServiceRequest/{order['id']}" if order else "",
            service=f"DiagnosticReport/{one['id']}", doctor=doctor,
        )
    ]  # fmt: skip


def procedure(one: Resource, order: Resource | None) -> list[Cause]:
    """A procedure that was done, and the supplies that it used (Procedure.usedCode)."""
    period = one.get("performedPeriod") or {}
    at = moment(one.get("performedDateTime") or period.get("start"))
    if one.get("status") != "completed" or at is None:
        return []
    kind, code, name = thing(one.get("code"))
    said: dict[str, Any] = {
        "ended": moment(period.get("end")), "ordered": moment((order or {}).get("authoredOn")),
        "order": f"ServiceRequest/{order['id']}" if order else "", "service": f"Procedure/{one['id']}", "doctor": _performer(one),
    }  # fmt: skip
    out = [Cause(f"Procedure/{one['id']}", kind, code, name, at, **said)] if kind else []
    for n, used in enumerate(one.get("usedCode") or ()):
        kind, code, name = thing(used)
        if kind:
            out.append(Cause(f"Procedure/{one['id']}/used/{n}", kind, code, name, at, **said))
    return out


def given(one: Resource, order: Resource | None, prices: Tariff, facility: str) -> list[Cause]:
    """A dose that was given in a stay: as many of the unit that the drug is sold by as had to be opened."""
    at = moment(one.get("effectiveDateTime") or (one.get("effectivePeriod") or {}).get("start"))
    kind, code, name = thing(one.get("medicationCodeableConcept"))
    if one.get("status") != "completed" or not kind or at is None:
        return []
    dose = (one.get("dosage") or {}).get("dose") or {}
    value = dose.get("value")
    price = prices.price(kind, code, facility, clock.local(at).date())
    quantity, doubt = units(
        None if value is None else Decimal(str(value)), str(dose.get("unit") or dose.get("code") or ""), name,
        price.unit if price else "",
    )  # fmt: skip
    return [
        Cause(
            f"MedicationAdministration/{one['id']}", kind, code, name, at, quantity,
            ordered=moment((order or {}).get("authoredOn")), order=f"MedicationRequest/{order['id']}" if order else "",
            service=f"MedicationAdministration/{one['id']}", doctor=_requester(order), doubt=doubt,
        )
    ]  # fmt: skip


def inpatient_order(order: Resource | None) -> bool:
    """Is this prescription given dose by dose in a stay? Then its doses are charged, and not what was handed to the ward."""
    codes = {c.get("code") for x in (order or {}).get("category") or () for c in x.get("coding") or ()}
    return "inpatient" in codes


def handed_out(order: Resource, dispenses: Sequence[Resource], insured: bool) -> list[Cause]:
    """A prescription of somebody who goes home: as much as was handed out. Where no dispensing is recorded at all and the visit is
    insured, as much as was prescribed, with the doubt `not-dispensed`: the pharmacy of the hospital hands it out, and that is not
    recorded yet. Who pays themselves may buy it anywhere, so nothing is charged before it is handed out."""
    if inpatient_order(order) or order.get("status") == "entered-in-error":
        return []
    kind, code, name = thing(order.get("medicationCodeableConcept"))
    done = [d for d in dispenses if d.get("status") == "completed"]
    said: dict[str, Any] = {
        "ordered": moment(order.get("authoredOn")), "order": f"MedicationRequest/{order['id']}", "doctor": _requester(order)
    }  # fmt: skip
    key = f"MedicationRequest/{order['id']}"
    if done:
        total = sum((_quantity(d.get("quantity")) for d in done), Decimal(0))
        last = max(done, key=lambda d: str(d.get("whenHandedOver") or ""))
        at = moment(last.get("whenHandedOver")) or moment(order.get("authoredOn"))
        if not kind:
            kind, code, name = thing(last.get("medicationCodeableConcept"))
        if not kind or at is None or total <= 0:
            return []
        return [Cause(key, kind, code, name, at, total, service=f"MedicationDispense/{last['id']}", **said)]
    at = moment(order.get("authoredOn"))
    quantity = _quantity((order.get("dispenseRequest") or {}).get("quantity"))
    asked = order.get("status") in ("active", "completed") and order.get("intent") in ("order", None)
    if not (insured and asked and kind and at is not None and quantity > 0):
        return []
    return [Cause(key, kind, code, name, at, quantity, doubt="not-dispensed", **said)]


def _quantity(q: Any) -> Decimal:
    value = (q or {}).get("value")
    return Decimal(0) if value is None else Decimal(str(value))


def dispensed_alone(one: Resource) -> list[Cause]:
    """A drug handed out without a prescription of this house."""
    at = moment(one.get("whenHandedOver") or one.get("whenPrepared"))
    kind, code, name = thing(one.get("medicationCodeableConcept"))
    quantity = _quantity(one.get("quantity"))
    if one.get("status") != "completed" or not kind or at is None or quantity <= 0:
        return []
    key = f"MedicationDispense/{one['id']}"
    return [Cause(key, kind, code, name, at, quantity, service=key, doctor=_performer(one))]


def consultation_order(order: Resource) -> list[Cause]:
    """A consultation that was asked for and held."""
    kind, code, name = thing(order.get("code"))
    codes = {c.get("code") for x in order.get("category") or () for c in x.get("coding") or ()}
    at = moment((order.get("occurrencePeriod") or {}).get("start") or order.get("occurrenceDateTime") or order.get("authoredOn"))
    if order.get("status") != "completed" or CONSULT not in codes or not kind or at is None:
        return []
    key = f"ServiceRequest/{order['id']}"
    return [Cause(key, kind, code, name, at, ordered=moment(order.get("authoredOn")), order=key, doctor=_requester(order))]


def consultations(encounter: Resource, rooms: Sequence[tuple[str, str, datetime]]) -> list[Cause]:
    """The consultations of an out-patient's or emergency visit: one, and one more for each further room that saw the patient.
    rooms: (Location id, department id, when) by the numbers that were seen to, in the order of time; () where no queue was kept."""
    kind = str((encounter.get("class") or {}).get("code"))
    begin = moment((encounter.get("period") or {}).get("start"))
    if kind not in VISITS or encounter.get("status") not in SEEN or begin is None:
        return []
    code = tables.value("consultations", kind, clock.local(begin).date())
    seen = list({room: (room, dept, at) for room, dept, at in reversed(rooms)}.values())[::-1]
    doctor = next((dict(p["individual"]) for p in encounter.get("participant") or () if _attends(p) and p.get("individual")), {})
    doctor = {k: doctor[k] for k in ("reference", "display") if k in doctor}
    places = seen or [("", "", begin)]
    return [
        Cause(
            f"Encounter/{encounter['id']}/consultation" + (f"/{room}" if n else ""), "service", code, "Khám bệnh",
            begin if n == 0 else at, doctor=doctor if n == 0 else {}, department=dept,
        )
        for n, (room, dept, at) in enumerate(places)
    ]  # fmt: skip


def _attends(participant: Resource) -> bool:
    codes = {c.get("code") for t in participant.get("type") or () for c in t.get("coding") or ()}
    return "ATND" in codes or not codes


def covered(encounter: Resource, coverages: Sequence[Resource]) -> bool:
    """Is the visit an insured one? By what the desk took it in as; where it did not say, by a card that runs on its day."""
    for x in encounter.get("extension") or ():
        if x.get("url") == s.BASE + "/StructureDefinition/insurance-line":
            codes = [(y.get("valueCoding") or {}).get("code") for y in x.get("extension") or () if y.get("url") == "line"]
            return bool(codes) and codes[0] != "9"
    day = str((encounter.get("period") or {}).get("start") or "")[:10]
    return any(
        c.get("status") == "active"
        and str((c.get("period") or {}).get("start") or day) <= day <= str((c.get("period") or {}).get("end") or day)
        for c in coverages
    )


def encounter_of(*resources: Resource | None) -> str:
    """The id of the visit that the first of these names."""
    for x in resources:
        found = reference_id((x or {}).get("encounter") or (x or {}).get("context"), "Encounter")
        if found:
            return found
    return ""
