"""What the record of one visit consists of, to the last version and file, and taking its bodies away: the last step of a
destruction (docs/why/destruction.md). What may be taken is looked at here and, once more and by itself, in the database
(record_destroy).

It stays what a person's care goes on from: allergies, vaccinations, plans and goals, the problem list, and a diagnosis that another
visit names. It stays what is no part of the record: bills, tasks, messages, the trail, the minutes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from longbien.base import clock
from longbien.base.ids import key64, patient_key
from longbien.base.sql import queries
from longbien.fhir import definitions, json
from longbien.record.engine import Engine
from longbien.record.search.keys import param_key
from longbien.record.types import number, type_name

Q = queries(__file__, "../sql/rights.sql")
STATES = "https://longbien.org/fhir/CodeSystem/record-state"
"""Steps of a record (closed, archived): their Provenances stay, as the minutes do."""
TYPES = (
    "ClinicalImpression", "Composition", "Condition", "DeviceRequest", "DiagnosticReport", "DocumentReference", "ImagingStudy",
    "Media", "MedicationAdministration", "MedicationRequest", "MedicationStatement", "NutritionOrder", "Observation", "Procedure",
    "QuestionnaireResponse", "RiskAssessment", "ServiceRequest", "Specimen",
)  # fmt: skip
"""Types of the resources that go, where they name the visit."""
_FILE = re.compile(rb'"Binary/([A-Za-z0-9\-.]{1,64})"')


def _type(name: str) -> int:
    found = number(name)
    assert found is not None
    return found


def _params() -> list[int]:
    """The parameters by which one of TYPES names a visit."""
    found = ((t, code) for t in TYPES for code, p in definitions.search_params(t).items() if "Encounter" in (p.targets or ()))
    return [param_key(f"{t}.{code}") for t, code in found]


@dataclass
class Belongings:
    """rows: rid -> (type, id) of what goes. stays: what names the visit and stays, with why."""

    visit: str
    patient: str
    rows: dict[int, tuple[str, str]] = field(default_factory=dict)
    stays: list[tuple[str, str]] = field(default_factory=list)

    @property
    def names(self) -> set[str]:
        return {f"{t}/{i}" for t, i in self.rows.values()}


async def gather(engine: Engine, connection: Any, visit: str, patient: str) -> Belongings:
    """Everything that the record of this visit consists of."""
    out, pat = Belongings(visit, patient), patient_key(patient)
    head = await connection.fetchrow(Q.gone_visit, visit, _type("Encounter"), pat)
    if head is None:
        return out
    out.rows[head["rid"]] = ("Encounter", visit)
    types = [_type(t) for t in TYPES]
    for row in await connection.fetch(Q.gone_of_visit, _type("Encounter"), visit, pat, types, _params()):
        out.rows[row["rid"]] = (type_name(row["type"]), row["id"])
    for row in await connection.fetch(Q.gone_deleted, pat, types):
        if f'"Encounter/{visit}"'.encode() in await engine.unpack(row["body"]):
            out.rows[row["rid"]] = (type_name(row["type"]), row["id"])
    await _spare(engine, connection, out)
    await _files(engine, connection, out)
    await _said(engine, connection, out)
    return out


async def _bodies(engine: Engine, connection: Any, rids: Iterable[int]) -> list[tuple[int, bytes]]:
    """(rid, body) of every version that has one."""
    rows = await connection.fetch(Q.gone_bodies, list(rids))
    return [(r["rid"], await engine.unpack(r["body"])) for r in rows]


async def _spare(engine: Engine, connection: Any, out: Belongings) -> None:
    """Conditions that the care goes on from stay."""
    own = {rid: i for rid, (t, i) in out.rows.items() if t == "Condition"}
    if not own:
        return
    named = await connection.fetch(
        Q.gone_named, param_key("Encounter.diagnosis"), _type("Condition"), list(own.values()), out.visit
    )
    elsewhere = {r["id"] for r in named}
    listed = set()
    for rid, body in await _bodies(engine, connection, own):
        categories = json.loads(body, strict=False).get("category") or ()
        if any(c.get("code") == "problem-list-item" for x in categories for c in x.get("coding") or ()):
            listed.add(rid)
    for rid, id_ in own.items():
        if rid in listed or id_ in elsewhere:
            out.stays.append((f"Condition/{id_}", "problem list" if rid in listed else "another visit names it"))
            del out.rows[rid]


async def _files(engine: Engine, connection: Any, out: Belongings) -> None:
    documents = [rid for rid, (t, _) in out.rows.items() if t == "DocumentReference"]
    ids = {m.decode() for _, body in await _bodies(engine, connection, documents) for m in _FILE.findall(body)}
    for row in await connection.fetch(Q.gone_by_id, _type("Binary"), sorted(ids)):
        out.rows[row["rid"]] = ("Binary", row["id"])


async def _said(engine: Engine, connection: Any, out: Belongings) -> None:
    """Provenances that speak of nothing but what goes: who signed, the drawn signature, who changed what."""
    wanted = [t for t, _ in out.rows.values()], [i for _, i in out.rows.values()]
    asked = [_type(t) for t in wanted[0]]
    rows = await connection.fetch(
        Q.gone_said, param_key("Provenance.target"), asked, wanted[1], _type("Provenance"), patient_key(out.patient)
    )  # fmt: skip
    bodies: dict[int, list[dict[str, Any]]] = {}
    for rid, body in await _bodies(engine, connection, [r["rid"] for r in rows]):
        bodies.setdefault(rid, []).append(json.loads(body, strict=False))
    names, by_rid = out.names, {r["rid"]: r["id"] for r in rows}
    for rid, versions in bodies.items():
        targets = {_plain(t) for v in versions for t in v.get("target") or ()}
        step = any(c.get("system") == STATES for v in versions for c in (v.get("activity") or {}).get("coding") or ())
        if not step and all(t in names or t == f"Patient/{out.patient}" for t in targets):
            out.rows[rid] = ("Provenance", by_rid[rid])


def _plain(reference: Any) -> str:
    return str((reference or {}).get("reference") or "").partition("/_history/")[0]


async def take_away(engine: Engine, minutes: int, visit: str, patient: str) -> tuple[int, int]:
    """(resources, bodies) that went, in one transaction. Raises Conflict: the database does not allow it, or something changed."""
    async with engine.db.transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", key64(f"Encounter/{visit}"))  # nothing is added meanwhile
        found = await gather(engine, connection, visit, patient)
        rids = sorted(found.rows)
        versions = await connection.fetch(Q.gone_versions, rids)
        frames = [engine.codec.pack(_frame(*found.rows[v["rid"]], v["ver"], v["upd"], minutes)) for v in versions]
        gone: int = await connection.fetchval(
            Q.gone_destroy, minutes, visit, _type("Encounter"), key64(f"Encounter/{visit}"), patient_key(patient), _type("Binary"),
            _type("Provenance"), rids, [v["rid"] for v in versions], [v["ver"] for v in versions], frames,
        )  # fmt: skip
    return len(rids), gone


def _frame(kind: str, id_: str, version: int, at: Any, minutes: int) -> bytes:
    tag = {"system": STATES, "code": "destroyed", "display": f"Đã tiêu huỷ theo biên bản số {minutes}"}
    meta = {"versionId": str(version), "lastUpdated": clock.instant(at), "tag": [tag]}
    return json.dumps({"resourceType": kind, "id": id_, "meta": meta})
