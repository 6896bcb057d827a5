"""The International Patient Summary as a document: what a doctor abroad needs to know of somebody. http://hl7.org/fhir/uv/ips

Pure: out of the patient's resources, what belongs into each section, in words (Vietnamese and English) and by reference. Where
nothing is recorded the section says so: nothing recorded is not the same as nothing there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from longbien.base import ids

Resource = dict[str, Any]
LOINC = "http://loinc.org"
COMPOSITION = "http://hl7.org/fhir/uv/ips/StructureDefinition/Composition-uv-ips"
BUNDLE = "http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips"
EMPTY = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
DIV = '<div xmlns="http://www.w3.org/1999/xhtml">'


@dataclass(frozen=True)
class Section:
    """code: LOINC. takes: whether a resource belongs here. required: stands there also when it is empty."""

    code: str
    title: str
    english: str
    takes: Callable[[Resource], bool]
    required: bool = False


def _codes(concept: Any) -> set[str]:
    listed = concept.get("coding", ()) if isinstance(concept, dict) else ()
    return {str(c.get("code")) for c in listed}


def _category(r: Resource) -> set[str]:
    return {code for c in r.get("category", ()) if isinstance(c, dict) for code in _codes(c)}


def _active(r: Resource) -> bool:
    """What still holds: not resolved, not refuted, not entered in error."""
    gone = {"refuted", "entered-in-error"} & _codes(r.get("verificationStatus", {}))
    states = _codes(r.get("clinicalStatus", {}))
    return not gone and (not states or bool(states & {"active", "recurrence", "relapse"}))


MEDICATIONS = ("MedicationRequest", "MedicationStatement")
NAMED = ("Medication", "Device")
"""What lists name, and so comes along."""
PREGNANCY = {"82810-3", "11778-8", "11779-6", "11780-4", "11640-0"}


def _in(states: str, *types: str) -> Callable[[Resource], bool]:
    """Of one of the types, and in one of the states (words)."""
    wanted = states.split()
    return lambda r: r["resourceType"] in types and r.get("status") in wanted


def _observed(category: str) -> Callable[[Resource], bool]:
    return lambda r: r["resourceType"] == "Observation" and category in _category(r)


def _allergy(r: Resource) -> bool:
    return r["resourceType"] == "AllergyIntolerance" and _active(r)


def _problem(r: Resource) -> bool:
    """What holds, but for the diagnosis of one visit that nobody put on the list of problems."""
    of_visit = "encounter-diagnosis" in _category(r) and "problem-list-item" not in _category(r)
    return r["resourceType"] == "Condition" and _active(r) and not of_visit


def _pregnancy(r: Resource) -> bool:
    return r["resourceType"] == "Observation" and bool(_codes(r["code"]) & PREGNANCY)


SECTIONS = (
    Section("48765-2", "Dị ứng", "Allergies and intolerances", _allergy, True),
    Section(
        "10160-0", "Thuốc đang dùng", "Medication summary", _in("active on-hold", "MedicationRequest", "MedicationStatement"), True
    ),
    Section("11450-4", "Vấn đề sức khoẻ", "Problem list", _problem, True),
    Section("11369-6", "Tiêm chủng", "Immunizations", _in("completed", "Immunization")),
    Section("47519-4", "Thủ thuật, phẫu thuật", "History of procedures", _in("completed", "Procedure")),
    Section("46264-8", "Thiết bị trong người", "Medical devices", _in("active", "DeviceUseStatement")),
    Section("10162-6", "Thai sản", "Pregnancy", _pregnancy),
    Section("30954-2", "Kết quả xét nghiệm", "Results", _observed("laboratory")),
    Section("8716-3", "Dấu hiệu sinh tồn", "Vital signs", _observed("vital-signs")),
)


def summary(patient: Resource, resources: Iterable[Resource], now: str, base_url: str) -> Resource:
    """The document Bundle. `now`: an instant. `resources`: what may belong into it, in the order in which it shall be read."""
    sections: list[Resource] = []
    used: dict[str, Resource] = {}
    taken: set[str] = set()
    resources = list(resources)
    named = {_place(r): r for r in resources if r["resourceType"] in NAMED}
    everything = [r for r in resources if r.get("status") != "entered-in-error"]
    for one in SECTIONS:
        own = [r for r in everything if _place(r) not in taken and one.takes(r)]
        if not own and not one.required:
            continue
        used |= {_place(r): r for r in own}
        used |= {at: named[at] for at in (_named(r) for r in own) if at in named}
        taken |= {_place(r) for r in own}
        sections.append(_section(one, own, named))
    author = {"resourceType": "Device", "id": ids.new_id(), "deviceName": [{"name": "Longbien", "type": "user-friendly-name"}]}
    composition = _composition(patient, _place(author), sections, now)
    # Relative references are read beside the fullUrl of the resource that holds them, so all lie under one address.
    entries = [{"fullUrl": f"{base_url}/{_place(r)}", "resource": r} for r in (composition, patient, author, *used.values())]
    return {
        "resourceType": "Bundle", "id": ids.new_id(), "meta": {"profile": [BUNDLE]}, "type": "document", "timestamp": now,
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{ids.new_id()}"}, "entry": entries,
    }  # fmt: skip


def _place(r: Resource) -> str:
    return f"{r['resourceType']}/{r['id']}"


def _composition(patient: Resource, author: str, sections: Sequence[Resource], now: str) -> Resource:
    title = "Tóm tắt hồ sơ người bệnh · Patient summary"
    return {
        "resourceType": "Composition", "id": ids.new_id(), "meta": {"profile": [COMPOSITION]},
        "text": {"status": "generated", "div": f"{DIV}<p>{escape(title)}: {escape(_name(patient))}, {escape(now[:10])}</p></div>"},
        "status": "final", "type": {"coding": [{"system": LOINC, "code": "60591-5", "display": "Patient summary Document"}]},
        "subject": {"reference": _place(patient)}, "date": now, "author": [{"reference": author}], "title": title,
        "confidentiality": "N", "section": list(sections),
    }  # fmt: skip


def _name(patient: Resource) -> str:
    for n in patient.get("name", ()):
        text = n.get("text") or " ".join([str(n.get("family", "")), *map(str, n.get("given", ()))]).strip()
        if text:
            return str(text)
    return ""


def _named(r: Resource) -> str:
    """The drug or the device that it is about, where that is a resource of its own."""
    about = r.get("medicationReference") or r.get("device") or {}
    return str(about.get("reference", ""))


def _section(one: Section, own: Sequence[Resource], named: Mapping[str, Resource]) -> Resource:
    said: Resource = {
        "title": f"{one.title} · {one.english}",
        "code": {"coding": [{"system": LOINC, "code": one.code}], "text": one.english},
    }
    if not own:
        nothing = f"{DIV}<p>Không có ghi nhận · Nothing is recorded</p></div>"
        reason = {"coding": [{"system": EMPTY, "code": "unavailable", "display": "Unavailable"}]}
        return said | {"text": {"status": "generated", "div": nothing}, "emptyReason": reason}
    rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _row(r, named))}</tr>" for r in own)
    table = f"{DIV}<table>{rows}</table></div>"
    return said | {"text": {"status": "generated", "div": table}, "entry": [{"reference": _place(r)} for r in own]}


_WHAT = ("code", "medicationCodeableConcept", "medicationReference", "vaccineCode", "device")
_WHEN = (
    "effectiveDateTime",
    "onsetDateTime",
    "authoredOn",
    "occurrenceDateTime",
    "performedDateTime",
    "recordedDate",
    "recordedOn",
)


def _row(r: Resource, named: Mapping[str, Resource]) -> tuple[str, str, str]:
    """What, how much, since when."""
    about = named.get(_named(r), {})
    what = words(about.get("code") or about.get("type") or {}) or next(
        (words(r[k]) for k in _WHAT if isinstance(r.get(k), dict)), ""
    )
    when = next((str(r[k])[:10] for k in _WHEN if r.get(k)), "")
    for k in ("effectivePeriod", "performedPeriod", "onsetPeriod"):
        when = when or str(r.get(k, {}).get("start", ""))[:10]
    return what or r["resourceType"], _value(r), when


def words(concept: Resource) -> str:
    """A concept's text, or a coding's display or code; a reference's display."""
    listed = concept.get("coding", ())
    shown = next((c.get("display") or c.get("code") for c in listed if c.get("display") or c.get("code")), "")
    return str(concept.get("text") or shown or concept.get("display") or concept.get("reference") or "")


def _value(r: Resource) -> str:
    if "dosageInstruction" in r:
        return "; ".join(str(d["text"]) for d in r["dosageInstruction"] if d.get("text"))
    parts = [_one_value(r), *(f"{words(c.get('code', {}))}: {_one_value(c)}" for c in r.get("component", ()))]
    return "; ".join(p for p in parts if p)


def _one_value(r: Resource) -> str:
    quantity = r.get("valueQuantity")
    if isinstance(quantity, dict):
        return f"{quantity.get('comparator', '')}{quantity.get('value', '')} {quantity.get('unit', '')}".strip()
    if isinstance(r.get("valueCodeableConcept"), dict):
        return words(r["valueCodeableConcept"])
    return str(r.get("valueString", r.get("valueInteger", "")))
