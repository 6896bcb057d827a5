"""Correcting what a patient asks to correct: a new version with its Provenance, never an overwrite; what was stays to be seen."""

from __future__ import annotations

from datetime import date
from typing import Any

from longbien.base import clock
from longbien.base.errors import Invalid
from longbien.base.ids import new_id
from longbien.fhir import json
from longbien.record.change import Change, Create, Update
from longbien.record.store import Store

from ..actor import Actor
from ..door import Door
from . import filing
from .request import Request

_OPERATION = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"


def correction(patient: dict[str, Any], field: str, value: str) -> dict[str, Any]:
    """The Patient with one thing put right; what it was stays in the version before. field: name, birthDate, phone, address. Raises
    Invalid."""
    said = " ".join(value.split())
    if not said:
        raise Invalid("Say what it shall be.", code="required")
    if field == "name":
        parts = said.split()
        if len(parts) < 2 or len(said) > 200:
            raise Invalid("A name has at least a family name and a given name.", code="value")
        kept = [n for n in patient.get("name") or () if n.get("use") not in (None, "official")]
        return {**patient, "name": [{"use": "official", "text": said, "family": parts[0], "given": parts[1:]}, *kept]}
    if field == "birthDate":
        try:
            born = date.fromisoformat(said)
        except ValueError:
            raise Invalid("A birth date is written as year-month-day.", code="value") from None
        if not date(1890, 1, 1) <= born <= clock.local(clock.now()).date():
            raise Invalid("Nobody living was born then.", code="value")
        return {**patient, "birthDate": said}
    if field == "phone":
        digits = said.replace(" ", "").replace(".", "")
        if not (digits.lstrip("+").isdigit() and 9 <= len(digits) <= 13):
            raise Invalid("A telephone number has 10 digits.", code="value")
        others = [t for t in patient.get("telecom") or () if t.get("system") != "phone"]
        return {**patient, "telecom": [{"system": "phone", "value": digits, "use": "mobile", "rank": 1}, *others]}
    if field == "address":
        if len(said) > 300:
            raise Invalid("An address has at most 300 characters.", code="too-long")
        old = [a for a in patient.get("address") or () if a.get("use") == "old"]
        return {**patient, "address": [{"use": "home", "text": said}, *old]}
    raise Invalid("This cannot be corrected here.", code="value")


async def correct(door: Door, actor: Actor, id_: str, field: str, value: str, text: str) -> Request:
    """Grant a request for correction of who somebody is: a new version of the Patient, the Provenance that says why, the answer, in
    one commit. Raises as `answer` does."""
    store = Store(door.engine, filing.deciding(door, actor, "correcting what a patient asked to correct"))
    found, _ = await filing.one(store, id_)
    if found.kind != "correct":
        raise Invalid("This request does not ask for a correction.", code="value")
    stored = await store.read("Patient", found.patient)
    after = correction(json.loads(stored.body), field, value)
    agent: dict[str, Any] = {"who": {"display": actor.name}}
    if actor.practitioner:
        agent["who"] = {"reference": f"Practitioner/{actor.practitioner}", "display": actor.name}
    provenance = {
        "resourceType": "Provenance",
        "target": [{"reference": f"Patient/{found.patient}/_history/{stored.version + 1}"}, {"reference": f"Task/{id_}"}],
        "recorded": clock.instant(clock.now()),
        "reason": [{"text": found.text or "correction"}],
        "activity": {"coding": [{"system": _OPERATION, "code": "UPDATE"}], "text": "Đính chính"},
        "agent": [agent],
        "entity": [{"role": "revision", "what": {"reference": f"Patient/{found.patient}/_history/{stored.version}"}}],
    }  # fmt: skip
    changes: list[Change] = [Update(after, if_match=stored.version), Create(provenance, id=new_id())]
    return await filing.answer(door, actor, id_, "grant", text, more=changes)
