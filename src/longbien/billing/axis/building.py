"""A claim -> the FHIR resources of that patient. Pure: `resources(claim, origin, patient, known)`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..claims.compose import TABLES
from . import of_visit
from .of_amounts import amounts
from .of_drugs import drugs
from .of_notes import PAPERS, notes, papers
from .of_services import procedures, results
from .of_visit import Made, Origin
from .shape import Known, Resource, Row

Claim = Mapping[str, Sequence[Row]]


def resources(claim: Claim, origin: Origin, patient: str, known: Known | None = None) -> list[Resource]:
    """The visit and what belongs to it, in the record of `patient` (an id): Coverage, Encounter, Condition, Observation,
    MedicationRequest, Procedure, DiagnosticReport, Composition, ExplanationOfBenefit, Provenance. Ids are made of the facility and
    MA_LK, so the same claim gives the same resources. What the claim says of the person is `of_visit.person`."""
    head: Row = next(iter(claim.get("XML1", ())), {})
    m = Made(origin, head.get("MA_LK", "").strip(), patient, known=known or {})
    table = {name: list(claim.get(name, ())) for name in TABLES}
    cards = of_visit.covers(m, head)
    visit = of_visit.encounter(m, head, cards)
    of_visit.conditions(m, head, visit)
    of_visit.measures(m, head)
    drugs(m, table["XML2"])
    procedures(m, table["XML3"], head)
    results(m, table["XML4"], table["XML3"])
    notes(m, table["XML5"], head.get("NGAY_RA", ""))
    for name in PAPERS:
        papers(m, name, table[name], head.get("NGAY_RA", ""))
    amounts(m, head, table["XML2"], table["XML3"], cards)
    return m.out


def provenance(m_base: str, origin: Origin, patient: str, at: str, made: Sequence[Mapping[str, Any]]) -> Resource:
    """Who told the record: the facility that sent the claim, by which receipt."""
    return {
        "resourceType": "Provenance", "id": f"{m_base}-pv",
        "target": [{"reference": f"Patient/{patient}"}, *({"reference": f"{r['resourceType']}/{r['id']}"} for r in made)],
        "recorded": at,
        "activity": {"text": "Hồ sơ khám bệnh, chữa bệnh nhận qua trục dữ liệu y tế"},
        "agent": [{"type": {"text": "Cơ sở gửi"}, "who": origin.reference}],
        "entity": [{"role": "source", "what": {"identifier": {"value": origin.receipt or "–"}, "display": "Tệp hồ sơ"}}],
    }  # fmt: skip
