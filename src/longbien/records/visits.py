"""The record of one visit as a whole: how far it has come, closing it, adding to it afterwards, and its paper "bệnh án"."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from longbien.access.rights.retention import kept
from longbien.base import clock
from longbien.base.errors import Conflict, Invalid, NotFound
from longbien.base.ids import new_id
from longbien.record.change import Create
from longbien.record.store import Store

from . import guards, papers, states
from .actions import Desk, narrative, role_code
from .reading import listed, papers_of, read, reference_id

READ = (
    "Condition", "Observation", "DiagnosticReport", "Procedure", "MedicationRequest", "MedicationAdministration", "ServiceRequest",
    "Composition", "ImagingStudy",
)  # fmt: skip


@dataclass
class Visit:
    """of: resource type -> what the record holds of this visit, oldest first."""

    id: str
    encounter: dict[str, Any]
    patient: dict[str, Any]
    state: str
    since: datetime | None
    facility: dict[str, Any]
    coverage: dict[str, Any] = field(default_factory=dict)
    relative: dict[str, Any] = field(default_factory=dict)
    of: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    allergies: list[dict[str, Any]] = field(default_factory=list)
    until: date | None = None

    @property
    def closed(self) -> bool:
        return self.state in (states.CLOSED, states.ARCHIVED, states.DESTROYED)


async def visit(store: Store, patient: str, id_: str, *, whole: bool = False) -> Visit:
    """The record of a visit of this patient; `whole`: with everything in it. Raises NotFound."""
    encounter = await read(store, "Encounter", id_)
    if not encounter or reference_id(encounter.get("subject")) != patient:
        raise NotFound("There is no such visit.")
    rows = await store.engine.db.fetch(guards.Q.states, guards.visit_key(id_))
    state = str(rows[-1]["state"]) if rows else states.begun(encounter)
    out = Visit(
        id_, encounter, await read(store, "Patient", patient), state, rows[-1]["at"] if rows else None,
        await read(store, "Organization", reference_id(encounter.get("serviceProvider"))),
    )  # fmt: skip
    if whole:
        await _fill(store, out, patient)
    conditions = out.of["Condition"] if whole else await listed(store, "Condition", [("encounter", f"Encounter/{id_}")])
    held = kept(encounter, conditions)
    out.until = held.until if held is not None else None
    return out


async def _fill(store: Store, out: Visit, patient: str) -> None:
    for type_ in READ:
        params = [("encounter", f"Encounter/{out.id}")]
        out.of[type_] = await listed(store, type_, params)
    named = [reference_id(d.get("condition")) for d in out.encounter.get("diagnosis") or ()]
    missing = [n for n in named if n and n not in {c["id"] for c in out.of["Condition"]}]
    if missing:
        out.of["Condition"] += await listed(store, "Condition", [("_id", ",".join(missing))])
    out.allergies = await listed(store, "AllergyIntolerance", [("patient", f"Patient/{patient}")])
    covers = await listed(store, "Coverage", [("beneficiary", f"Patient/{patient}"), ("status", "active")])
    out.coverage = covers[-1] if covers else {}
    relatives = await listed(store, "RelatedPerson", [("patient", f"Patient/{patient}"), ("active", "true")])
    out.relative = relatives[0] if relatives else {}


async def move(desk: Desk, one: Visit, wanted: str, why: str) -> None:
    """Close a record, archive a closed one. Raises Invalid: no reason, a visit that goes on, a step that does not follow (also
    where somebody else was first)."""
    if not why.strip():
        raise Invalid("Say in a few words why.", status=422)
    if not states.may_follow(one.state, wanted):
        raise Conflict(f"A record that is {one.state} does not become {wanted}.")
    if wanted == states.CLOSED and one.encounter.get("status") not in ("finished", "cancelled", "entered-in-error"):
        raise Invalid("The visit still goes on: it is closed after it has ended.", status=422)
    at = clock.instant(clock.now())
    who: dict[str, Any] = {"display": desk.actor.name}
    if desk.actor.practitioner:
        who["reference"] = f"Practitioner/{desk.actor.practitioner}"
    made = {
        "resourceType": "Provenance", "id": new_id(),
        "target": [{"reference": f"Encounter/{one.id}"}, {"reference": f"Patient/{one.patient['id']}"}], "occurredDateTime": at,
        "recorded": at, "reason": [{"text": why.strip()[:500]}],
        "activity": {"coding": [{"system": states.STATES, "code": wanted}]}, "agent": [{"who": who}],
    }  # fmt: skip
    await desk.store.commit([Create(made, id=str(made["id"]))])


async def add(desk: Desk, one: Visit, title: str, text: str, why: str, once: str) -> str:
    """An addendum to a closed record; gives the id of its Composition (the same for the same `once`). Raises Invalid."""
    if not text.strip():
        raise Invalid("Nothing is written yet.", status=422)
    if not why.strip():
        raise Invalid("Say why this is added after closing.", status=422)
    who: dict[str, Any] = {"display": desk.actor.name}
    if desk.actor.practitioner:
        who["reference"] = f"Practitioner/{desk.actor.practitioner}"
    made: dict[str, Any] = {
        "resourceType": "Composition", "id": once, "extension": [{"url": papers.ADDENDUM_REASON, "valueString": why.strip()[:500]}],
        "status": "final", "type": role_code(papers.kinds()["treatment-sheet"]),
        "subject": {"reference": f"Patient/{one.patient['id']}"}, "encounter": {"reference": f"Encounter/{one.id}"},
        "date": clock.instant(clock.now()), "author": [who], "title": title.strip()[:100] or "Bổ sung sau khi đóng hồ sơ",
        "section": [{"title": "Bổ sung", "text": narrative(text.strip()[:8000].split("\n"))}],
    }  # fmt: skip
    if one.facility.get("id"):
        made["custodian"] = {"reference": f"Organization/{one.facility['id']}", "display": str(one.facility.get("name") or "")}
    with contextlib.suppress(Conflict):  # the same form sent twice
        await desk.store.commit([Create(made, id=once)])
    return once


def record_paper(one: Visit, author: dict[str, Any], now: datetime) -> dict[str, Any]:
    """The paper "bệnh án" (TT 32/2023/TT-BYT, annex XXVIII) of a visit, from what the record holds: a Composition."""
    parts: list[dict[str, Any]] = []

    def part(title: str, lines: list[str]) -> None:
        if any(x.strip() for x in lines):
            parts.append({"title": title, "text": narrative([x for x in lines if x.strip()])})

    reason = [str(r.get("text") or "") for r in one.encounter.get("reasonCode") or ()]
    part("I. Lý do vào viện", reason)
    notes = [n for n in one.of["Composition"] if papers.kind_of(n) is None and n.get("status") != "entered-in-error"]
    first, last = (notes[0] if notes else {}), (notes[-1] if notes else {})
    part("II. Bệnh sử và khám lúc vào", _told(first))
    part("Tiền sử dị ứng", [str((a.get("code") or {}).get("text") or "") for a in one.allergies] or ["Chưa ghi nhận."])
    part("III. Kết quả cận lâm sàng", [_reported(r) for r in one.of["DiagnosticReport"]][:40])
    part("IV. Phẫu thuật, thủ thuật", [str((p.get("code") or {}).get("text") or "") for p in one.of["Procedure"]])
    drugs = dict.fromkeys(papers.drug_line(d) for d in one.of["MedicationRequest"])
    part("V. Thuốc đã dùng", list(drugs)[:60])
    if last is not first:
        part("B. Tổng kết bệnh án", _told(last))
    made: dict[str, Any] = {
        "resourceType": "Composition", "status": "final", "type": role_code(papers.kinds()["record"]),
        "subject": {"reference": f"Patient/{one.patient['id']}"}, "encounter": {"reference": f"Encounter/{one.id}"},
        "date": clock.instant(now), "author": [author], "title": "Bệnh án", "section": parts,
    }  # fmt: skip
    if not parts:
        made.pop("section")
    if one.facility.get("id"):
        made["custodian"] = {"reference": f"Organization/{one.facility['id']}", "display": str(one.facility.get("name") or "")}
    return made


def _told(note: dict[str, Any]) -> list[str]:
    return [f"{x.title}: {' '.join(x.lines)}" for x in papers.sections(note) if x.lines] if note else []


def _reported(report: dict[str, Any]) -> str:
    name = str((report.get("code") or {}).get("text") or "")
    said = str(report.get("conclusion") or "")
    at = papers.day(str(report.get("effectiveDateTime") or report.get("issued") or "")[:10])
    return f"{at} {name}" + (f": {said}" if said else "")


async def make_paper(desk: Desk, one: Visit, once: str) -> str:
    """Write the "bệnh án" of a visit into the record; gives its id. Where one stands already, that one."""
    existing = [
        c
        for c in await papers_of(desk.store, str(one.patient["id"]), one.id)
        if (k := papers.kind_of(c)) is not None and k.code == "record"
    ]
    if existing:
        return str(existing[0]["id"])
    who: dict[str, Any] = {"display": desk.actor.name}
    if desk.actor.practitioner:
        who["reference"] = f"Practitioner/{desk.actor.practitioner}"
    made = record_paper(one, who, clock.now()) | {"id": once}
    with contextlib.suppress(Conflict):
        await desk.store.commit([Create(made, id=once)])
    return once
