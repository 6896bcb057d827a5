"""A stay as its end needs it: one reading of the patient's record (record.life), and of it what belongs to this stay."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from longbien.base.errors import NotFound
from longbien.base.ids import key64
from longbien.fhir import json
from longbien.fhir.systems import DIAGNOSIS_ROLE
from longbien.record.life import life as read_life
from longbien.record.store import Store
from longbien.web.chart import gather as g
from longbien.web.chart import record as r

from . import rules
from .discharge_rules import Awaited

TYPES = (
    "Encounter", "Condition", "AllergyIntolerance", "MedicationRequest", "MedicationStatement", "MedicationAdministration",
    "Composition", "DocumentReference", "ClinicalImpression", "DiagnosticReport", "ImagingStudy", "ServiceRequest", "Procedure",
    "Coverage", "CareTeam", "Task", "Flag", "Appointment", "RelatedPerson", "Invoice",
)  # fmt: skip
PAPER = "https://longbien.org/fhir/CodeSystem/paper"
TASK = "https://longbien.org/fhir/CodeSystem/task"
DISCHARGE, FOLLOW_RESULT = "discharge", "follow-up-result"
PAPERS = ("discharge-paper", "discharge-summary", "prescription", "follow-up", "referral")
Resource = dict[str, Any]
ORDERS = ("order", "original-order", "filler-order", "instance-order")
INPATIENT = frozenset({"IMP", "ACUTE", "NONAC"})
OPEN = frozenset({"in-progress", "onleave", "arrived", "triaged"})


def stable(kind: str, stay: str, part: str = "") -> str:
    """The id of what a stay has once: written twice it is the same resource."""
    return f"{kind}-{key64(f'{stay}/{kind}/{part}') & (2**64 - 1):016x}"


def version(resource: Mapping[str, Any]) -> int:
    return int((resource.get("meta") or {}).get("versionId") or 0)


@dataclass(slots=True)
class Stay:
    """`of`: everything of the patient by type, decoded. `open`: has it not ended yet? `charges`: how many lines its bill has."""

    patient: Resource
    encounter: Resource
    visit: r.Visit
    life: r.Life
    of: Mapping[str, Sequence[Resource]]
    charges: int = 0

    @property
    def id(self) -> str:
        return str(self.encounter["id"])

    @property
    def open(self) -> bool:
        return self.encounter.get("status") in OPEN

    def mine(self, type_: str) -> list[Resource]:
        """Of a type, what names this stay, and what runs on from the visit that it follows."""
        return [x for x in self.of.get(type_, ()) if rules.runs_on(x, self.encounter)]

    def one(self, type_: str, id_: str) -> Resource | None:
        return next((x for x in self.of.get(type_, ()) if x.get("id") == id_), None)

    @property
    def reason(self) -> str:
        return r.concept(self.encounter.get("reasonCode"))

    @property
    def doctor(self) -> str:
        """Who treats: the attending of the stay, by name."""
        return str(r.first(self._attending(), "individual", "display") or "")

    @property
    def doctor_id(self) -> str:
        return r.reference_id(self._attending().get("individual"))

    def _attending(self) -> Resource:
        people = list(self.encounter.get("participant") or ())
        return next((p for p in people if r.code_of(p.get("type")) == "ATND"), people[0] if people else {})

    @property
    def bed(self) -> Resource | None:
        """The place that is occupied now."""
        places = list(self.encounter.get("location") or ())
        return next((x for x in reversed(places) if x.get("status", "active") == "active"), None)

    def diagnoses(self) -> list[tuple[Resource, bool]]:
        """(Condition, is it one of this stay's final or working diagnoses?): those that the stay names in their order, then those
        written in it. The first is the main one."""
        named = [r.reference_id(d.get("condition")) for d in sorted(self.encounter.get("diagnosis") or (), key=_rank)]
        found = [c for n in dict.fromkeys(named) if (c := self.one("Condition", n))]
        known = {c["id"] for c in found}
        more = [c for c in self.mine("Condition") if c["id"] not in known]
        return [(c, True) for c in found if not _refuted(c)] + [(c, False) for c in more if not _refuted(c)]

    def awaited(self) -> list[Awaited]:
        """Orders of this stay without a report, the longest due first."""
        answered = {r.reference_id(b) for x in self.of.get("DiagnosticReport", ()) for b in x.get("basedOn") or ()}
        gone = {
            r.reference_id(t.get("focus"))
            for t in self.of.get("Task", ())
            if r.code_of(t.get("code"), TASK) == FOLLOW_RESULT and t.get("status") not in ("entered-in-error", "cancelled")
        }
        found = []
        for x in self.mine("ServiceRequest"):
            p = r.pending(x, "vi")
            if p is not None and p.id not in answered:
                found.append(Awaited(p.id, p.title, p.ordered, p.due, p.owner, p.id in gone))
        return sorted(found, key=lambda a: a.due)

    def drugs(self) -> list[Resource]:
        """Active orders of drugs that run now: the stay's, and those from before it that were never ended."""
        return [
            x
            for x in self.of.get("MedicationRequest", ())
            if x.get("status") == "active" and x.get("intent") in (*ORDERS, None)
            and (rules.runs_on(x, self.encounter) or self._runs(x))
        ]  # fmt: skip

    def _runs(self, x: Resource) -> bool:
        end = r.moment(r.first(x, "dispenseRequest", "validityPeriod", "end"))
        return end is None or end > self.visit.start

    def invoices(self) -> list[Resource]:
        """The bills of this stay."""
        return [x for x in self.of.get("Invoice", ()) if bill_of(x) == self.id]

    def draft(self) -> Resource | None:
        """What has been prepared for this discharge: a Task of the stay, which everybody at it shares."""
        found = self.one("Task", stable("dc", self.id))
        return found if found and found.get("status") not in ("entered-in-error",) else None

    def papers(self) -> list[tuple[str, Resource]]:
        """(code, Composition) of the papers that this stay's end wrote, as they stand."""
        found = []
        for c in self.mine("Composition"):
            code = r.code_of(c.get("type"), PAPER)
            if code and c["id"] == stable(code[:16], self.id) and c.get("status") != "entered-in-error":
                found.append((code, c))
        return sorted(found, key=lambda x: PAPERS.index(x[0]) if x[0] in PAPERS else 9)

    def signed(self, paper: Resource) -> str:
        """How far a paper's signatures have come: "" none, part, whole. The records room keeps the file as a DocumentReference
        that is related to the Composition; a Composition is final from its first signature on."""
        if paper.get("status") not in ("final", "amended"):
            return ""
        for d in self.of.get("DocumentReference", ()):
            related = [r.reference_id(x) for x in (d.get("context") or {}).get("related") or ()]
            if paper["id"] in related and d.get("status") == "current":
                return "whole" if d.get("docStatus") == "final" else "part"
        return "whole"

    def happened(self, since: datetime) -> list[tuple[datetime, str]]:
        """When something was done after `since`, and what: results, drugs given, notes, procedures."""
        found = []
        for type_, *paths in (
            ("DiagnosticReport", "effectiveDateTime"),
            ("MedicationAdministration", "effectiveDateTime"),
            ("Composition", "date"),
        ):
            for x in self.mine(type_):
                at = r.moment(x.get(paths[0]))
                papers = type_ == "Composition" and r.code_of(x.get("type"), PAPER)
                if at is not None and at > since and x.get("status") != "entered-in-error" and not papers:
                    name = r.concept(x.get("code")) or r.concept(x.get("medicationCodeableConcept")) or str(x.get("title") or "")
                    found.append((at, name or type_))
        return found


def bill_of(invoice: Mapping[str, Any]) -> str:
    """The id of the Encounter that a bill is for (extension bill-encounter)."""
    said = (x for x in invoice.get("extension") or () if str(x.get("url")).endswith("/bill-encounter"))
    return next((r.reference_id(x.get("valueReference")) for x in said), "")


def _rank(d: Resource) -> tuple[int, int]:
    roles = {"DD": 0, "CC": 2, "AD": 3}
    return roles.get(r.code_of(d.get("use"), DIAGNOSIS_ROLE), 1), int(d.get("rank") or 99)


def _refuted(c: Resource) -> bool:
    return r.code_of(c.get("verificationStatus")) in ("refuted", "entered-in-error")


async def stay(store: Store, patient: str, organization: str | None, places: Mapping[str, str], encounter: str = "") -> Stay:
    """The inpatient stay that runs at this facility (the newest), else the one that ended last; `encounter`: this one. Raises
    NotFound where there is none."""
    lived = await read_life(store.engine, store.scope, patient, TYPES)
    met = g.encounters(lived.bodies.get("Encounter", ()))
    of = {t: [json.loads(b) for b in bodies] for t, bodies in lived.bodies.items()}
    chosen = _chosen(of.get("Encounter", ()), organization, encounter)
    if chosen is None:
        raise NotFound("This patient has no inpatient stay at this facility.")
    visit = r.visit(chosen, dict(places), "vi")
    if visit is None:
        raise NotFound("This stay has no beginning.")
    n = await charges(store, str(chosen["id"]))
    return Stay(json.loads(lived.patient), chosen, visit, g.gather(lived, met, places, "vi"), of, n)


async def charges(store: Store, encounter: str) -> int:
    """How many charges a stay has, as far as the reader may see them."""
    if not store.scope.may_search("ChargeItem"):
        return 0
    page = await store.search("ChargeItem", [("context", f"Encounter/{encounter}"), ("_summary", "count")])
    return page.total or 0


def _chosen(met: Iterable[Resource], organization: str | None, encounter: str) -> Resource | None:
    stays = [
        e
        for e in met
        if str(r.first(e, "class", "code")) in INPATIENT
        and e.get("status") not in ("cancelled", "entered-in-error", "planned")
        and (organization is None or r.reference_id(e.get("serviceProvider")) == organization)
    ]
    if encounter:
        return next((e for e in stays if e.get("id") == encounter), None)
    stays.sort(key=lambda e: (e.get("status") in OPEN, str(r.first(e, "period", "start") or "")), reverse=True)
    return stays[0] if stays else None
