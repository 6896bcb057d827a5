"""Correcting what was written about a patient's care, when the patient asks for it: whoever may write the chart adds to the entry
what is right and why, or marks it as entered in error. The version before stays, a Provenance says what led to it, and the patient
is told; the request itself is answered by the records office. (Correction: law 91/2025/QH15 on protecting personal data.)"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from markupsafe import escape

from longbien.base import clock
from longbien.base.errors import Conflict, Forbidden, Invalid, NotFound
from longbien.base.ids import FHIR_ID, new_id, patient_key
from longbien.base.words import words
from longbien.fhir import json
from longbien.record.change import Change, Create, Manner, Update
from longbien.record.sensitive import CONFIDENTIALITY
from longbien.record.store import Store

from ..actor import Actor
from ..door import Door
from ..roles import CHART_WRITE
from . import filing
from .request import Request

LONGEST = 2000
FEWEST = 3
_OPERATION = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
NOTED = ("Condition", "AllergyIntolerance", "Procedure", "Immunization", "MedicationStatement", "ClinicalImpression", "Observation")
"""Types that hold what is added as a note of theirs."""
AMENDABLE = ("Condition", "AllergyIntolerance", "Composition", *NOTED[2:-1], "DiagnosticReport", "Observation")
"""In the order in which people ask about them."""
_VERIFIED = {"Condition": "condition-ver-status", "AllergyIntolerance": "allergyintolerance-verification"}
EACH = 15


class Addendum(NamedTuple):
    """said: what is right. reason: why it was wrong, or how that is known. wrong: the whole entry does not belong there. who: FHIR
    Reference of the author."""

    said: str
    reason: str
    wrong: bool
    who: dict[str, str]


class Entry(NamedTuple):
    """What may be amended: an entry of the own facility, with the version that was looked at."""

    type: str
    id: str
    version: int
    body: dict[str, Any]


def amended(resource: dict[str, Any], more: Addendum, now: datetime) -> dict[str, Any]:
    """The resource with what is added; the given one stays as it is. Raises Invalid: it says nothing, or the entry is marked as an
    error already. Pure."""
    type_ = resource["resourceType"]
    said, reason = " ".join(more.said.split()), " ".join(more.reason.split())
    if not (FEWEST <= len(said) <= LONGEST and FEWEST <= len(reason) <= LONGEST):
        raise Invalid("Say what is right, and why.", code="required")
    if type_ not in AMENDABLE:
        raise Invalid("This kind of entry is not amended here.", code="value")
    if _is_error(resource):
        raise Invalid("This entry is marked as entered in error already.", code="business-rule")
    text = f"Đính chính theo yêu cầu của người bệnh: {said} Lý do: {reason}"
    after = dict(resource)
    if type_ in NOTED:
        author = {"authorReference": more.who} if more.who.get("reference") else {"authorString": more.who.get("display", "")}
        after["note"] = [*(resource.get("note") or ()), {**author, "time": clock.instant(now), "text": text}]
    elif type_ == "Composition":
        div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{escape(text)}</p></div>'
        section = {"title": "Đính chính", "author": [more.who], "text": {"status": "generated", "div": div}}
        after["section"] = [*(resource.get("section") or ()), section]
    else:
        after["conclusion"] = "\n\n".join(x for x in (str(resource.get("conclusion") or ""), text) if x)
    return _error(after) if more.wrong else _marked(after)


def _is_error(resource: dict[str, Any]) -> bool:
    verified = (resource.get("verificationStatus") or {}).get("coding") or ()
    return resource.get("status") == "entered-in-error" or any(c.get("code") == "entered-in-error" for c in verified)


def _marked(after: dict[str, Any]) -> dict[str, Any]:
    """Amended by name, where R4 has a state for it and the entry was finished."""
    has = {"Observation": ("final", "amended"), "DiagnosticReport": ("final", "amended"), "Composition": ("final", "amended")}
    if after.get("status") in has.get(after["resourceType"], ()):
        after["status"] = "amended"
    return after


def _error(after: dict[str, Any]) -> dict[str, Any]:
    """R4: a Condition or allergy that is an error has no clinical status (con-5, ait-2); elsewhere the status says it."""
    system = _VERIFIED.get(after["resourceType"])
    if system is None:
        return {**after, "status": "entered-in-error"}
    coding = {"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": "entered-in-error"}
    return {**{k: v for k, v in after.items() if k != "clinicalStatus"}, "verificationStatus": {"coding": [coding]}}


async def open_requests(store: Store, actor: Actor, patient: str) -> list[Request]:
    """What this patient asks the own facility to correct, and is not answered yet; what is due first at the top."""
    asked = [r for r in await filing.of_patient(store, patient) if r.kind == "correct" and r.open]
    return sorted((r for r in asked if r.facility == actor.organization), key=lambda r: (r.next_due, r.filed))


async def entries(store: Store, patient: str) -> list[Entry]:
    """The newest entries of each kind that were made at the reader's own facility and are no errors, kind by kind."""
    found: list[tuple[int, Entry]] = []
    for type_ in AMENDABLE:
        if not store.scope.may("update", type_):
            continue
        page = await store.search(type_, [("_sort", "-_lastUpdated"), ("_count", str(EACH))], patient=patient)
        found += [(e.rid, Entry(type_, e.id, e.version, json.loads(e.body))) for e in page.matches]
    ours = await _ours(store, [rid for rid, _ in found])
    return [e for rid, e in found if rid in ours and not _is_error(e.body)]


async def _ours(store: Store, rids: Sequence[int]) -> set[int]:
    """Of these rows, those made at the facility of the scope."""
    if store.scope.org is None:
        return set()
    sql = "SELECT rid FROM head WHERE rid = ANY($1::bigint[]) AND org = $2"
    return {r["rid"] for r in await store.engine.db.fetch(sql, list(rids), store.scope.org)}


async def amend(
    door: Door, actor: Actor, patient: str, task_id: str, entry: tuple[str, str, int], said: str, reason: str, *, wrong: bool
) -> None:  # fmt: skip
    """One commit: the entry's new version, its Provenance, the step in the request, the notice to the patient. entry: (type, id,
    the version that was looked at). Raises Forbidden, NotFound, Invalid, Conflict (the request is answered), PreconditionFailed
    (somebody changed the entry meanwhile)."""
    if not actor.may(CHART_WRITE):
        raise Forbidden(f"{actor.name} may not amend what stands in the record.")
    why = await door.why(actor, patient) if FHIR_ID.match(patient) else None
    if why is None:
        raise NotFound("There is no such record, or it is not open to you.")
    store = Store(door.engine, door.scope(actor, reason=why))
    found, task = await filing.one(store, task_id)
    if found.kind != "correct" or found.patient != patient or found.facility != actor.organization:
        raise NotFound("There is no such request.")
    if not found.open:
        raise Conflict("This request is answered already.")
    type_, id_, version = entry
    if type_ not in AMENDABLE or not FHIR_ID.match(id_):
        raise NotFound("There is no such entry.")
    stored = await store.read(type_, id_)
    if stored.pat != patient_key(patient) or stored.rid not in await _ours(store, [stored.rid]):
        raise NotFound("There is no such entry of this facility.")
    now, who = clock.now(), _who(actor)
    after = amended(json.loads(stored.body), Addendum(said, reason, wrong, who), now)
    step = {"authorString": actor.name, "time": clock.instant(now), "text": f"amend: “{title(after)}”: {' '.join(said.split())}"}
    changes: list[Change] = [
        Update(after, if_match=version),
        Create(_provenance(found, type_, id_, version, reason, wrong, who, now), id=new_id()),
        Update({**task, "note": [*(task.get("note") or ()), step], "lastModified": clock.instant(now)}, if_match=found.version),
        Create(_notice(found, task, actor, after, said, wrong, now), id=new_id()),
    ]
    await store.commit(changes, Manner(why=f"{why}: amended as the patient asked (Task/{task_id})"))


def _who(actor: Actor) -> dict[str, str]:
    reference = {"reference": f"Practitioner/{actor.practitioner}"} if actor.practitioner else {}
    return {**reference, "display": actor.name}


def _provenance(
    asked: Request, type_: str, id_: str, version: int, reason: str, wrong: bool, who: dict[str, str], now: datetime
) -> dict[str, Any]:  # fmt: skip
    return {
        "resourceType": "Provenance",
        # the patient, too: it is by a target that a Provenance belongs to a record (R4 compartment)
        "target": [
            {"reference": f"{type_}/{id_}/_history/{version + 1}"}, {"reference": f"Task/{asked.id}"},
            {"reference": f"Patient/{asked.patient}"},
        ],
        "recorded": clock.instant(now),
        "reason": [{"text": " ".join(reason.split())}],
        "activity": {
            "coding": [{"system": _OPERATION, "code": "NULLIFY" if wrong else "UPDATE"}],
            "text": "Đính chính theo yêu cầu của người bệnh",
        },
        "agent": [{"who": who}],
        "entity": [{"role": "revision", "what": {"reference": f"{type_}/{id_}/_history/{version}"}}],
    }  # fmt: skip


def title(resource: dict[str, Any]) -> str:
    """What an entry is called, in the record's own words."""
    for name in ("code", "type", "vaccineCode", "medicationCodeableConcept"):
        one = resource.get(name)
        if isinstance(one, dict):
            text = one.get("text") or next((c.get("display") for c in one.get("coding") or () if c.get("display")), None)
            if text:
                return str(resource.get("title") or text)
    return str(resource.get("title") or resource.get("description") or resource["resourceType"])


def _notice(
    asked: Request, task: dict[str, Any], actor: Actor, after: dict[str, Any], said: str, wrong: bool, now: datetime
) -> dict[str, Any]:  # fmt: skip
    """In the patient's language; for them and for the facility, whatever the entry is about."""
    did = "đã đánh dấu là ghi nhầm" if wrong else "đã được bổ sung đính chính"
    text = (
        f"Theo yêu cầu đính chính của ông/bà, mục “{title(after)}” {did}: {' '.join(said.split())} "
        f"Người làm: {actor.name}, ngày {words('vi').date(now)}. Bản ghi cũ vẫn được lưu để đối chiếu."
    )
    return {
        "resourceType": "Communication", "status": "completed",
        "meta": {"security": [{"system": CONFIDENTIALITY, "code": "R", "display": "restricted"}]},
        **{k: v for k, v in filing.notice(asked, text, task).items() if k not in ("resourceType", "status")},
        "about": [{"reference": f"{after['resourceType']}/{after['id']}"}],
    }  # fmt: skip
