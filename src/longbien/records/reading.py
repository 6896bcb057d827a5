"""What a page reads of the record, through the reader's own store: what they may not see is not on it."""

from __future__ import annotations

from typing import Any

from longbien.base.errors import Gone, NotFound
from longbien.fhir import json
from longbien.fhir import systems as s
from longbien.record.store import Store
from longbien.web.forms import catalogue

from . import official
from .papers import CODES, Resource, Sources, kind_of, kinds

PROGRESS = "11506-3"


def reference_id(reference: Any) -> str:
    """The id of `Type/id`; "" where there is none."""
    return str((reference or {}).get("reference") or "").rpartition("/")[2]


async def read(store: Store, type_: str, id_: str) -> dict[str, Any]:
    """A resource; {} where there is none, where it is hidden, or the reader may not read such."""
    if not id_ or not store.scope.may_get(type_):
        return {}
    try:
        found: dict[str, Any] = json.loads((await store.read(type_, id_)).body, strict=False)
    except (NotFound, Gone):
        return {}
    return found


async def listed(store: Store, type_: str, params: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """What a search finds, oldest first; [] where the reader may not search such."""
    if not store.scope.may_search(type_):
        return []
    page = await store.search(type_, [*params, ("_count", "500")])
    return [json.loads(e.body, strict=False) for e in page.matches][::-1]


async def sources(store: Store, composition: Resource) -> Sources:
    """Everything that the page of this Composition stands on."""
    kind = kind_of(composition)
    patient = reference_id(composition.get("subject"))
    encounter = reference_id(composition.get("encounter"))
    out = Sources(composition, patient=await read(store, "Patient", patient), encounter=await read(store, "Encounter", encounter))
    custodian = reference_id(composition.get("custodian")) or reference_id(out.encounter.get("serviceProvider"))
    out.facility = await read(store, "Organization", custodian)
    out.parent = str((out.facility.get("partOf") or {}).get("display") or "")
    covers = await listed(store, "Coverage", [("beneficiary", f"Patient/{patient}"), ("status", "active")])
    out.coverage = covers[-1] if covers else {}
    if encounter:
        out.conditions = await _conditions(store, out.encounter, encounter)
    if kind is not None and kind.code == "prescription":
        out.drugs = await _drugs(store, composition)
        out.weight = await _weight(store, patient)
    if kind is not None and kind.code == "treatment-sheet" and encounter:
        out.notes = await _notes(store, composition, encounter)
    if kind is not None and kind.code == "record":
        relatives = await listed(store, "RelatedPerson", [("patient", f"Patient/{patient}"), ("active", "true")])
        out.relative = relatives[0] if relatives else {}
        out.response = await read(store, "QuestionnaireResponse", official.response_of(composition))
        if out.response:
            out.form = await catalogue.of(store, official.canonical(composition))
    return out


async def _conditions(store: Store, encounter: Resource, id_: str) -> list[dict[str, Any]]:
    """Those that the visit names, wherever they were first recorded; else those recorded in it."""
    named = [reference_id(d.get("condition")) for d in encounter.get("diagnosis") or ()]
    if named:
        return await listed(store, "Condition", [("_id", ",".join(n for n in named if n))])
    return await listed(store, "Condition", [("encounter", f"Encounter/{id_}"), ("_sort", "-recorded-date")])


async def _drugs(store: Store, composition: Resource) -> list[dict[str, Any]]:
    ids = [
        str(e["reference"]).rpartition("/")[2]
        for part in composition.get("section") or ()
        for e in part.get("entry") or ()
        if str(e.get("reference") or "").startswith("MedicationRequest/")
    ]
    found = {d["id"]: d for d in await listed(store, "MedicationRequest", [("_id", ",".join(ids[:100]))])} if ids else {}
    return [found[i] for i in ids if i in found]


async def _weight(store: Store, patient: str) -> str:
    params = [("patient", f"Patient/{patient}"), ("code", f"{s.LOINC}|29463-7"), ("_sort", "-date")]
    found = await listed(store, "Observation", params)
    value = (found[-1].get("valueQuantity") or {}).get("value") if found else None
    return f"{value} kg".replace(".", ",") if value is not None else ""


async def _notes(store: Store, composition: Resource, encounter: str) -> list[dict[str, Any]]:
    """The notes that a treatment sheet names, oldest first; of one that says nothing itself, every progress note of the visit."""
    wanted = [
        str(e["reference"]).rpartition("/")[2]
        for part in composition.get("section") or ()
        for e in part.get("entry") or ()
        if str(e.get("reference") or "").startswith("Composition/")
    ]
    if wanted:
        found = await listed(store, "Composition", [("_id", ",".join(wanted[:200]))])
    elif any((part.get("text") or {}).get("div") for part in composition.get("section") or ()):
        return []
    else:
        asked = [("encounter", f"Encounter/{encounter}"), ("type", f"{s.LOINC}|{PROGRESS}"), ("_sort", "-date")]
        found = await listed(store, "Composition", asked)
    return sorted((n for n in found if n.get("status") != "entered-in-error"), key=lambda n: str(n.get("date") or ""))


async def papers_of(store: Store, patient: str, encounter: str = "") -> list[dict[str, Any]]:
    """The Compositions of a patient (of one visit) that are papers, newest first."""
    wanted = ",".join(f"{CODES}|{code}" for code in kinds())
    params = [("patient", f"Patient/{patient}"), ("type", wanted), ("_sort", "-date")]
    if encounter:
        params.append(("encounter", f"Encounter/{encounter}"))
    return (await listed(store, "Composition", params))[::-1]
